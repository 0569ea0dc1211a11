"""The Dirac-GAN: the plane of theta and psi, the run beside what theory says of a step near the goal."""

import math

import numpy as np
import streamlit as st
import torch

from diffusion_core.laws.dirac_gan import DiracGan, creeping_radius, cycle_radius, eigenvalues
from pages.shared import controls
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed, timeline
from pages.shared.palette import COLORS
from pages.shared.typography import significant

__all__ = ["ASKS", "draw"]

ASKS = ["gamma", "momentum", "h", "turns", "loss"]
STEPS = 500
EVERY = 2
STARTS = ((1.0, 1.0), (-0.4, 0.2), (0.0, -1.6))
REACH = 2.5
ARROWS = 11


def draw(more: str) -> None:
    """The controls, what theory says, the run; ``more`` is the prose below it."""
    game = pick()
    st.markdown(theory(game))
    timeline(picture(game), key="dirac", name="n", t=STEPS)
    st.markdown(more)


def pick() -> DiracGan:
    """The game that is played."""
    left, middle, right = st.columns(3)
    with left:
        gamma = controls.number("gamma", _("R1 γ"), 0.0, low=0.0, high=2.0, step=0.1)
    with middle:
        momentum = controls.number("momentum", _("Momentum"), 0.0, low=-0.5, high=0.9, step=0.1)
    with right:
        h = controls.number("h", _("Step size h"), 0.1, low=0.05, high=0.4, step=0.05)
    left, right = st.columns(2)
    with left:
        turns = {"simultaneous": _("both at once"), "alternating": _("in turn, D first")}
        one = controls.choice("turns", _("Steps"), turns, "simultaneous", pills=True)
    with right:
        losses = {"non_saturating": _("non-saturating"), "saturating": _("saturating")}
        two = controls.choice("loss", _("Loss of G"), losses, "non_saturating", pills=True)
    return DiracGan(
        h,
        gamma,
        momentum,
        turns="alternating" if one == "alternating" else "simultaneous",
        loss="saturating" if two == "saturating" else "non_saturating",
    )


# --- in words -------------------------------------------------------------------------------------------------------


def theory(game: DiracGan) -> str:
    """The eigenvalues, what a step multiplies the distance with, and what the run does."""
    first, second = (complex_number(value) for value in eigenvalues(game.gamma))
    r = radii(game)[:, 0]
    words = _(
        "$\\lambda$ = {first} and {second}. Near the goal a step of this kind multiplies the distance by "
        "**{factor}** on average, so it {verdict}. This run, from (1, 1): $r$ = {start} at the start, {end} after "
        "{n} steps. {why}"
    )
    return words.format(
        first=first,
        second=second,
        factor=f"{game.factor:.4f}",
        verdict=verdict(game.factor),
        start=significant(float(r[0])),
        end=significant(float(r[-1])) if math.isfinite(r[-1]) else "∞",
        n=STEPS,
        why=expected(game),
    )


def complex_number(value: complex) -> str:
    """In LaTeX."""
    real, imaginary = value.real, value.imag
    if imaginary == 0:
        return f"${real:.4g}$"
    part = f"{'+' if imaginary > 0 else '-'}{abs(imaginary):.4g}\\,i"
    return f"${part.removeprefix('+')}$" if real == 0 else f"${real:.4g}{part}$"


def verdict(factor: float) -> str:
    """What a step does near the goal."""
    if abs(factor - 1) < 1e-9:
        return _("neither comes nearer nor goes away, to first order")
    return _("comes nearer") if factor < 1 else _("is thrown out")


def expected(game: DiracGan) -> str:
    """Where the whole run goes, in the two cases that a formula is known for."""
    if game.gamma != 0 or game.momentum != 0 or game.loss != "non_saturating":
        return ""
    if game.turns == "simultaneous":
        return _("Far out it is pulled in, so it ends on a cycle: $\\sqrt{{2h}}$ = {r}.").format(
            r=significant(cycle_radius(game.h))
        )
    return _("It creeps in: $\\sqrt{{8/(hn)}}$ = {r}.").format(r=significant(creeping_radius(game.h, STEPS)))


# --- the picture ----------------------------------------------------------------------------------------------------


@kept
def paths(game: DiracGan) -> np.ndarray:
    """(STEPS + 1, starts, 2): (theta, psi) from each start."""
    found: np.ndarray = torch.stack([game.run(STEPS, *start) for start in STARTS], 1).numpy()
    return found


def radii(game: DiracGan) -> np.ndarray:
    """(STEPS + 1, starts) how far from the goal."""
    r: np.ndarray = np.linalg.norm(paths(game), axis=2)
    return r


@kept
def picture(game: DiracGan) -> tl.Picture:
    """Runs from three starts over the pull of the gradients; and their distance from the goal."""
    at = np.arange(0, STEPS + 1, EVERY)
    r, label = radii(game)[at], _("from ({x}, {y})")
    way = np.nan_to_num(paths(game)[at], nan=1e6).clip(-1e6, 1e6)
    side = (np.arange(ARROWS) + 0.5) * 2 * REACH / ARROWS - REACH
    pull = np.array([[game.pull(theta, psi) for theta in side] for psi in side])
    layers = (
        tl.Field(np.broadcast_to(2 * pull, (len(at), *pull.shape)), COLORS["beta_tilde"]),
        tl.Path("way", COLORS["x_t"]),
        tl.Points("way", COLORS["x_t"], size=9),
    )
    colors = (COLORS["x_t"], COLORS["eps"], COLORS["x0"])
    starts = [label.format(x=f"{x:g}", y=f"{y:g}").replace("-", "−") for x, y in STARTS]
    lines = [
        tl.Line(np.where(r[:, k] < 1e3, r[:, k], np.nan), start, color)
        for k, (start, color) in enumerate(zip(starts, colors, strict=True))
    ]
    return packed(
        at.tolist(),
        {"way": tl.Frames(way.astype(np.float32))},
        [
            tl.Plane(layers, _("θ across, ψ upwards; the goal is the middle"), (-REACH, REACH)),
            tl.Lines(lines, _("Distance from the goal"), log_y=True, weight=1.6),
        ],
        label=_("Step n"),
    )
