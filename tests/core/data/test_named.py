"""Data by name: the same as by their functions; and what is shown of them."""

import pytest
import torch

from diffusion_core.data.digits import digit_labels, digits
from diffusion_core.data.named import CLASSES, NAMES, named, points, shown
from diffusion_core.data.pictures import word
from diffusion_core.data.toys import TOYS
from diffusion_core.errors import BadInput


def test_each_name_is_its_data() -> None:
    assert (*TOYS, "word", "digits", "picture") == NAMES
    for name in NAMES:
        assert named(name, "i").name == name
    assert torch.equal(points("word", "ab").law.means, word("ab").law.means)
    assert not torch.equal(points("word").law.means, word("ab").law.means)
    for wrong in ("digits", "nothing"):  # digits are no points
        with pytest.raises(BadInput, match=f"The data must be one of .*; got {wrong}"):
            points(wrong)


def test_what_is_shown_is_a_draw_by_the_seed() -> None:
    some = shown("two_moons", seed=3, n=20)
    assert some.shape == (20, 2) and some.dtype == torch.float32
    assert torch.equal(some, shown("two_moons", seed=3, n=20)) and not torch.equal(some, shown("two_moons", n=20))
    assert shown("photo").ndim == 2 and len(shown("photo")) == 1
    rows = shown("digits", seed=1)
    index, distance = digits().law.nearest(rows)
    assert distance.max() == 0 and digit_labels()[index].tolist() == list(CLASSES)
