"""The classes of this server, in its memory and nowhere else.

A room has a code that everybody may know, the teacher's secret, and seats: a seat is a random token of a browser, and
stands for nobody. All runs on the server's one event loop, so there is no lock.
"""

import asyncio
import hmac
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pages.shared.classroom.bounds import Bounds, Clock, Rate, Refused
from pages.shared.classroom.state import State
from pages.shared.classroom.stream import Listener

__all__ = ["ALPHABET", "Hub", "Room"]

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that looks like another one: no O 0, no I 1 L
LENGTH = 6
SWEEP = 30.0  # seconds
SHOWN = 3  # places where a class is lost

Place = tuple[str, float]  # a lesson and its t


@dataclass
class Seat:
    """A browser: its streams, whether it follows, where it was lost last, when it left."""

    streams: list[Listener] = field(default_factory=list)
    follows: bool = True
    lost: tuple[float, Place] | None = None
    left: float = 0.0


class Room:
    """A class."""

    def __init__(self, code: str, teacher: str, state: State, *, bounds: Bounds, clock: Clock) -> None:
        self.code, self.state = code, state
        self.secret = secrets.token_urlsafe(32)
        self.ended: float | None = None
        self.heard = clock()
        self.seats = {teacher: Seat(left=clock())}
        self._teacher, self._bounds, self._clock = teacher, bounds, clock
        self._steers, self._says = Rate(bounds.steers, 1.0, clock), Rate(bounds.says, 10.0, clock)
        self._counting: asyncio.TimerHandle | None = None

    # --- the teacher ---

    def is_teacher(self, secret: str) -> bool:
        """Whether it is the teacher's secret; how long that takes tells nothing."""
        return hmac.compare_digest(self.secret.encode(), secret.encode())

    def steer(self, state: State) -> None:
        """The teacher is somewhere else: everyone is told."""
        self._steers.take("")
        self.heard, self.state = self._clock(), state
        self._tell_all()

    def end(self) -> None:
        """The class is over: everyone is told, and every stream ends."""
        self.ended = self.ended if self.ended is not None else self._clock()
        self._tell_all()
        self._tell_teacher()
        self.close()

    @property
    def attended(self) -> bool:
        """Whether its teacher is there, or was not long ago."""
        there = bool(self.seats[self._teacher].streams)
        return there or self._clock() - self.heard <= self._bounds.silence

    @property
    def is_empty(self) -> bool:
        """Whether nobody is there, and nothing was heard of its teacher for a while."""
        alone = not any(seat.streams for seat in self.seats.values())
        return alone and self._clock() - self.heard > self._bounds.away

    # --- a seat ---

    def join(self, token: str) -> None:
        """Take a seat, or the one that one had."""
        if token not in self.seats:
            if len(self.seats) >= self._bounds.seats:
                self._free_one()
            self.seats[token] = Seat(left=self._clock())

    def follow(self, token: str, follows: bool) -> None:
        """A student follows, or goes alone."""
        self._says.take(token)
        self.seats[token].follows = follows
        self._count_soon()

    def lose(self, token: str, place: Place) -> None:
        """A student is lost here."""
        self._says.take(token)
        self.seats[token].lost = (self._clock(), place)
        self._count_soon()

    def listen(self, token: str) -> Callable[[Listener], Iterator[None]]:
        """A stream of that seat, which is told the whole at once."""

        def sits(listener: Listener) -> Iterator[None]:
            seat = self.seats[token]
            seat.streams.append(listener)
            if len(seat.streams) > self._bounds.streams:
                seat.streams[0].close()
                del seat.streams[0]
            self._count_soon()
            listener.offer(self._event(self._counts() if token == self._teacher else self._place()))
            if self.ended is not None:
                listener.close()
            try:
                yield
            finally:
                if listener in seat.streams:
                    seat.streams.remove(listener)
                seat.left = self._clock()
                self._count_soon()

        return sits

    def close(self) -> None:
        """End every stream."""
        for seat in self.seats.values():
            for listener in seat.streams:
                listener.close()

    def _free_one(self) -> None:
        now = self._clock()
        for token, seat in self.seats.items():
            if token != self._teacher and not seat.streams and now - seat.left > self._bounds.away:
                del self.seats[token]
                return
        raise Refused(503, "seats")

    # --- what is told ---

    def _event(self, said: Mapping[str, Any]) -> bytes:
        return f"data: {json.dumps({**said, 'ended': self.ended is not None}, ensure_ascii=False)}\n\n".encode()

    def _place(self) -> dict[str, Any]:
        return asdict(self.state)

    def _counts(self) -> dict[str, Any]:
        """What the teacher alone is told."""
        here = [seat for token, seat in self.seats.items() if seat.streams and token != self._teacher]
        since = self._clock() - self._bounds.lost
        lost = Counter(seat.lost[1] for seat in self.seats.values() if seat.lost and seat.lost[0] > since)
        few = self._bounds.few
        return {
            "here": len(here),
            "following": sum(seat.follows for seat in here),
            "lost": [
                {"lesson": lesson, "t": t, "count": count if count >= few else None}
                for (lesson, t), count in lost.most_common(SHOWN)
            ],
        }

    def _tell_all(self) -> None:
        event = self._event(self._place())  # written once
        for token, seat in self.seats.items():
            if token != self._teacher:
                for listener in seat.streams:
                    listener.offer(event)

    def _tell_teacher(self) -> None:
        self._counting = None
        event = self._event(self._counts())
        for listener in self.seats[self._teacher].streams:
            listener.offer(event)

    def _count_soon(self) -> None:
        if self._counting is None:
            self._counting = asyncio.get_running_loop().call_later(self._bounds.counted, self._tell_teacher)


