"""A check that is open: the picture of the red line, the verdict in words, the truth beside the mistake."""

import math
import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from diffusion_core.claims.check import CLAIM_ALPHA, Outcome, Trial, judge
from pages.shared.i18n import catalogue
from pages.shared.red_line import MARGIN, distances, left, picture, red_below
from tests.pages.opening import open_page

ALPHA = CLAIM_ALPHA


def outcome(*p_values: float, errors: tuple[float, ...] = ()) -> Outcome:
    """What a check with those p-values, and those errors with a tolerance of 1e-10, comes to."""
    tests = [Trial("z", 0.0, p_value=p) for p in p_values]
    return judge([*tests, *(Trial("largest error", error, tolerance=1e-10) for error in errors)], ALPHA)


def test_a_dot_is_beyond_the_line_just_where_its_test_rejects() -> None:
    """Holm's levels: with the plain level of each, alpha over the number of tests, some would lie on the wrong side."""
    draws, plain_levels_agree = np.random.default_rng(0), True
    for _ in range(500):
        p = (ALPHA * 10 ** draws.normal(0, 0.4, 4)).tolist()
        errors = tuple(1e-10 * 10 ** draws.normal(0, 2, 2))
        found = outcome(*p, errors=errors)
        assert [place >= 0 for place in distances(found, ALPHA)] == list(found.rejected)
        plain_levels_agree &= [one <= ALPHA / 4 for one in p] == list(found.rejected[:4])
    assert not plain_levels_agree


@pytest.mark.parametrize(
    ("found", "places"),
    [
        (outcome(ALPHA * 100), [-2.0]),
        (outcome(ALPHA * 100, 1.0), [math.log10(1 / 200), math.log10(ALPHA)]),  # the smaller has half of the level
        (outcome(0.0), [math.inf]),
        (outcome(math.nan), [math.inf]),
        (outcome(errors=(1e-13, 0.0, 1e-7, math.nan)), [-3.0, -math.inf, 3.0, math.inf]),
    ],
)
def test_how_far_from_the_line_is_counted_in_powers_of_ten(found: Outcome, places: list[float]) -> None:
    assert distances(found, ALPHA) == pytest.approx(places)


def test_the_light_turns_red_where_the_words_say() -> None:
    just = red_below(outcome(0.5, 0.5, 0.5), ALPHA)
    assert just == pytest.approx(ALPHA / 3)
    assert not outcome(just * 0.999, 0.5, 0.5).passed and outcome(just * 1.001, 0.5, 0.5).passed


def test_the_picture_says_what_it_draws() -> None:
    """A dot for what holds, a cross for what is rejected, an arrow for what leaves the axis; and the same in words."""
    found = outcome(0.0, 1e-7, 0.5, errors=(1e-13,))
    drawn = picture(found, ALPHA)
    (words,) = re.findall('aria-label="(.*?)"', drawn)
    assert words.startswith("2 of 4 tests lie beyond the red line. Farthest to the right is “z”, at ∞ times the line.")
    dots, crosses, arrows = (places(drawn, look) for look in ("border-radius:50%", "font-weight:700", "border:7px"))
    assert dots == pytest.approx([left(place) for place in distances(found, ALPHA)[2:]]) and max(dots) < left(0) == 50
    assert crosses == pytest.approx([left(distances(found, ALPHA)[1])]) and 50 < crosses[0] < 100 - MARGIN
    assert arrows == [100 - MARGIN]


def places(drawn: str, look: str) -> list[float]:
    """Where the marks of that look are, in percent of the width."""
    return [float(at) for at in re.findall(rf"left:([\d.]+)%;top:50%;[^\"]*{look}", drawn)]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_mistake_stands_beside_the_truth_with_its_verdict(lang: str) -> None:
    """At seed 0 the first check has p = 0.012 and holds: the words say why that is no contradiction."""
    translate = catalogue(lang).gettext
    holds = translate("Holds. If all is true, at most one seed in 1,000 turns any light of this page red.")
    app = open_page("add_noise", lang=lang, open="E2")
    assert [s.value for s in app.success] == [holds]
    assert not app.error and len(pictures(app)) == 1
    unusual = translate(" Among so many tests a p of {p} is nothing unusual.").format(p="0.0122")
    assert [unusual in c.value for c in app.caption if "**p**" in c.value] == [True]
    app = open_page("add_noise", lang=lang, try_E2="3", check="1")
    assert [s.value for s in app.success] == [holds]
    assert [translate("Rejected, as it must be, by: {tests}.").split("{")[0] in e.value for e in app.error] == [True]
    right, wrong = pictures(app)
    assert len(places(right, "border-radius")) == 3 and not places(wrong, "border-radius")
    assert not any(translate(" Among so many tests").strip() in c.value for c in app.caption)


def test_where_numbers_must_be_equal_chance_is_not_spoken_of() -> None:
    app = open_page("closed_form", lang="en", open="E11a")
    assert [s.value for s in app.success] == ["Holds: every number is within its tolerance."]
    assert not [c.value for c in app.caption if "**p**" in c.value]


def pictures(app: AppTest) -> list[str]:
    return [one.proto.body for one in app.get("html") if 'role="img"' in one.proto.body]
