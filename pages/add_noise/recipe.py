"""Add noise: from x_0 to any x_t in one jump."""

import torch
from torch import Tensor

from diffusion_core import SCHEDULES, q_sample
from diffusion_core.data.named import shown


def noise(x0: Tensor, seed: int) -> Tensor:
    """The noise of each number, drawn once: sliding t changes how much of it there is, not which."""
    return torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed + 1))


def main(
    data: str = "digits", word: str = "DDPM", schedule: str = "linear", T: int = 1000, seed: int = 0, t: int = 250
) -> None:
    """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps, and what is left of the data in it."""
    tables = SCHEDULES[schedule](T)
    x0 = shown(data, word, seed)
    x_t = q_sample(tables, x0, t, noise(x0, seed))

    print(f"alpha_bar_{t} = {tables.alpha_bar[t]:.6g}, SNR = {tables.snr[t]:.6g}")
    print(f"variance of x_0 {x0.var():.3f}, of x_t {x_t.var():.3f}")
