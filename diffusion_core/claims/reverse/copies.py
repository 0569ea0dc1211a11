"""What the exact denoiser of a finite data set returns: its points (E28)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial
from diffusion_core.data.digits import digits
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.samplers import ancestral
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import fixed_small

__all__ = ["COPIES", "CopyRun"]


@dataclass(frozen=True)
class CopyRun:
    """``n`` samples in N steps, from ``per_class`` digits of each kind."""

    schedule: NoiseSchedule
    timesteps: tuple[int, ...]
    per_class: int = 30
    n: int = 16


def fitted_gaussian(points: Tensor) -> GaussianMixture:
    """One Gaussian with the digits' mean and covariance: a model that generalizes."""
    centred = points - points.mean(0)
    covariance = centred.T @ centred / len(points)
    return GaussianMixture.of([1.0], points.mean(0)[None], covariance[None])


def check_copies(make_law: Callable[[Tensor], Law], setting: CopyRun, seed: int) -> list[Trial]:
    """The largest distance from a sample to the nearest training point."""
    some = digits(setting.per_class).law.points.double()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((setting.n, some.shape[1]), generator=generator, dtype=torch.float64)
    denoiser = make_law(some).denoiser(setting.schedule)
    for step in ancestral(denoiser, setting.schedule, x, setting.timesteps, variance=fixed_small, generator=generator):
        x = step.x_s
    distance = torch.cdist(x, some).min(1).values
    return [Trial("largest distance to a training point", float(distance.max()), tolerance=1e-3, n=setting.n)]


COPIES = Claim(
    key="E28",
    says="The exact denoiser of a finite data set returns its points: a perfect fit copies.",
    check=check_copies,
    truth=FiniteData,
    mistakes={"one Gaussian fitted to the digits": fitted_gaussian},
    setting=CopyRun(linear(1000), linear(1000).timesteps(25)),
)
