"""The article's second property: any x_t in one jump.

    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) z_bar                          (Ho et al. 2020, eq. 4)
    z_bar_t = sum_i sqrt(alpha_bar_t / alpha_bar_i) sqrt(beta_i) z_i / sqrt(1 - alpha_bar_t)

It holds point by point with that z_bar, and in distribution with a fresh one, *if the z_i are independent*. z_bar is
another variable at each t:

    corr(z_bar_s, z_bar_t) = sqrt(alpha_bar_t (1 - alpha_bar_s) / (alpha_bar_s (1 - alpha_bar_t))),   s < t
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from diffusion_core.claims.check import (
    AnyClaim,
    Claim,
    Trial,
    chi_square,
    fisher_z,
    identity,
    kolmogorov_smirnov,
    z_of_mean,
)
from diffusion_core.claims.forward import Step, beta_as_deviation, no_shrink, true_step, uniform_noise
from diffusion_core.forward import collapse_noise, q_chain, q_sample, q_step
from diffusion_core.schedule import NoiseSchedule, linear

__all__ = [
    "ADDITIVITY",
    "ALGEBRA",
    "CLAIMS",
    "CORRELATION",
    "FRESH_NOISE",
    "INDEPENDENCE",
    "RATE",
    "SAME_NOISE",
    "TWO_STEPS",
    "Jump",
    "TwoTimes",
    "rms_errors",
]


@dataclass(frozen=True)
class Jump:
    """The way from x_0 = ``start`` to x_t, ``n`` times."""

    schedule: NoiseSchedule
    t: int
    n: int = 20_000
    start: float = 3.0


# --- the same noise: equal point by point ---------------------------------------------------------------------------

JumpFn = Callable[[NoiseSchedule, Tensor, int, Tensor], Tensor]


def true_jump(schedule: NoiseSchedule, x0: Tensor, t: int, z_bar: Tensor) -> Tensor:
    """sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) z_bar."""
    return q_sample(schedule, x0, t, z_bar)


def variance_as_deviation(schedule: NoiseSchedule, x0: Tensor, t: int, z_bar: Tensor) -> Tensor:
    """1 - alpha_bar stands where its root belongs."""
    return float(schedule.sqrt_alpha_bar[t]) * x0 + float(schedule.one_minus_alpha_bar[t]) * z_bar


def one_late(schedule: NoiseSchedule, x0: Tensor, t: int, z_bar: Tensor) -> Tensor:
    """The table is read one place off: t + 1 (or t - 1 at the end)."""
    return q_sample(schedule, x0, t + 1 if t < schedule.T else t - 1, z_bar)


def check_same_noise(jump: JumpFn, setting: Jump, seed: int) -> list[Trial]:
    """The chain's x_t minus the jump's, with the z_bar made of the chain's own z_1..z_t."""
    generator = torch.Generator().manual_seed(seed)
    x0 = torch.randn(64, generator=generator, dtype=torch.float64)
    z = torch.randn((setting.t, 64), generator=generator, dtype=torch.float64)
    *_, x_t = q_chain(setting.schedule, x0, z)
    return [identity(jump(setting.schedule, x0, setting.t, collapse_noise(setting.schedule, z, setting.t)), x_t)]


SAME_NOISE = Claim(
    key="E11a",
    says="With the same noise, the jump lands exactly where the chain does.",
    check=check_same_noise,
    truth=true_jump,
    mistakes={"1 − ᾱ where its root belongs": variance_as_deviation, "off by one in t": one_late},
    setting=Jump(linear(1000), t=500),
)


# --- fresh noise: equal in distribution -----------------------------------------------------------------------------


def chain_of(step: Step) -> Callable[[Jump, torch.Generator], Tensor]:
    """The t-step chain made of one kind of step."""

    def run(setting: Jump, generator: torch.Generator) -> Tensor:
        x = torch.full((setting.n,), setting.start, dtype=torch.float64)
        for t in range(1, setting.t + 1):
            x = step(setting.schedule, x, t, generator)
        return x

    return run


def starts_from_noise(setting: Jump, generator: torch.Generator) -> Tensor:
    """x_t is taken for N(0, 1), however few the steps."""
    return torch.randn(setting.n, generator=generator, dtype=torch.float64)


def one_step_short(setting: Jump, generator: torch.Generator) -> Tensor:
    """The chain's loop counts from 0 and stops before t."""
    x0 = torch.full((setting.n,), setting.start, dtype=torch.float64)
    z = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
    return q_sample(setting.schedule, x0, setting.t - 1, z)


def check_fresh_noise(chain: Callable[[Jump, torch.Generator], Tensor], setting: Jump, seed: int) -> list[Trial]:
    """x_t of the chain, standardized by the jump's mean and variance, is N(0, 1)."""
    schedule, t = setting.schedule, setting.t
    x_t = chain(setting, torch.Generator().manual_seed(seed))
    mean = float(schedule.sqrt_alpha_bar[t]) * setting.start
    residual = (x_t - mean) / float(schedule.sqrt_one_minus_alpha_bar[t])
    return [z_of_mean(residual), chi_square(residual), kolmogorov_smirnov(residual)]


