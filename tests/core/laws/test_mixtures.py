"""Gaussian mixtures against derivatives, quadrature, closed forms and draws; each check rejects a wrong variant.

Stochastic checks have pinned seeds; |z| < 4.5 has a false alarm rate of 7e-6 each, so that a new seed passes as well.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor
from torch.autograd.functional import hessian

from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.posterior import transition
from diffusion_core.schedule import linear
from tests.core.laws.examples import (
    BIMODAL,
    PAIRS,
    SCHEDULE,
    TIMES,
    Z,
    error,
    gen,
    levels,
    noisy,
    normal,
    some_mixture,
)


@pytest.mark.parametrize("t", TIMES)
def test_covariance_is_second_order_tweedie(t: int) -> None:
    law, (abar, rest) = some_mixture(), levels(t)
    x = noisy(law, t)[0]
    now = law.at(SCHEDULE, t)
    H = torch.stack([hessian(now.log_prob, row) for row in x])
    got = now.x0_covariance(x)
    scale = law.covariance().abs().max()
    identity = torch.eye(2, dtype=torch.float64)
    assert (got - rest / abar * (identity + rest * H)).abs().max() < 1e-9 * scale
    assert (got - rest / abar * (identity - rest * H)).abs().max() > 1e-5 * scale


@pytest.mark.parametrize("t", TIMES)
def test_posterior_moments_by_quadrature(t: int) -> None:
    """E and Var of x_0 given x_t from the data's density times the kernel: no formula of the module but log_prob."""
    law, (abar, rest) = BIMODAL, levels(t)
    x0 = torch.linspace(-2.5, 2.5, 200001, dtype=torch.float64)
    prior = 0.5 * (stats.norm.pdf(x0, -0.9, 0.1) + stats.norm.pdf(x0, 0.9, 0.1))
    for x_t in (-0.4, 0.0, 0.03, 0.9):
        kernel = torch.exp(-0.5 * (x_t - math.sqrt(abar) * x0) ** 2 / rest)
        density = torch.from_numpy(prior) * kernel
        density = density / density.sum()
        mean = (density * x0).sum()
        variance = (density * (x0 - mean) ** 2).sum()
        x = torch.tensor([x_t], dtype=torch.float64)
        assert abs(law.at(SCHEDULE, t).x0_mean(x).item() - mean.item()) < 1e-9
        assert abs(law.at(SCHEDULE, t).x0_covariance(x).item() - variance.item()) < 1e-9
        if x_t == -0.4:  # the noise-blind estimate, x_t rescaled, is something else
            assert abs(x_t / math.sqrt(abar) - mean.item()) > 1e-3


def test_densities_integrate_to_one() -> None:
    x = torch.linspace(-9, 9, 100001, dtype=torch.float64)
    for t in [0, *TIMES]:
        mass = torch.trapezoid(BIMODAL.at(SCHEDULE, t).log_prob(x[:, None]).exp(), x).item()
        assert abs(mass - 1) < 1e-9
    kernel_only = torch.exp(-0.5 * (x - 0.9) ** 2 / 0.01)
    assert abs(torch.trapezoid(kernel_only, x).item() - 1) > 0.5  # the exponent without its normaliser


def test_responsibilities_are_bayes() -> None:
    law, t = some_mixture(), 200
    x, (abar, rest) = noisy(law, t)[0], levels(t)
    kernel = [
        stats.multivariate_normal(math.sqrt(abar) * m, abar * C + rest * np.eye(2)).pdf(x)
        for m, C in zip(law.means.numpy(), law.covariances.numpy(), strict=True)
    ]
    joint = torch.from_numpy(np.stack(kernel, -1))
    assert error(law.at(SCHEDULE, t).responsibilities(x), law.weights * joint / (joint @ law.weights)[:, None]) < 1e-10
    assert error(law.at(SCHEDULE, t).responsibilities(x), joint / joint.sum(-1, keepdim=True)) > 1e-2  # no prior


# --- the reverse step -------------------------------------------------------------------------------------------------


