"""The picture of *Jump to any t*, and the charts of its sections."""

import math

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from diffusion_core import NoiseSchedule, q_sample
from diffusion_core.claims import closed_form as claims
from pages.closed_form import recipe
from pages.shared import timeline as tl
from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS, SERIES
from pages.shared.scenes import Scene, density, drawn
from pages.shared.timeline.formula import formula

PLACES = 101
FORMULA = r"""x_t &=& \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\bar z_t \\
    &=& \live{a}\cdot(\live{x0}) + \live{b}\cdot(\live{z}) \\
    \text{%s} &=& \live{jump} \\
    \text{%s} &=& \live{chain} \\
    \text{%s} &=& \live{difference}"""


@kept
def picture(scene: Scene, schedule: NoiseSchedule, seed: int) -> tl.Picture:
    """The chain, the jump with its noise and the jump with fresh noise, each over the exact density; the formula."""
    timesteps = tuple(int(t) for t in np.unique(np.linspace(0, schedule.T, min(schedule.T + 1, PLACES)).round()))
    a = schedule.sqrt_alpha_bar.numpy()[list(timesteps)]
    b = schedule.sqrt_one_minus_alpha_bar.numpy()[list(timesteps)]
    law = density(scene, a, b**2)
    panels = [
        drawn(scene, "chain", _("Chain of t steps"), density=law),
        drawn(scene, "jump", _("One jump, same noise"), density=law),
        drawn(scene, "fresh", _("One jump, fresh noise"), density=law),
        written(),
    ]
    tracks: dict[str, tl.Track] = {"a": tl.Scalar(a), "b": tl.Scalar(b)}
    return packed(timesteps, tracks | walks(scene, schedule, timesteps, seed) | jumps(a, b), panels)


def walks(scene: Scene, schedule: NoiseSchedule, timesteps: tuple[int, ...], seed: int) -> dict[str, tl.Track]:
    """The chain and its noise, gathered for each timestep; worked out in float64, shown in float32."""
    x0 = recipe.start(torch.from_numpy(scene.x0))
    z = recipe.chain_noise(x0, schedule.T, seed)
    chain, z_bar, difference = [], [], []
    for t, x_t, gathered in recipe.walk(schedule, x0, z, set(timesteps)):
        chain.append(x_t)
        z_bar.append(gathered)
        difference.append(float((x_t - q_sample(schedule, x0, t, gathered)).abs().max()))
    return {
        "x0": tl.Constant(x0.numpy()),
        "chain": tl.Frames(torch.stack(chain).numpy()),
        "z_bar": tl.Frames(torch.stack(z_bar).numpy()),
        "difference": tl.Scalar(np.array(difference)),
        "eps": tl.Constant(recipe.fresh_noise(x0, seed).numpy()),
    }


def jumps(a: np.ndarray, b: np.ndarray) -> dict[str, tl.Track]:
    """Both jumps, made in the browser."""
    return {"jump": tl.Affine(a, "x0", b, "z_bar"), "fresh": tl.Affine(a, "x0", b, "eps")}


def written() -> tl.Formula:
    """Chain, jump and their difference, for the picked point."""
    latex = FORMULA % (_("jump"), _("chain"), _("largest difference, all points"))
    values: dict[str, str | tl.Probe] = {"a": "a", "b": "b", "difference": "difference"}
    values |= {"x0": tl.Probe("x0"), "z": tl.Probe("z_bar"), "jump": tl.Probe("jump"), "chain": tl.Probe("chain")}
    return formula(latex, values, _("The picked point, first coordinate"))


BETAS = np.linspace(0, 1, 101)
TWO_STEPS = r"""x_2 &=& \sqrt{\alpha_2}\,x_1 + \sqrt{\beta_2}\,z_2 \\
    &=& \sqrt{\alpha_2\alpha_1}\,x_0 + \sqrt{\alpha_2\beta_1}\,z_1 + \sqrt{\beta_2}\,z_2 \\
    &=& \live{kept}\cdot(\live{x0}) + \live{older}\cdot(\live{z_1}) + \live{newer}\cdot(\live{z_2}) \\
    &=& \live{x_2}"""


