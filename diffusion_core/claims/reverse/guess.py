"""The best guess of the noise, and the step with the best guess of x_0 in it (E28).

eps* = E[eps | x_t]:   E[(eps - eps*) eps*] = 0,   E[eps*^2] = 1 - l_t < 1
E[x_s | x_t] = c_t x_t + c_0 E[x_0 | x_t],   Var[x_s | x_t] = beta_tilde + c_0^2 Var[x_0 | x_t]
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, estimated_mean_z, identity, second_moment_z
from diffusion_core.claims.settings import Pair, two_peaks
from diffusion_core.forward import q_sample
from diffusion_core.laws.estimates import loss_floor
from diffusion_core.laws.quadrature import expectation_nodes, log_normal
from diffusion_core.schedule import NoiseSchedule, linear

__all__ = ["BEST_GUESS", "PLUG_IN", "Moment"]


@dataclass(frozen=True)
class Moment:
    """``n`` pairs of x_0 and x_t of the two-peaked data at one t."""

    schedule: NoiseSchedule
    t: int
    n: int = 20_000


Guess = Callable[[Moment, Tensor, Tensor], Tensor]


def best_guess(setting: Moment, x_t: Tensor, eps: Tensor) -> Tensor:
    """eps* = E[eps | x_t]."""
    return two_peaks().at(setting.schedule, setting.t).eps(x_t)


def nearest_peak(setting: Moment, x_t: Tensor, eps: Tensor) -> Tensor:
    """The noise if x_0 were the peak on x_t's side."""
    schedule, t = setting.schedule, setting.t
    return (x_t - float(schedule.sqrt_alpha_bar[t]) * 0.9 * x_t.sign()) / float(schedule.sqrt_one_minus_alpha_bar[t])


def check_guess(guess: Guess, setting: Moment, seed: int) -> list[Trial]:
    """What is left of eps has nothing in common with the guess, whose size is the exact one."""
    generator = torch.Generator().manual_seed(seed)
    x0 = two_peaks().sample(setting.n, generator)
    eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    guessed = guess(setting, q_sample(setting.schedule, x0, setting.t, eps), eps)
    floor = loss_floor(two_peaks(), setting.schedule, setting.t).value
    return [estimated_mean_z((eps - guessed) * guessed), second_moment_z(guessed, 1 - floor)]


BEST_GUESS = Claim(
    key="E28b",
    says="The best network returns ε* = E[ε | x_t]: shorter than ε, and what is missing is orthogonal to it.",
    check=check_guess,
    truth=best_guess,
    mistakes={
        "ε* = ε: the noise itself is recovered": lambda setting, x_t, eps: eps,
        "ε* times 0.9": lambda setting, x_t, eps: 0.9 * best_guess(setting, x_t, eps),
        "the noise from the nearest peak": nearest_peak,
    },
    setting=Moment(linear(1000), t=300),
)


PlugIn = Callable[[Pair, Tensor], tuple[Tensor, Tensor]]


def mean_and_variance(setting: Pair, x_t: Tensor) -> tuple[Tensor, Tensor]:
    """c_t x_t + c_0 E[x_0 | x_t], and beta_tilde + c_0^2 Var[x_0 | x_t]."""
    pair, now = setting.transition, two_peaks().at(setting.schedule, setting.t)
    return pair.c_t * x_t + pair.c_0 * now.x0_mean(x_t), pair.beta_tilde + pair.c_0**2 * now.x0_variance(x_t)


def guess_taken_for_x0(setting: Pair, x_t: Tensor) -> tuple[Tensor, Tensor]:
    """The variance as if the guess were x_0 itself."""
    mean, variance = mean_and_variance(setting, x_t)
    return mean, torch.full_like(variance, setting.transition.beta_tilde)


def likeliest_x0(setting: Pair, x_t: Tensor) -> tuple[Tensor, Tensor]:
    """The likelier peak in place of the mean."""
    _mean, variance = mean_and_variance(setting, x_t)
    pair = setting.transition
    return pair.c_t * x_t + pair.c_0 * 0.9 * x_t.sign(), variance


def check_plug_in(plug_in: PlugIn, setting: Pair, seed: int) -> list[Trial]:
    """Mean and variance of q(x_s | x_t) by quadrature of q(x_t | x_s) q(x_s), at random x_t."""
    pair = setting.transition
    x_t = 1.5 * torch.randn((32, 1), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    nodes, weights = expectation_nodes(two_peaks().at(setting.schedule, setting.s))
    joint = weights * log_normal(x_t, math.sqrt(pair.alpha) * nodes.T, pair.beta).exp()  # (32, nodes)
    posterior = joint / joint.sum(1, keepdim=True)
    mean = posterior @ nodes
    variance = posterior @ nodes.square() - mean.square()
    got_mean, got_variance = plug_in(setting, x_t)
    return [identity(got_mean, mean), identity(got_variance, variance)]


PLUG_IN = Claim(
    key="E28c",
    says="With E[x₀ | x_t] for x₀, μ̃ is the exact mean of x_{t−1}; its variance is larger than β̃.",
    check=check_plug_in,
    truth=mean_and_variance,
    mistakes={
        "variance β̃, as if x₀ were known": guess_taken_for_x0,
        "the likeliest x₀ in place of the mean": likeliest_x0,
    },
    setting=Pair(linear(1000), t=300, s=250),
)
