"""DDIM's Table 1 without a network: distances of Gaussian "images" with the power spectrum of natural ones."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from diffusion_core.claims.variance import ddim_table as claims
from pages.shared import controls
from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.palette import SERIES
from pages.shared.scenes import schedule_of
from pages.variance.choices import T

__all__ = ["draw"]

SHORT = (*(f"η {eta:g}" for eta in claims.ETAS), "σ̂")


def draw(mean_variance: float) -> None:
    """Two charts and, for each S, whether the order is the paper's; the spectrum's power has a control."""
    exponent = controls.number("power", _("a of the power f⁻ᵃ"), 2.4, low=1.0, high=4.0, step=0.1)
    st.markdown(order_sentence(mean_variance))
    here = distances(exponent, mean_variance)
    left, right = st.columns(2)
    left.plotly_chart(figure(here, _("here: W₂² a dimension, exact")), key="table_1_here")
    right.plotly_chart(figure(claims.PAPER_TABLE_1, _("the paper: FID, CIFAR-10")), key="table_1_paper")
    st.markdown("\n".join(verdict(steps, row) for steps, row in here.items()))


def rows(steps: int, exponents: Sequence[float], mean_variance: float) -> list[list[float]]:
    """A row for each exponent: the distance for each eta, then for sigma-hat, at S = steps."""
    schedule = schedule_of("linear", T)
    timesteps = schedule.timesteps(steps, spacing="leading")
    return claims.table_1(claims.of_ddim, schedule, timesteps, exponents=exponents, mean_variance=mean_variance)


@kept
def distances(exponent: float, mean_variance: float) -> dict[int, list[float]]:
    """S -> the row of one exponent."""
    return {steps: rows(steps, (exponent,), mean_variance)[0] for steps in claims.PAPER_TABLE_1}


@kept
def order_begins(mean_variance: float) -> float:
    """The exponent from which on the order at S = 10 is the paper's; infinite where there is none up to 4."""
    orders = [claims.order(row) for row in rows(10, claims.EXPONENTS, mean_variance)]
    return claims.turn(orders, claims.order(claims.PAPER_TABLE_1[10]))


def order_sentence(mean_variance: float) -> str:
    """Which spectra have the paper's order at ten steps."""
    begins, s2 = order_begins(mean_variance), f"{mean_variance:g}"
    if begins == math.inf:
        return _("At mean variance s² = {s2}, no power up to f⁻⁴ has the paper's order at S = 10.").format(s2=s2)
    if begins == claims.EXPONENTS[0]:
        return _("At mean variance s² = {s2}, every power from f⁻¹ on has the paper's order at S = 10.").format(s2=s2)
    return _("At mean variance s² = {s2}, the paper's order at S = 10 begins at a = {a}.").format(
        s2=s2, a=f"{begins:g}"
    )


def verdict(steps: int, row: Sequence[float]) -> str:
    """The order of the five at one S, and whether it is the paper's."""
    mine, paper = claims.order(row), claims.order(claims.PAPER_TABLE_1[steps])
    mark = (
        ":green[✓] " + _("the paper's order")
        if mine == paper
        else ":orange[≠] " + _("the paper: {order}").format(order=spelt(paper))
    )
    return f"- S = {steps}: {spelt(mine)} · {mark}"


def spelt(order: Sequence[int]) -> str:
    """From best to worst."""
    return " < ".join(SHORT[k] for k in order)


def figure(distances: Mapping[int, Sequence[float]], title: str) -> go.Figure:
    """One curve a row of the table, over the number of steps S, log-log."""
    figure, steps = go.Figure(), list(distances)
    labels = (*(f"η = {eta:g}" for eta in claims.ETAS), _("σ̂ (DDPM with β)"))
    for k, (color, label) in enumerate(zip(SERIES, labels, strict=False)):
        values = [row[k] for row in distances.values()]
        look = {"mode": "lines+markers", "line": {"color": color}}
        figure.add_scatter(x=steps, y=values, name=label, hovertemplate="%{y:.3g}", **look)
    figure.update_xaxes(type="log", title_text="S", tickvals=steps)
    figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    return calm(figure, 400, title=title)
