"""What the claims on the posterior, the reverse process and the variance are run at: transitions, runs, data."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.data.toys import bimodal
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.posterior import Transition, transition
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import VarianceChoice

__all__ = ["TEN", "Pair", "Run", "Steps", "Walk", "gaussian", "normal", "two_peaks"]


@dataclass(frozen=True)
class Pair:
    """One transition from t down to s < t, and how many simulated triples speak about it."""

    schedule: NoiseSchedule
    t: int
    s: int
    n: int = 20_000

    @property
    def transition(self) -> Transition:
        return transition(self.schedule, self.t, self.s)


@dataclass(frozen=True)
class Walk:
    """All the steps t -> t - 1 of a schedule, t >= 2."""

    schedule: NoiseSchedule

    @property
    def steps(self) -> list[Transition]:
        return [transition(self.schedule, t, t - 1) for t in range(2, self.schedule.T + 1)]


@dataclass(frozen=True)
class Steps:
    """N strided steps of a schedule, for Gaussian data of one variance."""

    schedule: NoiseSchedule
    timesteps: tuple[int, ...]
    data_variance: float = 0.25
    n: int = 20_000


TEN = Steps(linear(1000), linear(1000).timesteps(10))


@dataclass(frozen=True)
class Run:
    """The same with a choice of variance."""

    schedule: NoiseSchedule
    timesteps: tuple[int, ...]
    variance: VarianceChoice
    data_variance: float = 0.25
    n: int = 20_000


def gaussian(data_variance: float) -> GaussianMixture:
    """N(0, data_variance), as a mixture of one."""
    return GaussianMixture.of([1.0], [[0.0]], [[[data_variance]]])


def two_peaks() -> GaussianMixture:
    """Peaks at -0.9 and 0.9, sd 0.1."""
    return bimodal().law


def normal(n: int, seed: int, many: int) -> Tensor:
    """(many, n) draws of N(0, 1)."""
    return torch.randn((many, n), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
