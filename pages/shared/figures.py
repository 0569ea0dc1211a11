"""Arrays in, Plotly figures out. Nothing here calls Streamlit.

Plotly draws what a reader hovers, zooms and exports; whatever varies with t is the timeline's.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from diffusion_core.training.quality import Interval
from pages.shared.palette import COLORS, SERIES

__all__ = [
    "additivity",
    "beta_ratio",
    "bound_terms",
    "calm",
    "class_counts",
    "densities",
    "error_rate",
    "generated_variance",
    "legend",
    "noise_correlation",
    "p_value_curves",
    "place_in_range",
    "quality",
    "schedule_curves",
    "slice_cloud",
    "slice_histogram",
    "table_1",
]

FONT = 15
Translate = Callable[[str], str]


def calm(figure: go.Figure, height: int, bottom: int = 90) -> go.Figure:
    """One look for all: no frame, quiet grid, type that can be read from the back row."""
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
    figure.update_layout(showlegend=False, title={"text": title, "font": {"size": FONT + 1}, "x": 0.02})
    return calm(figure, 320, bottom=50)


def legend(labels: Sequence[str], chosen: str) -> str:
    """The key to `schedule_curves`, as HTML that wraps on a phone."""
    keys = "".join(
        f'<span style="white-space:nowrap"><span style="color:{color}">━━</span> '
        + (f"<b>{label}</b>" if label == chosen else label)
        + "</span>"
        for color, label in zip(SERIES, labels, strict=False)
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:.3rem 1.4rem">{keys}</div>'


def error_rate(counts: Sequence[int], errors: Mapping[str, np.ndarray], _: Translate) -> go.Figure:
    """Root-mean-square errors against n, log-log, with the 1/sqrt(n) line."""
    n = np.asarray(counts, dtype=float)
    figure = go.Figure()
    figure.add_scatter(x=n, y=1 / np.sqrt(n), name="1/√n", line={"color": "gray", "dash": "dash"})
    for color, (label, values) in zip(SERIES, errors.items(), strict=False):
        figure.add_scatter(x=n, y=values, name=label, mode="lines+markers", line={"color": color})
    figure.update_xaxes(type="log", title_text=_("number of samples n"), exponentformat="power", dtick=1)
    figure.update_yaxes(type="log", title_text=_("RMS error of the mean"), exponentformat="power", dtick=1)
    return calm(figure, 420)


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
    return calm(figure, 340)


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
    return calm(figure, 420)


def generated_variance(
    steps: Sequence[int],
    curves: Mapping[str, Sequence[float]],
    points: Mapping[str, tuple[Sequence[int], Sequence[float], Sequence[float]]],
    colors: Mapping[str, str],
    chosen: int,
    _: Translate,
) -> go.Figure:
    """Generated over true variance against the number of steps: exact curves; points (N, value, error) of samplers."""
    figure = go.Figure()
    figure.add_hline(y=1, line={"color": "gray", "dash": "dot"})
    figure.add_vline(x=chosen, line={"color": "gray", "width": 1})
    for label, values in curves.items():
        figure.add_scatter(
            x=list(steps), y=list(values), name=label, line={"color": colors[label]}, hovertemplate="%{y:.4g}"
        )
    for label, (n, values, errors) in points.items():
        figure.add_scatter(
            x=list(n),
            y=list(values),
            error_y={"type": "data", "array": list(errors), "color": colors[label], "width": 5},
            mode="markers",
            marker={"color": colors[label], "size": 8},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.update_xaxes(type="log", title_text=_("number of steps N"), tickvals=[2, 5, 10, 20, 50, 100, 200, 500, 1000])
    figure.update_yaxes(
        type="log",
        title_text=_("variance of samples / of data"),
        tickvals=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50],
    )
    return calm(figure, 460)


def beta_ratio(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], _: Translate) -> go.Figure:
    """beta-tilde / beta over t / T, one curve (t / T, ratio) for each T."""
    figure = go.Figure()
    for color, (label, (x, y)) in zip(SERIES, curves.items(), strict=False):
        figure.add_scatter(x=list(x), y=list(y), name=label, line={"color": color}, hovertemplate="%{y:.4f}")
    figure.update_xaxes(type="log", title_text="t / T", exponentformat="power", dtick=1)
    figure.update_yaxes(title_text="β̃ / β", range=[0, 1.02])
    return calm(figure, 400)


def bound_terms(
    terms: Mapping[str, tuple[Sequence[int], Sequence[float]]], colors: Mapping[str, str], _: Translate
) -> go.Figure:
    """The terms of the bound over t, log-log: label -> (t, bits a dimension)."""
    figure = go.Figure()
    for label, (t, bits) in terms.items():
        mode = "lines+markers" if len(t) <= 60 else "lines"
        figure.add_scatter(
            x=list(t), y=list(bits), name=label, mode=mode, line={"color": colors[label]}, hovertemplate="%{y:.3g}"
        )
    figure.update_xaxes(type="log", title_text="t", exponentformat="power", dtick=1)
    figure.update_yaxes(type="log", title_text=_("bits a dimension"), exponentformat="power", dtick=1)
    return calm(figure, 400)


def densities(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    data: tuple[np.ndarray, np.ndarray],
    colors: Mapping[str, str],
    _: Translate,
) -> go.Figure:
    """Exact densities of generated samples, label -> (x, density), over the data's."""
    figure = go.Figure()
    grey = {"color": "rgba(128,128,128,.0)"}
    x, y = data
    figure.add_scatter(x=x, y=y, name=_("data"), fill="tozeroy", line=grey, fillcolor="rgba(128,128,128,.35)")
    for label, (x, y) in curves.items():
        figure.add_scatter(x=x, y=y, name=label, line={"color": colors[label]}, hovertemplate="%{y:.3f}")
    figure.update_xaxes(title_text="x₀", range=[-1.9, 1.9])
    figure.update_yaxes(title_text=_("density"), rangemode="tozero")
    return calm(figure, 400)


