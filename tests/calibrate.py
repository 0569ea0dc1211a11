"""Are the checks as good as they say? False alarms, p-values and power of every claim, over many seeds.

``python tests/calibrate.py [--seeds N] [KEY ...]`` prints a table: the power is the least over a claim's mistakes (.99
is asked of each), "uniform p" the least over its tests. A claim that falls short is marked, and the exit status is 1.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from diffusion_core.claims import LESSONS, SECTIONS, Claim
from diffusion_core.claims.calibration import Calibration, calibrate

FIRST_SEED = 10_000  # seeds that no test and no visitor begins with


def claims() -> dict[str, Claim]:
    """Every claim of the ledger and of the lessons, by its key."""
    entries = [entry for entries in SECTIONS.values() for entry in entries]
    return {claim.key: claim for many in (*(e.claims for e in entries), *LESSONS.values()) for claim in many}


def calibrate_one(key: str, seeds: int) -> tuple[bool, str]:
    """Whether one claim is as good as it says, and its row; run in a process of its own."""
    torch.set_num_threads(1)
    found = calibrate(claims()[key], range(FIRST_SEED, FIRST_SEED + seeds))
    return found.good, line(key, found)


def line(key: str, found: Calibration) -> str:
    """A row of the table."""
    weakest = min(found.power, key=lambda mistake: found.power[mistake])
    uniform = f"{min(found.uniform.values()):.3f}" if found.uniform else "-"
    alarms, power = f"{found.false_alarms} / {found.seeds}", found.power[weakest]
    return f"{key:<6} {alarms:>13} {uniform:>10} {power:>7.3f}  {weakest}" + ("" if found.good else "  <-- falls short")


def main(arguments: Sequence[str]) -> int:
    """Calibrate the claims that are named, or all."""
    parser = argparse.ArgumentParser(description="Measure false alarms and power of the claims.")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("keys", nargs="*", metavar="KEY")
    asked = parser.parse_args(arguments)
    keys = asked.keys or list(claims())
    print(f"{'claim':<6} {'false alarms':>13} {'uniform p':>10} {'power':>7}  weakest against")
    short = 0
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        for good, row in pool.map(partial(calibrate_one, seeds=asked.seeds), keys):
            short += not good
            print(row, flush=True)
    print(f"{len(keys) - short} of {len(keys)} claims are as good as they say.")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
