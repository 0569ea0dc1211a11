"""The variance lesson's one sentence is worked out, and its notes on wrong URLs stand above the picture."""

import base64
import json
import re

import numpy as np
import pytest

from diffusion_core import fixed_large, fixed_small, generated_variance, linear
from tests.pages.test_pages import open_page


def sentence(**url: str) -> str:
    """What stands above the picture."""
    return open_page("variance", lang="en", **url).info[0].value


def test_the_sentence_of_the_issue() -> None:
    text = sentence(N="10", s2="0.25")
    assert text.startswith(
        "At N = 10 and data variance 0.25, β makes samples **43% too spread**, β̃ **58% too narrow**;"
    )
    assert "the optimal variance **exact to 0.1%**" in text


@pytest.mark.parametrize(("N", "s2"), [("20", "0.25"), ("5", "0.81"), ("12", "4.0"), ("300", "0.5")])
def test_the_sentence_follows_the_controls(N: str, s2: str) -> None:
    """Its two numbers are the core's, with the side that they fall on."""
    text = sentence(N=N, s2=s2)
    schedule = linear(1000)
    found = re.findall(r"\*\*([\d.]+)% too (spread|narrow)\*\*", text)
    for (percent, side), choice in zip(found[:2], (fixed_large, fixed_small), strict=True):
        ratio = generated_variance(schedule, schedule.timesteps(int(N)), choice, float(s2)) / float(s2)
        assert float(percent) == pytest.approx(100 * abs(ratio - 1), rel=0.06)
        assert side == ("spread" if ratio > 1 else "narrow")


def test_at_unit_variance_beta_is_the_optimum() -> None:
    text = sentence(N="7", s2="1.0")
    assert "β makes samples **exact to 0.1%**, β̃ **" in text


def test_far_too_wide_is_said_as_a_ratio() -> None:
    assert "β makes samples **12.6 times as spread as the data**" in sentence(N="10", s2="0.01")


def test_a_last_step_without_noise_is_named_where_it_costs() -> None:
    lacking = "What the optimum lacks is the noise of the last step"
    assert lacking in sentence(N="5", s2="1.0", spacing="trailing")
    assert lacking not in sentence(N="5", s2="1.0", spacing="trailing", last="noisy")
    assert lacking not in sentence(N="5", s2="1.0", spacing="iddpm")


def test_the_sentence_in_chinese() -> None:
    text = open_page("variance", lang="zh", N="10").info[0].value
    assert "43%" in text
    assert "过宽" in text
    assert "too" not in text


def test_the_bold_number_of_each_column_is_its_best() -> None:
    """At ten steps W1's best is not the bound's."""
    app = open_page("variance", lang="en")
    table = next(m.value for m in app.markdown if m.value.startswith("| Variance of the step"))
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in table.splitlines()[2:]}
    assert rows["optimal"][0] == "**0.802**"
    assert rows["optimal"][1].startswith("**")
    assert rows["DDIM"][3].startswith("**")
    assert not rows["optimal"][3].startswith("**")


def test_the_learned_v_lies_on_the_optimum_where_the_range_is_wide() -> None:
    """Of the picture's own numbers: where beta-tilde is below 0.95 beta, within 0.15; beyond, further off."""
    app = open_page("variance", lang="en")
    charts = [json.loads(chart.proto.spec)["data"] for chart in app.get("plotly_chart")]
    curves = {curve["name"]: curve for chart in charts for curve in chart if "name" in curve}
    network, best = curves["the network's v (80% of them)"], curves["optimal for each t"]
    v, optimum, ratio = (decoded(array) for array in (network["y"], best["y"], best["customdata"]))
    wide = ratio < 0.95
    assert 10 < wide.sum() < len(wide) - 10
    assert np.abs(v - optimum)[wide].max() < 0.15
    assert np.abs(v - optimum)[~wide].max() > 0.3  # it is no copy of the optimum


def decoded(array: dict[str, str] | list[float]) -> np.ndarray:
    """Numbers of a Plotly figure, which packs arrays."""
    if isinstance(array, list):
        return np.array(array)
    return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"])
