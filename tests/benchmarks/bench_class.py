"""A class of a hundred: how long after a teacher's move everyone has heard of it.

    python tests/benchmarks/bench_class.py [--seconds 30]

Each student is a stream of events and an idle session of a lesson; the teacher moves ten times a second. A move counts
until the last student has heard of it, or of a later one. First nothing else happens; then ten more visitors run
lessons, one after the other, with new seeds. Runs of the students' scripts are counted; there may be none.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository's root: run as a plain file

from tests.benchmarks.bench_lessons import at_rest
from tests.benchmarks.visitors import ROOT, Server, Visitor, serve

STUDENTS, OTHERS = 100, 10
APART = 0.1  # seconds between two moves
MOST = {"at rest": 0.1, "ten others": 0.3}  # seconds, for 95 moves in 100
LESSON = "add_noise"


def state(t: int) -> dict[str, Any]:
    """The teacher's timeline at t."""
    lie = {"t": t, "position": t, "pick": 0, "handles": {}, "playing": False, "speed": 1}
    return {"lesson": LESSON, "query": "", "shown": {LESSON: lie}}


class Line:
    """One connection: questions of a page of this server. The server hangs up after five seconds without one."""

    def __init__(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.host = f"127.0.0.1:{port}"
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Line":
        return cls(port, *await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer."""
        content = json.dumps(body).encode()
        head = f"POST /class/{path} HTTP/1.1\r\nHost: {self.host}\r\nOrigin: http://{self.host}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self.writer.write(head.encode() + content)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
        said: dict[str, Any] = json.loads(await self.reader.readexactly(length))
        if " 200 " not in answer.partition("\r\n")[0]:
            raise RuntimeError(f"{path}: {said}")
        return said


class Student:
    """A seat, and when it heard of which move."""

    def __init__(self, number: int) -> None:
        self.seat = f"{number:032x}"
        self.heard: list[tuple[int, float]] = []

    async def listen(self, line: Line, code: str) -> None:
        """Hear until the stream ends."""
        query = f"code={code}&seat={self.seat}"
        line.writer.write(f"GET /class/stream?{query} HTTP/1.1\r\nHost: {line.host}\r\n\r\n".encode())
        while raw := await line.reader.readline():
            if raw.startswith(b"data: "):
                t = json.loads(raw[6:])["shown"][LESSON]["t"]
                self.heard.append((t, time.perf_counter()))


def waits(moves: Sequence[tuple[int, float]], students: Sequence[Student]) -> list[float]:
    """Of each move: seconds until every student has heard of it, or of a later one."""
    return [max(next(at for t, at in one.heard if t >= move) for one in students) - since for move, since in moves]


async def teach(port: int, started: dict[str, Any], first: int, seconds: float) -> list[tuple[int, float]]:
    """Move ten times a second; returns the moves, and when each began."""
    moves = []
    line = await Line.open(port)
    begun = time.perf_counter()
    for number in range(round(seconds / APART)):
        await asyncio.sleep(max(0.0, begun + number * APART - time.perf_counter()))
        moves.append((first + number, time.perf_counter()))
        await line.post("steer", {"code": started["code"], "secret": started["secret"], "state": state(first + number)})
    await asyncio.sleep(2)
    return moves


async def run_lessons(port: int, number: int) -> None:
    """One of the other visitors, until cancelled."""
    async with Visitor(port) as visitor:
        await visitor.open("")
        for seed in range(10**6):
            await visitor.open(LESSON, seed=1000 * number + seed)


async def runs_of(visitors: Sequence[Visitor]) -> int:
    """Messages that the server sent to idle sessions."""
    count = 0
    for visitor in visitors:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                while await visitor.socket.recv():
                    count += 1
    return count


def tell(name: str, found: Sequence[float], runs: int) -> None:
    """A line."""
    p50, *_, p95 = statistics.quantiles(found, n=20)[9:]
    word = "holds" if p95 <= MOST[name] and not runs else "MISSED"
    print(
        f"{name:12}{len(found):8}{1000 * p50:9.0f} ms{1000 * p95:9.0f} ms{1000 * max(found):9.0f} ms"
        f"{runs:8}   {word} (p95 at most {1000 * MOST[name]:.0f} ms)",
        flush=True,
    )


async def measure(server: Server, seconds: float) -> None:
    """Both lines."""
    async with AsyncExitStack() as stack:
        teacher = await Line.open(server.port)
        started = await teacher.post("start", {"seat": f"{0:032x}", "path": "/", "state": state(0)})
        students = [Student(1 + number) for number in range(STUDENTS)]
        for student in students:
            await teacher.post("join", {"code": started["code"], "seat": student.seat})
        lines = [await Line.open(server.port) for _student in students]
        tasks = [
            asyncio.create_task(student.listen(line, started["code"]))
            for student, line in zip(students, lines, strict=True)
        ]
        visitors = [await stack.enter_async_context(Visitor(server.port)) for _student in students]
        for visitor in visitors:
            await visitor.open(LESSON)
        await at_rest(server)
        await runs_of(visitors)
        print(f"{'':12}{'moves':>8}{'p50':>12}{'p95':>12}{'most':>12}{'runs':>8}")
        before = server.seconds()
        moves = await teach(server.port, started, 1, seconds)
        share = (server.seconds() - before) / (seconds + 2)
        tell("at rest", waits(moves, students), await runs_of(visitors))
        others = [asyncio.create_task(run_lessons(server.port, number)) for number in range(OTHERS)]
        await asyncio.sleep(5)
        moves = await teach(server.port, started, 10_000, seconds)
        tell("ten others", waits(moves, students), await runs_of(visitors))
        print(f"Processor at rest: {share:.1%} of a core; memory {server.megabytes():.0f} MB")
        for task in (*tasks, *others):
            task.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="of teaching, for each line")
    asked = parser.parse_args()
    print(f"A teacher's move, until all of {STUDENTS} students have heard of it")
    start = time.monotonic()
    with serve(ROOT / "app.py") as server:
        asyncio.run(measure(server, asked.seconds))
    print(f"({time.monotonic() - start:.0f} s)")


if __name__ == "__main__":
    main()
