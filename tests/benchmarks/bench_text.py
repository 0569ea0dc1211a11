"""Text to picture: four pictures in 20 guided steps, and what the sampler costs beside the network.

    python tests/benchmarks/bench_text.py

The promise: four pictures in under 3 s on two cores. The network is asked twice a step, with the text and without; the
ratio is the whole, decoder included, to the time inside its calls.
"""

import statistics
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository's root: run as a plain file

from diffusion_core.denoisers import Predictor
from diffusion_core.files import MODELS
from diffusion_core.training.checkpoint import load_autoencoder, load_denoiser
from diffusion_core.training.judges import generate_shapes

PROMPTS = ["a blue star above a large green square", "a small red circle on the left", "a pink ring", "a red star"]


class Timed:
    """A denoiser that counts the time spent inside it."""

    def __init__(self, inner: Predictor) -> None:
        self.inner, self.schedule, self.seconds = inner, inner.schedule, 0.0

    def __call__(self, x_t: Tensor, t: int, cond: Tensor | None = None) -> Tensor:
        start = time.perf_counter()
        out = self.inner(x_t, t, cond)
        self.seconds += time.perf_counter() - start
        return out


def main() -> None:
    net = load_denoiser(MODELS / "shapes_unet.safetensors")
    autoencoder = load_autoencoder(MODELS / "shapes_autoencoder.safetensors")
    for threads in (2, 1):
        torch.set_num_threads(threads)
        wholes, ratios = [], []
        for seed in range(8):
            timed = Timed(net)
            start = time.perf_counter()
            generator = torch.Generator().manual_seed(seed)
            generate_shapes(
                timed,  # type: ignore[arg-type]
                autoencoder,
                PROMPTS,
                steps=20,
                guidance=3.0,
                generator=generator,
            )
            wholes.append(time.perf_counter() - start)
            ratios.append(wholes[-1] / timed.seconds)
        print(
            f"four pictures, 20 steps, guidance 3, {threads} threads: {statistics.median(wholes[1:]):.2f} s (limit 3); "
            f"{statistics.median(ratios[1:]):.3f} times the network's own time"
        )


if __name__ == "__main__":
    main()