FRESH_NOISE = Claim(
    key="E11b",
    says="With fresh noise, the chain and the jump have the same distribution.",
    check=check_fresh_noise,
    truth=chain_of(true_step),
    mistakes={
        "β where √β belongs": chain_of(beta_as_deviation),
        "uniform noise": chain_of(uniform_noise),
        "no shrinking": chain_of(no_shrink),
        "called noise too early": starts_from_noise,
        "off by one in t": one_step_short,
    },
    setting=Jump(linear(1000), t=100, start=30.0),
)


# --- Gaussian additivity --------------------------------------------------------------------------------------------

SIGMA = (0.6, 0.8)  # standard deviations; the sum of independent ones has variance 1
Sum = Callable[[Tensor, Tensor, Tensor], Tensor]  # of z_1, z_2 and a coin


def check_additivity(combine: Sum, setting: int, seed: int) -> list[Trial]:
    """sigma_1 z_1 + sigma_2 z_2 against N(0, sigma_1^2 + sigma_2^2)."""
    generator = torch.Generator().manual_seed(seed)
    z1, z2 = torch.randn((2, setting), generator=generator, dtype=torch.float64)
    coin = torch.rand(setting, generator=generator, dtype=torch.float64)
    total = combine(z1, z2, coin)
    return [z_of_mean(total), chi_square(total), kolmogorov_smirnov(total)]


ADDITIVITY: Claim[Sum, int] = Claim(
    key="E12",
    says="Independent Gaussian variables add to one whose variance is the sum of theirs.",
    check=check_additivity,
    truth=lambda z1, z2, coin: SIGMA[0] * z1 + SIGMA[1] * z2,
    mistakes={
        "not independent: z₂ = z₁": lambda z1, z2, coin: SIGMA[0] * z1 + SIGMA[1] * z1,
        "densities added (a mixture)": lambda z1, z2, coin: torch.where(coin < 0.5, SIGMA[0] * z1, SIGMA[1] * z2),
    },
    setting=20_000,
)


# --- the rate -------------------------------------------------------------------------------------------------------

COUNTS = tuple(2**k for k in range(8, 17))
REPLICATES = 64
SLOPE_TOLERANCE = 0.072  # four standard errors of the fitted slope (.018): one false alarm in 16,000


def rms_errors(error_of: Callable[[np.ndarray, int], float], seed: int) -> np.ndarray:
    """Root-mean-square error of a sample mean of ``n`` standardized jumps, for each n in COUNTS, over 64 replicates."""
    generator = np.random.default_rng(seed)
    return np.array(
        [
            math.sqrt(np.mean([error_of(generator.standard_normal(n), n) ** 2 for _ in range(REPLICATES)]))
            for n in COUNTS
        ]
    )


def check_rate(error_of: Callable[[np.ndarray, int], float], setting: None, seed: int) -> list[Trial]:
    """The slope of log RMS error against log n is -1/2."""
    slope = stats.linregress(np.log(COUNTS), np.log(rms_errors(error_of, seed))).slope
    return [Trial("slope + 1/2", float(slope + 0.5), tolerance=SLOPE_TOLERANCE, n=COUNTS[-1])]


RATE = Claim(
    key="E11c",
    says="The error of a mean over n samples falls as 1/√n.",
    check=check_rate,
    truth=lambda r, n: float(r.mean()),
    mistakes={
        "the same noise for every sample": lambda r, n: float(r[0]),
        "a formula that is off by a constant 0.02": lambda r, n: float(r.mean()) + 0.02,
    },
    setting=None,
)

# --- independence ---------------------------------------------------------------------------------------------------

NoiseOf = Callable[[Tensor, Tensor, Tensor], Tensor]


def check_independence(noise_of: NoiseOf, setting: Jump, seed: int) -> list[Trial]:
    """x_t of chains from x_0 ~ N(0, 1), whose variance stays 1 only if each z is independent of all before it."""
    schedule, generator = setting.schedule, torch.Generator().manual_seed(seed)
    x = torch.randn(setting.n, generator=generator, dtype=torch.float64)
    z = torch.randn(setting.n, generator=generator, dtype=torch.float64)
    for t in range(1, setting.t + 1):
        z = noise_of(torch.randn(setting.n, generator=generator, dtype=torch.float64), z, x)
        x = q_step(schedule, x, t - 1, t, eps=z)
    return [z_of_mean(x), chi_square(x)]


INDEPENDENCE = Claim(
    key="E9",
    says="The z_t must be independent of x₀ and of each other: each N(0, 1) by itself is not enough.",
    check=check_independence,
    truth=lambda fresh, before, x: fresh,
    mistakes={
        "one z for all steps": lambda fresh, before, x: before,
        "each z half like the one before": lambda fresh, before, x: 0.5 * before + math.sqrt(0.75) * fresh,
        "z takes the sign of x": lambda fresh, before, x: fresh.abs() * x.sign(),
    },
    setting=Jump(linear(1000), t=100),
)

