r"""Two ways to differentiate an expectation with respect to the parameters of what is drawn.

With z = mu + sigma eps, eps ~ N(0, 1), and the gradient of E[z^2] = mu^2 + sigma^2 wanted, (2 mu, 2 sigma):

.. math::
    \text{pathwise:}\quad & \partial_\mu z^2 = 2z, \qquad \partial_\sigma z^2 = 2z\epsilon, \\
    \text{score function:}\quad & z^2\,\partial_\mu\ln N(z;\mu,\sigma^2) = z^2\,\epsilon/\sigma, \qquad
    z^2\,\partial_\sigma\ln N(z;\mu,\sigma^2) = z^2(\epsilon^2-1)/\sigma.

Both are unbiased; the second needs no derivative of z^2, and pays for that, with this function, in variance:

.. math::
    \mathrm{Var}[2z] &= 4\sigma^2, & \mathrm{Var}[z^2\epsilon/\sigma] &= \mu^4/\sigma^2+14\mu^2+15\sigma^2, \\
    \mathrm{Var}[2z\epsilon] &= 4\mu^2+8\sigma^2, &
    \mathrm{Var}[z^2(\epsilon^2-1)/\sigma] &= 2\mu^4/\sigma^2+60\mu^2+74\sigma^2.

It is no law. For cos kz the gradient of the mean by mu is :math:`-k\sin(k\mu)e^{-k^2\sigma^2/2}`, and with
:math:`q=\cos(2k\mu)e^{-2k^2\sigma^2}` the two second moments are

.. math::
    \tfrac{k^2}2(1-q) \quad\text{(pathwise)}, \qquad
    \tfrac1{2\sigma^2}\big(1+(1-4k^2\sigma^2)\,q\big) \quad\text{(score function)}:

a function that swings fast has a steep slope, and that slope is the pathwise estimate.

References:
    Kingma, Welling 2014, section 2.4 (pathwise); Williams 1992 (score function, "REINFORCE").
    Mohamed, Rosca, Figurnov, Mnih 2020, "Monte Carlo Gradient Estimation in Machine Learning", section 3 (which of them
    is noisier depends on the function).
"""

import math

import torch
from torch import Tensor

from diffusion_core.errors import BadInput

__all__ = ["cosine_variances", "gradient_variances", "pathwise_gradients", "score_function_gradients"]


def _check_sigma(sigma: float) -> None:
    if not 0 < sigma < float("inf"):
        raise BadInput("sigma must be a finite number above 0; got {got}.", got=sigma)


def pathwise_gradients(mu: float, sigma: float, eps: Tensor) -> Tensor:
    """One estimate of (d/dmu, d/dsigma) E[z^2] for each eps: eps (n,) -> (n, 2). Raises BadInput unless sigma > 0."""
    _check_sigma(sigma)
    z = mu + sigma * eps
    return torch.stack([2 * z, 2 * z * eps], -1)


def score_function_gradients(mu: float, sigma: float, eps: Tensor) -> Tensor:
    """The same by z^2 grad ln N(z; mu, sigma^2): eps (n,) -> (n, 2). Raises BadInput unless sigma > 0."""
    _check_sigma(sigma)
    z = mu + sigma * eps
    return torch.stack([z**2 * eps / sigma, z**2 * (eps**2 - 1) / sigma], -1)


def gradient_variances(mu: float, sigma: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Exact variances of one estimate: (pathwise, score function) for d/dmu, and the same for d/dsigma.

    Raises BadInput unless sigma > 0.
    """
    _check_sigma(sigma)
    m, v = mu**2, sigma**2
    by_mu = (4 * v, m * m / v + 14 * m + 15 * v)
    by_sigma = (4 * m + 8 * v, 2 * m * m / v + 60 * m + 74 * v)
    return by_mu, by_sigma


def cosine_variances(mu: float, sigma: float, k: float) -> tuple[float, float]:
    """Exact variances of one estimate of d/dmu E[cos kz]: (pathwise, score function).

    Raises BadInput unless sigma > 0.
    """
    _check_sigma(sigma)
    mean = -k * math.sin(k * mu) * math.exp(-((k * sigma) ** 2) / 2)
    q = math.cos(2 * k * mu) * math.exp(-2 * (k * sigma) ** 2)
    squares = (k**2 * (1 - q) / 2, (1 + (1 - 4 * (k * sigma) ** 2) * q) / (2 * sigma**2))
    return squares[0] - mean**2, squares[1] - mean**2
