"""The noise in place of x_0: what its error does, and the mean in terms of it, true or predicted (E26, E27, E29, E30).

mu = (x_t - beta / sqrt(1 - alpha_bar_t) eps) / sqrt(alpha)                                  (Ho et al. 2020, eq. 11)
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, identity
from diffusion_core.claims.posterior.bayes import (
    DENSITY_TOLERANCE,
)
from diffusion_core.claims.settings import Walk, normal
from diffusion_core.forward import q_sample
from diffusion_core.parameterization import x0_from_eps
from diffusion_core.posterior import Transition, q_posterior, transition
from diffusion_core.reverse import reverse_step
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import fixed_small

__all__ = ["AMPLIFICATION", "FROM_NOISE", "MEAN", "STEP_1"]


def check_amplification(factor: Callable[[NoiseSchedule, int], float], setting: Walk, seed: int) -> list[Trial]:
    """An error of 1e-3 in eps, seen in x0_hat = (x_t - sqrt(1 - abar) eps) / sqrt(abar), for all t."""
    schedule, (x_t, eps) = setting.schedule, normal(8, seed, 2)
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


MeanOfDraws = Callable[[Transition, Tensor, Tensor, Tensor], Tensor]


def mean_from_noise(p: Transition, x_t: Tensor, z: Tensor) -> Tensor:
    """(x_t - beta / sqrt(1 - abar_t) z) / sqrt(alpha)."""
    return (x_t - p.beta / p.sqrt_one_minus_alpha_bar_t * z) / math.sqrt(p.alpha)


def check_from_noise(mean: MeanOfDraws, setting: Walk, seed: int) -> list[Trial]:
    """mu_tilde(x_t, x_0) of the posterior, x_t made of x_0 and z_bar, for all t >= 1."""
    schedule, (x0, z, other) = setting.schedule, normal(8, seed, 3)
    got, expected = [], []
    for t in range(1, schedule.T + 1):
        x_t = q_sample(schedule, x0, t, z)
        got.append(mean(transition(schedule, t, t - 1), x_t, z, other))
        expected.append(q_posterior(schedule, x_t, x0, t=t, s=t - 1)[0])
    return [identity(torch.stack(got), torch.stack(expected))]


FROM_NOISE = Claim(
    key="E27",
    says="μ̃_t = (x_t − β_t/√(1 − ᾱ_t) z̄_t)/√α_t, with the z̄_t that made this x_t, for every t ≥ 1.",
    check=check_from_noise,
    truth=lambda p, x_t, z, other: mean_from_noise(p, x_t, z),
    mistakes={
        "another draw of z̄_t": lambda p, x_t, z, other: mean_from_noise(p, x_t, other),
        "√β_t where β_t belongs": lambda p, x_t, z, other: mean_from_noise(replace(p, beta=math.sqrt(p.beta)), x_t, z),
        "1 − ᾱ where its root belongs": lambda p, x_t, z, other: mean_from_noise(
            replace(p, sqrt_one_minus_alpha_bar_t=p.one_minus_alpha_bar_t), x_t, z
        ),
    },
    setting=Walk(linear(1000)),
)


# --- with the noise that is predicted -------------------------------------------------------------------------------

MeanOf = Callable[[Transition, Tensor, Tensor], Tensor]


def check_mean(mean_of: MeanOf, setting: NoiseSchedule, seed: int) -> list[Trial]:
    """The formula in eps against the sampler's own mean, for strides of 1 and of 50."""
    generator = torch.Generator().manual_seed(seed)
    got, expected = [], []
    for stride in (1, 50):
        for t in range(stride, setting.T + 1, 50):
            pair = transition(setting, t, t - stride)
            x_t, eps = torch.randn((2, 8), generator=generator, dtype=torch.float64)
            got.append(mean_of(pair, x_t, eps))
            expected.append(reverse_step(pair, x_t, eps, fixed_small(pair, x_t)).mean)
    return [identity(torch.stack(got), torch.stack(expected))]


MEAN = Claim(
    key="E29",
    says="μ_θ = (x_t − β_t / √(1 − ᾱ_t) z_θ) / √α_t is μ̃ with the predicted noise put in, at every t.",
    check=check_mean,
    truth=mean_from_noise,
    mistakes={
        "1 − ᾱ_t without its root": lambda pair, x_t, eps: (
            (x_t - pair.beta / pair.one_minus_alpha_bar_t * eps) / math.sqrt(pair.alpha)
        ),
        "√β_t in place of β_t / √(1 − ᾱ_t)": lambda pair, x_t, eps: (
            (x_t - math.sqrt(pair.beta) * eps) / math.sqrt(pair.alpha)
        ),
        "α_t without its root": lambda pair, x_t, eps: (
            (x_t - pair.beta / pair.sqrt_one_minus_alpha_bar_t * eps) / pair.alpha
        ),
        "ᾱ_t for α_t": lambda pair, x_t, eps: (
            (x_t - pair.beta / pair.sqrt_one_minus_alpha_bar_t * eps) / pair.sqrt_alpha_bar_t
        ),
    },
    setting=linear(1000),
)

STEP_1 = replace(
    MEAN, key="E30", says="Step 1: the predicted noise gives the posterior's mean, with x̂₀ in place of x₀."
)
