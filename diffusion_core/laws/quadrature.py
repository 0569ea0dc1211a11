r"""Integrals over the density of a Gaussian mixture, to many digits, in one and two dimensions.

.. math:: KL(q\|\phi) = \int q\ln\frac{q}{\phi} - q + \phi, \qquad \phi = N(0, I),

where the integrand is nowhere negative, and is second order where q and phi nearly agree.

On the line: Gauss-Legendre panels, half as wide as the standard deviation of the component that they cover, so that the
rule sees nothing but smooth functions. In the plane: the sum over a lattice, which for a smooth function on the whole
plane is right to :math:`e^{-2\pi^2\sigma^2/h^2}` for components as narrow as :math:`\sigma`, h the width of its cells;
where two components meet, ln q bends faster, and at worst 6e-7 is left.
"""

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.law import CHUNK
from diffusion_core.laws.mixtures import GaussianMixture

__all__ = ["expectation_nodes", "kl_to_normal", "log_normal", "on_the_unit"]

MOST = 3e8  # node-component pairs of one integral: some ten seconds
TAIL = 1e-12  # of all mass: what lies farther out is left away


def log_normal(x: Tensor, mean: Tensor | float, variance: float) -> Tensor:
    """ln N(x; mean, variance), number by number."""
    return -0.5 * ((x - mean).square() / variance + math.log(2 * math.pi * variance))


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
    spread = q.eigenvalues[:, 0].sqrt()
    narrow = spread.min().item()
    if narrow == 0:
        raise BadInput("Quadrature needs a density; got a component without width (t = 0).")
    _check_work((spread / narrow).sum().item() * 100)
    centres, order = q.means[:, 0].sort()
    between, wider = (centres[1:] + centres[:-1]) / 2, torch.maximum(spread[order][1:], spread[order][:-1])
    centres, spread = torch.cat([centres, between]), torch.cat([spread[order], wider])
    nodes, weights = _gauss_legendre(_panel_edges(centres, spread, narrow / 2), 20)
    x = nodes[:, None]
    return x, weights * q.log_prob(x).exp()


def on_the_unit(panels: int, order: int = 20) -> tuple[Tensor, Tensor]:
    """Nodes (n,) and weights (n,) over [0, 1]: as many equal panels, ``order`` points in each."""
    return _gauss_legendre(torch.linspace(0, 1, panels + 1, dtype=torch.float64), order)


def kl_to_normal(q: GaussianMixture) -> float:
    """KL(q || N(0, I)) in nats: on the line to 1e-9, in the plane to 1e-6 (absolute); tiny values keep their digits.

    Args:
        q: one mixture in 1 or 2 dimensions, such as ``law.at(schedule, t)``.

    Raises:
        BadInput: more dimensions; a component without width, or one too narrow.
    """
    if q.means.ndim != 2 or q.dimension > 2:
        raise BadInput(
            "The KL to N(0, I) is found for one mixture in 1 or 2 dimensions; got means of shape {got}.",
            got=tuple(q.means.shape),
        )
    q.check_density()
    return _on_the_line(q) if q.dimension == 1 else _in_the_plane(q)


def _on_the_line(q: GaussianMixture) -> float:
    """Outside of the panels the integrand is phi alone, by erfc."""
    spread = q.eigenvalues[:, 0].sqrt()
    edges = _panel_edges(q.means[:, 0], spread, spread.min().item() / 2)
    nodes, weights = _gauss_legendre(edges, 20)
    _check_work(len(nodes) * len(spread))
    inside = 0.0
    rows = max(1, CHUNK // len(spread))
    for x, weight in zip(torch.split(nodes, rows), torch.split(weights, rows), strict=True):
        inside += (weight @ _integrand(q, x[:, None])).item()
    outside = 0.5 * (math.erfc(-edges[0].item() / math.sqrt(2)) + math.erfc(edges[-1].item() / math.sqrt(2)))
    return inside + outside


def _in_the_plane(q: GaussianMixture) -> float:
    """The sum over a lattice, its cells less than half as wide as the narrowest component, and as phi.

    Outside of the box that holds q the integrand is phi alone, whose sum over a line of the lattice is 1.
    """
    width = min(1.0, q.eigenvalues.min().sqrt().item()) / 2.25
    first, second = (_lattice(q, i, width) for i in (0, 1))
    _check_work(len(first) * len(second) * len(q.weights))
    inside = 0.0
    for part in torch.split(first, max(1, CHUNK // (2 * len(second) * len(q.weights)))):
        inside += _integrand(q, torch.cartesian_prod(part, second)).sum().item() * width**2
    left, right = (_outside(axis, width) for axis in (first, second))
    return inside + left + right - left * right


def _lattice(q: GaussianMixture, i: int, width: float) -> Tensor:
    """Multiples of width that cover each component as far out as it has more than `TAIL` of the mass."""
    counts = q.weights > TAIL
    reach = (2 * (q.weights[counts] / TAIL).log() * q.covariances[counts, i, i]).sqrt()
    low, high = (q.means[counts, i] - reach).min().item(), (q.means[counts, i] + reach).max().item()
    _check_work((high - low) / width)
    return width * torch.arange(math.floor(low / width), math.ceil(high / width) + 1, dtype=torch.float64)


def _outside(axis: Tensor, width: float) -> float:
    """The part of phi that a line of the lattice has outside of this axis: the whole line has 1.

    A part below 1e-9 is none: there q is as wide as phi, and the integrand far smaller than phi.
    """
    rest = 1 - log_normal(axis, 0.0, 1.0).exp().sum().item() * width
    return rest if rest > 1e-9 else 0.0


def _integrand(q: GaussianMixture, x: Tensor) -> Tensor:
    log_q, log_phi = q.log_prob(x), log_normal(x, 0.0, 1.0).sum(-1)
    u = log_q - log_phi
    near = log_phi.exp() * (u * u.exp() - u.expm1())  # exact to second order where q and phi nearly agree
    far = log_q.exp() * (u - 1) + log_phi.exp()
    return torch.where(u.abs() < 1, near, far)


def _check_work(evaluations: float) -> None:
    if evaluations > MOST:
        raise BadInput(
            "A component of this density is too narrow for quadrature ({got:.0e} evaluations, at most {most:.0e}).",
            got=evaluations,
            most=MOST,
        )


# --- Gauss-Legendre on panels ---------------------------------------------------------------------------------------


def _panel_edges(centres: Tensor, spread: Tensor, width: float) -> Tensor:
    """Multiples of width that cover every centre +- 10 spread, there about spread / 2 apart (or width, if larger)."""
    pairs = torch.stack([centres, spread], -1).tolist()
    wanted = [torch.arange(c - 11 * sd, c + 11 * sd, sd / 2, dtype=torch.float64) for c, sd in pairs]
    edges: Tensor = torch.unique(torch.round(torch.cat(wanted) / width))
    return edges * width


def _gauss_legendre(edges: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights of the composite rule: order points in every panel between neighbouring edges."""
    nodes, weights = _legendre(order)
    half = edges.diff()[:, None] / 2
    return (edges[:-1, None] + half * (1 + nodes)).flatten(), (half * weights).flatten()


@cache
def _legendre(order: int) -> tuple[Tensor, Tensor]:
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return torch.from_numpy(nodes), torch.from_numpy(weights)
