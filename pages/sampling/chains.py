"""Runs of a sampler as the lesson shows them: each of their numbers, and how near their samples are to the data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
import torch

from diffusion_core import FiniteData, GaussianMixture, ancestral, ddim, fixed_large, fixed_small
from diffusion_core.denoisers import Denoiser, Guided, LearnedVariance, Predictor
from diffusion_core.forward import q_sample
from diffusion_core.laws.bounds import optimal_for
from diffusion_core.parameterization import eps_from_x0, x0_from_eps
from diffusion_core.reverse import ReverseStep
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.training.quality import Interval, mean_interval, share_interval, sliced_wasserstein
from diffusion_core.training.recipes import digit_images
from diffusion_core.variance import VarianceChoice, learned_range, optimal_for_network, state_dependent
from pages.shared import networks
from pages.shared.scenes import schedule_of

__all__ = [
    "DRAWS",
    "DRAWS_PLANE",
    "HELD_OUT",
    "HELD_OUT_PLANE",
    "JUDGED",
    "Chain",
    "Judged",
    "Settings",
    "distances",
    "field_of",
    "judged",
    "run",
]

DRAWS = {"digits": 16}  # draws of x_t that the loss floor is averaged over; for points in the plane:
DRAWS_PLANE = 500
HELD_OUT = {"digits": 24}  # draws that a network's own optimal variance is averaged over; for points in the plane:
HELD_OUT_PLANE = 500
ARROWS = 17  # of the network's field, a side
GROUPS, GROUP = 5, 600  # of points, each compared with as many of the data
JUDGED = 40  # digits at each number of steps


@dataclass(frozen=True)
class Settings:
    """The scalars that make a run: the same ones make the same run."""

    data: str
    word: str
    schedule: str
    T: int
    steps: int
    spacing: str
    sampler: str
    variance: str
    v: float
    eta: float
    seed: int
    denoiser: str = "exact"
    label: str = "all"
    w: float = 2.0
    run: str = ""  # the visitor's own, where it is the denoiser
    run_step: int = 0

    @property
    def network(self) -> Predictor | None:
        """The trained network, if it is the denoiser."""
        if self.denoiser == "yours":
            return networks.of_run(self.run, self.run_step)
        return None if self.denoiser == "exact" else networks.network(self.data, self.denoiser)

    @property
    def noise_schedule(self) -> NoiseSchedule:
        """The schedule chosen, or the one that the network was trained with."""
        known = networks.of_run(self.run, self.run_step) if self.run else self.network
        return known.schedule if known else schedule_of(self.schedule, self.T)

    @property
    def timesteps(self) -> tuple[int, ...]:
        """t_N > ... > t_1."""
        return self.noise_schedule.timesteps(self.steps, spacing=self.spacing)

    @property
    def clip(self) -> tuple[float, float] | None:
        """A network's guess of a picture is held to the range of pixels."""
        return (-1.0, 1.0) if self.network and self.data == "digits" else None

    @property
    def own_v(self) -> bool:
        """Whether the variance is the one that the network has learned."""
        return self.variance == "learned" and self.network is not None and self.network.config.learned_variance

    @property
    def looks_at_x_t(self) -> bool:
        """Whether the variance is another one at each x_t."""
        return self.variance == "state" or self.own_v


def variance_of(settings: Settings, law: FiniteData | GaussianMixture) -> VarianceChoice:
    """The variance asked for; those that are optimal are so for this data, or for this network."""
    schedule = settings.noise_schedule
    match settings.variance:
        case "large":
            return fixed_large
        case "learned":
            return learned_range(settings.v)
        case "optimal" if settings.network:
            return optimal_for_network(network_losses(settings, law))
        case "optimal":
            n = DRAWS.get(settings.data, DRAWS_PLANE)
            return optimal_for(law, schedule, settings.timesteps, n, torch.Generator().manual_seed(0))
        case "state":
            return state_dependent(law, schedule)
    return fixed_small


