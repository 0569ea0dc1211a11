"""The loss lesson: its numbers are the core's, its pieces add up at each line, its sentences hold at every setting."""

import math
import re
from typing import Any

import numpy as np
import pytest

from diffusion_core.training.weighted import WIDTHS
from pages.loss import choices, figures, weights
from pages.loss.lines import LAST, lines
from pages.loss.recipe import Setting, measured
from pages.shared.typography import significant
from tests.pages.opening import open_page, run_code, spec_of, tracks, words

OTHER = {"data": "three_modes", "T": "6", "mistake": "0.04", "shape": "cosine", "variance": "optimal", "seed": "2"}
SETTING = Setting("three_modes", 6, "cosine", "optimal", mistake=0.04, seed=2)


def panel(spec: dict[str, Any], kind: str) -> dict[str, Any]:
    """The one panel of a kind."""
    (found,) = [one for one in spec["panels"] if one["kind"] == kind]
    return dict(found)


def test_the_pictures_numbers_are_the_cores() -> None:
    """At settings that are not the usual ones: two integrals and the bound; paths within 4 of their errors."""
    app = open_page("loss", lang="en", **OTHER)
    known, terms = measured(SETTING)
    live = {name: values[0] for name, values in tracks(app).items() if values.shape == (LAST,)}
    assert live["nll"] == pytest.approx(known.negative_log, abs=1e-12)
    assert live["nll"] + live["gap"] == pytest.approx(terms.bound, abs=1e-8)
    assert live["H"] + live["kl"] == pytest.approx(live["nll"], abs=1e-8)
    assert live["L_T"] + live["L_middle"] + live["L_0"] == pytest.approx(live["bound"], abs=1e-12)
    assert live["prior"] + live["ratios"] == pytest.approx(live["bound"], abs=1e-11)
    assert live["bound"] - live["dropped"] == pytest.approx(live["squares"], abs=1e-11)
    assert abs(live["drawn"] - live["bound"]) < 4 * live["drawn_error"]
    assert abs(live["averaged"] - live["pushed"]) < 4 * live["averaged_error"]
    assert live["rounding"] < 1e-12
    usual = {name: values[0] for name, values in tracks(open_page("loss", lang="en")).items()}
    assert abs(usual["nll"] - live["nll"]) > 0.1


def test_the_pieces_of_each_line_add_up_to_its_number() -> None:
    """Lines 1 and 2 what is wanted, 3 to 8 the bound, 9 its squares, 10 the simple loss."""
    app = open_page("loss", lang="en", **OTHER)
    spec, arrays = spec_of(app), tracks(app)
    fall = panel(spec, "waterfall")
    sums = [math.fsum(piece["value"] for piece in here) for here in fall["pieces"]]
    live = {name: values[0] for name, values in arrays.items() if values.shape == (LAST,)}
    expected = [live["nll"]] * 2 + [live["bound"]] * 6 + [live["squares"], live["simple"]]
    assert sums == pytest.approx(expected, abs=1e-8)
    assert sums != pytest.approx(expected[1:] + expected[:1], abs=1e-3)
    assert arrays["total"] == pytest.approx(sums, abs=1e-12)
    assert (arrays["least"] < arrays["total"]).all(), "every line's number is least at the exact denoiser"
    assert len(panel(spec, "formula")["mathml"]) == len(lines()) == LAST == spec["positions"][-1]
    wanted, least = (arrays[mark["values"]] for mark in fall["marks"])
    assert np.unique(wanted) == pytest.approx(live["nll"]) and np.array_equal(least, arrays["least"])


def test_without_a_mistake_nothing_is_still_to_be_learned() -> None:
    arrays = tracks(open_page("loss", lang="en", mistake="0.0"))
    assert arrays["distances"][0] < 1e-15 and (arrays["total"] == arrays["least"]).all()
    assert arrays["gap"][0] > 0.1, "the gap is not 0 for all that"


