"""A class that follows its teacher: rooms in this server's memory, routes beside its pages. It knows no Streamlit."""

import os
from collections.abc import Iterable

from starlette.routing import BaseRoute

from pages.shared.classroom.bounds import Bounds, Refused
from pages.shared.classroom.ending import ended_by_signals
from pages.shared.classroom.hub import Hub
from pages.shared.classroom.routes import Door
from pages.shared.classroom.state import fields, read_query

__all__ = ["HUB", "Refused", "ended_by_signals", "fields", "read_query", "routes"]

SILENCE = "CLASS_SILENCE"  # minutes without its teacher after which a class ends by itself


def bounds_of(asked: str | None) -> Bounds:
    """The bounds, with the silence that was asked for.

    Raises:
        SystemExit: it is no number of minutes from 1 to 1440; the server does not start.
    """
    if asked is None:
        return Bounds()
    if not asked.isdecimal() or not 1 <= int(asked) <= 1440:
        raise SystemExit(f"{SILENCE} must be a whole number of minutes from 1 to 1440; got {asked[:40]!r}.")
    return Bounds(silence=60.0 * int(asked))


HUB = Hub(bounds_of(os.environ.get(SILENCE)))


def routes(base: str, lessons: Iterable[str]) -> list[BaseRoute]:
    """The routes of this server's classes; ``base`` is where its own pages begin."""
    return Door(HUB, frozenset(lessons), base).routes()
