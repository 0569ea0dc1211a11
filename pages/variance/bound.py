"""What the bound says: its terms for each choice, and the whole of it."""

import math
from itertools import pairwise

import plotly.graph_objects as go
import streamlit as st

from diffusion_core import transition, vlb_term, with_last
from diffusion_core.data.toys import gaussian_1d
from diffusion_core.laws.estimates import x0_uncertainty
from diffusion_core.laws.generated import path_kl
from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.typography import significant
from pages.variance.choices import COLOR, names
from pages.variance.recipe import Setting
from pages.variance.runs import NOTHING

__all__ = ["draw"]


def draw(s: Setting) -> None:
    """The terms over t, and one number for each choice."""
    st.plotly_chart(figure(s), key="bound_chart")
    label = names()
    st.markdown(
        _("The whole bound above the entropy of the data, in bits a dimension:")
        + " "
        + " · ".join(f"{label[name]} **{significant(gap)}**" for name, gap in gaps(s).items())
    )


def terms(s: Setting) -> dict[str, list[float]]:
    """L_{t-1} in bits, for s >= 1."""
    law, timesteps = gaussian_1d(s.data_variance).law, s.timesteps
    left = [x0_uncertainty(law, s.tables, t).value for t in timesteps[:-1]]
    pairs = [transition(s.tables, t, to) for t, to in pairwise(timesteps)]
    return {
        name: [
            float(vlb_term(pair, choice(pair, NOTHING), unknown)) / math.log(2)
            for pair, unknown in zip(pairs, left, strict=True)
        ]
        for name, choice in s.choices.items()
    }


@kept
def gaps(s: Setting) -> dict[str, float]:
    """The whole bound above the data's entropy, in bits; at s = 0 every choice gets the best decoder."""
    best = s.choices["optimal"]
    return {
        name: path_kl(s.tables, s.timesteps, with_last(choice, best), s.data_variance).item() / math.log(2)
        for name, choice in s.choices.items()
    }


@kept
def figure(s: Setting) -> go.Figure:
    """The terms over t, log-log."""
    figure, label, t = go.Figure(), names(), list(s.timesteps[:-1])
    mode = "lines+markers" if len(t) <= 60 else "lines"
    for name, bits in terms(s).items():
        line = {"color": COLOR[name]}
        figure.add_scatter(x=t, y=bits, name=label[name], mode=mode, line=line, hovertemplate="%{y:.3g}")
    figure.update_xaxes(type="log", title_text="t", exponentformat="power", dtick=1)
    figure.update_yaxes(type="log", title_text=_("bits a dimension"), exponentformat="power", dtick=1)
    return calm(figure, 400)
