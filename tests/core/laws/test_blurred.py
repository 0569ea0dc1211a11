"""The KL of blurred laws: its parts against a mixture and against a formula; it is no larger than the KL itself."""

import math

import pytest
import torch

from diffusion_core.data.toys import eight_gaussians
from diffusion_core.errors import BadInput
from diffusion_core.laws.blurred import BLUR, blurred, blurred_kl, kernel_log_prob
from diffusion_core.laws.law import log_sum_exp
from diffusion_core.laws.mixtures import GaussianMixture


def normal(sd: float) -> GaussianMixture:
    return GaussianMixture.isotropic([1.0], [[0.0, 0.0]], sd)


def gaussians_kl(of: float, to: float) -> float:
    """KL(N(0, of I) || N(0, to I)) in the plane, from the variances."""
    return of / to - 1 - math.log(of / to)


def test_the_estimate_is_a_mixture_with_a_bead_a_sample() -> None:
    generator = torch.Generator().manual_seed(0)
    samples, y = (torch.randn((n, 2), generator=generator, dtype=torch.float64) for n in (300, 50))
    expected = GaussianMixture.isotropic(torch.full((300,), 1 / 300), samples, 0.2).log_prob(y)
    assert (kernel_log_prob(y, samples, 0.2) - expected).abs().max() < 1e-10
    assert (kernel_log_prob(y, samples, 0.3) - expected).abs().max() > 0.1
    far = kernel_log_prob(torch.tensor([[1e3, 0.0]]), samples, 0.2)
    assert torch.isfinite(far).all() and far < -1e7


def test_sums_of_exponentials_do_not_overflow_or_underflow() -> None:
    logits = torch.tensor([[0.0, -1.0, -2000.0], [3e4, 3e4, 0.0]], dtype=torch.float64)
    assert torch.allclose(log_sum_exp(logits.clone()), torch.logsumexp(logits, 1), rtol=1e-14)


def test_a_blurred_law_is_the_law_of_x_and_noise() -> None:
    law = eight_gaussians().law
    assert torch.allclose(blurred(law, 0.3).covariance(), law.covariance() + 0.09 * torch.eye(2).double())
    assert torch.equal(blurred(law, 0.3).means, law.means)


def test_two_gaussians_are_told_apart_as_the_formula_says() -> None:
    """N(0, I) as data, samples too narrow: both directions, and below the KL of what was not blurred."""
    generator, h = torch.Generator().manual_seed(1), 0.4
    samples = normal(0.8).sample(8000, generator)
    found = blurred_kl(normal(1.0), samples, generator, h)
    p, q = 1 + h * h, 0.64 + h * h
    assert found.of_data == pytest.approx(gaussians_kl(p, q), abs=0.03)
    assert found.of_samples == pytest.approx(gaussians_kl(q, p), abs=0.03)
    assert gaussians_kl(p, q) < gaussians_kl(1, 0.64) and gaussians_kl(q, p) < gaussians_kl(0.64, 1)
    assert abs(found.of_data - gaussians_kl(1, 0.64)) > 0.03  # the one that was not blurred is another number


def test_the_truth_is_near_0_and_a_lost_mode_is_not() -> None:
    law, generator = eight_gaussians().law, torch.Generator().manual_seed(2)
    samples = law.sample(10_000, generator)
    assert BLUR == 0.05 and -0.02 < blurred_kl(law, samples, generator).of_data < 0.03
    some = samples[(samples - law.means[0]).norm(dim=1) > 0.5]  # seven modes of eight
    assert blurred_kl(law, some, generator).of_data > 5
    assert blurred_kl(law, some, generator).of_samples == pytest.approx(math.log(8 / 7), abs=0.05)


def test_too_few_samples_are_one_sentence() -> None:
    with pytest.raises(BadInput, match="samples must have at least 20 rows; got 19"):
        blurred_kl(normal(1.0), torch.zeros(19, 2), torch.Generator())
