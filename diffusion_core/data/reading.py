r"""Reading a picture of shapes back: what does it show, and is it what was asked for?

No network: the picture is taken apart by the rules by which `scenes.draw` puts one together.

1. The ground is the median of the border. Pixels that differ from it, where they touch, are one thing.
2. The thing's colour k is that of its pixels that are farthest from the ground g; each pixel's coverage is
   :math:`\alpha = \langle x - g,\ k - g\rangle / |k - g|^2`, held to [0, 1].
3. Its place is the middle of :math:`\alpha`; its shape and radius are those of the drawing nearest to :math:`\alpha`,
   over all shapes and a few radii, angles and shifts; its size is the nearer one of small and large.

So a reader can be wrong, too: `tests` hold how often it is on true pictures.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from diffusion_core.data.captions import COLOURS, GROUNDS, PLACES, RELATIONS, SHAPES, SIZES, Caption, Thing
from diffusion_core.data.scenes import SIDE, TURN, coverage, unit_shapes
from diffusion_core.errors import BadInput

__all__ = ["ASPECTS", "Reading", "Seen", "agreement", "read"]

APART = 0.35  # a pixel belongs to a thing if it is this far from the ground, [-1, 1] a channel
LEAST = 8  # pixels of a thing

ASPECTS = ("number", "shape", "colour", "size", "place", "ground")
"""What of a caption can be right or wrong; place: of one thing, or how two lie."""


@dataclass(frozen=True)
class Seen:
    """A thing in a picture.

    Attributes:
        thing: what it is.
        centre: of its coverage, pixels to the right and down.
        radius: of the nearest drawing, pixels.
        misfit: how far its coverage is from that drawing, root mean square over its area: 0.06 is sharp, 0.2 ragged.
    """

    thing: Thing
    centre: tuple[float, float]
    radius: float
    misfit: float

    @property
    def place(self) -> str:
        """The nearest of the nine places."""
        return min(PLACES, key=lambda place: math.dist(PLACES[place], self.centre))


@dataclass(frozen=True)
class Reading:
    """What a picture shows: its things, the largest first, and its ground."""

    things: tuple[Seen, ...]
    ground: str


def read(picture: Tensor) -> Reading:
    """What is seen in a picture (3, SIDE, SIDE), about [-1, 1]; at most the three largest things.

    Raises:
        BadInput: another shape, or numbers that are not finite.
    """
    if picture.shape != (3, SIDE, SIDE):
        raise BadInput(
            "picture must have the shape {allowed}; got {got}.", allowed=(3, SIDE, SIDE), got=tuple(picture.shape)
        )
    if not torch.isfinite(picture).all():
        raise BadInput("picture must be finite; got numbers that are not.")
    x = picture.detach().double().clamp(-1, 1)
    border = torch.cat([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], 1)
    g = border.median(1).values[:, None, None]
    ground = min(GROUNDS, key=lambda name: abs(2 * GROUNDS[name] - 1 - g.mean().item()))
    far = (x - g).norm(dim=0)
    labels, n = ndimage.label((far > APART).numpy(), np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    chosen = [k + 1 for k in np.argsort(-sizes, kind="stable")[:3] if sizes[k] >= LEAST]
    return Reading(tuple(_see(x, g, far, torch.from_numpy(labels == k)) for k in chosen), ground)


def _see(x: Tensor, g: Tensor, far: Tensor, mine: Tensor) -> Seen:
    inside = mine & (far >= far[mine].quantile(0.6))
    k = x[:, inside].median(1).values[:, None, None]
    colour = min(COLOURS, key=lambda name: math.dist([2 * c - 1 for c in COLOURS[name]], k.flatten().tolist()))
    near = torch.from_numpy(ndimage.binary_dilation(mine.numpy(), iterations=1))
    alpha = (((x - g) * (k - g)).sum(0) / (k - g).square().sum()).clamp(0, 1) * near
    axis = torch.arange(SIDE) + 0.5
    area = alpha.sum()
    cx, cy = (alpha.sum(0) @ axis.double() / area).item(), (alpha.sum(1) @ axis.double() / area).item()
    shape, radius, misfit = _fit(alpha.float(), cx, cy, area.item())
    size = min(SIZES, key=lambda name: abs(math.log(SIZES[name] / radius)))
    return Seen(Thing(colour, SHAPES[shape], size), (cx, cy), radius, misfit)


def _fit(alpha: Tensor, cx: float, cy: float, area: float) -> tuple[int, float, float]:
    """The drawing nearest to a coverage: its shape, its radius, and the root mean square difference over its pixels."""
    shape, stretch, angle, shift = _bank()
    unit_area, unit_centre = unit_shapes()
    radius = (area / unit_area[shape]).sqrt().clamp(2, 9) * stretch
    centre = torch.tensor([cx, cy]) - unit_centre[shape] * radius[:, None] + shift
    drawn = coverage(shape, centre, radius, angle)
    error = (drawn - alpha).square().sum((1, 2))
    best = int(error.argmin())
    return int(shape[best]), radius[best].item(), math.sqrt(error[best].item() / area)


@cache
def _bank() -> tuple[Tensor, ...]:
    """All drawings to compare with: shape (n,), stretch (n,), angle (n,), shift (n, 2)."""
    turns = [-1.2 * TURN, -0.4 * TURN, 0.4 * TURN, 1.2 * TURN]
    shifts = [(0.0, 0.0), (0.4, 0.0), (-0.4, 0.0), (0.0, 0.4), (0.0, -0.4)]
    rows = list(itertools.product(range(len(SHAPES)), (0.92, 1.0, 1.08), turns, shifts))
    shape, stretch, angle, shift = zip(*rows, strict=True)
    return torch.tensor(shape), torch.tensor(stretch), torch.tensor(angle), torch.tensor(shift)


# --- is it what was asked for? --------------------------------------------------------------------------------------


def agreement(asked: Caption, reading: Reading) -> dict[str, bool]:
    """For each aspect that the caption names: is it right? Two things are paired so that most is right."""
    things = reading.things[: len(asked.things)]
    found = {"number": len(reading.things) == len(asked.things)}
    if asked.ground:
        found["ground"] = reading.ground == asked.ground
    if len(things) < len(asked.things):
        missing = {"shape": False, "colour": False}
        if asked.where:
            missing["place"] = False
        if any(thing.size for thing in asked.things):
            missing["size"] = False
        return found | missing
    pairings = [_compare(asked, order) for order in itertools.permutations(things)]
    return found | max(pairings, key=lambda answers: sum(answers.values()))


def _compare(asked: Caption, seen: Sequence[Seen]) -> dict[str, bool]:
    pairs = [(thing, other.thing) for thing, other in zip(asked.things, seen, strict=True)]
    answers = {
        "shape": all(thing.shape == other.shape for thing, other in pairs),
        "colour": all(thing.colour == other.colour for thing, other in pairs),
    }
    if any(thing.size for thing in asked.things):
        answers["size"] = all(thing.size in (None, other.size) for thing, other in pairs)
    if asked.where:
        answers["place"] = asked.where == (seen[0].place if len(seen) == 1 else relation(seen[0], seen[1]))
    return answers


def relation(first: Seen, second: Seen) -> str:
    """How the first lies to the second: the direction that is nearest."""
    dx, dy = first.centre[0] - second.centre[0], first.centre[1] - second.centre[1]

    def along(name: str) -> float:
        (ax, ay), (bx, by) = (PLACES[place] for place in RELATIONS[name])
        return dx * (ax - bx) + dy * (ay - by)

    return max(RELATIONS, key=along)
