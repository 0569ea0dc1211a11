"""A learned variance: v from the network mixes the logs of beta and beta-tilde (E32)."""

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, identity
from diffusion_core.claims.settings import TEN, Steps
from diffusion_core.posterior import Transition, transitions
from diffusion_core.variance import (
    NOTHING,
    Variance,
    VarianceChoice,
    learned_range,
)

__all__ = ["LEARNED"]


def by_log(v: float) -> VarianceChoice:
    """Logs mixed: the core's."""
    return learned_range(v)


def by_variance(v: float) -> VarianceChoice:
    """Variances mixed."""
    return lambda pair, x_t: Variance(v * pair.beta + (1 - v) * pair.beta_tilde, math.nan)


def by_the_other_end(v: float) -> VarianceChoice:
    """v and 1 - v exchanged."""
    return learned_range(1 - v)


def as_deviation(v: float) -> VarianceChoice:
    """The deviation in the variance's place."""

    def choose(pair: Transition, x_t: Tensor) -> Variance:
        log = 0.5 * float(learned_range(v)(pair, x_t).log)
        return Variance(math.exp(log), log)

    return choose


def check_learned(make: Callable[[float], VarianceChoice], setting: Steps, seed: int) -> list[Trial]:
    """beta^v beta_tilde^(1 - v), for v inside and outside of [0, 1]."""
    got, expected = [], []
    for v in (-0.2, 0.0, 0.3, 0.5, 1.0, 1.2):
        for pair in transitions(setting.schedule, setting.timesteps)[:-1]:
            got.append(float(make(v)(pair, NOTHING).value) / pair.beta)
            expected.append((pair.beta_tilde / pair.beta) ** (1 - v))
    return [identity(np.array(got), np.array(expected))]


LEARNED = Claim(
    key="E32",
    says="A learned variance is β^v β̃^(1−v), v from the network: the logs are mixed, and v may leave [0, 1].",
    check=check_learned,
    truth=by_log,
    mistakes={
        "the variances mixed, not their logs": by_variance,
        "v and 1 − v exchanged": by_the_other_end,
        "deviation for variance": as_deviation,
    },
    setting=TEN,
)
