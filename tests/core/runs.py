"""What the runs of the samplers and their steps are tested with."""

from collections.abc import Iterator

import torch
from torch import Tensor

from diffusion_core.reverse import ReverseStep

Run = Iterator[ReverseStep]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def nonlinear(x_t: Tensor, t: int) -> Tensor:
    return torch.sin(x_t) * (1 + t / 1000)
