"""The anatomy of a lesson, the same parts in the same order everywhere.

question, picture, controls, the formula with today's numbers, a check that can fail with its mistakes, the code that
made the picture, and what the article leaves out.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st

from diffusion_core.claims.check import Claim, Outcome, Trial
from diffusion_core.errors import BadInput
from pages.shared import controls
from pages.shared.i18n import _, explain, parts
from pages.shared.timeline import LABELS

__all__ = [
    "PARTS",
    "article",
    "check",
    "open_lesson",
    "picture_first",
    "show_code",
    "show_timeline",
    "significant",
    "typeset",
]

MOST_ELEMENTS = 10**7
PARTS = ("title", "question", "picture", "formula", "check", "article")


def open_lesson(name: str) -> dict[str, str]:
    """Title and question; returns the parts of the prose."""
    prose = parts(name)
    st.title(prose["title"], anchor=False)
    with st.container(key="question"):
        st.markdown(prose["question"])
    return prose


def timeline_labels() -> dict[str, str]:
    """The strings of the timeline, in the reader's language."""
    return {key: _(english) for key, english in LABELS.items()}


def show_timeline(*, key, positions, t=0, name="t", label=None, handles=None, tracks, panels, autoplay=False):  # type: ignore
    from pages.shared import lesson

    picture = lesson.packed(positions, tracks, panels, label=label, autoplay=autoplay)
    lesson.timeline(picture, key=key, name=name, t=t, handles=handles)
    from pages.shared.timeline.component import TimelineState

    return TimelineState(st.session_state[controls.key_of(name)], 0, None)


@contextmanager
def picture_first() -> Iterator[Any]:
    """Controls are drawn below the picture, but run before it: yields the place of the picture."""
    picture = st.container(key="picture")
    with st.container(key="controls", border=True):
        yield picture


def significant(value: float, digits: int = 3) -> str:
    """A number as a reader wants it: 0.0123, 1.23 × 10⁻⁷, never 1.23e-07."""
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "NaN")
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        text = f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}" if value else "0"
        return text.replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    superscript = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10{superscript}".replace("-", "−")


_LETTER = r"A-Za-zℓ\u0370-\u03ff\u1f00-\u1fff"  # Latin and Greek: 汉字 may stand right beside a symbol
_INDEXED = re.compile(rf"(?<![{_LETTER}_])(SNR|[{_LETTER}][\u0300-\u036f]*)_(\{{[^}}]*\}}|[{_LETTER}\d]+)(?!_)")
_RAISED = re.compile(rf"(?<=[{_LETTER}\u0300-\u036f\d)])\^([{_LETTER}\d]+|\([^)]*\))")


def typeset(text: str) -> str:
    """A plain sentence as Markdown: x_t, x̂_0 and p(c | x)^w become mathematics; what is so already is left alone."""
    if "$" in text:
        return text
    indexed = _INDEXED.sub(lambda m: f"${_symbol(m[1])}_{{{m[2].strip('{}')}}}$", text)
    return _RAISED.sub(lambda m: f"$^{{{m[1].strip('()')}}}$", indexed)


def _symbol(letter: str) -> str:
    """A letter with its mark, or a name, in LaTeX."""
    marks = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar"}
    if letter == "SNR":
        return r"\mathrm{SNR}"
    bare, *over = list(unicodedata.normalize("NFD", letter))
    return "".join(rf"\{marks[mark]}{{" for mark in reversed(over)) + bare + "}" * len(over)


def _verdict(trial: Trial) -> str:
    if trial.p_value is None:
        return _("at most {tolerance} allowed").format(tolerance=significant(trial.tolerance or 0.0))
    return f"p = {significant(trial.p_value)}" if trial.p_value > 0 else "p < 10⁻³⁰⁰"


def trial_list(outcome: Outcome) -> str:
    """The trials of one outcome, a line each: its mark, its name, its number, its p-value or tolerance, its n."""
    colon = _(": ")
    return "  \n".join(
        f"{':red[✗]' if rejected else ':green[✓]'} {typeset(_(trial.name))}{colon}**{significant(trial.value)}**"
        f" · {_verdict(trial)} · n = {trial.n:,}"
        for trial, rejected in zip(outcome.trials, outcome.rejected, strict=True)
    )


