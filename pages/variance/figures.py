"""The picture of *Which variance?*: the chain of each choice beside the true density, and the variances over t."""

import math
from collections.abc import Mapping

import numpy as np

from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.timeline.formula import formula
from pages.variance.choices import COLOR, names
from pages.variance.recipe import Setting
from pages.variance.runs import Runs, runs

__all__ = ["picture"]

BINS = 50
SIGMAS = ("large", "small", "learned", "optimal")
FORMULA = r"""\sigma^{*2} &=& \tilde\beta + \frac{\ell_t}{\bar\alpha_t}(\beta-\tilde\beta) \\
    &=& \live{small} + \frac{\live{floor}}{\live{alpha_bar}}\cdot(\live{large}-\live{small}) = \live{optimal} \\
    \text{LEARNED} &=& \beta^v\cdot\tilde\beta^{1-v} = \live{learned}"""


@kept
def picture(s: Setting, seed: int) -> tl.Picture:
    """Four chains with one noise; sigma^2 of each choice; the formula with this step's numbers."""
    made = runs(s, seed)
    values = {name: name for name in (*SIGMAS, "floor", "alpha_bar")}
    relative = {name: made.variance[name] / made.variance["large"] for name in SIGMAS}
    return packed(
        made.positions,
        {
            **{f"x_{name}": tl.Frames(frames) for name, frames in made.x.items()},
            **{name: tl.Scalar(made.variance[name]) for name in SIGMAS},
            "alpha_bar": tl.Scalar(made.alpha_bar_t),
            "floor": tl.Scalar(made.floor),
        },
        [
            *histograms(s, made),
            lines({name: name for name in SIGMAS}, _("σ² of the step from t to s"), log=True),
            lines(relative, _("the same, in units of β")),
            formula(FORMULA.replace("LEARNED", _("learned")), values, _("This step's variances")),
        ],
    )


def histograms(s: Setting, made: Runs) -> list[tl.Panel]:
    """x_s of each chain, where it should be, on the same axes."""
    reach = 3.4 * max(1.0, *(math.sqrt(float((x**2).mean())) for frames in made.x.values() for x in frames))
    truth = tl.Mixture(
        np.ones(1),
        np.zeros((1, 1)),
        np.array([s.data_variance]),
        a=np.sqrt(made.alpha_bar_s),
        noise_variance=1 - made.alpha_bar_s,
    )
    true_variance = 1 + made.alpha_bar_s * (s.data_variance - 1)
    top = common_top(made, reach, 1 / np.sqrt(2 * math.pi * true_variance))
    label = names()
    return [
        tl.Histogram(
            f"x_{name}",
            _("x_s, {name}").format(name=label[name]),
            bins=BINS,
            domain=(-reach, reach),
            density=truth,
            color=COLOR[name],
            top=top,
        )
        for name in made.x
    ]


def common_top(made: Runs, reach: float, peak: np.ndarray) -> np.ndarray:
    """(P,) the height of the axis that all histograms share at each position, so that they can be compared."""
    tops = [peak]
    for frames in made.x.values():
        counts = [np.histogram(x, BINS, (-reach, reach))[0].max() for x in frames]
        tops.append(np.array(counts) * BINS / (2 * reach * frames.shape[1]))
    top: np.ndarray = 1.08 * np.max(tops, axis=0)
    return top


def lines(of: Mapping[str, str | np.ndarray], title: str, log: bool = False) -> tl.Panel:
    """The choices over t."""
    label = names()
    return tl.Lines(
        tuple(tl.Line(of[name], label[name], COLOR[name], dash=name == "small") for name in SIGMAS),
        title=title,
        log_y=log,
        weight=2.2,
    )
