"""The article's way from Bayes' rule to the posterior, line by line; and the step without x_0, which is not Gaussian.

q(x_s | x_t, x_0) = q(x_t | x_s) q(x_s | x_0) / q(x_t | x_0) = N(mu_tilde, beta_tilde I)      (Ho et al. 2020, eq. 6, 7)
1 / beta_tilde = alpha / beta + 1 / (1 - alpha_bar_s),    mu_tilde = c_t x_t + c_0 x_0

The references are Bayes' rule in log-densities, precisions, quadrature and regressions of simulated triples; none
shares a line with `diffusion_core.posterior`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from diffusion_core.claims.check import CLAIM_ALPHA, Claim, Trial, chi_square, identity
from diffusion_core.data.toys import bimodal
from diffusion_core.forward import q_sample, q_step
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.negentropy import best_gaussian, count_modes, negentropy
from diffusion_core.laws.quadrature import log_normal
from diffusion_core.parameterization import x0_from_eps
from diffusion_core.posterior import Transition, q_posterior, transition
from diffusion_core.schedule import NoiseSchedule, linear

__all__ = [
    "AMPLIFICATION",
    "BAYES",
    "CLAIMS",
    "CUBE",
    "FROM_NOISE",
    "MARKOV",
    "MEAN",
    "MODES",
    "PRECISION",
    "PROPORTIONAL",
    "REGRESSION",
    "SQUARE",
    "Pair",
    "Walk",
    "draws_to_tell",
    "prior_share",
]

DENSITY_TOLERANCE = 1e-9  # of log-densities: 6e-11 at t = 2 is rounding


@dataclass(frozen=True)
class Pair:
    """One transition from t down to s, 1 <= s < t, and how many simulated triples speak about it."""

    schedule: NoiseSchedule
    t: int
    s: int
    n: int = 20_000

    @property
    def transition(self) -> Transition:
        return transition(self.schedule, self.t, self.s)


@dataclass(frozen=True)
class Walk:
    """All the steps t -> t - 1 of a schedule, t >= 2."""

    schedule: NoiseSchedule

    @property
    def steps(self) -> list[Transition]:
        return [transition(self.schedule, t, t - 1) for t in range(2, self.schedule.T + 1)]


def _normal(n: int, seed: int, many: int) -> Tensor:
    return torch.randn((many, n), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- Bayes' rule ----------------------------------------------------------------------------------------------------

Posterior = Callable[[Pair, Tensor, Tensor], tuple[Tensor, float]]


def true_posterior(pair: Pair, x_t: Tensor, x0: Tensor) -> tuple[Tensor, float]:
    """mu_tilde and beta_tilde."""
    mean, variance = q_posterior(pair.schedule, x_t, x0, pair.t, pair.s)
    return mean, float(variance)


def misprint(pair: Pair, x_t: Tensor, x0: Tensor) -> tuple[Tensor, float]:
    """The article's beta_t on the left of beta-tilde's formula: the posterior with the variance beta."""
    return true_posterior(pair, x_t, x0)[0], pair.transition.beta


def swapped(pair: Pair, x_t: Tensor, x0: Tensor) -> tuple[Tensor, float]:
    """x_t with the coefficient of x_0, and the other way round."""
    p = pair.transition
    return p.c_0 * x_t + p.c_t * x0, p.beta_tilde


def neighbours(pair: Pair, x_t: Tensor, x0: Tensor) -> tuple[Tensor, float]:
    """The table's step t -> t - 1 taken for a longer stride; for s = t - 1, the table read one place off."""
    if pair.s < pair.t - 1:
        return true_posterior(replace(pair, s=pair.t - 1), x_t, x0)
    off = 1 if pair.t < pair.schedule.T else -1
    return true_posterior(replace(pair, t=pair.t + off, s=pair.s + off), x_t, x0)


