"""A diagram of boxes and arrows with the shapes of the tensors; what is at work at each position is lit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from diffusion_core.errors import BadInput
from pages.shared.timeline.panels import Panel
from pages.shared.timeline.writer import Spec, Writer

__all__ = ["Arrow", "Box", "Diagram"]

Place = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A box: a tensor, or a network, which gets narrower or wider on its way to the right.

    Attributes:
        at: its middle, in the units of the diagram, y downwards.
        size: its width and height.
        name: what stands in it, a symbol or a word.
        note: below that, such as a shape.
        phase: when it is lit; without one, always.
        says: what it is, in words.
    """

    at: Place
    size: Place
    name: str
    note: str
    color: str
    phase: str = ""
    form: Literal["plain", "narrow", "wide"] = "plain"
    says: str = ""


@dataclass(frozen=True)
class Arrow:
    """An arrow along its points, lit in its phase; ``label`` stands beside its middle."""

    points: Sequence[Place]
    phase: str = ""
    label: str = ""
    dash: bool = False


@dataclass(frozen=True, eq=False)
class Diagram(Panel):
    """Boxes and arrows in width x height units. ``phases`` (P,) say from 0 to 1 how much is lit at each position."""

    title: str
    size: Place
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    phases: Mapping[str, np.ndarray]
    weight: float = 1.0

    def pack(self, w: Writer, name: str) -> Spec:
        for used in (*(box.phase for box in self.boxes), *(arrow.phase for arrow in self.arrows)):
            if used and used not in self.phases:
                raise BadInput("The diagram has no phase {name!r}.", name=used)
        phases = {phase: w.put_numbers(f"{name}.{phase}", lit) for phase, lit in self.phases.items()}
        if not all(w.arrays[stored].min() >= 0 and w.arrays[stored].max() <= 1 for stored in phases.values()):
            raise BadInput("The phases of a diagram must lie between 0 and 1.")
        parts = {"boxes": self.boxes, "arrows": self.arrows}
        return {
            "kind": "diagram",
            "title": self.title,
            "weight": self.weight,
            "size": list(self.size),
            "phases": phases,
            **{kind: [dict(vars(one)) for one in some] for kind, some in parts.items()},
        }
