r"""What is left to know of x_0, and the entropy of x_t: averages over x_t, exact where they can be, else over draws.

.. math::
    V_t = \tfrac1d E\,\mathrm{tr}\,\mathrm{Cov}[x_0|x_t], \qquad
    \ell_t = \frac{\bar\alpha_t}{1-\bar\alpha_t}V_t, \qquad
    H(q_t)/d = -\tfrac1d E\ln q_t(x_t).

Exact for one Gaussian, by quadrature for 1-D mixtures and for few points on one line; else the average of n draws of
x_t, or of pairs of points (`laws.pairs`). Such an average has a standard error, with a part for what is too rare for n
draws to meet.

References:
    Bao et al. 2022, "Analytic-DPM" (the least loss and what follows from it).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.errors import BadInput, check_at_least
from diffusion_core.forward import q_sample
from diffusion_core.laws.finite import FiniteData, NoisedPoints
from diffusion_core.laws.law import CHUNK, Law, Noised
from diffusion_core.laws.mixtures import GaussianMixture, NoisedMixture
from diffusion_core.laws.pairs import draws_by_pairs, most, pair_weights
from diffusion_core.laws.quadrature import expectation_nodes
from diffusion_core.objectives import LOG_2PI
from diffusion_core.schedule import NoiseSchedule

__all__ = ["Estimate", "Places", "entropy", "loss_floor", "places_of_x_t", "x0_uncertainty"]

FEW = 64  # points on a line, at most: quadrature asks each of them for 1600 nodes


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error: 0 where the number is exact but for rounding.

    The error of an average over draws has a part for what is too rare for n draws to meet.
    """

    value: float
    standard_error: float = 0.0


def x0_uncertainty(
    law: Law, schedule: NoiseSchedule, t: int, n: int = 2_000, generator: torch.Generator | None = None
) -> Estimate:
    r""":math:`V_t = E\,\mathrm{tr}\,\mathrm{Cov}[x_0|x_t]/d`, what is left to know of x_0: from 0 at t = 0 to the
    variance of the data.

    Args:
        n, generator: how many draws and what draws them, where it is no quadrature.

    Raises:
        BadInput: t outside 1..T, or no generator where one is needed.
    """
    schedule.check_t(t, low=1)
    if isinstance(law, GaussianMixture) and len(law.means) == 1:
        alpha_bar, noise = schedule.alpha_bar[t].item(), schedule.one_minus_alpha_bar[t].item()
        return Estimate((law.eigenvalues * noise / (alpha_bar * law.eigenvalues + noise)).mean().item())
    if isinstance(law, FiniteData):
        line = _along_a_line(law)
        if line is not None:
            x, weights = _line_nodes(line, schedule, t)
            return Estimate((line.at(schedule, t).x0_variance(x)[:, 0] @ weights).item() / law.dimension)
        weight = pair_weights(law.at(schedule, t))
        if weight is not None and most(weight, law) < law.variance / 10:  # about where x_t does as well
            return _by_pairs(law.at(schedule, t), weight, n, _check_draws(n, generator))
    places = places_of_x_t(law, schedule, t, n=n, generator=generator)
    return places.average(places.x0_variance().mean(-1), places.missed)


def loss_floor(
    law: Law, schedule: NoiseSchedule, t: int, n: int = 2_000, generator: torch.Generator | None = None
) -> Estimate:
    r""":math:`\ell_t`, the simple loss of the best possible network at t, in [0, 1].

    What a network's loss has above it, is its error. Arguments and errors are those of `x0_uncertainty`.
    """
    spread = x0_uncertainty(law, schedule, t, n=n, generator=generator)
    snr = schedule.snr[t].item()
    return Estimate(min(snr * spread.value, 1.0), snr * spread.standard_error)  # draws may be above it


def entropy(
    law: Law, schedule: NoiseSchedule, t: int, n: int = 2_000, generator: torch.Generator | None = None
) -> Estimate:
    """The entropy of x_t a dimension in nats; at t = 0 that of the data, if it has a density.

    Arguments and errors are those of `x0_uncertainty`, besides t in 0..T.
    """
    if isinstance(law, GaussianMixture) and len(law.means) == 1:
        return Estimate(0.5 * (LOG_2PI + 1 + law.at(schedule, t).eigenvalues.log().mean().item()))
    places = places_of_x_t(law, schedule, t, n=n, generator=generator)
    alike = math.log(len(law.centres)) / law.dimension  # one draw at which no x_0 is likelier than another
    return places.average(-places.log_prob() / law.dimension, alike / n)


