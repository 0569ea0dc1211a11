r"""Data to diffuse: toys with an exact density, real digits, a word, a picture, an uploaded photo, captioned shapes.

Every toy is a Gaussian mixture, so its x_t has a known density, score and denoiser (``exact.py``). A curve or an area
becomes a mixture by beads on a string: equal isotropic Gaussians N(m_k, sd^2 I) at steps of about sd to 2 sd, which
look like one smooth ribbon. Such a mixture is then moved and scaled as a whole,

    x -> scale (x - mean),   scale = min(1 / s, 2.8 / max_k |m_k - mean|_inf),   s^2 = tr Cov / d,

so that its mean is 0, its variance a coordinate s^2 is 1 (or less, where a far point would leave [-3, 3]^2).
This is the scale for which x_T ~ N(0, I) is right (Ho et al. 2020, section 3.2), and it makes the toys comparable.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps
from torch import Tensor

from .errors import BadInput
from .exact import FiniteData, GaussianMixture
from .shapes import captioned_shapes

__all__ = [
    "TOYS",
    "Dataset",
    "bimodal",
    "captioned_shapes",
    "checkerboard",
    "decode_photo",
    "digit_labels",
    "digits",
    "eight_gaussians",
    "gaussian_1d",
    "picture",
    "spiral",
    "swiss_roll",
    "three_modes",
    "two_moons",
    "word",
]

DIGITS_FILE = Path(__file__).resolve().parent.parent / "assets" / "data" / "digits.npz"
MAX_COMPONENTS = 400
MAX_LETTERS = 12
REACH = 2.8  # the farthest bead, so that the ribbon around it stays in [-3, 3]^2


@dataclass(frozen=True, eq=False)
class Dataset:
    """A law of x_0 with its name in URLs and the shape of one sample: (1,), (2,), (28, 28, 1)."""

    name: str
    law: GaussianMixture | FiniteData
    shape: tuple[int, ...]

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n draws of x_0, (n, *shape), float64."""
        return self.law.sample(n, generator).reshape(n, *self.shape)


# ------------------------------------------------------------------------------------------------ on the line
def bimodal() -> Dataset:
    """(N(-0.9, 0.1^2) + N(0.9, 0.1^2)) / 2: s^2 = 0.82."""
    return Dataset("bimodal", GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.1), (1,))


def gaussian_1d(variance: float = 0.25) -> Dataset:
    """N(0, variance): every quantity of the diffusion has a closed form. variance 0 is the point 0."""
    if not (isinstance(variance, int | float) and 0 <= variance < math.inf):
        raise BadInput("variance must be a finite number, at least 0; got {got}.", got=variance)
    return Dataset("gaussian_1d", GaussianMixture.isotropic([1.0], [[0.0]], math.sqrt(variance)), (1,))


def three_modes() -> Dataset:
    """0.45 N(-1, 0.15^2) + 0.3 N(0.3, 0.1^2) + 0.25 N(1.2, 0.2^2): unequal in weight, width and distance."""
    return Dataset(
        "three_modes",
        GaussianMixture.isotropic([0.45, 0.3, 0.25], [[-1.0], [0.3], [1.2]], [0.15, 0.1, 0.2]),
        (1,),
    )


# ------------------------------------------------------------------------------------------------ in the plane
def eight_gaussians() -> Dataset:
    """(1/8) sum_k N(sqrt(2) (cos, sin)(2 pi k / 8), 0.1^2 I): mean 0, s^2 = 1.01."""
    angle = 2 * math.pi * torch.arange(8, dtype=torch.float64) / 8
    centres = math.sqrt(2) * torch.stack([angle.cos(), angle.sin()], -1)
    return Dataset("eight_gaussians", GaussianMixture.isotropic(torch.full((8,), 1 / 8), centres, 0.1), (2,))


def two_moons() -> Dataset:
    """Half circles (cos a, sin a) and (1 - cos a, 1/2 - sin a), 0 < a < pi; 2 x 32 beads of sd 0.07, then scaled."""
    a = _midpoints(0.0, math.pi, 32)
    upper = torch.stack([a.cos(), a.sin()], -1)
    lower = torch.stack([1 - a.cos(), 0.5 - a.sin()], -1)
    return _beads("two_moons", torch.cat([upper, lower]), 0.07)


