"""What guidance with exact scores makes of a labelled mixture, over w, beside the density p(x) p(c|x)^w."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from diffusion_core import NoiseSchedule, cosine, ddim
from diffusion_core.claims.guidance import moments
from diffusion_core.denoisers import Guided
from diffusion_core.laws.guided import LabelledMixture, guided_law, three_bumps, two_bumps, two_halves
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import Page, packed, timeline
from pages.shared.palette import COLORS
from pages.shared.typography import significant, table

__all__ = ["DOMAIN", "LINE", "SCALES", "ExactGuidance", "exact_guidance", "show"]

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


@st.cache_resource(show_spinner=False)
@torch.no_grad()
def exact_guidance(seed: int = 0) -> ExactGuidance:
    """All scales at once, about a second."""
    schedule, generator = cosine(1000), torch.Generator().manual_seed(seed)
    x_T = torch.randn((POINTS, 2), generator=generator, dtype=torch.float64)
    rows = [in_the_plane(w, x_T, schedule, generator) | on_the_line(w, schedule) for w in SCALES]
    return ExactGuidance(**{name: np.array([row[name] for row in rows]) for name in rows[0]})


# --- in the plane ---------------------------------------------------------------------------------------------------


def in_the_plane(w: float, x_T: Tensor, schedule: NoiseSchedule, generator: torch.Generator) -> dict[str, np.ndarray]:
    """Guided samples, and points drawn from the density that they seem to follow."""
    law, cond = two_halves(), torch.full((POINTS,), CLASS)
    axis = (torch.arange(CELLS, dtype=torch.float64) + 0.5) * (DOMAIN[1] - DOMAIN[0]) / CELLS + DOMAIN[0]
    *_steps, last = ddim(Guided(law.denoiser(schedule), cond, w), schedule, x_T, timesteps_of(schedule))
    share = on_grid(law, w, axis)
    return {
        "made": last.x_s.numpy(),
        "drawn": draw_from_cells(share, axis, POINTS, generator).numpy(),
        "density": (share / share.max()).numpy(),
    }


def timesteps_of(schedule: NoiseSchedule) -> tuple[int, ...]:
    """Of both samplers."""
    return schedule.timesteps(STEPS, spacing="trailing")


def on_grid(law: LabelledMixture, w: float, axis: Tensor) -> Tensor:
    """p(x) p(c|x)^w over the cells of the plane, (cells, cells), row j is y; the sum is 1."""
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return law.log_tilted(torch.stack([x, y], -1).reshape(-1, 2), CLASS, w).softmax(0).reshape(len(axis), -1)


def draw_from_cells(share: Tensor, axis: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n points: a cell by its share, then evenly in it, (n, 2)."""
    cell = torch.multinomial(share.flatten(), n, replacement=True, generator=generator)
    corner = torch.stack([axis[cell % len(axis)], axis[cell // len(axis)]], -1)
    return corner + (torch.rand((n, 2), generator=generator, dtype=axis.dtype) - 0.5) * (axis[1] - axis[0])


# --- on the line ----------------------------------------------------------------------------------------------------


def on_the_line(w: float, schedule: NoiseSchedule) -> dict[str, np.ndarray | float | tuple[float, float]]:
    """Both laws without a random number: of the left bump of two, and of the middle one of three."""
    x, steps = np.linspace(*LINE, 321), timesteps_of(schedule)
    outer = guided_law(two_bumps(), c=CLASS, w=w, schedule=schedule, timesteps=steps, n=1001)
    middle = guided_law(three_bumps(), c=1, w=w, schedule=schedule, timesteps=steps, n=1001)

    def density(F: Tensor) -> np.ndarray:
        slope: np.ndarray = np.gradient(np.interp(x, outer.x.numpy(), F.numpy(), left=0, right=1), x)
        return slope

    return {
        "made_line": density(outer.made),
        "tilted_line": density(outer.tilted),
        "gap": outer.largest_gap,
        "w1": outer.w1,
        "outer_made": moments(outer.x, outer.made),
        "outer_tilted": moments(outer.x, outer.tilted),
        "middle_made": moments(middle.x, middle.made),
        "middle_tilted": moments(middle.x, middle.tilted),
    }


# --- as it is shown -------------------------------------------------------------------------------------------------


@kept
def picture() -> tl.Picture:
    """Guidance without a network: the exact scores of a labelled mixture, its slider the scale."""
    exact = exact_guidance()
    tracks: dict[str, tl.Track] = {
        "made": tl.Frames(exact.made.astype(np.float32)),
        "drawn": tl.Frames(exact.drawn.astype(np.float32)),
    }
    behind, drawn = tl.DensityFrames(exact.density, top=1.0), tl.Points("drawn", color=COLORS["x0"])
    curves = (
        tl.Curve(exact.made_line, _("guided samples"), COLORS["x_t"]),
        tl.Curve(exact.tilted_line, "p(x) p(c|x)ʷ", COLORS["x0"], dash=True),
    )
    apart = (
        tl.Line(exact.w1, _("Wasserstein-1 distance"), COLORS["x0_hat"]),
        tl.Line(exact.gap, _("largest difference of the distribution functions"), COLORS["beta"], dash=True),
    )
    panels: list[tl.Panel] = [
        tl.Plane((behind, tl.Points("made")), _("Guided samples on p(x) p(c|x)ʷ"), DOMAIN, weight=1.3),
        tl.Plane((behind, drawn), _("Drawn from p(x) p(c|x)ʷ itself"), DOMAIN, weight=1.3),
        tl.Curves(curves, _("On the line: the two densities"), LINE, weight=1.3),
        tl.Lines(apart, title=_("On the line: how far the two are apart, over w"), weight=1.3),
    ]
    return packed(SCALES, tracks, panels, label=_("Guidance scale w"))


def show(page: Page) -> None:
    """The section: the picture, and where both laws end at its scale."""
    st.markdown(
        _(
            "No network here: eight Gaussians in the plane, the upper four are the class $c$, and both scores are "
            "exact. Whatever is seen is guidance itself. Orange: where it takes noise. Blue: points drawn from "
            "$p(x)\\,p(c\\mid x)^w$. At $w=0$ and $w=1$ the two are the same law, but for the error of "
            "50 steps; with $w>1$ guided samples of this outer class go further out than that density has them, and "
            "lie closer together. The curves show it on the line, for two Gaussians of which the left one is $c$, "
            "without a random number."
        )
    )
    timeline(picture(), key="exact", name="w_exact", t=3.0, follow=partial(st.rerun, "exact"))
    st.markdown(where_it_ends(exact_guidance(), page.at("w_exact")))


def where_it_ends(exact: ExactGuidance, w: float) -> str:
    """Means and deviations of both laws at the nearest scale: of the left bump of two, of the middle one of three."""
    at = min(range(len(SCALES)), key=lambda k: abs(SCALES[k] - w))
    head = [_("on the line, w = {w}").format(w=f"{SCALES[at]:g}"), _("guided samples"), "$p(x)\\,p(c\\mid x)^w$"]
    outer, middle = _("class $c$ on the left of two: mean"), _("class $c$ in the middle of three: deviation")
    rows = [
        (outer, significant(exact.outer_made[at][0]), significant(exact.outer_tilted[at][0])),
        (middle, significant(exact.middle_made[at][1]), significant(exact.middle_tilted[at][1])),
    ]
    return table(head, rows, "lrr")
