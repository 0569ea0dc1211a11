r"""Toys: data on the line and in the plane with an exact density.

Every toy is a Gaussian mixture, so its x_t has a known density, score and denoiser (`laws.mixtures`). A curve or area
becomes a mixture by beads on a string: equal isotropic Gaussians :math:`N(m_k, \mathrm{sd}^2I)` at steps of about sd to
2 sd, which look like one smooth ribbon. Such a mixture is then moved and scaled as a whole,

.. math:: x \to a\,(x - m), \qquad a = \min\big(1/s,\ 2.8/\max_k\|m_k-m\|_\infty\big), \quad
          s^2 = \mathrm{tr\,Cov}/d,

so that its mean is 0, its variance a coordinate 1 (or less, where a far point would leave :math:`[-3,3]^2`). This is
the scale for which :math:`x_T\sim N(0,I)` is right, and it makes the toys comparable.

References:
    Ho, Jain, Abbeel 2020, section 3.2 (the scale).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture

__all__ = [
    "TOYS",
    "Dataset",
    "bimodal",
    "checkerboard",
    "eight_gaussians",
    "gaussian_1d",
    "spiral",
    "swiss_roll",
    "three_modes",
    "two_moons",
]
REACH = 2.8  # the farthest bead, so that the ribbon around it stays in [-3, 3]^2


L = TypeVar("L", bound=Law, covariant=True)


@dataclass(frozen=True, eq=False)
class Dataset(Generic[L]):
    """A law of x_0 with its name in URLs and the shape of one sample: (1,), (2,), (28, 28, 1)."""

    name: str
    law: L
    shape: tuple[int, ...]

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n draws of x_0, ``(n, *shape)``, float64."""
        return self.law.sample(n, generator).reshape(n, *self.shape)


# --- on the line ----------------------------------------------------------------------------------------------------


def bimodal() -> Dataset[GaussianMixture]:
    r""":math:`\tfrac12 N(-0.9, 0.1^2) + \tfrac12 N(0.9, 0.1^2)`: :math:`s^2 = 0.82`."""
    return Dataset("bimodal", GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.1), (1,))


def gaussian_1d(variance: float = 0.25) -> Dataset[GaussianMixture]:
    """N(0, variance): every quantity of the diffusion has a closed form; variance 0 is the point 0.

    Raises:
        BadInput: variance is negative, or no finite number.
    """
    if not (isinstance(variance, int | float) and 0 <= variance < math.inf):
        raise BadInput("variance must be a finite number, at least 0; got {got}.", got=variance)
    return Dataset("gaussian_1d", GaussianMixture.isotropic([1.0], [[0.0]], math.sqrt(variance)), (1,))


def three_modes() -> Dataset[GaussianMixture]:
    r""":math:`0.45\,N(-1, 0.15^2) + 0.3\,N(0.3, 0.1^2) + 0.25\,N(1.2, 0.2^2)`: unequal in weight, width, distance."""
    return Dataset(
        "three_modes",
        GaussianMixture.isotropic([0.45, 0.3, 0.25], [[-1.0], [0.3], [1.2]], [0.15, 0.1, 0.2]),
        (1,),
    )


# --- in the plane ---------------------------------------------------------------------------------------------------


def eight_gaussians() -> Dataset[GaussianMixture]:
    r""":math:`\tfrac18\sum_k N(\sqrt2\,(\cos, \sin)(2\pi k/8),\ 0.1^2I)`: mean 0, :math:`s^2 = 1.01`."""
    angle = 2 * math.pi * torch.arange(8, dtype=torch.float64) / 8
    centres = math.sqrt(2) * torch.stack([angle.cos(), angle.sin()], -1)
    return Dataset("eight_gaussians", GaussianMixture.isotropic(torch.full((8,), 1 / 8), centres, 0.1), (2,))


def two_moons() -> Dataset[GaussianMixture]:
    r"""Half circles :math:`(\cos a, \sin a)` and :math:`(1-\cos a, \tfrac12-\sin a)`, :math:`0<a<\pi`; 2 x 32 beads of
    sd 0.07, then scaled."""
    a = _midpoints(0.0, math.pi, 32)
    upper = torch.stack([a.cos(), a.sin()], -1)
    lower = torch.stack([1 - a.cos(), 0.5 - a.sin()], -1)
    return beads("two_moons", torch.cat([upper, lower]), 0.07)


def swiss_roll() -> Dataset[GaussianMixture]:
    r"""The roll :math:`r = a`, :math:`1.5\pi<a<4.5\pi`, even in arc length; 110 beads of sd 0.5 (r up to 14), then
    scaled."""
    return beads("swiss_roll", _archimedes(1.5 * math.pi, 4.5 * math.pi, 110), 0.5)


def checkerboard() -> Dataset[GaussianMixture]:
    """The 8 dark squares of a 4 x 4 board of side 4, uniform; 5 x 5 beads of sd 0.1 in each, then scaled."""
    inside = _midpoints(0.0, 1.0, 5)
    squares = [(i - 2.0, j - 2.0) for i in range(4) for j in range(4) if (i + j) % 2 == 0]
    cell = torch.cartesian_prod(inside, inside)
    return beads("checkerboard", torch.cat([cell + torch.tensor(s, dtype=torch.float64) for s in squares]), 0.1)


def spiral() -> Dataset[GaussianMixture]:
    r"""Two arms :math:`r = a` and its mirror image, :math:`\pi/2<a<3\pi`, even in arc length; 2 x 60 beads of sd 0.4,
    then scaled."""
    arm = _archimedes(0.5 * math.pi, 3 * math.pi, 60)
    return beads("spiral", torch.cat([arm, -arm]), 0.4)


def _midpoints(low: float, high: float, n: int) -> Tensor:
    """The middles of n equal parts of [low, high]."""
    return low + (high - low) * (torch.arange(n, dtype=torch.float64) + 0.5) / n


def _archimedes(low: float, high: float, n: int) -> Tensor:
    r"""n points :math:`(a\cos a, a\sin a)`, (n, 2), even in arc length :math:`(a\sqrt{1+a^2}+\mathrm{asinh}\,a)/2`."""
    a = np.linspace(low, high, 4001)
    length = (a * np.sqrt(1 + a**2) + np.arcsinh(a)) / 2
    angle = torch.from_numpy(np.interp(_midpoints(length[0], length[-1], n).numpy(), length, a))
    return torch.stack([angle * angle.cos(), angle * angle.sin()], -1)


def beads(name: str, centres: Tensor, sd: float, weights: Tensor | None = None) -> Dataset[GaussianMixture]:
    """A mixture of beads, moved to mean 0 and scaled to variance 1 or into [-3, 3]^2 (the module's formula).

    Args:
        centres: (K, 2).
        sd: of each bead.
        weights: (K,), their sum 1; None: all alike.
    """
    if weights is None:
        weights = torch.full((len(centres),), 1 / len(centres), dtype=torch.float64)
    centred = centres - weights @ centres
    s = math.sqrt((weights @ centred.square()).mean().item() + sd**2)
    scale = min(1 / s, REACH / max(centred.abs().max().item(), sd))
    return Dataset(name, GaussianMixture.isotropic(weights, scale * centred, scale * sd), (2,))


TOYS: dict[str, Callable[[], Dataset[GaussianMixture]]] = {
    "bimodal": bimodal,
    "gaussian_1d": gaussian_1d,
    "three_modes": three_modes,
    "eight_gaussians": eight_gaussians,
    "two_moons": two_moons,
    "swiss_roll": swiss_roll,
    "checkerboard": checkerboard,
    "spiral": spiral,
}
