"""Which variance: Gaussian data, the exact denoiser, one and the same noise for each choice."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from diffusion_core import (
    SCHEDULES,
    NoiseSchedule,
    ReverseStep,
    VarianceChoice,
    ancestral,
    ddim,
    fixed_large,
    fixed_small,
    gaussian_optimal,
    generated_variance,
    generated_variance_ddim,
    learned_range,
)


@dataclass(frozen=True)
class Setting:
    """Data from N(0, data_variance), and N steps back to them; v is the learned variance's."""

    data_variance: float = 0.25
    steps: int = 10
    v: float = 0.5
    schedule: str = "linear"
    spacing: str = "iddpm"
    noisy_last: bool = False

    @cached_property
    def tables(self) -> NoiseSchedule:
        """The schedule, T = 1000."""
        return SCHEDULES[self.schedule](1000)

    @property
    def timesteps(self) -> tuple[int, ...]:
        """t_N > ... > t_1."""
        return self.tables.timesteps(self.steps, spacing=self.spacing)

    @property
    def choices(self) -> dict[str, VarianceChoice]:
        """beta, beta-tilde, beta^v beta-tilde^(1 - v), and the best one, which the loss curve gives."""
        best = gaussian_optimal(self.data_variance)
        return {"large": fixed_large, "small": fixed_small, "learned": learned_range(self.v), "optimal": best}

    def eps(self, x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        """E[eps | x_t] = sqrt(1 - alpha_bar_t) x_t / Var[x_t]: no training error."""
        variance = self.tables.one_minus_alpha_bar + self.tables.alpha_bar * self.data_variance
        return self.tables.at(self.tables.sqrt_one_minus_alpha_bar / variance, t, x_t) * x_t


def run(s: Setting, choice: str, x_T: Tensor, generator: torch.Generator) -> Iterator[ReverseStep]:
    """From x_T to samples with one of the choices, or with DDIM, which draws no noise."""
    if choice == "ddim":
        return ddim(s.eps, s.tables, x_T, s.timesteps)
    variance = s.choices[choice]
    return ancestral(s.eps, s.tables, x_T, s.timesteps, variance=variance, generator=generator, noisy_last=s.noisy_last)


def ratios(s: Setting) -> dict[str, float]:
    """Generated over true variance for each choice, exact, without sampling."""
    made = {
        name: generated_variance(s.tables, s.timesteps, choice, s.data_variance, noisy_last=s.noisy_last)
        for name, choice in s.choices.items()
    }
    made["ddim"] = generated_variance_ddim(s.tables, s.timesteps, s.data_variance)
    return {name: variance / s.data_variance for name, variance in made.items()}


def main(seed: int = 0, **today: Any) -> None:
    """Sample with each choice, and lay the variance of the samples beside the exact one."""
    s = Setting(**today)
    for name, exact in ratios(s).items():
        generator = torch.Generator().manual_seed(seed)  # the same noise for each
        x = torch.randn((20_000, 1), generator=generator, dtype=torch.float64)
        for step in run(s, name, x, generator):
            x = step.x_s
        print(f"{name:10} samples / data: {x.var() / s.data_variance:.3f}, exact {exact:.3f}")
