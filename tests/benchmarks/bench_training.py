"""What the training loop and the sampler cost beside the bare network, one thread.

    python tests/benchmarks/bench_training.py [--quick]

Training: `train`, with its draws, meters, clipping and averaged weights, against two loops.
- Bare: forward, backward and optimizer step of the same network on data that lie ready; the U-Net is held to it.
- By hand: the shortest loop that trains alike, with data and noise drawn anew, x_t, clipped gradients and averaged
  weights, but no seed a step, no loss by t, no state. The points' MLP is held to this one: its bare step is a
  millisecond, and any loop that trains takes a quarter more.
They take turns in one run; the median of the rounds' ratios counts. Sampling: a whole run with the shipped digits
network, every intermediate kept, against the time inside the network's own calls. Times are those of the processor:
what else the machine does is not counted. The promise: at most 1.05 for a training step, at most 1.025 for sampling.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository's root: run as a plain file

from diffusion_core.data.toys import eight_gaussians
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.samplers import ancestral
from diffusion_core.schedule import linear
from diffusion_core.training.checkpoint import load_denoiser
from diffusion_core.training.draws import DataSampler, images, points
from diffusion_core.training.loop import train
from diffusion_core.training.recipes import digit_images
from diffusion_core.training.state import TrainingConfig

MODEL = Path(__file__).parents[2] / "assets" / "models" / "digits_unet.safetensors"


def bare(config: TrainingConfig, sample: DataSampler, block: int) -> Iterator[None]:
    """Forward, backward, optimizer, a block of steps: what any loop has to do."""
    net = config.net.build()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    x, cond = sample(config.batch, torch.Generator().manual_seed(0))
    t, eps = torch.randint(1, 1001, (config.batch,)), torch.randn_like(x)
    while True:
        for _ in range(block):
            (net(x, t, cond) - eps).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
        yield


def by_hand(config: TrainingConfig, sample: DataSampler, block: int) -> Iterator[None]:
    """The shortest loop of PyTorch's own parts that trains alike, a block of steps."""
    net, ema = config.net.build(), config.net.build().requires_grad_(False)
    weights: list[Tensor] = list(net.parameters())
    averages: list[Tensor] = list(ema.parameters())
    optimizer = torch.optim.AdamW(weights, lr=1e-3, fused=True)
    alpha_bar, generator = linear().alpha_bar.float(), torch.Generator().manual_seed(0)
    while True:
        for _ in range(block):
            x0, cond = sample(config.batch, generator)
            t, eps = torch.randint(1, 1001, (config.batch,), generator=generator), torch.randn_like(x0)
            level = alpha_bar[t].reshape(-1, *[1] * (x0.ndim - 1))
            output = net(level.sqrt() * x0 + (1 - level).sqrt() * eps, t, cond)
            torch.nn.functional.mse_loss(output, eps).backward()
            torch.nn.utils.clip_grad_norm_(weights, config.max_norm)
            optimizer.step()
            optimizer.zero_grad()
            with torch.no_grad():
                torch._foreach_lerp_(averages, weights, 1e-3)
        yield


def race_training(config: TrainingConfig, sample: DataSampler, block: int, blocks: int) -> tuple[float, float]:
    """The medians over rounds of ours / bare and ours / by hand; they change who goes first."""
    runs: dict[str, Callable[[], object]] = {
        "bare": bare(config, sample, block).__next__,
        "ours": train(config, sample, linear(), every=block).__next__,
        "by hand": by_hand(config, sample, block).__next__,
    }
    order, rounds = list(runs), []
    for k in range(blocks + 1):
        order.reverse()
        seconds = {}
        for name in order:
            start = time.process_time()
            runs[name]()
            seconds[name] = time.process_time() - start
        if k > 0:  # warm
            rounds.append([seconds["ours"] / seconds[other] for other in ("bare", "by hand")])
    to_bare, to_hand = (statistics.median(ratios) for ratios in zip(*rounds, strict=True))
    return to_bare, to_hand


@torch.no_grad()
def sampling_ratio(steps: int) -> float:
    """A run with the shipped network, 16 digits, everything kept, over the time inside the network."""
    denoiser = load_denoiser(MODEL)
    inside = 0.0

    def timed(x_t: Tensor, t: int) -> Tensor:
        nonlocal inside
        start = time.process_time()
        eps: Tensor = denoiser.net(x_t, t)
        inside += time.process_time() - start
        return eps

    generator = torch.Generator().manual_seed(0)
    x_T = torch.randn((16, 1, 28, 28), generator=generator)
    timesteps = denoiser.schedule.timesteps(steps, spacing="trailing")
    start = time.process_time()
    kept = list(ancestral(timed, denoiser.schedule, x_T, timesteps, generator=generator, clip=(-1, 1)))
    whole = time.process_time() - start
    assert len(kept) == steps
    return whole / inside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the steps")
    scale = 5 if parser.parse_args().quick else 1
    torch.set_num_threads(1)
    torch.manual_seed(0)
    gc.freeze()  # the collector leaves the imported libraries alone

    digits = TrainingConfig(UNetConfig(), steps=10**6, batch=64)
    eight = TrainingConfig(MLPConfig(), steps=10**6, batch=512)
    print("a training step / the step of another loop with the same network, one thread")
    to_bare, to_hand = race_training(digits, images(*digit_images()), 4, 15 // scale)
    report("digits' U-Net, 64 rows, bare", to_bare, 1.05)
    print(f"  digits' U-Net, 64 rows, by hand: {to_hand:.4f}")
    to_bare, to_hand = race_training(eight, points(eight_gaussians().law), 50, 20 // scale)
    print(f"  points' MLP, 512 rows, bare: {to_bare:.4f} (no promise)")
    report("points' MLP, 512 rows, by hand", to_hand, 1.05)
    if MODEL.exists():
        print("sampling, every intermediate kept / time inside the network, one thread")
        report("16 digits, U-Net", statistics.median(sampling_ratio(50) for _ in range(5)), 1.025)


def report(title: str, ratio: float, limit: float) -> None:
    print(f"  {title}: {ratio:.4f}; at most {limit}: {'met' if ratio <= limit else 'NOT MET'}")


if __name__ == "__main__":
    main()
