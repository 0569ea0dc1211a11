"""The runs of the picture: each choice from the same x_T, with the same noise."""

from dataclasses import dataclass

import numpy as np
import torch

from diffusion_core import loss_floor, transitions
from diffusion_core.data.toys import gaussian_1d
from pages.variance.recipe import Setting, run

__all__ = ["NOTHING", "Runs", "runs"]

SHOWN = 1_200  # samples in a histogram
POSITIONS = 40  # steps of a run that are shown
NOTHING = torch.empty(0)  # stands for x_t where a choice does not look at it


@dataclass(frozen=True, eq=False)
class Runs:
    """The steps shown of runs with the same noise; position k shows the step from positions[k] to s."""

    positions: tuple[int, ...]
    x: dict[str, np.ndarray]  # (P, n, 1) x_s, float32
    variance: dict[str, np.ndarray]  # (P,) sigma^2
    alpha_bar_t: np.ndarray  # (P,)
    alpha_bar_s: np.ndarray  # (P,)
    floor: np.ndarray  # (P,) l_t


def runs(s: Setting, seed: int) -> Runs:
    """Run each choice, besides the learned one, and DDIM."""
    shown = set(np.linspace(0, s.steps - 1, min(s.steps, POSITIONS)).round().astype(int).tolist())
    x_T = torch.randn((SHOWN, 1), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    frames: dict[str, np.ndarray] = {}
    for name in ("large", "small", "optimal", "ddim"):
        steps = run(s, name, x_T, torch.Generator().manual_seed(seed + 1))
        frames[name] = torch.stack([step.x_s for k, step in enumerate(steps) if k in shown]).float().numpy()
    pairs = [pair for k, pair in enumerate(transitions(s.tables, s.timesteps)) if k in shown]
    law = gaussian_1d(s.data_variance).law
    return Runs(
        tuple(pair.t for pair in pairs),
        frames,
        {name: np.array([choice(pair, NOTHING).value for pair in pairs]) for name, choice in s.choices.items()},
        alpha_bar_t=np.array([pair.alpha_bar_t for pair in pairs]),
        alpha_bar_s=np.array([pair.alpha_bar_s for pair in pairs]),
        floor=np.array([loss_floor(law, s.tables, pair.t).value for pair in pairs]),
    )
