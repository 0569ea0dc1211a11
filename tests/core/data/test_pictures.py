"""Words and pictures as points in the plane: where they are dark, upright, and never more beads than allowed."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from diffusion_core.data.pictures import picture, word
from diffusion_core.errors import BadInput


def test_picture_follows_the_darkness_and_keeps_the_aspect() -> None:
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


def test_picture_keeps_far_specks_within_the_plot() -> None:
    image = np.ones((400, 400))
    image[190:210, 190:210] = -1.0
    image[0, 0] = image[399, 399] = -1.0
    law = picture(image).law
    assert law.means.abs().max() <= 2.8 + 1e-9
    assert law.variance < 1


@pytest.mark.parametrize("n", [1, 20, 400])
def test_picture_keeps_to_n_components(n: int) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, (97, 61))
    assert len(picture(noise, n).law.weights) <= n


def test_bad_pictures() -> None:
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


def test_word_reads_left_to_right_and_upright() -> None:
    """L has more ink at the left and at the bottom: the mean, 0, is left of and below the middle of its box."""

    def middle(means: Tensor) -> Tensor:
        return (means.amax(0) + means.amin(0)) / 2

    means = word("L").law.means
    assert (middle(means) > 0.2).all()
    assert not (middle(-means) > 0.2).any()  # turned round


def test_words() -> None:
    for text in ("DDPM", "diffusion", " i ", "naïve", "αβγ", "hello world!"):
        toy = word(text)
        assert toy.name == "word" and toy.shape == (2,) and 1 < len(toy.law.weights) <= 400
        assert toy.law.means.abs().max() < 3
    assert torch.equal(word("DDPM").law.means, word(" DDPM ").law.means)
    assert not torch.equal(word("MPDD").law.means[:9], word("DDPM").law.means[:9])
    wrong: list[tuple[Any, str]] = [
        ("", "got nothing to draw"),
        ("   ", "got nothing to draw"),
        (None, "got nothing to draw"),
        ("a" * 13, "1 to 12 characters; got 13 characters"),
        ("a\U000f0000", "No installed font can draw the character '\\\\U000f0000'"),
    ]
    for text, sentence in wrong:
        with pytest.raises(BadInput, match=sentence):
            word(text)


def test_a_chinese_word_is_drawn_or_refused_but_never_boxes() -> None:
    try:
        law = word(
            "口田"
        ).law  # two different boxes by nature: a font's box for missing letters would be the same twice
    except BadInput as error:
        assert "'口'" in str(error)
        return
    left, right = law.means[:, 0] < 0, law.means[:, 0] > 0
    assert law.weights[right].sum() > 1.15 * law.weights[left].sum()  # 田 has more ink than 口
