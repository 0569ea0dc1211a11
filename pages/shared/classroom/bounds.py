"""How much a class may have, and how long anything of it is kept."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Bounds", "Clock", "Rate", "Refused"]

Clock = Callable[[], float]
KEYS = 10_000  # of a rate: the oldest are forgotten first


class Refused(Exception):
    """A request that gets no more than a code word, which the browser says in its reader's language."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status, self.word = status, word


@dataclass(frozen=True)
class Bounds:
    """The numbers of a hub; times are in seconds.

    Attributes:
        rooms: classes at a time.
        seats: browsers in a class.
        streams: of one seat; the oldest goes when another one comes.
        body: bytes of a request.
        failures: wrong codes from one address in a minute. There are 31^6 codes: with 50 classes, who tries all day
            finds one with a chance of 1 in 200.
        begun: classes from one address in a minute.
        steers: moves of a teacher in a second.
        says: what a seat may say in ten seconds.
        lost: how long "lost here" counts.
        few: fewer answers than these are not shown as a number.
        kept: how long a class that has ended is known as such; then nothing is left.
        silence: after that long without its teacher a class ends by itself.
        away: a seat that was left so long ago is free, where no other one is.
        heartbeat: between two signs of life in a stream.
        stalled: how long a listener may take for one event.
        lifetime: of a stream, which its browser then opens anew: what does not come back had gone without a word.
        counted: between two counts of a class.
    """

    rooms: int = 50
    seats: int = 200
    streams: int = 3
    body: int = 2048
    failures: int = 60
    begun: int = 10
    steers: int = 20
    says: int = 10
    lost: float = 300.0
    few: int = 5
    kept: float = 600.0
    silence: float = 3600.0
    away: float = 120.0
    heartbeat: float = 15.0
    stalled: float = 10.0
    lifetime: float = 300.0
    counted: float = 0.25


class Rate:
    """At most so many in so many seconds, for each of a bounded number of keys."""

    def __init__(self, most: int, seconds: float, clock: Clock) -> None:
        self.most, self.seconds, self.clock = most, seconds, clock
        self._times: dict[str, list[float]] = {}

    def full(self, key: str) -> bool:
        """Whether there were so many already."""
        since = self.clock() - self.seconds
        times = [time for time in self._times.get(key, ()) if time > since]
        if times:
            self._times[key] = times
        else:
            self._times.pop(key, None)
        return len(times) >= self.most

    def note(self, key: str) -> None:
        """One more."""
        times = self._times.pop(key, [])
        self._times[key] = [*times, self.clock()][-self.most :]
        if len(self._times) > KEYS:
            del self._times[next(iter(self._times))]

    def tidy(self) -> bool:
        """Forget what is over; whether anything is left."""
        for key in tuple(self._times):
            self.full(key)
        return bool(self._times)

    def take(self, key: str) -> None:
        """One more, if there may be one.

        Raises:
            Refused: there were so many already.
        """
        if self.full(key):
            raise Refused(429, "rate")
        self.note(key)
