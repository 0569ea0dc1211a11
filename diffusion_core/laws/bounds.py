r"""What is minimised, how low it can go, and what it says of the likelihood. In nats a dimension; / ln 2 for bits.

.. math::
    L_{simple} &= E\,\|\epsilon - \hat\epsilon(x_t, t)\|^2/d \ \ge\ \ell_t
        = \frac{\bar\alpha_t}{1-\bar\alpha_t}V_t, \qquad V_t = \tfrac1d E\,\mathrm{tr}\,\mathrm{Cov}[x_0|x_t] \\
    L_T &= \tfrac1d E\,KL\big(q(x_T|x_0)\|N(0,I)\big) \qquad\text{(forward.forward_kl)} \\
    L_{t-1} &= \tfrac12\Big[\frac{\tilde\beta}{\sigma^2}-1+\ln\frac{\sigma^2}{\tilde\beta}\Big]
        + \frac{c_0^2}{2\sigma^2}\Big(V_t + \tfrac1dE\|\hat x_\theta-\hat x_0\|^2\Big) \\
    L_0 &= \tfrac12\ln 2\pi\sigma^2 + \frac{1}{2\sigma^2}\Big(V_1 + \tfrac1dE\|\hat x_\theta-\hat x_0\|^2\Big)
        \qquad\text{(a density as decoder)}

The bound :math:`-\ln p(x_0) \le L_T + \sum L_{t-1} + L_0` (Ho et al. 2020, eq. 5) pays above the entropy of the data
the *gap* (their eq. 16), one KL for each step, which knows nothing of x_0:

.. math::
    KL\big(q(x_T)\|N(0,I)\big) + \sum E\,KL\big(q(x_s|x_t)\|p(x_s|x_t)\big), \qquad
    KL = \tfrac12\Big[\ln\frac{\sigma^2}{\beta} + \frac{\sigma^{*2}}{\sigma^2} - 1\Big] - \big[H(q_s)-H(q_t)\big],

with :math:`\sigma^{*2} = \tilde\beta + c_0^2V_t` and H the entropy of x_t a dimension.

References:
    Ho, Jain, Abbeel 2020, eq. 5, 12, 14 and 16. Nichol, Dhariwal 2021, eq. 16 (hybrid). Kingma et al. 2021,
    "Variational Diffusion Models" (the weights in SNR). Bao et al. 2022, "Analytic-DPM" (loss and optimal variance).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.forward import forward_kl, q_sample
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import expectation_nodes
from diffusion_core.objectives import LOG_2PI, decoder_term, vlb_term
from diffusion_core.posterior import Transition, transitions
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.variance import Variance, VarianceChoice, optimal

__all__ = ["Bound", "Estimate", "entropy", "loss_floor", "optimal_for", "vlb", "vlb_gap", "x0_uncertainty"]

Law = GaussianMixture | FiniteData
ROWS = 2**22  # numbers in the largest temporary array


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error: 0 where the number is exact but for rounding.

    The error of an average over draws has a part for what is too rare for n draws to meet.
    """

    value: float
    standard_error: float = 0.0


@dataclass(frozen=True)
class Bound:
    """The terms of a bound in nats a dimension.

    Attributes:
        prior: the term of x_T.
        steps: one for each pair (t, s), from high t to low; the last is the decoder's, s = 0.
        standard_error: of the total; 0 where there is no Monte Carlo.
    """

    prior: float
    steps: tuple[float, ...]
    standard_error: float = 0.0

    @property
    def total(self) -> float:
        """Their sum, in nats a dimension."""
        return self.prior + math.fsum(self.steps)

    @property
    def bits(self) -> float:
        """The total in bits a dimension."""
        return self.total / math.log(2)


def x0_uncertainty(
    law: Law, schedule: NoiseSchedule, t: int, n: int = 2_000, generator: torch.Generator | None = None
) -> Estimate:
    r""":math:`V_t = E\,\mathrm{tr}\,\mathrm{Cov}[x_0|x_t]/d`, what is left to know of x_0: from 0 at t = 0 to the
    variance of the data.

    Exact for one Gaussian, by quadrature for 1-D mixtures and for few points on one line; else an average over n draws:
    of pairs of points, where few of them are within reach of each other (`_by_pairs`), or of x_t.

    Raises:
        BadInput: t outside 1..T, or no generator where one is needed.
    """
    schedule.check_t(t, low=1)
    if isinstance(law, GaussianMixture) and len(law.weights) == 1:
        alpha_bar, noise = schedule.alpha_bar[t].item(), schedule.one_minus_alpha_bar[t].item()
        return Estimate((law.eigenvalues * noise / (alpha_bar * law.eigenvalues + noise)).mean().item())
    if isinstance(law, FiniteData):
        line = _along_a_line(law)
        if line is not None:
            x, weights = _line_nodes(line, schedule, t)
            return Estimate((line.x0_variance(x, schedule, t)[:, 0] @ weights).item() / law.dimension)
        generator = _check_draws(n, generator)
        weight = _pair_weights(law, schedule, t)
        if weight is not None and _sum_of(weight, law) < law.variance / 10:  # about where x_t does as well
            return _by_pairs(law, schedule, t, n, generator, weight)
    x, weights, exact = _x_t(law, schedule, t, n, generator)
    return _average(_x0_variance(law, x, schedule, t).mean(-1), weights, exact, _missed(law, schedule, t, n))