def check_bayes(posterior: Posterior, setting: Pair, seed: int) -> list[Trial]:
    """log q(x_s|x_t,x_0) + log q(x_t|x_0) = log q(x_t|x_s) + log q(x_s|x_0), for 64 triples of any numbers."""
    p = setting.transition
    x0, x_s, x_t = _normal(64, seed, 3)
    mean, variance = posterior(setting, x_t, x0)
    left = log_normal(x_s, mean, variance)
    left = left + log_normal(x_t, p.sqrt_alpha_bar_t * x0, p.one_minus_alpha_bar_t)
    right = log_normal(x_t, math.sqrt(p.alpha) * x_s, p.beta)
    right = right + log_normal(x_s, p.sqrt_alpha_bar_s * x0, p.one_minus_alpha_bar_s)
    return [identity(left, right, DENSITY_TOLERANCE)]


BAYES = Claim(
    key="E19",
    says="Bayes' rule, number by number: q(x_s | x_t, x_0) q(x_t | x_0) = q(x_t | x_s) q(x_s | x_0).",
    check=check_bayes,
    truth=true_posterior,
    mistakes={
        "β for β̃ (the article's misprint)": misprint,
        "the coefficients of x_t and x_0 swapped": swapped,
        "the neighbour's step": neighbours,
    },
    setting=Pair(linear(1000), 400, 300),
)

