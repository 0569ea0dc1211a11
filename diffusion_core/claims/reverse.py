"""The article's reverse process: one step, a whole run, and what the exact denoiser of a finite data set returns.

x_s = c_t x_t + c_0 x0_hat + sigma z,   1/beta_tilde = alpha/beta + 1/(1 - alpha_bar_s)    (Ho et al. 2020, eq. 7)
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, chi_square, identity, z_of_mean
from diffusion_core.data import digits
from diffusion_core.exact import FiniteData, GaussianMixture
from diffusion_core.gaussian_law import generated_variance
from diffusion_core.posterior import transition
from diffusion_core.reverse import reverse_step
from diffusion_core.samplers import ancestral
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import VarianceChoice, fixed_large, fixed_small

__all__ = ["CLAIMS", "COPIES", "LAW", "STEP", "Run"]


@dataclass(frozen=True)
class Run:
    """N strided steps for Gaussian data of variance ``data_variance``."""

    schedule: NoiseSchedule
    timesteps: tuple[int, ...]
    variance: VarianceChoice
    data_variance: float = 0.25
    n: int = 20_000


def gaussian(data_variance: float) -> GaussianMixture:
    """N(0, data_variance), as a mixture of one."""
    return GaussianMixture(
        torch.ones(1, dtype=torch.float64),
        torch.zeros((1, 1), dtype=torch.float64),
        torch.full((1, 1, 1), data_variance, dtype=torch.float64),
    )


# --- one step -------------------------------------------------------------------------------------------------------

StepFn = Callable[[NoiseSchedule, Tensor, Tensor, Tensor, int, int], Tensor]


def posterior_step(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, s: int) -> Tensor:
    """`reverse_step` with beta-tilde: mu-tilde from eps, plus the root of beta-tilde times z."""
    pair = transition(schedule, t, s)
    return reverse_step(pair, x_t, eps, fixed_small(pair, x_t), z).x_s


def neighbours_beta(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, s: int) -> Tensor:
    """The table's beta_t for a stride longer than one."""
    beta = float(schedule.beta[t])
    mean = (x_t - beta / float(schedule.sqrt_one_minus_alpha_bar[t]) * eps) / math.sqrt(1 - beta)
    tilde = beta * float(schedule.one_minus_alpha_bar[s] / schedule.one_minus_alpha_bar[t])
    return mean + math.sqrt(tilde) * z


def variance_as_deviation(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, s: int) -> Tensor:
    """beta-tilde times z, without the root."""
    pair = transition(schedule, t, s)
    return posterior_step(schedule, x_t, eps, torch.zeros_like(z), t, s) + pair.beta_tilde * z


def beta_for_beta_tilde(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, s: int) -> Tensor:
    """The article's misprint: beta where beta-tilde belongs."""
    pair = transition(schedule, t, s)
    return posterior_step(schedule, x_t, eps, torch.zeros_like(z), t, s) + math.sqrt(pair.beta) * z


def check_step(step: StepFn, setting: Run, seed: int) -> list[Trial]:
    """Each step against Bayes' rule in precisions, which shares no line with the code: prior times likelihood."""
    schedule, generator = setting.schedule, torch.Generator().manual_seed(seed)
    got, expected = [], []
    for t, s in zip(setting.timesteps, [*setting.timesteps[1:], 0], strict=True):
        x_t, eps, z = torch.randn((3, 16), generator=generator, dtype=torch.float64)
        alpha_bar_t, alpha_bar_s = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[s])
        alpha = alpha_bar_t / alpha_bar_s
        x0_hat = (x_t - math.sqrt(1 - alpha_bar_t) * eps) / math.sqrt(alpha_bar_t)
        got.append(step(schedule, x_t, eps, z, t, s))
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


# --- a whole run ----------------------------------------------------------------------------------------------------


def ancestral_run(setting: Run, generator: torch.Generator) -> Tensor:
    """x_0 of the sampler itself."""
    denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
    x = torch.randn((setting.n, 1), generator=generator, dtype=torch.float64)
    for step in ancestral(denoiser, setting.schedule, x, setting.timesteps, setting.variance, generator):
        x = step.x_s
    return x