def loss_floor(
    law: Law, schedule: NoiseSchedule, t: int, n: int = 2_000, generator: torch.Generator | None = None
) -> Estimate:
    r""":math:`\ell_t = \frac{\bar\alpha_t}{1-\bar\alpha_t}V_t`, the simple loss of the best possible network at t, in
    [0, 1]. What a network's loss has above it, is its error. Arguments and errors are those of `x0_uncertainty`.
    """
    spread = x0_uncertainty(law, schedule, t, n, generator)
    snr = schedule.snr[t].item()
    return Estimate(min(snr * spread.value, 1.0), snr * spread.standard_error)  # draws may be above it


def optimal_for(
    law: Law,
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    n: int = 2_000,
    generator: torch.Generator | None = None,
) -> VarianceChoice:
    """`optimal` with the floor of this law at these timesteps. Arguments and errors are those of `x0_uncertainty`."""
    floors = {t: loss_floor(law, schedule, t, n, generator).value for t in timesteps}

    def floor(t: int) -> float:
        if t not in floors:
            raise BadInput("t must be one of the timesteps that the optimal variance was made for; got {got}.", got=t)
        return floors[t]

    return optimal(floor)


def entropy(
    law: Law, schedule: NoiseSchedule, t: int, n: int = 2_000, generator: torch.Generator | None = None
) -> Estimate:
    r""":math:`H(q_t)/d = -E\ln q_t(x_t)/d` in nats; at t = 0 that of the data, if it has a density.

    Exact for one Gaussian, by quadrature for 1-D mixtures and few points; else the mean over n draws. Errors: as
    `x0_uncertainty`.
    """
    schedule.check_t(t)
    if isinstance(law, GaussianMixture) and len(law.weights) == 1:
        values = law.marginal(schedule, t).eigenvalues
        return Estimate(0.5 * (LOG_2PI + 1 + values.log().mean().item()))
    x, weights, exact = _x_t(law, schedule, t, n, generator)
    parts = [law.log_prob(part, schedule, t) for part in x.split(_rows(law))]
    values = -torch.cat(parts) / law.dimension
    alike = math.log(len(law.weights) if isinstance(law, GaussianMixture) else len(law.points)) / law.dimension
    return _average(values, weights, exact, alike / n)  # one draw at which no x_0 is likelier than another


def vlb(
    law: Law,
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    variance: VarianceChoice,
    n: int = 2_000,
    generator: torch.Generator | None = None,
) -> Bound:
    r"""The bound :math:`L_T + \sum L_{t-1} + L_0` with the exact denoiser (Ho et al. 2020, eq. 5).

    Args:
        law: the data; quadrature for 1-D mixtures and few points, else n draws of x_t at each t.
        timesteps: integers in 1..T, from high to low; the last pair, into 0, is the decoder's.
        variance: any choice; those that look at x_t are averaged over it.

    Raises:
        BadInput: timesteps that do not fall, no generator where one is needed.
    """
    steps = []
    for pair in transitions(schedule, timesteps):
        x, weights, exact = _x_t(law, schedule, pair.t, n, generator)
        chosen = variance(pair, x)
        if isinstance(chosen.value, float) and not exact:
            steps.append(_term_of(x0_uncertainty(law, schedule, pair.t, n, generator), pair, chosen))
            continue
        term = _rows_of(_term(pair, chosen, _x0_variance(law, x, schedule, pair.t)), x)
        steps.append(_average(term, weights, exact, 0.0 if exact else _missed_by(law, schedule, pair, chosen, x)))
    return Bound(
        forward_kl(schedule, law.second_moment, timesteps[0]),
        tuple(step.value for step in steps),
        math.hypot(*(step.standard_error for step in steps)),
    )


