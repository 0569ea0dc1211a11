"""Outside of the range: where the true variance of a step is larger than beta, for two peaks."""

import math
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from diffusion_core import NoiseSchedule, VarianceChoice, state_dependent, transition
from diffusion_core.claims.settings import two_peaks
from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.scenes import schedule_of
from pages.variance.choices import T

__all__ = ["draw"]

SEEN = 12.0  # nats below the top of the density: one in 10^5; beyond, x_t hardly ever comes
MARKED = 100  # t
BETWEEN = [[0, "#0072B2"], [0.25, "#9fc3e3"], [0.5, "#f4f1e8"], [0.75, "#e9a37a"], [1, "#B03A00"]]


class Spread(NamedTuple):
    """Var[x_{t-1} | x_t] over x_t and t, NaN where x_t hardly ever comes."""

    x: np.ndarray  # (x,)
    t: np.ndarray  # (t,)
    place: np.ndarray  # (t, x) between beta-tilde (0) and beta (1); above 1 is outside
    ratio: np.ndarray  # (t, x) to beta
    between: float  # the ratio at x_t = 0, t = MARKED


def draw(schedule: str) -> None:
    """The map, with one place between the peaks marked."""
    st.plotly_chart(figure(schedule), key="range_chart")


def spread(name: str) -> Spread:
    """For two peaks at +-0.9."""
    law, schedule = two_peaks(), schedule_of(name, T)
    choice = state_dependent(law, schedule)
    x = torch.linspace(-2.2, 2.2, 141, dtype=torch.float64)[:, None]
    t = np.unique(np.geomspace(2, T, 110).round().astype(int))
    place, ratio = [], []
    for one in t.tolist():
        pair = transition(schedule, one, one - 1)
        true = torch.as_tensor(choice(pair, x).value)[:, 0]
        log_density = law.at(schedule, one).log_prob(x)
        seen = torch.where(log_density > log_density.max() - SEEN, 1.0, math.nan)
        place.append(((true - pair.beta_tilde) / (pair.beta - pair.beta_tilde) * seen).numpy())
        ratio.append((true / pair.beta * seen).numpy())
    return Spread(x[:, 0].numpy(), t, np.array(place), np.array(ratio), between=between(schedule, choice))


def between(schedule: NoiseSchedule, choice: VarianceChoice) -> float:
    """The true variance in the middle, over beta."""
    pair = transition(schedule, MARKED, MARKED - 1)
    return float(torch.as_tensor(choice(pair, torch.zeros(1, 1, dtype=torch.float64)).value)) / pair.beta


@kept
def figure(schedule: str) -> go.Figure:
    """Blue is beta-tilde, white beta, red larger than beta."""
    found = spread(schedule)
    figure = go.Figure(
        go.Heatmap(
            x=found.x,
            y=found.t,
            z=np.minimum(found.place, 2),
            customdata=found.ratio,
            zmin=0,
            zmid=1,
            zmax=2,
            colorscale=BETWEEN,
            colorbar={"tickvals": [0, 1, 2], "ticktext": ["β̃", "β", "> β"], "thickness": 14},
            hovertemplate="x_t = %{x:.2f}, t = %{y}: Var / β = %{customdata:.3f}<extra></extra>",
        )
    )
    mark(figure, _("{ratio} β at x_t = 0, t = 100").format(ratio=f"{found.between:.3f}"))
    figure.update_xaxes(title_text="x_t", range=[found.x[0], found.x[-1]])
    figure.update_yaxes(type="log", title_text="t", tickvals=[2, 5, 10, 20, 50, 100, 200, 500, 1000], showgrid=False)
    return calm(figure, 460, bottom=60).update_layout(hovermode="closest", showlegend=False)


def mark(figure: go.Figure, text: str) -> None:
    """A cross between the peaks, and what is so there."""
    cross = {"color": "black", "size": 9, "symbol": "x"}
    figure.add_scatter(x=[0.0], y=[float(MARKED)], mode="markers", marker=cross, hoverinfo="skip")
    arrow = {"showarrow": True, "ax": 40, "ay": -60}
    figure.add_annotation(x=0.0, y=math.log10(MARKED), text=text, bgcolor="white", font_color="black", **arrow)
