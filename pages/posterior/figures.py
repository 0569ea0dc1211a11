"""The picture of *The posterior*: three bells over x_s; and the same by simulation."""

import math

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from diffusion_core import NoiseSchedule, Transition, transition
from pages.posterior import recipe
from pages.shared import timeline as tl
from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS
from pages.shared.timeline.formula import formula
from pages.shared.typography import significant

X_0, X_T = 1.0, -0.5  # what the picture opens with
FAR = 3.0  # x_0 and x_t go from -FAR to FAR
REACH = 6.0  # the axis of x_s ends there
SHOWN = 3_000  # simulated pairs
FEW = 300
COEFFICIENTS = ("alpha", "beta", "beta_tilde", "c_0", "c_t", "sqrt_alpha_bar_s", "one_minus_alpha_bar_s", "s")
FORMULA = r"""\frac{1}{\tilde\beta} &=& \frac{\alpha_{t|s}}{\beta_{t|s}}+\frac{1}{1-\bar\alpha_s} \\
    &=& \live{precision_t}+\live{precision_0} = \live{precision} \\
    \frac{\tilde\mu}{\tilde\beta}
    &=& \frac{\sqrt{\alpha_{t|s}}}{\beta_{t|s}}x_t+\frac{\sqrt{\bar\alpha_s}}{1-\bar\alpha_s}x_0 \\
    &=& \live{by_t}\cdot(\live{x_t})+\live{by_0}\cdot(\live{x_0}) = \live{pull} \\
    \tilde\beta &=& \live{beta_tilde} \\
    \tilde\mu &=& \live{c_t}\cdot(\live{x_t})+\live{c_0}\cdot(\live{x_0}) = \live{mean}"""
LIVE = ("precision_t", "precision_0", "precision", "by_t", "by_0", "pull", "beta_tilde", "c_t", "c_0", "mean")


def look_back(schedule: NoiseSchedule, t: int, stride: int) -> Transition:
    """From t down to s = t - stride, or to 1."""
    return transition(schedule, t, max(1, t - stride))


# --- the picture ----------------------------------------------------------------------------------------------------


@kept
def picture(schedule: NoiseSchedule, stride: int) -> tl.Picture:
    """Three bells with their two handles; both variances; the square completed, with the numbers at this t."""
    timesteps = range(2, schedule.T + 1)
    pairs = [look_back(schedule, t, stride) for t in timesteps]
    c = {name: np.array([getattr(pair, name) for pair in pairs]) for name in COEFFICIENTS}
    values: dict[str, str | tl.Probe] = {name: name for name in (*LIVE, "x_t", "x_0")}
    panels = [
        bells(),
        variances(),
        formula(FORMULA, values, _("The square completed, with the numbers at this t")),
    ]
    return packed(timesteps, tracks(c), panels)


def tracks(c: dict[str, np.ndarray]) -> dict[str, tl.Track]:
    """Means and variances of the three bells as functions of x_0 and x_t, and the numbers of the formula."""
    none, root = 0 * c["alpha"], np.sqrt(c["alpha"])
    by_t, by_0 = root / c["beta"], c["sqrt_alpha_bar_s"] / c["one_minus_alpha_bar_s"]
    return {
        **{name: tl.Scalar(values) for name, values in c.items()},
        "x_0": tl.Draggable(X_0, -FAR, FAR),
        "x_t": tl.Draggable(X_T, -FAR, FAR),
        "prior": tl.Affine(c["sqrt_alpha_bar_s"], "x_0", none, "x_t"),
        "likelihood": tl.Affine(1 / root, "x_t", none, "x_0"),
        "likelihood_variance": tl.Scalar(c["beta"] / c["alpha"]),
        "mean": tl.Affine(c["c_t"], "x_t", c["c_0"], "x_0"),
        "precision_t": tl.Scalar(c["alpha"] / c["beta"]),
        "precision_0": tl.Scalar(1 / c["one_minus_alpha_bar_s"]),
        "precision": tl.Scalar(1 / c["beta_tilde"]),
        "by_t": tl.Scalar(by_t),
        "by_0": tl.Scalar(by_0),
        "pull": tl.Affine(by_t, "x_t", by_0, "x_0"),
    }