def vlb_gap(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int], variance: VarianceChoice) -> Bound:
    r"""The bound less the entropy of the data, as KLs that see no x_0 (Ho et al. 2020, eq. 16), for 1-D mixtures.

    The gap is at least KL(data || generated): a bound may be bad where the samples are good. Its total plus the
    entropy at t = 0 is `vlb`'s total, though no term is the same.

    Raises:
        BadInput: data of more than one dimension or without a density; timesteps that do not fall.
    """
    if law.dimension != 1:
        raise BadInput("The gap is found by quadrature, for d = 1; got d = {d}.", d=law.dimension)
    pairs = transitions(schedule, timesteps)
    entropies = [entropy(law, schedule, t).value for t in (*timesteps, 0)]
    steps = []
    for pair, (H_t, H_s) in zip(pairs, pairwise(entropies), strict=True):
        x, weights = expectation_nodes(law.marginal(schedule, pair.t))
        chosen = variance(pair, x)
        if isinstance(chosen.value, float) and chosen.value == 0:
            steps.append(math.inf)
            continue
        true = pair.beta_tilde + pair.c_0**2 * law.x0_variance(x, schedule, pair.t)
        term = 0.5 * (chosen.log - math.log(pair.beta) + true / chosen.value - 1)
        steps.append((torch.as_tensor(term).mean(-1) @ weights).item() - (H_s - H_t))
    return Bound(law.kl_to_normal(schedule, timesteps[0]), tuple(steps))


# --- averages over x_t ----------------------------------------------------------------------------------------------

FEW = 64  # points on a line, at most: quadrature asks each of them for 1600 nodes


def _x_t(
    law: Law, schedule: NoiseSchedule, t: int, n: int, generator: torch.Generator | None
) -> tuple[Tensor, Tensor, bool]:
    """Points (n, d) and weights (n,) to average over x_t with, and whether they are exact (quadrature)."""
    if isinstance(law, GaussianMixture) and law.dimension == 1:
        return *expectation_nodes(law.marginal(schedule, t)), True
    if isinstance(law, FiniteData) and law.dimension == 1 and len(law.points) <= FEW and t > 0:
        return *_line_nodes(law, schedule, t), True
    generator = _check_draws(n, generator)
    x0 = law.sample(n, generator)
    eps = torch.randn(x0.shape, dtype=x0.dtype, device=generator.device, generator=generator).to(x0.device)
    return q_sample(schedule, x0, t, eps), x0.new_full((n,), 1 / n), False


def _check_draws(n: int, generator: torch.Generator | None) -> torch.Generator:
    if generator is None:
        raise BadInput("generator must be a torch.Generator, for this average is over draws; got None.")
    if not isinstance(n, int) or n < 2:
        raise BadInput("n must be an integer of at least 2; got {got}.", got=n)
    return generator


def _average(values: Tensor, weights: Tensor, exact: bool, missed: float) -> Estimate:
    error = values.std().item() / math.sqrt(len(values))
    return Estimate((values @ weights).item(), 0.0 if exact else math.hypot(error, missed))


def _missed(law: Law, schedule: NoiseSchedule, t: int, n: int) -> float:
    r"""What n draws of x_t may have missed of V_t: one draw where the farthest x_0 is likeliest, or if that is less,
    all there is between any two points or components.

    With :math:`ab/(a+b)\le\min(a,b)` and :math:`\le\tfrac12\sqrt{ab}`, so that for components the integral is at most
    Bhattacharyya's.
    """
    points = law.means if isinstance(law, GaussianMixture) else law.points.double()
    one_draw = (points - law.mean()).square().sum(-1).max().item() / law.dimension / n
    if isinstance(law, FiniteData):
        weight = _pair_weights(law, schedule, t)
        return one_draw if weight is None else min(one_draw, _sum_of(weight, law))
    if len(points) > FEW:
        return one_draw
    now, root = law.marginal(schedule, t), law.weights.sqrt()
    offset = now.means[:, None] - now.means  # (K, K, d)
    between = (now.covariances[:, None] + now.covariances) / 2
    exponent = (offset * torch.linalg.solve(between, offset)).sum(-1) / 8
    distance2 = (points[:, None] - points).square().sum(-1) / law.dimension
    return min(one_draw, 0.25 * (root[:, None] * root * distance2 * torch.exp(-exponent)).sum().item())


def _term(pair: Transition, chosen: Variance, spread: float | Tensor) -> float | Tensor:
    return vlb_term(pair, chosen, spread) if pair.s > 0 else decoder_term(chosen, spread)


def _term_of(spread: Estimate, pair: Transition, chosen: Variance) -> Estimate:
    """The bound's term, straight in V_t, of an estimate of V_t."""
    value, above = (float(_term(pair, chosen, V)) for V in (spread.value, spread.value + spread.standard_error))
    return Estimate(value, above - value if math.isfinite(value) else 0.0)


def _missed_by(law: Law, schedule: NoiseSchedule, pair: Transition, chosen: Variance, x: Tensor) -> float:
    """What draws x may have missed of the term, where the variance chosen is largest: rare x are unlike the others."""
    terms = [_rows_of(_term(pair, chosen, V), x) for V in (0.0, _missed(law, schedule, pair.t, len(x)))]
    return (terms[1] - terms[0]).min().item()


