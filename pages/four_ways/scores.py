"""What each of the four gives up, in numbers: over seeds, as they come with the page, and of the run that is shown."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from diffusion_core.files import MODELS
from diffusion_core.laws.coverage import Reference
from diffusion_core.training.scores import SAMPLES, score, score_of_samples
from diffusion_core.training.ways import Diffusion
from pages.four_ways.diagrams import COLOR
from pages.four_ways.figures import names
from pages.four_ways.recipe import KINDS, Setting
from pages.four_ways.run import Four, look
from pages.shared import controls
from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.scenes import data_names
from pages.shared.typography import significant, table

__all__ = ["draw", "recorded", "scores_of"]

FILE = MODELS / "four_ways.json"
COLUMNS = ("gan", "vae", "flow", "diffusion_20", "diffusion_50")
Scores = Mapping[str, list[dict[str, float]]]  # of each way, a score a seed


@lru_cache(maxsize=1)
def recorded() -> dict[str, Any]:
    """What was measured over seeds (assets/models/make_four_ways.py)."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def heads() -> dict[str, str]:
    """The columns."""
    label = names()
    return {
        "truth": _("the data"),
        **{kind: label[kind] for kind in ("gan", "vae", "flow")},
        **{f"diffusion_{n}": _("diffusion, {n} steps").format(n=n) for n in (20, 50)},
    }


def draw(view: Four, setting: Setting) -> None:
    """The numbers over seeds where there are some, those of a run that has ended, and a picture of both."""
    view = look(view.id, setting)
    known: Scores = recorded()["data"].get(view.data.name, {}) if view.data.name != "word" else {}
    mine: Scores = {}
    if view.alive or not (view.id or known):
        st.info(_("The numbers of a run stand here when it has ended."), icon=":material/school:")
    elif view.id and view.ways and controls.once(f"measure_{view.id}", _("Measure my four"), ":material/straighten:"):
        with st.spinner(_("Measuring…")):
            mine = scores_of(view)
    if known:
        n = len(known["gan"])
        words = _("**The four that come with the page**, on {data}: mean ± standard deviation over {n} runs.")
        st.markdown(words.format(data=data_names()[view.data.name], n=n))
        deep = recorded()["passes"] if view.data.name == "eight_gaussians" else {}
        st.markdown(rows_of(known, deep))
    if mine:
        words = _("**Your four**, on {data}, after {step} steps.")
        name = view.data.word if view.data.name == "word" else data_names()[view.data.name]
        st.markdown(words.format(data=name, step=f"{view.step:,}"))
        st.markdown(rows_of(mine, {}))
    if known or mine:
        charts(known, mine)


@kept
def scores_of(view: Four) -> Scores:
    """A run's own, a column each."""
    reference, diffusion = Reference(view.data.law, n=50_000), view.ways["diffusion"]
    assert isinstance(diffusion, Diffusion)
    found = {kind: score(view.ways[kind], reference) for kind in KINDS if kind != "diffusion"}
    most = score(Diffusion(diffusion.denoiser, 50), reference)
    generator = torch.Generator().manual_seed(1_000)
    fewer = score_of_samples(reference, diffusion.sample(SAMPLES, generator), generator)
    found |= {"diffusion_20": {**fewer, "kl": most["kl"]}, "diffusion_50": most}  # the ODE is one for both
    return {name: [one] for name, one in found.items()}


# --- the table ------------------------------------------------------------------------------------------------------


def spread(of: list[dict[str, float]], what: str, *, times: float = 1.0, unit: str = "") -> str:
    """mean ± standard deviation over the runs; the number, where there is one run."""
    values = times * np.array([one[what] for one in of if what in one])
    if not len(values):
        return "–"
    mean = significant(float(values.mean()), 2)
    return f"{mean} ± {significant(float(values.std(ddof=1)), 1)}{unit}" if len(values) > 1 else mean + unit


