"""How far from the red line each test of a check came out: one small picture, on the same axis for every claim.

The axis counts powers of ten: of level / p for a test (with Holm's share of the claim's level, so that a dot is beyond
the line just when its test rejects), and of error / tolerance where numbers must be equal.
"""

import html
import math

import numpy as np

from diffusion_core.claims.check import Outcome
from pages.shared.i18n import _
from pages.shared.typography import significant

__all__ = ["distances", "left", "picture", "red_below"]

FARTHEST = 6  # powers of ten; what is farther is drawn as an arrow at the edge
MARGIN = 6  # percent of the width, on both sides
RED = "#E0393E"  # 4.3:1 on white, 4.4:1 on the dark background


def red_below(outcome: Outcome, alpha: float) -> float:
    """The p below which the smallest one turns the light red."""
    return alpha / max(1, sum(trial.p_value is not None for trial in outcome.trials))


def distances(outcome: Outcome, alpha: float) -> list[float]:
    """How many powers of ten each trial lies beyond the red line; below 0 before it. Not a number is infinitely far."""
    p = np.nan_to_num([trial.p_value for trial in outcome.trials if trial.p_value is not None], nan=0.0)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))  # Holm
    tested = iter(adjusted.tolist())
    return [
        _powers(alpha, next(tested)) if trial.p_value is not None else _powers(abs(trial.value), trial.tolerance or 0.0)
        for trial in outcome.trials
    ]


def _powers(number: float, unit: float) -> float:
    """log10(number / unit)."""
    if number == 0 or math.isnan(number):
        return -math.inf if number == 0 else math.inf
    return math.log10(number) - math.log10(unit) if unit > 0 else math.inf


def picture(outcome: Outcome, alpha: float) -> str:
    """As HTML, in the colour of the text around it, with its text alternative. (Streamlit takes SVG out of HTML.)"""
    places = distances(outcome, alpha)
    rows = "".join(_row(place, rejected) for place, rejected in zip(places, outcome.rejected, strict=True))
    return (
        f'<div role="img" aria-label="{html.escape(_in_words(outcome, places))}" style="font-size:.9rem;'
        f'max-width:32rem;line-height:1.5">{_heads()}<div style="position:relative;padding:.3rem 0;'
        f"border-bottom:1px solid;background:linear-gradient(90deg,transparent 50%,{RED}1a 50%)"
        f'">{_bar("left:calc(50% - 1.5px);width:3px;top:0;bottom:0", RED)}{rows}</div>{_ticks()}</div>'
    )


def left(place: float) -> float:
    """Where a place stands on the axis, in percent of its width."""
    return 50 + min(max(place, -FARTHEST), FARTHEST) / FARTHEST * (50 - MARGIN)


def _bar(where: str, colour: str) -> str:
    return f'<span style="position:absolute;{where};background:{colour}"></span>'


def _row(place: float, rejected: bool) -> str:
    """A line from the red line to a dot, to a cross where it is rejected, or to an arrow where it leaves the axis."""
    at, colour = left(place), RED if rejected else "currentColor"
    line = _bar(f"left:{min(at, 50)}%;width:{abs(at - 50)}%;top:calc(50% - .5px);height:1px;opacity:.5", colour)
    if abs(place) > FARTHEST:
        side = "left" if place > 0 else "right"
        mark, look = "", f"border:7px solid transparent;border-{side}:11px solid {colour}"
    elif rejected:
        mark, look = "×", f"color:{RED};font-size:1.7rem;font-weight:700;line-height:0"
    else:
        mark, look = "", "width:12px;height:12px;border-radius:50%;background:currentColor"
    centred = f"position:absolute;left:{at}%;top:50%;transform:translate(-50%,-50%);{look}"
    return f'<div style="position:relative;height:1.5rem">{line}<span style="{centred}">{mark}</span></div>'


def _heads() -> str:
    """What lies on both sides of the red line."""
    holds, fails = _("as claimed"), _("rejected")
    return f'<div style="display:flex;justify-content:space-between"><span>{holds}</span><span>{fails}</span></div>'


def _ticks() -> str:
    """The powers of ten."""
    labels = {-FARTHEST: "10⁻⁶", -FARTHEST // 2: "10⁻³", 0: "1", FARTHEST // 2: "10³", FARTHEST: "10⁶"}
    numbers = "".join(
        f'<span style="position:absolute;left:{left(at)}%;transform:translateX(-50%)">{label}</span>'
        for at, label in labels.items()
    )
    return f'<div style="position:relative;height:1.6rem">{numbers}</div>'


def _in_words(outcome: Outcome, places: list[float]) -> str:
    """The picture for those who do not see it."""
    last = max(range(len(places)), key=places.__getitem__)
    return _(
        "{rejected} of {n} tests lie beyond the red line. Farthest to the right is “{name}”, at {times} times the line."
    ).format(
        rejected=sum(outcome.rejected),
        n=len(places),
        name=_(outcome.trials[last].name),
        times=_times(places[last]),
    )


def _times(place: float) -> str:
    return significant(10**place, 2) if place < 300 else significant(math.inf)