def place_in_range(
    x: np.ndarray, t: np.ndarray, place: np.ndarray, ratio: np.ndarray, mark: tuple[float, float, str], _: Translate
) -> go.Figure:
    """Where the true variance lies between beta-tilde (0) and beta (1), over x_t and t; above 1 is outside.

    place, ratio (to beta): (t, x), NaN where x_t hardly ever comes. ``mark`` is a point (x, t) and its text.
    """
    figure = go.Figure(
        go.Heatmap(
            x=x,
            y=t,
            z=np.minimum(place, 2),
            customdata=ratio,
            zmin=0,
            zmid=1,
            zmax=2,
            colorscale=[[0, "#0072B2"], [0.25, "#9fc3e3"], [0.5, "#f4f1e8"], [0.75, "#e9a37a"], [1, "#B03A00"]],
            colorbar={"tickvals": [0, 1, 2], "ticktext": ["β̃", "β", "> β"], "thickness": 14},
            hovertemplate="x_t = %{x:.2f}, t = %{y}: Var / β = %{customdata:.3f}<extra></extra>",
        )
    )
    at_x, at_t, text = mark
    figure.add_scatter(
        x=[at_x], y=[at_t], mode="markers", marker={"color": "black", "size": 9, "symbol": "x"}, hoverinfo="skip"
    )
    figure.add_annotation(
        x=at_x, y=math.log10(at_t), text=text, showarrow=True, ax=40, ay=-60, bgcolor="white", font_color="black"
    )
    figure.update_xaxes(title_text="x_t", range=[x[0], x[-1]])
    figure.update_yaxes(type="log", title_text="t", tickvals=[2, 5, 10, 20, 50, 100, 200, 500, 1000], showgrid=False)
    figure = calm(figure, 460, bottom=60)
    return figure.update_layout(hovermode="closest", showlegend=False)


def _faint(color: str) -> str:
    """A colour of six hexadecimal digits, for an area behind lines."""
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},.18)"


