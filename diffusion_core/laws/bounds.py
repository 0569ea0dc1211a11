r"""The bound on the likelihood, term by term. In nats a dimension; / ln 2 for bits.

.. math::
    L_T &= \tfrac1d E\,KL\big(q(x_T|x_0)\|N(0,I)\big) \qquad\text{(forward.forward_kl)} \\
    L_{t-1} &= \tfrac12\Big[\frac{\tilde\beta}{\sigma^2}-1+\ln\frac{\sigma^2}{\tilde\beta}\Big]
        + \frac{c_0^2}{2\sigma^2}V_t \qquad\text{(objectives.vlb\_term)} \\
    L_0 &= \tfrac12\ln 2\pi\sigma^2 + \frac{V_1}{2\sigma^2} \qquad\text{(a density as decoder)}

with the exact denoiser. The bound :math:`-\ln p(x_0) \le L_T + \sum L_{t-1} + L_0` (Ho et al. 2020, eq. 5) pays above
the entropy of the data the *gap* (their eq. 16), one KL for each step, which knows nothing of x_0:

.. math::
    KL\big(q(x_T)\|N(0,I)\big) + \sum E\,KL\big(q(x_s|x_t)\|p(x_s|x_t)\big), \qquad
    KL = \tfrac12\Big[\ln\frac{\sigma^2}{\beta} + \frac{\sigma^{*2}}{\sigma^2} - 1\Big] - \big[H(q_s)-H(q_t)\big],

with :math:`\sigma^{*2} = \tilde\beta + c_0^2V_t` and H the entropy of x_t a dimension.

References:
    Ho, Jain, Abbeel 2020, eq. 5, 12, 14 and 16. Kingma et al. 2021, "Variational Diffusion Models" (the weights in
    SNR). Bao et al. 2022, "Analytic-DPM" (loss and optimal variance).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.forward import forward_kl
from diffusion_core.laws.estimates import Estimate, Places, entropy, places_of_x_t, x0_uncertainty
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import expectation_nodes, kl_to_normal
from diffusion_core.objectives import decoder_term, vlb_term
from diffusion_core.posterior import Transition, transitions
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.variance import Variance, VarianceChoice

__all__ = ["Bound", "vlb", "vlb_gap"]


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
        places = places_of_x_t(law, schedule, pair.t, n=n, generator=generator)
        chosen = variance(pair, places.x)
        if isinstance(chosen.value, float) and not places.exact:
            steps.append(_term_of(x0_uncertainty(law, schedule, pair.t, n=n, generator=generator), pair, chosen))
        else:
            steps.append(_mean_term(places, pair, chosen))
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
        now = law.at(schedule, pair.t)
        x, weights = expectation_nodes(now)
        chosen = variance(pair, x)
        if isinstance(chosen.value, float) and chosen.value == 0:
            steps.append(math.inf)
            continue
        true = pair.beta_tilde + pair.c_0**2 * now.x0_variance(x)
        term = 0.5 * (chosen.log - math.log(pair.beta) + true / chosen.value - 1)
        steps.append((torch.as_tensor(term).mean(-1) @ weights).item() - (H_s - H_t))
    return Bound(kl_to_normal(law.at(schedule, timesteps[0])), tuple(steps))


def _term(pair: Transition, chosen: Variance, spread: float | Tensor) -> float | Tensor:
    return vlb_term(pair, chosen, spread) if pair.s > 0 else decoder_term(chosen, spread)


def _term_of(spread: Estimate, pair: Transition, chosen: Variance) -> Estimate:
    """The bound's term, straight in V_t, of an estimate of V_t."""
    value, above = (float(_term(pair, chosen, V)) for V in (spread.value, spread.value + spread.standard_error))
    return Estimate(value, above - value if math.isfinite(value) else 0.0)


def _mean_term(places: Places, pair: Transition, chosen: Variance) -> Estimate:
    """Its mean over x_t, and what draws may have missed of it, where the variance chosen is largest: rare x are unlike
    the others."""
    term = _rows_of(_term(pair, chosen, places.x0_variance()), places.x)
    none, all_of_it = (_rows_of(_term(pair, chosen, V), places.x) for V in (0.0, places.missed))
    return places.average(term, (all_of_it - none).min().item())


def _rows_of(term: float | Tensor, x: Tensor) -> Tensor:
    return torch.as_tensor(term, dtype=x.dtype).expand(x.shape).mean(-1)
