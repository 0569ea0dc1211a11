"""Runs of a sampler as the lesson shows them: each of their numbers, and how near their samples are to the data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from diffusion_core.denoisers import Predictor
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.reverse import ReverseStep
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.training.quality import Interval, mean_interval, share_interval, sliced_wasserstein
from pages.sampling import networks, recipe
from pages.shared.keeping import kept
from pages.shared.scenes import Scene, schedule_of

__all__ = ["JUDGED", "Chain", "Judged", "Run", "Settings", "chain_of", "distances", "field_of", "judged"]

ARROWS = 17  # of the network's field, a side
GROUPS, GROUP = 5, 600  # of points, each compared with as many of the data
JUDGED = 40  # digits at each number of steps


@dataclass(frozen=True)
class Settings:
    """The scalars that make a run: the same ones make the same run."""

    schedule: str = "linear"
    T: int = 1000
    steps: int = 50
    spacing: str = "trailing"
    sampler: str = "ddpm"
    variance: str = "small"
    v: float = 0.5
    eta: float = 0.0
    seed: int = 0
    denoiser: str = "exact"
    label: str = "all"
    w: float = 2.0
    run: str = ""  # the visitor's own, where it is the denoiser
    run_step: int = 0


@dataclass(frozen=True, eq=False)
class Run:
    """What the scalars stand for, looked up once: the law, the schedule, the network."""

    settings: Settings
    scene: Scene
    law: Law
    network: Predictor | None
    schedule: NoiseSchedule

    @classmethod
    def of(cls, settings: Settings, scene: Scene) -> "Run":
        """A network brings its own schedule."""
        network = None
        if settings.denoiser == "yours":
            network = networks.of_run(settings.run, settings.run_step)
        elif settings.denoiser != "exact":
            network = networks.network(scene.name, settings.denoiser)
        assert scene.law is not None  # a photo is no law to sample from, and is not offered here
        schedule = network.schedule if network else schedule_of(settings.schedule, settings.T)
        return cls(settings, scene, law=scene.law, network=network, schedule=schedule)

    @property
    def key(self) -> tuple[object, ...]:
        """The same for the same run."""
        return (self.settings, self.scene.key)

    @property
    def timesteps(self) -> tuple[int, ...]:
        """t_N > ... > t_1."""
        return self.schedule.timesteps(self.settings.steps, spacing=self.settings.spacing)

    @property
    def clips(self) -> bool:
        """Whether the guess is held to the range of pixels: that of a network, of a picture."""
        return self.network is not None and isinstance(self.law, FiniteData)

    @property
    def own_v(self) -> bool:
        """Whether the variance is the one that the network has learned."""
        return self.settings.variance == "learned" and self.network is not None and self.network.config.learned_variance

    @property
    def looks_at_x_t(self) -> bool:
        """Whether the variance is another one at each x_t."""
        return self.settings.sampler == "ddpm" and (self.settings.variance == "state" or self.own_v)

    def with_steps(self, steps: int) -> "Run":
        """The same with another number of steps."""
        return replace(self, settings=replace(self.settings, steps=steps))

    def but(self, control: str, value: str) -> "Run":
        """The same with one of the page's controls at another value."""
        if control == "N":
            return self.with_steps(min(int(value), self.schedule.T))
        changed: dict[str, Any] = {control: float(value) if control == "eta" else value}
        return Run.of(replace(self.settings, **changed), self.scene)

    def exact(self) -> "Run":
        """The same with the exact denoiser, over the same schedule."""
        return replace(self, settings=replace(self.settings, denoiser="exact"), network=None)

    def sample(self, n: int, seed: int) -> Iterator[ReverseStep]:
        """The recipe's sampler, as chosen."""
        chosen, generator = self.settings, torch.Generator().manual_seed(seed)
        return recipe.sample(
            self.law,
            self.schedule,
            self.timesteps,
            generator,
            n=n,
            sampler=chosen.sampler,
            variance=chosen.variance,
            v=chosen.v,
            eta=chosen.eta,
            network=self.network,
            label=chosen.label,
            w=chosen.w,
        )


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
    partner: str  # what stands beside x0_hat in the mean: "x_t" (DDPM) or "eps_used" (DDIM)
    first: np.ndarray  # (N + 1,) its weight
    second: np.ndarray  # (N + 1,) the weight of x0_hat
    sigma: np.ndarray  # (N + 1,), or (N + 1, n, 1 or d) where each x_t has its own
    beta: np.ndarray
    beta_tilde: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it by name."""
        stored = {name: values for name, values in vars(self).items() if isinstance(values, np.ndarray)}
        return {"t": np.array(self.positions), **stored}


@kept
@torch.no_grad()
def chain_of(run: Run, n: int) -> Chain:
    """Sample, and keep what the page shows."""
    steps = list(run.sample(n, run.settings.seed))
    end, nothing = steps[-1].x_s, torch.zeros_like(steps[-1].x_s)
    sigmas = [np.sqrt(np.asarray(step.variance)) for step in steps]

    def frames(one: Callable[[ReverseStep], torch.Tensor], last: torch.Tensor) -> np.ndarray:
        return torch.stack([*map(one, steps), last]).float().flatten(2).numpy()

    def numbers(one: Callable[[ReverseStep], float], last: float) -> np.ndarray:
        return np.array([*map(one, steps), last])

    exact = run.law.denoiser(run.schedule)
    return Chain(
        (*run.timesteps, 0),
        x=frames(lambda step: step.x_t, end),
        eps_hat=frames(lambda step: step.eps_hat, nothing),
        eps_star=frames(lambda step: exact(step.x_t.flatten(1).double(), step.pair.t), nothing.flatten(1).double())
        if run.network
        else None,
        x0_hat=frames(lambda step: step.x0_hat, end),
        noise=frames(lambda step: step.noise, nothing),
        x0_hat_scale=numbers(lambda step: 1 / step.pair.sqrt_alpha_bar_t, 1.0),
        eps_scale=numbers(lambda step: step.pair.sqrt_one_minus_alpha_bar_t, 0.0),
        partner=steps[0].mean_rule.partner,
        first=numbers(lambda step: step.weights[0], 0.0),
        second=numbers(lambda step: step.weights[1], 1.0),
        sigma=np.array([*sigmas, np.zeros_like(sigmas[-1])]),
        beta=numbers(lambda step: step.pair.beta, 0.0),
        beta_tilde=numbers(lambda step: step.pair.beta_tilde, 0.0),
    )


@kept
@torch.no_grad()
def field_of(run: Run) -> np.ndarray:
    """The network's answers on a grid of the plane, (N + 1, arrows, arrows, 2), rows upwards; zero at t = 0."""
    assert run.network is not None
    axis = (torch.arange(ARROWS) + 0.5) * 6 / ARROWS - 3
    grid = torch.cartesian_prod(axis, axis).flip(1)
    arrows = [run.network(grid, t) for t in run.timesteps]
    return torch.stack([*arrows, torch.zeros_like(grid)]).reshape(-1, ARROWS, ARROWS, 2).numpy()


