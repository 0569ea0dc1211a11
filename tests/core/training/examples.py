"""Short runs on points and on pictures."""

import torch

from diffusion_core.data.toys import eight_gaussians
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.training.draws import images, points
from diffusion_core.training.state import Snapshot, TrainingConfig, TrainingState

TINY = TrainingConfig(MLPConfig(2, 16, depth=2), steps=30, batch=32, warmup=5)

DATA = points(eight_gaussians().law)

TINY_UNET = TrainingConfig(UNetConfig(widths=(8, 16), heads=2, classes=3), steps=4, batch=4, warmup=2)

PICTURES = images(torch.randn(9, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 3)


def last(states: object) -> TrainingState:
    return list(states)[-1]  # type: ignore[call-overload, no-any-return]


def same(a: Snapshot, b: Snapshot) -> bool:
    return all(
        torch.equal(x[name], y[name])
        for x, y in ((a.net, b.net), (a.ema, b.ema), (a.moments, b.moments))
        for name in x.keys() | y.keys()
    )