@torch.no_grad()
def network_losses(settings: Settings, law: FiniteData | GaussianMixture) -> Callable[[int], float]:
    """t -> the loss of the network on draws that it has never seen, its class known, its guess clipped."""
    network, schedule, n = settings.network, settings.noise_schedule, HELD_OUT.get(settings.data, HELD_OUT_PLANE)
    assert network is not None
    generator = torch.Generator().manual_seed(0)
    if settings.data == "digits":
        images, classes = digit_images(held_out=True)
        rows = torch.randperm(len(images), generator=generator)[:n]
        x0, labels = images[rows], classes[rows]
    else:
        x0, labels = law.sample(n, generator).float(), None
    losses = {}
    for t in settings.timesteps:
        eps = torch.randn(x0.shape, generator=generator)
        x_t = q_sample(schedule, x0, t, eps)
        eps_hat = network(x_t, t, labels)
        if settings.clip:
            x0_hat = x0_from_eps(schedule, x_t, eps_hat, t).clamp(*settings.clip)
            eps_hat = eps_from_x0(schedule, x_t, x0_hat, t)
        losses[t] = (eps - eps_hat).square().mean().item()
    return losses.__getitem__


@dataclass(frozen=True)
class Chain:
    """Every stored number of a run, float32: position k holds the step from t_k; the last holds x_0."""

    positions: tuple[int, ...]
    x: np.ndarray  # (N + 1, n, d)
    eps_hat: np.ndarray  # (N + 1, n, d) of the denoiser, zero at the end
    eps_star: np.ndarray | None  # (N + 1, n, d) beside a network's: the exact one
    x0_hat: np.ndarray  # (N + 1, n, d) clipped, if so chosen; x_0 at the end
    noise: np.ndarray  # (N + 1, n, d), zero at the end
    x0_hat_scale: np.ndarray  # (N + 1,) 1 / sqrt(alpha_bar_t)
    eps_scale: np.ndarray  # (N + 1,) sqrt(1 - alpha_bar_t)
    first: np.ndarray  # (N + 1,) the mean's coefficient of x_t (DDPM) or eps_hat (DDIM)
    second: np.ndarray  # (N + 1,) the mean's coefficient of x0_hat
    sigma: np.ndarray  # (N + 1,), or (N + 1, n, 1 or d) where each x_t has its own
    beta: np.ndarray
    beta_tilde: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it by name."""
        stored = {name: values for name, values in vars(self).items() if values is not None and name != "positions"}
        return {"t": np.array(self.positions), **stored}


def sample(
    settings: Settings, law: FiniteData | GaussianMixture, n: int, generator: torch.Generator
) -> Iterator[ReverseStep]:
    """The chosen sampler with the chosen denoiser; a network works in float32, and on digits as pictures."""
    schedule, network = settings.noise_schedule, settings.network
    x_T = torch.randn((n, law.dimension), generator=generator, dtype=torch.float64)
    denoiser: Denoiser = law.denoiser(schedule)
    if network:
        denoiser, x_T = network, x_T.float()
        if settings.data == "digits":
            denoiser = Guided(network, networks.labels_of(settings.label, n), settings.w)
            x_T = x_T.reshape(n, 1, 28, 28)
    if settings.sampler == "ddim":
        return ddim(denoiser, schedule, x_T, settings.timesteps, settings.eta, generator, settings.clip)
    if network and settings.own_v:
        learned = LearnedVariance(network)
        return ancestral(learned, schedule, x_T, settings.timesteps, learned.variance, generator)
    return ancestral(denoiser, schedule, x_T, settings.timesteps, variance_of(settings, law), generator, settings.clip)


@st.cache_resource(show_spinner=False, max_entries=16)
@torch.no_grad()
def run(settings: Settings, _law: FiniteData | GaussianMixture, n: int) -> Chain:
    """Sample, and keep what the page shows."""
    steps = list(sample(settings, _law, n, torch.Generator().manual_seed(settings.seed)))
    end, nothing = steps[-1].x_s, torch.zeros_like(steps[-1].x_s)
    sigmas = [np.sqrt(np.asarray(step.variance)) for step in steps]

    def frames(many: list[torch.Tensor], last: torch.Tensor) -> np.ndarray:
        return torch.stack([*many, last]).float().flatten(2).numpy()

    def numbers(one: Callable[[ReverseStep], float], last: float) -> np.ndarray:
        return np.array([*map(one, steps), last])

    star = None
    if settings.network:
        exact = _law.denoiser(settings.noise_schedule)
        seen = [exact(step.x_t.flatten(1).double(), step.t) for step in steps]
        star = frames(seen, nothing.flatten(1).double())
    return Chain(
        (*settings.timesteps, 0),
        x=frames([step.x_t for step in steps], end),
        eps_hat=frames([step.eps_hat for step in steps], nothing),
        eps_star=star,
        x0_hat=frames([step.x0_hat for step in steps], end),
        noise=frames([step.noise for step in steps], nothing),
        x0_hat_scale=numbers(lambda step: 1 / step.pair.sqrt_alpha_bar_t, 1.0),
        eps_scale=numbers(lambda step: step.pair.sqrt_one_minus_alpha_bar_t, 0.0),
        first=numbers(lambda step: step.weights[0], 0.0),
        second=numbers(lambda step: step.weights[1], 1.0),
        sigma=np.array([*sigmas, np.zeros_like(sigmas[-1])]),
        beta=numbers(lambda step: step.pair.beta, 0.0),
        beta_tilde=numbers(lambda step: step.pair.beta_tilde, 0.0),
    )


@st.cache_resource(show_spinner=False, max_entries=16)
@torch.no_grad()
def field_of(settings: Settings) -> np.ndarray:
    """The network's answers on a grid of the plane, (N + 1, arrows, arrows, 2), rows upwards; zero at t = 0."""
    network = settings.network
    assert network is not None
    axis = (torch.arange(ARROWS) + 0.5) * 6 / ARROWS - 3
    grid = torch.cartesian_prod(axis, axis).flip(1)
    arrows = [network(grid, t) for t in settings.timesteps]
    return torch.stack([*arrows, torch.zeros_like(grid)]).reshape(-1, ARROWS, ARROWS, 2).numpy()