# --- two steps, and the algebra -------------------------------------------------------------------------------------

TwoSteps = Callable[[float, float, Tensor, tuple[Tensor, Tensor]], Tensor]


def two_steps(a1: float, a2: float, x: Tensor, z: tuple[Tensor, Tensor]) -> Tensor:
    """sqrt(a2) (sqrt(a1) x + sqrt(1 - a1) z_1) + sqrt(1 - a2) z_2, multiplied out; a1 is the first step's alpha."""
    return math.sqrt(a2 * a1) * x + math.sqrt(a2 * (1 - a1)) * z[0] + math.sqrt(1 - a2) * z[1]


def check_two_steps(expand: TwoSteps, setting: NoiseSchedule, seed: int) -> list[Trial]:
    """Two steps taken one after the other, at every t, against the line that is multiplied out."""
    generator = torch.Generator().manual_seed(seed)
    alpha = setting.alpha.tolist()
    x, z1, z2 = torch.randn((3, setting.T + 1), generator=generator, dtype=torch.float64)
    rows = range(2, setting.T + 1, 7)
    walked = [q_step(setting, q_step(setting, x[t], t - 2, t - 1, eps=z1[t]), t - 1, t, eps=z2[t]) for t in rows]
    expanded = [expand(alpha[t - 1], alpha[t], x[t], (z1[t], z2[t])) for t in rows]
    return [identity(torch.stack(expanded), torch.stack(walked))]


TWO_STEPS = Claim(
    key="E10",
    says="Two steps multiplied out: √α_t shrinks the earlier noise, too.",
    check=check_two_steps,
    truth=two_steps,
    mistakes={
        "the earlier noise is not shrunk": lambda a1, a2, x, z: (
            math.sqrt(a2 * a1) * x + math.sqrt(1 - a1) * z[0] + math.sqrt(1 - a2) * z[1]
        ),
        "α without its root": lambda a1, a2, x, z: (
            a2 * a1 * x + math.sqrt(a2 * (1 - a1)) * z[0] + math.sqrt(1 - a2) * z[1]
        ),
    },
    setting=linear(1000),
)


def check_algebra(right: Callable[[Tensor, Tensor], Tensor], setting: int, seed: int) -> list[Trial]:
    """alpha_t (1 - alpha_{t-1}) + (1 - alpha_t) for random alphas."""
    now, before = torch.rand((2, setting), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return [identity(right(now, before), now * (1 - before) + (1 - now), tolerance=1e-12)]


ALGEBRA = Claim(
    key="E13",
    says="The two variances add up: α_t (1 − α_{t−1}) + (1 − α_t) = 1 − α_t α_{t−1}.",
    check=check_algebra,
    truth=lambda now, before: 1 - now * before,
    mistakes={
        "2 − α_t − α_{t−1}: the first not shrunk": lambda now, before: 2 - now - before,
        "roots added, not squares": lambda now, before: ((now * (1 - before)).sqrt() + (1 - now).sqrt()).square(),
    },
    setting=1_000,
)

# --- another noise at each t ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TwoTimes:
    """z_bar at s and at t of the same ``n`` chains."""

    schedule: NoiseSchedule
    s: int
    t: int
    n: int = 10_000


def flat_weights(schedule: NoiseSchedule, z: Tensor, t: int) -> Tensor:
    """The z_i averaged with weights sqrt(beta_i) alone: older noise is not shrunk."""
    weights = schedule.beta[1 : t + 1].sqrt()
    averaged: Tensor = torch.tensordot(weights / weights.norm(), z[:t], dims=1)
    return averaged


def check_correlation(
    collapse: Callable[[NoiseSchedule, Tensor, int], Tensor], setting: TwoTimes, seed: int
) -> list[Trial]:
    """The correlation of z_bar_s and z_bar_t over chains, and that each is N(0, 1)."""
    schedule, s, t = setting.schedule, setting.s, setting.t
    z = torch.randn((t, setting.n), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    early, late = collapse(schedule, z, s), collapse(schedule, z, t)
    kept, noise = schedule.alpha_bar, schedule.one_minus_alpha_bar
    correlation = math.sqrt(float(kept[t] * noise[s] / (kept[s] * noise[t])))
    return [fisher_z(early, late, correlation), chi_square(late)]


CORRELATION = Claim(
    key="E11d",
    says="z̄ is another variable at each t: corr(z̄_s, z̄_t) = √(ᾱ_t (1 − ᾱ_s) / (ᾱ_s (1 − ᾱ_t))) for s < t.",
    check=check_correlation,
    truth=collapse_noise,
    mistakes={
        "one z̄ for all t": lambda schedule, z, t: collapse_noise(schedule, z, 1),
        "a fresh z̄ at each t": lambda schedule, z, t: z[t - 1],
        "older noise not shrunk": flat_weights,
    },
    setting=TwoTimes(linear(1000), s=100, t=300),
)

CLAIMS: tuple[AnyClaim, ...] = (SAME_NOISE, FRESH_NOISE, ADDITIVITY, RATE)  # of the lesson
