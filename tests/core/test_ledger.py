"""The ledger in a terminal and as a report, its calibration, and the library beside it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from diffusion_core.claims import SECTIONS, Claim
from diffusion_core.claims import library as library_module
from diffusion_core.claims.__main__ import main
from diffusion_core.claims.calibration import calibrate, family, p_values, uniformity
from diffusion_core.claims.check import SHARES, Light, Trial, chi_square, identity, z_of_mean
from diffusion_core.claims.forward import ORDER
from diffusion_core.claims.library import compare, tolerance
from diffusion_core.claims.report import PACKAGES, Report, green, state_name, versions
from diffusion_core.errors import BadInput

ROOT = Path(__file__).parents[2]
FORWARD = SECTIONS["forward"]
SABOTAGED = replace(ORDER, truth=ORDER.mistakes["betas drawn anew, some twice"])
BLIND = replace(ORDER, mistakes={"no mistake at all": ORDER.truth})


def with_claim(claim: Claim) -> dict:
    """A ledger of one entry, E3, that has this claim."""
    return {"forward": (replace(FORWARD[2], claims=(claim,)),)}


# --- the terminal -----------------------------------------------------------------------------------------------------


def test_the_command_prints_entries_and_exits_with_0() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "diffusion_core.claims", "--seed", "5", "E1", "E3", "E13"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert "seed 5" in lines
    assert "THE FORWARD PROCESS" in lines
    assert [line.split()[:3] for line in lines if line.startswith("E")] == [
        ["E1", "definition", "-"],
        ["E3", "loose", "green"],
        ["E13", "true", "green"],
    ]
    assert "Nothing to check." in ran.stdout
    assert sum(line.strip().startswith("rejected") for line in lines) == 4
    assert lines[-1].startswith("2 of 2 lights are green")


@pytest.mark.parametrize(("claim", "status"), [(ORDER, 0), (SABOTAGED, 1), (BLIND, 1)])
def test_a_light_that_is_not_green_makes_the_status_1(claim: Claim, status: int, capsys) -> None:
    assert main([], with_claim(claim)) == status
    shown = capsys.readouterr().out
    assert ("RED" in shown) == (status == 1)
    assert ("PASSES" in shown) == (claim is BLIND)


def test_an_unknown_key_gives_one_sentence_and_status_2(capsys) -> None:
    assert main(["E43"]) == 2
    assert capsys.readouterr().err == "There is no entry E43; there are E1 to E42.\n"


# --- the report -------------------------------------------------------------------------------------------------------


def report_of(claim: Claim) -> Report:
    lights = {claim.key: claim.light(3)}
    return Report(
        {"forward": (FORWARD[0], *with_claim(claim)["forward"], FORWARD[3])}, lights, 3, "2026-01-02T03:04:05"
    )


def test_json_holds_everything() -> None:
    found = json.loads(report_of(ORDER).json())
    assert found["seed"] == 3
    assert found["date"] == "2026-01-02T03:04:05"
    assert (found["green"], found["red"], found["not_run"]) == (1, 0, 1)
    assert set(found["versions"]) == {"python", *PACKAGES}
    assert found["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]  # without +cpu, +cu130
    definition, entry, waiting = found["entries"]
    assert (definition["green"], definition["claims"]) == (None, [])
    assert (waiting["green"], waiting["claims"]) == (None, [])
    assert (entry["key"], entry["section"], entry["verdict"], entry["green"]) == ("E3", "forward", "loose", True)
    assert entry["article"] == FORWARD[2].article
    assert entry["correct"] == FORWARD[2].correct
    (claim,) = entry["claims"]
    assert claim["says"] == ORDER.says
    assert [trial["rejected"] for trial in claim["truth"]] == [False, False]
    assert claim["truth"][0]["tolerance"] == 1e-12
    assert claim["mistakes"].keys() == ORDER.mistakes.keys()
    assert all(any(trial["rejected"] for trial in trials) for trials in claim["mistakes"].values())


def test_json_says_red_and_knows_no_nan() -> None:
    assert json.loads(report_of(SABOTAGED).json())["red"] == 1
    nan = replace(ORDER, check=lambda variant, setting, seed: [identity(np.array([np.nan]), np.array([0.0]))])
    text = report_of(nan).json()
    assert json.loads(text)["entries"][1]["claims"][0]["truth"][0]["value"] == "nan"


def test_markdown_says_the_same_in_the_readers_language() -> None:
    text = report_of(SABOTAGED).markdown(lambda message: message)
    for expected in (
        "0 green, 1 red, 1 not run; seed 3; 2026-01-02T03:04:05",
        f"numpy {np.__version__}",
        "### E1 · the article: definition · nothing to check",
        "### E3 · the article: loose · what is right: red",
        "### E4 · the article: loose · what is right: not run",
        "> " + FORWARD[2].article,
        FORWARD[2].correct,
        "- ✗ **" + ORDER.says + "**",
        "rejected, as it must be",
    ):
        assert expected in text
    assert "### E3 · the article: loose · what is right: green" in report_of(ORDER).markdown(lambda message: message)
    assert "### E3 · the article: LOOSE · what is right: GREEN" in report_of(ORDER).markdown(
        lambda m: m if "{" in m else m.upper()
    )


def test_a_package_that_is_missing_is_said(monkeypatch) -> None:
    monkeypatch.setattr("diffusion_core.claims.report.PACKAGES", ("torch", "no-such-package"))
    assert versions()["no-such-package"] == "not installed"
    assert versions()["torch"].split("+")[0] == torch.__version__.split("+")[0]


def test_an_entry_is_green_only_if_all_its_claims_are() -> None:
    two = replace(FORWARD[2], claims=(ORDER, replace(BLIND, key="other")))
    lit: dict[str, Light] = {ORDER.key: ORDER.light()}
    assert green(two, lit) is None
    assert green(two, {**lit, "other": ORDER.light()}) is True
    assert green(two, {**lit, "other": BLIND.light()}) is False
    assert [state_name(e, {}) for e in (two, FORWARD[0])] == ["not run", "nothing to check"]


# --- calibration ------------------------------------------------------------------------------------------------------


def noise(variance: float, setting: int, seed: int) -> list:
    r = torch.randn(setting, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return [z_of_mean(r), chi_square(r * variance**0.5)]


def test_calibration_sees_power_false_alarms_and_p_values() -> None:
    seeds = range(200)
    good = Claim("good", "", noise, 1.0, {"twice": 2.0}, 500)
    assert calibrate(good, seeds).good
    assert calibrate(good, seeds).uniform.keys() == {"z of the mean", "variance / expected (chi-square)"}
    assert not calibrate(replace(good, mistakes={"hardly": 1.01}), seeds).good  # no power
    too_eager = calibrate(replace(good, alpha=0.2), seeds)
    assert too_eager.good and too_eager.false_alarms > 10  # as many as were stated
    wrong = calibrate(replace(good, truth=1.1), seeds)
    assert not wrong.good
    assert wrong.uniform["z of the mean"] > 1e-3 > wrong.uniform["variance / expected (chi-square)"]


def uniform(power: float, setting: int, seed: int) -> list[Trial]:
    """Two tests whose p-values are uniform at the power 1, and too small above it."""
    p = torch.rand(2, generator=torch.Generator().manual_seed(1000 * seed + setting), dtype=torch.float64)
    return [Trial("p", 0.0, p_value=float(one) ** power) for one in p]


def test_all_claims_together_raise_a_false_alarm_as_seldom_as_was_promised() -> None:
    """As many claims as there are shares, 400 seeds: at each level the rate is that level, and not far below it."""
    seeds = range(400)
    claims = [Claim(f"{k}", "", uniform, 1.0, {}, k) for k in range(1, SHARES + 1)]
    found = [calibrate(one, seeds) for one in claims]
    together = family(found)
    assert len(together.pooled) == 2 * SHARES * len(seeds)
    assert uniformity(together.pooled) > 1e-3
    for level in (0.05, 0.2):
        low, high = together.interval(level)
        assert low < level < 1.5 * high
    alone = np.min([2 * np.min(list(one.p.values()), axis=0) for one in found], axis=0)
    assert np.mean(alone <= 0.05) > 0.5  # each claim at the whole level: what was wrong before
    red = [any(not one.run(seed=seed).passed for one in claims) for seed in np.argsort(together.smallest)[:3].tolist()]
    assert sum(red) == together.alarms()  # the lights say the same
    assert family([*found, calibrate(replace(claims[0], truth=4.0), seeds)]).alarms(0.05) > 60  # a wrong claim is seen
    assert family([calibrate(ORDER, range(2)), *found]).alarms(1.0) == len(seeds)  # one without p-values raises none


def test_a_one_sided_test_may_be_sure_but_not_too_eager() -> None:
    """p near 1 at every seed is no fault of a test whose claim is true on a whole side; p near 0 is."""

    def shifted(by: float, setting: int, seed: int) -> list:
        two_sided = z_of_mean(torch.randn(setting, generator=torch.Generator().manual_seed(seed)) + by)
        p = float(stats.norm.cdf(two_sided.value))
        return [Trial("z (one-sided)", two_sided.value, p_value=p, n=setting, one_sided=True)]

    seeds = range(200)
    sure = Claim("sure", "", shifted, 0.2, {"below": -1.0}, 500)
    assert calibrate(sure, seeds).good
    assert family([calibrate(sure, seeds)]).pooled.size == 0  # whose p need not be uniform
    assert calibrate(replace(sure, truth=0.0), seeds).good
    assert not calibrate(replace(sure, truth=-0.03), seeds).good
    as_two_sided = replace(sure, check=lambda *a: [replace(trial, one_sided=False) for trial in shifted(*a)])
    assert not calibrate(as_two_sided, seeds).good


def test_tests_of_one_name_are_told_apart() -> None:
    twice = Claim("twice", "", lambda v, s, seed: [*noise(v, s, seed), *noise(v, s, seed + 1)], 1.0, {}, 50)
    found = p_values(twice.run(seed=seed) for seed in range(3))
    assert [name.endswith("(2)") for name in found] == [False, False, True, True]
    assert all(len(p) == 3 for p in found.values())
    assert uniformity(np.linspace(0.0025, 0.9975, 200)) > 0.99
    assert uniformity(np.linspace(0.0025, 0.9975, 200) ** 2) < 1e-3


# --- diffusers --------------------------------------------------------------------------------------------------------


def test_diffusers_agrees_but_for_the_one_that_is_not_a_number() -> None:
    pytest.importorskip("diffusers")
    rows = compare()
    assert {row.setting: row.verdict for row in rows if row.verdict != "agrees"} == {
        'variance_type="fixed_large_log"': "not a number"  # when this fails, diffusers has mended it
    }
    assert len(rows) == 20


def test_a_library_that_differs_is_seen(monkeypatch) -> None:
    pytest.importorskip("diffusers")
    monkeypatch.setattr(library_module, "fixed_small", library_module.fixed_large)
    monkeypatch.setattr(library_module, "linear", library_module.sigmoid)
    monkeypatch.setattr(library_module, "PREDICTION_TYPES", {"sample": "v", "v_prediction": "x0"})
    rows = {row.setting: row.verdict for row in compare()}
    assert rows['prediction_type="sample"'] == rows['prediction_type="v_prediction"'] == "differs"
    assert rows['beta_schedule="linear"'] == "differs"
    assert rows['variance_type="fixed_small"'] == "differs"
    assert rows["DDIMScheduler, eta=0"] == "differs"


def test_without_diffusers_one_sentence_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(BadInput, match=r"^diffusers is not installed; pip install diffusers==0\.42\.1 brings it\.$"):
        compare()


def test_float32_may_be_off_most_at_the_first_steps() -> None:
    assert [tolerance(t) for t in (1, 10, 11, 99, 100, 1000)] == [1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5]
