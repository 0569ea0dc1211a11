r"""Guidance with exact scores: what it follows at each t, and what its samples are not.

A labelled mixture: each Gaussian of :math:`p(x) = \sum_k \pi_k N(m_k, C_k)` belongs to a class c. Everything is known:
:math:`\epsilon^*(x_t, t)`, :math:`\epsilon^*(x_t, t, c)` and :math:`p_t(c|x_t)`. As the score is
:math:`-\epsilon^*/\sqrt{1-\bar\alpha_t}` and :math:`\nabla\ln p_t(x|c) = \nabla\ln p_t(x) + \nabla\ln p_t(c|x)`,

.. math::
    \hat\epsilon = \epsilon^* + w\,(\epsilon^*_c - \epsilon^*)
    = -\sqrt{1-\bar\alpha_t}\;\nabla\ln\big[p_t(x_t)\,p_t(c|x_t)^w\big]:

at each t guidance follows the density :math:`p_t\,p_t(c|\cdot)^w`. But for t = 0, ..., T these are not one density
with more and more noise (only for w = 0 and w = 1 they are), so a sampler that follows them all does not arrive at
:math:`p_0\,p_0(c|\cdot)^w`.

References:
    Ho, Salimans 2022 (their w is ours less 1). Dhariwal, Nichol 2021, section 4 (guidance by a classifier).
    That the end is another law: Bradley, Nakkiran 2024, section 3; the numbers are computed here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.exact import GaussianMixture
from diffusion_core.nets import Guided
from diffusion_core.samplers import ddim
from diffusion_core.schedule import NoiseSchedule

__all__ = ["GuidedLaw", "LabelledMixture", "guided_law", "two_bumps", "two_halves"]


@dataclass(frozen=True, eq=False)
class LabelledMixture:
    """A Gaussian mixture whose components have classes.

    Args:
        mixture: p(x), K components.
        labels: the class of each, K integers from 0 on.

    Raises:
        BadInput: not one label for each component.
    """

    mixture: GaussianMixture
    labels: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.mixture.weights):
            raise BadInput(
                "labels must hold one class for each of the {n} components; got {got}.",
                n=len(self.mixture.weights),
                got=len(self.labels),
            )

    def given(self, c: int) -> GaussianMixture:
        """p(x | c)."""
        mine = self._of(c)
        weights = self.mixture.weights[mine]
        return GaussianMixture(weights / weights.sum(), self.mixture.means[mine], self.mixture.covariances[mine])

    def log_class(self, x_t: Tensor, c: int, schedule: NoiseSchedule | None = None, t: int = 0) -> Tensor:
        """ln p_t(c | x_t), (...); of the data themselves when schedule and t are left out."""
        share = self.mixture.weights[self._of(c)].sum().log()
        law = self.given(c)
        return share.to(x_t) + law.log_prob(x_t, schedule, t) - self.mixture.log_prob(x_t, schedule, t)

    def log_tilted(self, x: Tensor, c: int, w: float, schedule: NoiseSchedule | None = None, t: int = 0) -> Tensor:
        """ln p_t(x) + w ln p_t(c | x), (...): a density but for its constant."""
        return self.mixture.log_prob(x, schedule, t) + w * self.log_class(x, c, schedule, t)

    def denoiser(self, schedule: NoiseSchedule) -> "LabelledDenoiser":
        """eps*(x_t, t, cond), which `nets.Guided` can guide."""
        return LabelledDenoiser(self, schedule)

    def _of(self, c: int) -> Tensor:
        mine = torch.tensor([label == c for label in self.labels])
        if not mine.any():
            raise BadInput(
                "c must be one of the classes {allowed}; got {got}.", allowed=sorted(set(self.labels)), got=c
            )
        return mine


class LabelledDenoiser:
    """The exact denoiser of a labelled mixture: (x_t, t, cond) -> eps*, cond (batch,) classes or None.

    Raises:
        BadInput: cond holds a class that the mixture has not.
    """

    def __init__(self, law: LabelledMixture, schedule: NoiseSchedule) -> None:
        self.free = law.mixture.denoiser(schedule)
        self.of_class = {c: law.given(c).denoiser(schedule) for c in set(law.labels)}

    def __call__(self, x_t: Tensor, t: int, cond: Tensor | None = None) -> Tensor:
        if cond is None:
            return self.free(x_t, t)
        out = torch.empty_like(x_t)
        for c in cond.unique().tolist():
            if c not in self.of_class:
                raise BadInput("cond must hold classes of {allowed}; got {got}.", allowed=sorted(self.of_class), got=c)
            rows = cond == c
            out[rows] = self.of_class[c](x_t[rows], t)
        return out


# --- where guided sampling arrives, on the line ---------------------------------------------------------------------

REACH = 5.5  # N(0, 1) has 4e-8 beyond


@dataclass(frozen=True, eq=False)
class GuidedLaw:
    """Two laws on one grid of the line: what guided sampling makes, and p(x) p(c|x)^w.

    Attributes:
        x: (n,) rising.
        made, tilted: (n,) their distribution functions.
        made_density, tilted_density: (n,) their densities.
    """

    x: Tensor
    made: Tensor
    tilted: Tensor
    made_density: Tensor
    tilted_density: Tensor

    @property
    def largest_gap(self) -> float:
        """The largest difference of the distribution functions (Kolmogorov's distance), 0 to 1."""
        return (self.made - self.tilted).abs().max().item()

    @property
    def w1(self) -> float:
        """Wasserstein-1: the area between the distribution functions."""
        return torch.trapezoid((self.made - self.tilted).abs(), self.x).item()


def guided_law(
    law: LabelledMixture, c: int, w: float, schedule: NoiseSchedule, timesteps: Sequence[int], n: int = 4001
) -> GuidedLaw:
    """Where DDIM without noise, guided by exact scores, takes N(0, 1); the law must be on the line.

    In one dimension each step is a rising function, so the u-quantile of x_T arrives at the u-quantile of what is made:
    the distribution function follows from n starting points, evenly from -REACH to REACH, without a random number.

    Raises:
        BadInput: a law in more dimensions.
    """
    if law.mixture.dimension != 1:
        raise BadInput("A guided law is computed on the line only; got d = {d}.", d=law.mixture.dimension)
    x_T = torch.linspace(-REACH, REACH, n, dtype=torch.float64)[:, None]
    u = torch.special.ndtr(x_T[:, 0])
    cond = torch.full((n,), c)
    *_, last = ddim(Guided(law.denoiser(schedule), cond, w), schedule, x_T, timesteps)
    made = last.x_s[:, 0]
    low = min(made[0].item(), law.mixture.means.min().item()) - 1
    high = max(made[-1].item(), law.mixture.means.max().item()) + 1
    x = torch.linspace(low, high, 2001, dtype=torch.float64)
    F = _interpolate(x, made, u)
    density = law.log_tilted(x[:, None], c, w)
    density = (density - density.max()).exp()
    mass = torch.cumulative_trapezoid(density, x)
    G = torch.cat([mass.new_zeros(1), mass]) / mass[-1]
    return GuidedLaw(x, F, G, torch.gradient(F, spacing=(x,))[0], density / mass[-1])


def _interpolate(x: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """Straight lines between the points (xs rising, ys); 0 to the left, 1 to the right."""
    right = torch.searchsorted(xs, x).clamp(1, len(xs) - 1)
    x0, x1, y0, y1 = xs[right - 1], xs[right], ys[right - 1], ys[right]
    inside = y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return torch.where(x < xs[0], 0.0, torch.where(x > xs[-1], 1.0, inside)).clamp(0, 1)


# --- the laws of the lesson -----------------------------------------------------------------------------------------


def two_bumps() -> LabelledMixture:
    """On the line: class 0 is N(-0.7, 0.6^2), class 1 is N(0.7, 0.6^2); they overlap."""
    return LabelledMixture(GaussianMixture.isotropic([0.5, 0.5], [[-0.7], [0.7]], 0.6), (0, 1))


def two_halves() -> LabelledMixture:
    """In the plane: eight Gaussians on a circle of radius 1.2, sd 0.32, the upper four class 0, the lower four 1."""
    angle = 2 * math.pi * (torch.arange(8, dtype=torch.float64) + 0.5) / 8
    centres = 1.2 * torch.stack([angle.cos(), angle.sin()], -1)
    return LabelledMixture(GaussianMixture.isotropic(torch.full((8,), 1 / 8), centres, 0.32), (0, 0, 0, 0, 1, 1, 1, 1))
