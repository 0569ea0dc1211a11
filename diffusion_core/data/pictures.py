"""A word or a picture as a density in the plane: beads where it is dark."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from diffusion_core.data.fonts import font_with
from diffusion_core.data.toys import Dataset, beads
from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture

__all__ = ["picture", "word"]

MAX_COMPONENTS = 400
MAX_LETTERS = 12


def picture(image: NDArray[np.floating], n: int = MAX_COMPONENTS) -> Dataset[GaussianMixture]:
    """The dark parts of an image as a density in the plane: beads, y upwards, the aspect kept.

    Its darkness, brightest = 0, is summed in square cells, the smallest for which at most n are darker than 5 % of the
    darkest; each is one bead: weight ~ darkness, centre at the darkness's centre, sd 0.4 cells. Nothing is random.

    Args:
        image: (H, W) or (H, W, channels) in [-1, 1], as `decode_photo` gives it.
        n: beads, at most; 1..400.

    Raises:
        BadInput: another shape, numbers that are not finite, n out of range, an image of one brightness.
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
    """A word in bold letters as a density in the plane: `picture` of its dark pixels.

    Raises:
        BadInput: an empty word, more than 12 characters, a character that no installed font can draw.
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
    fonts = [ImageFont.truetype(font_with(letter), size) for letter in letters]
    widths = [font.getlength(letter) for font, letter in zip(fonts, letters, strict=True)]
    canvas = Image.new("L", (math.ceil(sum(widths)) + 2 * size, 3 * size), 255)
    pen, draw = float(size), ImageDraw.Draw(canvas)
    for letter, font, width in zip(letters, fonts, widths, strict=True):
        draw.text((pen, 2 * size), letter, fill=0, font=font, anchor="ls")  # on the base line
        pen += width
    return np.asarray(canvas, dtype=np.float64) / 127.5 - 1
