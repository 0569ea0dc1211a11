"""Codes of several sizes, and what starting from noise does, as Plotly figures. Nothing here calls Streamlit."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.shared.figures import Translate, calm
from pages.shared.palette import COLORS, SERIES

__all__ = ["code_sizes", "over_lambda"]


def code_sizes(sizes: Sequence[int], linear: Sequence[float], network: tuple[int, float], _: Translate) -> go.Figure:
    """Decibels of a linear code (PCA) over its size, and the autoencoder as one point (size, decibels)."""
    figure = go.Figure()
    figure.add_scatter(x=list(sizes), y=list(linear), name="PCA", mode="lines+markers", line={"color": COLORS["x0"]})
    figure.add_scatter(
        x=[network[0]],
        y=[network[1]],
        name=_("autoencoder"),
        mode="markers",
        marker={"color": COLORS["x_t"], "size": 14, "symbol": "diamond"},
    )
    figure.update_traces(hovertemplate="%{y:.1f} dB")
    figure.update_xaxes(title_text=_("numbers in the code"), type="log", tickvals=list(sizes))
    figure.update_yaxes(title_text="dB")
    return calm(figure, 340)


def over_lambda(lam: np.ndarray, curves: Mapping[str, np.ndarray], at: float, title: str) -> go.Figure:
    """One number of samples from noise over the variance of a direction, a curve a schedule; ``at`` is marked."""
    figure = go.Figure()
    for color, (label, values) in zip(SERIES, curves.items(), strict=False):
        figure.add_scatter(x=lam, y=values, name=label, line={"color": color}, hovertemplate="%{y:.3f}")
    figure.add_vline(at, line={"color": "gray", "dash": "dot"})
    figure.update_xaxes(title_text="λ", type="log", exponentformat="power", dtick=1)
    figure.update_layout(showlegend=False)
    return calm(figure, 320, bottom=50, title=title)
