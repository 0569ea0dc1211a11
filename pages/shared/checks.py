"""The checks of a lesson: a line each, that unfolds into its light, its mistakes and the numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from diffusion_core.claims.check import AnyClaim, Outcome, Trial
from diffusion_core.errors import BadInput
from pages.shared import controls
from pages.shared.i18n import _, explain
from pages.shared.keeping import fingerprint
from pages.shared.sections import folded
from pages.shared.typography import significant, typeset

__all__ = ["Checked", "draw", "run_claim", "trial_list"]


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


def draw(checks: Sequence[Checked]) -> None:
    """A button for new random numbers, and a line for each check; what is folded is not computed."""
    st.markdown(
        _(
            "**p** says how often chance alone would put a true sentence as far off as it is here. Among many tests a "
            "p of 0.01 is nothing unusual: the level at which a light turns red is so low that, if all that is checked "
            "is true, at most one seed in 1,000 turns any light red."
        )
    )
    seed = controls.dice("check")
    for one in checks:
        tried = f"try_{one.claim.key}"
        with folded(one.claim.key, typeset(_(one.claim.says)), asks=[tried]) as shown:
            if shown:
                _one(one, tried, seed)


def _one(one: Checked, tried: str, seed: int) -> None:
    """A check that is open: its light, its mistakes, its numbers."""
    claim = one.claim
    if one.note:
        st.markdown(one.note)
    options = {"truth": _("As it is"), **{str(i): typeset(_(m)) for i, m in enumerate(claim.mistakes, 1)}}
    picked = controls.choice(tried, _("Try a mistake"), options, "truth", pills=True)
    mistake = None if picked == "truth" else list(claim.mistakes)[int(picked) - 1]
    try:
        outcome = one.outcome(mistake, seed)
    except BadInput as error:  # the weights that it speaks of are missing or damaged
        st.error(explain(error), icon=":material/error:")
        return
    light(outcome, mistake is not None)
    st.markdown(trial_list(outcome))


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
