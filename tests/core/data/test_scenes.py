"""Captioned shapes: what is drawn is what the caption says, by its pixels."""

import math

import pytest
import torch

from diffusion_core.data.captions import COLOURS, GROUNDS, HELD_OUT, PLACES, RELATIONS, SHAPES, Caption, Thing
from diffusion_core.data.scenes import SIDE, captioned_shapes, coverage, draw, random_captions, unit_shapes
from diffusion_core.errors import BadInput
from tests.core.laws.examples import gen


def test_coverage_is_the_area() -> None:
    """Anti-aliased coverage sums to the area; circles' and squares' areas are known by formula."""
    shape = torch.arange(len(SHAPES)).repeat(20)
    centre = 16 + torch.rand(len(shape), 2, generator=gen()) - 0.5
    radius = 4 + 3 * torch.rand(len(shape), generator=gen(1))
    angle = torch.rand(len(shape), generator=gen(2))
    drawn = coverage(shape, centre, radius, angle)
    unit_area, unit_centre = unit_shapes()
    assert (drawn.sum((1, 2)) / (unit_area[shape] * radius**2) - 1).abs().max() < 0.05
    assert abs(unit_area[SHAPES.index("circle")] / (math.pi * 0.95**2) - 1) < 0.01
    assert abs(unit_area[SHAPES.index("square")] / (2 * 1.15**2) - 1) < 0.02
    assert abs(unit_area[SHAPES.index("ring")] / (math.pi * (1.0**2 - 0.52**2)) - 1) < 0.01
    assert unit_centre.abs().max() < 0.05  # the centre of a shape is the middle of its area
    # a picture turned by a quarter is the drawing turned by a quarter
    one = torch.tensor([SHAPES.index("triangle")])
    middle, six, none = torch.tensor([[16.0, 16.0]]), torch.tensor([6.0]), torch.zeros(1)
    turned = coverage(one, middle, six, none + math.pi / 2)[0]
    assert (turned - coverage(one, middle, six, none)[0].rot90(-1)).abs().max() < 0.02
    assert (turned - coverage(one, middle, six, none)[0].rot90(1)).abs().max() > 0.5  # the other way round


def test_shapes_and_places_are_told_apart_by_their_pixels() -> None:
    captions = [Caption((Thing("red", shape, "large"),), "at the top left", "light") for shape in SHAPES]
    pictures = draw(captions, gen())
    assert pictures.shape == (len(SHAPES), 3, SIDE, SIDE) and pictures.abs().max() <= 1
    dark = (pictures[:, 1] < 0).float()  # red has no green, the ground has
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    for mask in dark:
        at = torch.stack([(mask * x).sum(), (mask * y).sum()]) / mask.sum()
        assert (at - torch.tensor(PLACES["at the top left"])).abs().max() < 1.5
    ring, circle = dark[SHAPES.index("ring")], dark[SHAPES.index("circle")]
    assert ring[8, 8] == 0 and circle[8, 8] == 1
    assert circle.sum() > dark[SHAPES.index("star")].sum()


def test_two_things_lie_as_it_is_said() -> None:
    blue, yellow = Thing("blue", "square", "small"), Thing("yellow", "square", "small")
    for relation, (dx, dy) in {"above": (0, -1), "below": (0, 1), "to the left of": (-1, 0)}.items():
        picture = draw([Caption((blue, yellow), relation, "dark")], gen())[0]
        masks = (picture[2] > 0.2, picture[0] > 0.2)  # blue light, red light
        centres = [mask.nonzero().double().mean(0).flip(0) for mask in masks]
        gap = centres[0] - centres[1]
        assert (gap @ torch.tensor([dx, dy], dtype=gap.dtype)) > 10, relation


def test_the_stream_is_seeded_and_keeps_the_pairs_out() -> None:
    a, first = captioned_shapes(64, gen(3))
    b, again = captioned_shapes(64, gen(3))
    c, _ = captioned_shapes(64, gen(4))
    assert torch.equal(a, b) and first == again and not torch.equal(a, c)
    known, kept = random_captions(4000, gen()), random_captions(4000, gen(), held_out=True)
    assert not any(caption.is_held_out for caption in known)
    assert all(HELD_OUT[caption.things[0].shape] == caption.things[0].colour for caption in kept)
    assert {(t.colour, t.shape) for c in known for t in c.things} == {
        (colour, shape) for shape in SHAPES for colour in COLOURS if HELD_OUT[shape] != colour
    }
    assert {c.where for c in known} == {None, *PLACES, *RELATIONS} and {c.ground for c in known} == {None, *GROUNDS}
    share = sum(len(caption.things) == 2 for caption in known) / 4000
    assert abs(share - 0.4) < 4 * math.sqrt(0.24 / 4000)  # false alarm 6e-5


@pytest.mark.parametrize("n", [0, -1, 1.5])
def test_a_wrong_number_is_one_sentence(n: object) -> None:
    with pytest.raises(BadInput, match="n must be an integer of at least 1"):
        random_captions(n, gen())  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="two must be a number from 0 to 1"):
        random_captions(1, gen(), two=1.5)