def learned_places(
    t: np.ndarray,
    network: np.ndarray,
    exact: np.ndarray,
    best: np.ndarray,
    ratio: np.ndarray,
    colors: Mapping[str, str],
    _: Translate,
) -> go.Figure:
    """Where a network's variance lies between beta-tilde (0) and beta (1) over t, beside the exact one's place.

    network, exact: (3, t) the 10%, 50% and 90% quantiles over x_t; best: (t,) of one variance for all x_t; ratio: (t,)
    beta-tilde / beta, how wide the whole range is.
    """
    figure = go.Figure()
    for (low, middle, high), color, label in (
        (exact, colors["state"], _("optimal for each x_t (80% of them)")),
        (network, colors["learned"], _("the network's v (80% of them)")),
    ):
        figure.add_scatter(x=t, y=high, line={"width": 0}, showlegend=False, hoverinfo="skip")
        figure.add_scatter(
            x=t, y=low, line={"width": 0}, fill="tonexty", fillcolor=_faint(color), showlegend=False, hoverinfo="skip"
        )
        figure.add_scatter(x=t, y=middle, name=label, line={"color": color}, hovertemplate="%{y:.2f}")
    figure.add_scatter(
        x=t,
        y=best,
        name=_("optimal for each t"),
        line={"color": colors["optimal"], "dash": "dash"},
        customdata=ratio,
        hovertemplate="%{y:.2f} (β̃ / β = %{customdata:.4f})",
    )
    figure.update_xaxes(type="log", title_text="t", tickvals=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
    figure.update_yaxes(title_text="v", range=[-0.1, 1.7], tickvals=[0, 0.5, 1, 1.5], ticktext=["β̃", "½", "β", "1½"])
    return calm(figure, 420)


def table_1(steps: Sequence[int], rows: Mapping[str, Sequence[float]], title: str) -> go.Figure:
    """One curve a row of DDIM's Table 1, over the number of steps S, log-log."""
    figure = go.Figure()
    for color, (label, values) in zip(SERIES, rows.items(), strict=False):
        figure.add_scatter(
            x=list(steps),
            y=list(values),
            name=label,
            mode="lines+markers",
            line={"color": color},
            hovertemplate="%{y:.3g}",
        )
    figure.update_layout(title={"text": title, "font": {"size": FONT + 1}, "x": 0.02})
    figure.update_xaxes(type="log", title_text="S", tickvals=list(steps))
    figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    return calm(figure, 400)


def p_value_curves(p_values: Mapping[str, np.ndarray], _: Translate) -> go.Figure:
    """The empirical distribution of p-values, one step line a test, against the uniform one."""
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[0, 1], name=_("uniform"), mode="lines", line={"color": "gray", "dash": "dash"})
    for color, (label, values) in zip(SERIES, p_values.items(), strict=False):
        x = np.concatenate([[0], np.sort(values), [1]])
        y = np.concatenate([[0], np.arange(1, len(values) + 1) / len(values), [1]])
        figure.add_scatter(x=x, y=y, name=label, mode="lines", line={"color": color, "shape": "hv"})
    figure.update_xaxes(title_text="p", range=[0, 1])
    figure.update_yaxes(title_text=_("share of seeds with a smaller p"), range=[0, 1])
    figure.update_layout(hovermode="closest")
    return calm(figure, 420)


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


def quality(
    steps: Sequence[int],
    measured: Mapping[str, Sequence[Interval]],
    title: str,
    best: tuple[float, str],
    _: Translate,
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
    figure.update_layout(title={"text": title, "font": {"size": FONT + 1}, "x": 0.02}, showlegend=True)
    figure.update_xaxes(type="log", title_text=_("number of steps N"), tickvals=list(steps))
    figure.update_yaxes(rangemode="tozero")
    return calm(figure, 420)


def class_counts(counts: Sequence[int], even: Sequence[float] | None, steps: int, _: Translate) -> go.Figure:
    """How many samples the judge takes for each digit, and how many there would be of each if all were right."""
    figure = go.Figure()
    digits = [str(k) for k in range(len(counts))]
    figure.add_bar(x=digits, y=list(counts), name=_("judged"), marker_color=COLORS["x_t"], hovertemplate="%{y}")
    if even is not None:
        figure.add_scatter(
            x=digits, y=list(even), name=_("asked for"), mode="lines", line={"color": "gray", "dash": "dot"}
        )
    title = _("what the judge sees at N = {n}").format(n=steps)
    figure.update_layout(title={"text": title, "font": {"size": FONT + 1}, "x": 0.02}, showlegend=True)
    figure.update_xaxes(type="category", title_text=_("digit"))
    return calm(figure, 420)
