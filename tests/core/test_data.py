"""The data sets: their stated moments and extent, the digits' source, and every kind of photo a person may upload."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from diffusion_core.data.digits import digit_labels, digits
from diffusion_core.data.photos import decode_photo
from diffusion_core.data.pictures import picture, word
from diffusion_core.data.toys import (
    TOYS,
    Dataset,
    bimodal,
    checkerboard,
    eight_gaussians,
    gaussian_1d,
    spiral,
    swiss_roll,
    three_modes,
    two_moons,
)
from diffusion_core.errors import BadInput
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.mixtures import GaussianMixture

CRC = 0x86ED881F  # of the 10,000 images as bytes, from the package they come from
PLANE = [two_moons, swiss_roll, checkerboard, spiral]


def gen(seed=0):
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------------------------------------ toys
def test_every_toy_is_found_by_its_name():
    for name, make in TOYS.items():
        toy = make()
        assert isinstance(toy, Dataset) and isinstance(toy.law, GaussianMixture)
        assert toy.name == name
        assert toy.sample(5, gen()).shape == (5, *toy.shape)
        assert toy.law.dimension == int(np.prod(toy.shape))
        assert len(toy.law.weights) <= 200
        assert toy.law.log_prob(toy.sample(5, gen())).shape == (5,)  # the data's own density exists


@pytest.mark.parametrize("make", PLANE)
def test_curves_and_areas_are_centred_scaled_and_within_the_picture(make):
    toy = make()
    draws = toy.sample(20_000, gen(1))
    z = draws.mean(0) / draws.std(0) * len(draws) ** 0.5
    assert toy.law.mean().abs().max() < 1e-12 and z.abs().max() < 4.5
    assert abs(toy.law.variance - 1) < 1e-12
    squares = draws.square().mean(-1)  # the same from the draws; a law of standard deviation 1.03 would fail
    se = squares.std().item() / len(draws) ** 0.5
    assert abs(squares.mean().item() - 1) < 4.5 * se < abs(1.03**2 - 1)
    assert (draws.abs() < 3).all(-1).double().mean() > 0.9999


def test_the_toys_lie_where_their_formula_says():
    """A draw lies within 5 sd of its curve; draws of another toy do not."""
    roll = swiss_roll()
    sd = roll.law.eigenvalues.max().sqrt().item()
    for toy, near in ((roll, True), (spiral(), False)):
        distance = torch.cdist(toy.sample(2000, gen(2)), roll.law.means).amin(-1)
        assert (distance.max().item() < 5 * sd) == near
    radius = eight_gaussians().law.means.norm(dim=-1)
    assert (radius - 2**0.5).abs().max() < 1e-12
    assert abs(eight_gaussians().law.variance - 1.01) < 1e-12


def test_the_beads_make_one_smooth_ribbon():
    """Along the middle of a curve the density wavers by less than 15 %; with beads half as wide it breaks up."""
    for make in (two_moons, swiss_roll, spiral):
        law = make().law
        half = len(law.means) // 2
        middle = law.means[: half - 2] if make is not swiss_roll else law.means[2:-2]
        between = (middle[1:] + middle[:-1]) / 2

        def waver(mixture, middle=middle, between=between):
            at, off = mixture.log_prob(middle)[1:-1], mixture.log_prob(between)
            return (off[1:] + off[:-1] - 2 * at).abs().max().item() / 2

        thin = GaussianMixture.of(law.weights, law.means, law.covariances / 4)
        assert waver(law) < 0.15 < waver(thin)


def test_the_checkerboard_has_eight_squares():
    law = checkerboard().law
    side = 4 * law.means.abs().max().item() / 3.8  # 3.8 of 4 between the outermost beads
    centres = (torch.arange(4, dtype=torch.float64) - 1.5) * side / 2
    grid = torch.cartesian_prod(centres, centres)
    dark = torch.tensor([(i + j) % 2 == 0 for i in range(4) for j in range(4)])
    density = law.log_prob(grid).exp()
    assert density[dark].min() > 20 * density[~dark].max()


def test_the_line():
    assert abs(bimodal().law.variance - 0.82) < 1e-12
    assert gaussian_1d().law.variance == 0.25 and abs(gaussian_1d(2.0).law.variance - 2) < 1e-12
    assert gaussian_1d(0.0).sample(3, gen()).abs().max() == 0
    three = three_modes()
    draws = three.sample(20_000, gen(3))[:, 0].numpy()

    def cdf(x, weights):
        modes = zip(weights, (-1, 0.3, 1.2), (0.15, 0.1, 0.2), strict=True)
        return sum(w * stats.norm.cdf(x, m, s) for w, m, s in modes)

    assert stats.kstest(draws, lambda x: cdf(x, (0.45, 0.3, 0.25))).pvalue > 1e-4
    assert stats.kstest(draws, lambda x: cdf(x, (0.40, 0.3, 0.30))).pvalue < 1e-4
    for bad in (-1.0, float("nan"), float("inf"), "wide"):
        with pytest.raises(BadInput, match="variance must be a finite number, at least 0"):
            gaussian_1d(bad)


# ------------------------------------------------------------------------------------------------ pictures and words
def test_picture_follows_the_darkness_and_keeps_the_aspect():
    image = np.ones((60, 120))
    image[:30, 60:] = -1.0  # black, upper right
    image[30:, :30] = 0.0  # grey, lower left
    law = picture(image).law
    assert len(law.weights) <= 400
    x, y = (law.means - (law.means.amax(0) + law.means.amin(0)) / 2).T  # from the middle of the box
    upper, lower = (x > 0) & (y > 0), (x < 0) & (y < 0)
    assert bool((upper | lower).all())
    weight = law.weights[upper].sum().item()
    assert abs(weight - 4 / 5) < 1e-12  # twice the area, twice the darkness
    assert abs(weight - 2 / 3) > 0.1  # by area alone
    box = law.means.amax(0) - law.means.amin(0)
    assert abs(box[0].item() / box[1].item() - 2) < 0.1
    assert law.mean().abs().max() < 1e-12 and 0.95 < law.variance <= 1
    colour = picture(np.repeat(image[..., None], 3, -1)).law
    assert torch.allclose(colour.means, law.means)


def test_picture_keeps_far_specks_within_the_plot():
    image = np.ones((400, 400))
    image[190:210, 190:210] = -1.0
    image[0, 0] = image[399, 399] = -1.0
    law = picture(image).law
    assert law.means.abs().max() <= 2.8 + 1e-9
    assert law.variance < 1


@pytest.mark.parametrize("n", [1, 20, 400])
def test_picture_keeps_to_n_components(n):
    noise = np.random.default_rng(0).uniform(-1, 1, (97, 61))
    assert len(picture(noise, n).law.weights) <= n


def test_bad_pictures():
    good = np.eye(8)
    for sentence, image, n in [
        ("image must have the shape", np.ones(8), 400),
        ("image must be finite", np.full((8, 8), np.nan), 400),
        ("one brightness", np.ones((8, 8)), 400),
        ("n must be an integer in 1..400; got 401", good, 401),
        ("n must be an integer in 1..400; got 0", good, 0),
    ]:
        with pytest.raises(BadInput, match=sentence):
            picture(image, n)
    assert picture(good).shape == (2,)


def test_word_reads_left_to_right_and_upright():
    """L has more ink at the left and at the bottom: the mean, 0, is left of and below the middle of its box."""

    def middle(means):
        return (means.amax(0) + means.amin(0)) / 2

    means = word("L").law.means
    assert (middle(means) > 0.2).all()
    assert not (middle(-means) > 0.2).any()  # turned round


def test_words():
    for text in ("DDPM", "diffusion", " i ", "naïve", "αβγ", "hello world!"):
        toy = word(text)
        assert toy.name == "word" and toy.shape == (2,) and 1 < len(toy.law.weights) <= 400
        assert toy.law.means.abs().max() < 3
    assert torch.equal(word("DDPM").law.means, word(" DDPM ").law.means)
    assert not torch.equal(word("MPDD").law.means[:9], word("DDPM").law.means[:9])
    for text, sentence in [
        ("", "got nothing to draw"),
        ("   ", "got nothing to draw"),
        (None, "got nothing to draw"),
        ("a" * 13, "1 to 12 characters; got 13 characters"),
        ("a\U000f0000", "No installed font can draw the character '\\\\U000f0000'"),
    ]:
        with pytest.raises(BadInput, match=sentence):
            word(text)


def test_a_chinese_word_is_drawn_or_refused_but_never_boxes():
    try:
        law = word(
            "口田"
        ).law  # two different boxes by nature: a font's box for missing letters would be the same twice
    except BadInput as error:
        assert "'口'" in str(error)
        return
    left, right = law.means[:, 0] < 0, law.means[:, 0] > 0
    assert law.weights[right].sum() > 1.15 * law.weights[left].sum()  # 田 has more ink than 口


# ------------------------------------------------------------------------------------------------ digits
def test_digits_are_the_shipped_ones():
    data, labels = digits(), digit_labels()
    assert isinstance(data.law, FiniteData) and data.shape == (28, 28, 1)
    assert data.law.points.shape == (10_000, 784) and data.law.points.dtype == torch.float32
    assert data.law.points.min() == -1 and data.law.points.max() == 1
    assert torch.bincount(labels).tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert abs(data.law.variance - 0.269) < 1e-3 and abs(data.law.second_moment - 0.925) < 1e-3
    pixels = (data.law.points + 1) * 127.5
    assert (pixels - pixels.round()).abs().max() < 1e-4
    assert zlib.crc32(pixels.round().to(torch.uint8).numpy().tobytes()) == CRC
    assert zlib.crc32(pixels.round().to(torch.uint8).flip(-1).numpy().tobytes()) != CRC  # mirrored digits


def test_a_few_of_each_digit():
    few, labels = digits(per_class=3), digit_labels(per_class=3)
    assert few.sample(4, gen()).shape == (4, 28, 28, 1)
    assert labels.tolist() == [label for label in range(10) for _ in range(3)]
    everything, every_label = digits().law.points, digit_labels()
    for label in (0, 7):
        assert torch.equal(few.law.points[labels == label], everything[every_label == label][:3])
    for bad in (0, 864, 1.5):
        with pytest.raises(BadInput, match=r"per_class must be an integer in 1..863"):
            digits(per_class=bad)


# ------------------------------------------------------------------------------------------------ photos
def encode(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def colours(*rows):
    return np.array(rows, dtype=np.uint8)


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour_type, rows, extra=b""):
    """A PNG written by hand, for what Pillow cannot write (or should not, as a bomb)."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def as_bytes(decoded):
    return np.rint((decoded + 1) * 127.5).astype(int)