def swiss_roll() -> Dataset:
    """The roll r = a, 1.5 pi < a < 4.5 pi, even in arc length; 110 beads of sd 0.5 (r up to 14), then scaled."""
    return _beads("swiss_roll", _archimedes(1.5 * math.pi, 4.5 * math.pi, 110), 0.5)


def checkerboard() -> Dataset:
    """The 8 dark squares of a 4 x 4 board of side 4, uniform; 5 x 5 beads of sd 0.1 in each, then scaled."""
    inside = _midpoints(0.0, 1.0, 5)
    squares = [(i - 2.0, j - 2.0) for i in range(4) for j in range(4) if (i + j) % 2 == 0]
    cell = torch.cartesian_prod(inside, inside)
    return _beads("checkerboard", torch.cat([cell + torch.tensor(s, dtype=torch.float64) for s in squares]), 0.1)


def spiral() -> Dataset:
    """Two arms r = a and its mirror image, pi/2 < a < 3 pi, even in arc length; 2 x 60 beads of sd 0.4, then scaled."""
    arm = _archimedes(0.5 * math.pi, 3 * math.pi, 60)
    return _beads("spiral", torch.cat([arm, -arm]), 0.4)


def _midpoints(low: float, high: float, n: int) -> Tensor:
    """The middles of n equal parts of [low, high]."""
    return low + (high - low) * (torch.arange(n, dtype=torch.float64) + 0.5) / n


def _archimedes(low: float, high: float, n: int) -> Tensor:
    """n points (a cos a, a sin a), even in arc length, (n, 2); length(a) = (a sqrt(1 + a^2) + asinh a) / 2."""
    a = np.linspace(low, high, 4001)
    length = (a * np.sqrt(1 + a**2) + np.arcsinh(a)) / 2
    angle = torch.from_numpy(np.interp(_midpoints(length[0], length[-1], n).numpy(), length, a))
    return torch.stack([angle * angle.cos(), angle * angle.sin()], -1)


def _beads(name: str, centres: Tensor, sd: float, weights: Tensor | None = None) -> Dataset:
    """The mixture of beads, moved to mean 0 and scaled to s^2 = 1 or into [-3, 3]^2 (the module's formula)."""
    if weights is None:
        weights = torch.full((len(centres),), 1 / len(centres), dtype=torch.float64)
    centred = centres - weights @ centres
    s = math.sqrt((weights @ centred.square()).mean().item() + sd**2)
    scale = min(1 / s, REACH / max(centred.abs().max().item(), sd))
    return Dataset(name, GaussianMixture.isotropic(weights, scale * centred, scale * sd), (2,))


TOYS: dict[str, Callable[[], Dataset]] = {
    "bimodal": bimodal,
    "gaussian_1d": gaussian_1d,
    "three_modes": three_modes,
    "eight_gaussians": eight_gaussians,
    "two_moons": two_moons,
    "swiss_roll": swiss_roll,
    "checkerboard": checkerboard,
    "spiral": spiral,
}


# ------------------------------------------------------------------------------------------------ points of a picture
def picture(image: NDArray[np.floating], n: int = MAX_COMPONENTS) -> Dataset:
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
            return _beads("picture", torch.from_numpy(centres), 0.4 * side, torch.from_numpy(weights))
        side += 1 + side // 16


