"""What a warm run of each lesson costs the server, beside a bare page of as many parts.

    python tests/benchmarks/bench_lessons.py [--quick]

A warm run: the same address again, every cache warm, and the browser keeps the large messages that it has. Two servers
show the lessons, all of them visited before. One has the project's config; the other collects garbage after every run,
as Streamlit does by itself, and sets aside only what the start of the server loads. They take turns; the median over
the rounds counts. Times are those of the servers' processors, their collections included.
"""

import argparse
import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository's root: run as a plain file

from pages.shared.memory import PAUSE
from tests.benchmarks.visitors import ROOT, Server, Visitor, serve

BEFORE = "from pages.shared import memory\nmemory.start = lambda: None"
RUNS = 8  # in a round: the clock of a process ticks every 10 ms
ROUNDS = 5


async def milliseconds(server: Server, visitor: Visitor) -> float:
    """Processor time of one of some warm runs, up to when the server is at rest again."""
    before = server.seconds()
    for _run in range(RUNS):
        await visitor.run()
    return 1000 * (await at_rest(server) - before) / RUNS


async def at_rest(server: Server) -> float:
    """Wait until it uses no processor; returns what it has used."""
    used = -1.0
    while used < (now := server.seconds()):
        used = now
        await asyncio.sleep(0.5)
    return used


async def see_all(visitor: Visitor) -> None:
    """Open every lesson once, and once more."""
    await visitor.open("")
    for lesson in list(visitor.pages):
        await visitor.open(lesson)
        await visitor.run()


async def compare(before: Server, now: Server, bare: Server, rounds: int) -> None:
    """A line a lesson."""
    async with AsyncExitStack() as stack:
        servers = (before, now, bare)
        visitors = {server: await stack.enter_async_context(Visitor(server.port)) for server in servers}
        for server in (before, now):
            await see_all(visitors[server])
        await asyncio.sleep(PAUSE + 5)  # until what was loaded is set aside
        print(f"{'lesson':20}{'parts':>6}{'collecting each time':>22}{'now':>8}{'bare page':>11}{'now / bare':>13}")
        for lesson in list(visitors[now].pages):
            await visitors[before].open(lesson)
            await visitors[now].open(lesson)
            parts = (await visitors[now].run()).parts
            await visitors[bare].open("", parts=parts)
            taken: dict[Server, list[float]] = {server: [] for server in servers}
            for _round in range(rounds):
                for server, visitor in visitors.items():
                    taken[server].append(await milliseconds(server, visitor))
            first, second, least = (statistics.median(taken[server]) for server in servers)
            print(
                f"{lesson or 'start':20}{parts:6}{first:19.0f} ms{second:5.0f} ms{least:8.0f} ms{second / least:13.1f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rounds instead of five")
    rounds = 2 if parser.parse_args().quick else ROUNDS
    print("Processor time of a warm run (medians)")
    start = time.monotonic()
    with (
        serve(ROOT / "app.py", "--runner.postScriptGC", "true", first=BEFORE) as before,
        serve(ROOT / "app.py") as now,
        serve(Path(__file__).with_name("bare_app.py")) as bare,
    ):
        asyncio.run(compare(before, now, bare, rounds))
    print(f"({time.monotonic() - start:.0f} s)")


if __name__ == "__main__":
    main()
