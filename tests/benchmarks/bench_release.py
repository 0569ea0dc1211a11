"""What it costs the server when a visitor lets a timeline go, for each timeline of each lesson.

    python tests/benchmarks/bench_release.py

A visitor opens the lesson and lets its slider go at one place after the other, as the browser says it: nothing but the
timeline's ear may run. Beside it, in turns, the least that Streamlit takes for that: an ear alone on a page. Times are
those of the servers' processors; the median over the rounds counts.
"""

import asyncio
import statistics
import sys
import time
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository's root: run as a plain file

from tests.benchmarks.bench_lessons import at_rest
from tests.benchmarks.visitors import ROOT, Ear, Server, Visitor, serve

MOST = 6.0  # ms a release
RELEASES = 50  # in a round: the clock of a process ticks every 10 ms
ROUNDS = 3


async def milliseconds(server: Server, visitor: Visitor, ear: Ear, places: list[float]) -> float:
    """Processor time of one of some releases, up to when the server is at rest again."""
    before = server.seconds()
    for t, _release in zip(cycle(places), range(RELEASES), strict=False):
        sent = await visitor.release(ear, t)
        if sent.whole or sent.exceptions:
            raise RuntimeError(f"{visitor.page} ran its script at a release: {sent.exceptions}")
    return 1000 * (await at_rest(server) - before) / RELEASES


async def measure(server: Server, bare: Server) -> None:
    """A line a timeline."""
    async with Visitor(server.port) as visitor:
        await visitor.open("")
        lessons = list(visitor.pages)
    for lesson in lessons:
        async with Visitor(server.port) as visitor, Visitor(bare.port) as other:
            (alone,) = (await other.open("")).ears.values()
            sent = await visitor.open(lesson)
            for key, ear in sent.ears.items():
                taken, least = [], []
                for _round in range(ROUNDS):
                    taken.append(await milliseconds(server, visitor, ear, sent.places[key][1:-1]))
                    least.append(await milliseconds(bare, other, alone, list(range(1, RELEASES))))
                took, bottom = statistics.median(taken), statistics.median(least)
                word = "holds" if took <= MOST else "MISSED"
                print(f"{lesson or 'start':20}{key:20}{took:7.1f} ms{bottom:13.1f} ms   {word}", flush=True)


def main() -> None:
    print(f"Processor time of a release (at most {MOST:g} ms)")
    print(f"{'lesson':20}{'timeline':20}{'release':>10}{'an ear alone':>16}")
    start = time.monotonic()
    with serve(ROOT / "app.py") as server, serve(Path(__file__).with_name("bare_ear_app.py")) as bare:
        asyncio.run(measure(server, bare))
    print(f"({time.monotonic() - start:.0f} s)")


if __name__ == "__main__":
    main()
