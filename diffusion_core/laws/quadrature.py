r"""Integrals over the density of x_t, to many digits, in one and two dimensions.

.. math::
    KL(q\|\phi) = \int q\ln\frac{q}{\phi} - q + \phi, \qquad
    TV(q,\phi) = \tfrac12\sum_{\text{pieces}} \big|P_q(\text{piece}) - P_\phi(\text{piece})\big|,

with :math:`\phi = N(0, I)` and q a Gaussian mixture. Gauss-Legendre panels are as wide as half a standard deviation of
the component that they cover, so that the rule sees nothing but smooth functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.objectives import LOG_2PI

if TYPE_CHECKING:
    from diffusion_core.laws.mixtures import GaussianMixture

__all__ = ["expectation_nodes", "kl_by_quadrature", "mean_log_ratio", "tv_by_crossings"]

CHUNK = 2**22  # numbers in the largest temporary array: 32 MB in float64
GRID_LIMIT = 3e8  # node-component pairs in a 2-D quadrature: some ten seconds


def kl_by_quadrature(q: GaussianMixture) -> float:
    """KL(q || phi), phi = N(0, I), as the integral of q log(q/phi) - q + phi, which is nowhere negative.

    Outside the box D that holds q, the integrand is phi alone: 1 - Phi(D), by erfc.
    """
    d = q.dimension
    if d > 2:
        raise BadInput("kl_to_normal is quadrature, for d = 1 and d = 2; got d = {d}; use kl_to_normal_mc.", d=d)
    narrow = q.eigenvalues.amin(-1).sqrt()  # (K,), the thinnest direction of each component
    spread = q.covariances.diagonal(dim1=-2, dim2=-1).sqrt()  # (K, d), along the axes
    width, order = (narrow.min().item() / 2, 20) if d == 1 else (narrow.min().item(), 10)
    _check_grid((spread.amax(-1) / narrow).sum().item() * 100)
    edges = [_panel_edges(q.means[:, i], spread[:, i], narrow, width) for i in range(d)]
    _check_grid(math.prod((len(e) - 1) * order for e in edges) * len(q.weights))
    axes = [_gauss_legendre(e, order) for e in edges]
    (first, first_weight), (rest, rest_weight) = axes[0], axes[1] if d == 2 else (None, torch.ones(1).double())
    inside = 0.0
    part = max(1, CHUNK // (len(rest_weight) * len(q.weights) * d))
    for nodes, weight in zip(first.split(part), first_weight.split(part), strict=True):
        x = nodes[:, None] if rest is None else torch.cartesian_prod(nodes, rest)
        inside += (_relative_entropy_density(q, x) @ torch.outer(weight, rest_weight).flatten()).item()
    missed = [0.5 * (math.erfc(-e[0].item() / math.sqrt(2)) + math.erfc(e[-1].item() / math.sqrt(2))) for e in edges]
    return inside + sum(missed) - (math.prod(missed) if d == 2 else 0.0)


def _check_grid(evaluations: float) -> None:
    if evaluations > GRID_LIMIT:
        raise BadInput(
            "This density is too narrow for a grid ({got:.0e} evaluations, at most {most:.0e}); "
            "use kl_to_normal_mc or a larger t.",
            got=evaluations,
            most=GRID_LIMIT,
        )


def _relative_entropy_density(q: GaussianMixture, x: Tensor) -> Tensor:
    log_q, log_phi = q.log_prob(x), _log_standard_normal(x)
    u = log_q - log_phi
    near = log_phi.exp() * (u * u.exp() - u.expm1())  # exact to second order where q and phi nearly agree
    far = log_q.exp() * (u - 1) + log_phi.exp()
    return torch.where(u.abs() < 1, near, far)


def _panel_edges(centres: Tensor, spread: Tensor, narrow: Tensor, width: float) -> Tensor:
    """Multiples of width that cover every centre +- 10 spread, there about narrow / 2 apart (or width, if larger)."""
    reach = 10 * spread + narrow
    triples = torch.stack([centres, reach, narrow], -1).tolist()
    wanted = [torch.arange(c - r, c + r, step / 2, dtype=torch.float64) for c, r, step in triples]
    return torch.unique(torch.round(torch.cat(wanted) / width)) * width


@cache
def _legendre(order: int) -> tuple[Tensor, Tensor]:
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return torch.from_numpy(nodes), torch.from_numpy(weights)


def _gauss_legendre(edges: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights of the composite rule: order points in every panel between neighbouring edges."""
    nodes, weights = _legendre(order)
    half = edges.diff()[:, None] / 2
    return (edges[:-1, None] + half * (1 + nodes)).flatten(), (half * weights).flatten()


