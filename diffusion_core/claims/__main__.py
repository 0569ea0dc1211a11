"""The ledger in a terminal: ``python -m diffusion_core.claims [--seed N] [KEY ...]``.

Exits with 1 if a light is not green, with 2 if a key is unknown.
"""

import argparse
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence

from diffusion_core.claims import SECTIONS
from diffusion_core.claims.check import CLAIM_ALPHA, PAGE_ALPHA, AnyClaim, Entry, Light, Outcome
from diffusion_core.claims.report import SECTION_NAMES, VERDICTS, versions

WIDTH = 112
INDENT = " " * 26


def main(arguments: Sequence[str], sections: Mapping[str, tuple[Entry, ...]] = SECTIONS) -> int:
    """Run the entries that are named, or all; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m diffusion_core.claims", description="Check the article's claims.")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default 0)")
    parser.add_argument("keys", nargs="*", metavar="KEY", help="entries such as E4 or E23 (default: all)")
    asked = parser.parse_args(arguments)
    known = [entry.key for entries in sections.values() for entry in entries]
    if unknown := [key for key in asked.keys if key not in known]:
        print(f"There is no entry {unknown[0]}; there are {known[0]} to {known[-1]}.", file=sys.stderr)
        return 2
    started, lights = time.perf_counter(), list[Light]()
    print(", ".join(f"{package} {version}" for package, version in versions().items()), f"seed {asked.seed}", sep="\n")
    print(
        f"False alarms: at most {PAGE_ALPHA:g} for all checks together; {CLAIM_ALPHA:g} a claim, shared by its tests."
    )
    for section, entries in sections.items():
        chosen = [entry for entry in entries if not asked.keys or entry.key in asked.keys]
        if chosen:
            print(f"\n{SECTION_NAMES[section].upper()}")
        for entry in chosen:
            found = [(claim, claim.light(asked.seed)) for claim in entry.claims]
            lights += [light for _claim, light in found]
            print("\n".join(entry_lines(entry, found)), flush=True)
    green = sum(light.green for light in lights)
    print(f"\n{green} of {len(lights)} lights are green, in {time.perf_counter() - started:.0f} s.")
    return 0 if green == len(lights) else 1


def entry_lines(entry: Entry, lights: Sequence[tuple[AnyClaim, Light]]) -> Iterator[str]:
    """Key, verdict and light, then what the article says, what is right, and each claim."""
    state = "-" if not lights else "green" if all(light.green for _claim, light in lights) else "RED"
    yield from paragraph(f"{entry.key:<5}{VERDICTS[entry.verdict]:<12}{state:<9}", entry.article)
    yield from paragraph(INDENT, entry.correct)
    if not lights:
        yield INDENT + "Nothing to check."
    for claim, light in lights:
        yield from paragraph(f"{'':<17}{'✓' if light.green else '✗'} {claim.key:<7}", claim.says)
        yield from outcome_lines("truth", light.truth)
        for mistake, outcome in light.mistakes.items():
            yield f"{INDENT}  {'PASSES  ' if outcome.passed else 'rejected'}  {mistake}"


def outcome_lines(name: str, outcome: Outcome) -> Iterator[str]:
    """A line for each trial."""
    for trial, rejected in zip(outcome.trials, outcome.rejected, strict=True):
        proof = f"at most {trial.tolerance:g}" if trial.p_value is None else f"p = {trial.p_value:.3g}"
        mark = "REJECTED" if rejected else "holds   "
        yield f"{INDENT}  {mark}  {trial.name:<42} {trial.value:>10.4g}   {proof:<14} n = {trial.n:,}"


def paragraph(head: str, text: str) -> Iterator[str]:
    """Text beside its head, wrapped."""
    lines = textwrap.wrap(text, WIDTH - len(INDENT)) or [""]
    yield head.ljust(len(INDENT)) + lines[0]
    for line in lines[1:]:
        yield INDENT + line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