def test_reverse_conditional_keeps_far_points_although_their_weight_underflows() -> None:
    law = GaussianMixture.isotropic([0.5, 0.5], [[-1.0], [1.0]], 0.0)
    x_t, x_s = torch.tensor([[1.0]]).double(), torch.tensor([[-1.0]]).double()
    reverse = law.at(SCHEDULE, 2).reverse_conditional(x_t, 1)
    assert reverse.weights[0, 0] == 0
    assert torch.isfinite(reverse.log_prob(x_s)).all()
    pair = transition(SCHEDULE, 2, 1)
    forward = -0.5 * ((1 + math.sqrt(pair.alpha)) ** 2 / pair.beta + math.log(2 * math.pi * pair.beta))
    truth = forward + law.at(SCHEDULE, 1).log_prob(x_s) - law.at(SCHEDULE, 2).log_prob(x_t)
    assert error(reverse.log_prob(x_s), truth) < 1e-10
    lost = GaussianMixture.of(reverse.weights[0], reverse.means[0], reverse.covariances)  # the weights, underflown
    assert error(lost.log_prob(x_s), truth) > 1e-2


def test_reverse_conditional_to_zero_is_the_posterior_of_x0() -> None:
    law, t = some_mixture(), 200
    x = noisy(law, t)[0]
    reverse = law.at(SCHEDULE, t).reverse_conditional(x, 0)
    assert error(reverse.mean(), law.at(SCHEDULE, t).x0_mean(x)) < 1e-10
    assert error(reverse.covariance(), law.at(SCHEDULE, t).x0_covariance(x)) < 1e-10
    halfway = law.at(SCHEDULE, t).reverse_conditional(x, 100)
    assert error(halfway.mean(), law.at(SCHEDULE, t).x0_mean(x)) > 1e-2


def test_rows_are_mixtures_of_their_own() -> None:
    law, t, s = some_mixture(), 300, 100
    x = noisy(law, t, n=5)[0]
    together = law.at(SCHEDULE, t).reverse_conditional(x, s)
    grid = normal(11, 1, 2, seed=8)
    assert together.log_prob(grid).shape == (11, 5)
    assert together.sample(3, gen()).shape == (3, 5, 2)
    for i, row in enumerate(x):
        alone = law.at(SCHEDULE, t).reverse_conditional(row, s)
        assert error(together.log_prob(grid)[:, i], alone.log_prob(grid[:, 0])) < 1e-10
        assert error(together.log_prob(grid)[:, i - 1], alone.log_prob(grid[:, 0])) > 1e-3


def test_one_place_under_many_rows() -> None:
    """x of no rows against mixtures with rows: an answer for each row, at t = 0 too."""
    rows = some_mixture().at(SCHEDULE, 300).reverse_conditional(normal(3, 2), 200)
    for t in (0, 100):
        at = torch.zeros(2, dtype=torch.float64)
        now = rows.at(SCHEDULE, t)
        for ask in (now.eps, now.x0_mean, now.x0_variance):
            assert ask(at).shape == (3, 2)
        assert now.x0_covariance(at).shape == (3, 2, 2)


def test_samples_of_the_reverse_conditional_have_its_law() -> None:
    law, t, s = BIMODAL, 300, 1
    x_t = torch.tensor([[0.1], [0.6]], dtype=torch.float64)
    reverse = law.at(SCHEDULE, t).reverse_conditional(x_t, s)
    draws = reverse.sample(20_000, gen(6))
    p_values = {}
    for i, j in [(0, 0), (1, 1), (0, 1)]:  # draws of row i against the law of row j

        def cdf(x: NDArray[np.float64], j: int = j) -> NDArray[np.float64]:
            sd = reverse.covariances[:, 0, 0].sqrt().numpy()
            z = (x[:, None] - reverse.means[j, :, 0].numpy()) / sd
            return np.asarray(stats.norm.cdf(z) @ reverse.weights[j].numpy())

        p_values[i, j] = stats.kstest(draws[:, i, 0].numpy(), cdf).pvalue
    assert p_values[0, 0] > 1e-4 and p_values[1, 1] > 1e-4
    assert p_values[0, 1] < 1e-12


