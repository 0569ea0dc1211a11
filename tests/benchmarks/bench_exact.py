"""The exact denoisers: time, memory and error, beside the plain way, in one run on one thread.

python tests/benchmarks/bench_exact.py [--quick]

1. FiniteData, 10,000 digits of 784 pixels, a batch of 64, against float64 broadcasting (row by row, or it would not
   fit): wanted are at least 100 times faster, less than 200 MB more memory, an error below 1e-6, also at t = 1.
2. GaussianMixture, K = 400 components in the plane, 2,000 points: one call of each method.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from diffusion_core.data.digits import digits
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.schedule import linear


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def peak_mb() -> float:
    """The largest memory this process has held so far (Linux counts KiB, macOS bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def broadcast_x0(points: torch.Tensor, x: torch.Tensor, abar: float, rest: float) -> torch.Tensor:
    """The textbook formula, (n, d) differences for every row of x."""
    rows = []
    for row in x:
        logits = -(row - abar**0.5 * points).square().sum(-1) / (2 * rest)
        rows.append(logits.softmax(-1) @ points)
    return torch.stack(rows)


def bench_finite_data(times: list[int], repeats: int) -> None:
    schedule, generator = linear(T=1000), torch.Generator().manual_seed(0)
    points = digits().law.points.clone()
    points[1] = points[0]
    points[1, 400] += 1e-4  # a near-duplicate
    wide = points.double()
    print("FiniteData, 10,000 x 784, batch 64: eps* by matrix product and by broadcasting")
    print("    t   product ms   broadcast ms   ratio   error eps   error x0   more MB")
    for t in times:
        abar, rest = schedule.alpha_bar[t].item(), schedule.one_minus_alpha_bar[t].item()
        noise = torch.randn(64, 784, dtype=torch.float64, generator=generator)
        x = abar**0.5 * wide[torch.arange(64) * 150] + rest**0.5 * noise
        before, law = peak_mb(), FiniteData(points)
        eps, x0 = law.at(schedule, t).eps(x), law.at(schedule, t).x0_mean(x)
        more = peak_mb() - before
        ours = milliseconds(lambda: law.at(schedule, t).eps(x), repeats)  # noqa: B023
        start = time.perf_counter()
        true_x0 = broadcast_x0(wide, x, abar, rest)
        theirs = 1e3 * (time.perf_counter() - start)
        error_eps = (eps - (x - abar**0.5 * true_x0) / rest**0.5).abs().max().item()
        error_x0 = (x0 - true_x0).abs().max().item()
        print(f"{t:5} {ours:12.1f} {theirs:14.0f} {theirs / ours:7.0f} {error_eps:11.1e} {error_x0:10.1e} {more:9.0f}")


def bench_mixture(repeats: int) -> None:
    schedule, generator = linear(T=1000), torch.Generator().manual_seed(0)
    means = torch.randn(400, 2, dtype=torch.float64, generator=generator)
    law = GaussianMixture.isotropic([1 / 400] * 400, means, 0.05)
    x = torch.randn(2000, 2, generator=generator)
    denoise = law.denoiser(schedule)
    calls: dict[str, Callable[[], object]] = {
        "denoiser": lambda: denoise(x, 100),
        "log_prob": lambda: law.at(schedule, 100).log_prob(x),
        "x0_mean": lambda: law.at(schedule, 100).x0_mean(x),
        "x0_covariance": lambda: law.at(schedule, 100).x0_covariance(x),
        "reverse_conditional": lambda: law.at(schedule, 100).reverse_conditional(x, 50),
    }
    print("\nGaussianMixture, K = 400, d = 2, 2,000 points: ms a call")
    for name, call in calls.items():
        print(f"{name:>20} {milliseconds(call, repeats):>7.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="t = 1 only, few repeats")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    bench_finite_data([1] if quick else [1, 10, 300, 1000], 3 if quick else 9)
    bench_mixture(3 if quick else 15)