# --- how near they are to the data ----------------------------------------------------------------------------------


def last_of(settings: Settings, law: FiniteData | GaussianMixture, n: int) -> torch.Tensor:
    """x_0 of n samples."""
    *_steps, last = sample(settings, law, n, torch.Generator().manual_seed(settings.seed + 1))
    return last.x_s


def _apart(x: torch.Tensor, law: GaussianMixture, generator: torch.Generator) -> Interval:
    """The distance of groups of x to as many fresh draws of the data."""
    groups = x.double().split(GROUP)
    return mean_interval([sliced_wasserstein(part, law.sample(len(part), generator), generator) for part in groups])


@st.cache_resource(show_spinner=False, max_entries=32)
@torch.no_grad()
def distances(settings: Settings, steps: tuple[int, ...], _law: GaussianMixture) -> tuple[list[Interval], Interval]:
    """The sliced Wasserstein distance to the data at each number of steps; and that of the data from themselves."""
    n, generator = GROUPS * GROUP, torch.Generator().manual_seed(settings.seed)
    found = [_apart(last_of(replace(settings, steps=N), _law, n), _law, generator) for N in steps]
    return found, _apart(_law.sample(n, generator), _law, generator)


@dataclass(frozen=True)
class Judged:
    """What the judge says of digits: the share that show the class asked for, at each N, and how many of each class."""

    right: list[Interval]
    classes: list[int]  # at the last N


@st.cache_resource(show_spinner=False, max_entries=32)
@torch.no_grad()
def judged(settings: Settings, steps: tuple[int, ...], _law: FiniteData) -> Judged:
    """Samples of the network at each number of steps, named by a classifier that never saw it."""
    asked, right = networks.labels_of(settings.label, JUDGED), []
    for N in steps:
        named = networks.judge()(last_of(replace(settings, steps=N), _law, JUDGED)).argmax(1)
        right.append(share_interval(int((named == asked).sum()), JUDGED))
    return Judged(right, torch.bincount(named, minlength=10).tolist())