class Hub:
    """All classes. One for each server."""

    def __init__(self, bounds: Bounds | None = None, clock: Clock = time.monotonic) -> None:
        self.bounds = bounds or Bounds()
        self.rooms: dict[str, Room] = {}
        self.closed = False
        self._clock = clock
        self._failures = Rate(self.bounds.failures, 60.0, clock)
        self._begun = Rate(self.bounds.begun, 60.0, clock)
        self._sweeping: asyncio.TimerHandle | None = None

    def begin(self, address: str, teacher: str, state: State) -> Room:
        """A class of its own.

        Raises:
            Refused: there are too many, or too many came from that address.
        """
        self._begun.take(address)
        self._come_again()
        if len(self.rooms) >= self.bounds.rooms:
            self._free_one()
        code = draw_code()
        while code in self.rooms:
            code = draw_code()
        room = self.rooms[code] = Room(code, teacher, state, bounds=self.bounds, clock=self._clock)
        return room

    def room(self, code: str, address: str, key: str = "") -> Room:
        """The class with a code: the one door, whoever comes.

        An address that tried too many wrong codes is let in with a ``key`` alone: a seat in the class, or its secret.

        Raises:
            Refused: there is none, or too many codes were tried.
        """
        room = self.rooms.get(code)
        if self._failures.full(address) and not (room and (key in room.seats or room.is_teacher(key))):
            raise Refused(429, "attempts")
        if room is None:
            self._failures.note(address)
            self._come_again()
            raise Refused(404, "unknown")
        return room

    def _free_one(self) -> None:
        """Forget a class that has ended, or where nobody is."""
        for code, room in self.rooms.items():
            if room.ended is not None or room.is_empty:
                room.close()
                del self.rooms[code]
                return
        raise Refused(503, "rooms")

    def sweep(self) -> None:
        """End what is left alone, forget what is over, and come again while there is anything."""
        now = self._clock()
        for code, room in tuple(self.rooms.items()):
            if room.ended is None and not room.attended:
                room.end()
            if room.ended is not None and now - room.ended >= self.bounds.kept:
                room.close()
                del self.rooms[code]
        left = [self._failures.tidy(), self._begun.tidy(), bool(self.rooms)]
        self._sweeping = None
        if any(left):
            self._come_again()

    def _come_again(self) -> None:
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP, self.sweep)

    def close(self) -> None:
        """The server stops: it waits for its streams, so they end."""
        self.closed = True
        for room in self.rooms.values():
            room.close()


def draw_code() -> str:
    """Six characters that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
