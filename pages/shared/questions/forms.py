"""The forms of a question, and how an answer is marked: against what the core computes, never against a stored answer.

=========== ============================ =====================================================================
form        an answer                    is right
=========== ============================ =====================================================================
``Choice``  the number of an option      if it is that one
``Number``  a number                     if it is within a half-width of the value
``Curve``   heights at even places of x  if SHARE of them lie within a half-width of the curve's
``Point``   a place in the plane         if it is within a radius
=========== ============================ =====================================================================

A wrong answer that a known mistake leads to is named.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffusion_core.errors import BadInput
from pages.shared.palette import COLORS

__all__ = [
    "Asked",
    "Choice",
    "Curve",
    "Form",
    "Mistake",
    "Number",
    "Point",
    "Question",
    "Say",
    "Sketch",
    "Verdict",
    "sketches",
    "told_apart",
]

Answer = Any  # of JSON: a number, or a list of numbers
Spec = dict[str, Any]
SHARE = 0.9  # of a curve's places


@dataclass(frozen=True, init=False)
class Say:
    """A sentence in English with its facts, which may be such sentences; whoever shows it translates it."""

    template: str
    facts: "Mapping[str, str | Say]"

    def __init__(self, template: str, **facts: "str | Say") -> None:
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "facts", facts)


@dataclass(frozen=True)
class Mistake:
    """What one answers who makes it, and what is said to that."""

    says: Say
    answer: Answer


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right; if not, the mistake that leads to it, where it is a known one."""

    right: bool
    mistake: Mistake | None = None


