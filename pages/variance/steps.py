"""How wide are the samples? Generated over true variance against the number of steps."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.variance.choices import COLOR, T, names
from pages.variance.recipe import Setting, ratios, run

__all__ = ["draw"]

CURVE = tuple(int(n) for n in np.unique(np.geomspace(2, T, 26).round()))
SAMPLED = (2, 5, 10, 20, 50, 100)  # numbers of steps that the samplers are run with
DRAWS = 2_000
ERROR = 2 * math.sqrt(2 / DRAWS)  # two standard errors of a variance, as a share of it


class Spreads(NamedTuple):
    """Generated over true variance of each choice: at the numbers of steps of CURVE, or of SAMPLED."""

    exact: Mapping[str, list[float]]
    sampled: Mapping[str, list[float]]


def draw(s: Setting, seed: int) -> None:
    """Exact curves, and points of the samplers themselves."""
    st.plotly_chart(figure(spreads(replace(s, steps=2), seed), s.steps), key="steps_chart")


@kept
def spreads(s: Setting, seed: int) -> Spreads:
    """For any number of steps: the setting's own does not matter."""
    rows = [ratios(replace(s, steps=steps)) for steps in CURVE]
    generator = torch.Generator().manual_seed(seed)
    sampled = {name: [sample(replace(s, steps=steps), name, generator) for steps in SAMPLED] for name in rows[0]}
    return Spreads({name: [row[name] for row in rows] for name in rows[0]}, sampled)


def sample(s: Setting, choice: str, generator: torch.Generator) -> float:
    """The same from samples."""
    x = torch.randn((DRAWS, 1), generator=generator, dtype=torch.float64)
    for step in run(s, choice, x, generator):
        x = step.x_s
    return x.square().mean().item() / s.data_variance


def figure(found: Spreads, chosen: int) -> go.Figure:
    """Lines and points, on logarithmic axes; a line at the number of steps that is chosen."""
    figure, label = go.Figure(), names()
    figure.add_hline(y=1, line={"color": "gray", "dash": "dot"})
    figure.add_vline(x=chosen, line={"color": "gray", "width": 1})
    for name, values in found.exact.items():
        line = {"color": COLOR[name]}
        figure.add_scatter(x=list(CURVE), y=values, name=label[name], line=line, hovertemplate="%{y:.4g}")
    for name, values in found.sampled.items():
        error = [ERROR * value for value in values]
        figure.add_scatter(
            x=list(SAMPLED),
            y=values,
            error_y={"type": "data", "array": error, "color": COLOR[name], "width": 5},
            mode="markers",
            marker={"color": COLOR[name], "size": 8},
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
