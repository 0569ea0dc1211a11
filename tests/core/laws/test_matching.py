"""Two losses of a guess of the score: by quadrature against draws, and the constant between them."""

import math

import pytest
import torch

from diffusion_core.data.toys import bimodal, eight_gaussians, gaussian_1d, three_modes
from diffusion_core.errors import BadInput
from diffusion_core.forward import q_sample
from diffusion_core.laws.matching import conditional_loss, constant, marginal_loss
from diffusion_core.levels import from_log_snr

SCHEDULE = from_log_snr([math.log(9), 0.0, -math.log(9)])


@pytest.mark.parametrize("t", [1, 2, 3])
def test_they_differ_by_a_constant_that_no_guess_moves(t: int) -> None:
    law = three_modes().law
    guesses = (law.at(SCHEDULE, t).score, torch.neg, torch.sin, torch.ones_like)
    gaps = [conditional_loss(law, SCHEDULE, t, g) - marginal_loss(law, SCHEDULE, t, g) for g in guesses]
    assert gaps == pytest.approx([constant(law, SCHEDULE, t)] * 4, abs=1e-12)
    assert abs(conditional_loss(law, SCHEDULE, t, torch.sin) - conditional_loss(law, SCHEDULE, t, torch.neg)) > 0.1


def test_the_first_is_what_draws_of_data_and_noise_say() -> None:
    """100,000 draws, z below 3.5; the second loss is not."""
    law, generator = bimodal().law, torch.Generator().manual_seed(0)
    x0 = law.sample(100_000, generator)
    eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    x_t, noise = q_sample(SCHEDULE, x0, 2, eps), SCHEDULE.sqrt_one_minus_alpha_bar[2]
    drawn = (torch.sin(x_t) + eps / noise).square()
    error = drawn.std() / len(drawn) ** 0.5
    assert abs(drawn.mean() - conditional_loss(law, SCHEDULE, 2, torch.sin)) < 3.5 * error
    assert abs(drawn.mean() - marginal_loss(law, SCHEDULE, 2, torch.sin)) > 20 * error


def test_gaussian_data_in_closed_form() -> None:
    """Guess k x: E (k x + eps / sigma)^2 = k^2 v + 2 k + 1 / sigma^2, v the variance of x_t."""
    law, t, k = gaussian_1d(0.25).law, 1, -0.7
    noise = SCHEDULE.one_minus_alpha_bar[t].item()
    v = SCHEDULE.alpha_bar[t].item() * 0.25 + noise
    expected = k * k * v + 2 * k + 1 / noise
    assert conditional_loss(law, SCHEDULE, t, lambda x: k * x) == pytest.approx(expected, abs=1e-12)
    assert marginal_loss(law, SCHEDULE, t, lambda x: k * x) == pytest.approx((k + 1 / v) ** 2 * v, abs=1e-12)
    with pytest.raises(BadInput, match=r"for d = 1; got d = 2\."):
        conditional_loss(eight_gaussians().law, SCHEDULE, 1, torch.neg)
