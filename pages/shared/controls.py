"""The controls of a lesson, every one bound to the URL.

The URL is an interface: the same URL shows the same picture. A control takes its value from the URL, writes it back
when it is moved, and stays silent while it shows its default. A value that is not allowed gives one sentence
(`show_notes`) and the default.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from diffusion_core.errors import BadInput
from pages.shared.i18n import _, explain

__all__ = ["bind", "choice", "integer", "number", "remember", "seed", "show_notes", "start_page", "text"]

MAX_SEED = 2**31 - 1
T = TypeVar("T")


def bind(name: str, default: T, parse: Callable[[str], T]) -> str:
    """Fill the session's value of one URL parameter; returns the key of the widget that shows it."""
    key, seen = f"url_{name}", f"seen_{name}"
    st.session_state.setdefault("url_bound", []).append(name)
    raw = st.query_params.get(name)
    if key not in st.session_state or raw != st.session_state.get(seen):
        notes = st.session_state.setdefault("url_notes", {})
        notes.pop(name, None)
        st.session_state[seen] = raw
        st.session_state[key] = default
        if raw is not None:
            try:
                st.session_state[key] = parse(raw)
            except ValueError as error:
                notes[name] = f"{explain(error)} " + _("Shown instead: {default}.").format(default=default)
    return key


def remember(name: str, value: object, default: object) -> None:
    """Write one value into the URL (or take it out, if it is the default)."""
    if value == default:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = str(value)
    st.session_state[f"seen_{name}"] = st.query_params.get(name)
    st.session_state.setdefault("url_notes", {}).pop(name, None)


def start_page() -> None:
    """Forget which parameters the page before had."""
    st.session_state["url_bound"] = []


def show_notes() -> None:
    """One sentence for every parameter of this page's URL that could not be taken as it came."""
    notes = st.session_state.get("url_notes", {})
    for name in dict.fromkeys(st.session_state["url_bound"]):
        if name in notes:
            st.warning(notes[name], icon=":material/link_off:")
    st.session_state["url_bound"] = []  # what is bound from here on belongs to the next picture


def _remember_widget(name: str, default: object) -> None:
    remember(name, st.session_state[f"url_{name}"], default)


def parse_choice(name: str, options: Sequence[str]) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in options:
            raise BadInput(
                "{name} in the URL is {got}; it must be one of: {allowed}.",
                name=name,
                got=repr(raw[:40]),
                allowed=", ".join(options),
            )
        return raw

    return parse


def parse_integer(name: str, low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        try:
            value = int(raw)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise BadInput(
                "{name} in the URL is {got}; it must be a whole number from {low} to {high}.",
                name=name,
                got=repr(raw[:40]),
                low=low,
                high=high,
            )
        return value

    return parse


def parse_number(name: str, low: float, high: float) -> Callable[[str], float]:
    def parse(raw: str) -> float:
        try:
            value = float(raw)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:  # NaN fails too
            raise BadInput(
                "{name} in the URL is {got}; it must be a number from {low} to {high}.",
                name=name,
                got=repr(raw[:40]),
                low=low,
                high=high,
            )
        return value

    return parse


def choice(name: str, label: str, options: Mapping[str, str], default: str, *, pills: bool = False) -> str:
    """One of a few: ``options`` maps the URL's word to what the reader sees."""
    key = bind(name, default, parse_choice(name, list(options)))
    if st.session_state[key] not in options:  # the options depend on another control
        remember(name, default, default)
        st.session_state[key] = default
    common: dict[str, Any] = {
        "format_func": options.__getitem__,
        "key": key,
        "on_change": _remember_widget,
        "args": (name, default),
    }
    known: str = st.session_state[key]
    if pills:
        picked = st.segmented_control(label, list(options), required=True, **common)
    else:
        picked = st.selectbox(label, list(options), **common)
    return known if picked is None else picked  # seen on a busy server: the widget has lost its state, not its place


def integer(name: str, label: str, default: int, low: int, high: int, *, help: str | None = None) -> int:
    """A whole number, typed or stepped."""
    key = bind(name, default, parse_integer(name, low, high))
    st.session_state[key] = min(max(st.session_state[key], low), high)
    return st.number_input(
        label, low, high, step=1, key=key, help=help, on_change=_remember_widget, args=(name, default)
    )


def number(name: str, label: str, default: float, low: float, high: float, step: float) -> float:
    """A real number on a slider."""
    key = bind(name, default, parse_number(name, low, high))
    return st.slider(label, low, high, step=step, key=key, on_change=_remember_widget, args=(name, default))


def text(name: str, label: str, default: str, max_chars: int | None = None) -> str:
    """A text, short where ``max_chars`` says how short."""
    key = bind(name, default, lambda raw: raw[:max_chars])
    return st.text_input(label, key=key, max_chars=max_chars, on_change=_remember_widget, args=(name, default))


def seed(default: int = 0) -> int:
    """The seed of everything random on the page, with a button that rolls the next one."""
    key = bind("seed", default, parse_integer("seed", 0, MAX_SEED))

    def roll() -> None:
        st.session_state[key] = (st.session_state[key] + 1) % MAX_SEED
        remember("seed", st.session_state[key], default)

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        value = st.number_input(
            _("Seed"), 0, MAX_SEED, step=1, key=key, on_change=_remember_widget, args=("seed", default), width=140
        )
        st.button("", icon=":material/casino:", help=_("New noise"), on_click=roll, key="roll_seed")
    return value
