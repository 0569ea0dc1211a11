"""Server-sent events: each is the whole of what its listener may know, so that the newest is enough.

A listener holds one event. A newer one takes its place, so that a slow listener costs no memory and never sees what is
old; one that takes nothing for a while is let go.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pages.shared.classroom.bounds import Bounds

__all__ = ["EventStream", "Listener"]

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx hands on each event as it comes
]
FIRST = b"retry: 1000\n\n"  # milliseconds after which a browser comes back
ALIVE = b": \n\n"


class Listener:
    """One stream: the event that is to be sent next, if there is one."""

    def __init__(self) -> None:
        self._news: bytes | None = None
        self._open = True
        self._bell = asyncio.Event()

    def offer(self, event: bytes) -> None:
        """The newest event."""
        self._news = event
        self._bell.set()

    def close(self) -> None:
        """No other one will come."""
        self._open = False
        self._bell.set()

    async def next(self, patience: float) -> bytes | None:
        """What is to be sent: the newest event, a sign of life after so many seconds without one, None at the end."""
        try:
            async with asyncio.timeout(patience):
                await self._bell.wait()
        except TimeoutError:
            return ALIVE
        self._bell.clear()
        news, self._news = self._news, None
        if not self._open:
            self._bell.set()
        return news


class EventStream(Response):
    """What a listener is told, for as long as it is there; ``sits`` lends it a seat."""

    def __init__(self, sits: Callable[[Listener], Iterator[None]], bounds: Bounds) -> None:
        super().__init__()
        self._sits, self._bounds = contextmanager(sits), bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        listener = Listener()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        gone = asyncio.ensure_future(_until_gone(receive, listener))
        end = asyncio.get_running_loop().call_later(self._bounds.lifetime, listener.close)
        try:
            with self._sits(listener):
                await self._tell(FIRST, send)
                while (event := await listener.next(self._bounds.heartbeat)) is not None:
                    await self._tell(event, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            pass  # it takes nothing, or is gone
        finally:
            gone.cancel()
            end.cancel()

    async def _tell(self, event: bytes, send: Send) -> None:
        async with asyncio.timeout(self._bounds.stalled):
            await send({"type": "http.response.body", "body": event, "more_body": True})


async def _until_gone(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.close()
