"""A whole run: how wide its samples are, and that its last step draws nothing (E31, E33)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, chi_square, identity, z_of_mean
from diffusion_core.claims.reverse.step import StepFn, neighbours_beta, posterior_step, variance_as_deviation
from diffusion_core.claims.settings import TEN, Pair, Run, Steps, gaussian
from diffusion_core.laws.generated import generated_variance
from diffusion_core.posterior import transition, transitions
from diffusion_core.samplers import ancestral
from diffusion_core.schedule import linear
from diffusion_core.variance import Variance, VarianceChoice, fixed_large, fixed_small, with_last

__all__ = ["LAST_STEP", "LAW"]


def ancestral_run(setting: Run, generator: torch.Generator) -> Tensor:
    """x_0 of the sampler itself."""
    denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
    x = torch.randn((setting.n, 1), generator=generator, dtype=torch.float64)
    for step in ancestral(
        denoiser, setting.schedule, x, setting.timesteps, variance=setting.variance, generator=generator
    ):
        x = step.x_s
    return x


def run_of(step: StepFn) -> Callable[[Run, torch.Generator], Tensor]:
    """x_0 of a run made of one kind of step."""

    def run(setting: Run, generator: torch.Generator) -> Tensor:
        denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
        x = torch.randn((setting.n, 1), generator=generator, dtype=torch.float64)
        for pair in transitions(setting.schedule, setting.timesteps):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype)
            noise = z if pair.s else torch.zeros_like(z)
            x = step(Pair(setting.schedule, pair.t, pair.s), x, denoiser(x, pair.t), noise)
        return x

    return run


def without_noise(at: Pair, x_t: Tensor, eps: Tensor, z: Tensor) -> Tensor:
    """The mean of DDPM with its noise left out, taken for DDIM."""
    return posterior_step(at, x_t, eps, torch.zeros_like(z))


def noisy_to_the_end(setting: Run, generator: torch.Generator) -> Tensor:
    """One more draw of the first step's noise at the very end."""
    x = ancestral_run(setting, generator)
    pair = transition(setting.schedule, setting.timesteps[-1], 0)
    return x + math.sqrt(pair.beta) * torch.randn(x.shape, generator=generator, dtype=x.dtype)


def check_law(run: Callable[[Run, torch.Generator], Tensor], setting: Run, seed: int) -> list[Trial]:
    """Generated samples of Gaussian data are Gaussian; their variance is the exact recursion's."""
    x = run(setting, torch.Generator().manual_seed(seed))
    expected = generated_variance(setting.schedule, setting.timesteps, setting.variance, setting.data_variance)
    return [z_of_mean(x, 0.0, expected), chi_square(x, 0.0, expected)]


LAW = Claim(
    key="E31",
    says="For Gaussian data, the generated variance is exactly what theory says for this number of steps.",
    check=check_law,
    truth=ancestral_run,
    mistakes={
        "the neighbour's β for a long stride": run_of(neighbours_beta),
        "noise added in the last step": noisy_to_the_end,
        "“η = 0” as DDPM without its noise": run_of(without_noise),
        "variance used as deviation": run_of(variance_as_deviation),
    },
    setting=Run(linear(1000), linear(1000).timesteps(10, spacing="trailing"), fixed_large),
)


# --- step 3: the draw ---


def end_of_run(noisy_last: bool, last: VarianceChoice = fixed_large) -> Callable[[Steps, int], tuple[Tensor, Tensor]]:
    """x_1 and x_0 of a run, of Gaussian data."""

    def run(setting: Steps, seed: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
        x_T = torch.randn((64, 1), generator=generator, dtype=torch.float64)
        choice = with_last(fixed_small, last)
        *_, step = ancestral(
            denoiser,
            setting.schedule,
            x_T,
            setting.timesteps,
            variance=choice,
            generator=generator,
            noisy_last=noisy_last,
        )
        return step.x_t, step.x_s

    return run


def check_last_step(run: Callable[[Steps, int], tuple[Tensor, Tensor]], setting: Steps, seed: int) -> list[Trial]:
    """What is returned is E[x_0 | x_1], from the formula for Gaussian data."""
    x_t, x_s = run(setting, seed)
    alpha_bar = setting.schedule.alpha_bar[setting.timesteps[-1]].item()
    lam = setting.data_variance
    return [identity(x_s, math.sqrt(alpha_bar) * lam / (1 + alpha_bar * (lam - 1)) * x_t)]


LAST_STEP = Claim(
    key="E33",
    says="Step 3 draws from p_θ(x_{t−1} | x_t), and the last step draws nothing: it returns x̂₀.",
    check=check_last_step,
    truth=end_of_run(False),
    mistakes={
        "noise of variance β in the last step": end_of_run(True),
        "noise of variance 10⁻⁶ in the last step": end_of_run(True, lambda pair, x_t: Variance(1e-6, math.log(1e-6))),
    },
    setting=TEN,
)
