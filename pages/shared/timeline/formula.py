r"""Formulas with live numbers, written in LaTeX and drawn by the browser as MathML Core.

``\live{x0}`` is a number that the timeline keeps up to date. Lines end with ``\\``; their cells stand
between ``&``, the first one to the right, the others to the left.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from latex2mathml.converter import convert

from pages.shared.timeline.panels import Formula
from pages.shared.timeline.tracks import Probe

__all__ = ["formula", "inline", "mathml"]

LIVE = re.compile(r"\\live\{(\w+)\}")
ENTITY = re.compile(r"&#x(?!0*(?:26|3C|3E);)([0-9A-F]+);")  # all but &, < and >
PLACE = re.compile(r"<mtext>@(\w+)@</mtext>")
ACCENT = re.compile(r'<mover(?: accent="true")?>((?:(?!<mover).)*?)<mo(?: stretchy="\w+")?>([¯~^])</mo></mover>')
MARKS = {"¯": "‾", "~": "˜", "^": "ˆ"}


def formula(latex: str | Sequence[str], values: Mapping[str, str | Probe], title: str) -> Formula:
    r"""A formula as a panel, or one for each position. ``values``: what each ``\live`` number reads, by its name."""
    drawn = mathml(latex) if isinstance(latex, str) else tuple(map(mathml, latex))
    return Formula(drawn, values, title=title)


@lru_cache(maxsize=128)
def mathml(latex: str) -> str:
    r"""MathML, with ``{{x0}}`` where ``\live{x0}`` stood."""
    rows = [[_cell(cell) for cell in line.split("&")] for line in latex.replace("\n", " ").split(r"\\")]
    lines = "".join(
        "<mtr>"
        + "".join(f'<mtd style="text-align: {"left" if i else "right"}">{cell}</mtd>' for i, cell in enumerate(row))
        + "</mtr>"
        for row in rows
    )
    return f'<math display="block"><mtable>{lines}</mtable></math>'


@lru_cache(maxsize=128)
def inline(latex: str) -> str:
    """MathML of a formula in running text."""
    return f"<math>{_cell(latex)}</math>"


def _cell(latex: str) -> str:
    text: str = convert(LIVE.sub(r"\\text{@\1@}", latex.strip()) or r"\,")
    text = ENTITY.sub(lambda found: chr(int(found[1], 16)), text[text.index(">") + 1 : text.rindex("</math>")])
    text = ACCENT.sub(_over, text).replace("<mi>±</mi>", "<mo>±</mo>")
    return PLACE.sub(r"<mn>{{\1}}</mn>", text)


def _over(found: re.Match[str]) -> str:
    """A mark that stands clear of its letter: browsers draw what is called an accent across it."""
    return f'<mover>{found[1]}<mo stretchy="false">{MARKS[found[2]]}</mo></mover>'
