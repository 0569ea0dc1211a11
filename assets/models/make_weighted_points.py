"""Trains the small networks that the lesson *Why this loss?* compares, one for each weighting of the loss and width.

python assets/models/make_weighted_points.py

It writes weighted_points.safetensors.
"""

import sys
import time
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from diffusion_core.training.weighted import WIDTHS, save, train  # noqa: E402


def main() -> None:
    torch.set_num_threads(1)
    networks, start = [], time.perf_counter()
    for width in WIDTHS:
        networks.append(train(width))
        print(f"{time.perf_counter() - start:5.1f} s: width {width}")
    save(HERE / "weighted_points.safetensors", networks)


if __name__ == "__main__":
    main()
