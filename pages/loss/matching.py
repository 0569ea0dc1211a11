"""Denoising score matching: two targets, two losses, one constant between them, and one best answer."""

import math

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from diffusion_core.laws.matching import Score, conditional_loss, constant, marginal_loss
from diffusion_core.levels import from_log_snr
from pages.shared import controls
from pages.shared.figures import calm
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.palette import COLORS
from pages.shared.scenes import mixture_of
from pages.shared.typography import significant

__all__ = ["ASKS", "draw"]

ASKS = ["snr"]
SNRS = {"9": 9.0, "1": 1.0, "1/9": 1 / 9}
FACTORS = np.linspace(-0.5, 2.5, 25)  # of the score


def draw(data: str) -> None:
    """The two losses of k times the score, over k, and the constant between them."""
    snr = controls.choice("snr", "SNR", {name: name for name in SNRS}, "1", pills=True)
    with_x0, of_score, gap = losses(data, snr)
    st.plotly_chart(figure(data, snr), key="matching_chart")
    at = int(of_score.argmin())
    st.markdown(
        _(
            "Both are least at $k$ = {k}: {first} for the target that knows $x_0$, {second} for the score. Over all "
            "$k$ shown their difference is {low} to {high}; the constant $\\ell_t/(1-\\bar\\alpha_t)$ is {gap}."
        ).format(
            k=significant(FACTORS[at], 2),
            first=significant(with_x0[at], 4),
            second=significant(of_score[at], 2),
            low=significant((with_x0 - of_score).min(), 7),
            high=significant((with_x0 - of_score).max(), 7),
            gap=significant(gap, 7),
        )
    )


def scaled(score: Score, k: float) -> Score:
    """k times the score, as a guess of it."""
    return lambda x: k * score(x)


@kept
def losses(data: str, snr: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Against the score with x_0 known and against the score itself, by two quadratures; and the constant."""
    law, schedule = mixture_of(data, ""), from_log_snr([math.log(SNRS[snr])])
    score = law.at(schedule, 1).score

    pairs = [[of(law, schedule, 1, scaled(score, k)) for of in (conditional_loss, marginal_loss)] for k in FACTORS]
    with_x0, of_score = np.array(pairs).T
    return with_x0, of_score, constant(law, schedule, 1)


@kept
def figure(data: str, snr: str) -> go.Figure:
    """Two parabolas, one above the other."""
    with_x0, of_score, _gap = losses(data, snr)
    figure = go.Figure()
    for y, name, color in (
        (with_x0, _("against ∇ ln q(x_t | x_0)"), COLORS["x_t"]),
        (of_score, _("against ∇ ln q(x_t)"), COLORS["eps"]),
    ):
        figure.add_scatter(x=FACTORS, y=y, name=name, line={"color": color}, hovertemplate="%{y:.4g}")
    figure.update_xaxes(title_text=_("k: the guess is k times the score"))
    figure.update_yaxes(title_text=_("squared error"), rangemode="tozero")
    return calm(figure, 380)
