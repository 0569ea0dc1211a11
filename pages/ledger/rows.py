"""The rows of the ledger: what the article says, what is right, and the light of each entry that was asked for."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from diffusion_core.claims import SECTIONS, AnyClaim, Entry, Light
from diffusion_core.claims.report import SECTION_NAMES, VERDICTS, Report, green
from diffusion_core.errors import BadInput
from pages.ledger.texts import MARKS, Said, in_words, light
from pages.shared import controls
from pages.shared.checks import Checked, trial_list
from pages.shared.i18n import _, explain
from pages.shared.sections import folded
from pages.shared.typography import typeset

__all__ = ["check_all", "draw", "pick"]

Shown = Sequence[tuple[str, Entry]]  # each with its section


# --- which are shown, and which are asked for -----------------------------------------------------------------------


def pick() -> Shown:
    """The entries of the verdict that is chosen."""
    counts = Counter(str(entry.verdict) for entries in SECTIONS.values() for entry in entries)
    options = {"all": _("all") + f" ({counts.total()})"}
    options |= {name: f"{_(said)} ({counts[name]})" for name, said in VERDICTS.items()}
    verdict = controls.choice("verdict", _("The article’s statement is"), options, "all", pills=True)
    return [(s, one) for s, entries in SECTIONS.items() for one in entries if verdict in ("all", one.verdict)]


def asked(seed: int) -> set[str]:
    """The entries whose lights are on at this seed."""
    by_seed: dict[int, set[str]] = st.session_state.setdefault("ledger_asked", {})
    return by_seed.setdefault(seed, set())


def check_all(shown: Shown, seed: int) -> None:
    """A button that switches on the lights of all that are shown."""
    st.button(
        _("Check all that are shown"),
        type="primary",
        icon=":material/play_arrow:",
        on_click=asked(seed).update,
        args=([entry.key for _section, entry in shown if entry.claims],),
    )


# --- the rows -------------------------------------------------------------------------------------------------------


class Lit(NamedTuple):
    """An entry that was asked for: where its light is drawn, and room for details if it is open."""

    entry: Entry
    place: DeltaGenerator
    room: DeltaGenerator | None


@st.fragment(key="rows")
def draw(shown: Shown, seed: int) -> None:
    """All rows first, then their lights, one after the other; above them, how many are green."""
    top, said, on = st.empty(), in_words(), asked(seed)
    todo = list[Lit]()
    for section, entries in groupby(shown, key=lambda one: one[0]):
        with st.container(gap="xsmall"):
            st.subheader(_(SECTION_NAMES[section]), anchor=section)
            for _section, entry in entries:
                todo += row(entry, said[entry.key], on)
    lights: dict[str, Light] = {}
    for done, lit in enumerate(todo):
        if len(todo) > 1:
            top.progress(done / len(todo), text=f"{lit.entry.key} · {done} / {len(todo)}")
        lights |= switch_on(lit, seed)
    top.empty()
    if lights:
        report = Report(SECTIONS, lights, seed, datetime.now(UTC).isoformat(timespec="seconds"))
        with top.container():
            summary(report, [entry for _section, entry in shown])


def row(entry: Entry, said: Said, on: set[str]) -> list[Lit]:
    """An entry's line, and what unfolds from it; where it was asked for, room for its light."""
    key, room = entry.key, None
    with st.container(key=f"entry_{key}"):
        with folded(key, said.line) as unfolded:
            if unfolded:
                st.html(said.correct)
                if not entry.claims:
                    st.caption(_("A definition or a name: there is nothing to check."))
                elif key in on:
                    room = st.container(gap="xsmall")
                else:
                    check_one(key, on)
        return [Lit(entry, st.empty(), room)] if key in on else []


def check_one(key: str, on: set[str]) -> None:
    """A button that switches on the light of one entry."""
    st.button(_("Check"), key=f"run_{key}", icon=":material/play_arrow:", on_click=on.add, args=(key,))


def switch_on(lit: Lit, seed: int) -> dict[str, Light]:
    """The lights of an entry's claims, by the claim's key; one whose weights are missing or damaged has none."""
    lights: dict[str, Light] = {}
    for claim in lit.entry.claims:
        try:
            lights[claim.key] = claim.light(
                seed, run=lambda claim, mistake, seed: Checked(claim).outcome(mistake, seed)
            )
        except BadInput as error:
            if lit.room:
                lit.room.error(explain(error), icon=":material/error:")
        else:
            if lit.room:
                with lit.room:
                    details(claim, lights[claim.key])
    lit.place.markdown(light(lit.entry, lights))
    return lights


def details(claim: AnyClaim, found: Light) -> None:
    """Every trial of the truth, and every mistake with what rejects it."""
    with st.expander(f"{MARKS[found.green]} {typeset(_(claim.says))}"):
        st.markdown(trial_list(found.truth))
        for mistake, outcome in found.mistakes.items():
            verdict = _("passes, and should not") if outcome.passed else _("rejected, as it must be")
            st.markdown("**" + _("Mistake") + _(": ") + f"{typeset(_(mistake))}** — {verdict}")
            st.markdown(trial_list(outcome))


# --- all of it ------------------------------------------------------------------------------------------------------


def summary(report: Report, shown: Sequence[Entry]) -> None:
    """How many lights of those that are shown are green, how many there are in all, and the report to take away."""
    states = [green(entry, report.lights) for entry in shown if entry.claims]
    lit, dark, missing = (states.count(state) for state in (True, False, None))
    checkable = sum(bool(entry.claims) for _section, entry in report.entries)
    say = st.error if dark else st.info if missing else st.success
    say(
        _(
            "Of the {shown} shown, {green} are green, {red} red and {missing} not checked yet (seed {seed}). "
            "{all} of the {entries} statements can be checked; {definitions} are definitions."
        ).format(
            shown=len(states),
            green=lit,
            red=dark,
            missing=missing,
            seed=report.seed,
            all=checkable,
            entries=len(report.entries),
            definitions=len(report.entries) - checkable,
        ),
        icon=":material/cancel:" if dark else ":material/check_circle:",
    )
    with st.container(horizontal=True):
        for label, text, file, mime in (
            (_("Report (Markdown)"), report.markdown(_), "ledger.md", "text/markdown"),
            (_("Report (JSON)"), report.json(), "ledger.json", "application/json"),
        ):
            st.download_button(label, text, file, mime, icon=":material/download:", on_click="ignore")