def _cells(darkness: NDArray[np.float64], side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (K,), summing to 1, and centres (K, 2) of the cells that are dark enough."""
    row, column = np.indices(darkness.shape)
    cell = (row // side) * (darkness.shape[1] // side + 1) + column // side
    total, x, y = (np.bincount(cell.ravel(), (darkness * f).ravel()) for f in (1.0, column, -row))
    dark = total > 0.05 * total.max()
    return total[dark] / total[dark].sum(), np.stack([x[dark], y[dark]], -1) / total[dark, None]


def word(text: str, n: int = MAX_COMPONENTS) -> Dataset:
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


# ------------------------------------------------------------------------------------------------ digits
def digits(per_class: int | None = None) -> Dataset:
    """The 10,000 MNIST digits, x = pixel / 127.5 - 1, float32; the first per_class of each label, if given.

    Sorted by label (``digit_labels``); shape (28, 28, 1). s^2 = 0.27, m_2 = 0.93. Source and licence: assets/data.
    """
    images = _digit_arrays()[0][_first_of_each(per_class)]
    points = torch.from_numpy(images.reshape(-1, 784)).float() / 127.5 - 1
    return Dataset("digits", FiniteData(points), (28, 28, 1))


def digit_labels(per_class: int | None = None) -> Tensor:
    """The label of every point of ``digits(per_class)``, (n,), int64."""
    return torch.from_numpy(_digit_arrays()[1][_first_of_each(per_class)].astype(np.int64))


def _first_of_each(per_class: int | None) -> NDArray[np.intp]:
    labels = _digit_arrays()[1]
    if per_class is None:
        return np.arange(len(labels))
    most = int(np.bincount(labels).min())
    if not isinstance(per_class, int) or not 1 <= per_class <= most:
        raise BadInput("per_class must be an integer in 1..{most}; got {got}.", most=most, got=per_class)
    return np.concatenate([np.flatnonzero(labels == label)[:per_class] for label in range(10)])


@cache
def _digit_arrays() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    with np.load(DIGITS_FILE) as file:
        return file["images"], file["labels"]


# ------------------------------------------------------------------------------------------------ an uploaded photo
def decode_photo(
    data: bytes, max_bytes: int = 5_000_000, max_pixels: int = 40_000_000, max_side: int = 512
) -> NDArray[np.float32]:
    """A PNG, JPEG or WebP file as (H, W, 3) float32 in [-1, 1], no side longer than max_side, never enlarged.

    The size is read from the header before any pixel is unpacked. The EXIF rotation is applied, transparency laid on
    white, CMYK, 16 bit, grey and palettes become 8-bit RGB, an animation gives its first frame. Colour profiles are
    ignored.

    Raises BadInput, one sentence each: empty, too many bytes, another format or no image, too many pixels, damaged.
    """
    if not data:
        raise BadInput("The file is empty; a PNG, JPEG or WebP picture is needed.")
    if len(data) > max_bytes:
        raise BadInput(
            "The file has {got:.1f} MB; at most {most:.1f} MB are allowed.", got=len(data) / 1e6, most=max_bytes / 1e6
        )
    image = _open(data)
    if image.width * image.height > max_pixels:
        raise _too_many_pixels(image.width, image.height, max_pixels)
    try:
        rgb = _to_rgb(ImageOps.exif_transpose(image))
    except Exception as error:  # bytes from a stranger: a decoder may raise anything
        raise BadInput("The picture is cut short or damaged, so it cannot be read.") from error
    scale = min(1.0, max_side / max(rgb.size))
    size = (max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale)))
    if size != rgb.size:
        rgb = rgb.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(rgb, dtype=np.float32) / np.float32(127.5) - 1


def _open(data: bytes) -> Image.Image:
    """The image with its header read, no pixels yet."""
    try:
        return Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput("The picture has far too many pixels to be unpacked; take a smaller one.") from error
    except Exception as error:
        raise BadInput("The file is {kind}; only PNG, JPEG and WebP pictures are allowed.", kind=_kind(data)) from error


def _kind(data: bytes) -> str:
    """What a file that is not one of ours looks like, from its first bytes."""
    starts = {b"GIF8": "a GIF", b"BM": "a BMP", b"II*\0": "a TIFF", b"MM\0*": "a TIFF", b"%PDF": "a PDF"}
    named = (name for start, name in starts.items() if data.startswith(start))
    return next(named, "an AVIF or HEIC" if data[4:8] == b"ftyp" else "no picture that can be read")


def _too_many_pixels(width: int, height: int, most: int) -> BadInput:
    return BadInput(
        "The picture has {width} x {height} pixels, {got:.0f} million; at most {most:.0f} million are allowed.",
        width=width,
        height=height,
        got=width * height / 1e6,
        most=most / 1e6,
    )


def _to_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB, transparency on white."""
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion would cut it off at 255
        grey = np.rint(np.asarray(image, dtype=np.float64) / 257).clip(0, 255)
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")
