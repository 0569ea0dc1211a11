"""Are the checks themselves right? The p-values of one claim's truth over 200 seeds, against uniform."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from diffusion_core.claims import SECTIONS, AnyClaim
from diffusion_core.claims.calibration import one_sided, p_values, uniformity
from pages.shared import controls
from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.palette import SERIES
from pages.shared.typography import significant

__all__ = ["draw"]

CLAIMS = {claim.key: claim for entries in SECTIONS.values() for entry in entries for claim in entry.claims}
SEEDS = range(1_000, 1_200)
ALARM = 1e-3


class Sample(NamedTuple):
    """One test's p-values, a seed each; those of a one-sided test may be larger than uniform."""

    p: np.ndarray
    larger: bool


Found = Mapping[str, Sample]  # by the test's name


def draw() -> None:
    """A claim, a button, and what came out; it stays while the session lasts."""
    st.markdown(_("If a claim holds, the p-value of an exact test is uniform: the steps must follow the diagonal."))
    options = {key: f"{key} · {_(claim.says)}" for key, claim in CLAIMS.items()}
    key = controls.choice("calibrate", _("Claim"), options, "E2")
    found: dict[str, Found] = st.session_state.setdefault("calibrated", {})
    if st.button(_("Run it with 200 seeds"), icon=":material/query_stats:"):
        found[key] = calibrate(CLAIMS[key])
    if key in found:
        show(found[key])


def calibrate(claim: AnyClaim) -> Found:
    """Run its truth with every seed."""
    progress, outcomes = st.progress(0.0), []
    for done, seed in enumerate(SEEDS, 1):
        outcomes.append(claim.run(seed=seed))
        if done % 10 == 0:
            progress.progress(done / len(SEEDS))
    progress.empty()
    larger = one_sided(outcomes)
    return {name: Sample(p, name in larger) for name, p in p_values(outcomes).items()}


def show(found: Found) -> None:
    """The steps, and how uniform they are."""
    if not found:
        st.info(_("This check has no p-values: it compares numbers that must be equal, or a slope with its tolerance."))
        return
    st.plotly_chart(figure(found), key="calibration_chart")
    uniform = _("{name}: uniform with p = {p}; below 0.001 in {alarms} of {n} seeds.")
    or_larger = _("{name}: uniform or larger with p = {p}; below 0.001 in {alarms} of {n} seeds.")
    lines = [
        (or_larger if larger else uniform).format(
            name=_(name), p=significant(uniformity(p, larger)), alarms=int((p < ALARM).sum()), n=len(p)
        )
        for name, (p, larger) in found.items()
    ]
    st.markdown("\n".join(f"- {line}" for line in lines))


def figure(found: Found) -> go.Figure:
    """The empirical distribution of p-values, one step line a test, against the uniform one."""
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[0, 1], name=_("uniform"), mode="lines", line={"color": "gray", "dash": "dash"})
    for color, (name, (p, _larger)) in zip(SERIES, found.items(), strict=False):
        x = np.concatenate([[0], np.sort(p), [1]])
        y = np.concatenate([[0], np.arange(1, len(p) + 1) / len(p), [1]])
        figure.add_scatter(x=x, y=y, name=_(name), mode="lines", line={"color": color, "shape": "hv"})
    figure.update_xaxes(title_text="p", range=[0, 1])
    figure.update_yaxes(title_text=_("share of seeds with a smaller p"), range=[0, 1])
    return calm(figure, 420)
