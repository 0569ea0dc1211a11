"""The claims on the variance, held to numbers from elsewhere: a paper's table, golden numbers, other programs."""

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from diffusion_core import linear, state_dependent, transition
from diffusion_core.claims import variance as claims

GOLDEN = json.loads((Path(__file__).parents[1] / "reference" / "golden.json").read_text(encoding="utf-8"))
LINEAR = linear(1000)


def test_the_sampled_claim_has_uniform_p_values_and_its_mistakes_never_pass() -> None:
    """60 seeds, KS against U(0, 1) at 1e-3; 5 of each mistake."""
    p = [claims.SAMPLES.run(seed=seed).trials[0].p_value for seed in range(60)]
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    for mistake in claims.SAMPLES.mistakes:
        assert not any(claims.SAMPLES.run(mistake, seed=seed).passed for seed in range(5)), mistake


@pytest.mark.parametrize("data_variance", ["1.0", "0.25", "0.01", "4.0"])
def test_the_closed_form_of_all_runs_is_the_golden_one(data_variance: str) -> None:
    _first, ratios = claims.all_spreads("linear", "iddpm", 1000, float(data_variance))
    for steps, golden in GOLDEN["gen_var_over_data_var"][f"iddpm|s2={data_variance}|last_noise=False"].items():
        at = int(steps) - 1
        assert ratios["β", False][at] == pytest.approx(golden["beta"], rel=1e-10)
        assert ratios["β̃", False][at] == pytest.approx(golden["btilde"], rel=1e-10)
        assert ratios["β̃", False][at] != pytest.approx(golden["beta"], rel=1e-3)


def test_without_noise_in_the_last_step_beta_may_be_too_narrow() -> None:
    """Numbers of an independent recursion; and beta-tilde is too spread from a start that is not noise."""
    at = {("linear", 10): 0.976, ("scaled_linear", 10): 0.851, ("inverse_square", 10): 0.324, ("linear", 5): 0.518}
    for (name, n), ratio in at.items():
        _first, ratios = claims.all_spreads(name, "trailing", 1000, 0.25)
        assert ratios["β", False][n - 1] == pytest.approx(ratio, abs=5e-4)
        assert ratios["β", True][n - 1] > 1
    first, ratios = claims.all_spreads("linear", "iddpm", 50, 0.25)
    assert ratios["β̃", False][49] == pytest.approx(1.167, abs=5e-4)
    assert first[49] > claims.NOISE


@pytest.mark.parametrize("data_variance", [0.01, 0.8, 1.0, 1.5, 4.0])
def test_which_way_the_error_goes_for_every_run_of_the_page(data_variance: float) -> None:
    """Below 1, with noise in the last step, beta is too wide; at 1 it is right; above 1 both are too narrow."""
    for name in claims.SCHEDULES:
        for spacing in claims.SPACINGS:
            first, ratios = claims.all_spreads(name, spacing, 1000, data_variance)
            large, small = ratios["β", True], ratios["β̃", True]
            if data_variance < 1:
                assert (large > 1).all()
                assert (small[first <= claims.NOISE] < 1).all()
            elif data_variance == 1:
                assert np.allclose(large, 1, rtol=0, atol=1e-12)
                assert (small[1:] < 1).all()
            else:
                assert (large < 1).all() and (small < 1).all()
            assert (ratios["β", False] < large).all()  # the noise of the last step is what it lacks
            assert (ratios["β", False][1:] > small[1:]).all()  # from two steps on, beta is the wider


def test_the_claim_covers_every_schedule_spacing_and_number_of_steps() -> None:
    t, s, begin = claims.strides(1000, "leading")
    assert len(t) == 500_500 and len(begin) == 1000
    for n in (1, 7, 64, 600, 1000):
        run = slice(begin[n - 1], begin[n - 1] + n)
        assert tuple(t[run]) == LINEAR.timesteps(n, "leading")
        assert tuple(s[run]) == (*LINEAR.timesteps(n, "leading")[1:], 0)
    assert set(claims.SCHEDULES) >= {"linear", "scaled_linear", "cosine", "sigmoid", "inverse_square"}
    assert claims.SPREADS.run().trials[0].n == 4 * 6 * 3 * 1000


