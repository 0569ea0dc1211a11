"""The ledger: every truth passes, every mistake is rejected, and the false-alarm rate is the one that is stated."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from diffusion_core.claims import SECTIONS, AnyClaim, Claim, Entry, Outcome
from diffusion_core.claims.check import (
    PAGE_ALPHA,
    SHARES,
    Trial,
    chi_square,
    estimated_mean_z,
    fisher_z,
    holm,
    identity,
    judge,
    kolmogorov_smirnov,
    second_moment_z,
    z_of_mean,
)
from diffusion_core.claims.ledger import ENTRIES

ROOT = Path(__file__).parents[2]
ALL = [claim for entry in ENTRIES for claim in entry.claims]
SLOW = {"E36c", "E36n", "E37n", "E39c", "E39d"}  # seconds each: many pictures, many draws
BY_COST = [pytest.param(one, id=one.key, marks=[pytest.mark.slow] if one.key in SLOW else []) for one in ALL]


@cache
def truth(key: str) -> Outcome:
    """What a claim's check finds at seed 0."""
    return next(claim for claim in ALL if claim.key == key).run(seed=0)


@pytest.mark.parametrize("claim", BY_COST)
def test_truth_passes_and_every_mistake_is_rejected(claim: AnyClaim) -> None:
    """At one seed; `make calibrate` does it at 200."""
    assert claim.mistakes
    assert truth(claim.key).passed
    for mistake in claim.mistakes:
        assert not claim.run(mistake, seed=0).passed, mistake


@pytest.mark.slow
def test_all_checks_share_one_false_alarm_rate() -> None:
    """Every claim has the same share of 1e-3, no more claims have tests than there are shares, and the pages say so."""
    assert PAGE_ALPHA == 1e-3
    assert {claim.alpha for claim in ALL} == {PAGE_ALPHA / SHARES}
    tested = [claim.key for claim in ALL if any(trial.p_value is not None for trial in truth(claim.key).trials)]
    assert 20 < len(tested) <= SHARES
    for lang in ("en", "zh"):
        assert f"0.001 / {SHARES}" in (ROOT / "pages" / "ledger" / f"{lang}.md").read_text(encoding="utf-8")


def normal(n: int, seed: int) -> torch.Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_keys_are_unique() -> None:
    assert len({claim.key for claim in ALL}) == len(ALL)


def test_the_ledger_has_the_articles_picture_and_its_42_statements_in_order() -> None:
    assert [entry.key for entry in ENTRIES] == [f"E{i}" for i in range(43)]
    assert {section: entries[0].key for section, entries in SECTIONS.items()} == {
        "picture": "E0",
        "forward": "E1",
        "reparameterization": "E5",
        "closed_form": "E8",
        "reverse": "E15",
        "summary": "E30",
        "training": "E34",
        "latent": "E36",
        "absent": "E38",
    }


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)
def test_only_definitions_have_no_claims(entry: Entry) -> None:
    assert entry.verdict in ("true", "loose", "wrong", "definition")
    assert (entry.claims == ()) == (entry.verdict == "definition")
    assert entry.article and entry.correct
    for claim in entry.claims:
        assert claim.key.rstrip("abcdefgn") == entry.key  # n: the same of a trained network


def test_a_light_is_green_only_if_every_mistake_is_rejected() -> None:
    claim = Claim(
        "X",
        "",
        lambda variant, setting, seed: [identity(np.array(variant), np.array(setting))],
        truth=1.0,
        mistakes={"two": 2.0},
        setting=1.0,
    )
    assert claim.light().green
    assert not Claim("X", "", claim.check, truth=1.0, mistakes={"no mistake": 1.0}, setting=1.0).light().green
    assert not Claim("X", "", claim.check, truth=3.0, mistakes={"two": 2.0}, setting=1.0).light().green


def p_of(trial: Trial) -> float:
    assert trial.p_value is not None
    return trial.p_value


@pytest.mark.parametrize("test", [z_of_mean, chi_square, kolmogorov_smirnov, lambda r: second_moment_z(r, 1.0)])
def test_p_values_are_uniform_under_the_null(test: Callable[[torch.Tensor], Trial]) -> None:
    """200 seeds, Kolmogorov-Smirnov against U(0, 1) at 1e-3."""
    p = [p_of(test(normal(4000, seed))) for seed in range(200)]
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    skewed = np.asarray(p) ** 2  # a test that rejects too often would be noticed
    assert stats.kstest(skewed, "uniform").pvalue < 1e-3


def test_mean_with_estimated_variance_and_correlation() -> None:
    """Uniform p-values for skewed values and for correlated pairs; a wrong null and no spread are rejected."""
    mean = [estimated_mean_z(normal(4000, seed).square(), 1.0).p_value for seed in range(200)]
    pairs = [(normal(4000, seed), normal(4000, 1000 + seed)) for seed in range(200)]
    correlation = [fisher_z(a, 0.6 * a + 0.8 * b, 0.6).p_value for a, b in pairs]
    for p in (mean, correlation):
        assert stats.kstest(p, "uniform").pvalue > 1e-3
    a, b = pairs[0]
    assert p_of(fisher_z(a, 0.6 * a + 0.8 * b, 0.5)) < 1e-6
    assert p_of(fisher_z(a, a, 0.6)) < 1e-6
    assert p_of(estimated_mean_z(a.square(), 1.2)) < 1e-3
    assert not judge([estimated_mean_z(torch.zeros(10), 0.0)]).passed


def test_chi_square_sees_what_kolmogorov_smirnov_does_not() -> None:
    """A variance 5% off, n = 20,000: the reason why no variance is certified by KS."""
    r = [1.05**0.5 * normal(20_000, seed) for seed in range(20)]
    assert np.mean([p_of(chi_square(x)) < 1e-3 for x in r]) > 0.8
    assert np.mean([p_of(kolmogorov_smirnov(x)) < 1e-3 for x in r]) < 0.3


def test_holm_against_its_definition() -> None:
    assert holm([0.01, 0.04, 0.03], 0.05) == [True, False, False]
    assert holm([0.01, 0.02, 0.03], 0.05) == [True, True, True]
    assert holm([float("nan"), 0.5], 0.05) == [True, False]
    assert holm([], 0.05) == []


def test_an_error_that_is_not_finite_is_rejected() -> None:
    assert not judge([identity(np.array([np.nan]), np.array([1.0]))]).passed
    assert judge([identity(np.array([1.0]), np.array([1.0 + 1e-12]))]).passed
    assert not judge([identity(np.array([1.0]), np.array([1.0 + 1e-8]))]).passed
