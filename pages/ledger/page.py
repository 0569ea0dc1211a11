"""The article's 42 statements: verdict, what is right, and lights that are switched on here and now."""

import html
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import streamlit as st

from diffusion_core.claims import SECTIONS, Claim, Entry, Light
from diffusion_core.claims.calibration import one_sided, p_values, uniformity
from diffusion_core.claims.library import Agreement, compare
from diffusion_core.claims.report import SECTION_NAMES, VERDICTS, Report, green, state_name, versions
from diffusion_core.errors import BadInput
from pages.shared import controls, figures
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _, explain

VERDICT_COLORS = {"true": "green", "loose": "orange", "wrong": "red", "definition": "gray"}
LIGHTS = {
    None: ":gray[:material/radio_button_unchecked:]",
    True: ":green[:material/check_circle:]",
    False: ":red[:material/cancel:]",
}
CLAIMS = {claim.key: claim for entries in SECTIONS.values() for entry in entries for claim in entry.claims}
CALIBRATION_SEEDS = range(1_000, 1_200)


SUBSCRIPTS = str.maketrans("₀₁₂₋₊ₜₛ", "012−+ts")
SUBSCRIPT = re.compile(r"[₀₁₂₋₊ₜₛ]+|_\{([^}]*)\}|_(\w)")


def typeset(text: str) -> str:
    """Plain text with its indices, xₜ₋₁ or x_T or X_{0:T}, as HTML subscripts."""
    return SUBSCRIPT.sub(
        lambda found: f"<sub>{(found[1] or found[2] or found[0]).translate(SUBSCRIPTS)}</sub>",
        html.escape(text, quote=False),
    )


def plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    for sign in "\\*_~[]$`<>":
        text = text.replace(sign, "\\" + sign)
    return text


def ran(seed: int) -> set[str]:
    """The entries whose lights are on at this seed."""
    return st.session_state.setdefault("ledger_ran", {}).setdefault(seed, set())


def light_of(claim: Claim, seed: int) -> Light:
    """A claim's light; what was computed before is not computed again."""
    truth, *rest = (lesson.run_claim(claim.key, m, (), seed, claim, None) for m in (None, *claim.mistakes))
    return Light(truth, dict(zip(claim.mistakes, rest, strict=True)))


# --- one entry ------------------------------------------------------------------------------------------------------


def head(entry: Entry, lights: Mapping[str, Light]) -> str:
    """Key, verdict, light."""
    said = _("the article: {verdict}").format(verdict=_(VERDICTS[entry.verdict]))
    badge = f"**{entry.key}** :{VERDICT_COLORS[entry.verdict]}-badge[{said}]"
    if not entry.claims:
        return badge
    light = f"{LIGHTS[green(entry, lights)]} {_(state_name(entry, lights))}"
    return badge + " " + _("what is right: {light}").format(light=light)


def draw_entry(entry: Entry, seed: int) -> tuple[Any, Any]:
    """A row of the ledger; returns the places of its head and of its details."""
    with st.container(border=True, gap="xsmall", key=f"entry_{entry.key}"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"head_{entry.key}"):
            place = st.empty()
            if entry.claims:
                st.button(
                    _("Check"),
                    key=f"run_{entry.key}",
                    icon=":material/play_arrow:",
                    type="tertiary",
                    on_click=ran(seed).add,
                    args=(entry.key,),
                )
        place.markdown(head(entry, {}))
        st.html(
            f'<p class="ledger-article">{typeset(_(entry.article))}</p>'
            f'<p class="ledger-correct">{typeset(_(entry.correct))}</p>'
        )
        if not entry.claims:
            st.caption(_("A definition or a name: there is nothing to check."))
        return place, st.container(gap="xsmall")


def draw_details(claim: Claim, light: Light) -> None:
    """Every trial of the truth, and every mistake with what rejects it."""
    with st.expander(f"{LIGHTS[light.green]} {plain(_(claim.says))}"):
        st.markdown(lesson.trial_list(light.truth))
        for mistake, outcome in light.mistakes.items():
            verdict = _("passes, and should not") if outcome.passed else _("rejected, as it must be")
            st.markdown("**" + _("Mistake") + f": {plain(_(mistake))}** — {verdict}")
            st.markdown(lesson.trial_list(outcome))


# --- the whole ledger -----------------------------------------------------------------------------------------------


def pick_verdict() -> str:
    """Which entries are shown."""
    counts = Counter(entry.verdict for entries in SECTIONS.values() for entry in entries)
    options = {"all": _("all") + f" ({counts.total()})"}
    options |= {verdict: f"{_(name)} ({counts[verdict]})" for verdict, name in VERDICTS.items()}  # type: ignore[index]
    return controls.choice("verdict", _("The article’s statement is"), options, "all", pills=True)


def show_ledger(entries: list[tuple[str, Entry]], seed: int, top: Any) -> dict[str, Light]:
    """All rows first, then their lights, one after the other; returns the lights."""
    places, section_before = [], ""
    for section, entry in entries:
        if section != section_before:
            st.subheader(_(SECTION_NAMES[section]), anchor=section)
            section_before = section
        places.append((entry, *draw_entry(entry, seed)))
    todo = [place for place in places if place[0].key in ran(seed)]
    lights: dict[str, Light] = {}
    for done, (entry, row_head, details) in enumerate(todo):
        if len(todo) > 1:
            top.progress(done / len(todo), text=f"{entry.key} · {done} / {len(todo)}")
        for claim in entry.claims:
            with details:
                try:
                    lights[claim.key] = light_of(claim, seed)
                except BadInput as error:  # the weights that it speaks of are missing or damaged
                    st.error(explain(error), icon=":material/error:")
                else:
                    draw_details(claim, lights[claim.key])
        row_head.markdown(head(entry, lights))
    top.empty()
    return lights


