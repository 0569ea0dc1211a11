"""The best variance: the loss curve gives it, and it is enough for Gaussian data (E41).

sigma*^2 = beta_tilde + (l_t / alpha_bar_t)(beta - beta_tilde)
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, chi_square, identity
from diffusion_core.claims.settings import TEN, Steps, gaussian, two_peaks
from diffusion_core.laws.estimates import loss_floor
from diffusion_core.laws.generated import (
    gaussian_optimal,
)
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import expectation_nodes
from diffusion_core.laws.variances import optimal_for, state_dependent
from diffusion_core.posterior import Transition, transition, transitions
from diffusion_core.samplers import ancestral
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import (
    NOTHING,
    Variance,
    VarianceChoice,
    fixed_large,
    fixed_small,
    optimal,
    with_last,
)

__all__ = ["BETWEEN_MODES", "ROUTES", "SAMPLES"]


OptimumOf = Callable[[GaussianMixture, NoiseSchedule, Sequence[int]], VarianceChoice]


def from_loss(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> VarianceChoice:
    """beta_tilde + (l_t / alpha_bar_t)(beta - beta_tilde)."""
    return optimal_for(law, schedule, timesteps)


def loss_as_weight(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> VarianceChoice:
    """The weight is l_t, not l_t / alpha_bar_t."""
    return optimal(lambda t: loss_floor(law, schedule, t).value * schedule.alpha_bar[t].item())


def neighbours_loss(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> VarianceChoice:
    """The loss of s, not of t."""
    before = dict(zip(timesteps, [*timesteps[1:], timesteps[-1]], strict=True))
    return optimal(lambda t: loss_floor(law, schedule, before[t]).value)


def always_large(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> VarianceChoice:
    """beta."""
    return fixed_large


def always_small(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> VarianceChoice:
    """beta-tilde."""
    return fixed_small


NOT_THE_BEST: dict[str, OptimumOf] = {
    "ℓ_t as weight, not ℓ_t / ᾱ_t": loss_as_weight,
    "the loss of the step before": neighbours_loss,
    "β": always_large,
    "β̃": always_small,
}


def check_routes(optimum: OptimumOf, setting: Steps, seed: int) -> list[Trial]:
    """The loss curve's variance against the law of total variance and the score's second moment, for two peaks."""
    law, schedule = two_peaks(), setting.schedule
    choice = optimum(law, schedule, setting.timesteps)
    got, total, fisher = [], [], []
    for pair in transitions(setting.schedule, setting.timesteps)[:-1]:
        now = law.at(schedule, pair.t)
        x, weights = expectation_nodes(now)
        mean = pair.c_t * x + pair.c_0 * now.x0_mean(x)
        second = pair.alpha_bar_s * law.second_moment + pair.one_minus_alpha_bar_s
        score = (weights @ now.score(x).square()).item()
        w = (1 - pair.one_minus_alpha_bar_t * score) / pair.alpha_bar_t
        got.append(float(choice(pair, NOTHING).value))
        total.append(second - (weights @ mean.square()).item())
        fisher.append(pair.beta_tilde + w * (pair.beta - pair.beta_tilde))
    return [identity(np.array(got), np.array(route)) for route in (total, fisher)]


ROUTES = Claim(
    key="E41",
    says="The best variance is β̃ + (ℓ_t / ᾱ_t)(β − β̃): the loss curve gives it, and two other routes agree.",
    check=check_routes,
    truth=from_loss,
    mistakes=NOT_THE_BEST,
    setting=TEN,
)


def check_samples(optimum: OptimumOf, setting: Steps, seed: int) -> list[Trial]:
    """Samples of the real sampler have the data's variance."""
    law = gaussian(setting.data_variance)
    generator = torch.Generator().manual_seed(seed)
    choice = optimum(law, setting.schedule, setting.timesteps)
    x = torch.randn((setting.n, 1), generator=generator, dtype=torch.float64)
    decoder = with_last(choice, gaussian_optimal(setting.data_variance))  # beta-tilde has no noise there
    for step in ancestral(
        law.denoiser(setting.schedule),
        setting.schedule,
        x,
        setting.timesteps,
        variance=decoder,
        generator=generator,
        noisy_last=True,
    ):
        x = step.x_s
    return [chi_square(x, 0.0, setting.data_variance)]


SAMPLES = Claim(
    key="E41b",
    says="For Gaussian data, ten steps with the best variance are enough: the samples have the data's variance.",
    check=check_samples,
    truth=from_loss,
    mistakes=NOT_THE_BEST,
    setting=TEN,
)


ChoiceOf = Callable[[GaussianMixture, NoiseSchedule], VarianceChoice]


def clamped(law: GaussianMixture, schedule: NoiseSchedule) -> VarianceChoice:
    """The true variance, held to [beta-tilde, beta]."""
    true = state_dependent(law, schedule)

    def choose(pair: Transition, x_t: Tensor) -> Variance:
        value = torch.as_tensor(true(pair, x_t).value).clamp(pair.beta_tilde, pair.beta)
        return Variance(value, value.log())

    return choose


def of_the_average(law: GaussianMixture, schedule: NoiseSchedule) -> VarianceChoice:
    """The best variance that knows only t."""
    return optimal(lambda t: loss_floor(law, schedule, t).value)


def check_between_modes(
    make: Callable[..., VarianceChoice], setting: tuple[NoiseSchedule, int], seed: int
) -> list[Trial]:
    """Var[x_{t-1} | x_t] of the exact reverse conditional, between the peaks and on them."""
    schedule, t = setting
    law, pair = two_peaks(), transition(schedule, t, t - 1)
    peak = 0.9 * pair.sqrt_alpha_bar_t
    x = torch.tensor([[0.0], [0.5 * peak], [peak], [-peak]], dtype=torch.float64)
    got = torch.as_tensor(make(law, schedule)(pair, x).value).reshape(-1).expand(len(x))
    now = law.at(schedule, t)
    true = torch.stack([now.reverse_conditional(row, t - 1).covariance()[0, 0] for row in x])
    return [
        identity(got / pair.beta, true / pair.beta),
        Trial("true variance between the peaks / β, below 1", min(0.0, (true[0] / pair.beta).item() - 1), tolerance=0),
    ]


BETWEEN_MODES = Claim(
    key="E41c",
    says="Between two peaks the true variance of x_{t−1} given x_t is larger than β.",
    check=check_between_modes,
    truth=state_dependent,
    mistakes={"held to [β̃, β]": clamped, "one variance for all x_t": of_the_average},
    setting=(linear(1000), 100),
)
