"""Whether the server's memory stays bounded: many visitors, all lessons, new seeds, an hour.

    python tests/benchmarks/soak.py [--minutes 60] [--visitors 30]    (or SOAK_MINUTES, SOAK_VISITORS)

Each visitor opens a lesson, changes its settings and seeds at the pace of a reader, goes on to the next, leaves after
some lessons and comes again as a new one; one of them also trains. The promise: at its end the server holds at most
100 MB more than after its first ten minutes (medians over five minutes: runs come and go), and nobody saw an error.
Exit status 1 otherwise.
It speaks to a server of its own on this machine, in far less than one core, and stops by itself.
"""

import argparse
import asyncio
import os
import random
import signal
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository's root: run as a plain file

from tests.benchmarks.visitors import ROOT, Sent, Server, Visitor, serve

ALLOWED = 100  # MB more at the end
PAUSE = 20.0, 40.0  # seconds between two acts of a visitor
ACTS = 2, 5  # in a lesson
LESSONS = 4, 9  # in a visit
ARRIVAL = 120.0  # seconds until all are there
AWAY = 5.0, 40.0  # seconds between two visits
LOOKS = 10  # seconds between two looks at the server
TRAININGS = 6

SCHEDULES = ("linear", "scaled_linear", "cosine", "sigmoid", "inverse_square")
PLANE = ("eight_gaussians", "two_moons", "swiss_roll", "checkerboard", "spiral", "word")
PROMPTS = (
    "a red circle above a large green square",
    "a small red star on the left",
    "a large cyan circle in the middle",
    "a pink ring at the top right on a dark ground",
    "an orange square below a blue ring",
)
CLAIMS = "check"  # the seed of a lesson's checks

# lesson -> parameter -> what a visitor may choose; a pair of numbers is a range
SETTINGS: dict[str, dict[str, tuple[object, ...]]] = {
    "": {},
    "add_noise": {"data": ("digits", "photo", "picture", *PLANE, "bimodal"), "schedule": SCHEDULES, "T": (100, 1000)},
    "reparameterization": {"mu": (-1, 0.5, 2), CLAIMS: tuple(range(1000))},
    "closed_form": {"data": (*PLANE, "bimodal"), "schedule": SCHEDULES, "T": (200, 1000)},
    "posterior": {"schedule": SCHEDULES, "stride": (1, 50, 200), "data": ("bimodal", "two_moons", "eight_gaussians")},
    "sampling": {
        "data": (*PLANE, "picture", "digits"),
        "denoiser": ("exact", "network"),
        "sampler": ("ddpm", "ddim"),
        "N": (10, 25, 50),
        "variance": ("small", "large", "optimal", "state"),
        "label": ("all", 3, 7),
    },
    "loss": {"data": ("bimodal", "three_modes"), "T": (4, 6, 8), "mistake": (0.0, 0.16), "open": ("ends", "small")},
    "variance": {"N": (5, 10, 25), "s2": (0.1, 0.25, 1.0), "schedule": ("linear", "cosine"), "v": (0.3, 0.5)},
    "training": {"data": PLANE[:3], "width": (32,), "steps": (400,)},
    "unet": {"net": ("digits", "text"), "label": tuple(range(10)), "prompt": PROMPTS},
    "latent": {"prompt": PROMPTS, "N": (10, 25), "s": (0.5, 0.9)},
    "guidance": {"prompt": PROMPTS, "w": (1, 3, 5.5), "N": (10, 20), "sampler": ("ddim", "ddpm")},
    "ledger": {"verdict": ("all", "wrong", "true"), "open": ("all", "E2,E5,E11,E23,E31")},
}


@dataclass
class Record:
    """What was seen."""

    runs: dict[str, list[float]] = field(default_factory=dict)  # lesson -> seconds
    errors: list[str] = field(default_factory=list)
    visits: int = 0
    trainings: int = 0
    looks: list[tuple[float, float, float]] = field(default_factory=list)  # minutes, MB, seconds of processor

    def add(self, lesson: str, sent: Sent, query: str) -> Sent:
        """A run."""
        self.runs.setdefault(lesson or "start", []).append(sent.seconds)
        for exception in sent.exceptions:
            self.complain(f"{lesson}?{query}: {exception}")
        return sent

    def complain(self, error: str) -> None:
        """An error."""
        self.errors.append(error)
        print(f"       {error}", flush=True)

    def megabytes(self, start: float, end: float) -> float:
        """The median between two minutes."""
        return statistics.median(mb for at, mb, _ in self.looks if start <= at <= end)


def choose(lesson: str, dice: random.Random) -> dict[str, object]:
    """Settings of a lesson; most have a seed that nobody had before."""
    offered = SETTINGS[lesson]
    chosen: dict[str, object] = {name: dice.choice(offered[name]) for name in offered if dice.random() < 0.5}
    if dice.random() < 0.9:
        chosen["seed"] = dice.randrange(1, 2**31 - 1)
    if chosen.get("data") == "word":
        chosen["word"] = "".join(dice.choices("ABCDEFGHKLMNOPRSTUVXYZ", k=4))
    return chosen | {"lang": dice.choice(("en", "zh"))}


