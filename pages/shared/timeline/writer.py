"""Gathers what a timeline sends: arrays by their names, and the JSON that names them.

Tracks, layers and panels pack themselves into a `Writer`; what each of them needs checked stands there. What several of
them need stands here.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from diffusion_core.errors import BadInput

__all__ = ["Packed", "PickKind", "Shape", "Spec", "Track", "Writer", "interval"]

Spec = dict[str, Any]
Shape = tuple[int, ...]
Packed = tuple[Spec, Shape]  # of a track: its JSON, and the shape of its values at one position
PickKind = Literal["point", "element"]


class Track(ABC):
    """One quantity over the positions of the slider."""

    @abstractmethod
    def pack(self, w: "Writer", name: str) -> Packed:
        """Put its arrays into the writer, under its name."""


class Writer:
    """The arrays, and the tracks that were written, each once.

    Attributes:
        count: how many positions there are.
        kind: what a click picks, or None.
    """

    def __init__(self, count: int, tracks: Mapping[str, Track], kind: PickKind | None) -> None:
        self.count = count
        self.kind = kind
        self.arrays: dict[str, np.ndarray] = {}
        self.tracks: dict[str, Spec] = {}
        self._given = tracks
        self._shapes: dict[str, Shape] = {}
        self._open: list[str] = []  # tracks being written, outermost first

    def put(self, name: str, values: ArrayLike, dtype: str) -> str:
        """Keep one array, finite and contiguous; returns its name."""
        array = np.ascontiguousarray(values, dtype=dtype)
        if dtype != "uint8" and not np.isfinite(array).all():
            raise BadInput("{name} must be finite; got NaN or infinity.", name=name)
        self.arrays[name] = array
        return name

    def put_over(self, name: str, values: ArrayLike, dtype: str = "float64") -> str:
        """Keep one array whose first axis is the position."""
        shape = np.shape(values)
        if not shape or shape[0] != self.count:
            raise BadInput(
                "{name} must have one entry for each of the {count} positions; got shape {shape}.",
                name=name,
                count=self.count,
                shape=shape,
            )
        return self.put(name, values, dtype)

    def put_numbers(self, name: str, values: ArrayLike) -> str:
        """Keep one float64 number a position."""
        self.put_over(name, values)
        if np.ndim(values) != 1:
            raise BadInput(
                "{name} must have one number a position; got shape {shape}.", name=name, shape=np.shape(values)
            )
        return name

    def write(self, name: str, track: Track) -> Shape:
        """Write a track under a name; returns the shape of its values at one position."""
        if not isinstance(track, Track):
            raise BadInput("Track {name!r} must be a track; got {got}.", name=name, got=type(track).__name__)
        self.tracks[name], self._shapes[name] = track.pack(self, name)
        return self._shapes[name]

    def track(self, name: str) -> Shape:
        """Write a track of the picture, if it is not written yet; returns the shape of its values at one position."""
        if name in self._shapes:
            return self._shapes[name]
        if name not in self._given:
            known = ", ".join(map(str, self._given)) or "none"
            raise BadInput("There is no track {name!r}; there are: {known}.", name=name, known=known)
        if name in self._open:
            raise BadInput("Track {name!r} must not refer to itself.", name=name)
        self._open.append(name)
        shape = self.write(name, self._given[name])
        self._open.pop()
        return shape

    def scalar(self, name: str) -> str:
        """A track of one number; returns its name."""
        if self.track(name) != ():
            raise BadInput(
                "Track {name!r} must be one number at each position; got shape {shape}.",
                name=name,
                shape=self.track(name),
            )
        return name

    def points(self, name: str) -> str:
        """A track of points in the plane; returns its name."""
        shape = self.track(name)
        if len(shape) != 2 or shape[1] != 2:
            raise BadInput("Track {name!r} must hold points, shape (n, 2); got {shape}.", name=name, shape=shape)
        return name

    def component(self, name: str, component: int) -> int:
        """A component of a track's points; returns it."""
        width = int(np.prod(self.track(name)[1:]))
        if not 0 <= component < width:
            raise BadInput(
                "component of a Probe of {name!r} must lie in 0..{most}; got {got}.",
                name=name,
                most=width - 1,
                got=component,
            )
        return component


def interval(name: str, value: tuple[float, float]) -> None:
    """Refuse what is no interval."""
    if len(value) != 2 or not value[0] < value[1]:
        raise BadInput("{name} must be (low, high) with low < high; got {got}.", name=name, got=value)
