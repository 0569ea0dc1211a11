"""Trains the run that the page on training shows before anyone trains, and keeps its milestones.

python assets/models/make_points_run.py

It writes points_eight_gaussians_run.npz (steps, losses, held-out distances, samples), and, where there is none yet,
points_eight_gaussians.safetensors: the same network as ``python -m diffusion_core.train points`` makes.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from diffusion_core.training.checkpoint import save_denoiser  # noqa: E402
from diffusion_core.training.draws import points  # noqa: E402
from diffusion_core.training.loop import train  # noqa: E402
from pages.shared.denoiser_run import SHIPPED, SHIPPED_CONFIG, Recorder, shipped_data, shipped_schedule  # noqa: E402


def main() -> None:
    torch.set_num_threads(1)
    data, schedule = shipped_data(), shipped_schedule()
    recorder = Recorder(data, schedule, SHIPPED_CONFIG.steps)
    kept, start = [], time.perf_counter()
    for state in train(SHIPPED_CONFIG, points(data.law), schedule, every=5):
        milestone = recorder.record(state)
        if milestone is not None:
            kept.append(milestone)
            print(f"{time.perf_counter() - start:5.1f} s, step {state.step}: {milestone.distance.mean():.5f} from eps*")
    np.savez_compressed(
        HERE / f"{SHIPPED}_run.npz",
        step=np.array([one.step for one in kept]),
        loss=np.array([one.loss for one in kept]),
        distance=np.array([one.distance for one in kept], np.float32),
        samples=np.array([one.samples for one in kept], np.float16),
    )
    if not (HERE / f"{SHIPPED}.safetensors").exists():
        save_denoiser(HERE / f"{SHIPPED}.safetensors", state.denoiser)


if __name__ == "__main__":
    main()