RGB = colours([[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_lossless_files_come_back_exactly(kind):
    decoded = decode_photo(encode(Image.fromarray(RGB), kind, lossless=True))
    assert decoded.dtype == np.float32 and decoded.shape == (2, 2, 3)
    assert decoded.min() == -1 and decoded.max() == 1
    assert np.array_equal(as_bytes(decoded), RGB)
    assert not np.array_equal(as_bytes(decoded), RGB[..., ::-1])  # blue first


def flat(rgb, size=(32, 32)):
    return Image.new("RGB", size, rgb)


def test_jpeg():
    decoded = as_bytes(decode_photo(encode(flat((200, 100, 50)), "JPEG", quality=95)))
    assert np.abs(decoded - [200, 100, 50]).max() <= 3


def test_cmyk_jpeg():
    data = encode(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95)  # no cyan: red
    decoded = as_bytes(decode_photo(data))
    assert np.abs(decoded - [255, 0, 0]).max() <= 8
    assert np.abs(255 - decoded - [255, 0, 0]).max() > 200  # the inverted ink of Adobe files


def test_grey_and_bilevel():
    grey = np.array([[0, 77], [128, 255]], dtype=np.uint8)
    assert np.array_equal(as_bytes(decode_photo(encode(Image.fromarray(grey)))), np.repeat(grey[..., None], 3, -1))
    bilevel = Image.fromarray(grey).convert("1", dither=Image.Dither.NONE)
    assert as_bytes(decode_photo(encode(bilevel)))[..., 0].tolist() == [[0, 0], [255, 255]]


def test_16_bit_is_scaled_not_cut_off():
    grey = np.array([[0, 257 * 100], [256, 65535]], dtype=np.uint16)
    decoded = as_bytes(decode_photo(encode(Image.fromarray(grey))))
    assert decoded[..., 0].tolist() == [[0, 100], [1, 255]]
    assert decoded[0, 1, 0] != 255  # what clipping would give
    row = b"\0" + struct.pack(">6H", 65535, 0, 257 * 50, 0, 65535, 0)
    assert as_bytes(decode_photo(png(2, 1, 16, 2, row))).tolist() == [[[255, 0, 50], [0, 255, 0]]]


def test_transparency_is_laid_on_white():
    rgba = colours([[0, 0, 0, 0], [0, 0, 0, 255]], [[255, 0, 0, 128], [0, 0, 255, 255]])
    decoded = as_bytes(decode_photo(encode(Image.fromarray(rgba))))
    assert decoded[0].tolist() == [[255, 255, 255], [0, 0, 0]]  # dropped alpha would leave the first one black
    assert np.abs(decoded[1, 0] - [255, 127, 127]).max() <= 1
    grey_alpha = Image.fromarray(colours([[0, 0], [0, 255]]), "LA")
    assert as_bytes(decode_photo(encode(grey_alpha)))[0, :, 0].tolist() == [255, 0]


def test_palette_with_transparency():
    image = Image.fromarray(colours([0, 1, 2]), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    opaque = as_bytes(decode_photo(encode(image)))
    assert opaque.tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]
    clear = as_bytes(decode_photo(encode(image, transparency=1)))
    assert clear.tolist() == [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]]


def test_colour_key_of_an_rgb_png():
    data = encode(Image.fromarray(RGB), transparency=(255, 0, 0))
    assert as_bytes(decode_photo(data))[0].tolist() == [[255, 255, 255], [0, 255, 0]]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_exif_orientation(kind):
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
def test_animations_give_their_first_frame(kind):
    frames = [flat(c) for c in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, lossless=True)
    with Image.open(io.BytesIO(data)) as animation:
        assert animation.n_frames == 3
    decoded = as_bytes(decode_photo(data))
    assert np.abs(decoded - [255, 0, 0]).max() <= 1


def test_size_is_limited_with_the_aspect_kept():
    assert decode_photo(encode(flat((9, 9, 9), (1000, 500)))).shape == (256, 512, 3)
    assert decode_photo(encode(flat((9, 9, 9), (300, 2000)))).shape == (512, 77, 3)
    assert decode_photo(encode(flat((9, 9, 9), (3000, 1)))).shape == (1, 512, 3)
    assert decode_photo(encode(flat((9, 9, 9), (100, 50)))).shape == (50, 100, 3)  # never enlarged
    stripes = np.zeros((1024, 1024), dtype=np.uint8)
    stripes[::2] = 255
    inner = as_bytes(decode_photo(encode(Image.fromarray(stripes))))[20:-20]
    assert np.abs(inner - 128).max() < 8  # filtered; taking every second line would give 0 or 255


def refused(data, sentence, **limits):
    with pytest.raises(BadInput, match=sentence) as caught:
        decode_photo(data, **limits)
    assert str(caught.value).endswith(".") and "PIL" not in str(caught.value)


def test_refusals():
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
def test_truncated_files(kind):
    data = encode(Image.effect_noise((200, 200), 80).convert("RGB"), kind)
    assert decode_photo(data).shape == (200, 200, 3)
    for keep in (0.3, 0.6, 0.9):
        refused(data[: int(keep * len(data))], "cut short or damaged|no picture that can be read")


def test_damaged_files_give_a_sentence_or_a_picture_but_no_other_error():
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
def test_bombs_are_refused_from_their_header(monkeypatch):
    """A real one: few bytes that unpack to gigabytes. The pixels must not be touched."""
    zeros = zlib.compress(bytes(1 << 20))

    def bomb(width, height):
        header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zeros) + png_chunk(b"IEND", b"")

    def touched(self):
        raise AssertionError("the pixels were unpacked")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", touched)
    refused(bomb(7000, 6000), "7000 x 6000 pixels, 42 million; at most 40 million")
    refused(bomb(30_000, 30_000), "far too many pixels|900 million")
    refused(bomb(10_000, 10_000), "far too many pixels|100 million")
    refused(encode(flat((0, 0, 0), (64, 32))), "64 x 32 pixels", max_pixels=2000)
    with pytest.raises((AssertionError, BadInput), match=r"unpacked|damaged"):  # below the limit they are
        decode_photo(encode(flat((0, 0, 0), (64, 32))))


def test_text_bombs_in_a_png():
    packed = zlib.compress(bytes(200_000_000), 9)
    row = b"\0" + bytes(3)
    refused(png(1, 1, 8, 2, row, png_chunk(b"zTXt", b"note\0\0" + packed)), "no picture that can be read|damaged")
    assert decode_photo(png(1, 1, 8, 2, row, png_chunk(b"tEXt", b"note\0short"))).shape == (1, 1, 3)


def test_a_font_installed_after_matplotlib_made_its_list_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is kept from Matplotlib's first use on a computer; a font that came later is not in it."""
    from matplotlib import font_manager

    from diffusion_core.data.pictures import _font_with, _has_glyph

    if not any(_has_glyph(file, "扩") for file in font_manager.findSystemFonts()):
        pytest.skip("no font of this computer has 汉字")
    before = [font for font in font_manager.fontManager.ttflist if not _has_glyph(font.fname, "扩")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(before))
    _font_with.cache_clear()
    assert _has_glyph(_font_with("扩"), "扩")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(before))
    monkeypatch.setattr(font_manager, "findSystemFonts", list)  # none was installed
    _font_with.cache_clear()
    with pytest.raises(BadInput, match="No installed font can draw the character '扩'"):
        _font_with("扩")
    _font_with.cache_clear()
