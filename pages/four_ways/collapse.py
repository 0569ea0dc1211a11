"""Mode collapse, switched on and off by momentum: counted over seeds."""

import numpy as np
import streamlit as st

from pages.four_ways.scores import recorded, spread
from pages.shared.i18n import _
from pages.shared.typography import table

__all__ = ["draw", "runs_of"]

SETTINGS = ((0.9, 0.0), (0.9, 0.1), (0.0, 0.0), (0.0, 0.1))


def runs_of(beta1: float, gamma: float) -> list[dict[str, float]]:
    """The runs at one setting, by seed."""
    runs = recorded()["collapse"]["runs"]
    return sorted((run for run in runs if (run["beta1"], run["gamma"]) == (beta1, gamma)), key=lambda run: run["seed"])


def draw(more: str) -> None:
    """A row a setting; ``more`` is the prose below it."""
    steps, n = recorded()["collapse"]["steps"], len(runs_of(*SETTINGS[0]))
    rows = []
    for beta1, gamma in SETTINGS:
        runs = runs_of(beta1, gamma)
        rows.append(
            [
                f"$\\beta_1={beta1:g}$, {_('with R1') if gamma else _('without R1')}",
                ", ".join(f"{run['caught']:g}" for run in runs),
                ", ".join(f"{run['nearest']:g}" for run in runs),
                spread(runs, "outside_99", times=100, unit="%"),
                spread(runs, "shares_kl"),
            ]
        )
    heads = (
        "",
        _("modes caught, of 8, by seed"),
        _("modes with mass near them"),
        _("outside 99%"),
        _("KL of the shares"),
    )
    st.markdown(table(heads, rows, "lllrr"))
    caption = _("{n} runs a row, {steps} steps each, eight Gaussians; everything but β₁ and γ as in the recipe.")
    st.caption(caption.format(n=n, steps=f"{steps:,}"))
    lost = [8 - np.mean([run["caught"] for run in runs_of(beta1, 0.0)]) for beta1 in (0.9, 0.0)]
    words = _("Without R1, momentum 0.9 loses **{a:.1f}** of the 8 modes on average, momentum 0 **{b:.1f}**.")
    st.markdown(words.format(a=lost[0], b=lost[1]))
    st.markdown(more)
