"""Sections that fold: which are open stands in the URL, and what is folded is not computed.

``open=schedules,-formula``: the section *schedules* is open, which is folded by itself, and *formula* is folded;
``open=all`` opens everything.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from diffusion_core.errors import BadInput
from pages.shared import controls

__all__ = ["folded", "is_open", "note"]

ALL = "all"
NAMES = re.compile(r"(-?\w{1,40})(,-?\w{1,40}){0,60}", re.ASCII)


def _parse(raw: str) -> str:
    if not NAMES.fullmatch(raw):
        raise BadInput(
            "{name} in the URL is {got}; it must be names of sections, with commas between them.",
            name="open",
            got=repr(raw[:40]),
        )
    return raw


def _opened() -> list[str]:
    """The names that the URL has."""
    key = controls.bind("open", "", _parse)
    return [name for name in st.session_state[key].split(",") if name]


def note() -> None:
    """One sentence, if what the URL opens could not be taken as it came."""
    _opened()
    controls.note("open")


def _wanted(name: str, unfolded: bool) -> bool:
    said = _opened()
    return (unfolded or name in said or ALL in said) and f"-{name}" not in said


def is_open(name: str) -> bool:
    """Whether a section was open when it was drawn last."""
    return bool(st.session_state.get(f"open_{name}"))


def _toggled(name: str, unfolded: bool) -> None:
    now = is_open(name)
    said = [other for other in _opened() if other not in (name, f"-{name}")]
    if now != (unfolded or ALL in said):
        said.append(name if now else f"-{name}")
    controls.keep("open", ",".join(said), "")


def _asked(name: str, asks: Sequence[str]) -> bool:
    """Whether the URL answers one of what a section asks, or once did: it does not fold in its reader's hands."""
    key = f"asked_{name}_{'_'.join(asks)}"
    st.session_state[key] = bool(st.session_state.get(key)) or any(one in st.query_params for one in asks)
    return bool(st.session_state[key])


@contextmanager
def folded(
    name: str, title: str, unfolded: bool = False, *, asks: Sequence[str] = (), icon: str | None = None
) -> Iterator[bool]:
    """A section that folds; yields whether it is open. What runs anew when it is toggled is the fragment around it.

    ``asks`` are the URL parameters of its own controls: a URL that answers one of them shows it open.
    """
    key = f"open_{name}"
    unfolded = unfolded or _asked(name, asks)
    st.session_state[key] = _wanted(name, unfolded)
    place = st.expander(title, key=key, icon=icon, on_change=_toggled, args=(name, unfolded))
    with place:
        yield bool(st.session_state[key])
