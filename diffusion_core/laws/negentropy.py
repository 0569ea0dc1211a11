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

import torch

from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import kl_to_normal

__all__ = ["best_gaussian", "count_modes", "negentropy"]

MOST = 10_000_000  # places times components, where modes are counted


def best_gaussian(q: GaussianMixture) -> GaussianMixture:
    """The Gaussian nearest to q, as a mixture of one: N(E_q[x], Cov_q[x])."""
    return GaussianMixture.of(torch.ones(1, dtype=torch.float64), q.mean()[None], q.covariance()[None])


def standardized(q: GaussianMixture) -> GaussianMixture:
    """q, moved and scaled to mean 0 and covariance I."""
    root = torch.linalg.cholesky(q.covariance())
    whiten = torch.linalg.inv(root)
    return GaussianMixture.of(q.weights, (q.means - q.mean()) @ whiten.mT, whiten @ q.covariances @ whiten.mT)


def negentropy(q: GaussianMixture) -> float:
    """J(q) in nats, for one mixture with a density in 1 or 2 dimensions.

    Errors and accuracy are those of `kl_to_normal`: small values keep their digits.

    Raises:
        BadInput: more than two dimensions, a component without width, or one too narrow.
    """
    if q.dimension > 2 or q.means.ndim != 2:
        raise BadInput(
            "negentropy is for one mixture in 1 or 2 dimensions; got means of shape {got}.", got=tuple(q.means.shape)
        )
    if q.eigenvalues.min() <= 0:
        raise BadInput("negentropy needs a density; got a component without width.")
    return kl_to_normal(standardized(q))


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
