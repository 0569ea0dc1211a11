"""The posterior's variance and its mean's coefficients, at every t (E23, E24).

1 / beta_tilde = alpha / beta + 1 / (1 - alpha_bar_s),    mu_tilde = c_t x_t + c_0 x_0
"""

import math
from collections.abc import Callable

import numpy as np

from diffusion_core.claims.check import Claim, Trial, identity
from diffusion_core.claims.settings import Walk
from diffusion_core.posterior import Transition
from diffusion_core.schedule import linear

__all__ = ["MEAN", "PRECISION", "prior_share"]


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


def prior_share(p: Transition) -> float:
    """The prior's part of the posterior's precision, (1 / (1 - abar_s)) beta-tilde = beta / (1 - abar_t)."""
    return p.beta / p.one_minus_alpha_bar_t