def _rows_of(term: float | Tensor, x: Tensor) -> Tensor:
    return torch.as_tensor(term, dtype=x.dtype).expand(x.shape).mean(-1)


# --- finite data ----------------------------------------------------------------------------------------------------


def _along_a_line(law: FiniteData) -> FiniteData | None:
    """The law along the line that holds all its points, if there are few and they lie on one: noise across it says
    nothing of x_0."""
    if len(law.points) > FEW:
        return None
    offset = law.points.double() - law.points[0].double()
    length = offset.norm(dim=-1)
    far = length.argmax()
    direction = offset[far] / length[far].clamp_min(torch.finfo(torch.float64).tiny)
    along = offset @ direction
    across = (offset - along[:, None] * direction).norm(dim=-1).max()
    return FiniteData(along[:, None]) if across <= 1e-13 * length[far] else None


def _line_nodes(law: FiniteData, schedule: NoiseSchedule, t: int) -> tuple[Tensor, Tensor]:
    n = len(law.points)
    return expectation_nodes(GaussianMixture.isotropic([1 / n] * n, law.points, 0.0).marginal(schedule, t))


def _by_pairs(
    law: FiniteData, schedule: NoiseSchedule, t: int, n: int, generator: torch.Generator, weight: Tensor
) -> Estimate:
    r"""V_t by draws of x_t that are nearer to another point than to their own.

    With :math:`\mathrm{tr\,Cov} = \tfrac12\sum_{ij} w_iw_j|y_i-y_j|^2` and :math:`q\,w_i = q_i/N`, and as i and j may
    change places,

    .. math:: V_t = \frac1{dN}\sum_{i\ne j}|y_i-y_j|^2\,\Phi(-a_{ij})\;
              E\big[w_j(x_t)\,\big|\,x_0=y_i,\ |x_t-\sqrt{\bar\alpha_t}y_j|<|x_t-\sqrt{\bar\alpha_t}y_i|\big],
              \qquad a_{ij} = \tfrac12\sqrt{\mathrm{SNR}_t}\,|y_i-y_j|.

    A pair is drawn by its weight before E, and x_t has a Gaussian tail from y_i towards y_j. However rare the event,
    each draw has a part of it, and none is above the sum of all weights.
    """
    total = _sum_of(weight, law)
    if total == 0:
        return Estimate(0.0)  # below the smallest float
    here, there = law.points.device, generator.device
    pair = torch.multinomial(weight.flatten().to(there), n, replacement=True, generator=generator).to(here)
    u = torch.rand(n, dtype=torch.float64, device=there, generator=generator).to(here)
    eps = torch.randn(n, law.dimension, dtype=torch.float64, device=there, generator=generator).to(here)
    i, j = pair // len(weight), pair % len(weight)
    y, other = law.points[i].double(), law.points[j].double()
    distance = (other - y).norm(dim=-1)
    tail = u * torch.special.ndtr(-0.5 * math.sqrt(schedule.snr[t].item()) * distance)
    towards = -torch.special.ndtri(tail.clamp_min(torch.finfo(torch.float64).tiny))
    direction = (other - y) / distance[:, None]
    eps += (towards - (eps * direction).sum(-1))[:, None] * direction
    x = q_sample(schedule, y, t, eps)
    parts = zip(x.split(rows := max(1, ROWS // len(weight))), j.split(rows), strict=True)
    w = torch.cat([law.weights(part, schedule, t).gather(1, at[:, None])[:, 0] for part, at in parts])
    return _average(total * w, w.new_full((n,), 1 / n), False, total / n)


def _pair_weights(law: FiniteData, schedule: NoiseSchedule, t: int) -> Tensor | None:
    r""":math:`|y_i-y_j|^2\,\Phi(-a_{ij})`, (N, N): d N V_t is at most their sum. None where there are too many."""
    distance = _distances(law)
    if distance is None:
        return None
    return distance.square() * torch.special.ndtr(-0.5 * math.sqrt(schedule.snr[t].item()) * distance)


def _sum_of(weight: Tensor, law: FiniteData) -> float:
    return weight.sum().item() / (len(weight) * law.dimension)


@lru_cache(maxsize=1)
def _distances(law: FiniteData) -> Tensor | None:
    """Between all points, (N, N), each from its own differences; None where they are too many."""
    if len(law.points) ** 2 > ROWS:
        return None
    points = law.points.double()
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")


def _x0_variance(law: Law, x: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
    return torch.cat([law.x0_variance(part, schedule, t) for part in x.split(_rows(law))])


def _rows(law: Law) -> int:
    """Rows of x_t at a time, so that no (rows, K, d) array is large."""
    return max(1, ROWS // law.means.numel()) if isinstance(law, GaussianMixture) else ROWS