@dataclass(frozen=True, eq=False)
class Sketch:
    """A small picture: curves over x and points, each with its name and colour, in a box.

    Attributes:
        x, y: the ends of the axes.
        curves: by name, heights at even places of x.
        points: by name, (n, 2) places.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    points: Mapping[str, np.ndarray] = field(default_factory=dict)
    colors: Mapping[str, str] = field(default_factory=dict)

    def spec(self) -> Spec:
        """What the browser draws."""

        def look(name: str, values: np.ndarray) -> Spec:
            return {"name": name, "color": self.colors.get(name, COLORS["x_t"]), "values": shortened(values)}

        return {
            "x": list(self.x),
            "y": list(self.y),
            "curves": [look(*one) for one in self.curves.items()],
            "points": [look(*one) for one in self.points.items()],
        }


def shortened(values: np.ndarray) -> list[Any]:
    """Numbers as they are sent: four digits after the point are more than a screen shows."""
    listed: list[Any] = np.round(np.asarray(values, dtype=float), 4).tolist()
    return listed


class Form(ABC):
    """How a question is asked and marked."""

    truth: Answer
    mistakes: Sequence[Mistake]

    @abstractmethod
    def read(self, answer: Answer) -> Any:
        """What came from a browser, checked. Raises BadInput where it is no answer to this."""

    @abstractmethod
    def near(self, given: Any, other: Answer) -> float:
        """How far an answer is from another one; at most 1 where it counts as the same."""

    @abstractmethod
    def spec(self) -> Spec:
        """What the browser needs in order to ask."""

    @abstractmethod
    def revealed(self) -> Spec:
        """What the browser draws when the answer is out."""

    def mark(self, answer: Answer) -> Verdict:
        """Whether it is right, or which known mistake it is. Raises BadInput."""
        given = self.read(answer)
        if self.near(given, self.truth) <= 1:
            return Verdict(True)
        distances = [(self.near(given, one.answer), k) for k, one in enumerate(self.mistakes)]
        nearest, k = min(distances, default=(math.inf, 0))
        return Verdict(False, self.mistakes[k] if nearest <= 1 else None)


def number(answer: Answer) -> float:
    """A finite number."""
    fits = isinstance(answer, int | float) and not isinstance(answer, bool) and math.isfinite(answer)
    if not fits:
        raise BadInput("An answer must be a number; got {got}.", got=repr(answer)[:40])
    return float(answer)


def numbers(answer: Answer, n: int) -> np.ndarray:
    """So many of them."""
    if not isinstance(answer, list) or len(answer) != n:
        raise BadInput("An answer must be {n} numbers; got {got}.", n=n, got=repr(answer)[:40])
    return np.array([number(one) for one in answer])


@dataclass(frozen=True, eq=False)
class Choice(Form):
    """Which of these: pictures, or words. ``mistakes`` are the other options, each with what leads to it."""

    options: Sequence[Sketch | Say]
    truth: int
    mistakes: Sequence[Mistake]
    shown: Sketch | None = None

    def read(self, answer: Answer) -> int:
        if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < len(self.options):
            raise BadInput(
                "An answer must be a whole number from 0 to {most}; got {got}.",
                most=len(self.options) - 1,
                got=repr(answer)[:40],
            )
        return answer

    def near(self, given: int, other: Answer) -> float:
        return 0.0 if given == other else math.inf

    def spec(self) -> Spec:
        options = [one.spec() if isinstance(one, Sketch) else one for one in self.options]
        return {"kind": "choice", "options": options, "shown": self.shown and self.shown.spec()}

    def revealed(self) -> Spec:
        return {"option": self.truth}

    @classmethod
    def shuffled(
        cls,
        right: Sketch | Say,
        wrong: Sequence[tuple[Say, Sketch | Say]],
        rng: np.random.Generator,
        shown: Sketch | None = None,
    ) -> "Choice":
        """The right one among the wrong ones, each with what leads to it, in any order."""
        all_of_them = [right, *(one for _says, one in wrong)]
        order = rng.permutation(len(all_of_them)).tolist()
        mistakes = tuple(Mistake(says, order.index(k + 1)) for k, (says, _one) in enumerate(wrong))
        return cls([all_of_them[k] for k in order], order.index(0), mistakes, shown)


@dataclass(frozen=True, eq=False)
class Number(Form):
    """A number in low..high; right within ``within`` of the truth."""

    truth: float
    within: float
    mistakes: Sequence[Mistake]
    low: float = 0.0
    high: float = 1.0
    shown: Sketch | None = None

    def read(self, answer: Answer) -> float:
        return number(answer)

    def near(self, given: float, other: Answer) -> float:
        return abs(given - float(other)) / self.within

    def spec(self) -> Spec:
        return {"kind": "number", "low": self.low, "high": self.high, "shown": self.shown and self.shown.spec()}

    def revealed(self) -> Spec:
        return {"value": float(f"{self.truth:.4g}"), "within": self.within}


@dataclass(frozen=True, eq=False)
class Curve(Form):
    """A curve to be drawn into a sketch: heights at even places of x; right where most lie near the truth."""

    shown: Sketch
    truth: np.ndarray
    within: float
    mistakes: Sequence[Mistake]

    def read(self, answer: Answer) -> np.ndarray:
        return numbers(answer, len(self.truth))

    def near(self, given: np.ndarray, other: Answer) -> float:
        """The half-width of the band that holds SHARE of the places, in units of the one allowed."""
        return float(np.quantile(np.abs(given - other), SHARE)) / self.within

    def spec(self) -> Spec:
        return {"kind": "curve", "places": len(self.truth), "shown": self.shown.spec()}

    def revealed(self) -> Spec:
        return {"curve": shortened(self.truth), "within": self.within}


@dataclass(frozen=True, eq=False)
class Point(Form):
    """A point to be dragged to its place in a sketch; right within a radius of the truth."""

    shown: Sketch
    truth: np.ndarray
    within: float
    mistakes: Sequence[Mistake]

    def read(self, answer: Answer) -> np.ndarray:
        return numbers(answer, 2)

    def near(self, given: np.ndarray, other: Answer) -> float:
        return float(np.linalg.norm(given - other)) / self.within

    def spec(self) -> Spec:
        return {"kind": "point", "shown": self.shown.spec()}

    def revealed(self) -> Spec:
        return {"point": shortened(self.truth), "within": self.within}


def sketches(form: Form) -> list[Sketch]:
    """All that it shows in pictures."""
    shown = [getattr(form, "shown", None), *getattr(form, "options", ())]
    return [one for one in shown if isinstance(one, Sketch)]


def told_apart(form: Form) -> bool:
    """Whether no answer can be near both the truth and a mistake; and of two mistakes the nearer one was made."""
    wrong = [one.answer for one in form.mistakes]
    pairs = ((a, b) for k, a in enumerate(wrong) for b in wrong[:k])
    return all(form.near(form.truth, one) > 2 for one in wrong) and all(form.near(a, b) > 1 for a, b in pairs)


def fresh(make: Callable[[np.random.Generator], "Asked"], seed: int) -> "Asked":
    """The first of the seed's draws in which the truth and all mistakes can be told apart.

    Raises:
        BadInput: a hundred draws have none: the question is no good one.
    """
    rng = np.random.default_rng(seed)
    for _draw in range(100):
        asked = make(rng)
        if told_apart(asked.form):
            return asked
    raise BadInput("No question could be made of the seed {seed}.", seed=seed)


@dataclass(frozen=True)
class Asked:
    """A question with today's numbers; ``because`` is what is true, and why: said when the answer is out."""

    says: Say
    form: Form
    because: Say


@dataclass(frozen=True)
class Question:
    """One question of a lesson, by its name in the URL; ``draw`` gives it fresh numbers."""

    name: str
    draw: Callable[[np.random.Generator], Asked]

    def make(self, seed: int) -> Asked:
        """With the numbers of a seed."""
        return fresh(self.draw, seed)