def light(outcome: Outcome, mistaken: bool = False) -> None:
    """Green or red, and in words."""
    if outcome.passed and mistaken:
        st.warning(
            _("Not rejected: at this setting these numbers cannot tell the mistake from the truth."),
            icon=":material/help:",
        )
    elif outcome.passed:
        st.success(_("Holds: no test rejects it."), icon=":material/check_circle:")
    else:
        failed = ", ".join(
            typeset(_(trial.name)) for trial, rejected in zip(outcome.trials, outcome.rejected, strict=True) if rejected
        )
        st.error(_("Rejected by: {tests}.").format(tests=failed), icon=":material/cancel:")


@st.cache_data(show_spinner=False, max_entries=2_000)
def run_claim(
    key: str, mistake: str | None, setting_key: tuple[Any, ...], seed: int, _claim: Claim, _setting: Any
) -> Outcome:
    """A check's outcome; the same seed and setting are not computed twice."""
    return _claim.run(mistake, _setting, seed)


@dataclass(frozen=True)
class Checked:
    """A claim as a lesson checks it: its setting, the scalars that make the setting, and a word on it."""

    claim: Claim
    setting: Any = None
    scalars: tuple[Any, ...] = ()
    note: str | None = None


def check(prose: dict[str, str], checks: Sequence[Checked]) -> None:
    """The checks of a lesson, each with its light and its mistakes."""
    st.header(_("Check it"), anchor="check")
    st.markdown(prose["check"])
    st.markdown(
        _(
            "**p** says how often chance alone would put a true sentence as far off as it is here. Among many tests a "
            "p of 0.01 is nothing unusual: the level at which a light turns red is so low that, if all that is checked "
            "is true, at most one seed in 1,000 turns any light red."
        )
    )
    key = controls.bind("check", 0, controls.parse_integer("check", 0, controls.MAX_SEED))

    def roll() -> None:
        st.session_state[key] += 1
        controls.remember("check", st.session_state[key], 0)

    st.button(
        _("New random numbers (seed {seed})").format(seed=st.session_state[key]),
        icon=":material/casino:",
        on_click=roll,
    )
    for one in checks:
        claim = one.claim
        with st.container(border=True, key=f"claim_{claim.key}"):
            st.markdown(f"**{typeset(_(claim.says))}**")
            if one.note:
                st.markdown(one.note)
            options = {"truth": _("As it is"), **{str(i): typeset(_(m)) for i, m in enumerate(claim.mistakes, 1)}}
            picked = controls.choice(f"try_{claim.key}", _("Try a mistake"), options, "truth", pills=True)
            mistake = None if picked == "truth" else list(claim.mistakes)[int(picked) - 1]
            try:
                outcome = run_claim(claim.key, mistake, one.scalars, st.session_state[key], claim, one.setting)
            except BadInput as error:  # the weights that it speaks of are missing or damaged
                st.error(explain(error), icon=":material/error:")
                continue
            light(outcome, mistake is not None)
            st.markdown(trial_list(outcome))


def show_code(source: str, name: str) -> None:
    """The lines that made the picture, runnable as they stand, to be read, copied or taken away."""
    with st.expander(_("Show code"), icon=":material/code:"):
        st.markdown(_("These lines made the picture; they run as they stand, from the project's folder."))
        st.code(source, language="python")
        st.download_button(
            _("Download {file}").format(file=f"{name}.py"), source, f"{name}.py", "text/x-python", on_click="ignore"
        )


def article(prose: dict[str, str]) -> None:
    """Where the article says otherwise, what is true, and why."""
    st.header(_("What the article leaves out"), anchor="article")
    st.markdown(prose["article"])


def timeline(
    *, key: Any, positions: Any, tracks: Any, panels: Any, labels: Any, autoplay: bool = False, **rest: Any
) -> Any:
    from pages.shared.timeline import pack, show

    return show(pack(positions, tracks, panels, labels, autoplay=autoplay), key=key, **rest)
