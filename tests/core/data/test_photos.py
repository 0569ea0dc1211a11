"""Every kind of photo that a person may upload: decoded, or refused in one sentence."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from diffusion_core.data.photos import decode_photo
from diffusion_core.errors import BadInput


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def colours(*rows: Any) -> NDArray[np.uint8]:
    return np.array(rows, dtype=np.uint8)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG written by hand, for what Pillow cannot write (or should not, as a bomb)."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def as_bytes(decoded: NDArray[np.float32]) -> NDArray[np.int_]:
    rounded: NDArray[np.int_] = np.rint((decoded + 1) * 127.5).astype(int)
    return rounded


RGB = colours([[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_lossless_files_come_back_exactly(kind: str) -> None:
    decoded = decode_photo(encode(Image.fromarray(RGB), kind, lossless=True))
    assert decoded.dtype == np.float32 and decoded.shape == (2, 2, 3)
    assert decoded.min() == -1 and decoded.max() == 1
    assert np.array_equal(as_bytes(decoded), RGB)
    assert not np.array_equal(as_bytes(decoded), RGB[..., ::-1])  # blue first


def flat(rgb: tuple[int, int, int], size: tuple[int, int] = (32, 32)) -> Image.Image:
    return Image.new("RGB", size, rgb)


def test_jpeg() -> None:
    decoded = as_bytes(decode_photo(encode(flat((200, 100, 50)), "JPEG", quality=95)))
    assert np.abs(decoded - [200, 100, 50]).max() <= 3


def test_cmyk_jpeg() -> None:
    data = encode(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95)  # no cyan: red
    decoded = as_bytes(decode_photo(data))
    assert np.abs(decoded - [255, 0, 0]).max() <= 8
    assert np.abs(255 - decoded - [255, 0, 0]).max() > 200  # the inverted ink of Adobe files


def test_grey_and_bilevel() -> None:
    grey = np.array([[0, 77], [128, 255]], dtype=np.uint8)
    assert np.array_equal(as_bytes(decode_photo(encode(Image.fromarray(grey)))), np.repeat(grey[..., None], 3, -1))
    bilevel = Image.fromarray(grey).convert("1", dither=Image.Dither.NONE)
    assert as_bytes(decode_photo(encode(bilevel)))[..., 0].tolist() == [[0, 0], [255, 255]]


def test_16_bit_is_scaled_not_cut_off() -> None:
    grey = np.array([[0, 257 * 100], [256, 65535]], dtype=np.uint16)
    decoded = as_bytes(decode_photo(encode(Image.fromarray(grey))))
    assert decoded[..., 0].tolist() == [[0, 100], [1, 255]]
    assert decoded[0, 1, 0] != 255  # what clipping would give
    row = b"\0" + struct.pack(">6H", 65535, 0, 257 * 50, 0, 65535, 0)
    assert as_bytes(decode_photo(png(2, 1, 16, colour_type=2, rows=row))).tolist() == [[[255, 0, 50], [0, 255, 0]]]


def test_transparency_is_laid_on_white() -> None:
    rgba = colours([[0, 0, 0, 0], [0, 0, 0, 255]], [[255, 0, 0, 128], [0, 0, 255, 255]])
    decoded = as_bytes(decode_photo(encode(Image.fromarray(rgba))))
    assert decoded[0].tolist() == [[255, 255, 255], [0, 0, 0]]  # dropped alpha would leave the first one black
    assert np.abs(decoded[1, 0] - [255, 127, 127]).max() <= 1
    grey_alpha = Image.fromarray(colours([[0, 0], [0, 255]]), "LA")
    assert as_bytes(decode_photo(encode(grey_alpha)))[0, :, 0].tolist() == [255, 0]


def test_palette_with_transparency() -> None:
    image = Image.fromarray(colours([0, 1, 2]), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    opaque = as_bytes(decode_photo(encode(image)))
    assert opaque.tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]
    clear = as_bytes(decode_photo(encode(image, transparency=1)))
    assert clear.tolist() == [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]]


def test_colour_key_of_an_rgb_png() -> None:
    data = encode(Image.fromarray(RGB), transparency=(255, 0, 0))
    assert as_bytes(decode_photo(data))[0].tolist() == [[255, 255, 255], [0, 255, 0]]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_exif_orientation(kind: str) -> None:
    """6 means: turn a quarter clockwise to see it upright, so that the top row becomes the right column."""
    image = flat((0, 0, 0), (64, 32))
    image.paste((255, 255, 255), (0, 0, 64, 16))  # white above black
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode_photo(encode(image, kind, exif=exif))
    assert decoded.shape == (64, 32, 3)
    assert decoded[:, 24:].mean() > 0.9 and decoded[:, :8].mean() < -0.9  # white at the right
    assert decode_photo(encode(image, kind)).shape == (32, 64, 3)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_give_their_first_frame(kind: str) -> None:
    frames = [flat(c) for c in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, lossless=True)
    with Image.open(io.BytesIO(data)) as animation:
        assert getattr(animation, "n_frames", 1) == 3
    decoded = as_bytes(decode_photo(data))
    assert np.abs(decoded - [255, 0, 0]).max() <= 1


def test_size_is_limited_with_the_aspect_kept() -> None:
    assert decode_photo(encode(flat((9, 9, 9), (1000, 500)))).shape == (256, 512, 3)
    assert decode_photo(encode(flat((9, 9, 9), (300, 2000)))).shape == (512, 77, 3)
    assert decode_photo(encode(flat((9, 9, 9), (3000, 1)))).shape == (1, 512, 3)
    assert decode_photo(encode(flat((9, 9, 9), (100, 50)))).shape == (50, 100, 3)  # never enlarged
    stripes = np.zeros((1024, 1024), dtype=np.uint8)
    stripes[::2] = 255
    inner = as_bytes(decode_photo(encode(Image.fromarray(stripes))))[20:-20]
    assert np.abs(inner - 128).max() < 8  # filtered; taking every second line would give 0 or 255


def refused(data: bytes, sentence: str, **limits: int) -> None:
    with pytest.raises(BadInput, match=sentence) as caught:
        decode_photo(data, **limits)
    assert str(caught.value).endswith(".") and "PIL" not in str(caught.value)


def test_refusals() -> None:
    good = encode(Image.effect_noise((200, 200), 80).convert("RGB"), "JPEG")
    assert decode_photo(good).shape == (200, 200, 3)
    refused(b"", "The file is empty")
    refused(b"hello, I am a text", "is no picture that can be read; only PNG, JPEG and WebP")
    refused(bytes(range(256)) * 10, "no picture that can be read")
    refused(good, r"has 0\.0 MB; at most 0\.0 MB", max_bytes=1000)
    refused(encode(flat((0, 0, 0)), "GIF"), "is a GIF; only PNG")
    refused(encode(flat((0, 0, 0)), "BMP"), "is a BMP; only PNG")
    refused(encode(flat((0, 0, 0)), "TIFF"), "is a TIFF; only PNG")
    refused(b"\0\0\0\x18ftypheic" + bytes(40), "an AVIF or HEIC")
    refused(b"\x89PNG\r\n\x1a\n", "no picture")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_truncated_files(kind: str) -> None:
    data = encode(Image.effect_noise((200, 200), 80).convert("RGB"), kind)
    assert decode_photo(data).shape == (200, 200, 3)
    for keep in (0.3, 0.6, 0.9):
        refused(data[: int(keep * len(data))], "cut short or damaged|no picture that can be read")


def test_damaged_files_give_a_sentence_or_a_picture_but_no_other_error() -> None:
    rng = np.random.default_rng(0)
    refusals = 0
    for kind in ("PNG", "JPEG", "WEBP"):
        data = bytearray(encode(Image.effect_noise((60, 60), 80).convert("RGB"), kind))
        for _ in range(60):
            damaged = data.copy()
            for position in rng.integers(0, len(data), 4):
                damaged[position] = rng.integers(256)
            try:
                assert decode_photo(bytes(damaged)).shape[-1] == 3
            except BadInput:
                refusals += 1
    assert refusals > 30


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bombs_are_refused_from_their_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real one: few bytes that unpack to gigabytes. The pixels must not be touched."""
    zeros = zlib.compress(bytes(1 << 20))

    def bomb(width: int, height: int) -> bytes:
        header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zeros) + png_chunk(b"IEND", b"")

    def touched(self: object) -> None:
        raise AssertionError("the pixels were unpacked")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", touched)
    refused(bomb(7000, 6000), "7000 x 6000 pixels, 42 million; at most 40 million")
    refused(bomb(30_000, 30_000), "far too many pixels|900 million")
    refused(bomb(10_000, 10_000), "far too many pixels|100 million")
    refused(encode(flat((0, 0, 0), (64, 32))), "64 x 32 pixels", max_pixels=2000)
    with pytest.raises((AssertionError, BadInput), match=r"unpacked|damaged"):  # below the limit they are
        decode_photo(encode(flat((0, 0, 0), (64, 32))))


def test_text_bombs_in_a_png() -> None:
    packed = zlib.compress(bytes(200_000_000), 9)
    row = b"\0" + bytes(3)
    refused(
        png(1, 1, 8, colour_type=2, rows=row, extra=png_chunk(b"zTXt", b"note\0\0" + packed)),
        "no picture that can be read|damaged",
    )
    assert decode_photo(png(1, 1, 8, colour_type=2, rows=row, extra=png_chunk(b"tEXt", b"note\0short"))).shape == (
        1,
        1,
        3,
    )
