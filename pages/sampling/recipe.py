"""Sample: the reverse chain from noise to data, with the exact denoiser or a trained network."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from diffusion_core import (
    SCHEDULES,
    NoiseSchedule,
    ReverseStep,
    VarianceChoice,
    ancestral,
    ddim,
    eps_from_x0,
    fixed_large,
    fixed_small,
    learned_range,
    optimal_for,
    optimal_for_network,
    q_sample,
    state_dependent,
    x0_from_eps,
)
from diffusion_core.data.named import named
from diffusion_core.denoisers import Guided, LearnedVariance, Predictor
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.law import Law
from diffusion_core.training.checkpoint import load_denoiser
from diffusion_core.training.recipes import digit_images

PIXELS = (-1.0, 1.0)


def classes(label: str, n: int) -> Tensor:
    """(n,) the digits asked for: one digit n times, or all ten in turn."""
    return torch.arange(n) % 10 if label == "all" else torch.full((n,), int(label))


@torch.no_grad()
def network_losses(network: Predictor, law: Law, timesteps: Sequence[int]) -> dict[int, float]:
    """The loss of a network at each timestep, on data that it has never seen; of digits its guess is clipped."""
    draws, losses = torch.Generator().manual_seed(0), {}
    if isinstance(law, FiniteData):
        images, named_classes = digit_images(held_out=True)
        rows = torch.randperm(len(images), generator=draws)[:24]
        x0, labels = images[rows], named_classes[rows]
    else:
        x0, labels = law.sample(500, draws).float(), None
    for t in timesteps:
        eps = torch.randn(x0.shape, generator=draws)
        x_t = q_sample(network.schedule, x0, t, eps)
        eps_hat = network(x_t, t, labels)
        if labels is not None:
            x0_hat = x0_from_eps(network.schedule, x_t, eps_hat, t).clamp(*PIXELS)
            eps_hat = eps_from_x0(network.schedule, x_t, x0_hat, t)
        losses[t] = (eps - eps_hat).square().mean().item()
    return losses


def variance_of(
    name: str,
    law: Law,
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    *,
    v: float = 0.5,
    network: Predictor | None = None,
) -> VarianceChoice:
    """The variance of DDPM's step by name; those that are optimal are so for this data, or for this network."""
    if name == "optimal" and network is not None:
        return optimal_for_network(network_losses(network, law, timesteps).__getitem__)
    if name == "optimal":
        draws = 16 if isinstance(law, FiniteData) else 500
        return optimal_for(law, schedule, timesteps, n=draws, generator=torch.Generator().manual_seed(0))
    if name == "state":
        return state_dependent(law, schedule)
    choices: Mapping[str, VarianceChoice] = {"small": fixed_small, "large": fixed_large, "learned": learned_range(v)}
    return choices[name]


def sample(
    law: Law,
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    generator: torch.Generator,
    *,
    n: int,
    sampler: str = "ddpm",
    variance: str = "small",
    v: float = 0.5,
    eta: float = 0.0,
    network: Predictor | None = None,
    label: str = "all",
    w: float = 2.0,
) -> Iterator[ReverseStep]:
    """The chosen sampler with the chosen denoiser; a network works in float32, and on digits as pictures."""
    x_T = torch.randn((n, law.dimension), generator=generator, dtype=torch.float64)
    denoiser, clip = law.denoiser(schedule), None
    if network is not None:
        denoiser, x_T = network, x_T.float()
    if network is not None and isinstance(law, FiniteData):
        denoiser, x_T, clip = Guided(network, classes(label, n), w), x_T.reshape(-1, 1, 28, 28), PIXELS
    if sampler == "ddim":
        return ddim(denoiser, schedule, x_T, timesteps, eta=eta, generator=generator, clip=clip)
    if variance == "learned" and network is not None and network.config.learned_variance:
        learned = LearnedVariance(network)
        return ancestral(learned, schedule, x_T, timesteps, variance=learned.variance, generator=generator)
    choice = variance_of(variance, law, schedule, timesteps, v=v, network=network)
    return ancestral(denoiser, schedule, x_T, timesteps, variance=choice, generator=generator, clip=clip)


def main(
    data: str = "eight_gaussians",
    word: str = "DDPM",
    schedule: str = "linear",
    T: int = 1000,
    N: int = 50,
    spacing: str = "trailing",
    seed: int = 0,
    file: str | None = None,
    **chosen: str | float,
) -> None:
    """A run, step by step. ``file``: a network, which brings its schedule; ``chosen``: what else `sample` takes."""
    network = load_denoiser(file) if file else None
    tables, law = network.schedule if network else SCHEDULES[schedule](T), named(data, word).law
    timesteps, generator = tables.timesteps(N, spacing=spacing), torch.Generator().manual_seed(seed)
    n = 16 if data == "digits" else 600
    for step in sample(law, tables, timesteps, generator, n=n, network=network, **chosen):  # type: ignore[arg-type]
        spread, guess = step.x_s.std(), step.x0_hat.std()
        print(f"t = {step.t:4d} -> {step.s:4d}: std of x_s {spread:.3f}, of x0_hat {guess:.3f}")
