"""The claims on the variance, held to numbers from elsewhere: a paper's table, golden numbers, other programs."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from diffusion_core import fixed_large, fixed_small, linear, state_dependent, transition
from diffusion_core.claims import variance as claims
from diffusion_core.claims.check import Claim

GOLDEN = json.loads((Path(__file__).parents[1] / "reference" / "golden.json").read_text(encoding="utf-8"))
ALL = [*claims.CLAIMS, *claims.MORE]
LINEAR = linear(1000)


@pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.key)
def test_truth_passes_and_every_mistake_is_rejected(claim: Claim) -> None:
    assert claim.mistakes
    for seed in (0, 1):
        assert claim.run(seed=seed).passed
        for mistake in claim.mistakes:
            assert not claim.run(mistake, seed=seed).passed, mistake


def test_the_sampled_claim_has_uniform_p_values_and_its_mistakes_never_pass() -> None:
    """60 seeds, KS against U(0, 1) at 1e-3; 20 of each mistake."""
    p = [claims.SAMPLES.run(seed=seed).trials[0].p_value for seed in range(60)]
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    for mistake in claims.SAMPLES.mistakes:
        assert not any(claims.SAMPLES.run(mistake, seed=seed).passed for seed in range(20)), mistake


@pytest.mark.parametrize("data_variance", ["1.0", "0.25", "0.01", "4.0"])
def test_the_closed_form_of_generated_variance_is_the_golden_one(data_variance: str) -> None:
    lam = float(data_variance)
    for steps, golden in GOLDEN["gen_var_over_data_var"][f"iddpm|s2={data_variance}|last_noise=False"].items():
        setting = claims.Steps(LINEAR, LINEAR.timesteps(int(steps)), lam)
        assert claims.in_closed_form(setting, fixed_large) / lam == pytest.approx(golden["beta"], rel=1e-10)
        assert claims.in_closed_form(setting, fixed_small) / lam == pytest.approx(golden["btilde"], rel=1e-10)
        assert claims.in_closed_form(setting, fixed_small) / lam != pytest.approx(golden["beta"], rel=1e-3)


def test_the_spectrum_is_that_of_a_32_by_32_grid() -> None:
    lam, counts = claims.power_law()
    assert counts.sum() == 1024
    assert (lam @ counts / counts.sum()).item() == pytest.approx(0.25, rel=1e-12)
    # brute force, frequency by frequency
    grid = [max(1.0, math.hypot(a, b)) ** -3 for a in range(-16, 16) for b in range(-16, 16)]
    scaled = np.sort(np.array(grid)) * 0.25 / np.mean(grid)
    assert np.allclose(np.sort(np.repeat(lam.numpy(), counts.int().numpy())), scaled, rtol=1e-12)
    # f^-2 is another spectrum
    assert not np.allclose(scaled / scaled.max(), np.sort(np.array(grid) ** (2 / 3)) / max(grid), rtol=1e-3)


def test_table_1_is_monotone_in_eta_and_beta_goes_from_last_to_first() -> None:
    rows = {
        steps: claims.table_1(claims.of_ddim, LINEAR, LINEAR.timesteps(steps, spacing="leading"))
        for steps in claims.PAPER_TABLE_1
    }
    for row in rows.values():
        assert row[:4] == sorted(row[:4])
    assert [claims.order(row).index(4) for row in rows.values()] == [4, 4, 3, 2, 0]
    assert [claims.order(row).index(4) for row in claims.PAPER_TABLE_1.values()] == [4, 4, 4, 4, 0]
    assert rows[10][0] == pytest.approx(0.0103, rel=0.01)
    assert rows[1000][4] == pytest.approx(1.41e-6, rel=0.01)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [  # gap, KL, TV, W1, variance: trapezoid sums on 6,001 points, made independently
        (
            10,
            {
                "large": (1.108, 0.882, 0.570, 0.228, 0.845),
                "small": (164.0, 2.486, 0.428, 0.084, 0.700),
                "optimal": (0.802, 0.386, 0.356, 0.117, 0.749),
            },
        ),
        (
            20,
            {
                "large": (0.727, 0.318, 0.322, 0.082, 0.829),
                "small": (37.0, 0.641, 0.300, 0.037, 0.788),
                "optimal": (0.246, 0.015, 0.048, 0.013, 0.801),
            },
        ),
    ],
)
def test_two_peaks_have_the_known_distances(steps: int, expected: dict[str, tuple[float, ...]]) -> None:
    for name, (gap, density) in claims.peaks_by_choice(LINEAR, steps).items():
        found = (gap, density.kl, density.tv, density.w1, density.variance)
        assert found == pytest.approx(expected[name], rel=2e-3, abs=6e-4), name
        assert density.kl <= gap


def test_between_the_peaks_the_true_variance_is_1_104_beta() -> None:
    pair = transition(LINEAR, 100, 99)
    at = state_dependent(claims.two_peaks(), LINEAR)(
        pair, torch.tensor([[0.0], [0.9 * pair.sqrt_alpha_bar_t]]).double()
    )
    between, on = (float(v) / pair.beta for v in torch.as_tensor(at.value)[:, 0])
    assert between == pytest.approx(1.104, abs=5e-4)
    assert pair.beta_tilde / pair.beta < on < 1  # on a peak it stays inside


def test_the_prior_terms_are_the_known_ones() -> None:
    """2.9113e-5 bits a dimension for unit variance, and KL exactly 0."""
    law = claims.gaussian(1.0)
    assert claims.mean_prior(law, LINEAR) / math.log(2) == pytest.approx(GOLDEN["L_T_bits_per_dim"]["linear"]["1.0"])
    assert abs(claims.of_the_marginal(law, LINEAR)) < 1e-12
