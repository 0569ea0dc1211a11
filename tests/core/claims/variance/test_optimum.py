"""The best variance: the sampled claim's p-values, and the number between the peaks."""

import pytest
import torch
from scipy import stats

from diffusion_core import linear, state_dependent, transition
from diffusion_core.claims.settings import two_peaks
from diffusion_core.claims.variance import optimum as claims

LINEAR = linear(1000)


def test_the_sampled_claim_has_uniform_p_values_and_its_mistakes_never_pass() -> None:
    """60 seeds, KS against U(0, 1) at 1e-3; 5 of each mistake."""
    p = [claims.SAMPLES.run(seed=seed).trials[0].p_value for seed in range(60)]
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    for mistake in claims.SAMPLES.mistakes:
        assert not any(claims.SAMPLES.run(mistake, seed=seed).passed for seed in range(5)), mistake


def test_between_the_peaks_the_true_variance_is_1_104_beta() -> None:
    pair = transition(LINEAR, 100, 99)
    at = state_dependent(two_peaks(), LINEAR)(pair, torch.tensor([[0.0], [0.9 * pair.sqrt_alpha_bar_t]]).double())
    between, on = (float(v) / pair.beta for v in torch.as_tensor(at.value)[:, 0])
    assert between == pytest.approx(1.104, abs=5e-4)
    assert pair.beta_tilde / pair.beta < on < 1  # on a peak it stays inside