# --- how near they are to the data ----------------------------------------------------------------------------------


def _last_of(run: Run, n: int) -> torch.Tensor:
    """x_0 of n samples."""
    *_steps, last = run.sample(n, run.settings.seed + 1)
    return last.x_s


def _apart(x: torch.Tensor, law: GaussianMixture, generator: torch.Generator) -> Interval:
    """The distance of groups of x to as many fresh draws of the data."""
    groups = x.double().split(GROUP)
    return mean_interval([sliced_wasserstein(part, law.sample(len(part), generator), generator) for part in groups])


@kept
@torch.no_grad()
def distances(run: Run, steps: tuple[int, ...]) -> tuple[list[Interval], Interval]:
    """The sliced Wasserstein distance to the data at each number of steps; and that of the data from themselves."""
    assert isinstance(run.law, GaussianMixture)
    n, generator = GROUPS * GROUP, torch.Generator().manual_seed(run.settings.seed)
    found = [_apart(_last_of(run.with_steps(N), n), run.law, generator) for N in steps]
    return found, _apart(run.law.sample(n, generator), run.law, generator)


@dataclass(frozen=True)
class Judged:
    """What the judge says of digits: the share that show the class asked for, at each N, and how many of each class."""

    right: list[Interval]
    classes: list[int]  # at the last N


@kept
@torch.no_grad()
def judged(run: Run, steps: tuple[int, ...]) -> Judged:
    """Samples of the network at each number of steps, named by a classifier that never saw it."""
    asked, right = recipe.classes(run.settings.label, JUDGED), []
    for N in steps:
        named = networks.judge()(_last_of(run.with_steps(N), JUDGED)).argmax(1)
        right.append(share_interval(int((named == asked).sum()), JUDGED))
    return Judged(right, torch.bincount(named, minlength=10).tolist())
