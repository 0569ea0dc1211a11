"""Does the library agree? The installed diffusers beside this project, setting by setting."""

import streamlit as st

from diffusion_core.claims.library import Agreement, compare
from diffusion_core.claims.report import versions
from diffusion_core.errors import BadInput
from pages.shared.i18n import _, explain
from pages.shared.typography import significant, table

__all__ = ["draw"]


def draw() -> None:
    """A button, and what was found; it stays while the session lasts."""
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
    st.markdown(agreement(rows))
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


@st.cache_resource(show_spinner=False)
def compare_once() -> tuple[Agreement, ...]:
    """The comparison, once for all visitors."""
    return compare()


def agreement(found: tuple[Agreement, ...]) -> str:
    """A line for each setting of the library."""
    verdicts = {
        "agrees": ":green[✓] " + _("agrees"),
        "differs": ":red[✗] " + _("differs"),
        "not a number": ":red[✗] NaN",
    }
    rows = [
        (f"`{one.setting}`", one.compared, significant(one.error), significant(one.allowed), verdicts[one.verdict])
        for one in found
    ]
    return table(("diffusers", _("compared"), _("error"), _("allowed"), ""), rows)
