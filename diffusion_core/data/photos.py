"""An uploaded photo, decoded safely: a small picture in [-1, 1], or one sentence."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from diffusion_core.errors import BadInput

__all__ = ["decode_photo"]


def decode_photo(
    data: bytes, max_bytes: int = 5_000_000, max_pixels: int = 40_000_000, max_side: int = 512
) -> NDArray[np.float32]:
    """A PNG, JPEG or WebP file as (H, W, 3) float32 in [-1, 1], no side longer than max_side, never enlarged.

    The size is read from the header before any pixel is unpacked. The EXIF rotation is applied, transparency laid on
    white, CMYK, 16 bit, grey and palettes become 8-bit RGB, an animation gives its first frame. Colour profiles are
    ignored.

    Raises:
        BadInput: empty, too many bytes, another format or no image, too many pixels, damaged.
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
