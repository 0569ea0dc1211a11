"""The ledger as a report."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from diffusion_core.claims import AnyClaim
from diffusion_core.claims.check import Light, identity
from diffusion_core.claims.forward import ORDER
from diffusion_core.claims.report import PACKAGES, Report, green, state_name, versions
from tests.core.claims.examples import BLIND, FORWARD, SABOTAGED, with_claim


def report_of(claim: AnyClaim) -> Report:
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
    assert "### E3 · THE ARTICLE: LOOSE · WHAT IS RIGHT: GREEN" in report_of(ORDER).markdown(
        lambda m: m if "{" in m else m.upper()
    )


def test_a_package_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
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
