"""Arrays in, Plotly figures out. Nothing here calls Streamlit.

Plotly draws what a reader hovers, zooms and exports; whatever varies with t is the timeline's.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.shared.palette import COLORS, SERIES

__all__ = [
    "calm",
    "legend",
    "schedule_curves",
    "slice_cloud",
    "slice_histogram",
]

FONT = 15
Translate = Callable[[str], str]


def calm(figure: go.Figure, height: int, bottom: int = 90, title: str = "") -> go.Figure:
    """One look for all: no frame, quiet grid, type that can be read from the back row.

    No Plotly template can do this: Streamlit lays its theme over a template's fonts, colours and margins.
    """
    if title:
        figure.update_layout(title={"text": title, "font": {"size": FONT + 1}, "x": 0.02})
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 40, "b": bottom},
        font={"size": FONT},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "yref": "container", "y": 0, "x": 0, "yanchor": "bottom", "font": {"size": FONT}},
        hovermode="x unified",
    )
    figure.update_xaxes(showgrid=False, zeroline=False, ticks="outside", title_standoff=4, tickfont_size=FONT)
    figure.update_yaxes(gridcolor="rgba(128,128,128,.18)", zeroline=False, tickfont_size=FONT)
    figure.update_annotations(font_size=FONT + 1)
    return figure


def schedule_curves(curves: Mapping[str, np.ndarray], chosen: str, title: str, log: bool) -> go.Figure:
    """One table of every schedule over t/T: label -> (T + 1,) values. Zero cannot be drawn on a log axis and is not."""
    figure = go.Figure()
    for color, (label, values) in zip(SERIES, curves.items(), strict=False):
        T = len(values) - 1
        rows = np.unique(np.linspace(1, T, min(T, 400)).round().astype(int))
        y = np.where(values[rows] > 0, values[rows], np.nan) if log else values[rows]
        figure.add_scatter(x=rows / T, y=y, name=label, line={"color": color, "width": 4 if label == chosen else 2})
    if log:
        figure.update_yaxes(type="log", exponentformat="power", dtick=2)
    figure.update_xaxes(title_text="t / T")
    title = re.sub(r"_(\w)", r"<sub>\1</sub>", title)  # x_t
    figure.update_layout(showlegend=False)
    return calm(figure, 320, bottom=50, title=title)


def legend(labels: Sequence[str], chosen: str) -> str:
    """The key to `schedule_curves`, as HTML that wraps on a phone."""
    keys = "".join(
        f'<span style="white-space:nowrap"><span style="color:{color}">━━</span> '
        + (f"<b>{label}</b>" if label == chosen else label)
        + "</span>"
        for color, label in zip(SERIES, labels, strict=False)
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:.3rem 1.4rem">{keys}</div>'


def slice_cloud(cloud: np.ndarray, band: tuple[float, float]) -> go.Figure:
    """Simulated pairs (x_s, x_t), (n, 2), and the band around one x_t."""
    figure = go.Figure()
    look = {"size": 3, "color": COLORS["x_t"], "opacity": 0.35}
    figure.add_scatter(x=cloud[:, 0], y=cloud[:, 1], mode="markers", marker=look, hoverinfo="skip")
    figure.add_hrect(*band, fillcolor=COLORS["mu_tilde"], opacity=0.5, line_width=0)
    figure.update_xaxes(title_text="x<sub>s</sub>")
    figure.update_yaxes(title_text="x<sub>t</sub>")
    figure.update_layout(showlegend=False)
    return calm(figure, 380, bottom=50)


def slice_histogram(inside: np.ndarray, curves: Mapping[str, tuple[float, float]]) -> go.Figure:
    """x_s inside the band, (m,), under normal densities: label -> (mean, variance), the first drawn full."""
    figure = go.Figure()
    centre = next(iter(curves.values()))[0]
    reach = 4 * max(variance for _mean, variance in curves.values()) ** 0.5
    heights, edges = np.histogram(inside, bins=50, range=(centre - reach, centre + reach))
    figure.add_bar(
        x=(edges[1:] + edges[:-1]) / 2,
        y=heights / max(1, len(inside)) / (edges[1] - edges[0]),
        marker_color=COLORS["mu_tilde"],
        opacity=0.45,
        showlegend=False,
        hoverinfo="skip",
    )
    x = np.linspace(centre - reach, centre + reach, 301)
    for k, (label, (mean, variance)) in enumerate(curves.items()):
        y = np.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        line = {"color": COLORS["beta"], "dash": "dash"} if k else {"color": COLORS["mu_tilde"], "width": 3}
        figure.add_scatter(x=x, y=y, name=label, mode="lines", line=line)
    figure.update_xaxes(title_text="x<sub>s</sub>")
    figure.update_layout(bargap=0)
    return calm(figure, 380)
