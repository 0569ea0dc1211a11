"""Laws, times and draws that several tests share."""

import math

import torch
from torch import Tensor

from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.schedule import NoiseSchedule, linear

SCHEDULE = linear(1000)
TIMES = [1, 2, 10, 100, 500, 1000]
PAIRS = [(2, 1), (100, 99), (300, 1), (1000, 500)]
Z = 4.5  # a false alarm in 7e-6 of the seeds

BIMODAL = GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.1)
UNEVEN = GaussianMixture.isotropic([0.45, 0.3, 0.25], [[-1.0], [0.3], [1.2]], [0.15, 0.1, 0.2])


AnyLaw = GaussianMixture | FiniteData


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=gen(seed))


def gaussian(variance: float, mean: float = 0.0) -> GaussianMixture:
    return GaussianMixture.isotropic([1.0], [[mean]], math.sqrt(variance))


def plane() -> GaussianMixture:
    """A bimodal coordinate beside an independent Gaussian one of variance 1/4."""
    covariances = torch.diag(torch.tensor([0.01, 0.25], dtype=torch.float64)).expand(2, 2, 2)
    return GaussianMixture.of([0.5, 0.5], [[-0.9, 0.2], [0.9, 0.2]], covariances)


def some_mixture(d: int = 2) -> GaussianMixture:
    """Four components: full, rank one, zero, small; unequal weights."""
    root = 0.5 * normal(4, d, d, seed=1)
    covariances = root @ root.mT
    covariances[1] = 0.3 * torch.ones(d, d)
    covariances[2] = 0.0
    covariances[3] = 0.01 * torch.eye(d)
    return GaussianMixture.of([0.1, 0.4, 0.2, 0.3], normal(4, d, seed=2), covariances)


def noisy(
    law: Law, t: int, n: int = 6, seed: int = 3, schedule: NoiseSchedule = SCHEDULE
) -> tuple[Tensor, Tensor, Tensor]:
    """x_t, x_0 and eps drawn from the process."""
    x0 = law.sample(n, gen(seed))
    eps = normal(*x0.shape, seed=seed + 1)
    alpha_bar = schedule.alpha_bar[t]
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * eps, x0, eps


def levels(t: int, schedule: NoiseSchedule = SCHEDULE) -> tuple[float, float]:
    return schedule.alpha_bar[t].item(), schedule.one_minus_alpha_bar[t].item()


def error(got: Tensor, truth: Tensor) -> float:
    """The largest error, relative to the largest number."""
    return ((got - truth).abs().max() / truth.abs().max().clamp_min(1e-300)).item()


def close(got: float, expected: float, relative: float = 1e-10) -> bool:
    return abs(got - expected) <= relative * abs(expected)


def finite(*rows: list[float]) -> FiniteData:
    return FiniteData(torch.tensor(rows, dtype=torch.float64))


FIVE = torch.tensor([[-0.9, 0.1], [0.9, 0.2], [0.2, -0.7], [-0.3, 1.0], [1.2, -1.4]], dtype=torch.float64)


def on_a_grid(points: Tensor, t: int) -> float:
    """V_t of points in the plane, by the trapezium rule."""
    alpha_bar, noise = SCHEDULE.alpha_bar[t].item(), SCHEDULE.one_minus_alpha_bar[t].item()
    y, sd = math.sqrt(alpha_bar) * points, math.sqrt(noise)
    step = min(sd / 3, noise / 1.3)  # between two points x0_hat changes within noise / distance
    axes = [torch.arange(float(c.min()) - 6 * sd, float(c.max()) + 6 * sd, step, dtype=torch.float64) for c in y.T]
    x = torch.cartesian_prod(*axes)
    logits = -(x[:, None] - y).square().sum(-1) / (2 * noise)
    w = logits.softmax(-1)
    spread = (w @ points.square() - (w @ points).square()).sum(-1)
    q = logits.exp().sum(-1) / (2 * math.pi * noise * len(points))
    return (q @ spread).item() * step**2 / 2