@pytest.mark.parametrize("variance", [0.0, 0.01, 0.25, 1.0, 4.0])
@pytest.mark.parametrize(("t", "s"), PAIRS)
def test_gaussian_closed_forms(variance: float, t: int, s: int) -> None:
    mean = 0.7
    law = GaussianMixture.of([1.0], [[mean]], [[[variance]]])
    (abar, rest), (abar_s, rest_s) = levels(t), levels(s)
    pair, v_t, v_s = transition(SCHEDULE, t, s), abar * variance + rest, abar_s * variance + rest_s
    x = normal(9, 1)
    assert error(law.at(SCHEDULE, t).eps(x), math.sqrt(rest) * (x - math.sqrt(abar) * mean) / v_t) < 1e-10
    x0_mean = mean + math.sqrt(abar) * variance / v_t * (x - math.sqrt(abar) * mean)
    assert error(law.at(SCHEDULE, t).x0_mean(x), x0_mean) < 1e-10
    spread = law.at(SCHEDULE, t).x0_covariance(x)
    assert (spread - variance * rest / v_t).abs().max() < 1e-10 * max(variance, 1e-3)
    reverse = law.at(SCHEDULE, t).reverse_conditional(x, s)
    slope = math.sqrt(pair.alpha) * v_s / v_t
    assert error(reverse.mean(), math.sqrt(abar_s) * mean + slope * (x - math.sqrt(abar) * mean)) < 1e-10
    assert abs(reverse.covariance()[0].item() / (pair.beta * v_s / v_t) - 1) < 1e-10
    if variance not in (0.0, 1.0):  # beta_tilde is right for a point only, beta for unit variance only
        assert abs(reverse.covariance()[0].item() / pair.beta_tilde - 1) > 1e-10
        assert abs(reverse.covariance()[0].item() / pair.beta - 1) > 1e-10


# --- draws and moments ------------------------------------------------------------------------------------------------


def mean_and_covariance_z(draws: Tensor, mean: Tensor, covariance: Tensor) -> float:
    """The largest |z| among the means and the products of deviations (variance of products estimated)."""
    deviation = draws - mean
    products = (deviation.unsqueeze(-1) * deviation.unsqueeze(-2)).flatten(1) - covariance.flatten()
    both = torch.cat([deviation, products], 1)
    return (both.mean(0) / both.std(0) * math.sqrt(len(both))).abs().max().item()


def test_samples_have_the_stated_moments() -> None:
    law = some_mixture(3)
    draws = law.sample(200_000, gen(4))
    assert mean_and_covariance_z(draws, law.mean(), law.covariance()) < Z
    assert mean_and_covariance_z(1.02 * draws, law.mean(), law.covariance()) > Z
    within_only = torch.einsum("k,kde->de", law.weights, law.covariances)  # without the spread of the means
    assert mean_and_covariance_z(draws, law.mean(), within_only) > Z
    assert abs(law.second_moment - (law.covariance().trace() + law.mean() @ law.mean()).item() / 3) < 1e-12
    assert abs(law.variance - law.second_moment) > 1e-3


def test_the_density_of_the_data_themselves() -> None:
    law, x = BIMODAL, torch.tensor([[-0.85], [0.02], [0.3]], dtype=torch.float64)
    parts = torch.stack([0.5 * torch.from_numpy(stats.norm(m, 0.1).pdf(x[:, 0].numpy())) for m in (-0.9, 0.9)], 1)
    assert error(law.log_prob(x), parts.sum(1).log()) < 1e-12
    assert error(law.responsibilities(x), parts / parts.sum(1, keepdim=True)) < 1e-12
    slopes = parts * (torch.tensor([-0.9, 0.9], dtype=torch.float64) - x) / 0.1**2
    assert error(law.score(x), slopes.sum(1, keepdim=True) / parts.sum(1, keepdim=True)) < 1e-12
    for ask in (some_mixture().log_prob, some_mixture().responsibilities, some_mixture().score):
        with pytest.raises(BadInput, match="The density at t = 0 exists only if no covariance is singular"):
            ask(torch.zeros(1, 2))


