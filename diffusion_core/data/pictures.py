"""A word or a picture as a density in the plane: beads where it is dark."""

from __future__ import annotations

import math
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from diffusion_core.data.toys import Dataset, beads
from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture

__all__ = ["picture", "word"]
MAX_COMPONENTS = 400
MAX_LETTERS = 12


# ------------------------------------------------------------------------------------------------ points of a picture
def picture(image: NDArray[np.floating], n: int = MAX_COMPONENTS) -> Dataset[GaussianMixture]:
    """The dark parts of an image as a density in the plane: at most n beads, y upwards, the aspect kept.

    image (H, W) or (H, W, channels) in [-1, 1], as ``decode_photo`` gives it. Its darkness, brightest = 0, is summed
    in square cells, the smallest for which at most n are darker than 5 % of the darkest; each is one bead:
    weight ~ darkness, centre at the darkness's centre, sd 0.4 cells. Nothing is random.

    Raises BadInput for another shape, numbers not finite, n outside 1..400, and an image of one brightness.
    """
    if not isinstance(n, int) or not 1 <= n <= MAX_COMPONENTS:
        raise BadInput("n must be an integer in 1..{most}; got {got}.", most=MAX_COMPONENTS, got=n)
    pixels = np.asarray(image, dtype=np.float64)
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise BadInput("image must have the shape (H, W) or (H, W, channels); got {got}.", got=pixels.shape)
    if not np.isfinite(pixels).all():
        raise BadInput("image must be finite; got numbers that are not.")
    brightness = pixels if pixels.ndim == 2 else pixels.mean(-1)
    darkness = brightness.max() - brightness
    if not darkness.max() > 1e-6:
        raise BadInput("The picture has one brightness everywhere, so it has no dark part to draw points from.")
    side = max(1, math.isqrt(int((darkness > 0.5 * darkness.max()).sum()) // n))
    while True:
        weights, centres = _cells(darkness, side)
        if len(weights) <= n:
            return beads("picture", torch.from_numpy(centres), 0.4 * side, torch.from_numpy(weights))
        side += 1 + side // 16


def _cells(darkness: NDArray[np.float64], side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (K,), summing to 1, and centres (K, 2) of the cells that are dark enough."""
    row, column = np.indices(darkness.shape)
    cell = (row // side) * (darkness.shape[1] // side + 1) + column // side
    total, x, y = (np.bincount(cell.ravel(), (darkness * f).ravel()) for f in (1.0, column, -row))
    dark = total > 0.05 * total.max()
    return total[dark] / total[dark].sum(), np.stack([x[dark], y[dark]], -1) / total[dark, None]


def word(text: str, n: int = MAX_COMPONENTS) -> Dataset[GaussianMixture]:
    """A word in bold letters as a density in the plane: ``picture`` of its dark pixels.

    Raises BadInput for an empty word, more than 12 characters, and a character that no installed font can draw.
    """
    letters = text.strip() if isinstance(text, str) else ""
    if not letters:
        raise BadInput("text must be a word of 1 to {most} characters; got nothing to draw.", most=MAX_LETTERS)
    if len(letters) > MAX_LETTERS:
        raise BadInput(
            "text must be a word of 1 to {most} characters; got {got} characters.", most=MAX_LETTERS, got=len(letters)
        )
    return Dataset("word", picture(_draw_letters(letters), n).law, (2,))


def _draw_letters(letters: str, size: int = 96) -> NDArray[np.float64]:
    """Black letters on white, (H, W) in [-1, 1]; each letter in the first font that has it."""
    fonts = [ImageFont.truetype(_font_with(letter), size) for letter in letters]
    widths = [font.getlength(letter) for font, letter in zip(fonts, letters, strict=True)]
    canvas = Image.new("L", (math.ceil(sum(widths)) + 2 * size, 3 * size), 255)
    pen, draw = float(size), ImageDraw.Draw(canvas)
    for letter, font, width in zip(letters, fonts, widths, strict=True):
        draw.text((pen, 2 * size), letter, fill=0, font=font, anchor="ls")  # on the base line
        pen += width
    return np.asarray(canvas, dtype=np.float64) / 127.5 - 1


@lru_cache(maxsize=1024)
def _font_with(letter: str) -> str:
    """The file of a font that can draw the letter: DejaVu Sans Bold, which Matplotlib brings, else an installed one.

    Matplotlib's list of fonts is kept from its first use on this computer; where no font of it has the letter, those
    that were installed since are looked for.
    """
    for look in (lambda: None, _learn_new_fonts):
        look()
        file = _known_font_with(letter)
        if file is not None:
            return file
    raise BadInput("No installed font can draw the character {letter!r} of text; try another word.", letter=letter)


def _learn_new_fonts() -> None:
    """Add the fonts of this computer that Matplotlib's list has not."""
    from matplotlib import font_manager

    known = {font.fname for font in font_manager.fontManager.ttflist}
    for file in font_manager.findSystemFonts():
        if file not in known:
            with suppress(OSError, RuntimeError):  # a broken font on this computer is no font
                font_manager.fontManager.addfont(file)


def _known_font_with(letter: str) -> str | None:
    """The file of a font of Matplotlib's list that has the letter: the boldest, DejaVu Sans Bold first."""
    from matplotlib import font_manager  # half a second, and only words need it

    installed = sorted(font_manager.fontManager.ttflist, key=lambda font: (-_weight(font.weight), font.fname))
    bold = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight="bold"))
    upright = (font.fname for font in installed if font.style == "normal" and "Last Resort" not in font.name)
    for file in dict.fromkeys([bold, *upright]):  # the Last Resort font draws a box for every letter there is
        if _has_glyph(file, letter):
            return file
    return None


def _weight(weight: Any) -> int:
    """400 normal, 700 bold: of the fonts that have a letter the boldest up to 700 is taken."""
    named = {"bold": 700, "semibold": 600, "medium": 500, "light": 300}
    number = weight if isinstance(weight, int) else named.get(str(weight), 400)
    return number if number <= 700 else 0


def _has_glyph(file: str, letter: str) -> bool:
    from matplotlib import font_manager

    try:
        font = font_manager.get_font(file)
        return font.scalable and font.get_char_index(ord(letter)) != 0  # coloured bitmaps have one size only
    except (OSError, RuntimeError):  # a broken font on this computer is no font
        return False
