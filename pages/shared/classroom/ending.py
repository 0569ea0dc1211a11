"""Streams end when the server is told to stop: it waits for all that is open, and would wait for ever."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pages.shared.classroom.hub import Hub

__all__ = ["ended_by_signals"]


@contextmanager
def ended_by_signals(hub: Hub) -> Iterator[None]:
    """While the server runs, inside its loop: what ends it closes the hub first, then does what it did before."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def end(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(hub.close)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