@pytest.mark.parametrize("t", [10, 100, 500])
def test_residual_is_orthogonal_to_the_prediction(t: int) -> None:
    """E[(eps - eps*) . eps*] = 0: nothing predictable is left. False for any other multiple of eps*, and for eps."""
    law = some_mixture()
    x_t, _, eps = noisy(law, t, n=100_000, seed=10)
    best = law.at(SCHEDULE, t).eps(x_t)

    def z(prediction: Tensor, target: Tensor = eps) -> float:
        product = ((target - prediction) * prediction).sum(-1)
        return (product.mean() / product.std() * math.sqrt(len(product))).abs().item()

    assert z(best) < Z
    assert z(0.9 * best) > Z
    assert z(eps, target=best) > Z  # the model does not return the noise that was added
    length = best.square().sum(-1).mean().item() / 2
    assert length < 0.99


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_mixture_any_time(data: st.DataObject) -> None:
    K, d, T = (data.draw(st.integers(1, 4)) for _ in range(3))
    t = data.draw(st.integers(0, T))
    numbers = st.floats(-3, 3)
    means = data.draw(st.lists(st.lists(numbers, min_size=d, max_size=d), min_size=K, max_size=K))
    raw = torch.tensor(data.draw(st.lists(st.floats(0, 1), min_size=K, max_size=K)), dtype=torch.float64) + 1e-3
    sd = data.draw(st.lists(st.sampled_from([0.0, 1e-3, 0.5, 2.0]), min_size=K, max_size=K))
    x = torch.tensor(data.draw(st.lists(numbers, min_size=d, max_size=d)), dtype=torch.float64)
    law, schedule = GaussianMixture.isotropic(raw / raw.sum(), means, sd), linear(T=T, beta_end=0.5)
    x0, covariance = law.at(schedule, t).x0_mean(x), law.at(schedule, t).x0_covariance(x)
    assert x0.shape == (d,) and covariance.shape == (d, d)
    assert torch.isfinite(x0).all() and torch.isfinite(law.at(schedule, t).eps(x)).all()
    assert torch.linalg.eigvalsh(covariance).min() > -1e-9
    if t:
        assert abs(law.at(schedule, t).responsibilities(x).sum().item() - 1) < 1e-12
        assert torch.isfinite(law.at(schedule, t).reverse_conditional(x, t - 1).means).all()


# --- bad input --------------------------------------------------------------------------------------------------------


ROWS = BIMODAL.at(SCHEDULE, 5).reverse_conditional(torch.zeros(2, 1), 4)


