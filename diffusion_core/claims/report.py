"""The ledger as something to take away: Markdown to read, JSON to compute with, and what they were made with."""

import json
import math
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import torch

from diffusion_core.claims.check import AnyClaim, Entry, Light, Outcome, Trial

__all__ = ["OURS", "PACKAGES", "SECTION_NAMES", "STATES", "VERDICTS", "Report", "green", "state_name", "versions"]

PACKAGES = ("torch", "numpy", "scipy", "streamlit", "diffusers")
Sections = Mapping[str, tuple[Entry, ...]]
Translate = Callable[[str], str]


def versions() -> dict[str, str]:
    """The installed version of each package that a result may depend on, or "not installed"."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def device() -> str:
    """Where the checks run: float64 on the processor, whatever else there is."""
    return f"CPU ({platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads)"


def green(entry: Entry, lights: Mapping[str, Light]) -> bool | None:
    """Whether all of an entry's claims are green; None if it has none, or one of them has not been run."""
    if not entry.claims or any(claim.key not in lights for claim in entry.claims):
        return None
    return all(lights[claim.key].green for claim in entry.claims)


def _finite(number: float | None) -> float | str | None:
    return number if number is None or math.isfinite(number) else str(number)  # JSON knows no NaN


def _trials(outcome: Outcome) -> list[dict[str, Any]]:
    return [
        {
            "name": trial.name,
            "value": _finite(trial.value),
            "p_value": _finite(trial.p_value),
            "tolerance": trial.tolerance,
            "n": trial.n,
            "rejected": rejected,
        }
        for trial, rejected in zip(outcome.trials, outcome.rejected, strict=True)
    ]


def _number(trial: Trial) -> str:
    if trial.p_value is None:
        return f"{trial.value:.3g} (≤ {trial.tolerance:.3g})"
    return f"{trial.value:.4g}, p = {trial.p_value:.3g}, n = {trial.n:,}"


@dataclass(frozen=True)
class Report:
    """What was found at one seed: the light of every claim that was run, by the claim's key."""

    sections: Sections
    lights: Mapping[str, Light]
    seed: int
    date: str

    @property
    def entries(self) -> list[tuple[str, Entry]]:
        """Every entry with its section."""
        return [(section, entry) for section, entries in self.sections.items() for entry in entries]

    def count(self) -> tuple[int, int, int]:
        """Entries that are green, that are not, and that were not run."""
        states = [green(entry, self.lights) for _section, entry in self.entries if entry.claims]
        return states.count(True), states.count(False), states.count(None)

    def json(self) -> str:
        """Everything, by English keys."""
        lit, dark, missing = self.count()
        return json.dumps(
            {
                "date": self.date,
                "seed": self.seed,
                "device": device(),
                "versions": versions(),
                "green": lit,
                "red": dark,
                "not_run": missing,
                "entries": [self._entry(section, entry) for section, entry in self.entries],
            },
            ensure_ascii=False,
            indent=1,
            allow_nan=False,
        )

    def _entry(self, section: str, entry: Entry) -> dict[str, Any]:
        return {
            "key": entry.key,
            "section": section,
            "article": entry.article,
            "verdict": entry.verdict,
            "correct": entry.correct,
            "green": green(entry, self.lights),
            "claims": [self._claim(claim) for claim in entry.claims if claim.key in self.lights],
        }

    def _claim(self, claim: AnyClaim) -> dict[str, Any]:
        light = self.lights[claim.key]
        return {
            "key": claim.key,
            "says": claim.says,
            "alpha": claim.alpha,
            "green": light.green,
            "truth": _trials(light.truth),
            "mistakes": {mistake: _trials(outcome) for mistake, outcome in light.mistakes.items()},
        }

    def markdown(self, _: Translate) -> str:
        """The same to read, in the language of ``_``."""
        lit, dark, missing = self.count()
        lines = [
            "# " + _("The ledger"),
            "",
            _("{green} green, {red} red, {missing} not run; seed {seed}; {date}; {device}.").format(
                green=lit, red=dark, missing=missing, seed=self.seed, date=self.date, device=device()
            ),
            "",
            ", ".join(f"{package} {version}" for package, version in versions().items()),
        ]
        for section, entry in self.entries:
            if entry is self.sections[section][0]:
                lines += ["", f"## {_(SECTION_NAMES[section])}"]
            lines += ["", *self._entry_lines(entry, _)]
        return "\n".join(lines) + "\n"

    def _entry_lines(self, entry: Entry, _: Translate) -> Iterator[str]:
        said, state = _(VERDICTS[entry.verdict]), _(state_name(entry, self.lights))
        right = _(OURS[entry.verdict]) + _(": ") + state if entry.claims else state
        yield f"### {entry.key} · " + _("the article") + _(": ") + f"{said} · {right}"
        yield from ("", "> " + _(entry.article), "", _(entry.correct))
        for claim in entry.claims:
            if light := self.lights.get(claim.key):
                yield from ("", f"- {'✓' if light.green else '✗'} **{_(claim.says)}**")
                for trial, rejected in zip(light.truth.trials, light.truth.rejected, strict=True):
                    yield f"  - {'✗' if rejected else '✓'} {_(trial.name)}: {_number(trial)}"
                for mistake, outcome in light.mistakes.items():
                    verdict = _("passes, and should not") if outcome.passed else _("rejected, as it must be")
                    yield "  - " + _("Mistake") + f": {_(mistake)} — {verdict}"


SECTION_NAMES = {
    "picture": "The first picture",
    "forward": "The forward process",
    "reparameterization": "Property 1: reparameterization",
    "closed_form": "Property 2: any xₜ in one jump",
    "reverse": "The reverse process",
    "summary": "The three steps of inference",
    "training": "Training",
    "latent": "Diffusion on latents",
    "absent": "Needed, and not in the article",
}
VERDICTS = {"true": "true", "loose": "loose", "wrong": "wrong", "definition": "definition"}
OURS = {"true": "our claim", "loose": "what is right", "wrong": "what is right"}  # what is checked: not the article
STATES = {True: "green", False: "red", None: "not run"}


def state_name(entry: Entry, lights: Mapping[str, Light]) -> str:
    """What the light of an entry says, in English."""
    return STATES[green(entry, lights)] if entry.claims else "nothing to check"
