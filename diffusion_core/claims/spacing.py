"""Which timesteps: the spread of what short chains make, which start where some signal should still be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from diffusion_core.claims.check import AnyClaim, Claim, Trial, chi_square, z_of_mean
from diffusion_core.laws.generated import generated_variance
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.posterior import transitions
from diffusion_core.samplers import ancestral
from diffusion_core.schedule import NoiseSchedule, scaled_linear
from diffusion_core.variance import fixed_small

__all__ = ["CLAIMS", "SPREAD", "Start"]


@dataclass(frozen=True)
class Start:
    """A chain over some timesteps, for data N(0, lam)."""

    schedule: NoiseSchedule
    timesteps: tuple[int, ...]
    lam: float = 100.0
    n: int = 20_000


def from_noise(setting: Start) -> float:
    """What the steps make of N(0, 1)."""
    return generated_variance(setting.schedule, setting.timesteps, fixed_small, setting.lam)


def from_x_t(setting: Start) -> float:
    """What the steps would make of x_t itself, as it is at their first timestep."""
    g = None
    for pair in transitions(setting.schedule, setting.timesteps):
        v_t, v_s = (
            (pair.one_minus_alpha_bar_t + pair.alpha_bar_t * setting.lam),
            (pair.one_minus_alpha_bar_s + pair.alpha_bar_s * setting.lam),
        )
        noise = pair.beta_tilde if pair.s else 0.0
        g = pair.alpha * (v_s / v_t) ** 2 * (v_t if g is None else g) + noise
    return float(g or 0.0)


def as_the_data(setting: Start) -> float:
    """As if few steps did not change the variance."""
    return setting.lam


def check_spread(expected: Callable[[Start], float], setting: Start, seed: int) -> Sequence[Trial]:
    """Mean and variance of samples of the sampler itself, which are exactly Gaussian."""
    one = torch.ones(1, dtype=torch.float64)
    data = GaussianMixture.of(one, 0 * one[None], one[None, None] * setting.lam)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((setting.n, 1), generator=generator, dtype=torch.float64)
    for step in ancestral(
        data.denoiser(setting.schedule),
        setting.schedule,
        x,
        setting.timesteps,
        variance=fixed_small,
        generator=generator,
    ):
        x = step.x_s
    return [z_of_mean(x, 0.0, expected(setting)), chi_square(x, 0.0, expected(setting))]


SPREAD = Claim(
    key="E4c",
    says="A short chain from pure noise gives Gaussian data the spread that its own steps and its own start make.",
    check=check_spread,
    truth=from_noise,
    mistakes={
        "a start with the variance that x_t has at t_N": from_x_t,
        "few steps leave the variance as it is": as_the_data,
    },
    setting=Start(scaled_linear(1000), scaled_linear(1000).timesteps(10, spacing="leading")),
)

CLAIMS: tuple[AnyClaim, ...] = (SPREAD,)