@pytest.mark.parametrize(
    ("sentence", "call"),
    [
        ("sd must not be negative", lambda: GaussianMixture.isotropic([1.0], [[0.0]], -1.0)),
        ("sd must be one number or one for each", lambda: GaussianMixture.isotropic([1.0], [[0.0]], [1.0, 2.0])),
        ("sd must be one number or one for each", lambda: GaussianMixture.isotropic([1.0], [[0.0]], [[1.0]])),
        ("sd must be one number or one for each", lambda: GaussianMixture.isotropic([1.0], [0.0], 1.0)),
        ("weights must sum to 1", lambda: GaussianMixture.isotropic([0.5, 0.4], [[0.0], [1.0]], 1.0)),
        (r"shapes .* got \(1,\), \(2, 1\)", lambda: GaussianMixture.isotropic([1.0], [[0.0], [1.0]], 1.0)),
        ("x_t must have 1 numbers in its last axis", lambda: BIMODAL.at(SCHEDULE, 1).eps(torch.zeros(3, 2))),
        ("x_t must hold finite numbers only", lambda: BIMODAL.at(SCHEDULE, 1).eps(torch.tensor([math.nan]))),
        ("x_t must be a tensor of floating", lambda: BIMODAL.at(SCHEDULE, 1).eps(torch.tensor([1]))),
        ("x_t must be a tensor of floating", lambda: BIMODAL.log_prob([1.0])),  # type: ignore[arg-type]
        ("t must be", lambda: BIMODAL.at(SCHEDULE, 1001)),
        ("s must be", lambda: BIMODAL.at(SCHEDULE, 5).reverse_conditional(torch.zeros(1), 5)),
        ("n must be an integer of at least 1; got 0", lambda: BIMODAL.sample(0, gen())),
        ("n must be an integer of at least 1; got 2.5", lambda: BIMODAL.sample(2.5, gen())),  # type: ignore[arg-type]
        ("n must be an integer of at least 1; got True", lambda: BIMODAL.sample(True, gen())),
        ("generator must be a torch.Generator; got NoneType", lambda: BIMODAL.sample(1, None)),  # type: ignore[arg-type]
        (
            "denoiser is defined for one mixture",
            lambda: BIMODAL.at(SCHEDULE, 5).reverse_conditional(torch.zeros(2, 1), 4).denoiser(SCHEDULE),
        ),
        (
            "variance is defined for one",
            lambda: BIMODAL.at(SCHEDULE, 5).reverse_conditional(torch.zeros(2, 1), 4).variance,
        ),
        (
            "centres is defined for one",
            lambda: BIMODAL.at(SCHEDULE, 5).reverse_conditional(torch.zeros(2, 1), 4).centres,
        ),
    ],
)
def test_bad_arguments(sentence: str, call: Callable[[], object]) -> None:
    with pytest.raises(BadInput, match=sentence):
        call()


# --- the spectral form ----------------------------------------------------------------------------------------------


def test_isotropic_is_what_its_covariances_make() -> None:
    means, sd = normal(3, 2), torch.tensor([0.1, 0.0, 2.0]).double()
    quick = GaussianMixture.isotropic([0.2, 0.3, 0.5], means, sd)
    slow = GaussianMixture.of([0.2, 0.3, 0.5], means, sd.square()[:, None, None] * torch.eye(2).double())
    x = normal(9, 2, seed=1)
    assert error(quick.covariances, slow.covariances) < 1e-14
    assert error(quick.at(SCHEDULE, 100).eps(x), slow.at(SCHEDULE, 100).eps(x)) < 1e-12
    assert error(quick.at(SCHEDULE, 100).eps(x), slow.at(SCHEDULE, 99).eps(x)) > 1e-4


def test_what_is_noised_is_a_mixture_that_may_be_noised_again() -> None:
    """The law of x_t, noised to u: that of x_0 with alpha_bar_t alpha_bar_u."""
    law, (abar, rest), (later, more) = some_mixture(), levels(100), levels(300)
    twice, x = law.at(SCHEDULE, 100).at(SCHEDULE, 300), normal(9, 2)
    C = later * abar * law.covariances + (later * rest + more) * torch.eye(2, dtype=torch.float64)
    expected = GaussianMixture.of(law.weights, math.sqrt(abar * later) * law.means, C)
    assert error(twice.log_prob(x), expected.log_prob(x)) < 1e-12
    assert error(twice.x0_mean(x), law.at(SCHEDULE, 300).x0_mean(x)) > 1e-3  # its x_0 is our x_t
    assert error(twice.rotated_means, torch.einsum("kd,kde->ke", twice.means, twice.eigenvectors)) < 1e-14


def test_a_mixture_travels_once() -> None:
    elsewhere, law = torch.device("meta"), some_mixture()
    assert law.to(torch.device("cpu")) is law and law.to(elsewhere) is law.to(elsewhere)
    assert law.to(elsewhere).eigenvectors.device == elsewhere
    noised = law.at(SCHEDULE, 5)
    there = noised.to(elsewhere)
    assert noised.to(torch.device("cpu")) is noised
    assert there.law is law.to(elsewhere) and there.means.device == elsewhere and there.t == 5
