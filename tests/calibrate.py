"""Are the checks as good as they say? False alarms, p-values and power of every claim, over many seeds.

``python tests/calibrate.py [--seeds N] [KEY ...]`` prints a table: the power is the least over a claim's mistakes (.99
is asked of each), "uniform p" the least over its tests. A claim that falls short is marked, and the exit status is 1.
Then all claims together: how often any light would be red though every claim is true, at the level of the page and at
larger ones, where there is something to count. ``--truth`` leaves the mistakes out.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from diffusion_core.claims import AnyClaim
from diffusion_core.claims.calibration import Calibration, Family, calibrate, family, uniformity
from diffusion_core.claims.check import PAGE_ALPHA, Trial
from diffusion_core.claims.ledger import ENTRIES

FIRST_SEED = 10_000  # seeds that no test and no visitor begins with


def claims() -> dict[str, AnyClaim]:
    """Every claim of the ledger, by its key."""
    return {claim.key: claim for entry in ENTRIES for claim in entry.claims}


def no_trials(variant: object, setting: object, seed: int) -> list[Trial]:
    """In a check's place where a claim travels between processes: a function inside another cannot."""
    return []


def calibrate_one(key: str, seeds: int, power: bool) -> Calibration:
    """One claim; run in a process of its own."""
    torch.set_num_threads(1)
    found = calibrate(claims()[key], range(FIRST_SEED, FIRST_SEED + seeds), power)
    bare = replace(found.claim, check=no_trials, truth=None, mistakes={}, setting=None)
    return replace(found, claim=bare)


def line(found: Calibration) -> str:
    """A row of the table."""
    key, weakest = found.claim.key, min(found.power, key=lambda mistake: found.power[mistake], default="")
    uniform = f"{min(found.uniform.values()):.3f}" if found.p else "-"
    alarms, power = f"{found.false_alarms} / {found.seeds}", f"{found.power[weakest]:.3f}" if weakest else "-"
    return f"{key:<6} {alarms:>13} {uniform:>10} {power:>7}  {weakest}" + ("" if found.good else "  <-- falls short")


def together(found: Family) -> str:
    """False alarms of all claims together, and where their p-values lie."""
    seeds, n = len(found.smallest), len(found.pooled)
    uniform = f", uniform with p = {uniformity(found.pooled):.3f}" if n else ""  # all tests may be one-sided
    lines = [f"All claims together, {seeds} seeds; {n:,} p-values{uniform}:"]
    for level in (PAGE_ALPHA, 0.01, 0.05, 0.2):
        (low, high), below = found.interval(level), int((found.pooled <= level).sum())
        lines.append(
            f"  level {level:<5g} false alarms at {found.alarms(level)} seeds, a rate of {low:.4f} to {high:.4f}; "
            f"p-values at most {level:g}: {below:,}, expected {level * n:,.1f}"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Calibrate the claims that are named, or all."""
    parser = argparse.ArgumentParser(description="Measure false alarms and power of the claims.")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--truth", action="store_true", help="false alarms only, without the mistakes")
    parser.add_argument("keys", nargs="*", metavar="KEY")
    asked = parser.parse_args(arguments)
    keys = asked.keys or list(claims())
    print(f"{'claim':<6} {'false alarms':>13} {'uniform p':>10} {'power':>7}  weakest against")
    found = []
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        for one in pool.map(partial(calibrate_one, seeds=asked.seeds, power=not asked.truth), keys):
            found.append(one)
            print(line(one), flush=True)
    good = sum(one.good for one in found)
    print(f"{good} of {len(keys)} claims are as good as they say.")
    if any(one.p for one in found):
        print(together(family(found)))
    return 0 if good == len(keys) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
