"""Jump to any t: the chain of t steps, and one jump with its noise, or with fresh noise."""

from collections.abc import Collection, Iterator

import torch
from torch import Tensor

from diffusion_core import SCHEDULES, NoiseSchedule, collapse_noise, q_chain, q_sample
from diffusion_core.data.named import shown

POINTS = 300


def start(x0: Tensor) -> Tensor:
    """Where the walks begin: the first of the points."""
    return x0[:POINTS].double()


def chain_noise(x0: Tensor, T: int, seed: int) -> Tensor:
    """z_1 .. z_T, new in each step: (T, n, d)."""
    return torch.randn((T, *x0.shape), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fresh_noise(x0: Tensor, seed: int) -> Tensor:
    """The noise of a jump that knows nothing of the chain's."""
    return torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed + 10**6))


def walk(
    schedule: NoiseSchedule, x0: Tensor, z: Tensor, timesteps: Collection[int]
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """At the start and at those timesteps: t, the chain's x_t, and z_1 .. z_t gathered into one z_bar_t."""
    yield 0, x0, torch.zeros_like(x0)
    for t, x_t in enumerate(q_chain(schedule, x0, z), 1):
        if t in timesteps:
            yield t, x_t, collapse_noise(schedule, z, t)


def main(
    data: str = "eight_gaussians",
    word: str = "DDPM",
    schedule: str = "linear",
    T: int = 1000,
    seed: int = 0,
    t: int = 200,
) -> None:
    """t steps, one jump with the same noise, and one with fresh noise."""
    tables = SCHEDULES[schedule](T)
    x0 = start(shown(data, word, seed))
    *_, (_t, chain, z_bar) = walk(tables, x0, chain_noise(x0, T, seed), {t})
    jump = q_sample(tables, x0, t, z_bar)
    fresh = q_sample(tables, x0, t, fresh_noise(x0, seed).double())

    print(f"same noise:  largest difference {(chain - jump).abs().max():.2e}")
    print(f"fresh noise: means {chain.mean():.3f} and {fresh.mean():.3f}")
    print(f"             variances {chain.var():.3f} and {fresh.var():.3f}")
    assert (chain - jump).abs().max() < 1e-10