async def follow(visitor: Visitor, sent: Sent, record: Record) -> None:
    """Look at a training as the page does, until it is done."""
    for _look in range(60):
        if sent.fragment is None:
            return
        fragment, interval = sent.fragment
        await asyncio.sleep(interval)
        again = record.add("training", await visitor.run(fragment=fragment), visitor.query)
        if again.whole:  # its end draws the whole page anew
            sent = again


async def act(visitor: Visitor, lesson: str, dice: random.Random, record: Record, trains: bool) -> None:
    """Change something, or only look again; the ledger's checks and the trainings are buttons."""
    if visitor.page == lesson and visitor.query and dice.random() < 0.1:
        sent = record.add(lesson, await visitor.run(), visitor.query)
    else:
        sent = record.add(lesson, await visitor.open(lesson, **choose(lesson, dice)), visitor.query)
    checks = [id for label, id in sent.buttons if label in ("Check", "检验")]
    if lesson == "ledger" and checks and dice.random() < 0.5:
        record.add(lesson, await visitor.run(press=dice.choice(checks)), visitor.query)
    train = [id for label, id in sent.buttons if label in ("Train", "训练")]
    if trains and train and record.trainings < TRAININGS:
        record.trainings += 1
        await follow(visitor, record.add(lesson, await visitor.run(press=train[0]), visitor.query), record)


async def visit(server: Server, number: int, until: float, record: Record) -> None:
    """One visitor, from its arrival to the end of the soak."""
    dice = random.Random(number)
    await asyncio.sleep(dice.uniform(0, ARRIVAL))
    while time.monotonic() < until:
        record.visits += 1
        visitor = Visitor(server.port)
        try:
            async with visitor:
                lessons = dice.sample(list(SETTINGS), dice.randint(*LESSONS))
                if number == 0 and "training" not in lessons:
                    lessons.append("training")
                for lesson in lessons:
                    for _act in range(dice.randint(*ACTS)):
                        if time.monotonic() > until:
                            return
                        await act(visitor, lesson, dice, record, trains=number == 0)
                        await asyncio.sleep(dice.uniform(*PAUSE))
        except Exception as error:  # a connection that broke, a run that never ended
            record.complain(f"visitor {number} at {visitor.page}?{visitor.query}: {type(error).__name__} {error}")
        await asyncio.sleep(dice.uniform(*AWAY))


async def watch(server: Server, until: float, record: Record) -> None:
    """Look at the server's memory, and say so once a minute."""
    start, told = time.monotonic(), 0
    while time.monotonic() < until:
        await asyncio.sleep(LOOKS)
        minutes = (time.monotonic() - start) / 60
        record.looks.append((minutes, server.megabytes(), server.seconds()))
        if int(minutes) > told:
            told = int(minutes)
            recent = record.looks[-60 // LOOKS - 1 :]
            share = (recent[-1][2] - recent[0][2]) / max(1e-9, 60 * (recent[-1][0] - recent[0][0]))
            runs = sum(map(len, record.runs.values()))
            print(
                f"  {told:3} min  {record.looks[-1][1]:6.0f} MB  {runs:6} runs  {record.visits:4} visits  "
                f"{100 * share:3.0f} % of a core  {len(record.errors)} errors",
                flush=True,
            )


async def soak(server: Server, visitors: int, minutes: float) -> Record:
    """All visitors at once."""
    record, until = Record(), time.monotonic() + 60 * minutes
    await asyncio.gather(
        watch(server, until, record), *(visit(server, number, until, record) for number in range(visitors))
    )
    return record


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("SOAK_MINUTES", "60")))
    parser.add_argument("--visitors", type=int, default=int(os.environ.get("SOAK_VISITORS", "30")))
    visitors, minutes = parser.parse_args().visitors, parser.parse_args().minutes
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the server is ended, too
    early, over = minutes / 6, minutes / 12  # the first ten minutes of an hour; five
    print(f"{visitors} visitors, {minutes:g} minutes")
    with serve(ROOT / "app.py", "--client.showErrorDetails", "full") as server:
        record = asyncio.run(soak(server, visitors, minutes))
        tracebacks = server.tracebacks()
    for lesson, seconds in record.runs.items():
        times = sorted(seconds)
        middle, high = times[len(times) // 2], times[int(0.95 * len(times))]
        print(f"  {lesson:20}{len(times):6} runs   p50 {middle:5.2f} s   p95 {high:5.2f} s")
    for error in tracebacks[:20]:
        print(f"  {error}")
    first, last = record.megabytes(early, early + over), record.megabytes(minutes - over, minutes + 1)
    peak = max(mb for _, mb, _ in record.looks)
    runs, errors = sum(map(len, record.runs.values())), len(record.errors) + len(tracebacks)
    print(f"  {runs} runs, {record.visits} visits, {record.trainings} trainings, {errors} errors")
    print(f"  RSS after {early:g} min {first:.0f} MB, at the end {last:.0f} MB, peak {peak:.0f} MB")
    held = last - first <= ALLOWED
    print(f"  {last - first:+.0f} MB since; at most {ALLOWED}: {'met' if held else 'NOT MET'}")
    return 0 if held and errors == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