def test_the_spectra_are_those_of_a_32_by_32_grid() -> None:
    lam, counts = claims.power_law((2.0, 3.0), 0.4)
    assert counts.sum() == 1024
    for row, exponent in zip(lam, (2, 3), strict=True):
        assert (row @ counts / counts.sum()).item() == pytest.approx(0.4, rel=1e-12)
        # brute force, frequency by frequency
        grid = [max(1.0, math.hypot(a, b)) ** -exponent for a in range(-16, 16) for b in range(-16, 16)]
        scaled = np.sort(np.array(grid)) * 0.4 / np.mean(grid)
        assert np.allclose(np.sort(np.repeat(row.numpy(), counts.int().numpy())), scaled, rtol=1e-12)


def test_table_1_is_monotone_in_eta_and_beta_goes_from_last_to_first() -> None:
    rows = {
        steps: claims.table_1(claims.of_ddim, LINEAR, LINEAR.timesteps(steps, spacing="leading"), (2.0, 2.4, 3.0))
        for steps in claims.PAPER_TABLE_1
    }
    places = [[claims.order(row).index(4) for row in three] for three in rows.values()]
    assert places == [[3, 4, 4], [0, 3, 4], [0, 1, 3], [0, 0, 2], [0, 0, 0]]  # natural images: f^-2 to f^-2.4
    assert [claims.order(row).index(4) for row in claims.PAPER_TABLE_1.values()] == [4, 4, 4, 4, 0]
    for three in rows.values():
        for row in three:
            assert row[:4] == sorted(row[:4])
    assert rows[10][2][0] == pytest.approx(0.0103, rel=0.01)
    assert rows[1000][2][4] == pytest.approx(1.41e-6, rel=0.01)


def test_the_exponent_where_the_papers_order_begins() -> None:
    """By one scalar recursion an eigenvalue, without the core: at S = 10 it is the paper's at 2.3, not at 2.2."""
    steps = [*LINEAR.timesteps(10, spacing="leading"), 0]
    bar = [1.0, *np.cumprod(1 - LINEAR.beta[1:].numpy())]
    paper = claims.order(claims.PAPER_TABLE_1[10])
    for exponent, same in ((2.2, False), (2.3, True)):
        grid = np.array([max(1.0, math.hypot(a, b)) for a in range(-16, 16) for b in range(-16, 16)]) ** -exponent
        lam = 0.25 * grid / grid.mean()
        row = []
        for eta in (*claims.ETAS, "sigma-hat"):
            g = np.ones_like(lam)
            for t, s in pairwise(steps):
                beta = 1 - bar[t] / bar[s]
                tilde = beta * (1 - bar[s]) / (1 - bar[t])
                v_t, v_s = (1 - bar[k] + bar[k] * lam for k in (t, s))
                if eta == "sigma-hat":
                    g = (bar[t] / bar[s]) * (v_s / v_t) ** 2 * g + (beta if s else 0)
                else:
                    turned = math.sqrt((1 - bar[s] - eta**2 * tilde) * (1 - bar[t]))
                    g = ((math.sqrt(bar[s] * bar[t]) * lam + turned) / v_t) ** 2 * g + eta**2 * tilde
            row.append(float(np.mean((np.sqrt(g) - np.sqrt(lam)) ** 2)))
        assert (claims.order(row) == paper) == same
    assert claims.turn(claims.orders(claims.of_ddim, LINEAR)[10], paper) == 2.3
    assert claims.turn([[0], [1], [0]], [1], (1.0, 2.0, 3.0)) == math.inf
    assert claims.turn([[0], [1], [1]], [1], (1.0, 2.0, 3.0)) == 2.0


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