def summary(report: Report, shown: list[Entry], place: Any) -> None:
    """How many lights of those that are shown are green, how many there are in all, and the report to take away."""
    states = [green(entry, report.lights) for entry in shown if entry.claims]
    lit, dark, missing = (states.count(state) for state in (True, False, None))
    checkable = sum(bool(entry.claims) for _section, entry in report.entries)
    with place.container():
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


# --- are the checks themselves right? -------------------------------------------------------------------------------


@st.fragment
def calibration() -> None:
    """The p-values of one claim's truth over 200 seeds, against uniform."""
    options = {key: f"{key} · {_(claim.says)}" for key, claim in CLAIMS.items()}
    key = controls.choice("calibrate", _("Claim"), options, "E2")
    kept: dict[str, dict[str, tuple[np.ndarray, bool]]] = st.session_state.setdefault("calibrated", {})
    if st.button(_("Run it with 200 seeds"), icon=":material/query_stats:"):
        progress = st.progress(0.0)
        outcomes = []
        for done, seed in enumerate(CALIBRATION_SEEDS, 1):
            outcomes.append(CLAIMS[key].run(seed=seed))
            if done % 10 == 0:
                progress.progress(done / len(CALIBRATION_SEEDS))
        progress.empty()
        larger = one_sided(outcomes)
        kept[key] = {name: (p, name in larger) for name, p in p_values(outcomes).items()}
    if key not in kept:
        return
    if not kept[key]:
        st.info(_("This check has no p-values: it compares numbers that must be equal, or a slope with its tolerance."))
        return
    st.plotly_chart(
        figures.p_value_curves({_(name): p for name, (p, _larger) in kept[key].items()}, _), key="calibration"
    )
    uniform = _("{name}: uniform with p = {p}; below 0.001 in {alarms} of {n} seeds.")
    or_larger = _("{name}: uniform or larger with p = {p}; below 0.001 in {alarms} of {n} seeds.")
    st.markdown(
        "\n".join(
            "- "
            + (or_larger if larger else uniform).format(
                name=_(name), p=lesson.significant(uniformity(p, larger)), alarms=int((p < 1e-3).sum()), n=len(p)
            )
            for name, (p, larger) in kept[key].items()
        )
    )


# --- diffusers ------------------------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False)
def compare_once() -> tuple[Agreement, ...]:
    """The comparison, once for all visitors."""
    return compare()


def agreement_table(rows: tuple[Agreement, ...]) -> str:
    """A line for each setting of the library."""
    verdicts = {
        "agrees": ":green[✓] " + _("agrees"),
        "differs": ":red[✗] " + _("differs"),
        "not a number": ":red[✗] NaN",
    }
    names = ("diffusers", _("compared"), _("error"), _("allowed"))
    lines = ["| " + " | ".join(names) + " | |", "|---|---|---|---|---|"]
    for row in rows:
        numbers = " | ".join(map(lesson.significant, (row.error, row.allowed)))
        lines.append(f"| `{row.setting}` | {row.compared} | {numbers} | {verdicts[row.verdict]} |")
    return "\n".join(lines)


@st.fragment
def library() -> None:
    """Agreement with the installed diffusers."""
    if st.button(_("Compare with the installed diffusers"), icon=":material/compare_arrows:"):
        st.session_state["ledger_library"] = True
    if not st.session_state.get("ledger_library"):
        return
    try:
        with st.spinner(_("Loading diffusers")):
            rows = compare_once()
    except BadInput as error:
        st.warning(explain(error), icon=":material/extension_off:")
        return
    st.markdown(f"diffusers {versions()['diffusers']}")
    st.markdown(agreement_table(rows))
    st.markdown(
        _(
            "Errors of a step are shares of what float32 tables allow: 0.001 up to t = 10, 0.0001 below 100, 0.00001 "
            "from there on. The last step, into s = 0, is a convention and is left out."
        )
    )
    if any(row.verdict == "not a number" for row in rows):
        st.warning(
            _("`fixed_large_log` returns NaN: the library takes the root of the logarithm of a variance."),
            icon=":material/warning:",
        )


prose = lesson.open_lesson("ledger")
st.markdown(prose["picture"])
with st.container(key="controls", border=True):
    verdict = pick_verdict()
    shown = [(s, e) for s, entries in SECTIONS.items() for e in entries if verdict in ("all", e.verdict)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        seed = controls.seed()
        checkable = [entry.key for _section, entry in shown if entry.claims]
        st.button(
            _("Check all that are shown"),
            type="primary",
            icon=":material/play_arrow:",
            on_click=ran(seed).update,
            args=(checkable,),
        )
    controls.bind("calibrate", "E2", controls.parse_choice("calibrate", list(CLAIMS)))  # shown below
place = st.empty()
lights = show_ledger(shown, seed, place)
if lights:
    report = Report(SECTIONS, lights, seed, datetime.now(UTC).isoformat(timespec="seconds"))
    summary(report, [entry for _section, entry in shown], place)

st.header(_("How a check is made"), anchor="check")
st.markdown(prose["formula"])
st.markdown(prose["check"])
st.header(_("Are the checks themselves right?"), anchor="calibration")
st.markdown(_("If a claim holds, the p-value of an exact test is uniform: the steps must follow the diagonal."))
calibration()
st.header(_("Does the library agree?"), anchor="library")
library()
lesson.article(prose)
