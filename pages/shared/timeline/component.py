"""The timeline on a page: a picture that stands still for Python, and a small ear that hears where it was let go.

Two components. The picture is large, and sent only when something else is to be seen. The ear is all that runs when the
slider is let go: a fragment of its own, which costs the same however large the picture is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from diffusion_core.errors import BadInput
from diffusion_core.files import ASSETS
from pages.shared.timeline.blob import Picture, Place, View
from pages.shared.timeline.modules import join_modules

__all__ = ["TimelineState", "nearest", "show"]

FILES = ASSETS / "timeline"

_picture = st.components.v2.component(
    "timeline",
    css="\n".join((FILES / name).read_text(encoding="utf-8") for name in ("timeline.css", "bar.css", "theatre.css")),
    js=join_modules(FILES / "timeline.js"),
)
_ear = st.components.v2.component("timeline_ear", js=join_modules(FILES / "ear.js"))


@dataclass(frozen=True)
class TimelineState:
    """Where the timeline was last let go; t is an int where the positions are whole numbers."""

    t: float
    position: int
    pick: int | None


@dataclass(frozen=True)
class _Asked:
    """What a page asks for."""

    t: float | None
    position: int | None
    pick: int | None
    handles: Mapping[str, float]
    view: View
    names: tuple[str, ...]

    def place(self, position: int, jump: int = 0) -> Place:
        """What is sent to the browser."""
        return Place(position, self.pick, handles=self.handles, view=self.view, jump=jump, names=self.names)


@dataclass(frozen=True)
class _Mount:
    """What was asked for at the last mount, and what the browser was told; kept in the session."""

    positions: tuple[float, ...]
    asked: _Asked
    place: Place


def _nothing() -> None:
    """Nobody asked."""


@dataclass(frozen=True)
class _Notices:
    """What runs when the ear hears of something."""

    change: Callable[[], None]
    drag: Callable[[], None]
    view: Callable[[], None]


def viewed(view: View) -> dict[str, Any]:
    """What of a view a hand can change, as the browser says it."""
    return {"stage": view.stage, "panels": list(view.panels), "cover": view.cover}


def nearest(positions: Sequence[float], t: float) -> int:
    """The place that is shown for t."""
    return int(np.argmin(np.abs(np.asarray(positions) - t)))


def _understood(positions: Sequence[float], t: float, position: int) -> int:
    """The position meant by a report: the one said, or the only one with that t (then it goes unsaid)."""
    if 0 <= position < len(positions) and positions[position] == t:
        return position
    return nearest(positions, t)


def _agrees(shown: Mapping[str, Any], positions: tuple[float, ...], asked: _Asked, start: int) -> bool:
    """Whether what is asked for is what the browser shows."""
    here = _understood(positions, shown["t"], shown.get("position", start))
    there = here == asked.position if asked.position is not None else positions[here] == positions[start]
    picked = asked.pick is None or asked.pick == shown.get("pick")
    dragged = shown.get("dragged") or {}
    return (
        (there or (asked.t is None and asked.position is None))
        and picked
        and shown["view"] == viewed(asked.view)
        and all(dragged.get(name) == value for name, value in asked.handles.items())
    )


def _mount(key: str, positions: tuple[float, ...], asked: _Asked) -> _Mount:
    """Whether the browser must move: only if something else is asked for than last time and than what it shows.

    Otherwise what is sent stays the same to the byte, so that nothing is sent.
    """
    start = asked.position if asked.position is not None else 0 if asked.t is None else nearest(positions, asked.t)
    memory: _Mount | None = st.session_state.get(f"{key}:mount")
    shown = st.session_state.get(key)
    if memory is None or not shown:
        return _Mount(positions, asked, asked.place(start))
    same = memory.asked == asked or (
        memory.asked.view.stops == asked.view.stops and _agrees(shown, positions, asked, start)
    )
    if memory.positions == positions and same:
        return _Mount(positions, asked, memory.place)
    return _Mount(positions, asked, asked.place(start, memory.place.jump + 1))


def show(
    picture: Picture,
    *,
    key: str,
    t: float | None = None,
    position: int | None = None,
    pick: int | None = None,
    handles: Mapping[str, float] | None = None,
    view: View | None = None,
    names: tuple[str, ...] = (),
    on_change: Callable[[], None] | None = None,
    on_drag: Callable[[], None] | None = None,
    on_view: Callable[[], None] | None = None,
) -> TimelineState:
    """Show the timeline; returns where it was last let go.

    ``t`` (nearest place) or ``position`` is shown first, and again whenever another one is asked for. ``pick`` is a
    point or an element of the pictures; where a panel needs one, by default the first point or the middle of the first
    picture; ``handles`` are the values of draggable tracks. ``names`` are the URL's parameters that all this stands in.

    ``on_change`` runs when the slider is let go, never while it moves; in it, ``st.session_state[key]`` has "t",
    "position" and "pick". ``on_drag`` runs when a handle is let go; in it, ``st.session_state[key]["dragged"]`` has the
    values of all draggable tracks by name. ``on_view`` runs when a hand chose another view, which is there as "view".
    None of them runs the page: only a fragment that holds nothing else.

    Raises:
        BadInput: a position or a pick that the picture has not.
    """
    places = picture.positions
    if position is not None and not 0 <= position < len(places):
        raise BadInput("position must lie in 0..{most}; got {got}.", most=len(places) - 1, got=position)
    memory: _Mount | None = st.session_state.get(f"{key}:mount")
    mount = st.session_state[f"{key}:mount"] = _mount(
        key, places, _Asked(t, position, pick, handles=handles or {}, view=view or View(), names=names)
    )
    place = mount.place
    _picture(key=f"{key}:picture", data=picture.at(key, place))
    default = {"t": places[place.position], "position": place.position, "pick": place.pick, "view": viewed(place.view)}
    _hear(key, default, _Notices(on_change or _nothing, on_drag or _nothing, on_view or _nothing))
    if memory is not None and memory.place.jump != place.jump:  # the browser moves, and will say so
        return TimelineState(places[place.position], place.position, place.pick)
    shown = st.session_state[key]
    here = _understood(places, shown["t"], shown.get("position", place.position))
    return TimelineState(places[here], here, shown.get("pick"))


@st.fragment
def _hear(
    key: str,
    default: dict[str, Any],
    notices: _Notices,
) -> None:
    """The ear: what it is told stands in ``st.session_state[key]``."""
    with st.container(key=f"ear_{key}"):
        _ear(
            key=key,
            data={"key": key},
            default={**default, "dragged": None},
            on_t_change=notices.change,
            on_position_change=notices.change,
            on_pick_change=notices.change,
            on_dragged_change=notices.drag,
            on_view_change=notices.view,
        )
