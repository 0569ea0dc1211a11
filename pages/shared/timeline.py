"""The instant timeline, its Python face: tracks and panels in, one component out.

Whatever varies with t is drawn in the browser: there, x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps is worked
out anew whenever the slider moves, with no way to the server and back. Python hears of t when the slider is let go.

A track is one quantity over the positions of the slider; a panel draws tracks. All arrays travel in one safetensors
blob, whose metadata hold the rest as JSON; ``assets/timeline`` reads it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from diffusion_core.errors import BadInput
from diffusion_core.files import ASSETS
from pages.shared.blob import LABELS, REQUIRED_LABELS, make_blob
from pages.shared.modules import join_modules
from pages.shared.panels import (
    Affine,
    Bell,
    Constant,
    Curve,
    Curves,
    Density,
    DensityFrames,
    Draggable,
    Field,
    Formula,
    Frames,
    Handle,
    Histogram,
    Images,
    Layer,
    Line,
    Lines,
    Mixture,
    Numbers,
    Panel,
    Path,
    Plane,
    Points,
    Probe,
    Product,
    Scalar,
    Shifted,
    Track,
)

__all__ = [
    "LABELS",
    "REQUIRED_LABELS",
    "Affine",
    "Bell",
    "Constant",
    "Curve",
    "Curves",
    "Density",
    "DensityFrames",
    "Draggable",
    "Field",
    "Formula",
    "Frames",
    "Handle",
    "Histogram",
    "Images",
    "Layer",
    "Line",
    "Lines",
    "Mixture",
    "Numbers",
    "Panel",
    "Path",
    "Plane",
    "Points",
    "Probe",
    "Product",
    "Scalar",
    "Shifted",
    "TimelineState",
    "Track",
    "make_blob",
    "timeline",
]

TIMELINE = ASSETS / "timeline"


@dataclass(frozen=True)
class TimelineState:
    """Where the timeline was last let go; t is an int where the positions are whole numbers."""

    t: float
    position: int
    pick: int | None


_component = st.components.v2.component(
    "timeline",
    css=(TIMELINE / "timeline.css").read_text(encoding="utf-8"),
    js=join_modules(TIMELINE / "timeline.js"),
)


@dataclass(frozen=True)
class _Mount:
    """What was asked for at the last mount, and what the browser was told; kept in the session."""

    positions: tuple[float, ...]
    asked: tuple[float | None, int | None, int | None]  # t, position, pick
    position: int
    pick: int | None
    jump: int


def _nearest(positions: Sequence[float], t: float) -> int:
    return int(np.argmin(np.abs(np.asarray(positions) - t)))


def _understood(positions: Sequence[float], t: float, position: int) -> int:
    """The position meant by a report: the one said, or the only one with that t (then it goes unsaid)."""
    if 0 <= position < len(positions) and positions[position] == t:
        return position
    return _nearest(positions, t)


def _number(value: float) -> float:
    """A whole number as an int, any other rounded to what a reader is shown."""
    return int(value) if float(value).is_integer() else round(float(value), 6)


def _mount(key: str, positions: tuple[float, ...], asked: tuple[float | None, int | None, int | None]) -> _Mount:
    """Whether the browser must move: only if something else is asked for than last time and than what it shows.

    Otherwise the blob stays the same to the byte, so that nothing is sent.
    """
    t, position, pick = asked
    start = position if position is not None else (0 if t is None else _nearest(positions, t))
    memory = st.session_state.get(f"{key}:mount")
    shown = st.session_state.get(key)
    if memory is None or not shown:
        return _Mount(positions, asked, start, pick, 0)
    if memory.positions == positions:
        here = _understood(positions, shown["t"], shown.get("position", start))
        agrees = here == position if position is not None else t is None or positions[here] == positions[start]
        if memory.asked == asked or (agrees and (pick is None or pick == shown.get("pick"))):
            return _Mount(positions, asked, memory.position, memory.pick, memory.jump)
    return _Mount(positions, asked, start, pick, memory.jump + 1)


def timeline(
    *,
    key: str,
    positions: Sequence[float],
    tracks: Mapping[str, Track],
    panels: Sequence[Panel],
    labels: Mapping[str, str],
    t: float | None = None,
    position: int | None = None,
    pick: int | None = None,
    autoplay: bool = False,
    on_change: Callable[[], None] | None = None,
    on_drag: Callable[[], None] | None = None,
) -> TimelineState:
    """Show the timeline; returns where it was last let go.

    ``positions`` are the t of the slider's places in playing order: range(T + 1), or a reverse chain (1000, 980, ...).
    They may be values of another quantity, whose symbol then is the last word of the label "timestep".
    ``t`` (nearest place) or ``position`` is shown first, and again whenever another one is asked for. ``pick`` is a
    point or an element of the pictures; where a Probe or a Path needs one, by default the first point or the middle of
    the first picture. ``labels`` are LABELS in the reader's language. ``on_change`` runs when the slider is let go,
    never while it moves; in it, ``st.session_state[key]`` has "t", "position" and "pick". ``on_drag`` runs when a
    handle is let go; in it, ``st.session_state[key]["dragged"]`` has the values of all draggable tracks by name.
    """
    places = tuple(_number(value) for value in positions)
    if not places:
        raise BadInput("positions must hold at least one t; got none.")
    if position is not None and not 0 <= position < len(places):
        raise BadInput("position must lie in 0..{most}; got {got}.", most=len(places) - 1, got=position)
    mount = _mount(key, places, (t, position, pick))
    memory = st.session_state.get(f"{key}:mount")
    moved = memory is not None and memory.jump != mount.jump
    st.session_state[f"{key}:mount"] = mount
    blob = make_blob(
        places, tracks, panels, labels, position=mount.position, pick=mount.pick, autoplay=autoplay, jump=mount.jump
    )
    notify = on_change or (lambda: None)
    shown = _component(
        key=key,
        data=blob,
        default={"t": places[mount.position], "position": mount.position, "pick": mount.pick, "dragged": None},
        on_t_change=notify,
        on_position_change=notify,
        on_pick_change=notify,
        on_dragged_change=on_drag or (lambda: None),
    )
    if moved:
        return TimelineState(places[mount.position], mount.position, mount.pick)
    here = _understood(places, shown["t"], shown.get("position", mount.position))
    return TimelineState(places[here], here, shown.get("pick"))
