"""What a network learns: its variance beside the exact one."""

import math
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from diffusion_core import q_sample, state_dependent_diagonal, transition
from diffusion_core.claims import network as claims
from diffusion_core.variance import log_range, place_in_range
from pages.shared import shell
from pages.shared.figures import calm
from pages.shared.i18n import _, language
from pages.shared.keeping import kept
from pages.variance.choices import COLOR

__all__ = ["draw"]

LEVELS = (0.1, 0.5, 0.9)  # of the quantiles over x_t
DRAWS = 1_000  # at each t


class Places(NamedTuple):
    """v over t on new draws: where a variance lies between beta-tilde (0) and beta (1)."""

    t: np.ndarray  # (t,)
    network: np.ndarray  # (3, t) quantiles over x_t
    exact: np.ndarray  # (3, t) the same of the exact variance at each x_t
    best: np.ndarray  # (t,) of the best one for all x_t
    ratio: np.ndarray  # (t,) beta-tilde / beta: how wide the range is


def draw() -> None:
    """The chart, and the way to sample with this network."""
    st.plotly_chart(figure(), key="learned_chart")
    st.page_link(
        shell.page_path("sampling"),
        label=_("Sample with this network"),
        icon=":material/auto_awesome:",
        query_params={"denoiser": "learned", "variance": "learned", "N": "10", "lang": language()},
    )


def places() -> Places:
    """Of the network that comes with the project, steps of one."""
    network, law = claims.shipped_learned(), claims.VARIANCE.setting
    schedule, generator = network.schedule, torch.Generator().manual_seed(0)
    exact, levels = state_dependent_diagonal(law, schedule), torch.tensor(LEVELS, dtype=torch.float64)
    t = np.unique(np.geomspace(1, schedule.T, 60).round().astype(int))
    rows = []
    for one in t.tolist():
        pair = transition(schedule, one, one - 1)
        x0 = law.sample(DRAWS, generator)
        x_t = q_sample(schedule, x0, one, torch.randn(x0.shape, generator=generator, dtype=x0.dtype))
        with torch.no_grad():
            v = network.eps_and_v(x_t.float(), one)[1]
        assert v is not None
        true = torch.as_tensor(exact(pair, x_t).value)
        low, high = log_range(pair)
        rows.append(
            [
                torch.quantile(v.double(), levels),
                torch.quantile(torch.as_tensor(place_in_range(pair, true.log())), levels),
                torch.as_tensor(place_in_range(pair, math.log(true.mean()))),
                torch.tensor(math.exp(low - high), dtype=torch.float64),
            ]
        )
    return Places(t, *(torch.stack(column).numpy().T for column in zip(*rows, strict=True)))


@kept
def figure() -> go.Figure:
    """Eight of ten x_t lie in the shaded bands."""
    found, figure = places(), go.Figure()
    band(figure, found.t, found.exact, color=COLOR["state"], label=_("optimal for each x_t (80% of them)"))
    band(figure, found.t, found.network, color=COLOR["learned"], label=_("the network's v (80% of them)"))
    figure.add_scatter(
        x=found.t,
        y=found.best,
        name=_("optimal for each t"),
        line={"color": COLOR["optimal"], "dash": "dash"},
        customdata=found.ratio,
        hovertemplate="%{y:.2f} (β̃ / β = %{customdata:.4f})",
    )
    figure.update_xaxes(type="log", title_text="t", tickvals=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
    figure.update_yaxes(title_text="v", range=[-0.1, 1.7], tickvals=[0, 0.5, 1, 1.5], ticktext=["β̃", "½", "β", "1½"])
    return calm(figure, 420)


def band(figure: go.Figure, t: np.ndarray, quantiles: np.ndarray, *, color: str, label: str) -> None:
    """The middle one as a line, with an area from the low to the high one."""
    low, middle, high = quantiles
    edge = {"line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    figure.add_scatter(x=t, y=high, **edge)
    figure.add_scatter(x=t, y=low, fill="tonexty", fillcolor=faint(color), **edge)
    figure.add_scatter(x=t, y=middle, name=label, line={"color": color}, hovertemplate="%{y:.2f}")


def faint(color: str) -> str:
    """A colour of six hexadecimal digits, for an area behind lines."""
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},.18)"