def test_the_code_prints_the_pictures_numbers() -> None:
    app = open_page("loss", lang="en", open="code", **OTHER)
    live = {name: values[0] for name, values in tracks(app).items() if values.shape == (LAST,)}
    printed = dict(re.split(r" {2,}", line, maxsplit=1) for line in run_code(app).splitlines())
    assert printed["-E ln p(x_0)"] == f"{live['nll']:.4f} nats"
    assert printed["KL of the paths"] == f"{live['gap']:.4f}"
    assert printed["L_T + sum L_(t-1) + L_0"] == printed["together"] == f"{live['bound']:.4f}"
    assert printed["L_simple"] == f"{live['simple']:.4f}"
    assert printed["the same over 20,000 paths"].startswith(f"{live['drawn']:.4f} +- ")


@pytest.mark.parametrize("T", ["10", "640"])
def test_one_number_stands_still_and_the_others_move(T: str) -> None:
    app = open_page("loss", lang="en", open="ends", parts=T, walk="1.3")
    found = tracks(app)
    assert found["area"] == pytest.approx(np.full(21, 1.8920538186400373), abs=1e-10)
    assert found["information"] == pytest.approx(np.full(21, 1.8920538186400373), abs=1e-10)
    assert (found["sum"] > found["area"]).all() and np.ptp(found["sum"]) > 0.01
    assert found["simple"][[0, 10, 20]] == pytest.approx([0.2348, 0.2667, 0.1614], abs=5e-5)
    if T == "10":
        assert found["sum"][[0, 10, 20]] == pytest.approx([3.803443, 5.026834, 12.250159], abs=1e-6)
    blocks, smooth = (found[f"panel.1.{i}"] for i in (0, 1))
    width = math.log(1e7) / (blocks.shape[1] - 1)
    assert np.trapezoid(smooth, dx=width) == pytest.approx(found["area"], abs=1e-3)
    assert np.trapezoid(blocks, dx=width)[0] == pytest.approx(found["sum"][0], abs=0.05)


def test_the_sentence_on_small_networks_is_counted_and_holds_at_every_width() -> None:
    """Each is the best by the loss that it was trained with, to 0.1%: at width 8 some share one network."""
    for width in map(str, WIDTHS):
        text = words(open_page("loss", lang="en", open="small", hidden=width))
        assert (
            "In 7 of 7 columns no network is better, by 0.1% or more, than the one that was trained with that loss."
            in text
        )
        losses = weights.judged(int(width))
        assert (losses >= 0.999 * losses.diagonal()).all()
        own = re.search(r"above the floor: the bound (.+?), ε", text)
        assert own and own[1] == significant(losses[0, 0], 2)


def test_two_parabolas_are_one_constant_apart() -> None:
    text = words(open_page("loss", lang="en", open="matching", snr="1/9", data="three_modes"))
    low, high, gap = re.findall(r"difference is (\S+) to (\S+); the constant \S+ is (\S+)\.", text)[0]
    assert low == high == gap
    assert "Both are least at $k$ = 1.0:" in text


def test_bad_urls_and_the_ends_of_the_controls() -> None:
    app = open_page("loss", lang="en", T="3", mistake="0.5", parts="7", line="11")
    warned = sorted(one.value for one in app.warning)
    assert [text.split(";")[0] for text in warned] == [
        "T in the URL is '3'",
        "line in the URL is '11'",
        "mistake in the URL is '0.5'",
        "parts in the URL is '7'",
    ]
    for shape, T in (("cosine", choices.FEWEST), ("linear_vp", choices.MOST)):
        assert figures.picture(Setting("three_modes", T, shape, mistake=choices.WORST)).panels == 2


def test_the_chinese_page_says_the_same_numbers() -> None:
    english, chinese = (open_page("loss", lang=lang) for lang in ("en", "zh"))
    for name in ("nll", "bound", "total", "rounding"):
        np.testing.assert_array_equal(tracks(english)[name], tracks(chinese)[name])
    said = panel(spec_of(chinese, 0), "formula")["mathml"]
    assert "詹森不等式" in said[2] and "Jensen" not in "".join(said)
