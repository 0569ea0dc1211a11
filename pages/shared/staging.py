"""How the URL wants a lesson's timeline shown: ``view=stage``, ``panels=0,2``, ``cover=1``, ``stops=0,500,1000``."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from diffusion_core.errors import BadInput
from pages.shared import controls
from pages.shared.timeline import Picture, View, nearest

__all__ = ["asked", "keep"]

MOST = 100  # numbers in a list
Numbers = tuple[float, ...]
NONE: Numbers = ()


def asked(picture: Picture) -> View:
    """What the URL asks for. Stops are values of the slider: a play halts there, a remote goes from one to the next."""
    places, last = picture.positions, picture.panels - 1
    panels = controls.get("panels", NONE, _parse("panels", 0, last, whole=True))
    stops = controls.get("stops", NONE, _parse("stops", min(0, *places), max(places)))
    return View(
        stage=controls.get("view", "", controls.parse_choice("view", ("stage",))) == "stage",
        panels=tuple(int(number) for number in panels if number <= last),
        cover=controls.get("cover", "", controls.parse_choice("cover", ("1",))) == "1",
        stops=tuple(sorted({nearest(places, value) for value in stops})),
    )


def keep(chosen: Mapping[str, Any]) -> None:
    """Write into the URL what a hand chose."""
    controls.keep("view", "stage" if chosen["stage"] else "", "")
    controls.keep("cover", "1" if chosen["cover"] else "", "")
    panels = tuple(float(number) for number in chosen["panels"])
    controls.remember("panels", ",".join(f"{number:g}" for number in panels), "")
    st.session_state[controls.key_of("panels")] = panels


def _parse(name: str, low: float, high: float, *, whole: bool = False) -> Callable[[str], Numbers]:
    """A list of numbers with commas between them."""

    def parse(raw: str) -> Numbers:
        try:
            values = tuple(float(word) for word in raw.split(","))
        except ValueError:
            values = NONE
        fits = all(low <= value <= high and (value.is_integer() or not whole) for value in values)
        if not 0 < len(values) <= MOST or not fits:
            raise BadInput(
                "{name} in the URL is {got}; it must be numbers from {low} to {high}, with commas between them.",
                name=name,
                got=repr(raw[:40]),
                low=low,
                high=high,
            )
        return values

    return parse
