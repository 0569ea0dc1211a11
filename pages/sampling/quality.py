"""How good the samples are, against the number of steps: measured when asked."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from diffusion_core.laws.finite import FiniteData
from diffusion_core.training.quality import Interval
from pages.sampling.runs import JUDGED, Run, distances, judged
from pages.shared.figures import FONT, calm
from pages.shared.i18n import _
from pages.shared.keeping import fingerprint
from pages.shared.palette import COLORS

__all__ = ["can_be_measured", "show"]


def can_be_measured(run: Run) -> bool:
    """The exact denoiser of digits copies them: there is nothing to measure."""
    return run.network is not None or not isinstance(run.law, FiniteData)


def show(run: Run) -> None:
    """A button, and what it measures."""
    st.markdown(_("The chosen sampler, with other numbers of steps; the bars are 95% intervals."))
    wanted = fingerprint(run.with_steps(0))
    if st.button(_("Measure"), icon=":material/straighten:"):
        st.session_state["measured"] = wanted
    if st.session_state.get("measured") != wanted:
        return
    with st.spinner(_("Measuring…")):
        (show_judged if isinstance(run.law, FiniteData) else show_distances)(run)


def show_distances(run: Run) -> None:
    """Sliced Wasserstein distance: the exact denoiser, the network where there is one, the data from themselves."""
    counts = tuple(N for N in (2, 5, 10, 20, 50, 100) if N <= run.schedule.T)
    asked = {_("exact"): run.exact()} | ({_("network"): run} if run.network else {})
    found = {label: distances(one.with_steps(0), counts) for label, one in asked.items()}
    floor = found[_("exact")][1]
    st.plotly_chart(
        against_steps(
            counts,
            {label: values for label, (values, _floor) in found.items()},
            _("sliced Wasserstein distance to the data"),
            (floor.value, _("data against data")),
        ),
        key="quality_distances",
    )


def show_judged(run: Run) -> None:
    """The share of digits that show the class asked for, and which classes the judge sees."""
    counts = (4, 8, 16, 32)
    found = judged(run.with_steps(0), counts)
    left, right = st.columns(2)
    share = _("share judged to be the digit asked for")
    left.plotly_chart(
        against_steps(counts, {_("network"): found.right}, share, (1.0, _("all of them"))), key="quality_right"
    )
    even = [JUDGED / 10] * 10 if run.settings.label == "all" else None
    right.plotly_chart(class_counts(found.classes, even, counts[-1]), key="quality_classes")


def against_steps(
    steps: Sequence[int], measured: Mapping[str, Sequence[Interval]], title: str, best: tuple[float, str]
) -> go.Figure:
    """A measure of samples against the number of steps, with intervals: label -> one a number of steps."""
    figure = go.Figure()
    level = {"text": best[1], "font_size": FONT}
    figure.add_hline(y=best[0], line={"color": "gray", "dash": "dot"}, annotation=level, annotation_position="top left")
    for color, (label, values) in zip((COLORS["eps"], COLORS["x_t"]), measured.items(), strict=False):
        error = {
            "type": "data",
            "array": [one.high - one.value for one in values],
            "arrayminus": [one.value - one.low for one in values],
            "color": color,
            "width": 5,
        }
        figure.add_scatter(
            x=list(steps),
            y=[one.value for one in values],
            error_y=error,
            name=label,
            mode="lines+markers",
            line={"color": color},
            marker={"size": 8},
            hovertemplate="%{y:.3g}",
        )
    figure.update_layout(showlegend=True)
    figure.update_xaxes(type="log", title_text=_("number of steps N"), tickvals=list(steps))
    figure.update_yaxes(rangemode="tozero")
    return calm(figure, 420, title=title)


def class_counts(counts: Sequence[int], even: Sequence[float] | None, steps: int) -> go.Figure:
    """How many samples the judge takes for each digit, and how many there would be of each if all were right."""
    figure = go.Figure()
    digits = [str(k) for k in range(len(counts))]
    figure.add_bar(x=digits, y=list(counts), name=_("judged"), marker_color=COLORS["x_t"], hovertemplate="%{y}")
    if even is not None:
        figure.add_scatter(
            x=digits, y=list(even), name=_("asked for"), mode="lines", line={"color": "gray", "dash": "dot"}
        )
    title = _("what the judge sees at N = {n}").format(n=steps)
    figure.update_layout(showlegend=True)
    figure.update_xaxes(type="category", title_text=_("digit"))
    return calm(figure, 420, title=title)
