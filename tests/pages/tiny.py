"""A tiny network in place of the shipped one."""

import torch

from diffusion_core import cosine
from diffusion_core.denoisers import Predictor
from diffusion_core.nets.text import TextConfig
from diffusion_core.nets.unet import UNetConfig

__all__ = ["SMALL", "small"]

SMALL = UNetConfig(
    4, widths=(8, 16), attention=(True, True), blocks=1, heads=2, classes=None, patch=1, text=TextConfig(16, 1, 2)
)


def small(spread: float = 0.3, predicts: str = "v") -> Predictor:
    """A tiny network that reads text, with random weights: quick, and no two answers alike."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        net = SMALL.build().requires_grad_(False)
        for weights in net.parameters():
            if not weights.any():
                weights.normal_(0, spread)
    return Predictor(net, SMALL, cosine(1000), predicts)
