"""What guidance with exact scores makes of a labelled mixture, over w, beside the density p(x) p(c|x)^w."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from diffusion_core import cosine, ddim
from diffusion_core.claims.guidance import moments
from diffusion_core.denoisers import Guided
from diffusion_core.laws.guided import LabelledMixture, guided_law, three_bumps, two_bumps, two_halves

__all__ = ["DOMAIN", "LINE", "SCALES", "ExactGuidance", "exact_guidance"]

SCALES = tuple(k / 2 for k in range(17))  # 0, 0.5, ..., 8
POINTS, STEPS, CELLS = 600, 50, 96
DOMAIN, LINE = (-3.0, 3.0), (-4.0, 4.0)
CLASS = 0


@dataclass(frozen=True, eq=False)
class ExactGuidance:
    """Everything at each of `SCALES`.

    Attributes:
        made: (P, n, 2) where DDIM, guided by the exact scores, takes the same n noises.
        drawn: (P, n, 2) as many points drawn from p(x) p(c|x)^w.
        density: (P, cells, cells) p(x) p(c|x)^w in the plane, rows upwards; its largest value is 1.
        made_line, tilted_line: (P, m) the two densities on the line, at even places of `LINE`.
        gap, w1: (P,) how far the two laws on the line are apart.
        outer_made, outer_tilted, middle_made, middle_tilted: (P, 2) mean and deviation of both laws on the line, of
            the left bump of two and of the middle one of three.
    """

    made: np.ndarray
    drawn: np.ndarray
    density: np.ndarray
    made_line: np.ndarray
    tilted_line: np.ndarray
    gap: np.ndarray
    w1: np.ndarray
    outer_made: np.ndarray
    outer_tilted: np.ndarray
    middle_made: np.ndarray
    middle_tilted: np.ndarray


def on_grid(law: LabelledMixture, w: float, axis: Tensor) -> Tensor:
    """p(x) p(c|x)^w over the cells of the plane, (cells, cells), row j is y; the sum is 1."""
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return law.log_tilted(torch.stack([x, y], -1).reshape(-1, 2), CLASS, w).softmax(0).reshape(len(axis), -1)


def draw_from_cells(share: Tensor, axis: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n points: a cell by its share, then evenly in it, (n, 2)."""
    cell = torch.multinomial(share.flatten(), n, replacement=True, generator=generator)
    corner = torch.stack([axis[cell % len(axis)], axis[cell // len(axis)]], -1)
    return corner + (torch.rand((n, 2), generator=generator, dtype=axis.dtype) - 0.5) * (axis[1] - axis[0])


@st.cache_resource(show_spinner=False)
@torch.no_grad()
def exact_guidance(seed: int = 0) -> ExactGuidance:
    """All scales at once, about a second."""
    plane, line, three, schedule = two_halves(), two_bumps(), three_bumps(), cosine(1000)
    timesteps, generator = schedule.timesteps(STEPS, spacing="trailing"), torch.Generator().manual_seed(seed)
    x_T = torch.randn((POINTS, 2), generator=generator, dtype=torch.float64)
    cond = torch.full((POINTS,), CLASS)
    axis = (torch.arange(CELLS, dtype=torch.float64) + 0.5) * (DOMAIN[1] - DOMAIN[0]) / CELLS + DOMAIN[0]
    x = np.linspace(*LINE, 321)
    made, drawn, density, gap, w1 = [], [], [], [], []
    made_line: list[np.ndarray] = []
    tilted_line: list[np.ndarray] = []
    ends: list[tuple[tuple[float, float], ...]] = []
    for w in SCALES:
        *_steps, last = ddim(Guided(plane.denoiser(schedule), cond, w), schedule, x_T, timesteps)
        made.append(last.x_s.numpy())
        share = on_grid(plane, w, axis)
        drawn.append(draw_from_cells(share, axis, POINTS, generator).numpy())
        density.append((share / share.max()).numpy())
        laws = guided_law(line, CLASS, w, schedule, timesteps, n=1001)
        for values, curve in ((laws.made, made_line), (laws.tilted, tilted_line)):
            curve.append(np.gradient(np.interp(x, laws.x.numpy(), values.numpy(), 0, 1), x))
        gap.append(laws.largest_gap)
        w1.append(laws.w1)
        middle = guided_law(three, 1, w, schedule, timesteps, n=1001)
        ends.append(tuple(moments(at.x, F) for at in (laws, middle) for F in (at.made, at.tilted)))
    parts = (made, drawn, density, made_line, tilted_line, gap, w1, *zip(*ends, strict=True))
    return ExactGuidance(*(np.array(part) for part in parts))
