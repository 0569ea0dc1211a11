r"""How near are samples to the data? Distances and shares, each with its 95 % interval.

.. math::
    SW_2^2(P, Q) = E_\theta\, W_2^2(\theta\cdot P,\ \theta\cdot Q), \qquad \theta \text{ even on the unit sphere},

where on a line the best way to carry n points to n points keeps their order:
:math:`W_2^2 = \frac1n\sum_i (a_{(i)} - b_{(i)})^2`. Two samples of one law are not at distance 0: their distance is
what n points can tell at best.

References:
    Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters". Wilson 1927 (an interval for a share).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy import stats
from torch import Tensor

from diffusion_core.errors import BadInput, check_rows

__all__ = ["Interval", "mean_interval", "share_interval", "sliced_wasserstein"]


@dataclass(frozen=True)
class Interval:
    """A number and its 95 % confidence interval."""

    value: float
    low: float
    high: float


def sliced_wasserstein(x: Tensor, y: Tensor, generator: torch.Generator, directions: int = 64) -> float:
    """SW_2 of two samples of equal size, in the units of the data.

    Args:
        x, y: (n, d) points.
        generator: draws the directions.
        directions: how many there are.

    Raises:
        BadInput: x and y are not of one shape (n, d), or have no rows.
    """
    if x.ndim != 2 or x.shape != y.shape:
        raise BadInput("x and y must have one shape (n, d); got {x} and {y}.", x=tuple(x.shape), y=tuple(y.shape))
    check_rows("x", x)
    theta = torch.randn((x.shape[1], directions), generator=generator, dtype=torch.float64)
    theta /= theta.norm(dim=0)  # (d, directions)
    first, second = ((points.double() @ theta).sort(dim=0).values for points in (x, y))  # (n, directions)
    return math.sqrt((first - second).square().mean())


def mean_interval(values: Sequence[float]) -> Interval:
    """The mean of independent repetitions, by Student's t.

    Raises:
        BadInput: fewer than two values.
    """
    if len(values) < 2:
        raise BadInput("values must hold at least two numbers; got {got}.", got=len(values))
    sample = torch.tensor(values, dtype=torch.float64)
    mean = sample.mean().item()
    half = float(stats.t.ppf(0.975, len(values) - 1)) * sample.std().item() / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def share_interval(hits: int, n: int) -> Interval:
    """hits of n as a share, by Wilson's interval, which stays within [0, 1].

    Raises:
        BadInput: not 0 <= hits <= n, or n = 0.
    """
    if not 0 <= hits <= n or n == 0:
        raise BadInput("hits must lie in 0..n with n at least 1; got {hits} of {n}.", hits=hits, n=n)
    interval = stats.binomtest(hits, n).proportion_ci(method="wilson")
    return Interval(hits / n, float(interval.low), float(interval.high))
