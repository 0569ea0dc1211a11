"""The controls of a lesson, every one bound to the URL.

The URL is an interface: the same URL shows the same picture. A control takes its value from the URL, writes it back
when it is moved, and stays silent while it shows its default. A value that is not allowed gives one sentence beside the
control, and the default.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from diffusion_core.errors import BadInput
from pages.shared.helps import help_of
from pages.shared.i18n import _, explain, language

__all__ = [
    "bind",
    "changed",
    "choice",
    "get",
    "integer",
    "note",
    "notes_at",
    "number",
    "once",
    "presses",
    "remember",
    "renew",
    "seed",
    "text",
]

MAX_SEED = 2**31 - 1
NOTES = "notes_at"
T = TypeVar("T")


def key_of(name: str) -> str:
    """The session's key of a URL parameter, and of the widget that shows it."""
    return f"url_{name}"


def bind(name: str, default: T, parse: Callable[[str], T]) -> str:
    """Fill the session's value of one URL parameter; returns the key of the widget that shows it.

    Where the URL is silent the default is meant: that of this page and of its other controls as they are now.
    """
    key, seen, silent = key_of(name), f"seen_{name}", f"default_{name}"
    raw = st.query_params.get(name)
    moved = raw is None and default != st.session_state.get(silent, default)
    st.session_state[silent] = default
    if key not in st.session_state or raw != st.session_state.get(seen) or moved:
        notes = st.session_state.setdefault("url_notes", {})
        notes.pop(name, None)
        st.session_state[seen] = raw
        st.session_state[key] = default
        if raw is not None:
            try:
                st.session_state[key] = parse(raw)
            except ValueError as error:
                shown = "" if default == "" else _("Shown instead: {default}.").format(default=default)
                notes[name] = f"{explain(error)} {shown}".rstrip()
    return key


def get(name: str, default: T, parse: Callable[[str], T]) -> T:
    """The value of a URL parameter that has no widget."""
    value: T = st.session_state[bind(name, default, parse)]
    note(name)
    return value


def remember(name: str, value: object, default: object) -> None:
    """Write one value into the URL (or take it out, if it is the default)."""
    if value == default:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = str(value)
    st.session_state[f"seen_{name}"] = st.query_params.get(name)
    st.session_state.setdefault("url_notes", {}).pop(name, None)


def keep(name: str, value: object, default: object) -> None:
    """Set a parameter that has no widget: in the session, and in the URL."""
    remember(name, value, default)
    st.session_state[key_of(name)] = value


def renew(name: str) -> None:
    """Let the next control of that name begin with the URL's value, or with its default, not with what it showed."""
    st.session_state.pop(key_of(name), None)


def changed(name: str, value: object) -> bool:
    """Whether a value is another one than at the run before, if there was one."""
    before = st.session_state.get(f"was_{name}", value)
    st.session_state[f"was_{name}"] = value
    return bool(before != value)


def note(name: str) -> None:
    """One sentence, if the URL's value of a parameter could not be taken as it came."""
    said, place = st.session_state.get("url_notes", {}).get(name), st.session_state.get(NOTES)
    if said:
        (st if place is None else place).warning(said, icon=":material/link_off:")


@contextmanager
def notes_at(place: DeltaGenerator) -> Iterator[None]:
    """Say there what is wrong with the URL of the controls inside, which may be folded away."""
    st.session_state[NOTES] = place
    try:
        yield
    finally:
        del st.session_state[NOTES]


def _remember_widget(name: str, default: object, then: Callable[[], object] | None = None) -> None:
    remember(name, st.session_state[key_of(name)], default)
    if then:
        then()


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
        keep(name, default, default)
    if changed(f"{name}_said_in", language()):  # the browser holds the old words, and would send them as an answer
        st.session_state[key] = st.session_state[key]
    common: dict[str, Any] = {
        "help": help_of(name),
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
    note(name)
    return known if picked is None else picked  # seen on a busy server: the widget has lost its state, not its place


def integer(name: str, label: str, default: int, low: int, high: int) -> int:
    """A whole number, typed or stepped."""
    key = bind(name, default, parse_integer(name, low, high))
    st.session_state[key] = min(max(st.session_state[key], low), high)
    value = st.number_input(
        label, low, high, step=1, key=key, help=help_of(name), on_change=_remember_widget, args=(name, default)
    )
    note(name)
    return value


def number(
    name: str,
    label: str,
    default: float,
    low: float,
    high: float,
    step: float,
    *,
    then: Callable[[], object] | None = None,
) -> float:
    """A real number on a slider; ``then`` is done when it is moved, before anything runs."""
    key = bind(name, default, parse_number(name, low, high))
    value = st.slider(
        label,
        low,
        high,
        step=step,
        key=key,
        help=help_of(name),
        on_change=_remember_widget,
        args=(name, default, then),
    )
    note(name)
    return value


def text(name: str, label: str, default: str, max_chars: int | None = None) -> str:
    """A text, short where ``max_chars`` says how short."""
    key = bind(name, default, lambda raw: raw[:max_chars])
    return st.text_input(
        label, key=key, max_chars=max_chars, help=help_of(name), on_change=_remember_widget, args=(name, default)
    )


def dice(name: str, default: int = 0, *, label: str | None = None) -> int:
    """A seed without a box: a button that rolls the next one, which says the present one."""
    key = bind(name, default, parse_integer(name, 0, MAX_SEED))

    def roll() -> None:
        keep(name, (st.session_state[key] + 1) % MAX_SEED, default)

    words = (label or _("New random numbers (seed {seed})")).format(seed=st.session_state[key])
    st.button(words, icon=":material/casino:", on_click=roll, key=f"roll_{name}")
    note(name)
    return int(st.session_state[key])


def presses(name: str, label: str, icon: str) -> int:
    """A button, and how often it was pressed in this session."""
    key = f"presses_{name}"
    st.button(label, icon=icon, key=f"press_{name}", on_click=_count, args=(key,))
    return int(st.session_state.get(key, 0))


def once(name: str, label: str, icon: str) -> bool:
    """A button that is gone when it has been pressed; whether it has."""
    return bool(st.session_state.get(f"presses_{name}")) or bool(presses(name, label, icon))


def _count(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1


def seed(default: int = 0) -> int:
    """The seed of everything random on the page, with a button that rolls the next one."""
    key = bind("seed", default, parse_integer("seed", 0, MAX_SEED))

    def roll() -> None:
        keep("seed", (st.session_state[key] + 1) % MAX_SEED, default)

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        value = st.number_input(
            _("Seed"),
            0,
            MAX_SEED,
            step=1,
            key=key,
            help=help_of("seed"),
            on_change=_remember_widget,
            args=("seed", default),
            width=140,
        )
        st.button("", icon=":material/casino:", help=_("New noise"), on_click=roll, key="roll_seed")
    note("seed")
    return value
