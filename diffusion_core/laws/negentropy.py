r"""How far a density is from the best Gaussian, and how many peaks it has.

The Gaussian nearest to q, in the sense of KL(q || g), has the mean and the covariance of q. What is left,

.. math::
    J(q) = \min_g KL(q\|g) = KL\big(q \,\|\, N(E_q[x], \mathrm{Cov}_q[x])\big),

is the negentropy. It does not change when x is moved, turned or scaled; so x is first brought to mean 0 and covariance
I. For the reverse conditional q(x_s | x_t) it is the price, in nats, of a Gaussian p_theta(x_s | x_t). As the stride
t - s -> 0 its leading term is skewness^2 / 12 = O((t - s)^3), and O((t - s)^4) where the skewness vanishes.

References:
    Comon 1994, "Independent component analysis", section 2.2 (negentropy).
    Ho, Jain, Abbeel 2020, eq. 1 (the Gaussian p_theta).
"""

import math

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import LOG_2PI, kl_by_quadrature

__all__ = ["best_gaussian", "count_modes", "negentropy"]

REACH = 7.0  # standard deviations; beyond them a component has 3e-12 of its mass
FINEST = 1_000  # cells a side of the grid in the plane
MOST = 10_000_000  # places times components, where modes are counted


def best_gaussian(q: GaussianMixture) -> GaussianMixture:
    """The Gaussian nearest to q, as a mixture of one: N(E_q[x], Cov_q[x])."""
    return GaussianMixture(torch.ones(1, dtype=torch.float64), q.mean()[None], q.covariance()[None])


def standardized(q: GaussianMixture) -> GaussianMixture:
    """q, moved and scaled to mean 0 and covariance I."""
    root = torch.linalg.cholesky(q.covariance())
    whiten = torch.linalg.inv(root)
    return GaussianMixture(q.weights, (q.means - q.mean()) @ whiten.mT, whiten @ q.covariances @ whiten.mT)


def negentropy(q: GaussianMixture) -> float:
    """J(q) in nats, for one mixture with a density in 1 or 2 dimensions.

    In 1-D small values keep their relative accuracy. In 2-D the integral is a sum over a grid (for smooth densities
    the trapezium rule is right to 1e-5), and values below 1e-9 are rounding.

    Raises:
        BadInput: more than two dimensions, a component without width, or one too narrow for the grid.
    """
    if q.dimension > 2 or q.means.ndim != 2:
        raise BadInput(
            "negentropy is for one mixture in 1 or 2 dimensions; got means of shape {got}.", got=tuple(q.means.shape)
        )
    if q.eigenvalues.min() <= 0:
        raise BadInput("negentropy needs a density; got a component without width.")
    standard = standardized(q)
    return kl_by_quadrature(standard) if q.dimension == 1 else _on_a_grid(standard)


def _on_a_grid(q: GaussianMixture) -> float:
    """KL(q || N(0, I)) in the plane, cells half as wide as the narrowest component: where two meet, ln q bends fast."""
    width = q.eigenvalues.min().sqrt().item() / 2
    axes = [_axis(q, i, width) for i in (0, 1)]
    grid = torch.cartesian_prod(*axes)
    log_q = q.log_prob(grid)
    log_ratio = log_q + 0.5 * grid.square().sum(-1) + LOG_2PI
    return (log_q.exp() * log_ratio).sum().item() * width**2


def _axis(q: GaussianMixture, i: int, width: float) -> Tensor:
    """Multiples of width that cover every component of some weight, +- REACH of its standard deviations."""
    counts = q.weights > 1e-12
    middle, reach = q.means[counts, i], REACH * q.covariances[counts, i, i].sqrt()
    low, high = (middle - reach).min().item(), (middle + reach).max().item()
    if (high - low) / width > FINEST:
        raise BadInput(
            "A component is too narrow for the grid of negentropy: {got:.0f} cells a side, at most {most}.",
            got=(high - low) / width,
            most=FINEST,
        )
    return width * torch.arange(math.floor(low / width), math.ceil(high / width) + 1, dtype=torch.float64)


def count_modes(q: GaussianMixture) -> int:
    """The number of local maxima of a 1-D density, by the sign changes of its score on a fine grid.

    All of them lie between the smallest and the largest mean.

    Raises:
        BadInput: more than one dimension, a component without width, or one too narrow for the grid.
    """
    if q.dimension != 1 or q.means.ndim != 2:
        raise BadInput("Modes are counted for one mixture in 1 dimension; got means of shape {got}.", got=_shape(q))
    sd = q.eigenvalues.sqrt()
    if sd.min() <= 0:
        raise BadInput("Modes are counted for a density; got a component without width.")
    low, high, step = (float(v) for v in (q.means.min(), q.means.max(), sd.min() / 20))
    if (high - low) / step * len(sd) > MOST:
        raise BadInput(
            "A component is too narrow for counting modes: {got:.0e} places times components, at most {most:.0e}.",
            got=(high - low) / step * len(sd),
            most=MOST,
        )
    x = torch.arange(low - 1.5 * step, high + 2.5 * step, step, dtype=torch.float64)
    rising = q.score(x[:, None])[:, 0] > 0
    return int((rising[:-1] & ~rising[1:]).sum())


def _shape(q: GaussianMixture) -> tuple[int, ...]:
    return tuple(q.means.shape)
