"""The start page: out to noise and back, and a door to each lesson."""

import numpy as np
import pytest
import torch

from diffusion_core import linear, q_sample
from pages import LESSONS
from pages.shared.i18n import read_parts
from pages.shared.scenes import scene
from pages.start import figures
from tests.pages.opening import open_page, spec_of, tracks


def test_the_way_out_is_the_closed_form_and_the_way_back_ends_elsewhere() -> None:
    app = open_page("start", lang="en", seed="5")
    places, word = spec_of(app)["positions"], tracks(app)["word"]
    assert places == [0, *range(20, 1001, 20), *range(980, -1, -20)]
    x0 = torch.from_numpy(scene("word", "DDPM", 5).x0)
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(5))
    for position in (0, 7, 50):
        x_t = q_sample(linear(1000), x0, places[position], eps).numpy()
        np.testing.assert_allclose(word[position], x_t, atol=1e-6)
        assert np.abs(word[-1 - position] - x_t).max() > 0.1 or position == 50


def test_digits_are_as_exact_as_a_screen() -> None:
    stored = tracks(open_page("start", lang="en"))["digits"]
    exact = figures.there_and_back("digits", 0).reshape(stored.shape)
    assert stored.dtype == np.uint8
    np.testing.assert_allclose(stored / 127.5 - 1, exact.clip(-1, 1), atol=0.5 / 127.5 + 1e-6)
    assert np.abs(stored[:-1] / 127.5 - 1 - exact[1:].clip(-1, 1)).max() > 1


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_there_is_a_door_to_each_lesson_and_it_plays_by_itself(lang: str) -> None:
    app = open_page("start", lang=lang)
    links = [link.proto.label for link in app.get("page_link")]
    assert links == [f"**{read_parts(lang, lesson.name)['title']}**" for lesson in LESSONS]
    assert spec_of(app)["autoplay"]
