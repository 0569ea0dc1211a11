"""The variance lesson: its one sentence is worked out, its sections wait, its recipe is what the page runs."""

import base64
import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from diffusion_core import fixed_large, fixed_small, generated_variance, linear
from pages.variance.recipe import Setting, run
from tests.pages.opening import blobs, open_page, run_code, tracks


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
    assert "采用 β，**样本方差偏大 43%**；采用 β̃，**样本方差偏小 58%**；" in text
    assert "too" not in text


def histograms(**url: str) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """The panels of the four chains, and the arrays that the browser is given."""
    blob = blobs(open_page("variance", **url))[0]
    size = int.from_bytes(blob[:8], "little")
    panels = json.loads(json.loads(blob[8 : 8 + size])["__metadata__"]["spec"])["panels"]
    return [panel for panel in panels if panel["kind"] == "histogram"], load(blob)


@pytest.mark.parametrize("url", [{}, {"s2": "0.01", "N": "2"}, {"s2": "4", "spacing": "leading"}])
def test_the_four_histograms_have_the_same_axes_and_nothing_leaves_them(url: dict[str, str]) -> None:
    panels, arrays = histograms(**url)
    assert len(panels) == 4
    assert len({tuple(panel["domain"]) for panel in panels}) == 1
    tops = [arrays[panel["top"]] for panel in panels]
    assert all(np.array_equal(top, tops[0]) for top in tops)
    (low, high), bins = panels[0]["domain"], panels[0]["bins"]
    reached = np.zeros(len(tops[0]))
    for panel in panels:
        for p, x in enumerate(arrays[panel["track"]]):
            heights, _edges = np.histogram(x, bins, (low, high))
            reached[p] = max(reached[p], heights.max() * bins / (high - low) / len(x))
            assert heights.sum() > 0.995 * len(x)
    assert (reached < tops[0]).all()
    assert (tops[0] < 1.6 * reached).all()  # no axis is far too high either


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_spectrum_has_a_control_and_the_order_follows_it(lang: str) -> None:
    """With f^-2 sigma-hat is fourth at ten steps, with f^-2.4 it is last, as in the paper; the turn follows s^2."""
    found = {}
    for power in ("2.0", "2.4"):
        app = open_page("variance", lang=lang, power=power, open="ddim_table")
        found[power] = next(m.value for m in app.markdown if m.value.startswith("- S = 10:")).splitlines()
    assert found["2.0"][0].split(" · ")[0] == "- S = 10: η 0 < η 0.2 < η 0.5 < σ̂ < η 1"
    assert found["2.4"][0].split(" · ")[0] == "- S = 10: η 0 < η 0.2 < η 0.5 < η 1 < σ̂"
    assert all(lines[-1].startswith("- S = 1000: σ̂ <") for lines in found.values())
    begins = {"en": "begins at a = {}.", "zh": "从 a = {} 起"}[lang]
    for s2, a in (("0.25", "2.3"), ("0.4", "2.6"), ("1.0", "3.2")):
        app = open_page("variance", lang=lang, s2=s2, open="ddim_table")
        assert any(begins.format(a) in m.value for m in app.markdown), s2
    every = {"en": "every power from f⁻¹ on", "zh": "从 f⁻¹ 起的每一种功率谱"}[lang]
    assert any(every in m.value for m in open_page("variance", lang=lang, s2="0.05", open="ddim_table").markdown)


@pytest.mark.parametrize("power", ["0.9", "steep", "nan"])
def test_a_power_that_is_not_allowed_is_one_sentence(power: str) -> None:
    app = open_page("variance", lang="en", power=power)
    said = f"power in the URL is '{power}'; it must be a number from 1.0 to 4.0. Shown instead: 2.4."
    assert [w.value for w in app.warning] == [said]


def test_the_bold_number_of_each_column_is_its_best() -> None:
    """At ten steps W1's best is not the bound's."""
    app = open_page("variance", lang="en", open="peaks")
    table = next(m.value for m in app.markdown if m.value.startswith("| Variance of the step"))
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in table.splitlines()[2:]}
    assert rows["optimal"][0] == "**0.802**"
    assert rows["optimal"][1].startswith("**")
    assert rows["DDIM"][3].startswith("**")
    assert not rows["optimal"][3].startswith("**")


def test_the_learned_v_lies_on_the_optimum_where_the_range_is_wide() -> None:
    """Of the picture's own numbers: where beta-tilde is below 0.95 beta, within 0.15; beyond, further off."""
    app = open_page("variance", lang="en", open="learned")
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


def test_what_is_heavy_waits_until_it_is_opened() -> None:
    app = open_page("variance", lang="en")
    assert len(blobs(app)) == 1 and not app.get("plotly_chart")
    for url in ({"open": "samples"}, {"n": "5"}):  # a link with what a section asks shows it
        assert len(blobs(open_page("variance", lang="en", **url))) == 2
    folded = open_page("variance", lang="en", n="5", open="-samples")
    assert len(blobs(folded)) == 1


def test_a_section_does_not_fold_when_its_control_goes_back_to_its_default() -> None:
    app = open_page("variance", lang="en", power="2.0")
    (power,) = [one for one in app.slider if one.label.startswith("a of the power")]
    power.set_value(2.4).run()
    assert not app.exception and "power" not in app.query_params
    assert len(app.get("plotly_chart")) == 2


CHOSEN = {"N": "7", "s2": "0.5", "v": "0.3", "seed": "4", "spacing": "trailing", "last": "noisy"}
SETTING = Setting(0.5, 7, 0.3, schedule="linear", spacing="trailing", noisy_last=True)


def test_the_code_prints_the_exact_variances_and_what_was_sampled() -> None:
    printed = run_code(open_page("variance", lang="en", open="code", **CHOSEN))
    found = {
        name: (float(a), float(b)) for name, a, b in re.findall(r"(\w+) +samples / data: (\S+), exact (\S+)", printed)
    }
    assert list(found) == ["large", "small", "learned", "optimal", "ddim"]
    for name, choice in (("large", fixed_large), ("small", fixed_small)):
        timesteps = linear(1000).timesteps(7, spacing="trailing")
        exact, quiet = (
            generated_variance(linear(1000), timesteps, choice, data_variance=0.5, noisy_last=last) / 0.5
            for last in (True, False)
        )
        assert found[name][1] == pytest.approx(exact, abs=6e-4)
        assert name == "small" or abs(quiet - exact) > 1e-3
    assert all(abs(sampled / exact - 1) < 0.05 for sampled, exact in found.values())  # 5 standard errors


@pytest.mark.parametrize("choice", ["large", "small", "optimal", "ddim"])
def test_the_picture_is_the_recipes_run(choice: str) -> None:
    shown = tracks(open_page("variance", **CHOSEN), 0)
    x_T = torch.randn((1200, 1), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    steps = run(SETTING, choice, x_T, torch.Generator().manual_seed(5))
    for frame, step in zip(shown[f"x_{choice}"], steps, strict=True):
        assert np.abs(frame.ravel() - step.x_s.numpy().ravel()).max() < 1e-6
    assert np.abs(shown[f"x_{choice}"] - shown["x_small" if choice != "small" else "x_large"]).max() > 1e-3
