"""What is exact: the best answer everywhere on a grid, draws that no run trains on, and the floor of the loss."""

from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import streamlit as st
import torch

from diffusion_core import NoiseSchedule
from diffusion_core.training.held_out import HeldOut, even_times, floors, held_out
from pages.shared.denoiser_run import View, sampling_times
from pages.shared.keeping import fingerprint
from pages.shared.trainer import Data
from pages.training import recipe

__all__ = ["ARROWS", "Exact", "exact_of"]

ARROWS = 17  # a side


@dataclass(frozen=True, eq=False)
class Exact:
    """eps* and the density on a grid, draws for the times shown, and the floor: there, at even times, over all t."""

    side: int  # cells of the grid, a multiple of the arrows
    grid: torch.Tensor  # (cells, 2)
    eps_star: torch.Tensor  # (P, cells, 2)
    weight: torch.Tensor  # (P, cells) q_t(x) over the largest q_t |eps*|^2
    draws: HeldOut
    floor_shown: np.ndarray  # (P,)
    floor: np.ndarray  # (even times,)
    mean_floor: float
    digits: int  # that are known of it


def exact_of(view: View) -> Exact:
    """The exact side of a run."""
    known: Exact = exact(view.data, view.schedule)
    return known


@st.cache_resource(show_spinner=False, max_entries=16, hash_funcs={Data: attrgetter("key"), NoiseSchedule: fingerprint})
def exact(data: Data, schedule: NoiseSchedule) -> Exact:
    """All of it that no network changes: once for a data set and a schedule."""
    times, law = sampling_times(schedule.T), data.law
    light = len(law.weights) <= recipe.LIGHT  # others are looked at more coarsely: a picture takes about a second
    side = ARROWS * (3 if light else 1)
    axis = (torch.arange(side, dtype=torch.float64) + 0.5) * 6 / side - 3
    grid = torch.cartesian_prod(axis, axis).flip(1)  # rows upwards: y varies slowest
    eps_star = torch.stack([law.at(schedule, t).eps(grid) for t in times])
    density = torch.stack([law.at(schedule, t).log_prob(grid).exp() for t in times])
    blank = (density * eps_star.square().sum(-1)).amax(1, keepdim=True)  # what a network that says 0 does wrong
    n = 4096 if light else 256
    return Exact(
        side,
        grid,
        eps_star,
        density / blank,
        draws=held_out(law, schedule, times, 1_000 if light else 300, generator=torch.Generator().manual_seed(3)),
        floor_shown=floors(law, schedule, times, n).numpy(),
        floor=floors(law, schedule, even_times(schedule.T), n // 4).numpy(),
        mean_floor=recipe.floor(law, schedule),
        digits=4 if light else 3,
    )
