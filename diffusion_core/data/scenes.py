r"""Captioned shapes: pictures of 32 x 32 pixels that say in words what they show, drawn without end from a seed.

A thing is a shape with a colour and a size; a caption names one thing and its place, or two and how they lie:

    a small red circle on the left            a blue star above a large green square on a dark ground

What a caption leaves unsaid is drawn at random, and every picture trembles a little: place, size, angle, colour.

A shape of radius r is drawn with anti-aliasing from its signed distance d (negative inside), looked up in a table
that is made once for r = 1:

.. math:: \text{coverage}(p) = \mathrm{clamp}\big(\tfrac12 - r\,d(R(p - c)/r),\ 0,\ 1\big).

`HELD_OUT` names a colour for each shape: no caption of the training stream holds one of these pairs, so that a network
which draws them has put two words together that it never saw together.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor

from diffusion_core.data.captions import COLOURS, GROUNDS, HELD_OUT, PLACES, RELATIONS, SHAPES, SIZES, Caption, Thing
from diffusion_core.errors import check_at_least, check_between

__all__ = ["SIDE", "captioned_shapes", "coverage", "draw", "random_captions", "unit_shapes"]

Option = TypeVar("Option")

SIDE = 32

# how far a picture may be from its caption's ideal
SHIFT = 0.8  # pixels
STRETCH = 0.05  # of the radius
TURN = math.radians(8)
TINT = 0.03  # of each of red, green and blue


# --- shapes ---------------------------------------------------------------------------------------------------------

REACH, TABLE = 1.8, 97  # the table of distances covers [-REACH, REACH]^2


def _polygon(corners: list[tuple[float, float]]) -> Callable[[Tensor], Tensor]:
    """The signed distance to a polygon: to the nearest edge, negative where a ray crosses an odd number of them."""

    def distance(p: Tensor) -> Tensor:
        nearest = torch.full(p.shape[:-1], math.inf, dtype=p.dtype)
        inside = torch.zeros(p.shape[:-1], dtype=torch.bool)
        for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
            a, edge = torch.tensor([x0, y0]).to(p), torch.tensor([x1 - x0, y1 - y0]).to(p)
            along = ((p - a) @ edge / edge.square().sum()).clamp(0, 1)
            nearest = torch.minimum(nearest, (p - a - along[..., None] * edge).norm(dim=-1))
            if y0 != y1:
                crosses = (y0 > p[..., 1]) != (y1 > p[..., 1])
                inside ^= crosses & (p[..., 0] < x0 + (p[..., 1] - y0) * (x1 - x0) / (y1 - y0))
        return torch.where(inside, -nearest, nearest)

    return distance


def _around(radii: list[float], start: float) -> list[tuple[float, float]]:
    """Corners at even angles around the origin, the first at `start` (y points down)."""
    angles = [start + 2 * math.pi * k / len(radii) for k in range(len(radii))]
    return [(r * math.cos(a), r * math.sin(a)) for r, a in zip(radii, angles, strict=True)]


def _cross(arm: float, half: float) -> list[tuple[float, float]]:
    quarter = [(arm, half), (half, half), (half, arm)]
    turn = [(1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0)]
    return [(a * x + b * y, c * x + d * y) for a, b, c, d in turn for x, y in [(arm, -half), *quarter[:2]]]


DISTANCES: dict[str, Callable[[Tensor], Tensor]] = {
    "circle": lambda p: p.norm(dim=-1) - 0.95,
    "square": _polygon(_around([1.15] * 4, math.pi / 4)),
    "triangle": _polygon(_around([1.2] * 3, -math.pi / 2)),
    "star": _polygon(_around([1.25, 0.54] * 5, -math.pi / 2)),
    "cross": _polygon(_cross(1.0, 0.34)),
    "ring": lambda p: (p.norm(dim=-1) - 0.76).abs() - 0.24,
}
"""The signed distance of each shape at radius 1, (..., 2) -> (...)."""


@cache
def _tables() -> Tensor:
    """(shapes, 1, TABLE, TABLE), float32."""
    axis = torch.linspace(-REACH, REACH, TABLE, dtype=torch.float64)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    p = torch.stack([x, y], -1)
    return torch.stack([DISTANCES[shape](p) for shape in SHAPES])[:, None].float()


@cache
def unit_shapes() -> tuple[Tensor, Tensor]:
    """The area of each shape at radius 1, (shapes,), and the middle of that area, (shapes, 2)."""
    inside = (_tables()[:, 0] < 0).float()  # (shapes, TABLE, TABLE)
    axis = torch.linspace(-REACH, REACH, TABLE)
    count = inside.sum((1, 2))
    middle = torch.stack([inside.sum(1) @ axis, inside.sum(2) @ axis], -1) / count[:, None]
    return count * (2 * REACH / (TABLE - 1)) ** 2, middle


def coverage(shape: Tensor, centre: Tensor, radius: Tensor, angle: Tensor) -> Tensor:
    """How much of each pixel each shape covers, (n, SIDE, SIDE), 0 to 1.

    Args:
        shape: (n,) indices into `SHAPES`.
        centre: (n, 2), pixels to the right and down.
        radius: (n,) pixels.
        angle: (n,) radians.
    """
    axis = torch.arange(SIDE) + 0.5
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    p = (torch.stack([x, y], -1) - centre[:, None, None]) / radius[:, None, None, None]  # (n, SIDE, SIDE, 2)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    p = torch.stack([cos * p[..., 0] + sin * p[..., 1], cos * p[..., 1] - sin * p[..., 0]], -1) / REACH
    out = torch.empty(len(shape), SIDE, SIDE)
    for i, table in enumerate(_tables()):
        rows = (shape == i).nonzero()[:, 0]
        if len(rows):
            tables = table.expand(len(rows), -1, -1, -1)
            out[rows] = torch.nn.functional.grid_sample(
                tables, p[rows], mode="bilinear", padding_mode="border", align_corners=True
            )[:, 0]
    return (0.5 - radius[:, None, None] * out).clamp(0, 1)


# --- pictures -------------------------------------------------------------------------------------------------------


def draw(captions: Sequence[Caption], generator: torch.Generator) -> Tensor:
    """A picture of each caption, (n, 3, SIDE, SIDE) in [-1, 1]; what the caption leaves unsaid is drawn at random."""
    n = len(captions)
    u = torch.rand(n, 4, generator=generator).tolist()
    tremble = 2 * torch.rand(n, 2, 7, generator=generator) - 1  # (n, things, what)
    grounds = [GROUNDS[c.ground or _pick(GROUNDS, r[0])] for c, r in zip(captions, u, strict=True)]
    image = (torch.tensor(grounds) + TINT * (2 * torch.rand(n, generator=generator) - 1)).reshape(n, 1, 1, 1)
    image = image.repeat(1, 3, SIDE, SIDE)
    for k in range(2):
        rows = [i for i, caption in enumerate(captions) if len(caption.things) > k]
        if not rows:
            continue
        things = [captions[i].things[k] for i in rows]
        centre = torch.tensor([PLACES[_places(captions[i], u[i][1])[k]] for i in rows])
        radius = torch.tensor([SIZES[t.size or _pick(SIZES, u[i][2 + k])] for i, t in zip(rows, things, strict=True)])
        colour = torch.tensor([COLOURS[thing.colour] for thing in things])
        shake = tremble[rows, k]
        mask = coverage(
            torch.tensor([SHAPES.index(thing.shape) for thing in things]),
            centre + SHIFT * shake[:, :2],
            radius * (1 + STRETCH * shake[:, 2]),
            TURN * shake[:, 3],
        )[:, None]
        colour = (colour + TINT * shake[:, 4:7])[:, :, None, None]
        image[rows] = torch.lerp(image[rows], colour, mask)
    return 2 * image.clamp(0, 1) - 1


def _places(caption: Caption, u: float) -> tuple[str, ...]:
    if len(caption.things) == 2:
        return RELATIONS[caption.where or _pick(RELATIONS, u)]
    return (caption.where or _pick(PLACES, u),)


def captioned_shapes(
    n: int, generator: torch.Generator, held_out: bool = False, two: float = 0.4
) -> tuple[Tensor, list[Caption]]:
    """n pictures (n, 3, SIDE, SIDE) in [-1, 1] and their captions; arguments as in `random_captions`."""
    captions = random_captions(n, generator, held_out, two)
    return draw(captions, generator), captions


def random_captions(n: int, generator: torch.Generator, held_out: bool = False, two: float = 0.4) -> list[Caption]:
    """n captions; 15 % of the sizes, 40 % of the grounds and 10 % of the places are left unsaid.

    Args:
        held_out: True: every caption's first thing is of a pair in `HELD_OUT`; False: no thing is.
        two: how many of the captions name two things, 0 to 1.

    Raises:
        BadInput: n is not positive, two is not in 0..1.
    """
    check_at_least("n", n, 1)
    check_between("two", two, 0, 1)
    known = [(colour, shape) for shape in SHAPES for colour in COLOURS if HELD_OUT[shape] != colour]
    firsts = [(colour, shape) for shape, colour in HELD_OUT.items()] if held_out else known
    return [_caption(row, firsts, known, two) for row in torch.rand(n, 9, generator=generator).tolist()]


def _caption(u: list[float], firsts: list[tuple[str, str]], seconds: list[tuple[str, str]], two: float) -> Caption:
    """A caption from nine numbers in [0, 1)."""
    first = Thing(*_pick(firsts, u[0]), _said(SIZES, u[2], 0.15))
    ground = _said(GROUNDS, u[4], 0.4)
    if u[5] >= two:
        return Caption((first,), _said(PLACES, u[6], 0.1), ground)
    second = Thing(*_pick(seconds, u[1]), _said(SIZES, u[3], 0.15))
    return Caption((first, second), _said(RELATIONS, u[6], 0.1), ground)


def _pick(options: Iterable[Option], u: float) -> Option:
    """One of the options, evenly, by a number in [0, 1)."""
    all_of_them = list(options)
    return all_of_them[int(u * len(all_of_them))]


def _said(options: Iterable[str], u: float, unsaid: float) -> str | None:
    """None in that part of the cases, else one of the options."""
    return None if u < unsaid else _pick(options, (u - unsaid) / (1 - unsaid))