# --- averages over x_t ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """Where an average over x_t is taken.

    Attributes:
        law: of x_0.
        now: what is known at t.
        x: (n, d).
        weights: (n,), their sum 1.
        exact: quadrature, not draws.
    """

    law: Law
    now: Noised
    x: Tensor
    weights: Tensor
    exact: bool

    @property
    def missed(self) -> float:
        """What draws of x_t may have missed of V_t: one draw where the farthest x_0 is likeliest, or if that is less,
        all there is between any two points or components; 0 where it is exact."""
        return 0.0 if self.exact else _missed(self.law, self.now, len(self.x))

    def average(self, values: Tensor, missed: float) -> Estimate:
        """Of values (n,); `missed` is what draws may not have met."""
        value = (values @ self.weights).item()
        return Estimate(value) if self.exact else Estimate(value, _error(values, missed))

    def log_prob(self) -> Tensor:
        """(n,), in nats."""
        return self._in_parts(self.now.log_prob)

    def x0_variance(self) -> Tensor:
        """(n, d)."""
        return self._in_parts(self.now.x0_variance)

    def _in_parts(self, ask: Callable[[Tensor], Tensor]) -> Tensor:
        """So that no (rows, K, d) array is large; finite data need none, and see to their weights themselves."""
        rows = CHUNK if isinstance(self.law, FiniteData) else max(1, CHUNK // self.law.centres.numel())
        return torch.cat([ask(part) for part in torch.split(self.x, rows)])


def places_of_x_t(law: Law, schedule: NoiseSchedule, t: int, n: int, generator: torch.Generator | None) -> Places:
    """By quadrature for 1-D mixtures and few points on the line, else n draws.

    Raises:
        BadInput: t out of range, or no generator where one is needed.
    """
    now = law.at(schedule, t)
    if isinstance(now, GaussianMixture) and law.dimension == 1:
        return Places(law, now, *expectation_nodes(now), exact=True)
    if isinstance(law, FiniteData) and law.dimension == 1 and len(law.points) <= FEW and t > 0:
        return Places(law, now, *_line_nodes(law, schedule, t), exact=True)
    generator = _check_draws(n, generator)
    x0 = law.sample(n, generator)
    eps = torch.randn(x0.shape, dtype=x0.dtype, device=generator.device, generator=generator).to(x0.device)
    return Places(law, now, q_sample(schedule, x0, t, eps), x0.new_full((n,), 1 / n), exact=False)


def _missed(law: Law, now: Noised, n: int) -> float:
    one_draw = (law.centres - law.mean()).square().sum(-1).max().item() / law.dimension / n
    if isinstance(now, NoisedPoints):
        weight = pair_weights(now)
        return one_draw if weight is None else min(one_draw, most(weight, now.law))
    if isinstance(now, NoisedMixture) and len(now.means) <= FEW:
        return min(one_draw, _between_components(now))
    return one_draw


def _between_components(now: NoisedMixture) -> float:
    r"""Half Bhattacharyya's integral for each two components, for :math:`ab/(a+b)\le\tfrac12\sqrt{ab}`."""
    law, means = now.law, now.law.means
    offset = now.means[:, None] - now.means  # (K, K, d)
    between = (now.covariances[:, None] + now.covariances) / 2
    exponent = (offset * torch.linalg.solve(between, offset)).sum(-1) / 8
    distance2 = (means[:, None] - means).square().sum(-1) / law.dimension
    root = law.weights.sqrt()
    return 0.25 * (root[:, None] * root * distance2 * torch.exp(-exponent)).sum().item()


def _error(draws: Tensor, missed: float) -> float:
    return math.hypot(draws.std().item() / math.sqrt(len(draws)), missed)


def _check_draws(n: int, generator: torch.Generator | None) -> torch.Generator:
    if generator is None:
        raise BadInput("generator must be a torch.Generator, for this average is over draws; got None.")
    check_at_least("n", n, 2)
    return generator


# --- finite data ----------------------------------------------------------------------------------------------------


def _along_a_line(law: FiniteData) -> FiniteData | None:
    """The law along the line that holds all its points, if there are few and they lie on one: noise across it says
    nothing of x_0."""
    if len(law.points) > FEW:
        return None
    offset = law.centres - law.centres[0]
    length = offset.norm(dim=-1)
    far = length.argmax()
    direction = offset[far] / length[far].clamp_min(torch.finfo(torch.float64).tiny)
    along = offset @ direction
    across = (offset - along[:, None] * direction).norm(dim=-1).max()
    return FiniteData(along[:, None]) if across <= 1e-13 * length[far] else None


def _line_nodes(law: FiniteData, schedule: NoiseSchedule, t: int) -> tuple[Tensor, Tensor]:
    n = len(law.points)
    return expectation_nodes(GaussianMixture.isotropic([1 / n] * n, law.points, 0.0).at(schedule, t))


def _by_pairs(now: NoisedPoints, weight: Tensor, n: int, generator: torch.Generator) -> Estimate:
    total = most(weight, now.law)
    if total == 0:
        return Estimate(0.0)  # below the smallest float
    values = draws_by_pairs(now, weight, n, generator)
    return Estimate((values @ values.new_full((n,), 1 / n)).item(), _error(values, total / n))
