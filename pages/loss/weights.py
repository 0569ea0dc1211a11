"""Losses as weights over the SNR; and networks too small for their task, trained with one weighting or another."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from diffusion_core.files import MODELS
from diffusion_core.training import weighted
from diffusion_core.weightings import DENSITIES, WEIGHTINGS
from pages.shared import controls
from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.palette import SERIES
from pages.shared.typography import significant, table

__all__ = ["SMALL_ASKS", "WEIGHT_ASKS", "small", "weights"]

WEIGHT_ASKS, SMALL_ASKS = ["drawn"], ["hidden"]
SHIPPED = MODELS / "weighted_points.safetensors"
SNRS = (100.0, 1.0, 0.1)  # of the table
REACH = 7.0  # of ln SNR
COLOR = dict(zip(weighted.NAMES, SERIES, strict=True)) | {"fm": SERIES[weighted.NAMES.index("v")]}
LEAST = 1e-7  # an error that is drawn


def names() -> dict[str, str]:
    """What the weightings are called."""
    return {
        "bound": _("the bound"),
        "eps": "ε",
        "x0": "x₀",
        "v": "v",
        "fm": _("flow matching"),
        "score": _("score"),
        "min_snr": _("min-SNR (γ = 5)"),
        "p2": _("P2 (k = γ = 1)"),
    }


# --- the weights ----------------------------------------------------------------------------------------------------


def weights() -> None:
    """A table of factors at three SNRs, and the weights over ln SNR."""
    head = [_("loss"), *(f"SNR = {snr:g}" for snr in SNRS)]
    st.markdown(_("What each puts on the squared error of $x_0$:"))
    st.markdown(table(head, rows(), "lrrr"))
    options = {"cosine": _("cosine"), "linear_vp": _("linear β")}
    drawn = controls.choice("drawn", _("t is drawn evenly along"), options, "cosine", pills=True)
    st.plotly_chart(over_snr(drawn), key="weights_chart")


def rows() -> list[list[str]]:
    """The factors, a row a loss."""
    label, snr = names(), torch.tensor(SNRS, dtype=torch.float64)
    return [[label[name], *map(significant, one.of_x0(snr).tolist())] for name, one in WEIGHTINGS.items()]


@kept
def over_snr(drawn: str) -> go.Figure:
    """Weight on the error of eps, times how often a level is drawn, per unit of ln SNR."""
    x, label, figure = torch.linspace(-REACH, REACH, 281, dtype=torch.float64), names(), go.Figure()
    for name, one in WEIGHTINGS.items():
        y = one.over_log_snr(x, DENSITIES[drawn])
        line = {"color": COLOR[name], "dash": "dash" if name == "fm" else "solid"}
        figure.add_scatter(
            x=x, y=torch.where(y > 0, y, torch.nan), name=label[name], line=line, hovertemplate="%{y:.3g}"
        )
    figure.update_xaxes(title_text="ln SNR")
    figure.update_yaxes(type="log", title_text=_("weight on the error of ε"), exponentformat="power", dtick=2)
    return calm(figure, 460, bottom=110)


# --- small networks -------------------------------------------------------------------------------------------------


def small() -> None:
    """Where the error of each network lies; and who is best by whose loss."""
    widths = {str(width): str(width) for width in weighted.WIDTHS}
    width = int(controls.choice("hidden", _("Width of the networks"), widths, "2", pills=True))
    st.plotly_chart(errors(width), key="small_chart")
    losses = judged(width)
    label, own = names(), losses.diagonal()
    st.markdown(
        _(
            "The loss above its floor, in units of the network that was trained with it. Rows: trained with; columns: "
            "judged by."
        )
    )
    cells = [
        [label[name], *(ratio(value) for value in row / own)] for name, row in zip(weighted.NAMES, losses, strict=True)
    ]
    st.markdown(table(["", *(label[name] for name in weighted.NAMES)], cells, "l" + "r" * len(own)))
    best = int((losses >= 0.999 * own).all(0).sum())
    said = _(
        "In {best} of {all} columns no network is better, by 0.1% or more, than the one that was trained with that "
        "loss. Each one’s own loss above the floor: {own}."
    )
    own_losses = ", ".join(f"{label[name]} {significant(v, 2)}" for name, v in zip(weighted.NAMES, own, strict=True))
    st.markdown(said.format(best=best, all=len(own), own=own_losses))


def ratio(value: float) -> str:
    """A cell; bold where it is the least."""
    return "**1**" if value == 1 else significant(value, 3)


@kept
def found() -> dict[int, np.ndarray]:
    """The errors of all networks, (weightings, levels) by width, on a finer task than they were trained on."""
    task = fine()
    return {width: nets.errors(task).numpy() for width, nets in weighted.load(SHIPPED).items()}


def fine() -> weighted.Task:
    """65 levels, 48 nodes for each peak."""
    return weighted.task(65, 48)


def judged(width: int) -> np.ndarray:
    """(trained with, judged by)."""
    losses: np.ndarray = found()[width].astype(float) @ fine().weights.numpy().T.astype(float)
    return losses


@kept
def errors(width: int) -> go.Figure:
    """E|f - eps*|^2 over ln SNR, a line for each weighting."""
    figure, label, x = go.Figure(), names(), fine().log_snr.numpy()
    for name, line in zip(weighted.NAMES, found()[width], strict=True):
        y = np.maximum(line, LEAST)
        figure.add_scatter(x=x, y=y, name=label[name], line={"color": COLOR[name]}, hovertemplate="%{y:.2g}")
    figure.update_xaxes(title_text="ln SNR")
    figure.update_yaxes(type="log", title_text=_("E (f − ε*)²"), exponentformat="power", dtick=1)
    return calm(figure, 460, bottom=110)
