"""The article's forward process: one noising step, its fixed point, and whether x_T is noise.

q(x_t | x_{t-1}) = N(sqrt(1 - beta_t) x_{t-1}, beta_t I)                        (Ho et al. 2020, eq. 2)
Var[x_t] - 1 = alpha_bar_t (Var[x_0] - 1),    x_T -> N(0, I)  iff  alpha_bar_T -> 0  iff  sum(beta) = infinity
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.claims.check import (
    Claim,
    Trial,
    chi_square,
    identity,
    kolmogorov_smirnov,
    second_moment_z,
    z_of_mean,
)
from diffusion_core.data import bimodal
from diffusion_core.forward import q_sample, q_step
from diffusion_core.schedule import NoiseSchedule, inverse_square, linear

__all__ = ["CLAIMS", "IS_NOISE", "ONE_STEP", "VARIANCE_MAP", "OneStep", "WholeWay"]

Step = Callable[[NoiseSchedule, Tensor, int, int, torch.Generator], Tensor]


@dataclass(frozen=True)
class OneStep:
    """The step into ``t`` of a schedule, taken ``n`` times from one point."""

    schedule: NoiseSchedule
    t: int
    n: int = 20_000
    start: float = 30.0  # far out, so that shrinking shows


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)


def true_step(schedule: NoiseSchedule, x_s: Tensor, s: int, t: int, generator: torch.Generator) -> Tensor:
    """sqrt(1 - beta) x + sqrt(beta) eps."""
    return q_step(schedule, x_s, s, t, _noise(x_s, generator))


def beta_as_deviation(schedule: NoiseSchedule, x_s: Tensor, s: int, t: int, generator: torch.Generator) -> Tensor:
    """beta stands where sqrt(beta) belongs: a variance used as a standard deviation."""
    beta = float(schedule.beta[t])
    return math.sqrt(1 - beta) * x_s + beta * _noise(x_s, generator)


def uniform_noise(schedule: NoiseSchedule, x_s: Tensor, s: int, t: int, generator: torch.Generator) -> Tensor:
    """rand in place of randn, and beta in place of sqrt(beta)."""
    beta = float(schedule.beta[t])
    return math.sqrt(1 - beta) * x_s + beta * torch.rand(x_s.shape, generator=generator, dtype=x_s.dtype)


def no_shrink(schedule: NoiseSchedule, x_s: Tensor, s: int, t: int, generator: torch.Generator) -> Tensor:
    """Noise is added, and the signal is not shrunk."""
    return x_s + math.sqrt(float(schedule.beta[t])) * _noise(x_s, generator)


def shrink_too_much(schedule: NoiseSchedule, x_s: Tensor, s: int, t: int, generator: torch.Generator) -> Tensor:
    """The mean is multiplied by 1 - beta in place of its root."""
    beta = float(schedule.beta[t])
    return (1 - beta) * x_s + math.sqrt(beta) * _noise(x_s, generator)


def check_one_step(step: Step, setting: OneStep, seed: int) -> list[Trial]:
    """The standardized residual r = (x_t - sqrt(1 - beta) x_{t-1}) / sqrt(beta) is N(0, 1)."""
    generator = torch.Generator().manual_seed(seed)
    x_s = torch.full((setting.n,), setting.start, dtype=torch.float64)
    x_t = step(setting.schedule, x_s, setting.t - 1, setting.t, generator)
    beta = float(setting.schedule.beta[setting.t])
    residual = (x_t - math.sqrt(1 - beta) * x_s) / math.sqrt(beta)
    return [z_of_mean(residual), chi_square(residual), kolmogorov_smirnov(residual)]


ONE_STEP = Claim(
    key="E2",
    says="One step multiplies by √(1 − β) and adds Gaussian noise of variance β.",
    check=check_one_step,
    truth=true_step,
    mistakes={
        "β where √β belongs": beta_as_deviation,
        "uniform noise": uniform_noise,
        "no shrinking": no_shrink,
        "mean times (1 − β)": shrink_too_much,
    },
    setting=OneStep(linear(1000), t=1000),
)


@dataclass(frozen=True)
class WholeWay:
    """``n`` values of the two-peaked data, taken to the end of a schedule."""

    schedule: NoiseSchedule
    n: int = 20_000


def check_is_noise(choose: Callable[[NoiseSchedule], NoiseSchedule], setting: WholeWay, seed: int) -> list[Trial]:
    """x_T against N(0, 1): its mean, its variance, its shape."""
    generator = torch.Generator().manual_seed(seed)
    schedule = choose(setting.schedule)
    x0 = bimodal().law.sample(setting.n, generator)
    x_T = q_sample(schedule, x0, schedule.T, _noise(x0, generator))
    return [z_of_mean(x_T), chi_square(x_T), kolmogorov_smirnov(x_T)]


IS_NOISE = Claim(
    key="E4",
    says="At the end, x_T cannot be told from pure noise N(0, 1).",
    check=check_is_noise,
    truth=lambda schedule: schedule,
    mistakes={
        "Σβ finite: β = 1/(t + 1)²": lambda schedule: inverse_square(schedule.T),
        "T = 50 with the betas of T = 1000": lambda schedule: linear(50),
    },
    setting=WholeWay(linear(1000)),
)


def check_variance_map(coefficient: Callable[[float], float], setting: WholeWay, seed: int) -> list[Trial]:
    """Var[x_t] = c^2 Var[x_{t-1}] + beta against 1 + alpha_bar_T (s^2 - 1), for four s^2; and by simulation."""
    schedule = setting.schedule
    start = torch.tensor([0.0, 0.25, 1.0, 9.0], dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    v = start.clone()
    x = bimodal().law.sample(setting.n, generator)
    s2 = bimodal().law.variance
    for beta in schedule.beta[1:].tolist():
        c = coefficient(beta)
        v = c * c * v + beta
        x = c * x + math.sqrt(beta) * _noise(x, generator)
    alpha_bar = float(schedule.alpha_bar[-1])
    return [identity(v, 1 + alpha_bar * (start - 1)), second_moment_z(x, 1 + alpha_bar * (s2 - 1))]


VARIANCE_MAP = Claim(
    key="E14",
    says="√(1 − β) is the one factor that drives every variance to 1: v_T − 1 = ᾱ_T (s² − 1).",
    check=check_variance_map,
    truth=lambda beta: math.sqrt(1 - beta),
    mistakes={"factor 1 (no shrinking)": lambda beta: 1.0, "factor 1 − β": lambda beta: 1 - beta},
    setting=WholeWay(linear(1000), n=2_000),
)

CLAIMS = (ONE_STEP, IS_NOISE, VARIANCE_MAP)