def expectation_nodes(q: GaussianMixture) -> tuple[Tensor, Tensor]:
    """Points x (n, 1) and weights (n,), float64, with E f(x) = sum weights f(x) for a smooth f under a 1-D density q.

    Composite Gauss-Legendre over +- 10 standard deviations of every component, and of every place halfway between two
    neighbours, where it is least certain which of them x belongs to; the weights hold q, and their sum is 1 but for
    rounding.

    Raises:
        BadInput: q has more than one dimension, or a component without width.
    """
    if q.dimension != 1:
        raise BadInput("Quadrature over x_t is for d = 1; got d = {d}.", d=q.dimension)
    spread = q.covariances[:, 0, 0].sqrt()
    narrow = spread.min().item()
    if narrow == 0:
        raise BadInput("Quadrature needs a density; got a component without width (t = 0).")
    _check_grid((spread / narrow).sum().item() * 100)
    centres, order = q.means[:, 0].sort()
    between, wider = (centres[1:] + centres[:-1]) / 2, torch.maximum(spread[order][1:], spread[order][:-1])
    centres, spread = torch.cat([centres, between]), torch.cat([spread[order], wider])
    nodes, weights = _gauss_legendre(_panel_edges(centres, spread, spread, narrow / 2), 20)
    x = nodes[:, None]
    return x, weights * q.log_prob(x).exp()


def tv_by_crossings(q: GaussianMixture) -> float:
    """TV = sum over the pieces between the roots of q = phi of |P_q(piece) - P_phi(piece)| / 2, d = 1."""
    if q.dimension != 1:
        raise BadInput("tv_to_normal is defined here for d = 1; got d = {d}.", d=q.dimension)
    centres = torch.cat([q.means[:, 0], q.means.new_zeros(1)])
    spread = torch.cat([q.covariances[:, 0, 0].sqrt(), q.means.new_ones(1)])
    x, _ = _gauss_legendre(_panel_edges(centres, spread, spread, spread.min().item() / 2), 20)

    def log_ratio(x: Tensor) -> Tensor:
        return q.log_prob(x[:, None]) - _log_standard_normal(x[:, None])

    positive = log_ratio(x) > 0
    change = (positive[1:] != positive[:-1]).nonzero()[:, 0]
    low, high, rising = x[change], x[change + 1], positive[change + 1]
    for _ in range(60):  # bisection
        middle = (low + high) / 2
        right = (log_ratio(middle) > 0) == rising
        low, high = torch.where(right, low, middle), torch.where(right, middle, high)
    z = (high[:, None] - centres[:-1]) / spread[:-1]
    gap = torch.special.ndtr(z) @ q.weights - torch.special.ndtr(high)
    ends = gap.new_zeros(1)
    return 0.5 * torch.cat([ends, gap, ends]).diff().abs().sum().item()


def mean_log_ratio(log_prob: Callable[[Tensor], Tensor], x: Tensor) -> tuple[float, float]:
    """The mean of log q - log phi over the rows of x, and its standard error."""
    if len(x) < 2:
        raise BadInput("n must be at least 2 for a standard error; got {got}.", got=len(x))
    ratio = log_prob(x) - _log_standard_normal(x)
    return ratio.mean().item(), ratio.std().item() / math.sqrt(len(ratio))


def _log_standard_normal(x: Tensor) -> Tensor:
    return -0.5 * (x.square().sum(-1) + x.shape[-1] * LOG_2PI)
