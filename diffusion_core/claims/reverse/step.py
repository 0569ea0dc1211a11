"""One step: prior times likelihood (E25).

x_s = c_t x_t + c_0 x0_hat + sigma z,   1/beta_tilde = alpha/beta + 1/(1 - alpha_bar_s)    (Ho et al. 2020, eq. 7)
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, identity
from diffusion_core.claims.settings import Pair, Run
from diffusion_core.posterior import transitions
from diffusion_core.reverse import reverse_step
from diffusion_core.schedule import linear
from diffusion_core.variance import fixed_small

__all__ = ["STEP", "StepFn", "neighbours_beta", "posterior_step", "variance_as_deviation"]


StepFn = Callable[[Pair, Tensor, Tensor, Tensor], Tensor]


def posterior_step(at: Pair, x_t: Tensor, eps: Tensor, z: Tensor) -> Tensor:
    """`reverse_step` with beta-tilde: mu-tilde from eps, plus the root of beta-tilde times z."""
    pair = at.transition
    return reverse_step(pair, x_t, eps, fixed_small(pair, x_t), noise=z).x_s


def neighbours_beta(at: Pair, x_t: Tensor, eps: Tensor, z: Tensor) -> Tensor:
    """The table's beta_t for a stride longer than one."""
    schedule, beta = at.schedule, float(at.schedule.beta[at.t])
    mean = (x_t - beta / float(schedule.sqrt_one_minus_alpha_bar[at.t]) * eps) / math.sqrt(1 - beta)
    tilde = beta * float(schedule.one_minus_alpha_bar[at.s] / schedule.one_minus_alpha_bar[at.t])
    return mean + math.sqrt(tilde) * z


def variance_as_deviation(at: Pair, x_t: Tensor, eps: Tensor, z: Tensor) -> Tensor:
    """beta-tilde times z, without the root."""
    return posterior_step(at, x_t, eps, torch.zeros_like(z)) + at.transition.beta_tilde * z


def beta_for_beta_tilde(at: Pair, x_t: Tensor, eps: Tensor, z: Tensor) -> Tensor:
    """The article's misprint: beta where beta-tilde belongs."""
    return posterior_step(at, x_t, eps, torch.zeros_like(z)) + math.sqrt(at.transition.beta) * z


def check_step(step: StepFn, setting: Run, seed: int) -> list[Trial]:
    """Each step against Bayes' rule in precisions, which shares no line with the code: prior times likelihood."""
    schedule, generator = setting.schedule, torch.Generator().manual_seed(seed)
    got, expected = [], []
    for pair in transitions(schedule, setting.timesteps):
        t, s = pair.t, pair.s
        x_t, eps, z = torch.randn((3, 16), generator=generator, dtype=torch.float64)
        alpha_bar_t, alpha_bar_s = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[s])
        alpha = alpha_bar_t / alpha_bar_s
        x0_hat = (x_t - math.sqrt(1 - alpha_bar_t) * eps) / math.sqrt(alpha_bar_t)
        got.append(step(Pair(schedule, t, s), x_t, eps, z))
        if s == 0:  # the posterior is the point x_0 itself
            expected.append(x0_hat)
            continue
        precision = alpha / (1 - alpha) + 1 / (1 - alpha_bar_s)
        mean = (math.sqrt(alpha) / (1 - alpha) * x_t + math.sqrt(alpha_bar_s) / (1 - alpha_bar_s) * x0_hat) / precision
        expected.append(mean + z / math.sqrt(precision))
    return [identity(torch.stack(got), torch.stack(expected), tolerance=1e-9)]


STEP = Claim(
    key="E25",
    says="A step draws from prior × likelihood: mean μ̃ and variance β̃ of the stride from t to s.",
    check=check_step,
    truth=posterior_step,
    mistakes={
        "the neighbour's β for a long stride": neighbours_beta,
        "variance used as deviation": variance_as_deviation,
        "β for β̃ (the article's misprint)": beta_for_beta_tilde,
    },
    setting=Run(linear(1000), linear(1000).timesteps(10, spacing="trailing"), fixed_small),
)
