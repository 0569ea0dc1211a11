"""What a class sees of its teacher, taken apart and checked field by field before anyone is told."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from pages.shared.classroom.bounds import Refused

__all__ = ["OWN", "Shown", "State", "fields", "number", "read_query", "read_state", "word"]

OWN = frozenset({"lang", "class", "embed", "embed_options", "view", "panels"})  # each reader's own, in the URL
KEY = re.compile(r"[\w:.-]{1,60}", re.ASCII)
NAME = re.compile(r"[A-Za-z_]\w{0,39}", re.ASCII)
MOST = 12  # timelines of a page, handles of a timeline
PARAMETERS = 30
LONGEST = 400  # characters of a parameter's value
LARGE = 1e9
SPEEDS = (0.25, 4.0)
T = TypeVar("T")


@dataclass(frozen=True)
class Shown:
    """Where a timeline lies, by t and by the number of its place, where t comes twice; what is picked and held."""

    t: float
    position: int
    pick: int
    handles: Mapping[str, float]
    playing: bool
    speed: float


@dataclass(frozen=True)
class State:
    """The teacher's lesson, its controls as its URL has them, and its timelines by their keys."""

    lesson: str
    query: str
    shown: Mapping[str, Shown]


def _wrong() -> Refused:
    return Refused(400, "field")


def fields(raw: object, names: str) -> Mapping[str, Any]:
    """An object that has just these fields; ``names`` has spaces between them."""
    if not isinstance(raw, dict) or set(raw) != set(names.split()):
        raise _wrong()
    return raw


def word(raw: object, pattern: re.Pattern[str]) -> str:
    """A text that is what the pattern says, all of it."""
    if not isinstance(raw, str) or not pattern.fullmatch(raw):
        raise _wrong()
    return raw


def number(raw: object, low: float = -LARGE, high: float = LARGE) -> float:
    """A number from low to high."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not low <= raw <= high:  # NaN fails too
        raise _wrong()
    return raw


def whole(raw: object) -> int:
    """A whole number from 0."""
    if not isinstance(raw, int):
        raise _wrong()
    return int(number(raw, 0))


def truth(raw: object) -> bool:
    """True or false."""
    if not isinstance(raw, bool):
        raise _wrong()
    return raw


def _each(raw: object, pattern: re.Pattern[str], read: Callable[[object], T]) -> dict[str, T]:
    """A few values by their names."""
    if not isinstance(raw, dict) or len(raw) > MOST:
        raise _wrong()
    return {word(name, pattern): read(value) for name, value in raw.items()}


def _shown(raw: object) -> Shown:
    at = fields(raw, "t position pick handles playing speed")
    return Shown(
        t=number(at["t"]),
        position=whole(at["position"]),
        pick=whole(at["pick"]),
        handles=_each(at["handles"], NAME, number),
        playing=truth(at["playing"]),
        speed=number(at["speed"], *SPEEDS),
    )


def read_query(raw: object) -> str:
    """The controls of a URL, written as a URL has them.

    Raises:
        Refused: no such thing, or with parameters that are each reader's own.
    """
    if not isinstance(raw, str):
        raise _wrong()
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=PARAMETERS)
    except ValueError:
        raise _wrong() from None
    for name, value in pairs:
        if word(name, NAME) in OWN or len(value) > LONGEST or not value.isprintable():
            raise _wrong()
    return urlencode(pairs)


def read_state(raw: object, lessons: frozenset[str]) -> State:
    """A teacher's message; ``lessons`` are the names that a place may have.

    Raises:
        Refused: a field is not what it must be.
    """
    said = fields(raw, "lesson query shown")
    if said["lesson"] not in lessons if isinstance(said["lesson"], str) else True:
        raise _wrong()
    return State(said["lesson"], read_query(said["query"]), _each(said["shown"], KEY, _shown))