def rows_of(scores: Scores, passes: Mapping[str, float]) -> str:
    """The table: a column a way, a row a question. ``passes``: ln q where one walks from mode to mode, of one run."""
    columns = [name for name in ("truth", *COLUMNS) if name in scores]

    def row(label: str, what: str, *, times: float = 1.0, unit: str = "") -> list[str]:
        return [label, *(spread(scores[name], what, times=times, unit=unit) for name in columns)]

    parts = int(scores["gan"][0]["parts"])
    called = {"truth": "–", "diffusion_20": "20", "diffusion_50": "50"}
    label = heads()
    return table(
        ["", *(label[name] for name in columns)],
        [
            [_("network calls"), *(called.get(name, "1") for name in columns)],
            [_("likelihood"), *(likelihood(name, scores[name]) for name in columns)],
            [_("parts caught, of {n}").format(n=parts), *(caught(scores[name]) for name in columns)],
            row(_("outside 99%"), "outside_99", times=100, unit="%"),
            row(_("outside 99.9%"), "outside_999", times=100, unit="%"),
            *([[_("bridges, ln q"), *(depth(passes, name) for name in columns)]] if passes else []),
            row(_("width, nats"), "quality_median"),
            row("KL(p ‖ q)", "kl"),
            row("KL(q ‖ p)", "kl_back"),
            row("KLₕ(p ‖ q)", "kl_h"),
            row("KLₕ(q ‖ p)", "kl_h_back"),
        ],
        "l" + "r" * len(columns),
    )


def depth(passes: Mapping[str, float], name: str) -> str:
    """How deep the lowest pass is on the best way between the modes."""
    known = passes.get(name.partition("_")[0])
    return "–" if known is None else significant(known)


def caught(of: list[dict[str, float]]) -> str:
    """How many in each run, once if it is the same number."""
    return ", ".join(dict.fromkeys(f"{one['caught']:g}" for one in of))


def likelihood(name: str, of: list[dict[str, float]]) -> str:
    """What there is to be had of ln q(x)."""
    words = {"gan": _("none"), "vae": _("a bound"), "flow": _("exact"), "truth": _("known")}
    if name == "vae" and "gap" in of[0]:
        return _("bound, gap {gap}").format(gap=spread(of, "gap"))
    return words.get(name, _("by an ODE"))


# --- the picture ----------------------------------------------------------------------------------------------------


def charts(known: Scores, mine: Scores) -> None:
    """KL_h in both directions, side by side."""
    left, right = st.columns(2)
    left.plotly_chart(chart(known, mine, "kl_h", _("KLₕ(p ‖ q): data that the samples miss")), key="kl_h")
    right.plotly_chart(chart(known, mine, "kl_h_back", _("KLₕ(q ‖ p): samples where no data are")), key="kl_h_back")


def chart(known: Scores, mine: Scores, what: str, title: str) -> go.Figure:
    """Bars with the spread over seeds; the visitor's run as diamonds."""
    figure, label = go.Figure(), heads()
    for name in COLUMNS:
        y, color = [label[name]], color_of(name)
        if name in known:
            values = np.array([one[what] for one in known[name]])
            bar = {"type": "data", "array": [float(values.std(ddof=min(1, len(values) - 1)))]}
            figure.add_bar(
                y=y, x=[float(values.mean())], error_x=bar, orientation="h", name=label[name], marker_color=color
            )
        if name in mine:
            look = {"symbol": "diamond", "size": 15, "color": color, "line": {"width": 2, "color": "white"}}
            figure.add_scatter(y=y, x=[mine[name][0][what]], mode="markers", marker=look, name=_("yours"))
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title_text=_("nats"), rangemode="tozero")
    return calm(figure, 330, bottom=50, title=title).update_layout(hovermode="closest", showlegend=False, bargap=0.3)


def color_of(name: str) -> str:
    """The colour of the way that a column is."""
    return COLOR[name.partition("_")[0]]
