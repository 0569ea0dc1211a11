"""The lesson on the posterior: its numbers at the chosen t, and what its recipe prints, are those of its pictures."""

import json
import re

import numpy as np
import pytest
import torch

from diffusion_core import SCHEDULES, linear, transition
from diffusion_core.data.toys import bimodal
from pages.posterior import figures, recipe, without
from tests.pages.opening import open_page, run_code, tracks, words


@pytest.mark.parametrize(
    ("url", "schedule", "t", "s", "held"),
    [
        ({}, "linear", 400, 300, (1.0, -0.5)),
        (
            {"T": "50", "t": "7", "stride": "9", "schedule": "cosine", "x_0": "-1.2", "x_t": "-0.9"},
            "cosine",
            7,
            1,
            (-1.2, -0.9),
        ),
        ({"T": "50", "t": "0", "stride": "1"}, "linear", 2, 1, (1.0, -0.5)),  # the nearest place is shown
    ],
)
def test_the_recipe_prints_the_numbers_of_the_picture(
    url: dict[str, str], schedule: str, t: int, s: int, held: tuple[float, float]
) -> None:
    app = open_page("posterior", lang="en", open="code,simulation", **url)
    printed, drawn = run_code(app), tracks(app, 0)
    x_0, x_t = held
    place = t - 2
    mean = drawn["mean.a"][place] * x_t + drawn["mean.b"][place] * x_0
    assert f"posterior: mean {mean:.4f}, variance {drawn['beta_tilde'][place]:.4g}\n" in printed
    assert drawn["s"][place] == s
    inside = int(re.findall(r"simulated: (\d+) of", printed)[0])
    assert f"**{inside:,}**" not in words(app) and f"; {inside:,} of them came within" in words(app)
    if T := url.get("T"):
        pair = transition(SCHEDULES[schedule](int(T)), t, s)
        assert abs(pair.c_t * x_t + pair.c_0 * x_0 - mean) < 1e-12


def test_what_came_near_has_the_posteriors_mean_and_variance() -> None:
    schedule, held = linear(1000), (1.0, 0.4)
    pair = transition(schedule, 400, 300)
    _cloud, inside = figures.simulated(schedule, (400, 300), held, 0)
    mean = pair.c_t * held[1] + pair.c_0 * held[0]
    error = (pair.beta_tilde / len(inside)) ** 0.5
    assert abs(inside.mean() - mean) < 5 * error
    assert abs(inside.var() / pair.beta_tilde - 1) < 5 * (2 / len(inside)) ** 0.5
    assert abs(inside.var() / pair.beta - 1) > 5 * (2 / len(inside)) ** 0.5, "the misprint"


def test_without_x_0_the_recipe_and_the_picture_look_at_one_law() -> None:
    app = open_page("posterior", lang="en", open="code", x_t="0.3", seen="0.3", t="400", **{"from": "400"})
    drawn = tracks(app, 1)
    strides = without.strides_of(400)
    here = torch.tensor([0.3], dtype=torch.float64)
    for place in (0, len(strides) // 2, len(strides) - 1):
        q = recipe.without(linear(1000), "bimodal", t=400, s=400 - strides[place], x_t=here)
        same = bimodal().law.at(linear(1000), 400).reverse_conditional(here, 400 - strides[place])
        torch.testing.assert_close(q.means, same.means, rtol=0, atol=0)
        assert drawn["sd"][place] == pytest.approx(float(q.variance) ** 0.5, abs=1e-12)
    printed = re.findall(r"without x_0: (\d) peak\(s\), (\S+) nats", run_code(app))
    nearest = int(np.argmin(np.abs(np.array(strides) - 100)))
    assert int(printed[0][0]) == drawn["modes"][nearest] == 1
    assert drawn["kl"][nearest - 1] < float(printed[0][1]) < drawn["kl"][nearest + 1]


@pytest.mark.parametrize(("t", "share"), [(2, "54.5"), (5, "25.7"), (10, "14.7"), (100, "2.01")])
def test_how_much_the_prior_has_to_say_at_a_stride_of_1(t: int, share: str) -> None:
    """The numbers of the prose, from the page's own line, and from the two precisions."""
    step = transition(linear(1000), t, t - 1)
    of_prior = 1 / step.one_minus_alpha_bar_s
    assert f"{100 * of_prior / (of_prior + step.alpha / step.beta):.3g}" == share
    if t == 2:
        shown = words(open_page("posterior", lang="en", t="2", stride="1", open="derivation,reading"))
        assert "At t = 2, s = 1 the prior has **54.5%** of the precision" in shown
        assert "54.5% at $t=2$, 25.7% at $t=5$ and 14.7% at $t=10$" in shown and "2% at $t=100$" in shown


def test_the_numbers_of_the_derivation_are_those_of_the_density() -> None:
    """Bayes' rule and the square completed, from the page's own sentences, for the default t, s, x_0 and x_t."""
    shown = words(open_page("posterior", lang="en", open="derivation,reading"))
    like, prior, evidence, posterior = map(
        float, re.findall(r"here: (\S+) × (\S+) / (\S+) = (\S+)\.\n", shown.replace("−", "-"))[0]
    )
    assert like * prior / evidence == pytest.approx(posterior, rel=0.01)
    pair = transition(linear(1000), 400, 300)
    assert posterior == pytest.approx((2 * np.pi * pair.beta_tilde) ** -0.5, rel=0.005)
    mean = pair.c_t * -0.5 + pair.c_0
    assert f"the mean is $B/(2A)$ = {mean:.3f}." in shown.replace("−", "-")


def test_the_step_without_x_0_is_drawn_only_where_it_is_asked_for() -> None:
    def timelines(**url: str) -> int:
        return len([one for one in open_page("posterior", lang="en", **url).get("bidi_component") if one.proto.bytes])

    assert timelines() == 1
    assert timelines(open="without") == timelines(k="5") == timelines(data="two_moons") == timelines(seen="1") == 2


def test_the_axis_is_left_to_the_browser_and_the_handles_to_the_head() -> None:
    """So one picture is kept for all that the handles may say."""
    sent = [open_page("posterior", lang="en", T="20", x_0=x).get("bidi_component")[0].proto.bytes for x in ("1", "2")]
    heads = [4 + int.from_bytes(data[:4], "little") for data in sent]
    assert [json.loads(data[4:end])["handles"]["x_0"] for data, end in zip(sent, heads, strict=True)] == [1, 2]
    assert sent[0][heads[0] :] == sent[1][heads[1] :]
