"""The ledger in words: what each entry says, its verdict and its light, ready for the page."""

import html
import re
from collections.abc import Mapping
from typing import NamedTuple

from diffusion_core.claims import SECTIONS, Entry, Light
from diffusion_core.claims.report import VERDICTS, green, state_name
from pages.shared.i18n import _
from pages.shared.keeping import kept

__all__ = ["LIGHTS", "Said", "head", "in_words", "plain", "with_indices"]

VERDICT_COLORS = {"true": "green", "loose": "orange", "wrong": "red", "definition": "gray"}
LIGHTS = {
    None: ":gray[:material/radio_button_unchecked:]",
    True: ":green[:material/check_circle:]",
    False: ":red[:material/cancel:]",
}
SUBSCRIPTS = str.maketrans("₀₁₂₋₊ₜₛ", "012−+ts")
SUBSCRIPT = re.compile(r"[₀₁₂₋₊ₜₛ]+|_\{([^}]*)\}|_(\w)")


class Said(NamedTuple):
    """An entry before it is checked: its first line in Markdown, the two statements in HTML; what its button says."""

    head: str
    body: str
    check: str


@kept
def in_words() -> dict[str, Said]:
    """Every entry, by its key."""
    return {
        entry.key: Said(
            head(entry, {}),
            f'<p class="ledger-article">{with_indices(_(entry.article))}</p>'
            f'<p class="ledger-correct">{with_indices(_(entry.correct))}</p>',
            _("Check"),
        )
        for entries in SECTIONS.values()
        for entry in entries
    }


def head(entry: Entry, lights: Mapping[str, Light]) -> str:
    """Key, verdict, light."""
    said = _("the article: {verdict}").format(verdict=_(VERDICTS[entry.verdict]))
    badge = f"**{entry.key}** :{VERDICT_COLORS[entry.verdict]}-badge[{said}]"
    if not entry.claims:
        return badge
    light = f"{LIGHTS[green(entry, lights)]} {_(state_name(entry, lights))}"
    return badge + " " + _("what is right: {light}").format(light=light)


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
