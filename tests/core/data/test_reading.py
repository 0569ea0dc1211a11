"""The reader of pictures: nearly never wrong on true pictures, and never right on what was not asked for."""

import pytest
import torch

from diffusion_core.data.captions import Caption, Thing
from diffusion_core.data.reading import Reading, agreement, read
from diffusion_core.data.scenes import captioned_shapes, draw
from diffusion_core.errors import BadInput


@pytest.mark.slow
def test_true_pictures_are_read_right() -> None:
    """At most 1 of 200 wrong; with a reader that errs in 1 of 1,000 that fails in 2 % of the seeds, with 5 % always."""
    pictures, captions = captioned_shapes(200, torch.Generator().manual_seed(0))
    readings = [read(picture) for picture in pictures]
    right = [all(agreement(c, r).values()) for r, c in zip(readings, captions, strict=True)]
    assert sum(right) >= 199
    swapped = [all(agreement(c, r).values()) for r, c in zip(readings, captions[1:] + captions[:1], strict=True)]
    assert sum(swapped) <= 10  # the captions of other pictures


def test_each_aspect_is_judged_by_itself() -> None:
    asked = Caption((Thing("red", "star", "small"),), "on the left", "dark")
    wrongs = {
        "colour": Caption((Thing("blue", "star", "small"),), "on the left", "dark"),
        "shape": Caption((Thing("red", "cross", "small"),), "on the left", "dark"),
        "size": Caption((Thing("red", "star", "large"),), "on the left", "dark"),
        "place": Caption((Thing("red", "star", "small"),), "at the top left", "dark"),
        "ground": Caption((Thing("red", "star", "small"),), "on the left", "light"),
    }
    generator = torch.Generator().manual_seed(0)
    assert all(agreement(asked, read(draw([asked], generator)[0])).values())
    for aspect, wrong in wrongs.items():
        found = agreement(asked, read(draw([wrong], generator)[0]))
        assert [name for name, is_right in found.items() if not is_right] == [aspect]


def test_two_things_are_paired_and_ordered() -> None:
    star, square = Thing("blue", "star", "small"), Thing("green", "square", "large")
    generator = torch.Generator().manual_seed(0)
    picture = read(draw([Caption((star, square), "above", "light")], generator)[0])
    assert all(agreement(Caption((star, square), "above", "light"), picture).values())
    assert all(agreement(Caption((square, star), "below"), picture).values())  # the same, said the other way round
    assert all(agreement(Caption((square, star)), picture).values())
    assert not agreement(Caption((star, square), "below"), picture)["place"]
    assert not agreement(Caption((star, square), "to the left of"), picture)["place"]
    mixed = agreement(Caption((Thing("green", "star"), Thing("blue", "square")), "above"), picture)
    assert not mixed["colour"] and mixed["number"]  # each word is in the picture, but on the wrong thing
    assert not agreement(Caption((star,)), picture)["number"]


def test_nothing_and_noise_are_read() -> None:
    empty = read(torch.full((3, 32, 32), 0.9))
    assert empty == Reading((), "light")
    asked = Caption((Thing("red", "ring", "small"),), "on the left")
    assert set(agreement(asked, empty).values()) == {False}
    noise = torch.randn((3, 32, 32), generator=torch.Generator().manual_seed(0))
    assert not all(agreement(asked, read(noise)).values())


def test_ragged_shapes_misfit() -> None:
    pictures, _ = captioned_shapes(40, torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(pictures, 5, 1, 2, count_include_pad=False)
    sharp, ragged = (
        torch.tensor([s.misfit for p in some for s in read(p).things]).median() for some in (pictures, blurred)
    )
    assert sharp < 0.08 < 0.2 < ragged


def test_wrong_pictures_are_one_sentence() -> None:
    with pytest.raises(BadInput, match=r"picture must have the shape \(3, 32, 32\); got \(1, 28, 28\)"):
        read(torch.zeros(1, 28, 28))
    with pytest.raises(BadInput, match="picture must be finite"):
        read(torch.full((3, 32, 32), float("nan")))
