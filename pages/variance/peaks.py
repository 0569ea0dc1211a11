"""A better bound, better samples? For two peaks: what the bound says, and what the samples are."""

import math
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from diffusion_core import GeneratedDensity, NoiseSchedule, generated_density_ddim, state_dependent
from diffusion_core.claims.settings import two_peaks
from diffusion_core.claims.variance import peaks as claims
from pages.shared import controls
from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.typography import significant, table, typeset
from pages.variance.choices import COLOR, names

__all__ = ["draw"]

STEPS = ("5", "10", "20", "50")
REACH = 1.9
Found = Mapping[str, tuple[float, GeneratedDensity]]  # the bound's gap in nats, and the samples; DDIM has no bound


def draw() -> None:
    """The densities, and a table of four measures."""
    left, right = st.columns(2)
    with left:
        options = dict(zip(STEPS, STEPS, strict=True))
        steps = int(controls.choice("peaks", _("Number of steps N"), options, "10", pills=True))
    with right:
        offered = {"no": _("leave it out"), "yes": _("add it (some seconds)")}
        state = controls.choice("state", typeset(_("A variance for each x_t")), offered, "no", pills=True)
    with st.spinner(_("Following the exact densities …")):
        schedule = claims.METRICS.setting[0]
        found = dict(claims.peaks_by_choice(schedule, steps))
        if state == "yes":
            found["state"] = of_each_x(schedule, steps)
        found["ddim"] = math.inf, of_ddim(schedule, steps)
    st.plotly_chart(figure(found), key="peaks_chart")
    st.markdown(measures(found))


@kept
def of_each_x(schedule: NoiseSchedule, steps: int) -> tuple[float, GeneratedDensity]:
    """With the variance that looks at x_t: a few seconds."""
    choice = state_dependent(two_peaks(), schedule)
    return claims.gap_and_density(schedule, schedule.timesteps(steps), choice)


@kept
def of_ddim(schedule: NoiseSchedule, steps: int) -> GeneratedDensity:
    """Without noise."""
    return generated_density_ddim(two_peaks(), schedule, schedule.timesteps(steps))


def figure(found: Found) -> go.Figure:
    """The exact densities of the samples, over the data's."""
    figure, label = go.Figure(), names()
    x = np.linspace(-REACH, REACH, 400)
    data = two_peaks().log_prob(torch.from_numpy(x)[:, None]).exp().numpy()
    grey = {"color": "rgba(128,128,128,.0)"}
    figure.add_scatter(x=x, y=data, name=_("data"), fill="tozeroy", line=grey, fillcolor="rgba(128,128,128,.35)")
    for name, (_gap, made) in found.items():
        x, density = made.x.numpy()[::4], made.density.numpy()[::4]
        line = {"color": COLOR[name]}
        figure.add_scatter(x=x, y=density, name=label[name], line=line, hovertemplate="%{y:.3f}")
    figure.update_xaxes(title_text="x₀", range=[-REACH, REACH])
    figure.update_yaxes(title_text=_("density"), rangemode="tozero")
    return calm(figure, 400)


def measures(found: Found) -> str:
    """A row a choice, the best of each column in bold."""
    heads = (_("Variance of the step"), _("bound's gap, nats"), "KL", "TV", "W₁", _("variance of samples"))
    label = names()
    rows = {name: (gap, made.kl, made.tv, made.w1) for name, (gap, made) in found.items()}
    best = [min(column) for column in zip(*rows.values(), strict=True)]

    def cell(value: float, top: float) -> str:
        text = significant(value) if value < math.inf else "—"
        return f"**{text}**" if value == top else text

    return table(
        heads,
        [(label[name], *map(cell, row, best), significant(found[name][1].variance)) for name, row in rows.items()],
    )
