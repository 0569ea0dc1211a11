"""Integrals over densities against closed forms, SciPy and draws; each check rejects a wrong variant."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import integrate, stats

from diffusion_core.errors import BadInput
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import expectation_nodes, kl_to_normal, log_normal
from diffusion_core.schedule import cosine, linear, scaled_linear, zero_terminal_snr
from tests.core.laws.examples import (
    BIMODAL,
    SCHEDULE,
    TIMES,
    UNEVEN,
    AnyLaw,
    Z,
    close,
    gaussian,
    levels,
    noisy,
    normal,
    plane,
    some_mixture,
)

ONE = linear(T=1, beta_start=1e-9, beta_end=1e-9)  # hardly any noise


def gaussian_kl(mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> float:
    return float(0.5 * (np.trace(covariance) + mean @ mean - len(mean) - np.linalg.slogdet(covariance)[1]))


@pytest.mark.parametrize("t", [0, *TIMES])
def test_kl_quadrature_of_a_gaussian(t: int) -> None:
    abar, rest = levels(t)
    for mean, covariance, tolerance in [([0.3], [[0.25]], 1e-9), ([0.3, -0.2], [[0.1, 0.09], [0.09, 0.1]], 1e-6)]:
        law = GaussianMixture.of([1.0], [mean], [covariance])
        d = len(mean)
        truth = gaussian_kl(math.sqrt(abar) * np.array(mean), abar * np.array(covariance) + rest * np.eye(d))
        got = kl_to_normal(law.at(SCHEDULE, t))
        assert abs(got - truth) < tolerance
        assert abs(got / truth - 1) < 1e-6  # a tiny KL keeps its digits
        in_bits = got / math.log(2)
        assert abs(in_bits / truth - 1) > 0.1


def test_kl_quadrature_sees_a_thin_slanted_ridge() -> None:
    """Rank one along (1, 1): wide on both axes, thin across."""
    law, t = GaussianMixture.of([1.0], [[0.2, 0.1]], [[[0.3, 0.3], [0.3, 0.3]]]), 10
    marginal = law.at(SCHEDULE, t)
    truth = gaussian_kl(marginal.means[0].numpy(), marginal.covariances[0].numpy())
    assert abs(kl_to_normal(law.at(SCHEDULE, t)) - truth) < 1e-6
    axes_only = gaussian_kl(marginal.means[0].numpy(), np.diag(np.diag(marginal.covariances[0])))
    assert abs(axes_only - truth) > 0.1


@pytest.mark.parametrize("t", [0, 1, 100, 500])
def test_kl_of_a_mixture_by_scipy(t: int) -> None:
    law = BIMODAL.at(SCHEDULE, t)
    sd, centre = law.covariances[0].sqrt().item(), law.means[1].item()

    def q(x: float) -> float:
        return float(0.5 * (stats.norm.pdf(x, -centre, sd) + stats.norm.pdf(x, centre, sd)))

    def kl_part(x: float) -> float:
        return q(x) * (math.log(q(x)) - float(stats.norm.logpdf(x))) if q(x) > 1e-290 else 0.0

    reach = centre + 8 * sd
    breaks = [-centre, 0.0, centre]
    kl = integrate.quad(kl_part, -reach, reach, points=breaks, epsabs=1e-11, limit=400)[0]
    assert abs(kl_to_normal(BIMODAL.at(SCHEDULE, t)) - kl) < 1e-9
    matched = gaussian_kl(np.zeros(1), law.covariance().numpy())  # a Gaussian of the same moments
    assert abs(kl_to_normal(BIMODAL.at(SCHEDULE, t)) - matched) > 1e-6


def kl_by_draws(law: AnyLaw, t: int, n: int, seed: int) -> tuple[float, float]:
    """The mean of log q_t - log N over n draws of x_t, and its standard error."""
    x = noisy(law, t, n, seed)[0]
    ratio = law.at(SCHEDULE, t).log_prob(x) - log_normal(x, 0.0, 1.0).sum(-1)
    return ratio.mean().item(), ratio.std().item() / math.sqrt(n)


@pytest.mark.parametrize(("law", "t"), [(BIMODAL, 100), (BIMODAL, 10), (some_mixture(), 100)])
def test_kl_by_monte_carlo_agrees_with_quadrature(law: GaussianMixture, t: int) -> None:
    exact = kl_to_normal(law.at(SCHEDULE, t))
    estimate, se = kl_by_draws(law, t, 100_000, 3)
    assert abs(estimate - exact) < Z * se
    x = normal(100_000, law.dimension, seed=1)  # draws from the wrong side: KL(N || q)
    other = log_normal(x, 0.0, 1.0).sum(-1) - law.at(SCHEDULE, t).log_prob(x)
    assert abs(other.mean().item() - exact) > Z * other.std().item() / math.sqrt(len(other))


def test_kl_is_positive_for_every_schedule_and_falls() -> None:
    for schedule in (SCHEDULE, cosine(T=1000), scaled_linear(T=1000)):
        values = [kl_to_normal(BIMODAL.at(schedule, t)) for t in (10, 100, 500, 1000)]
        assert values == sorted(values, reverse=True)
        assert values[-1] > 0
    assert kl_to_normal(BIMODAL.at(zero_terminal_snr(SCHEDULE), 1000)) < 1e-15


def test_finite_data_kl_is_that_of_the_same_mixture() -> None:
    points = normal(4, 1)
    exact = kl_to_normal(GaussianMixture.isotropic([0.25] * 4, points, 0.0).at(SCHEDULE, 300))
    estimate, se = kl_by_draws(FiniteData(points), 300, 50_000, 2)
    assert abs(estimate - exact) < Z * se
    assert abs(estimate - kl_to_normal(BIMODAL.at(SCHEDULE, 300))) > Z * se


@pytest.mark.parametrize("t", [10, 100, 500, 1000])
def test_in_the_plane_the_kl_of_independent_coordinates_adds(t: int) -> None:
    """Down to 1e-13, relatively: the sum over a lattice keeps the digits of tiny values."""
    got = kl_to_normal(plane().at(SCHEDULE, t))
    sides = [kl_to_normal(law.at(SCHEDULE, t)) for law in (BIMODAL, gaussian(0.25, 0.2))]
    assert close(got, sum(sides), 2e-6)
    assert not close(got, sides[0], 1e-3)
    apart = GaussianMixture.isotropic([0.5, 0.5], [[-0.575, 0.0], [0.575, 0.0]], 0.2)  # where the lattice is worst
    line = [GaussianMixture.isotropic([0.5, 0.5], [[-0.575], [0.575]], 0.2), gaussian(0.04)]
    assert abs(kl_to_normal(apart) - sum(map(kl_to_normal, line))) < 1e-6
    corners = GaussianMixture.isotropic([0.25] * 4, [[-0.9, -0.9], [-0.9, 0.9], [0.9, -0.9], [0.9, 0.9]], 0.1)
    last = kl_to_normal(corners.at(cosine(1000), 1000))
    assert close(last, 2 * kl_to_normal(BIMODAL.at(cosine(1000), 1000)), 1e-4) and last < 1e-15


@pytest.mark.parametrize("mean", [[0.0, 0.0], [3.0, -1.0], [20.0, 0.0]])
@pytest.mark.parametrize("sd", [0.05, 0.9, 1.0, 3.0])
def test_in_the_plane_where_the_normal_lies_outside_of_the_box(mean: list[float], sd: float) -> None:
    truth = gaussian_kl(np.array(mean), sd**2 * np.eye(2))
    got = kl_to_normal(GaussianMixture.isotropic([1.0], [mean], sd))
    assert abs(got - truth) < 1e-9 * max(1.0, truth)
    many = GaussianMixture.isotropic([1 / 400] * 400, [mean] * 400, sd)  # the same law, in parts
    assert abs(kl_to_normal(many) - truth) < 1e-8 * max(1.0, truth)


@pytest.mark.parametrize("law", [BIMODAL, UNEVEN, gaussian(0.25, 1.0)])
def test_the_nodes_know_the_moments(law: GaussianMixture) -> None:
    for t in (1, 100, 1000):
        now = law.at(SCHEDULE, t)
        x, weights = expectation_nodes(now)
        assert x.shape == (len(weights), 1) and close(weights.sum().item(), 1.0, 1e-12)
        assert abs((weights @ x[:, 0] - now.mean()).item()) < 1e-12
        spread = (weights @ (x[:, 0] - now.mean()).square()).item()
        assert close(spread, now.variance) and not close(spread, 1.001 * now.variance)


def test_the_log_of_a_normal_density() -> None:
    x = normal(9)
    expected = torch.from_numpy(stats.norm(0.3, math.sqrt(0.7)).logpdf(x.numpy()))
    assert (log_normal(x, 0.3, 0.7) - expected).abs().max() < 1e-14
    assert (log_normal(x, 0.3, 0.7**2) - expected).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("sentence", "call"),
    [
        (r"1 or 2 dimensions; got means of shape \(4, 3\)", lambda: kl_to_normal(some_mixture(3).at(SCHEDULE, 10))),
        (
            r"for one mixture .*; got means of shape \(2, 2, 1\)",
            lambda: kl_to_normal(BIMODAL.at(SCHEDULE, 5).reverse_conditional(torch.zeros(2, 1), 4)),
        ),
        ("singular", lambda: kl_to_normal(some_mixture().at(SCHEDULE, 0))),
        (
            r"too narrow for quadrature \(\de\+\d\d evaluations, at most 3e\+08\)",
            lambda: kl_to_normal(GaussianMixture.of([1.0], [[0.0, 0]], [[[1.0, 1], [1, 1]]]).at(ONE, 1)),
        ),
        ("for d = 1; got d = 2", lambda: expectation_nodes(plane())),
        ("a component without width", lambda: expectation_nodes(gaussian(0.0))),
        (
            "too narrow for quadrature",
            lambda: expectation_nodes(GaussianMixture.isotropic([0.5, 0.5], [[0.0], [1.0]], [1e-9, 1.0])),
        ),
    ],
)
def test_bad_arguments(sentence: str, call: Callable[[], object]) -> None:
    with pytest.raises(BadInput, match=sentence):
        call()
