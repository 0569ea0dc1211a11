"""Every claim with its light: green only if the truth passes and every mistake is rejected."""

import streamlit as st

from diffusion_core.claims import LESSONS, Claim
from pages.shared import controls, lesson, shell
from pages.shared.i18n import _, parts


def full_check(claim: Claim, seed: int) -> bool:
    """Run the truth and all mistakes of one claim, and show them."""
    truth = lesson.run_claim(claim.key, None, (), seed, claim, None)
    mistakes = {m: lesson.run_claim(claim.key, m, (), seed, claim, None) for m in claim.mistakes}
    green = truth.passed and not any(outcome.passed for outcome in mistakes.values())
    icon = ":green[:material/check_circle:]" if green else ":red[:material/cancel:]"
    with st.expander(f"{icon} **{claim.key}** · {_(claim.says)}"):
        st.markdown("**" + _("As it is") + "**")
        st.markdown(lesson.trial_list(truth))
        for mistake, outcome in mistakes.items():
            verdict = _("passes, and should not") if outcome.passed else _("rejected, as it must be")
            st.markdown("**" + _("Mistake") + f": {_(mistake)}** — {verdict}")
            st.markdown(lesson.trial_list(outcome))
    return green


shell.ensure_shell()
prose = lesson.open_lesson("ledger")
st.markdown(prose["picture"])
st.markdown(prose["formula"])
st.markdown(prose["check"])
seed = controls.seed()
controls.show_notes()
ran = st.session_state.setdefault("ledger_ran", False)
if st.button(_("Run all checks"), type="primary", icon=":material/play_arrow:") or ran:
    st.session_state["ledger_ran"] = True
    claims = [(section, claim) for section, many in LESSONS.items() for claim in many]
    summary = st.empty()
    progress = st.progress(0.0)
    green, shown = 0, ""
    for done, (section, claim) in enumerate(claims, 1):
        if section != shown:
            st.subheader(parts(section)["title"], anchor=False)
            shown = section
        green += full_check(claim, seed)
        progress.progress(done / len(claims), text=f"{done} / {len(claims)}")
    progress.empty()
    (summary.success if green == len(claims) else summary.error)(
        _("{green} of {all} claims are green with seed {seed}.").format(green=green, all=len(claims), seed=seed)
    )
lesson.article(prose)
