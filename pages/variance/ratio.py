"""Where beta-tilde and beta differ: figure 1 of Improved DDPM."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.shared.figures import calm
from pages.shared.keeping import kept
from pages.shared.palette import SERIES
from pages.shared.scenes import schedule_of

__all__ = ["draw"]


def draw(schedule: str) -> None:
    """beta-tilde / beta over t / T."""
    st.plotly_chart(figure(schedule), key="ratio_chart")


@kept
def figure(schedule: str) -> go.Figure:
    """A curve for each of three T."""
    figure = go.Figure()
    for color, T in zip(SERIES, (100, 1000, 4000), strict=False):
        t = np.unique(np.geomspace(1, T, 200).round().astype(int))
        noise = schedule_of(schedule, T).one_minus_alpha_bar.numpy()
        ratio, name = noise[t - 1] / noise[t], f"T = {T}"
        figure.add_scatter(x=t / T, y=ratio, name=name, line={"color": color}, hovertemplate="%{y:.4f}")
    figure.update_xaxes(type="log", title_text="t / T", exponentformat="power", dtick=1)
    figure.update_yaxes(title_text="β̃ / β", range=[0, 1.02])
    return calm(figure, 400)
