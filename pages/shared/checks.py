"""The checks of a lesson: a line each, that unfolds into a verdict, the mistakes beside the truth, and the numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import streamlit as st

from diffusion_core.claims.check import AnyClaim, Outcome, Trial
from diffusion_core.errors import BadInput
from pages.shared import controls
from pages.shared.i18n import _, explain
from pages.shared.keeping import fingerprint
from pages.shared.red_line import picture, red_below
from pages.shared.sections import folded
from pages.shared.typography import significant, typeset

__all__ = ["Checked", "draw", "run_claim", "trial_list"]

UNUSUAL = 0.05  # a reader who knows this level would take a smaller p for a contradiction


@dataclass(frozen=True)
class Checked:
    """A claim as a lesson checks it: its setting, and a word on it.

    ``key`` names what of the setting has no `fingerprint`, such as a choice of variance that was made on the spot.
    """

    claim: AnyClaim
    setting: Any = None
    note: str | None = None
    key: tuple[Any, ...] | None = None

    @property
    def known_by(self) -> str:
        """The same for the same setting."""
        return fingerprint(self.setting if self.key is None else self.key)

    def outcome(self, mistake: str | None, seed: int) -> Outcome:
        """What the check finds for the truth, or for a mistake."""
        return run_claim(self.claim.key, mistake, self.known_by, seed, _claim=self.claim, _setting=self.setting)


@st.cache_resource(show_spinner=False, max_entries=2_000)
def run_claim(key: str, mistake: str | None, setting_key: str, seed: int, _claim: AnyClaim, _setting: Any) -> Outcome:
    """A check's outcome; the same seed and setting are not computed twice."""
    return _claim.run(mistake, _setting, seed)


class Verdict(NamedTuple):
    """What a light says, and how."""

    say: Callable[..., object]
    words: str
    icon: str


def draw(checks: Sequence[Checked]) -> None:
    """A button for new random numbers, and a line for each check; what is folded is not computed."""
    seed = controls.dice("check")
    for one in checks:
        tried = f"try_{one.claim.key}"
        with folded(one.claim.key, typeset(_(one.claim.says)), asks=[tried]) as shown:
            if shown:
                _one(one, tried, seed)


def _one(one: Checked, tried: str, seed: int) -> None:
    """A check that is open: the truth, and beside it the mistake that is tried."""
    claim = one.claim
    if one.note:
        st.markdown(one.note)
    options = {"truth": _("As it is"), **{str(i): typeset(_(m)) for i, m in enumerate(claim.mistakes, 1)}}
    picked = controls.choice(tried, _("Try a mistake"), options, "truth", pills=True)
    mistake = None if picked == "truth" else list(claim.mistakes)[int(picked) - 1]
    right, wrong = st.columns(2, gap="medium")
    try:
        truth = one.outcome(None, seed)
        with right:
            _side(options["truth"], truth, claim.alpha, _verdict(truth))
        if mistake is None:
            wrong.caption(_("Pick a mistake above: it is drawn here, on the same axis."))
        else:
            found = one.outcome(mistake, seed)
            with wrong:
                _side(options[picked], found, claim.alpha, _verdict_on_mistake(found))
    except BadInput as error:  # the weights that it speaks of are missing or damaged
        st.error(explain(error), icon=":material/error:")
    else:
        if about_p := _about_p(truth, claim.alpha):
            st.caption(about_p)


def _side(title: str, outcome: Outcome, alpha: float, verdict: Verdict) -> None:
    """One of the two: the verdict in words, how far from the red line its tests are, and the numbers."""
    st.markdown(f"**{title}**")
    verdict.say(verdict.words, icon=f":material/{verdict.icon}:")
    st.html(picture(outcome, alpha))
    st.markdown(trial_list(outcome))


# --- in words -------------------------------------------------------------------------------------------------------


def _verdict(truth: Outcome) -> Verdict:
    """Of the truth. With p-values chance has a part in it, and the words say how large that is."""
    by_chance = any(trial.p_value is not None for trial in truth.trials)
    if truth.passed and by_chance:
        holds = _("Holds. If all is true, at most one seed in 1,000 turns any light of this page red.")
        return Verdict(st.success, holds, "check_circle")
    if truth.passed:
        return Verdict(st.success, _("Holds: every number is within its tolerance."), "check_circle")
    return Verdict(st.error, _("Rejected by: {tests}.").format(tests=_rejecting(truth)), "cancel")


def _verdict_on_mistake(found: Outcome) -> Verdict:
    if found.passed:
        blind = _("Not rejected: at this setting these numbers cannot tell the mistake from the truth.")
        return Verdict(st.warning, blind, "help")
    caught = _("Rejected, as it must be, by: {tests}.").format(tests=_rejecting(found))
    return Verdict(st.error, caught, "cancel")


def _rejecting(outcome: Outcome) -> str:
    """The tests that reject, each once."""
    names = (trial.name for trial, rejected in zip(outcome.trials, outcome.rejected, strict=True) if rejected)
    return _(", ").join(typeset(_(name)) for name in dict.fromkeys(names))


def _about_p(truth: Outcome, alpha: float) -> str:
    """What a p is, and that a small one is nothing unusual; nothing where there is none."""
    found = [trial.p_value for trial in truth.trials if trial.p_value is not None]
    if not found:
        return ""
    level = significant(red_below(truth, alpha))
    words = _("**p** says how often chance alone puts a true sentence as far off; red begins below p = {level}.")
    if truth.passed and min(found) < UNUSUAL:
        words += _(" Among so many tests a p of {p} is nothing unusual.")
    return words.format(level=level, p=significant(min(found)))


def _measure(trial: Trial) -> str:
    if trial.p_value is None:
        return _("at most {tolerance} allowed").format(tolerance=significant(trial.tolerance or 0.0))
    return f"p = {significant(trial.p_value)}" if trial.p_value > 0 else "p < 10⁻³⁰⁰"


def trial_list(outcome: Outcome) -> str:
    """The trials of one outcome, a line each: its mark, its name, its number, its p-value or tolerance, its n."""
    colon = _(": ")
    return "  \n".join(
        f"{':red[✗]' if rejected else ':green[✓]'} {typeset(_(trial.name))}{colon}**{significant(trial.value)}**"
        f" · {_measure(trial)} · n\u00a0=\u00a0{trial.n:,}"
        for trial, rejected in zip(outcome.trials, outcome.rejected, strict=True)
    )
