"""Without x_0 the reverse step is not Gaussian, but the shorter the stride the closer (E18)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from diffusion_core.claims.check import Claim, Trial
from diffusion_core.claims.settings import two_peaks
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.negentropy import best_gaussian, count_modes, negentropy
from diffusion_core.schedule import NoiseSchedule, linear

__all__ = ["CUBE", "MODES"]


Conditional = Callable[[NoiseSchedule, float, int, int], GaussianMixture]


@dataclass(frozen=True)
class Strides:
    """The two-peaked data seen from ``x_t`` at t."""

    schedule: NoiseSchedule
    t: int = 300
    x_t: float = 0.6


def true_conditional(schedule: NoiseSchedule, x_t: float, t: int, s: int) -> GaussianMixture:
    """The mixture q(x_s | x_t)."""
    return two_peaks().at(schedule, t).reverse_conditional(torch.tensor([x_t], dtype=torch.float64), s)


def with_neighbours_beta(schedule: NoiseSchedule, x_t: float, t: int, s: int) -> GaussianMixture:
    """The step t -> t - 1, whatever the stride."""
    return true_conditional(schedule, x_t, t, t - 1)


def with_flat_components(schedule: NoiseSchedule, x_t: float, t: int, s: int) -> GaussianMixture:
    """Each component as wide as it is at the longest stride."""
    wide = true_conditional(schedule, x_t, t, 1)
    q = true_conditional(schedule, x_t, t, s)
    return replace(q, eigenvalues=wide.eigenvalues, eigenvectors=wide.eigenvectors)


def check_cube(powers: tuple[Conditional, int, int], setting: Strides, seed: int) -> list[Trial]:
    """The slope of log negentropy against log stride, between strides of 1 and 2 steps, where q is skew and where not.

    ``powers``: the conditional, and the powers said to hold at x_t and, by symmetry without skewness, at 0.
    """
    conditional, skew, even = powers

    def slope(x_t: float) -> float:
        one, two = (negentropy(conditional(setting.schedule, x_t, setting.t, setting.t - stride)) for stride in (1, 2))
        return math.log2(two / one)

    return [
        Trial("slope at x_t = 0.6 less the power said", slope(setting.x_t) - skew, tolerance=0.1, n=2),
        Trial("slope at x_t = 0 less the power said", slope(0.0) - even, tolerance=0.1, n=2),
    ]


CUBE = Claim(
    key="E18a",
    says="The true q(x_s | x_t) of two peaks is not Gaussian, but the shorter the stride the closer: the KL divergence "
    "to the best Gaussian falls as stride³, and as stride⁴ halfway between the peaks, where there is no skewness.",
    check=check_cube,
    truth=(true_conditional, 3, 4),
    mistakes={
        "the third power everywhere": (true_conditional, 3, 3),
        "the neighbour's step": (with_neighbours_beta, 3, 4),
        "components of constant width": (with_flat_components, 3, 4),
    },
    setting=Strides(linear(1000)),
)


def matched_gaussian(schedule: NoiseSchedule, x_t: float, t: int, s: int) -> GaussianMixture:
    """The Gaussian with the right mean and variance."""
    return best_gaussian(true_conditional(schedule, x_t, t, s))


def check_modes(conditional: Conditional, setting: Strides, seed: int) -> list[Trial]:
    """Peaks counted at x_t = 0, between the peaks of the data: one for 300 -> 299, two for 300 -> 200."""
    short, long = (count_modes(conditional(setting.schedule, 0.0, 300, s)) for s in (299, 200))
    return [
        Trial("peaks for 300 → 299, minus 1", short - 1, tolerance=0.0, n=1),
        Trial("peaks for 300 → 200, minus 2", long - 2, tolerance=0.0, n=1),
    ]


MODES = Claim(
    key="E18b",
    says="Between two peaks of the data, q(x_s | x_t) has one peak for a short stride and two for a long one.",
    check=check_modes,
    truth=true_conditional,
    mistakes={
        "the Gaussian with the right mean and variance": matched_gaussian,
        "the neighbour's step": with_neighbours_beta,
    },
    setting=Strides(linear(1000)),
)