Pairs = Callable[[Pair, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def true_pair(pair: Pair, x0: Tensor, e1: Tensor, e2: Tensor) -> tuple[Tensor, Tensor]:
    """x_s by the jump, x_t from x_s by fresh noise."""
    x_s = q_sample(pair.schedule, x0, pair.s, e1)
    return x_s, q_step(pair.schedule, x_s, pair.s, pair.t, e2)


def least_squares(y: Tensor, *regressors: Tensor) -> tuple[np.ndarray, np.ndarray, Tensor]:
    """Coefficients of y on the regressors without an intercept, (X^T X)^-1, and the residual."""
    X = torch.stack(regressors, -1)
    gram = torch.linalg.inv(X.mT @ X)
    coefficients = gram @ (X.mT @ y)
    return coefficients.numpy(), gram.numpy(), y - X @ coefficients


def _z(value: float, name: str, n: int) -> Trial:
    return Trial(name, value, float(2 * stats.norm.sf(abs(value))), n=n)


def check_markov(pairs: Pairs, setting: Pair, seed: int) -> list[Trial]:
    """x_t regressed on (x_s, x_0): with x_s known, x_0 has the coefficient 0. The variance beta is known."""
    x0, e1, e2 = _normal(setting.n, seed, 3)
    x_s, x_t = pairs(setting, x0, e1, e2)
    p = setting.transition
    coefficients, gram, _rest = least_squares(x_t, x_s, x0)
    z = coefficients[1] / math.sqrt(gram[1, 1] * p.beta)
    return [_z(float(z), Trial("z of the coefficient of x_0", 0).name, setting.n)]


MARKOV = Claim(
    key="E20",
    says="With x_s known, x_0 says nothing more about x_t: q(x_t | x_s, x_0) = q(x_t | x_s).",
    check=check_markov,
    truth=true_pair,
    mistakes={
        "one noise for both jumps": lambda pair, x0, e1, e2: (
            q_sample(pair.schedule, x0, pair.s, e1),
            q_sample(pair.schedule, x0, pair.t, e1),
        ),
        "two jumps from x_0, noise drawn anew": lambda pair, x0, e1, e2: (
            q_sample(pair.schedule, x0, pair.s, e1),
            q_sample(pair.schedule, x0, pair.t, e2),
        ),
    },
    setting=Pair(linear(1000), 400, 300),
)

# --- the exponent ---------------------------------------------------------------------------------------------------


def check_proportional(integral: Callable[[Transition], float], setting: Pair, seed: int) -> list[Trial]:
    """The integral over x_s of exp(-(A x_s^2 - B x_s + C) / 2), as printed, with C = mu_tilde^2 / beta_tilde."""
    p = setting.transition
    x0, x_t = _normal(1, seed, 2)[:, 0].tolist()
    mean = p.c_t * x_t + p.c_0 * x0
    A = p.alpha / p.beta + 1 / p.one_minus_alpha_bar_s
    B = 2 * math.sqrt(p.alpha) / p.beta * x_t + 2 * p.sqrt_alpha_bar_s / p.one_minus_alpha_bar_s * x0
    x = mean + np.linspace(-12, 12, 2_001) * math.sqrt(p.beta_tilde)
    value = np.trapezoid(np.exp(-0.5 * (A * x**2 - B * x + mean**2 / p.beta_tilde)), x)
    return [identity(np.array([integral(p) / value]), np.array([1.0]), DENSITY_TOLERANCE)]


PROPORTIONAL = Claim(
    key="E21",
    says="As printed, exp(−½(…+C)) integrates to √(2π β̃) over x_s, not to 1: the article's “=” is a “∝”.",
    check=check_proportional,
    truth=lambda p: math.sqrt(2 * math.pi * p.beta_tilde),
    mistakes={
        "“=”: the integral is 1": lambda p: 1.0,
        "√(2π β), with the misprinted β": lambda p: math.sqrt(2 * math.pi * p.beta),
    },
    setting=Pair(linear(1000), 400, 300),
)

Exponent = Callable[[Transition, Tensor, Tensor, Tensor], Tensor]


def completed_square(p: Transition, x_s: Tensor, x_t: Tensor, x0: Tensor) -> Tensor:
    """-(x_s - mu_tilde)^2 / (2 beta_tilde), with B / (2 A) as mean and 1 / A as variance."""
    A = p.alpha / p.beta + 1 / p.one_minus_alpha_bar_s
    B = 2 * math.sqrt(p.alpha) / p.beta * x_t + 2 * p.sqrt_alpha_bar_s / p.one_minus_alpha_bar_s * x0
    return -0.5 * A * (x_s - B / (2 * A)) ** 2


def halved_linear_term(p: Transition, x_s: Tensor, x_t: Tensor, x0: Tensor) -> Tensor:
    """B without its factor 2."""
    A = p.alpha / p.beta + 1 / p.one_minus_alpha_bar_s
    B = math.sqrt(p.alpha) / p.beta * x_t + p.sqrt_alpha_bar_s / p.one_minus_alpha_bar_s * x0
    return -0.5 * A * (x_s - B / (2 * A)) ** 2


def alpha_left_out(p: Transition, x_s: Tensor, x_t: Tensor, x0: Tensor) -> Tensor:
    """1 / beta in place of alpha / beta."""
    return completed_square(replace(p, alpha=1.0), x_s, x_t, x0)


def check_square(exponent: Exponent, setting: Pair, seed: int) -> list[Trial]:
    """The two squares minus the third, from the article's first line, against the completed square."""
    p = setting.transition
    x0, x_s, x_t = _normal(64, seed, 3)
    squares = (x_t - math.sqrt(p.alpha) * x_s) ** 2 / p.beta
    squares = squares + (x_s - p.sqrt_alpha_bar_s * x0) ** 2 / p.one_minus_alpha_bar_s
    squares = squares - (x_t - p.sqrt_alpha_bar_t * x0) ** 2 / p.one_minus_alpha_bar_t
    return [identity(exponent(p, x_s, x_t, x0), -0.5 * squares, DENSITY_TOLERANCE)]


SQUARE = Claim(
    key="E22",
    says="The three exponents of Bayes' rule add up to one square in x_s, with nothing left over.",
    check=check_square,
    truth=completed_square,
    mistakes={
        "the linear term without its 2": halved_linear_term,
        "1/β where α/β belongs": alpha_left_out,
    },
    setting=Pair(linear(1000), 400, 300),
)

# --- variance and mean ----------------------------------------------------------------------------------------------


def check_precision(variance: Callable[[Transition], float], setting: Walk, seed: int) -> list[Trial]:
    """Each variance times the sum of the two precisions is 1, for all t >= 2."""
    products = [variance(p) * (p.alpha / p.beta + 1 / p.one_minus_alpha_bar_s) for p in setting.steps]
    return [identity(np.array(products), np.ones(len(products)))]


PRECISION = Claim(
    key="E23",
    says="Precisions add: 1/β̃_t = α_t/β_t + 1/(1 − ᾱ_{t−1}), so β̃_t = β_t (1 − ᾱ_{t−1})/(1 − ᾱ_t), for every t ≥ 2.",
    check=check_precision,
    truth=lambda p: p.beta_tilde,
    mistakes={
        "β for β̃ (the article's misprint)": lambda p: p.beta,
        "ᾱ_t and ᾱ_{t−1} swapped": lambda p: p.beta * p.one_minus_alpha_bar_t / p.one_minus_alpha_bar_s,
    },
    setting=Walk(linear(1000)),
)

Coefficients = Callable[[Transition], tuple[float, float]]


def check_mean(coefficients: Coefficients, setting: Walk, seed: int) -> list[Trial]:
    """Given the marginals: c_t sqrt(abar_t) + c_0 = sqrt(abar_s) and c_t^2 (1 - abar_t) + beta_tilde = 1 - abar_s;
    and the article's 2 mu_tilde / beta_tilde."""
    got, expected = [], []
    for p in setting.steps:
        c_t, c_0 = coefficients(p)
        got += [c_t * p.sqrt_alpha_bar_t + c_0, c_t**2 * p.one_minus_alpha_bar_t + p.beta_tilde]
        expected += [p.sqrt_alpha_bar_s, p.one_minus_alpha_bar_s]
        got += [c_t / p.beta_tilde, c_0 / p.beta_tilde]
        expected += [math.sqrt(p.alpha) / p.beta, p.sqrt_alpha_bar_s / p.one_minus_alpha_bar_s]
        a, b = math.sqrt(p.alpha), p.sqrt_alpha_bar_s  # both below 1, so the weights add up to less than 1
        got.append(c_t + c_0)
        expected.append((a + b) / (1 + a * b))
    return [identity(np.array(got), np.array(expected))]


MEAN = Claim(
    key="E24",
    says="μ̃ = c_t x_t + c_0 x_0 takes the marginal of x_t to that of x_{t−1}, mean and variance, for every t ≥ 2.",
    check=check_mean,
    truth=lambda p: (p.c_t, p.c_0),
    mistakes={
        "the coefficients of x_t and x_0 swapped": lambda p: (p.c_0, p.c_t),
        "made to add up to 1 (a weighted average)": lambda p: (p.c_t / (p.c_t + p.c_0), p.c_0 / (p.c_t + p.c_0)),
        "the plain inversion x_t/√α": lambda p: (1 / math.sqrt(p.alpha), 0.0),
    },
    setting=Walk(linear(1000)),
)


def draws_to_tell(p: Transition) -> int:
    """Draws with which chi-square, one of three tests of E25a, tells beta from beta-tilde with power .99."""
    z = stats.norm.isf(CLAIM_ALPHA / 3 / 2) + stats.norm.isf(0.01)
    return math.ceil(2 * (z / math.log(p.beta / p.beta_tilde)) ** 2)


def prior_share(p: Transition) -> float:
    """The prior's part of the posterior's precision, (1 / (1 - abar_s)) beta-tilde = beta / (1 - abar_t)."""
    return p.beta / p.one_minus_alpha_bar_t


def check_regression(posterior: Posterior, setting: Pair, seed: int) -> list[Trial]:
    """x_s of simulated triples minus the posterior's mean: it has no slope in x_t or x_0, and the variance given."""
    p = setting.transition
    x0, e1, e2 = _normal(setting.n, seed, 3)
    x_s, x_t = true_pair(setting, x0, e1, e2)
    mean, variance = posterior(setting, x_t, x0)
    residual = x_s - mean
    coefficients, gram, _rest = least_squares(residual, x_t, x0)
    z = coefficients / np.sqrt(np.diag(gram) * p.beta_tilde)
    return [
        _z(float(z[0]), Trial("z of the slope in x_t", 0).name, setting.n),
        _z(float(z[1]), Trial("z of the slope in x_0", 0).name, setting.n),
        chi_square(residual, 0.0, variance),
    ]


REGRESSION = Claim(
    key="E25a",
    says="Simulated triples (x_0, x_s, x_t) scatter around μ̃ with the variance β̃.",
    check=check_regression,
    truth=true_posterior,
    mistakes={
        "β for β̃ (the article's misprint)": misprint,
        "the coefficients of x_t and x_0 swapped": swapped,
        "the neighbour's step": neighbours,
    },
    setting=Pair(linear(1000), 400, 300),
)

# --- x_0 from the noise ---------------------------------------------------------------------------------------------


def check_amplification(factor: Callable[[NoiseSchedule, int], float], setting: Walk, seed: int) -> list[Trial]:
    """An error of 1e-3 in eps, seen in x0_hat = (x_t - sqrt(1 - abar) eps) / sqrt(abar), for all t."""
    schedule, (x_t, eps) = setting.schedule, _normal(8, seed, 2)
    ratios = []
    for t in range(1, schedule.T + 1):
        moved = x0_from_eps(schedule, x_t, eps, t) - x0_from_eps(schedule, x_t, eps + 1e-3, t)
        ratios.append(float(moved.abs().max()) / 1e-3 / factor(schedule, t))
    return [identity(np.array(ratios), np.ones(len(ratios)), DENSITY_TOLERANCE)]


AMPLIFICATION = Claim(
    key="E26",
    says="An error in the predicted noise comes out of x̂_0 multiplied by 1/√SNR_t: 157 times at t = 1000 of the linear "
    "schedule with T = 1000.",
    check=check_amplification,
    truth=lambda schedule, t: float(schedule.snr[t]) ** -0.5,
    mistakes={
        "1/√ᾱ": lambda schedule, t: float(schedule.alpha_bar[t]) ** -0.5,
        "1/SNR, without the root": lambda schedule, t: 1 / float(schedule.snr[t]),
    },
    setting=Walk(linear(1000)),
)

MeanFromNoise = Callable[[Transition, Tensor, Tensor, Tensor], Tensor]


def mean_from_noise(p: Transition, x_t: Tensor, z: Tensor, other: Tensor) -> Tensor:
    """(x_t - beta / sqrt(1 - abar_t) z) / sqrt(alpha)."""
    return (x_t - p.beta / p.sqrt_one_minus_alpha_bar_t * z) / math.sqrt(p.alpha)


def check_from_noise(mean: MeanFromNoise, setting: Walk, seed: int) -> list[Trial]:
    """mu_tilde(x_t, x_0) of the posterior, x_t made of x_0 and z_bar, for all t >= 1."""
    schedule, (x0, z, other) = setting.schedule, _normal(8, seed, 3)
    got, expected = [], []
    for t in range(1, schedule.T + 1):
        x_t = q_sample(schedule, x0, t, z)
        got.append(mean(transition(schedule, t, t - 1), x_t, z, other))
        expected.append(q_posterior(schedule, x_t, x0, t, t - 1)[0])
    return [identity(torch.stack(got), torch.stack(expected))]


FROM_NOISE = Claim(
    key="E27",
    says="μ̃_t = (x_t − β_t/√(1 − ᾱ_t) z̄_t)/√α_t, with the z̄_t that made this x_t, for every t ≥ 1.",
    check=check_from_noise,
    truth=mean_from_noise,
    mistakes={
        "another draw of z̄_t": lambda p, x_t, z, other: mean_from_noise(p, x_t, other, z),
        "√β_t where β_t belongs": lambda p, x_t, z, other: mean_from_noise(
            replace(p, beta=math.sqrt(p.beta)), x_t, z, z
        ),
        "1 − ᾱ where its root belongs": lambda p, x_t, z, other: mean_from_noise(
            replace(p, sqrt_one_minus_alpha_bar_t=p.one_minus_alpha_bar_t), x_t, z, z
        ),
    },
    setting=Walk(linear(1000)),
)

# --- without x_0 ----------------------------------------------------------------------------------------------------

Conditional = Callable[[GaussianMixture, NoiseSchedule, float, int, int], GaussianMixture]


@dataclass(frozen=True)
class Strides:
    """The two-peaked data seen from ``x_t`` at t."""

    schedule: NoiseSchedule
    t: int = 300
    x_t: float = 0.6


def true_conditional(law: GaussianMixture, schedule: NoiseSchedule, x_t: float, t: int, s: int) -> GaussianMixture:
    """The mixture q(x_s | x_t)."""
    return law.at(schedule, t).reverse_conditional(torch.tensor([x_t], dtype=torch.float64), s)


def with_neighbours_beta(law: GaussianMixture, schedule: NoiseSchedule, x_t: float, t: int, s: int) -> GaussianMixture:
    """The step t -> t - 1, whatever the stride."""
    return true_conditional(law, schedule, x_t, t, t - 1)


def with_flat_components(law: GaussianMixture, schedule: NoiseSchedule, x_t: float, t: int, s: int) -> GaussianMixture:
    """Each component as wide as it is at the longest stride."""
    wide = true_conditional(law, schedule, x_t, t, 1)
    q = true_conditional(law, schedule, x_t, t, s)
    return replace(q, eigenvalues=wide.eigenvalues, eigenvectors=wide.eigenvectors)


def check_cube(powers: tuple[Conditional, int, int], setting: Strides, seed: int) -> list[Trial]:
    """The slope of log negentropy against log stride, between strides of 1 and 2 steps, where q is skew and where not.

    ``powers``: the conditional, and the powers said to hold at x_t and, by symmetry without skewness, at 0.
    """
    conditional, skew, even = powers
    law = bimodal().law

    def slope(x_t: float) -> float:
        one, two = (
            negentropy(conditional(law, setting.schedule, x_t, setting.t, setting.t - stride)) for stride in (1, 2)
        )
        return math.log2(two / one)

    return [
        Trial("slope at x_t = 0.6 less the power said", slope(setting.x_t) - skew, tolerance=0.1, n=2),
        Trial("slope at x_t = 0 less the power said", slope(0.0) - even, tolerance=0.1, n=2),
    ]


CUBE = Claim(
    key="E18a",
    says="The true q(x_s | x_t) of two peaks is not Gaussian, but the shorter the stride the closer: the KL divergence "
    "to the best Gaussian falls as stride³, and as stride⁴ halfway between the peaks, where there is no skewness.",
    check=check_cube,
    truth=(true_conditional, 3, 4),
    mistakes={
        "the third power everywhere": (true_conditional, 3, 3),
        "the neighbour's step": (with_neighbours_beta, 3, 4),
        "components of constant width": (with_flat_components, 3, 4),
    },
    setting=Strides(linear(1000)),
)


def matched_gaussian(law: GaussianMixture, schedule: NoiseSchedule, x_t: float, t: int, s: int) -> GaussianMixture:
    """The Gaussian with the right mean and variance."""
    return best_gaussian(true_conditional(law, schedule, x_t, t, s))


def check_modes(conditional: Conditional, setting: Strides, seed: int) -> list[Trial]:
    """Peaks counted at x_t = 0, between the peaks of the data: one for 300 -> 299, two for 300 -> 200."""
    law = bimodal().law
    short, long = (count_modes(conditional(law, setting.schedule, 0.0, 300, s)) for s in (299, 200))
    return [
        Trial("peaks for 300 → 299, minus 1", short - 1, tolerance=0.0, n=1),
        Trial("peaks for 300 → 200, minus 2", long - 2, tolerance=0.0, n=1),
    ]


MODES = Claim(
    key="E18b",
    says="Between two peaks of the data, q(x_s | x_t) has one peak for a short stride and two for a long one.",
    check=check_modes,
    truth=true_conditional,
    mistakes={
        "the Gaussian with the right mean and variance": matched_gaussian,
        "the neighbour's step": with_neighbours_beta,
    },
    setting=Strides(linear(1000)),
)

CLAIMS = (
    BAYES,
    MARKOV,
    PROPORTIONAL,
    SQUARE,
    PRECISION,
    MEAN,
    REGRESSION,
    AMPLIFICATION,
    FROM_NOISE,
    CUBE,
    MODES,
)