def bells() -> tl.Curves:
    """Prior, likelihood and posterior over x_s, with the handles that move them."""
    series = (
        tl.Bell("prior", "one_minus_alpha_bar_s", _("prior q(x_s | x_0)"), COLORS["x0"]),
        tl.Bell("likelihood", "likelihood_variance", _("likelihood of x_t, as a function of x_s"), COLORS["x_t"]),
        tl.Bell("mean", "beta_tilde", _("posterior q(x_s | x_t, x_0)"), COLORS["mu_tilde"]),
    )
    handles = (tl.Handle("x_0", "x_0", COLORS["x0"]), tl.Handle("x_t", "x_t", COLORS["x_t"]))
    title = _("Prior × likelihood ∝ posterior, over x_s; each with its peak at 1. Drag x_0 and x_t")
    return tl.Curves(series, title, domain=tl.Fitted(REACH), handles=handles, weight=2.9)


def variances() -> tl.Lines:
    """What knowing x_0 is worth."""
    lines = (
        tl.Line("beta", _("β, variance of the noising"), COLORS["beta"]),
        tl.Line("beta_tilde", _("β̃, variance of the posterior"), COLORS["beta_tilde"], dash=True),
    )
    return tl.Lines(lines, title=_("Knowing x_0 narrows the step"), weight=1.4)


# --- by simulation --------------------------------------------------------------------------------------------------


@kept
def simulated(
    schedule: NoiseSchedule, pair: tuple[int, int], held: tuple[float, float], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Some of the simulated (x_s, x_t) from x_0, and the x_s of all that came near x_t."""
    (t, s), (x_0, x_t) = pair, held
    x_s, seen = recipe.walks(schedule, t, s, x_0=x_0, seed=seed)
    inside = x_s[recipe.near(schedule, t, seen, x_t)]
    return torch.stack([x_s, seen], 1)[:SHOWN].numpy(), inside.numpy()


def simulation(schedule: NoiseSchedule, pair: Transition, held: tuple[float, float], seed: int) -> None:
    """Walks from x_0, those that came near the chosen x_t, and where they were at s."""
    (x_0, x_t), half = held, recipe.BAND * pair.sqrt_one_minus_alpha_bar_t
    cloud, inside = simulated(schedule, (pair.t, pair.s), held, seed)
    says = _(
        "{all} walks from $x_0$ = {x_0} to $x_s$ and on to $x_t$, s = {s}, t = {t}; {inside} of them came within "
        "{half} of $x_t$ = {x_t}. Their $x_s$ are draws from the posterior."
    )
    numbers = {name: significant(value) for name, value in (("x_0", x_0), ("x_t", x_t), ("half", half))}
    st.markdown(says.format(all=f"{recipe.WALKS:,}", inside=f"{len(inside):,}", s=pair.s, t=pair.t, **numbers))
    if len(inside) < FEW:
        st.info(
            _("So few, because from this $x_0$ the forward process hardly ever comes to this $x_t$. Drag it closer.")
        )
    left, right = st.columns(2)
    with left:
        st.markdown("**" + _("Simulated pairs, and the slice at the chosen $x_t$") + "**")
        st.plotly_chart(slice_cloud(cloud, (x_t - half, x_t + half)), key="slice_cloud")
    with right:
        st.markdown("**" + _("$x_s$ inside the slice") + "**")
        mean = pair.c_t * x_t + pair.c_0 * x_0
        st.plotly_chart(slice_histogram(inside, mean, (pair.beta_tilde, pair.beta)), key="slice_histogram")


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


def slice_histogram(inside: np.ndarray, mean: float, variances: tuple[float, float]) -> go.Figure:
    """x_s inside the band, (m,), under N(mean, variance): beta-tilde's, and the misprint's."""
    figure = go.Figure()
    reach = 4 * max(variances) ** 0.5
    heights, edges = np.histogram(inside, bins=50, range=(mean - reach, mean + reach))
    density = heights / max(1, len(inside)) / (edges[1] - edges[0])
    bars = {"marker_color": COLORS["mu_tilde"], "opacity": 0.45, "showlegend": False, "hoverinfo": "skip"}
    figure.add_bar(x=(edges[1:] + edges[:-1]) / 2, y=density, **bars)
    labels = (_("posterior N(μ̃, β̃)"), _("the misprint: N(μ̃, β)"))
    lines = ({"color": COLORS["mu_tilde"], "width": 3}, {"color": COLORS["beta"], "dash": "dash"})
    x = np.linspace(mean - reach, mean + reach, 301)
    for label, line, variance in zip(labels, lines, variances, strict=True):
        y = np.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        figure.add_scatter(x=x, y=y, name=label, mode="lines", line=line)
    figure.update_xaxes(title_text="x<sub>s</sub>")
    figure.update_layout(bargap=0)
    return calm(figure, 380)
