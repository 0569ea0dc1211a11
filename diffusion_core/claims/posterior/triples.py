"""Simulated triples (x_0, x_s, x_t), regressed: the Markov property, the mean and the variance (E20, E25)."""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from diffusion_core.claims.check import CLAIM_ALPHA, Claim, Trial, chi_square
from diffusion_core.claims.posterior.bayes import NOT_THE_POSTERIOR, Posterior, true_posterior
from diffusion_core.claims.settings import Pair, normal
from diffusion_core.forward import q_sample, q_step
from diffusion_core.posterior import Transition
from diffusion_core.schedule import linear

__all__ = ["MARKOV", "REGRESSION", "draws_to_tell"]


Pairs = Callable[[Pair, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def true_pair(pair: Pair, x0: Tensor, e1: Tensor, e2: Tensor) -> tuple[Tensor, Tensor]:
    """x_s by the jump, x_t from x_s by fresh noise."""
    x_s = q_sample(pair.schedule, x0, pair.s, e1)
    return x_s, q_step(pair.schedule, x_s, pair.s, pair.t, eps=e2)


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
    x0, e1, e2 = normal(setting.n, seed, 3)
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


def draws_to_tell(p: Transition) -> int:
    """Draws with which chi-square, one of three tests of E25a, tells beta from beta-tilde with power .99."""
    z = float(stats.norm.isf(CLAIM_ALPHA / 3 / 2) + stats.norm.isf(0.01))
    return math.ceil(2 * (z / math.log(p.beta / p.beta_tilde)) ** 2)


def check_regression(posterior: Posterior, setting: Pair, seed: int) -> list[Trial]:
    """x_s of simulated triples minus the posterior's mean: it has no slope in x_t or x_0, and the variance given."""
    p = setting.transition
    x0, e1, e2 = normal(setting.n, seed, 3)
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
    mistakes=NOT_THE_POSTERIOR,
    setting=Pair(linear(1000), 400, 300),
)
