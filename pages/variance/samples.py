"""The same noise, more and more steps: what each choice makes of one x_T."""

from collections import deque

import numpy as np
import streamlit as st
import torch

from diffusion_core import (
    GaussianMixture,
    VarianceChoice,
    ancestral,
    ddim,
    fixed_large,
    fixed_small,
    loss_floor,
    optimal,
)
from pages.shared import controls
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed, timeline
from pages.shared.scenes import data_names, density, drawn, law_of, scene, schedule_of
from pages.variance.choices import COLOR, T, names

__all__ = ["draw"]

CLOUDS = ("eight_gaussians", "two_moons", "bimodal", "three_modes")
STEPS = (5, 10, 20, 50, 100, 1000)
DRAWS = 200  # at each t, for the loss curve of data in the plane


def draw(schedule: str, seed: int) -> None:
    """The slider is the number of steps."""
    labels = data_names()
    data = controls.choice("cloud", _("Data"), {key: labels[key] for key in CLOUDS}, CLOUDS[0], pills=True)
    with st.spinner(_("Sampling …")):
        shown = picture(data, schedule, seed)
    timeline(shown, key="clouds", name="n", t=10)


@kept
def picture(data: str, schedule: str, seed: int) -> tl.Picture:
    """A cloud for each choice, over the data's density."""
    found, label, here = clouds(data, schedule, seed), names(), scene(data, "", 0)
    flat = np.zeros(len(STEPS))
    law = density(here, flat + 1, flat)
    return packed(
        STEPS,
        {kind: tl.Frames(frames) for kind, frames in found.items()},
        [drawn(here, kind, label[kind], density=law, color=COLOR[kind]) for kind in found],
        label=_("Number of steps N"),
    )


def clouds(data: str, schedule: str, seed: int, n: int = 400) -> dict[str, np.ndarray]:
    """x_0 for each number of steps of STEPS, (6, n, d) float32, from one x_T and one row of noise."""
    tables, law = schedule_of(schedule, T), law_of(data, "")
    assert isinstance(law, GaussianMixture)
    denoiser = law.denoiser(tables)
    x_T = torch.randn((n, law.dimension), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    def end(choice: VarianceChoice | None, steps: int) -> torch.Tensor:
        generator, timesteps = torch.Generator().manual_seed(seed + 1), tables.timesteps(steps)
        if choice is None:
            run = ddim(denoiser, tables, x_T, timesteps)
        else:
            run = ancestral(denoiser, tables, x_T, timesteps, variance=choice, generator=generator)
        return deque(run, maxlen=1).pop().x_s

    best = optimal(loss_curve(data, schedule))
    choices = {"large": fixed_large, "small": fixed_small, "optimal": best, "ddim": None}
    return {
        kind: torch.stack([end(choice, steps) for steps in STEPS]).float().numpy() for kind, choice in choices.items()
    }


@kept
def loss_curve(data: str, schedule: str) -> list[float]:
    """l_t at t = 0..T (0 at t = 0): by quadrature on the line, from draws in the plane."""
    tables, law, generator = schedule_of(schedule, T), law_of(data, ""), torch.Generator().manual_seed(0)
    return [0.0, *(loss_floor(law, tables, t, DRAWS, generator=generator).value for t in range(1, T + 1))]
