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
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.denoisers import Guided
from diffusion_core.errors import BadInput, check_at_least
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.samplers import ddim
from diffusion_core.schedule import NoiseSchedule

__all__ = ["GuidedLaw", "LabelledMixture", "guided_law", "three_bumps", "two_bumps", "two_halves"]


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
        if len(self.labels) != len(self.mixture.means):
            raise BadInput(
                "labels must hold one class for each of the {n} components; got {got}.",
                n=len(self.mixture.means),
                got=len(self.labels),
            )

    def at(self, schedule: NoiseSchedule, t: int) -> "LabelledMixture":
        """p_t(x_t), its components of the same classes."""
        return LabelledMixture(self.mixture.at(schedule, t), self.labels)

    def given(self, c: int) -> GaussianMixture:
        """p(x | c)."""
        mine, all_of = self._of(c), self.mixture
        log_weights = all_of.log_weights[mine]
        return GaussianMixture(
            log_weights=log_weights - log_weights.logsumexp(0),
            means=all_of.means[mine],
            eigenvalues=all_of.eigenvalues[mine],
            eigenvectors=all_of.eigenvectors[mine],
        )

    def log_class(self, x: Tensor, c: int) -> Tensor:
        """ln p(c | x), (...)."""
        share = self.mixture.log_weights[self._of(c)].logsumexp(0)
        return share.to(x) + self.given(c).log_prob(x) - self.mixture.log_prob(x)

    def log_tilted(self, x: Tensor, c: int, w: float) -> Tensor:
        """ln p(x) + w ln p(c | x), (...): a density but for its constant."""
        return self.mixture.log_prob(x) + w * self.log_class(x, c)

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

    def __call__(self, x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        if cond is None:
            return self.free(x_t, t)
        out = torch.empty_like(x_t)
        for c in sorted(set(cond.tolist())):
            if c not in self.of_class:
                raise BadInput("cond must hold classes of {allowed}; got {got}.", allowed=sorted(self.of_class), got=c)
            rows = cond == c
            out[rows] = self.of_class[c](x_t[rows], t[rows] if isinstance(t, Tensor) else t)
        return out


# --- where guided sampling arrives, on the line ---------------------------------------------------------------------

REACH = 5.5  # N(0, 1) has 4e-8 beyond
BENT = 0.02  # a cell whose midpoint lies farther from the straight line, measured by its image, is halved
LEAST = 1e-6  # of the mass: a cell that holds less is not halved
MOST = 200_000  # cells


@dataclass(frozen=True, eq=False)
class GuidedLaw:
    """Two laws on one grid of the line: what guided sampling makes, and p(x) p(c|x)^w.

    Attributes:
        x: (n,) rising, close together where either law changes.
        made, tilted: (n,) their distribution functions, straight between the points.
        made_density, tilted_density: (n,) their densities. That of what is made is the mean over the two cells beside
            a point: where the map folds the true one is infinite, like 1 / sqrt of the distance.
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
    law: LabelledMixture, c: int, w: float, schedule: NoiseSchedule, timesteps: Sequence[int], n: int = 2001
) -> GuidedLaw:
    r"""Where DDIM without noise, guided by exact scores, takes N(0, 1); the law must be on the line.

    All steps together are one map f of x_T, and :math:`F(x) = P(f(x_T)\le x)`. For w in [0, 1] f rises. Else it need
    not: a step's slope is :math:`\sqrt{\bar\alpha_s/\bar\alpha_t}\,[\rho + (1-\rho)((1-w)V + wV_c)/\sigma_t^2]` with
    :math:`\sigma^2 = (1-\bar\alpha)/\bar\alpha`, :math:`\rho = \sigma_s/\sigma_t` and V, V_c the variances of x_0
    given x_t without and with the class; it is negative where V is large and the step long, and f folds the line. So
    [-REACH, REACH] is cut into n - 1 cells, those halved on which f is not straight (to `BENT`), and the mass of each
    laid evenly over its image. No random number is used.

    Raises:
        BadInput: a law in more dimensions or without a density; w negative; n below 2; a map with more folds than
            `MOST` cells can follow; the errors of `ddim`.
    """
    if law.mixture.dimension != 1:
        raise BadInput("A guided law is computed on the line only; got d = {d}.", d=law.mixture.dimension)
    check_at_least("n", n, 2)
    denoiser = law.denoiser(schedule)

    def f(x_T: Tensor) -> Tensor:
        guided = Guided(denoiser, torch.full((len(x_T),), c), w)
        *_, last = ddim(guided, schedule, x_T[:, None], timesteps)
        return last.x_s[:, 0]

    ends, images = _straight_cells(f, torch.linspace(-REACH, REACH, n, dtype=torch.float64))
    mass = torch.special.ndtr(ends).diff(dim=-1)[:, 0]
    x = _places(law.mixture, images)
    F = _distribution(x, images.amin(-1), images.amax(-1), mass / mass.sum())
    density = law.log_tilted(x[:, None], c, w)
    density = (density - density.max()).exp()
    tilted = torch.cumulative_trapezoid(density, x)
    G = torch.cat([tilted.new_zeros(1), tilted]) / tilted[-1]
    return GuidedLaw(x, made=F, tilted=G, made_density=_density(F, x), tilted_density=density / tilted[-1])


def _straight_cells(f: Callable[[Tensor], Tensor], nodes: Tensor) -> tuple[Tensor, Tensor]:
    """Ends (m, 2) of cells on which f is nearly straight, and the images of both ends, (m, 2)."""
    ends, images = (torch.stack([part[:-1], part[1:]], -1) for part in (nodes, f(nodes)))
    done: list[tuple[Tensor, Tensor]] = []
    count = 0
    while len(ends):
        middle = ends.mean(-1)
        found = f(middle)
        rounding = 1e-12 * images.abs().amax(-1).clamp_min(1e-3)
        bent = (found - images.mean(-1)).abs() > BENT * images.diff(dim=-1)[:, 0].abs() + rounding
        bent &= torch.special.ndtr(ends).diff(dim=-1)[:, 0] > LEAST
        halves = [_halved(part, at) for part, at in ((ends, middle), (images, found))]
        done.append((halves[0][~bent].reshape(-1, 2), halves[1][~bent].reshape(-1, 2)))
        ends, images = (part[bent].reshape(-1, 2) for part in halves)
        count += len(done[-1][0])
        if count + len(ends) > MOST:
            raise BadInput(
                "Such guidance folds the line too often: more than {most} cells; take a smaller w or more steps.",
                most=MOST,
            )
    return torch.cat([part for part, _ in done]), torch.cat([part for _, part in done])


def _halved(ends: Tensor, middle: Tensor) -> Tensor:
    """(m, 2, 2): the two halves of each."""
    return torch.stack([ends[:, 0], middle, middle, ends[:, 1]], -1).reshape(-1, 2, 2)


def _places(mixture: GaussianMixture, images: Tensor) -> Tensor:
    """Where the laws are looked at: an even grid, the ends of all images, and the components, finely."""
    centre, sd = mixture.means, mixture.eigenvalues.sqrt()  # (K, 1)
    low, high = min(images.min().item(), centre.min().item()) - 1, max(images.max().item(), centre.max().item()) + 1
    even = torch.linspace(low, high, 2001, dtype=torch.float64)
    bells = centre + sd * torch.linspace(-8, 8, 321, dtype=torch.float64)
    bells = bells[(bells > low) & (bells < high)]
    places: Tensor = torch.unique(torch.cat([even, images.flatten(), bells]))
    return places


def _distribution(x: Tensor, low: Tensor, high: Tensor, mass: Tensor) -> Tensor:
    """P(X <= x) at rising x, where each mass lies evenly between its low and its high."""
    start, full = torch.searchsorted(x, low, right=True), torch.searchsorted(x, high)
    F = torch.bincount(full, mass, len(x) + 1)[:-1].cumsum(0)
    count = (full - start).clamp_min(0)  # places inside each image
    cell = torch.repeat_interleave(count)
    at = torch.arange(len(cell)) - (count.cumsum(0) - count)[cell] + start[cell]
    return F.index_add(0, at, mass[cell] * (x[at] - low[cell]) / (high - low)[cell]).clamp(0, 1)


def _density(F: Tensor, x: Tensor) -> Tensor:
    """The mean slope of F over the two cells beside each x: its trapezium sum is the mass, on uneven grids too."""
    left, right = torch.cat([x[:1], x[:-1]]), torch.cat([x[1:], x[-1:]])
    below, above = torch.cat([F[:1], F[:-1]]), torch.cat([F[1:], F[-1:]])
    return (above - below) / (right - left)


# --- the laws of the lesson -----------------------------------------------------------------------------------------


def two_bumps() -> LabelledMixture:
    """On the line: class 0 is N(-0.7, 0.6^2), class 1 is N(0.7, 0.6^2); they overlap."""
    return LabelledMixture(GaussianMixture.isotropic([0.5, 0.5], [[-0.7], [0.7]], 0.6), (0, 1))


def three_bumps() -> LabelledMixture:
    """On the line: class 1 is N(0, 0.6^2), in the middle; class 0 is N(-1.4, 0.6^2), class 2 N(1.4, 0.6^2)."""
    third = torch.full((3,), 1 / 3, dtype=torch.float64)
    return LabelledMixture(GaussianMixture.isotropic(third, [[-1.4], [0.0], [1.4]], 0.6), (0, 1, 2))


def two_halves() -> LabelledMixture:
    """In the plane: eight Gaussians on a circle of radius 1.2, sd 0.32, the upper four class 0, the lower four 1."""
    angle = 2 * math.pi * (torch.arange(8, dtype=torch.float64) + 0.5) / 8
    centres = 1.2 * torch.stack([angle.cos(), angle.sin()], -1)
    return LabelledMixture(GaussianMixture.isotropic(torch.full((8,), 1 / 8), centres, 0.32), (0, 0, 0, 0, 1, 1, 1, 1))
