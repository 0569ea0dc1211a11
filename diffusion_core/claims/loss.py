"""Where the loss comes from, line by line (E38); what its weights are (E35); and the score behind it (E39).

-E ln p(x_0) = bound - KL of the paths                                                    (Jensen's gap)
-ln p(x_{0:T})/q(x_{1:T}|x_0) = L_T + L_{T-1} + ... + L_0, on every path                  (Bayes, given x_0)
L_{t-1} = (SNR_s - SNR_t) V_t / 2 -> -(1/2) int V dSNR, whatever the schedule between     (Kingma et al. 2021)
E|s - grad ln q(x_t|x_0)|^2 = E|s - grad ln q(x_t)|^2 + l_t / (1 - alpha_bar_t)           (Vincent 2011)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from diffusion_core.claims.check import AnyClaim, Claim, Trial, identity
from diffusion_core.claims.settings import two_peaks
from diffusion_core.laws.derivation import derivation
from diffusion_core.laws.estimates import loss_floor, x0_uncertainty
from diffusion_core.laws.information import Floor, area, floor_over, information, mean_loss, stepped_sum
from diffusion_core.laws.matching import conditional_loss, constant, marginal_loss
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.paths import Chain, Likelihood, Paths, bent, draw_paths, likelihood
from diffusion_core.laws.quadrature import kl_to_normal
from diffusion_core.laws.variances import optimal_for
from diffusion_core.levels import SHAPES, Shape, between, from_log_snr
from diffusion_core.objectives import vlb_term
from diffusion_core.posterior import Transition
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.variance import NOTHING, fixed_large, fixed_small, with_last
from diffusion_core.weightings import WEIGHTINGS

__all__ = ["CLAIMS", "ENDS", "FIVE", "MATCHING", "PATHS", "STEPS", "TERMS", "Walk"]


@dataclass(frozen=True)
class Walk:
    """T levels of a shape between two SNRs; two peaks noised to them; a denoiser that errs by ``mistake``·sin 3x."""

    T: int = 4
    shape: str = "log_snr"
    ends: tuple[float, float] = (100.0, 1e-3)
    mistake: float = 0.1

    @property
    def schedule(self) -> NoiseSchedule:
        return between(self.shape, self.ends, self.T)


@cache
def chain_of(setting: Walk) -> Chain:
    """Its model: beta as the variance, at s = 0 the best decoder."""
    law, schedule = two_peaks(), setting.schedule
    best = optimal_for(law, schedule, range(setting.T, 0, -1))
    return Chain(schedule, bent(law, schedule, setting.mistake), with_last(fixed_large, best))


@cache
def likelihood_of(setting: Walk) -> Likelihood:
    """By quadrature on a grid, once."""
    return likelihood(two_peaks(), chain_of(setting))


# --- Jensen ---------------------------------------------------------------------------------------------------------

BoundOf = Callable[[Walk], float]


def with_the_paths(setting: Walk) -> float:
    """-E ln p(x_0) + KL(q(x_1..x_T | x_0) || p(x_1..x_T | x_0))."""
    known = likelihood_of(setting)
    return known.negative_log + known.gap


def with_the_end(setting: Walk) -> float:
    """The KL of x_T alone for that of the paths."""
    schedule = setting.schedule
    return likelihood_of(setting).negative_log + kl_to_normal(two_peaks().at(schedule, schedule.T))


def check_paths(of: BoundOf, setting: Walk, seed: int) -> list[Trial]:
    """Against L_T + sum L_{t-1} + L_0, for the exact denoiser and for one that errs."""
    walks = [replace(setting, mistake=mistake) for mistake in (0.0, setting.mistake)]
    expected = [derivation(two_peaks(), chain_of(walk)).bound for walk in walks]
    return [identity(np.array([of(walk) for walk in walks]), np.array(expected))]


PATHS = Claim(
    key="E38b",
    says="What Jensen gives away is the KL of the paths given x₀: the bound is −E ln p(x₀) plus that, and no more.",
    check=check_paths,
    truth=with_the_paths,
    mistakes={
        "no gap: the bound is the likelihood": lambda setting: likelihood_of(setting).negative_log,
        "KL(q(x_T) ‖ p(x_T)) for the KL of the paths": with_the_end,
        "the gap below: the bound less than −E ln p(x₀)": lambda setting: (
            2 * likelihood_of(setting).negative_log - with_the_paths(setting)
        ),
    },
    setting=Walk(),
)

# --- Bayes, and what telescopes -------------------------------------------------------------------------------------

TermsOf = Callable[[Paths, Chain], Tensor]


def all_terms(paths: Paths, chain: Chain) -> Tensor:
    """L_T + ... + L_0 of each path."""
    return paths.terms.sum(0)


def without_prior(paths: Paths, chain: Chain) -> Tensor:
    """L_T forgotten."""
    return paths.terms[1:].sum(0)


def posterior_with_beta(paths: Paths, chain: Chain) -> Tensor:
    """beta for beta-tilde in q(x_{t-1} | x_t, x_0)."""
    pairs = chain.pairs[-2::-1]  # t = 2 .. T
    small, large = (
        torch.tensor([getattr(p, name) for p in pairs]).double()[:, None] for name in ("beta_tilde", "beta")
    )
    squares = -small * (2 * paths.posterior + torch.log(2 * math.pi * small))
    wrong = -0.5 * (squares / large + torch.log(2 * math.pi * large))
    return all_terms(paths, chain) + (wrong - paths.posterior).sum(0)


def without_x0(paths: Paths, chain: Chain) -> Tensor:
    """q(x_t | x_{t-1}) in the place of the posterior, as if Bayes were not needed."""
    return paths.terms[0] - paths.back.sum(0) + paths.forth[1:].sum(0)


def check_terms(of: TermsOf, setting: Walk, seed: int) -> list[Trial]:
    """On 200 paths of the noise, each from a draw of the data."""
    generator = torch.Generator().manual_seed(seed)
    chain = chain_of(setting)
    paths = draw_paths(chain, two_peaks().sample(200, generator)[:, 0], generator)
    return [identity(of(paths, chain), -paths.log_weight)]


TERMS = Claim(
    key="E38c",
    says="Given x₀, Bayes' rule telescopes: on every path, not only in the mean, −ln p/q is L_T + Σ L_{t−1} + L₀.",
    check=check_terms,
    truth=all_terms,
    mistakes={
        "L_T forgotten": without_prior,
        "β for β̃ in q(x_{t−1} | x_t, x₀)": posterior_with_beta,
        "q(x_t | x_{t−1}) for q(x_{t−1} | x_t, x₀)": without_x0,
    },
    setting=Walk(T=6),
)

# --- the terms by the SNR -------------------------------------------------------------------------------------------

Snrs = tuple[float, float]
TermOf = Callable[[Transition, Snrs, Snrs], float]
"""(pair, SNR at t and s, V at t and s) -> L_{t-1}."""


def check_steps(of: TermOf, setting: Walk, seed: int) -> list[Trial]:
    """Against the term itself, at sigma^2 = beta-tilde with the exact denoiser."""
    law, schedule, got, expected = two_peaks(), setting.schedule, [], []
    left = {t: x0_uncertainty(law, schedule, t).value for t in range(1, setting.T + 1)}
    for pair in chain_of(setting).pairs[:-1]:
        snr = (schedule.snr[pair.t].item(), schedule.snr[pair.s].item())
        got.append(of(pair, snr, (left[pair.t], left[pair.s])))
        expected.append(float(vlb_term(pair, fixed_small(pair, NOTHING), left[pair.t])))
    return [identity(np.array(got), np.array(expected))]


STEPS = Claim(
    key="E38d",
    says="With σ² = β̃ and the exact denoiser, a term of the bound is ½ (SNR_s − SNR_t) V_t.",
    check=check_steps,
    truth=lambda pair, snr, V: 0.5 * (snr[1] - snr[0]) * V[0],
    mistakes={
        "the ½ left out": lambda pair, snr, V: (snr[1] - snr[0]) * V[0],
        "V at s for V at t": lambda pair, snr, V: 0.5 * (snr[1] - snr[0]) * V[1],
        "σ² = β": lambda pair, snr, V: float(vlb_term(pair, fixed_large(pair, NOTHING), V[0])),
    },
    setting=Walk(T=12),
)

# --- the ends alone -------------------------------------------------------------------------------------------------

VLB_ENDS = (1e3, 1e-4)
OverShape = Callable[[Floor, Shape], float]


@cache
def floor_of(ends: tuple[float, float]) -> Floor:
    """Of the two peaks, once."""
    return floor_over(two_peaks(), ends)


def check_ends(of: OverShape, setting: tuple[float, float], seed: int) -> list[Trial]:
    """For three shapes, against what x_1 says of x_0 less what x_T says, by entropies."""
    more, less = (information(two_peaks(), snr) for snr in setting)
    got = [of(floor_of(setting), shape) for shape in SHAPES.values()]
    return [identity(np.array(got), np.full(len(got), more - less))]


ENDS = Claim(
    key="E38e",
    says="In the limit of many steps the bound depends on the first and the last SNR alone: ½ ∫ V dSNR, for every "
    "schedule.",
    check=check_ends,
    truth=area,
    mistakes={
        "the simple loss, t drawn evenly": mean_loss,
        "the ½ left out": lambda floor, shape: 2 * area(floor, shape),
        "160 steps for the limit": lambda floor, shape: stepped_sum(floor, shape, 160),
    },
    setting=VLB_ENDS,
)

# --- five losses ----------------------------------------------------------------------------------------------------

FACTORS = ("eps", "v", "score", "fm")
Factor = Callable[[str, Tensor], Tensor]


def five_losses(snr: Tensor, x0: Tensor, eps: Tensor, guess: Tensor) -> dict[str, Tensor]:
    """Each loss from its own definition, where x_0 is guessed to be ``guess``, and eps is what then follows."""
    a, b = (snr / (1 + snr)).sqrt(), (1 / (1 + snr)).sqrt()
    eps_hat = (a * x0 + b * eps - a * guess) / b
    return {
        "eps": (eps - eps_hat).square(),
        "v": (a * (eps - eps_hat) - b * (x0 - guess)).square(),
        "score": ((eps - eps_hat) / b).square(),
        "fm": ((eps - x0) - (eps_hat - guess)).square(),
    }


def check_five(factor: Factor, setting: tuple[float, ...], seed: int) -> list[Trial]:
    """Each loss over that of x_0, for random points and guesses."""
    generator = torch.Generator().manual_seed(seed)
    snr = torch.tensor(setting, dtype=torch.float64)[:, None]
    x0, eps, guess = torch.randn((3, len(setting), 8), generator=generator, dtype=torch.float64)
    losses = five_losses(snr, x0, eps, guess)
    ratio = torch.stack([losses[name] / (guess - x0).square() for name in FACTORS])
    wanted = torch.stack([factor(name, snr).expand_as(x0) for name in FACTORS])
    return [identity(ratio / wanted, torch.ones_like(ratio), tolerance=1e-9)]


def of_x0(name: str, snr: Tensor) -> Tensor:
    """The weight on the error of x_0, as `weightings` has it."""
    return WEIGHTINGS[name].of_x0(snr)


FIVE = Claim(
    key="E35d",
    says="The losses of x₀, ε, v, the score and flow matching are one squared error with five weights: on x₀, 1, SNR, "
    "1 + SNR, SNR (1 + SNR) and (1 + √SNR)².",
    check=check_five,
    truth=of_x0,
    mistakes={
        "flow matching weighed as v, with 1 + SNR": lambda name, snr: of_x0("v" if name == "fm" else name, snr),
        "the score weighed as ε, with SNR": lambda name, snr: of_x0("eps" if name == "score" else name, snr),
        "ε and x₀ with one weight": lambda name, snr: of_x0("x0" if name == "eps" else name, snr),
    },
    setting=(9.0, 1.0, 1 / 9),
)

# --- denoising score matching ---------------------------------------------------------------------------------------

ConstantOf = Callable[[GaussianMixture, NoiseSchedule, int], float]


def check_matching(of: ConstantOf, setting: tuple[float, ...], seed: int) -> list[Trial]:
    """The loss against grad ln q(x_t|x_0) less that against grad ln q(x_t), for four guesses of the score."""
    law, schedule, got, expected = two_peaks(), from_log_snr([math.log(snr) for snr in setting]), [], []
    for t in range(1, len(setting) + 1):
        score = law.at(schedule, t).score
        for guess in (score, torch.zeros_like, torch.neg, lambda x, s=score: s(x) + torch.sin(3 * x)):
            got.append(of(law, schedule, t))
            expected.append(conditional_loss(law, schedule, t, guess) - marginal_loss(law, schedule, t, guess))
    return [identity(np.array(got), np.array(expected))]


MATCHING = Claim(
    key="E39e",
    says="The target that knows x₀ gives every network the loss of the score plus one constant, ℓ_t / (1 − ᾱ_t): so it "
    "has the same best network.",
    check=check_matching,
    truth=constant,
    mistakes={
        "the two losses have one value": lambda law, schedule, t: 0.0,
        "ℓ_t itself": lambda law, schedule, t: loss_floor(law, schedule, t).value,
        "1 / (1 − ᾱ_t), the loss of answering 0": lambda law, schedule, t: 1 / schedule.one_minus_alpha_bar[t].item(),
    },
    setting=(9.0, 1.0, 1 / 9),
)

CLAIMS: tuple[AnyClaim, ...] = (PATHS, TERMS, STEPS, ENDS, FIVE, MATCHING)
