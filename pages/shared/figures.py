"""Arrays in, Plotly figures out. Nothing here calls Streamlit.

Plotly draws what a reader hovers, zooms and exports; whatever varies with t is the timeline's.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.shared.palette import SERIES
from pages.shared.typography import marked_up

__all__ = [
    "calm",
    "legend",
    "schedule_curves",
]

FONT = 15
Translate = Callable[[str], str]


def calm(figure: go.Figure, height: int, bottom: int = 90, title: str = "") -> go.Figure:
    """One look for all: no frame, quiet grid, type that can be read from the back row.

    No Plotly template can do this: Streamlit lays its theme over a template's fonts, colours and margins.
    """
    if title:
        figure.update_layout(title={"text": marked_up(title), "font": {"size": FONT + 1}, "x": 0.02})
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
    for named in figure.select_traces(selector=lambda trace: trace.name):
        named.name = marked_up(named.name)
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        if axis.title.text:
            axis.title.text = marked_up(axis.title.text)
    for note in figure.select_annotations(selector=lambda note: note.text):
        note.text = marked_up(note.text)
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
