r"""The U-Net of Stable Diffusion 1, part by part, from its public configuration; no weights, numbers alone.

.. code-block:: text

    4 x 64 x 64, to 320      ┐ skip                    out: 320 to 4 x 64 x 64
    64 x 64:   2 x (residual, attention)  ── 3 skips ──>  3 x (residual, attention)       320
    32 x 32:   2 x (residual, attention)  ── 3 skips ──>  3 x (residual, attention)       640
    16 x 16:   2 x (residual, attention)  ── 3 skips ──>  3 x (residual, attention)      1280
     8 x 8:    2 x residual               ── 3 skips ──>  3 x residual                   1280
     8 x 8:    residual, attention, residual

Attention here is three parts: places look at places, places look at 77 words of 768 numbers (CLIP's), and each place
thinks by itself (a gated linear layer of 4 times the width). In all: 859,520,964 parameters.

References:
    Rombach et al. 2022, section 3.3 and table 15. The configuration ``unet/config.json`` of stable-diffusion-v1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from diffusion_core.nets.anatomy import Part, convolution, linear, residual, total

__all__ = ["BLOCKS_DOWN", "LATENT", "TEXT", "WIDTHS", "Unit", "miniature", "units"]

LATENT = (4, 64, 64)
TEXT = (77, 768)
"""Words of a prompt, the start and the end included; numbers a word."""
WIDTHS = (320, 640, 1280, 1280)
BLOCKS_DOWN = 2
"""Residual blocks at each resolution on the way down; on the way up there is one more."""
EMBEDDING = 4 * WIDTHS[0]


@dataclass(frozen=True)
class Unit:
    """What works at one place of the U, one part after another.

    Attributes:
        path: "in", "down", "middle", "up" or "out".
        level: 0 at the full resolution of the latent, and so on.
        parts: each named by its kind: residual, attention, words, mlp, shrink, grow, convolution, embedding.
    """

    path: str
    level: int
    parts: tuple[Part, ...]


def units() -> list[Unit]:
    """The units in the order in which they work."""
    return list(_units())


def _units() -> Iterator[Unit]:
    side, h = LATENT[1], WIDTHS[0]
    time = [linear(WIDTHS[0], EMBEDDING), linear(EMBEDDING, EMBEDDING)]
    yield Unit("in", 0, (total("embedding", (EMBEDDING,), time, 0),))
    yield Unit("in", 0, (convolution(3, LATENT[0], h, (side, side), name="convolution"),))
    skips = [h]
    for level, width in enumerate(WIDTHS):
        for _block in range(BLOCKS_DOWN):
            yield Unit("down", level, tuple(_block_parts(level, h, width, side)))
            h = width
            skips.append(h)
        if level < len(WIDTHS) - 1:
            side //= 2
            yield Unit("down", level, (convolution(3, h, h, (side, side), name="shrink"),))
            skips.append(h)
    yield Unit("middle", len(WIDTHS) - 1, (_residual(h, h, side), *_transformer(h, side), _residual(h, h, side)))
    for level, width in reversed(list(enumerate(WIDTHS))):
        for _block in range(BLOCKS_DOWN + 1):
            yield Unit("up", level, tuple(_block_parts(level, h + skips.pop(), width, side)))
            h = width
        if level > 0:
            side *= 2
            yield Unit("up", level, (convolution(3, h, h, (side, side), name="grow"),))
    last = convolution(3, h, LATENT[0], (side, side))
    yield Unit("out", 0, (total("convolution", last.shape, [last], h),))


def _block_parts(level: int, inside: int, width: int, side: int) -> Iterator[Part]:
    """A residual block; but for the lowest resolution, attention after it."""
    yield _residual(inside, width, side)
    if level < len(WIDTHS) - 1:
        yield from _transformer(width, side)


def _residual(inside: int, outside: int, side: int) -> Part:
    return residual("residual", inside, outside, embedding=EMBEDDING, side=(side, side))


def _transformer(width: int, side: int) -> Iterator[Part]:
    """Places, words, and each place by itself; a 1 x 1 convolution leads in, one leads out. q, k, v have no biases."""
    places, shape = side**2, (width, side, side)
    around = convolution(1, width, width, (side, side))
    to_out = linear(width, width, places)
    for name, (length, numbers), more in (("attention", (places, width), [around]), ("words", TEXT, [])):
        q = Part("", (), width**2, places * width**2)
        k_and_v = Part("", (), 2 * numbers * width, 2 * length * numbers * width)
        products = Part("", (), 0, 2 * places * length * width)
        # a norm before each part, and one before the convolution that leads in
        yield total(name, shape, [*more, q, k_and_v, products, to_out], width * (1 + len(more)))
    gated = [linear(width, 8 * width, places), linear(4 * width, width, places)]
    yield total("mlp", shape, [*gated, around], width)


# --- its counterpart ------------------------------------------------------------------------------------------------


def miniature(parts: Sequence[Part]) -> list[Unit]:
    """The parts of a `UNet` (`anatomy.plan`) as units of the same kinds: what stands where, part for part.

    The text's encoder is no part of Stable Diffusion's U-Net; here it is the second unit of "in".
    """
    found: list[Unit] = []
    for part in parts:
        path, *rest = part.name.split("_")
        kind = rest[-1] if rest and rest[-1] in ("attention", "words") else KINDS.get(path, "residual")
        level = int(rest[0]) if rest and rest[0].isdigit() else 0
        where = PATHS.get(path, "in")
        if path == "shrink":
            level -= 1  # it belongs to the resolution that it leaves
        last = found[-1] if found else None
        joins = last and last.path == where and (kind in ("attention", "words") or where in ("middle", "out"))
        named = replace(part, name=kind)
        if last and joins:
            found[-1] = replace(last, parts=(*last.parts, named))
        else:
            found.append(Unit(where, level, (named,)))
    return found


KINDS = {
    "time": "embedding",
    "label": "embedding",
    "text": "text",
    "first": "convolution",
    "shrink": "shrink",
    "grow": "grow",
    "norm": "norm",
    "last": "convolution",
}
PATHS = {"down": "down", "shrink": "down", "middle": "middle", "up": "up", "grow": "up", "norm": "out", "last": "out"}
