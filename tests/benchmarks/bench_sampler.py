"""What the sampler costs beside its network: whole run / time inside the network's own calls, one thread.

    python tests/benchmarks/bench_sampler.py [--quick]

Ours and diffusers' take turns, step by step, in one run, so that whatever else the machine does slows both alike;
the median of the runs counts. Python's garbage collector is told first to leave the imported libraries alone.
The promise: at most 1.06 for the points, 1.025 for the images, though ours keeps every intermediate.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from diffusers import DDPMScheduler
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository's root: run as a plain file

from diffusion_core.samplers import ancestral
from diffusion_core.schedule import linear

T = 1000


class TimedDenoiser:
    """A network in t, and the seconds spent inside it."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.seconds = 0.0

    def __call__(self, x_t: Tensor, t: int) -> Tensor:
        start = time.perf_counter()
        eps: Tensor = self.net(x_t, t)
        self.seconds += time.perf_counter() - start
        return eps


class PointMLP(nn.Module):
    """Three layers of width 128 for points in the plane: (batch, 2), t -> (batch, 2)."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.time = nn.Embedding(T + 1, width)
        self.first = nn.Linear(2, width)
        self.rest = nn.Sequential(
            nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2)
        )

    def forward(self, x: Tensor, t: int) -> Tensor:
        output: Tensor = self.rest(self.first(x) + self.time.weight[t])
        return output


def conv_block(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1),
        nn.GroupNorm(8, outside),
        nn.SiLU(),
        nn.Conv2d(outside, outside, 3, padding=1),
        nn.GroupNorm(8, outside),
        nn.SiLU(),
    )


class SmallUNet(nn.Module):
    """About half a million parameters for images of 28 x 28: (batch, 1, 28, 28), t -> the same shape."""

    def __init__(self, c: int = 32) -> None:
        super().__init__()
        self.time = nn.Embedding(T + 1, 2 * c)
        self.down1, self.down2 = conv_block(1, c), conv_block(c, 2 * c)
        self.middle = conv_block(2 * c, 4 * c)
        self.up2, self.up1 = conv_block(6 * c, 2 * c), conv_block(3 * c, c)
        self.out = nn.Conv2d(c, 1, 1)

    def forward(self, x: Tensor, t: int) -> Tensor:
        a = self.down1(x)
        b = self.down2(nn.functional.avg_pool2d(a, 2)) + self.time.weight[t][:, None, None]
        h = self.middle(nn.functional.avg_pool2d(b, 2))
        h = self.up2(torch.cat([nn.functional.interpolate(h, scale_factor=2), b], 1))
        output: Tensor = self.out(self.up1(torch.cat([nn.functional.interpolate(h, scale_factor=2), a], 1)))
        return output


def ours(denoiser: TimedDenoiser, x_T: Tensor, n: int) -> Iterator[Tensor]:
    schedule = linear(T)
    generator = torch.Generator().manual_seed(0)
    for step in ancestral(denoiser, schedule, x_T, schedule.timesteps(n, spacing="trailing"), generator=generator):
        yield step.x_s


def theirs(denoiser: TimedDenoiser, x_T: Tensor, n: int) -> Iterator[Tensor]:
    scheduler = DDPMScheduler(T, timestep_spacing="trailing", clip_sample=False)
    scheduler.set_timesteps(n)
    generator = torch.Generator().manual_seed(0)
    x = x_T
    for t in scheduler.timesteps:
        x = scheduler.step(denoiser(x, int(t) + 1), t, x, generator=generator).prev_sample
        yield x


def race(samplers: dict[str, Callable[..., Iterator[Tensor]]], net: nn.Module, x_T: Tensor, n: int) -> dict[str, float]:
    """Ratio of each sampler; they take turns step by step, and change who goes first."""
    denoisers = {name: TimedDenoiser(net) for name in samplers}
    whole = dict.fromkeys(samplers, 0.0)
    runs = {}
    for name, sampler in samplers.items():
        start = time.perf_counter()
        runs[name] = sampler(denoisers[name], x_T, n)
        whole[name] += time.perf_counter() - start
    order = list(samplers)
    for _ in range(n):
        order.reverse()
        for name in order:
            start = time.perf_counter()
            next(runs[name])
            whole[name] += time.perf_counter() - start
    return {name: whole[name] / denoisers[name].seconds for name in samplers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the steps (the set-up then weighs ten times as much)"
    )
    n = T // 10 if parser.parse_args().quick else T
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cases = [
        ("2,000 points, MLP 3 x 128", PointMLP(), torch.randn(2000, 2), 1.06, 3),
        ("16 images 28 x 28, U-Net", SmallUNet(), torch.randn(16, 1, 28, 28), 1.025, 1),
    ]
    samplers = {"ours": ours, "diffusers": theirs}
    print(f"sampler overhead: whole run / time inside its network, {n} steps, one thread")
    for title, net, x_T, limit, runs in cases:
        parameters = sum(p.numel() for name, p in net.named_parameters() if not name.startswith("time"))
        with torch.no_grad():
            race(samplers, net, x_T, 10)  # warm up
            gc.collect()
            gc.freeze()
            rounds = [race(samplers, net, x_T, n) for _ in range(runs)]
        ratio = {name: statistics.median(r[name] for r in rounds) for name in samplers}
        verdict = "met" if ratio["ours"] <= limit else "NOT MET"
        print(
            f"  {title} ({parameters:,} parameters): ours {ratio['ours']:.4f}, diffusers {ratio['diffusers']:.4f}; "
            f"at most {limit}: {verdict}"
        )


if __name__ == "__main__":
    main()
