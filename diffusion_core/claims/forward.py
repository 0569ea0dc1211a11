"""The article's forward process: one noising step, its fixed point, and whether x_T is noise.

q(x_t | x_{t-1}) = N(sqrt(1 - beta_t) x_{t-1}, beta_t I)                        (Ho et al. 2020, eq. 2)
alpha_bar_t = prod(1 - beta_i): the order of the betas does not matter to x_T
Var[x_t] - 1 = alpha_bar_t (Var[x_0] - 1),    x_T -> N(0, I)  iff  alpha_bar_T -> 0  iff  sum(beta) = infinity
x_T = N(0, I) at a finite T:  iff  alpha_bar_T = 0,  or x_0 is N(0, I) already
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.claims.check import (
    AnyClaim,
    Claim,
    Trial,
    chi_square,
    estimated_mean_z,
    identity,
    kolmogorov_smirnov,
    second_moment_z,
    z_of_mean,
)
from diffusion_core.data.toys import bimodal
from diffusion_core.forward import forward_kl, q_sample, q_step
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import kl_to_normal, log_normal
from diffusion_core.schedule import NoiseSchedule, from_beta, inverse_square, linear, zero_terminal_snr

__all__ = [
    "ALPHA_BAR",
    "CLAIMS",
    "DISTANCE",
    "IS_NOISE",
    "ONE_STEP",
    "ORDER",
    "VARIANCE_MAP",
    "OneStep",
    "WholeWay",
]

Step = Callable[[NoiseSchedule, Tensor, int, torch.Generator], Tensor]


@dataclass(frozen=True)
class OneStep:
    """The step into ``t`` of a schedule, taken ``n`` times from one point."""

    schedule: NoiseSchedule
    t: int
    n: int = 20_000

    @property
    def beta(self) -> float:
        return float(self.schedule.beta[self.t])

    @property
    def start(self) -> float:
        """So far out that shrinking by sqrt(1 - beta), about beta / 2, is at least three deviations of the noise."""
        return max(30.0, 6 / math.sqrt(self.beta))


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)


def true_step(schedule: NoiseSchedule, x_s: Tensor, t: int, generator: torch.Generator) -> Tensor:
    """sqrt(1 - beta) x + sqrt(beta) eps."""
    return q_step(schedule, x_s, t - 1, t, eps=_noise(x_s, generator))


def beta_as_deviation(schedule: NoiseSchedule, x_s: Tensor, t: int, generator: torch.Generator) -> Tensor:
    """beta stands where sqrt(beta) belongs: a variance used as a standard deviation."""
    beta = float(schedule.beta[t])
    return math.sqrt(1 - beta) * x_s + beta * _noise(x_s, generator)


def uniform_noise(schedule: NoiseSchedule, x_s: Tensor, t: int, generator: torch.Generator) -> Tensor:
    """rand in place of randn, and beta in place of sqrt(beta)."""
    beta = float(schedule.beta[t])
    return math.sqrt(1 - beta) * x_s + beta * torch.rand(x_s.shape, generator=generator, dtype=x_s.dtype)


def no_shrink(schedule: NoiseSchedule, x_s: Tensor, t: int, generator: torch.Generator) -> Tensor:
    """Noise is added, and the signal is not shrunk."""
    return x_s + math.sqrt(float(schedule.beta[t])) * _noise(x_s, generator)


def shrink_too_much(schedule: NoiseSchedule, x_s: Tensor, t: int, generator: torch.Generator) -> Tensor:
    """The mean is multiplied by 1 - beta in place of its root."""
    beta = float(schedule.beta[t])
    return (1 - beta) * x_s + math.sqrt(beta) * _noise(x_s, generator)


def check_one_step(step: Step, setting: OneStep, seed: int) -> list[Trial]:
    """The standardized residual r = (x_t - sqrt(1 - beta) x_{t-1}) / sqrt(beta) is N(0, 1)."""
    generator = torch.Generator().manual_seed(seed)
    x_s = torch.full((setting.n,), setting.start, dtype=torch.float64)
    x_t = step(setting.schedule, x_s, setting.t, generator)
    residual = (x_t - math.sqrt(1 - setting.beta) * x_s) / math.sqrt(setting.beta)
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
    says="At the end of this schedule, 20,000 values of x_T, made of two peaks, cannot be told from noise N(0, 1).",
    check=check_is_noise,
    truth=lambda schedule: schedule,
    mistakes={
        "Σβ finite: β = 1/(t + 1)²": lambda schedule: inverse_square(schedule.T),
        "T = 50 with the betas of T = 1000": lambda schedule: linear(50),
    },
    setting=WholeWay(linear(1000)),
)


def check_variance_map(coefficient: Callable[[float], float], setting: WholeWay, seed: int) -> list[Trial]:
    """Var[x_t] = c^2 Var[x_{t-1}] + beta against 1 + alpha_bar_T (s^2 - 1), for four s^2; and by simulation.

    Then with betas of finite sum, whose product stays above 1/2: every variance but 1 stays away from 1.
    """
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
    stuck, T = start.clone(), schedule.T
    for beta in inverse_square(T).beta[1:].tolist():
        stuck = coefficient(beta) ** 2 * stuck + beta
    return [
        identity(v, 1 + alpha_bar * (start - 1)),
        identity(stuck, 1 + (T + 2) / (2 * T + 2) * (start - 1)),
        second_moment_z(x, 1 + alpha_bar * (s2 - 1)),
    ]


VARIANCE_MAP = Claim(
    key="E14",
    says="√(1 − β) is the one factor that keeps variance 1: v_T − 1 = ᾱ_T (s² − 1), which goes to 0 only if Σβ = ∞.",
    check=check_variance_map,
    truth=lambda beta: math.sqrt(1 - beta),
    mistakes={"factor 1 (no shrinking)": lambda beta: 1.0, "factor 1 − β": lambda beta: 1 - beta},
    setting=WholeWay(linear(1000), n=2_000),
)

# --- the betas and their product ------------------------------------------------------------------------------------


def check_order(
    rearrange: Callable[[Tensor, torch.Generator], Tensor], setting: NoiseSchedule, seed: int
) -> list[Trial]:
    """alpha_bar_T of rearranged betas is what it was, and the SNR falls at every step nevertheless."""
    beta = rearrange(setting.beta[1:], torch.Generator().manual_seed(seed))
    other = from_beta(beta)
    return [
        identity(other.log_alpha_bar[-1], setting.log_alpha_bar[-1], tolerance=1e-12),
        Trial("largest rise of the SNR", float(other.snr[1:].diff().clamp(min=0).max()), tolerance=0.0, n=other.T),
    ]


ORDER = Claim(
    key="E3",
    says="β need not grow with t: in any order the betas give the same ᾱ_T, and the SNR falls at every step.",
    check=check_order,
    truth=lambda beta, generator: beta[torch.randperm(len(beta), generator=generator)],
    mistakes={
        "betas drawn anew, some twice": lambda beta, generator: beta[
            torch.randint(len(beta), (len(beta),), generator=generator)
        ],
        "every β the mean of them all": lambda beta, generator: torch.full_like(beta, float(beta.mean())),
    },
    setting=linear(1000),
)

Table = Callable[[NoiseSchedule], tuple[Tensor, Tensor]]


def table_in_float32(schedule: NoiseSchedule) -> tuple[Tensor, Tensor]:
    """The product, and one minus it, in single precision, as most libraries keep them."""
    product = (1 - schedule.beta.float()).cumprod(0)
    return product.double(), (1 - product).double()


def check_alpha_bar(table: Table, setting: NoiseSchedule, seed: int) -> list[Trial]:
    """alpha_bar and 1 - alpha_bar against the plain product and a sum without cancellation."""
    alpha_bar, noise = table(setting)
    product = torch.cumprod(1 - setting.beta, 0)
    # 1 - prod_{i<=t} alpha_i = sum_i beta_i prod_{j<i} alpha_j: positive terms only
    before = torch.cat([product.new_ones(1), product[:-1]])
    expected = (setting.beta * before).cumsum(0)
    return [
        identity(alpha_bar, product, tolerance=1e-12),
        identity(noise[1:] / expected[1:], torch.ones(setting.T), tolerance=1e-10),
    ]


def shifted(schedule: NoiseSchedule) -> tuple[Tensor, Tensor]:
    """The table without alpha_bar_0 = 1: every place holds its neighbour."""
    return schedule.alpha_bar.roll(-1), schedule.one_minus_alpha_bar.roll(-1)


ALPHA_BAR = Claim(
    key="E8",
    says="ᾱ_t is the product of the 1 − β_i, with ᾱ₀ = 1, and 1 − ᾱ_t keeps its digits near t = 1.",
    check=check_alpha_bar,
    truth=lambda schedule: (schedule.alpha_bar, schedule.one_minus_alpha_bar),
    mistakes={
        "float32 tables": table_in_float32,
        "ᾱ₀ left out, all one place off": shifted,
        "1 − Σβ in place of the product": lambda schedule: (1 - schedule.beta.cumsum(0), schedule.beta.cumsum(0)),
    },
    setting=linear(1000),
)

# --- how far from noise ---------------------------------------------------------------------------------------------


def kl_of_a_gaussian(law: GaussianMixture, schedule: NoiseSchedule) -> float:
    """KL as if x_T were Gaussian with its mean and variance."""
    variance = law.at(schedule, schedule.T).variance
    return (variance - 1 - math.log(variance)) / 2


def check_distance(kl: Callable[[GaussianMixture, NoiseSchedule], float], setting: WholeWay, seed: int) -> list[Trial]:
    """KL(q(x_T) || N(0, 1)) against the mean of log q - log N over draws of x_T; and 0 where x_T is exactly noise."""
    law = bimodal().law
    last = law.at(setting.schedule, setting.schedule.T)
    x_T = last.sample(setting.n, torch.Generator().manual_seed(seed))
    ratio = last.log_prob(x_T) - log_normal(x_T, 0.0, 1.0).sum(-1)
    normal, ended = GaussianMixture.isotropic([1.0], [[0.0]], 1.0), zero_terminal_snr(setting.schedule)
    return [
        estimated_mean_z(ratio, kl(law, setting.schedule)),
        Trial("KL for data N(0, 1)", kl(normal, setting.schedule), tolerance=1e-12, n=1),
        Trial("KL at zero terminal SNR", kl(law, ended), tolerance=1e-12, n=1),
    ]


DISTANCE = Claim(
    key="E4b",
    says="At a finite T, x_T is exactly noise only if ᾱ_T = 0 or the data are N(0, 1) already; else "
    "KL(q(x_T) ‖ N(0, 1)) is positive, and a known number.",
    check=check_distance,
    truth=lambda law, schedule: kl_to_normal(law.at(schedule, schedule.T)),
    mistakes={
        "exactly noise: KL = 0": lambda law, schedule: 0.0,
        "never exactly noise, whatever the data": lambda law, schedule: max(
            kl_to_normal(law.at(schedule, schedule.T)), 1e-3
        ),
        "only mean and variance compared": kl_of_a_gaussian,
        "the KL with x_0 known": lambda law, schedule: forward_kl(schedule, law.second_moment, schedule.T),
    },
    setting=WholeWay(linear(50)),
)

CLAIMS: tuple[AnyClaim, ...] = (ONE_STEP, IS_NOISE, VARIANCE_MAP)  # of the lesson
