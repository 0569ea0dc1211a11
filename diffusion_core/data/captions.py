"""The language of the captioned scenes: what can be drawn, how it is said, and how a sentence is read."""

import re
from dataclasses import dataclass

from diffusion_core.errors import BadInput

__all__ = [
    "COLOURS",
    "GROUNDS",
    "HELD_OUT",
    "PLACES",
    "RELATIONS",
    "SHAPES",
    "SIZES",
    "VOCABULARY",
    "Caption",
    "Thing",
    "parse",
    "words_of",
]
COLOURS = {
    "red": (0.86, 0.13, 0.15),
    "orange": (0.97, 0.55, 0.08),
    "yellow": (0.98, 0.87, 0.16),
    "green": (0.13, 0.62, 0.25),
    "cyan": (0.14, 0.78, 0.83),
    "blue": (0.14, 0.28, 0.86),
    "purple": (0.50, 0.16, 0.66),
    "pink": (0.97, 0.50, 0.75),
}
"""Red, green and blue, 0 to 1."""
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
SIZES = {"small": 4.6, "large": 6.5}
"""The radius in pixels."""
GROUNDS = {"light": 0.93, "dark": 0.10}
"""The grey of the ground, 0 to 1."""
PLACES = {
    "at the top left": (8.0, 8.0),
    "at the top": (16.0, 8.0),
    "at the top right": (24.0, 8.0),
    "on the left": (8.0, 16.0),
    "in the middle": (16.0, 16.0),
    "on the right": (24.0, 16.0),
    "at the bottom left": (8.0, 24.0),
    "at the bottom": (16.0, 24.0),
    "at the bottom right": (24.0, 24.0),
}
"""Where the centre is: pixels to the right, pixels down."""
RELATIONS = {
    "above": ("at the top", "at the bottom"),
    "below": ("at the bottom", "at the top"),
    "to the left of": ("on the left", "on the right"),
    "to the right of": ("on the right", "on the left"),
}
"""Where the first and the second of two things are."""
HELD_OUT = {
    "circle": "cyan",
    "square": "orange",
    "triangle": "purple",
    "star": "red",
    "cross": "yellow",
    "ring": "green",
}


# --- captions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thing:
    """A shape with a colour; size is small, large, or None: unsaid."""

    colour: str
    shape: str
    size: str | None = None

    def __str__(self) -> str:
        return " ".join(["a", *([self.size] if self.size else []), self.colour, self.shape])


@dataclass(frozen=True)
class Caption:
    """One thing or two, and where: a place for one, a relation for two (None: unsaid); and the ground, or None.

    ``str(caption)`` is the sentence.
    """

    things: tuple[Thing, ...]
    where: str | None = None
    ground: str | None = None

    def __str__(self) -> str:
        if len(self.things) == 2:
            parts = [str(self.things[0]), self.where or "and", str(self.things[1])]
        else:
            parts = [str(self.things[0]), *([self.where] if self.where else [])]
        return " ".join([*parts, *([f"on a {self.ground} ground"] if self.ground else [])])

    @property
    def is_held_out(self) -> bool:
        """Whether a colour and a shape meet that never meet in training."""
        return any(HELD_OUT[thing.shape] == thing.colour for thing in self.things)


SYNONYMS = {
    "an": "a",
    "background": "ground",
    "backdrop": "ground",
    "big": "large",
    "black": "dark",
    "bright": "light",
    "center": "middle",
    "centre": "middle",
    "disc": "circle",
    "disk": "circle",
    "donut": "ring",
    "huge": "large",
    "little": "small",
    "magenta": "pink",
    "over": "above",
    "plus": "cross",
    "tiny": "small",
    "turquoise": "cyan",
    "under": "below",
    "upper": "top",
    "lower": "bottom",
    "violet": "purple",
    "white": "light",
}

VOCABULARY = tuple(
    dict.fromkeys(
        word
        for phrase in (
            "a",
            "and",
            *SIZES,
            *COLOURS,
            *SHAPES,
            *PLACES,
            *RELATIONS,
            *(f"on a {g} ground" for g in GROUNDS),
        )
        for word in phrase.split()
    )
)
"""All words of all captions, in one order that never changes: a network's numbers for them depend on it."""


def words_of(text: str) -> list[str]:
    """The words of a prompt in the vocabulary's spelling: lower case, synonyms replaced.

    Raises:
        BadInput: words that the vocabulary has not; it names them.
    """
    words = [SYNONYMS.get(word, word) for word in re.findall(r"[^\s.,;:!?\"()]+", text.lower())]
    unknown = [word for word in dict.fromkeys(words) if word not in VOCABULARY]
    if unknown:
        named = ", ".join(word[:20] for word in unknown[:5])
        raise BadInput(
            "The prompt has words that the model never saw: {named}. It knows these, in just this form: {known}.",
            named=named + (", …" if len(unknown) > 5 else ""),
            known=", ".join(VOCABULARY),
        )
    return words


def parse(text: str) -> Caption:
    """What a prompt asks for, as far as it can be judged: `str` backwards, and a little freer.

    Raises:
        BadInput: words that the vocabulary has not; no shape, a shape without a colour, or more than two shapes.
    """
    words = words_of(text)
    at = [i for i, word in enumerate(words) if word in SHAPES]
    if not 1 <= len(at) <= 2:
        raise BadInput("A prompt that can be judged names one or two shapes; this one names {got}.", got=len(at))
    starts = [0, at[0] + 1]
    parts = [words[start : end + 1] for start, end in zip(starts, at, strict=False)]
    things = tuple(_thing(part) for part in parts)
    rest = words[at[-1] + 1 :]
    ground = next((g for g in GROUNDS if g in rest), None)
    if len(things) == 2:
        return Caption(things, _relation(parts[1]), ground)
    before = [word for word in parts[0][:-1] if word in ("top", "bottom", "left", "right", "middle")]
    return Caption(things, _place(before + rest), ground)


def _thing(words: list[str]) -> Thing:
    colour = next((word for word in words if word in COLOURS), None)
    if colour is None:
        raise BadInput("Each shape of a prompt that can be judged has a colour; the {shape} has none.", shape=words[-1])
    return Thing(colour, words[-1], next((word for word in words if word in SIZES), None))


def _relation(between: list[str]) -> str | None:
    keys = {"above": "above", "below": "below", "left": "to the left of", "right": "to the right of"}
    return next((keys[word] for word in between if word in keys), None)


def _place(words: list[str]) -> str | None:
    row = next((word for word in words if word in ("top", "bottom")), "")
    column = next((word for word in words if word in ("left", "right")), "")
    named = f"{row} {column}".strip()
    if not named:
        return "in the middle" if "middle" in words else None
    return next(place for place in PLACES if place.removeprefix("at the ").removeprefix("on the ") == named)
