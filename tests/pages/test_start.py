"""The start page: four acts between digits and noise, what a guess is worth, and the doors to the lessons."""

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from diffusion_core import linear
from diffusion_core.laws.finite import FiniteData
from pages import LESSONS
from pages.shared.i18n import read_parts
from pages.shared.scenes import law_of, scene
from pages.start import acts, figures
from pages.start.guess import best_guess
from tests.pages.opening import open_page, spec_of, tracks, words

FIRST = 0  # the timeline of the acts; the small pictures are another


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def test_out_is_the_closed_form_at_every_t_and_nothing_moves_by_itself() -> None:
    app = open_page("start", lang="en", seed="5")
    spec, sent = spec_of(app, FIRST), tracks(app, FIRST)
    assert spec["positions"] == list(range(1001)) and not spec["autoplay"]
    assert spec["tracks"]["word"]["kind"] == "affine"
    x0 = scene("word", "DDPM", 5).x0
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(5))
    np.testing.assert_array_equal(sent["x0_word"], x0)
    np.testing.assert_array_equal(sent["eps_word"], eps.numpy())
    np.testing.assert_allclose(sent["word.a"] ** 2, linear(1000).alpha_bar, atol=1e-15)
    assert np.abs(sent["word.a"] - linear(1000).alpha_bar.numpy()).max() > 0.1


def test_the_acts_follow_each_other_at_a_press_and_stand_in_the_url() -> None:
    app = open_page("start", lang="en")
    press(app, "Destroy them")
    assert app.query_params["act"] == "1" and spec_of(app, FIRST)["autoplay"]
    press(app, "The first")
    assert app.query_params["act"] == "2" and ("Right." in words(app)) != ("Wrong." in words(app))
    assert "51 times in 100" in words(app)
    press(app, "Bring digits back")
    spec = spec_of(app, FIRST)
    assert app.query_params["act"] == "3" and spec["positions"] == [*range(1000, -1, -20)] and spec["autoplay"]
    press(app, "Once more, from the start")
    assert "act" not in app.query_params


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_right_is_who_names_the_noise_of_the_seven(seed: int) -> None:
    """Which of them it was is said as the pictures stand: the first of `noises` is the one of the 7."""
    right = ["The first", "The second"][acts.places(seed).index(0)]
    app = open_page("start", lang="en", act="1", seed=str(seed))
    assert "Right. It was the " + right.split()[-1] in words(press(app, right))
    assert sorted(acts.places(seed)) == [0, 1]


def test_the_surprise_comes_within_eighty_words() -> None:
    way = [read_parts("en", "start")[part] for part in ("title", "question", "still", "gone", "guessed")]
    assert 60 < len(" ".join([*way, "It was the first."]).split()) <= 80


def test_both_places_occur() -> None:
    assert {acts.places(seed) for seed in range(8)} == {(0, 1), (1, 0)}


@pytest.mark.parametrize(("t", "share"), [(1000, 0.507), (500, 0.97)])
def test_what_the_best_guess_is_worth(t: int, share: float) -> None:
    """The page's 51 in 100; within 3.3 standard errors (false alarm 1e-3), far from chance's 50 only at t = 500."""
    right = best_guess(linear(1000), t, 500).double().mean().item()
    assert abs(right - share) < 3.3 * (share * (1 - share) / 500) ** 0.5 + 0.005
    assert (right > 0.9) == (t == 500)


@pytest.mark.parametrize("seed", [0, 1])
def test_back_ends_in_data_and_in_others(seed: int) -> None:
    """Each digit that comes back is one of the 10,000, and not the one that stood there."""
    law, way = law_of("digits", ""), figures.way_back("digits", "", seed)
    assert isinstance(law, FiniteData)
    back = torch.from_numpy(way.x[-1])
    assert torch.cdist(back, law.points.float()).amin(1).max() < 0.1  # two digits are 4 and more apart
    assert (back - figures.Start.of("digits", "", seed).x0).norm(dim=1).min() > 1


def test_digits_are_as_exact_as_a_screen() -> None:
    sent = tracks(open_page("start", lang="en", act="3"), FIRST)
    way = figures.way_back("digits", "", 0)
    for name, exact in (("digits", way.x), ("x0_hat", way.x0_hat)):
        stored, exact = sent[name], exact.reshape(sent[name].shape)
        assert stored.dtype == np.uint8
        np.testing.assert_allclose(stored / 127.5 - 1, exact.clip(-1, 1), atol=0.5 / 127.5 + 1e-6)
    assert np.abs(sent["digits"][0] / 127.5 - 1 - way.x0_hat[0].ravel().clip(-1, 1)).max() > 1


@pytest.mark.parametrize("word", ["", "扩散", "a" * 13])
def test_a_word_of_ones_own(word: str) -> None:
    """One that cannot be drawn is said, and the usual one is shown; one that is too long is cut."""
    app = open_page("start", lang="en", word=word)
    assert len(tracks(app, FIRST)["x0_word"]) == 1000
    assert bool(app.error) == (word == "")


def test_the_small_pictures_are_where_the_slider_says() -> None:
    """Noised data at t, the posterior's three bells, the chain back at the same t."""
    app = open_page("start", lang="en")
    spec, sent = spec_of(app), tracks(app)
    times = spec["positions"]
    assert times[0] == 0 and times[-1] == 1000
    way = figures.way_back("eight_gaussians", "", 0)
    np.testing.assert_array_equal(sent["back"][0], way.x[-1])
    np.testing.assert_array_equal(sent["back"][-1], way.x[0])
    assert np.abs(sent["back"][1] - way.x[0]).max() > 0.5
    peaks = [sent[name].max(1) for name in sent if name.startswith("panel1.") or ".series" in name]
    assert all(peak.min() > 0.9 for peak in peaks)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_there_is_a_door_to_each_lesson(lang: str) -> None:
    links = [link.proto for link in open_page("start", lang=lang).get("page_link")]
    assert [link.label for link in links[2:]] == [f"**{read_parts(lang, one.name)['title']}**" for one in LESSONS]
    assert all(f"lang={lang}" in link.query_string for link in links) and "verdict=wrong" in links[1].query_string
