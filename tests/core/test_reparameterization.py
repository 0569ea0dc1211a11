"""Both gradients against autograd; their means and variances against exact quadrature."""

import numpy as np
import pytest
import torch

from diffusion_core.claims.reparameterization import DETACH, Training, loss_gradients
from diffusion_core.errors import BadInput
from diffusion_core.reparameterization import (
    cosine_variances,
    gradient_variances,
    pathwise_gradients,
    score_function_gradients,
)
from diffusion_core.schedule import linear

SETTINGS = [(1.0, 0.5), (0.0, 1.0), (-2.0, 0.2), (0.3, 2.0)]


@pytest.mark.parametrize(("mu", "sigma"), SETTINGS)
def test_each_estimate_is_what_autograd_says(mu: float, sigma: float) -> None:
    eps = torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    m = torch.full((50,), mu, dtype=torch.float64, requires_grad=True)
    s = torch.full((50,), sigma, dtype=torch.float64, requires_grad=True)
    through = torch.stack(torch.autograd.grad(((m + s * eps) ** 2).sum(), (m, s)), -1)
    torch.testing.assert_close(pathwise_gradients(mu, sigma, eps), through, rtol=1e-12, atol=1e-12)
    z = (m + s * eps).detach()
    log_density = torch.distributions.Normal(m, s).log_prob(z)
    score = torch.stack(torch.autograd.grad(log_density.sum(), (m, s)), -1)
    torch.testing.assert_close(score_function_gradients(mu, sigma, eps), z[:, None] ** 2 * score, rtol=1e-9, atol=1e-9)
    assert (score_function_gradients(mu, sigma, eps) - through).abs().max() > 0.1


@pytest.mark.parametrize(("mu", "sigma"), SETTINGS)
def test_means_and_variances_by_quadrature_that_is_exact_for_polynomials(mu: float, sigma: float) -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    eps = torch.from_numpy(nodes)
    for column, exact in enumerate((2 * mu, 2 * sigma)):
        for which, estimate in enumerate((pathwise_gradients, score_function_gradients)):
            g = estimate(mu, sigma, eps)[:, column].numpy()
            variance = weights @ g**2 - (weights @ g) ** 2
            assert weights @ g == pytest.approx(exact, abs=1e-10)
            assert gradient_variances(mu, sigma)[column][which] == pytest.approx(variance, rel=1e-10)
            assert gradient_variances(mu, 1.1 * sigma)[column][which] != pytest.approx(variance, rel=1e-3)


def test_the_figures_for_two_settings() -> None:
    assert gradient_variances(1.0, 0.5)[0] == (1.0, 21.75)
    assert gradient_variances(0.0, 1.0)[0] == (4.0, 15.0)


def test_detach_changes_a_gradient_only_where_something_learned_makes_x_t() -> None:
    setting = Training(linear(1000), t=300)
    for noising, same in ((DETACH.truth, True), *((learned, False) for learned in DETACH.mistakes.values())):
        whole, cut = (loss_gradients(noising, setting, 5, detach) for detach in (False, True))
        assert torch.equal(whole, cut) == same
        assert torch.equal(whole[:-1], cut[:-1]), "the network's own gradient never changes"
        assert whole[:-1].abs().max() > 0


def test_the_learned_schedule_starts_as_the_fixed_one() -> None:
    setting = Training(linear(1000), t=300)
    fixed = loss_gradients(DETACH.truth, setting, 5, detach=True)
    for learned in DETACH.mistakes.values():
        torch.testing.assert_close(loss_gradients(learned, setting, 5, detach=True), fixed, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan"), float("inf")])
def test_sigma_must_be_positive(sigma: float) -> None:
    for call in (lambda: gradient_variances(1.0, sigma), lambda: pathwise_gradients(1.0, sigma, torch.zeros(1))):
        with pytest.raises(BadInput, match="sigma must be a finite number above 0"):
            call()


@pytest.mark.parametrize(("mu", "sigma"), SETTINGS)
@pytest.mark.parametrize("k", [1.0, 3.0])
def test_variances_for_a_cosine_against_the_trapezium_rule(mu: float, sigma: float, k: float) -> None:
    """The page's four corners; which is noisier is no law, and this page's sentence says so."""
    eps = np.linspace(-12, 12, 40_001)
    weights = np.exp(-(eps**2) / 2) / np.exp(-(eps**2) / 2).sum()
    z = mu + sigma * eps
    for got, g in zip(cosine_variances(mu, sigma, k), (-k * np.sin(k * z), np.cos(k * z) * eps / sigma), strict=True):
        assert got == pytest.approx(weights @ g**2 - (weights @ g) ** 2, rel=1e-9)


def test_which_estimator_is_noisier_depends_on_the_function() -> None:
    """Mohamed et al. 2020: for cos 10z the score function is 100 times less noisy; at sigma = 0.1 it is not."""
    pathwise, score = cosine_variances(0.3, 1.0, 10)
    assert pathwise == pytest.approx(50) and score == pytest.approx(0.5)
    pathwise, score = cosine_variances(0.3, 0.1, 1)
    assert score > pathwise
