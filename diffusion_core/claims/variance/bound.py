"""The likelihood bound: its two forms, and its two ends, the prior's term and the decoder's (E38, E40, E42).

bound = L_T + sum L_{t-1} + L_0 = H(x_0) + gap                                       (Ho et al. 2020, eq. 5 and 16)
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from diffusion_core.claims.check import Claim, Trial, identity
from diffusion_core.claims.settings import TEN, Steps, gaussian, two_peaks
from diffusion_core.forward import forward_kl
from diffusion_core.laws.bounds import vlb, vlb_gap
from diffusion_core.laws.estimates import entropy
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import kl_to_normal
from diffusion_core.laws.variances import optimal_for
from diffusion_core.objectives import decoder_term
from diffusion_core.posterior import Transition, transition
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import (
    NOTHING,
    Variance,
    VarianceChoice,
    fixed_large,
    fixed_small,
    optimal,
    with_last,
)

__all__ = ["BOUND", "DECODER", "PRIOR", "mean_prior", "of_the_marginal"]


TotalOf = Callable[[GaussianMixture, NoiseSchedule, Sequence[int], VarianceChoice], float]


def all_terms(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int], choice: VarianceChoice) -> float:
    """L_T + sum L_{t-1} + L_0."""
    return vlb(law, schedule, timesteps, choice).total


def without_decoder(
    law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int], choice: VarianceChoice
) -> float:
    """L_0 left out."""
    bound = vlb(law, schedule, timesteps, choice)
    return bound.total - bound.steps[-1]


def marginal_prior(
    law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int], choice: VarianceChoice
) -> float:
    """KL(q(x_T) || p) for L_T, the mean of KL(q(x_T|x_0) || p)."""
    bound = vlb(law, schedule, timesteps, choice)
    return bound.total - bound.prior + kl_to_normal(law.at(schedule, timesteps[0]))


def one_step_more(
    law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int], choice: VarianceChoice
) -> float:
    """The first step counted twice."""
    bound = vlb(law, schedule, timesteps, choice)
    return bound.total + bound.steps[0]


def check_bound(total: TotalOf, setting: Steps, seed: int) -> list[Trial]:
    """Eq. 5 less eq. 16 is the entropy of the data, for three choices."""
    law, schedule, timesteps = two_peaks(), setting.schedule, setting.timesteps
    best = optimal_for(law, schedule, timesteps)
    choices = (fixed_large, with_last(fixed_small, best), best)
    data = entropy(law, schedule, 0).value
    got = [total(law, schedule, timesteps, choice) for choice in choices]
    expected = [vlb_gap(law, schedule, timesteps, choice).total + data for choice in choices]
    return [identity(np.array(got), np.array(expected))]


BOUND = Claim(
    key="E38",
    says="The bound is the entropy of the data plus one KL a step: its two forms agree, whatever the variance.",
    check=check_bound,
    truth=all_terms,
    mistakes={
        "the decoder's term left out": without_decoder,
        "KL(q(x_T) ‖ p) for L_T": marginal_prior,
        "the first step counted twice": one_step_more,
    },
    setting=TEN,
)


def mean_prior(law: GaussianMixture, schedule: NoiseSchedule) -> float:
    """L_T: the mean over x_0 of KL(q(x_T|x_0) || N(0, I))."""
    return forward_kl(schedule, law.second_moment, schedule.T)


def of_the_marginal(law: GaussianMixture, schedule: NoiseSchedule) -> float:
    """KL(q(x_T) || N(0, I))."""
    return kl_to_normal(law.at(schedule, schedule.T))


def without_log(law: GaussianMixture, schedule: NoiseSchedule) -> float:
    """alpha_bar_T m_2 / 2."""
    return 0.5 * schedule.alpha_bar[-1].item() * law.second_moment


def check_prior(prior: Callable[[GaussianMixture, NoiseSchedule], float], setting: int, seed: int) -> list[Trial]:
    """L_T - KL(q(x_T) || p) is the information that x_T has of x_0, H(x_T) - H(x_T | x_0)."""
    schedule, got, expected = linear(setting), [], []
    for law in (gaussian(1.0), gaussian(0.25), two_peaks()):
        noise = 0.5 * math.log(2 * math.pi * math.e * schedule.one_minus_alpha_bar[-1].item())
        information = entropy(law, schedule, schedule.T).value - noise
        got.append(prior(law, schedule))
        expected.append(kl_to_normal(law.at(schedule, schedule.T)) + information)
    return [identity(np.array(got), np.array(expected))]


PRIOR = Claim(
    key="E40",
    says="L_T is not KL(q(x_T) ‖ N(0, I)): it is larger, by what x_T still knows of x₀.",
    check=check_prior,
    truth=mean_prior,
    mistakes={"one number for both": of_the_marginal, "½ ᾱ_T E[x₀²] alone": without_log},
    setting=1000,
)


def best_decoder(pair: Transition, V: float) -> Variance:
    """V_1 itself, which is the best variance at s = 0."""
    return optimal(lambda t: V * pair.alpha_bar_t / pair.one_minus_alpha_bar_t)(pair, NOTHING)


def clamped_decoder(pair: Transition, V: float) -> Variance:
    """beta-tilde, 0 there, held above 1e-20 as libraries do."""
    return Variance(1e-20, math.log(1e-20))


def large_decoder(pair: Transition, V: float) -> Variance:
    """beta."""
    return fixed_large(pair, NOTHING)


def check_decoder(decoder: Callable[[Transition, float], Variance], setting: NoiseSchedule, seed: int) -> list[Trial]:
    """The least L_0 is the entropy of x_0 given x_1, which is known for Gaussian data."""
    pair, got, expected = transition(setting, 1, 0), [], []
    for lam in (0.01, 0.25, 4.0):
        spread = lam * pair.one_minus_alpha_bar_t / (1 + pair.alpha_bar_t * (lam - 1))
        got.append(float(decoder_term(decoder(pair, spread), spread)))
        expected.append(0.5 * math.log(2 * math.pi * math.e * spread))
    return [
        identity(np.array(got), np.array(expected)),
        Trial("β̃ at t = 1", pair.beta_tilde, tolerance=0),
    ]


DECODER = Claim(
    key="E42",
    says="At t = 1, β̃ is 0 and no density; the best decoder has the variance of x₀ given x₁.",
    check=check_decoder,
    truth=best_decoder,
    mistakes={"β̃ held above 10⁻²⁰": clamped_decoder, "β": large_decoder},
    setting=linear(1000),
)
