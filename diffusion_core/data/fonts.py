"""Which installed font can draw a letter. Matplotlib, which knows them all, loads in half a second: only for words."""

from contextlib import suppress
from functools import lru_cache
from typing import Any

from diffusion_core.errors import BadInput

__all__ = ["font_with", "has_glyph"]


@lru_cache(maxsize=1024)
def font_with(letter: str) -> str:
    """The file of a font that can draw the letter: DejaVu Sans Bold, which Matplotlib brings, else an installed one.

    Matplotlib's list of fonts is kept from its first use on this computer; where no font of it has the letter, those
    that were installed since are looked for.

    Raises:
        BadInput: no font has the letter.
    """
    file = _known_with(letter)
    if file is None:
        _learn_new_fonts()
        file = _known_with(letter)
    if file is None:
        raise BadInput("No installed font can draw the character {letter!r} of text; try another word.", letter=letter)
    return file


def _learn_new_fonts() -> None:
    """Add the fonts of this computer that Matplotlib's list has not."""
    from matplotlib import font_manager

    known = {font.fname for font in font_manager.fontManager.ttflist}
    for file in font_manager.findSystemFonts():
        if file not in known:
            with suppress(OSError, RuntimeError):  # a broken font on this computer is no font
                font_manager.fontManager.addfont(file)


def _known_with(letter: str) -> str | None:
    """The file of a font of Matplotlib's list that has the letter: the boldest, DejaVu Sans Bold first."""
    from matplotlib import font_manager

    installed = sorted(font_manager.fontManager.ttflist, key=lambda font: (-_weight(font.weight), font.fname))
    bold = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight="bold"))
    upright = (font.fname for font in installed if font.style == "normal" and "Last Resort" not in font.name)
    for file in dict.fromkeys([bold, *upright]):  # the Last Resort font draws a box for every letter there is
        if has_glyph(file, letter):
            return file
    return None


def _weight(weight: Any) -> int:
    """400 normal, 700 bold: of the fonts that have a letter the boldest up to 700 is taken."""
    named = {"bold": 700, "semibold": 600, "medium": 500, "light": 300}
    number = weight if isinstance(weight, int) else named.get(str(weight), 400)
    return number if number <= 700 else 0


def has_glyph(file: str, letter: str) -> bool:
    """Whether a font can draw the letter at any size."""
    from matplotlib import font_manager

    try:
        font = font_manager.get_font(file)
        return font.scalable and font.get_char_index(ord(letter)) != 0  # coloured bitmaps have one size only
    except (OSError, RuntimeError):  # a broken font on this computer is no font
        return False
