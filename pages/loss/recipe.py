"""Why this loss: a short chain on the line, how likely it finds the data, and the bound that training lowers."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from diffusion_core import GaussianMixture, NoiseSchedule, fixed_large, optimal_for, with_last
from diffusion_core.data.named import points
from diffusion_core.laws.derivation import Derivation, derivation
from diffusion_core.laws.paths import Chain, Likelihood, Paths, bent, draw_paths, likelihood
from diffusion_core.levels import between

ENDS = (100.0, 1e-3)  # the SNRs at t = 1 and at t = T
PATHS = 20_000


@dataclass(frozen=True)
class Setting:
    """T steps between two SNRs, and a denoiser that errs by mistake * sin(3 x)."""

    data: str = "bimodal"
    T: int = 4
    shape: str = "log_snr"
    variance: str = "large"
    mistake: float = 0.1
    seed: int = 0

    @cached_property
    def law(self) -> GaussianMixture:
        """Of the data; its ln q is known."""
        return points(self.data, "").law

    @cached_property
    def tables(self) -> NoiseSchedule:
        """The schedule."""
        return between(self.shape, ENDS, self.T)

    @cached_property
    def chain(self) -> Chain:
        """The model: beta or the best variance in each step, and at s = 0 the best decoder."""
        best = optimal_for(self.law, self.tables, range(self.T, 0, -1))
        choice = best if self.variance == "optimal" else with_last(fixed_large, best)
        return Chain(self.tables, bent(self.law, self.tables, self.mistake), choice)


def measured(s: Setting) -> tuple[Likelihood, Derivation]:
    """-E ln p(x_0) and the KL of the paths, on a grid; and the terms of the bound, which know nothing of that."""
    return likelihood(s.law, s.chain), derivation(s.law, s.chain)


def paths_from(s: Setting, x0: Tensor) -> Paths:
    """One path of the noise from each x_0."""
    return draw_paths(s.chain, x0, torch.Generator().manual_seed(s.seed))


def data(s: Setting) -> Tensor:
    """Draws of x_0."""
    return s.law.sample(PATHS, torch.Generator().manual_seed(s.seed + 1))[:, 0]


def main(**today: Any) -> None:
    """Print both sides of the lines."""
    s = Setting(**today)
    known, terms = measured(s)
    print(f"-E ln p(x_0)                  {known.negative_log:.4f} nats")
    print(f"KL of the paths               {known.gap:.4f}")
    print(f"together                      {known.negative_log + known.gap:.4f}")
    print(f"L_T + sum L_(t-1) + L_0       {terms.bound:.4f}")
    drawn = -paths_from(s, data(s)).log_weight
    print(f"the same over {PATHS:,} paths  {drawn.mean():.4f} +- {drawn.std() / PATHS**0.5:.4f}")
    print(f"L_simple                      {terms.simple:.4f}")
