"""Step 2, beta or beta-tilde: how wide the samples of Gaussian data are, for every run (E31b).

g_0 = lam^2 [alpha_bar_N / v_N^2 + sum sigma_k^2 alpha_bar_{k-1} / v_{k-1}^2],   v = 1 + alpha_bar (lam - 1)
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain

import numpy as np
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, identity
from diffusion_core.claims.settings import Steps
from diffusion_core.laws.generated import (
    generated_variance,
)
from diffusion_core.posterior import Transition, transition
from diffusion_core.schedule import SCHEDULES, linear
from diffusion_core.variance import (
    Variance,
    VarianceChoice,
    fixed_large,
    fixed_small,
    with_last,
)

__all__ = ["NOISE", "SPACINGS", "SPREADS", "EveryRun", "Told", "all_spreads", "strides"]


SPACINGS = ("iddpm", "trailing", "leading")

LAST = {False: "no noise", True: "noise"}  # in the last step

NOISE = 0.1  # alpha_bar of the first timestep, up to which the start is as good as noise


@dataclass(frozen=True)
class EveryRun:
    """All runs of N = 1..T steps, with every schedule and every spacing, for Gaussian data of one variance."""

    T: int = 1000
    data_variance: float = 0.25


@cache
def strides(T: int, spacing: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """t and s of the steps of all runs of N = 1..T, one run after the other, and where each run begins."""
    schedule = linear(T)
    t = np.fromiter(chain.from_iterable(schedule.timesteps(n, spacing) for n in range(1, T + 1)), dtype=np.int32)
    begin = np.cumsum(np.arange(T))
    s = np.append(t[1:], 0)
    s[begin[1:] - 1] = 0
    return t, s, begin


@cache
def all_spreads(
    name: str, spacing: str, T: int, data_variance: float
) -> tuple[np.ndarray, dict[tuple[str, bool], np.ndarray]]:
    """alpha_bar at the first timestep, and generated over true variance, for each N = 1..T.

    By the closed form at the top, which shares no line with the core's recursion. Keys: (choice, noise in the last
    step).
    """
    schedule = SCHEDULES[name](T)
    log, alpha_bar, noise = (
        table.numpy() for table in (schedule.log_alpha_bar, schedule.alpha_bar, schedule.one_minus_alpha_bar)
    )
    weight = alpha_bar / (1 + alpha_bar * (data_variance - 1)) ** 2
    t, s, begin = strides(T, spacing)
    large = -np.expm1(log[t] - log[s]) * weight[s]
    small = large * noise[s] / noise[t]
    start = weight[t[begin]]

    def ratio(added: np.ndarray) -> np.ndarray:
        widths: np.ndarray = data_variance * (start + np.add.reduceat(added, begin))
        return widths

    quiet, narrow = ratio(np.where(s > 0, large, 0.0)), ratio(small)
    ratios = {("β", False): quiet, ("β", True): ratio(large), ("β̃", False): narrow, ("β̃", True): narrow}
    return alpha_bar[t[begin]], ratios


SpreadOf = Callable[[Steps, VarianceChoice, bool], float]


def by_recursion(setting: Steps, choice: VarianceChoice, noisy_last: bool) -> float:
    """The core's recursion."""
    return generated_variance(setting.schedule, setting.timesteps, choice, setting.data_variance, noisy_last=noisy_last)


def with_neighbours_beta(setting: Steps, choice: VarianceChoice, noisy_last: bool) -> float:
    """The table's beta_t, whatever the stride."""

    def neighbour(pair: Transition, x_t: Tensor) -> Variance:
        return choice(transition(setting.schedule, pair.t, pair.t - 1), x_t)

    return by_recursion(setting, neighbour, noisy_last)


def exchanged(setting: Steps, choice: VarianceChoice, noisy_last: bool) -> float:
    """beta where beta-tilde was asked for, and the other way round."""
    return by_recursion(setting, fixed_small if choice is fixed_large else fixed_large, noisy_last)


@dataclass(frozen=True)
class Told:
    """What is said of all runs: on which side of the data's variance each kind falls, and the variance itself."""

    sides: Mapping[str, str]
    variance_of: SpreadOf = by_recursion


def sides_of(setting: EveryRun) -> dict[str, str]:
    """Kind of run -> "too spread", "too narrow", or "either" where both are found."""
    kinds: dict[str, list[np.ndarray]] = {}
    for name in SCHEDULES:
        for spacing in SPACINGS:
            first, ratios = all_spreads(name, spacing, setting.T, setting.data_variance)
            for noisy, last in LAST.items():
                kinds.setdefault(f"β, {last} in the last step", []).append(ratios["β", noisy])
            for where, mask in (("noise", first <= NOISE), ("elsewhere", first > NOISE)):
                kinds.setdefault(f"β̃, from {where}", []).append(ratios["β̃", False][mask])
    ratios_of = {kind: np.concatenate(found) for kind, found in kinds.items()}
    return {
        kind: "too spread" if (r > 1).all() else "too narrow" if (r < 1).all() else "either"
        for kind, r in ratios_of.items()
    }


def check_spreads(told: Told, setting: EveryRun, seed: int) -> list[Trial]:
    """The sides of all runs; and the closed form that found them against the variant's, at one drawn N each."""
    found, draw = sides_of(setting), random.Random(seed)
    got, expected = [], []
    for name in SCHEDULES:
        schedule = SCHEDULES[name](setting.T)
        for spacing in SPACINGS:
            n = round(min(40, setting.T) ** draw.random())
            run = Steps(schedule, schedule.timesteps(n, spacing), setting.data_variance)
            _first, ratios = all_spreads(name, spacing, setting.T, setting.data_variance)
            for key, choice in (("β", fixed_large), ("β̃", fixed_small)):
                for noisy in LAST:
                    got.append(told.variance_of(run, choice, noisy) / setting.data_variance)
                    expected.append(ratios[key, noisy][n - 1])
    wrong = sum(told.sides[kind] != side for kind, side in found.items())
    runs = 2 * 2 * len(SCHEDULES) * len(SPACINGS) * setting.T
    return [
        Trial("kinds of run on another side", wrong, tolerance=0, n=runs),
        identity(np.array(got), np.array(expected)),
    ]


SIDES = {
    "β, noise in the last step": "too spread",
    "β, no noise in the last step": "either",
    "β̃, from noise": "too narrow",
    "β̃, from elsewhere": "either",
}


SPREADS = Claim(
    key="E31b",
    says="Data of variance 1/4, any schedule, spacing and number of steps: β makes the samples too spread if the last "
    "step has noise, β̃ too narrow if the first x_t is nearly noise (ᾱ_t ≤ 0.1). Otherwise either may happen.",
    check=check_spreads,
    truth=Told(SIDES),
    mistakes={
        "β too spread without noise in the last step, too": Told(
            {**SIDES, "β, no noise in the last step": "too spread"}
        ),
        "β̃ too narrow from any start": Told({**SIDES, "β̃, from elsewhere": "too narrow"}),
        "β and β̃ exchanged": Told(SIDES, exchanged),
        "the neighbour's β for a long stride": Told(SIDES, with_neighbours_beta),
        "noise added in the last step": Told(
            SIDES, lambda setting, choice, noisy_last: by_recursion(setting, with_last(choice, fixed_large), True)
        ),
    },
    setting=EveryRun(),
)