@kept
def two_steps(scene: Scene, seed: int) -> tl.Picture:
    """x_0, one step and a second one, both with the same beta; and of what the variance of x_2 is made."""
    x0 = recipe.start(torch.from_numpy(scene.x0))
    z_1, z_2 = (z.numpy() for z in recipe.chain_noise(x0, 2, seed))
    alpha, keep, add = 1 - BETAS, np.sqrt(1 - BETAS), np.sqrt(BETAS)
    tracks: dict[str, tl.Track] = {
        "x0": tl.Constant(x0.numpy()),
        "z_1": tl.Constant(z_1),
        "z_2": tl.Constant(z_2),
        "x_1": tl.Affine(keep, "x0", add, "z_1"),
        "x_2": tl.Affine(keep, "x_1", add, "z_2"),
        "kept": tl.Scalar(alpha),
        "older": tl.Scalar(keep * add),
        "newer": tl.Scalar(add),
    }
    shares = (
        tl.Line(alpha**2, _("of the data, α₂α₁"), COLORS["x0"]),
        tl.Line(alpha * BETAS, _("of z₁, α₂β₁"), COLORS["eps"]),
        tl.Line(BETAS, _("of z₂, β₂"), COLORS["mu_tilde"]),
    )
    values: dict[str, str | tl.Probe] = {name: name for name in ("kept", "older", "newer")}
    values |= {name: tl.Probe(name) for name in ("x0", "z_1", "z_2", "x_2")}
    panels = [
        drawn(scene, "x0", "x_0"),
        drawn(scene, "x_1", _("x_1, after one step")),
        drawn(scene, "x_2", _("x_2, after two")),
        tl.Shares(shares, title=_("Where the variance 1 of x_2 comes from, for data of variance 1")),
        formula(TWO_STEPS, values, _("The picked point, first coordinate")),
    ]
    return packed(BETAS.round(2).tolist(), tracks, panels, label=_("Variance of both steps β"))


# --- sections -------------------------------------------------------------------------------------------------------


def correlation(schedule: NoiseSchedule) -> None:
    """corr(z_bar_s, z_bar_t): the jump's noise is another variable at each t."""
    at = [int(t) for t in np.unique(np.linspace(1, schedule.T, min(schedule.T, 60)).round())]
    ratio = schedule.snr.numpy()[at] ** 0.5
    less, more = np.minimum.outer(ratio, ratio), np.maximum.outer(ratio, ratio)
    values = np.divide(less, more, out=np.ones_like(less), where=more > 0)  # of z_bar_T with itself, where 0 / 0
    look = {"colorscale": "Cividis", "colorbar": {"title": "corr"}, "zmin": 0, "zmax": 1}
    hover = "s = %{x}, t = %{y}: %{z:.3f}<extra></extra>"
    figure = go.Figure(go.Heatmap(x=at, y=at, z=values, hovertemplate=hover, **look))
    figure.update_xaxes(title_text="s", constrain="domain")
    figure.update_yaxes(title_text="t", constrain="domain", scaleanchor="x")
    st.plotly_chart(calm(figure, 420), key="correlation")


@kept
def errors(seed: int) -> list[np.ndarray]:
    """RMS errors of the truth and of the mistakes."""
    return [claims.rms_errors(f, seed) for f in (claims.RATE.truth, *claims.RATE.mistakes.values())]


def rate(seed: int) -> None:
    """Root-mean-square errors against n, log-log, with the 1/sqrt(n) line."""
    n = np.asarray(claims.COUNTS, dtype=float)
    figure = go.Figure()
    figure.add_scatter(x=n, y=1 / np.sqrt(n), name="1/√n", line={"color": "gray", "dash": "dash"})
    labels = [_("As it is"), *map(_, claims.RATE.mistakes)]
    for color, label, values in zip(SERIES, labels, errors(seed), strict=False):
        figure.add_scatter(x=n, y=values, name=label, mode="lines+markers", line={"color": color})
    figure.update_xaxes(type="log", title_text=_("number of samples n"), exponentformat="power", dtick=1)
    figure.update_yaxes(type="log", title_text=_("RMS error of the mean"), exponentformat="power", dtick=1)
    st.plotly_chart(calm(figure, 420), key="rate")


@kept
def sums(seed: int) -> list[np.ndarray]:
    """The independent sum and its two mistakes."""
    z1, z2 = torch.randn((2, 20_000), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    coin = torch.rand(20_000, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    return [f(z1, z2, coin).numpy() for f in (claims.ADDITIVITY.truth, *claims.ADDITIVITY.mistakes.values())]


def additivity(seed: int) -> None:
    """Three histograms of sigma_1 z_1 + sigma_2 z_2, each with N(0, 1), which only the independent sum follows."""
    labels = [_("independent"), *map(_, claims.ADDITIVITY.mistakes)]
    for k, (column, label, values) in enumerate(zip(st.columns(len(labels)), labels, sums(seed), strict=True)):
        column.markdown(f"**{label}**")
        column.plotly_chart(beside_normal(values), key=f"additivity_{k}")


def beside_normal(values: np.ndarray) -> go.Figure:
    """A histogram, and the density of N(0, 1)."""
    heights, edges = np.histogram(values, bins=60, range=(-4.5, 4.5), density=True)
    x = np.linspace(-4.5, 4.5, 181)
    bars = {"marker_color": COLORS["x_t"], "opacity": 0.45, "showlegend": False, "hoverinfo": "skip"}
    figure = go.Figure()
    figure.add_bar(x=(edges[1:] + edges[:-1]) / 2, y=heights, **bars)
    figure.add_scatter(x=x, y=np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi), name="N(0, 1)", line_color=COLORS["x0"])
    figure.update_yaxes(range=(0, 0.7))
    figure.update_layout(bargap=0, showlegend=True)
    return calm(figure, 300)
