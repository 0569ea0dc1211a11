"""Arrays in, Plotly figures out. Nothing here calls Streamlit.

Plotly draws what a reader hovers, zooms and exports; whatever varies with t is the timeline's.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from pages.shared.palette import COLORS, SERIES
from plotly.subplots import make_subplots

__all__ = ["additivity", "error_rate", "noise_correlation", "schedules"]

FONT = 15
Translate = Callable[[str], str]


def _calm(figure: go.Figure, height: int) -> go.Figure:
    """One look for all: no frame, quiet grid, type that can be read from the back row."""
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 50, "b": 10},
        font={"size": FONT},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": -0.2, "x": 0, "yanchor": "top"},
        hovermode="x unified",
    )
    figure.update_xaxes(showgrid=False, zeroline=False, ticks="outside", automargin=True)
    figure.update_yaxes(gridcolor="rgba(128,128,128,.18)", zeroline=False, automargin=True)
    figure.update_annotations(font_size=FONT + 1)
    return figure


def schedules(tables: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], chosen: str, _: Translate) -> go.Figure:
    """beta, alpha_bar and SNR over t/T; ``tables`` maps a label to (beta, alpha_bar, snr), each T + 1 long."""
    titles = (_("β_t (log)"), _("ᾱ_t"), _("SNR_t (log)"))
    figure = make_subplots(1, 3, subplot_titles=titles, horizontal_spacing=0.07)
    for color, (label, (beta, alpha_bar, snr)) in zip(SERIES, tables.items(), strict=False):
        T = len(beta) - 1
        rows = np.unique(np.linspace(1, T, min(T, 400)).round().astype(int))
        for column, values in enumerate((beta, alpha_bar, snr), 1):
            y = np.where(values[rows] > 0, values[rows], np.nan) if column != 2 else values[rows]
            line = {"color": color, "width": 4 if label == chosen else 2}
            figure.add_scatter(
                x=rows / T, y=y, name=label, legendgroup=label, showlegend=column == 1, line=line, row=1, col=column
            )
    figure.update_yaxes(type="log", exponentformat="power", row=1, col=1)
    figure.update_yaxes(type="log", exponentformat="power", row=1, col=3)
    figure.update_xaxes(title_text="t / T")
    return _calm(figure, 400)


def error_rate(counts: Sequence[int], errors: Mapping[str, np.ndarray], _: Translate) -> go.Figure:
    """Root-mean-square errors against n, log-log, with the 1/sqrt(n) line."""
    n = np.asarray(counts, dtype=float)
    figure = go.Figure()
    figure.add_scatter(x=n, y=1 / np.sqrt(n), name="1/√n", line={"color": "gray", "dash": "dash"})
    for color, (label, values) in zip(SERIES, errors.items(), strict=False):
        figure.add_scatter(x=n, y=values, name=label, mode="lines+markers", line={"color": color})
    figure.update_xaxes(type="log", title_text=_("number of samples n"), exponentformat="power")
    figure.update_yaxes(type="log", title_text=_("RMS error of the mean"), exponentformat="power")
    return _calm(figure, 420)


def additivity(samples: Mapping[str, np.ndarray], _: Translate) -> go.Figure:
    """Three histograms of sigma_1 z_1 + sigma_2 z_2, each with N(0, 1), which only the independent sum follows."""
    figure = make_subplots(1, len(samples), subplot_titles=list(samples), shared_yaxes=True, horizontal_spacing=0.03)
    x = np.linspace(-4.5, 4.5, 181)
    normal = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    for column, values in enumerate(samples.values(), 1):
        heights, edges = np.histogram(values, bins=60, range=(-4.5, 4.5), density=True)
        figure.add_bar(
            x=(edges[1:] + edges[:-1]) / 2,
            y=heights,
            marker_color=COLORS["x_t"],
            opacity=0.45,
            showlegend=False,
            hoverinfo="skip",
            row=1,
            col=column,
        )
        figure.add_scatter(
            x=x, y=normal, name="N(0, 1)", showlegend=column == 1, line={"color": COLORS["x0"]}, row=1, col=column
        )
    figure.update_layout(bargap=0)
    return _calm(figure, 340)


def noise_correlation(timesteps: Sequence[int], correlation: np.ndarray, _: Translate) -> go.Figure:
    """corr(z_bar_s, z_bar_t): the jump's noise is another variable at each t."""
    figure = go.Figure(
        go.Heatmap(
            x=list(timesteps),
            y=list(timesteps),
            z=correlation,
            zmin=0,
            zmax=1,
            colorscale="Cividis",
            colorbar={"title": "corr"},
            hovertemplate="s = %{x}, t = %{y}: %{z:.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="s")
    figure.update_yaxes(title_text="t", scaleanchor="x")
    return _calm(figure, 420)
