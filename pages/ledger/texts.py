"""The ledger in words: what each entry says, its verdict and its light, ready for the page."""

import html
import re
from collections.abc import Mapping
from typing import NamedTuple

from diffusion_core.claims import SECTIONS, Entry, Light
from diffusion_core.claims.report import OURS, VERDICTS, green, state_name
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.typography import typeset

__all__ = ["MARKS", "Said", "in_markdown", "in_words", "light", "with_indices"]

VERDICT_COLORS = {"true": "green", "loose": "orange", "wrong": "red", "definition": "gray"}
LIGHT_COLORS, MARKS = {None: "gray", True: "green", False: "red"}, {None: "○", True: "✓", False: "✗"}
SUBSCRIPTS = str.maketrans("₀₁₂₋₊ₜₛ", "012−+ts")
MATHEMATICS = re.compile(r"(\$[^$]*\$)")
SUBSCRIPT = re.compile(r"[₀₁₂₋₊ₜₛ]+|_\{([^}]*)\}|_(\w)")


class Said(NamedTuple):
    """An entry before it is checked: its line in Markdown; what is right, in HTML."""

    line: str
    correct: str


@kept
def in_words() -> dict[str, Said]:
    """Every entry, by its key."""
    return {
        entry.key: Said(line(entry), f'<p class="ledger-correct">{with_indices(_(entry.correct))}</p>')
        for entries in SECTIONS.values()
        for entry in entries
    }


def line(entry: Entry) -> str:
    """Key, verdict, and what the article says. What is bold in the badge is left out where there is no room."""
    judged = "**" + _("the article") + _(": ").rstrip() + f"** {_(VERDICTS[entry.verdict])}"
    return f"**{entry.key}** :{VERDICT_COLORS[entry.verdict]}-badge[{judged}] {in_markdown(_(entry.article))}"


def light(entry: Entry, lights: Mapping[str, Light]) -> str:
    """The light of what is right, in words; where there is no room, without what is bold."""
    state, whose = green(entry, lights), _(OURS[entry.verdict]) + _(": ").rstrip()
    return f":{LIGHT_COLORS[state]}[**{whose}** {MARKS[state]} {_(state_name(entry, lights))}]"


def in_markdown(text: str) -> str:
    """A plain sentence with its symbols as mathematics, and nothing else in it that Markdown would take for its own."""
    pieces = MATHEMATICS.split(typeset(text))
    return "".join(piece if at % 2 else plain(piece) for at, piece in enumerate(pieces))


def with_indices(text: str) -> str:
    """Plain text as HTML, its indices, those of xₜ₋₁ or x_T or E_{x₀, z̄ₜ}, as subscripts, whatever they stand at."""
    return SUBSCRIPT.sub(
        lambda found: f"<sub>{(found[1] or found[2] or found[0]).translate(SUBSCRIPTS)}</sub>",
        html.escape(text, quote=False),
    )


def plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    for sign in "\\*_~[]$`<>":
        text = text.replace(sign, "\\" + sign)
    return text
