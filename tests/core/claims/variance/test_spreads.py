"""How wide the samples of all runs are, held to golden numbers and to the schedule's own timesteps."""

import json
from pathlib import Path

import numpy as np
import pytest

from diffusion_core import linear
from diffusion_core.claims.variance import spreads as claims
from diffusion_core.schedule import SCHEDULES

GOLDEN = json.loads((Path(__file__).parents[3] / "reference" / "golden.json").read_text(encoding="utf-8"))

LINEAR = linear(1000)


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
    for name in SCHEDULES:
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
    assert set(SCHEDULES) >= {"linear", "scaled_linear", "cosine", "sigmoid", "inverse_square"}
    assert claims.SPREADS.run().trials[0].n == 4 * 6 * 3 * 1000
