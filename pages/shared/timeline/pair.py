"""Two pictures beside each other under one slider: what is shown of each, at every place of the slider."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pages.shared.timeline.blob import Beside, Picture

__all__ = ["pair"]


def pair(first: Picture, second: Picture, names: tuple[str, str]) -> Picture:
    """Both, each under its name. Panels that show the same stand side by side, on one scale.

    The slider has the places of both, in the playing order of the first. Where a picture has none, the last one that
    it has come through is shown: a chain of few steps stands still while one of many moves on.
    """
    places = _joined(first.positions, second.positions)
    sides = [
        {"name": name, "places": None if one.positions == places else _come_through(one.positions, places)}
        for name, one in zip(names, (first, second), strict=True)
    ]
    beside = Beside(second.blob, {"positions": list(places), "sides": sides, "length": len(first.blob)})
    picks, panels = min(first.picks, second.picks), first.panels + second.panels
    return replace(first, positions=places, beside=beside, picks=picks, panels=panels)


def _sign(places: Sequence[float]) -> int:
    """1 where they rise, -1 where they fall."""
    return 1 if places[-1] >= places[0] else -1


def _joined(first: tuple[float, ...], second: tuple[float, ...]) -> tuple[float, ...]:
    """The places of both in the first one's order."""
    if first == second:
        return first
    return tuple(sorted({*first, *second}, reverse=_sign(first) < 0))


def _come_through(own: tuple[float, ...], places: tuple[float, ...]) -> list[int]:
    """For each place of the slider the last of a picture's own places before it, or that one itself."""
    sign = _sign(places)
    found = np.searchsorted(sign * np.array(own), sign * np.array(places), side="right") - 1
    return [int(k) for k in np.maximum(found, 0)]