def run_of(step: StepFn) -> Callable[[Run, torch.Generator], Tensor]:
    """x_0 of a run made of one kind of step."""

    def run(setting: Run, generator: torch.Generator) -> Tensor:
        denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
        x = torch.randn((setting.n, 1), generator=generator, dtype=torch.float64)
        for t, s in zip(setting.timesteps, [*setting.timesteps[1:], 0], strict=True):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype)
            x = step(setting.schedule, x, denoiser(x, t), z if s else torch.zeros_like(z), t, s)
        return x

    return run


def without_noise(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, s: int) -> Tensor:
    """The mean of DDPM with its noise left out, taken for DDIM."""
    return posterior_step(schedule, x_t, eps, torch.zeros_like(z), t, s)


def noisy_to_the_end(setting: Run, generator: torch.Generator) -> Tensor:
    """One more draw of the first step's noise at the very end."""
    x = ancestral_run(setting, generator)
    pair = transition(setting.schedule, setting.timesteps[-1], 0)
    return x + math.sqrt(pair.beta) * torch.randn(x.shape, generator=generator, dtype=x.dtype)


def check_law(run: Callable[[Run, torch.Generator], Tensor], setting: Run, seed: int) -> list[Trial]:
    """Generated samples of Gaussian data are Gaussian; their variance is the exact recursion's."""
    x = run(setting, torch.Generator().manual_seed(seed))
    expected = generated_variance(setting.schedule, setting.timesteps, setting.variance, setting.data_variance)
    return [z_of_mean(x, 0.0, expected), chi_square(x, 0.0, expected)]


LAW = Claim(
    key="E31",
    says="For Gaussian data, the generated variance is exactly what theory says for this number of steps.",
    check=check_law,
    truth=ancestral_run,
    mistakes={
        "the neighbour's β for a long stride": run_of(neighbours_beta),
        "noise added in the last step": noisy_to_the_end,
        "“η = 0” as DDPM without its noise": run_of(without_noise),
        "variance used as deviation": run_of(variance_as_deviation),
    },
    setting=Run(linear(1000), linear(1000).timesteps(10, spacing="trailing"), fixed_large),
)


# --- copies ---------------------------------------------------------------------------------------------------------

Law = FiniteData | GaussianMixture


@dataclass(frozen=True)
class CopyRun:
    """``n`` samples in N steps, from ``per_class`` digits of each kind."""

    schedule: NoiseSchedule
    timesteps: tuple[int, ...]
    per_class: int = 30
    n: int = 16


def fitted_gaussian(points: Tensor) -> GaussianMixture:
    """One Gaussian with the digits' mean and covariance: a model that generalizes."""
    centred = points - points.mean(0)
    covariance = centred.T @ centred / len(points)
    return GaussianMixture(torch.ones(1, dtype=points.dtype), points.mean(0)[None], covariance[None])


def check_copies(make_law: Callable[[Tensor], Law], setting: CopyRun, seed: int) -> list[Trial]:
    """The largest distance from a sample to the nearest training point."""
    some = cast(FiniteData, digits(setting.per_class).law).points.double()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((setting.n, some.shape[1]), generator=generator, dtype=torch.float64)
    denoiser = make_law(some).denoiser(setting.schedule)
    for step in ancestral(denoiser, setting.schedule, x, setting.timesteps, fixed_small, generator):
        x = step.x_s
    distance = torch.cdist(x, some).min(1).values
    return [Trial("largest distance to a training point", float(distance.max()), tolerance=1e-3, n=setting.n)]


COPIES = Claim(
    key="E28",
    says="The exact denoiser of a finite data set returns its points: a perfect fit copies.",
    check=check_copies,
    truth=FiniteData,
    mistakes={"one Gaussian fitted to the digits": fitted_gaussian},
    setting=CopyRun(linear(1000), linear(1000).timesteps(25)),
)

CLAIMS: Sequence[Claim] = (STEP, LAW, COPIES)
