"""Bayes' rule in log-densities, and its exponent, line by line (E19, E21, E22).

q(x_s | x_t, x_0) = q(x_t | x_s) q(x_s | x_0) / q(x_t | x_0) = N(mu_tilde, beta_tilde I)      (Ho et al. 2020, eq. 6, 7)

The references share no line with `diffusion_core.posterior`.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, identity
from diffusion_core.claims.settings import Pair, normal
from diffusion_core.laws.quadrature import log_normal
from diffusion_core.posterior import Transition, q_posterior
from diffusion_core.schedule import linear

__all__ = [
    "BAYES",
    "DENSITY_TOLERANCE",
    "NOT_THE_POSTERIOR",
    "PROPORTIONAL",
    "SQUARE",
    "Posterior",
    "true_posterior",
]

DENSITY_TOLERANCE = 1e-9  # of log-densities: 6e-11 at t = 2 is rounding

Posterior = Callable[[Pair, Tensor, Tensor], tuple[Tensor, float]]


def true_posterior(pair: Pair, x_t: Tensor, x0: Tensor) -> tuple[Tensor, float]:
    """mu_tilde and beta_tilde."""
    mean, variance = q_posterior(pair.schedule, x_t, x0, t=pair.t, s=pair.s)
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


NOT_THE_POSTERIOR: dict[str, Posterior] = {
    "β for β̃ (the article's misprint)": misprint,
    "the coefficients of x_t and x_0 swapped": swapped,
    "the neighbour's step": neighbours,
}


def check_bayes(posterior: Posterior, setting: Pair, seed: int) -> list[Trial]:
    """log q(x_s|x_t,x_0) + log q(x_t|x_0) = log q(x_t|x_s) + log q(x_s|x_0), for 64 triples of any numbers."""
    p = setting.transition
    x0, x_s, x_t = normal(64, seed, 3)
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
    mistakes=NOT_THE_POSTERIOR,
    setting=Pair(linear(1000), 400, 300),
)


def check_proportional(integral: Callable[[Transition], float], setting: Pair, seed: int) -> list[Trial]:
    """The integral over x_s of exp(-(A x_s^2 - B x_s + C) / 2), as printed, with C = mu_tilde^2 / beta_tilde."""
    p = setting.transition
    x0, x_t = normal(1, seed, 2)[:, 0].tolist()
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
    x0, x_s, x_t = normal(64, seed, 3)
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
