"""The exact laws against derivatives, quadrature, closed forms and brute force; each check rejects a wrong variant.

Stochastic checks have pinned seeds; |z| < 4.5 has a false alarm rate of 7e-6 each, so that a new seed passes as well.
"""

import itertools
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from torch.utils._python_dispatch import TorchDispatchMode

from diffusion_core.errors import BadInput
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.posterior import transition
from diffusion_core.schedule import cosine, linear, scaled_linear, zero_terminal_snr

SCHEDULE = linear(T=1000)
ONE = linear(T=1, beta_start=1e-9, beta_end=1e-9)  # hardly any noise
TIMES = [1, 2, 10, 100, 500, 1000]
Z = 4.5


def gen(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=gen(seed))


def some_mixture(d=2):
    """Four components: full, rank one, zero, small; unequal weights."""
    root = 0.5 * normal(4, d, d, seed=1)
    covariances = root @ root.mT
    covariances[1] = 0.3 * torch.ones(d, d)
    covariances[2] = 0.0
    covariances[3] = 0.01 * torch.eye(d)
    return GaussianMixture([0.1, 0.4, 0.2, 0.3], normal(4, d, seed=2), covariances)


def bimodal():
    return GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.1)


def noisy(law, t, n=6, seed=3, schedule=SCHEDULE):
    """x_t, x_0 and eps drawn from the process."""
    x0 = law.sample(n, gen(seed))
    eps = normal(*x0.shape, seed=seed + 1)
    abar = schedule.alpha_bar[t]
    return abar.sqrt() * x0 + (1 - abar).sqrt() * eps, x0, eps


def levels(t, schedule=SCHEDULE):
    return schedule.alpha_bar[t].item(), schedule.one_minus_alpha_bar[t].item()


def error(got, truth):
    """The largest error, relative to the largest number."""
    return ((got - truth).abs().max() / truth.abs().max().clamp_min(1e-300)).item()


# ------------------------------------------------------------------------------------------------ derivatives
@pytest.mark.parametrize("law", [some_mixture(), some_mixture(3), FiniteData(normal(7, 3))], ids=["2d", "3d", "finite"])
@pytest.mark.parametrize("t", TIMES)
def test_score_is_the_gradient_of_log_prob(law, t):
    x = noisy(law, t)[0].requires_grad_()
    (gradient,) = torch.autograd.grad(law.log_prob(x, SCHEDULE, t).sum(), x)
    assert error(law.score(x, SCHEDULE, t), gradient) < 1e-9
    assert error(-law.eps(x, SCHEDULE, t), gradient) > 1e-6  # the score is not just -eps*


@pytest.mark.parametrize("t", TIMES)
def test_covariance_is_second_order_tweedie(t):
    law, (abar, rest) = some_mixture(), levels(t)
    x = noisy(law, t)[0]
    hessian = torch.stack([torch.autograd.functional.hessian(lambda y: law.log_prob(y, SCHEDULE, t), row) for row in x])
    got = law.x0_covariance(x, SCHEDULE, t)
    scale = law.covariance().abs().max()
    identity = torch.eye(2, dtype=torch.float64)
    assert (got - rest / abar * (identity + rest * hessian)).abs().max() < 1e-9 * scale
    assert (got - rest / abar * (identity - rest * hessian)).abs().max() > 1e-5 * scale


@pytest.mark.parametrize("law", [some_mixture(), FiniteData(normal(7, 2))], ids=["mixture", "finite"])
@pytest.mark.parametrize("t", TIMES)
def test_eps_and_x0_are_two_views_of_one_answer(law, t):
    x, (abar, rest) = noisy(law, t)[0], levels(t)
    eps, x0 = law.eps(x, SCHEDULE, t), law.x0_mean(x, SCHEDULE, t)
    assert error(math.sqrt(abar) * x0 + math.sqrt(rest) * eps, x) < 1e-10
    assert error(abar * x0 + rest * eps, x) > 1e-6  # without the roots


# ------------------------------------------------------------------------------------------------ quadrature
@pytest.mark.parametrize("t", TIMES)
def test_posterior_moments_by_quadrature(t):
    """E and Var of x_0 given x_t from the data's density times the kernel: no formula of the module but log_prob."""
    law, (abar, rest) = bimodal(), levels(t)
    x0 = torch.linspace(-2.5, 2.5, 200001, dtype=torch.float64)
    prior = 0.5 * (stats.norm.pdf(x0, -0.9, 0.1) + stats.norm.pdf(x0, 0.9, 0.1))
    for x_t in (-0.4, 0.0, 0.03, 0.9):
        kernel = torch.exp(-0.5 * (x_t - math.sqrt(abar) * x0) ** 2 / rest)
        density = torch.from_numpy(prior) * kernel
        density = density / density.sum()
        mean = (density * x0).sum()
        variance = (density * (x0 - mean) ** 2).sum()
        x = torch.tensor([x_t], dtype=torch.float64)
        assert abs(law.x0_mean(x, SCHEDULE, t).item() - mean.item()) < 1e-9
        assert abs(law.x0_covariance(x, SCHEDULE, t).item() - variance.item()) < 1e-9
        if x_t == -0.4:  # the noise-blind estimate, x_t rescaled, is something else
            assert abs(x_t / math.sqrt(abar) - mean.item()) > 1e-3


def test_densities_integrate_to_one():
    x = torch.linspace(-9, 9, 100001, dtype=torch.float64)
    for t in [0, *TIMES]:
        mass = torch.trapezoid(bimodal().log_prob(x[:, None], SCHEDULE, t).exp(), x).item()
        assert abs(mass - 1) < 1e-9
    kernel_only = torch.exp(-0.5 * (x - 0.9) ** 2 / 0.01)
    assert abs(torch.trapezoid(kernel_only, x).item() - 1) > 0.5  # the exponent without its normaliser


# ------------------------------------------------------------------------------------------------ the reverse step
PAIRS = [(2, 1), (100, 99), (300, 1), (1000, 500)]


@pytest.mark.parametrize("law", [some_mixture(), FiniteData(normal(5, 2))], ids=["mixture", "finite"])
@pytest.mark.parametrize(("t", "s"), PAIRS)
def test_bayes_identity(law, t, s):
    """log q(x_s|x_t) + log q_t(x_t) = log q(x_t|x_s) + log q_s(x_s)."""
    x_t, pair = noisy(law, t)[0], transition(SCHEDULE, t, s)
    reverse = law.reverse_conditional(x_t, SCHEDULE, t, s)
    x_s = reverse.sample(1, gen(5))[0]
    forward = -0.5 * ((x_t - math.sqrt(pair.alpha) * x_s) ** 2 / pair.beta + math.log(2 * math.pi * pair.beta)).sum(-1)
    truth = forward + law.log_prob(x_s, SCHEDULE, s) - law.log_prob(x_t, SCHEDULE, t)
    assert (reverse.log_prob(x_s) - truth).abs().max() < 1e-9
    sharper = GaussianMixture._derived(  # means right, but the variance that knows x_0
        reverse.log_weights, reverse.means, 0.9 * reverse.eigenvalues, reverse.eigenvectors
    )
    assert (sharper.log_prob(x_s) - truth).abs().max() > 1e-3


def bayes_gap(law, t, s, x_t, x_s, wider=1.0):
    """How far log q(x_s|x_t) q_t(x_t) is from log q(x_t|x_s) q_s(x_s), and the largest of the four logs."""
    pair, reverse = transition(SCHEDULE, t, s), law.reverse_conditional(x_t, SCHEDULE, t, s)
    values = wider * reverse.eigenvalues
    reverse = GaussianMixture._derived(reverse.log_weights, reverse.means, values, reverse.eigenvectors)
    forward = -0.5 * ((x_t - math.sqrt(pair.alpha) * x_s) ** 2 / pair.beta + math.log(2 * math.pi * pair.beta)).sum(-1)
    backward, at_s, at_t = reverse.log_prob(x_s), law.log_prob(x_s, SCHEDULE, s), law.log_prob(x_t, SCHEDULE, t)
    return (backward + at_t - forward - at_s).abs(), torch.stack([backward, forward, at_s, at_t]).abs().amax(0)


@pytest.mark.parametrize("seed", range(5))
def test_bayes_identity_keeps_its_digits_beside_thin_ridges(seed):
    """In the plane, eigenvalues from 1e-12 to 10, turned anyhow: 1e-11 at draws; at places anywhere the logs are up to
    1e8, and what is lost is the rounding of the largest."""
    u = torch.rand(4, 3, dtype=torch.float64, generator=gen(seed))
    angle = 2 * math.pi * u[:, 0]
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()], -1), torch.stack([angle.sin(), angle.cos()], -1)], -2)
    covariances = (turn * (10 ** (13 * u[:, None, 1:] - 12))) @ turn.mT
    law = GaussianMixture([0.1, 0.4, 0.2, 0.3], 3 * normal(4, 2, seed=seed), covariances)
    for t, s in ((20, 19), (2, 1), (300, 1)):
        x_t = noisy(law, t, n=100)[0]
        x_s = law.reverse_conditional(x_t, SCHEDULE, t, s).sample(1, gen(5))[0]
        assert bayes_gap(law, t, s, x_t, x_s)[0].max() < 1e-11 < bayes_gap(law, t, s, x_t, x_s, 1 + 1e-10)[0].max()
        gap, size = bayes_gap(law, t, s, x_t, 3 * normal(100, 2, seed=9))
        assert (gap < 1e-13 * size).all() and size.max() > 1e3


def test_reverse_conditional_keeps_far_points_although_their_weight_underflows():
    law = GaussianMixture.isotropic([0.5, 0.5], [[-1.0], [1.0]], 0.0)
    x_t, x_s = torch.tensor([[1.0]]).double(), torch.tensor([[-1.0]]).double()
    reverse = law.reverse_conditional(x_t, SCHEDULE, 2, 1)
    assert reverse.weights[0, 0] == 0
    assert torch.isfinite(reverse.log_prob(x_s)).all()
    pair = transition(SCHEDULE, 2, 1)
    forward = -0.5 * ((1 + math.sqrt(pair.alpha)) ** 2 / pair.beta + math.log(2 * math.pi * pair.beta))
    truth = forward + law.log_prob(x_s, SCHEDULE, 1) - law.log_prob(x_t, SCHEDULE, 2)
    assert error(reverse.log_prob(x_s), truth) < 1e-10
    lost = GaussianMixture(reverse.weights[0], reverse.means[0], reverse.covariances)  # the weights, underflown
    assert error(lost.log_prob(x_s), truth) > 1e-2


def test_reverse_conditional_to_zero_is_the_posterior_of_x0():
    law, t = some_mixture(), 200
    x = noisy(law, t)[0]
    reverse = law.reverse_conditional(x, SCHEDULE, t, 0)
    assert error(reverse.mean(), law.x0_mean(x, SCHEDULE, t)) < 1e-10
    assert error(reverse.covariance(), law.x0_covariance(x, SCHEDULE, t)) < 1e-10
    halfway = law.reverse_conditional(x, SCHEDULE, t, 100)
    assert error(halfway.mean(), law.x0_mean(x, SCHEDULE, t)) > 1e-2


def test_rows_are_mixtures_of_their_own():
    law, t, s = some_mixture(), 300, 100
    x = noisy(law, t, n=5)[0]
    together = law.reverse_conditional(x, SCHEDULE, t, s)
    grid = normal(11, 1, 2, seed=8)
    assert together.log_prob(grid).shape == (11, 5)
    assert together.sample(3, gen()).shape == (3, 5, 2)
    for i, row in enumerate(x):
        alone = law.reverse_conditional(row, SCHEDULE, t, s)
        assert error(together.log_prob(grid)[:, i], alone.log_prob(grid[:, 0])) < 1e-10
        assert error(together.log_prob(grid)[:, i - 1], alone.log_prob(grid[:, 0])) > 1e-3


# ------------------------------------------------------------------------------------------------ Gaussian data
@pytest.mark.parametrize("variance", [0.0, 0.01, 0.25, 1.0, 4.0])
@pytest.mark.parametrize(("t", "s"), PAIRS)
def test_gaussian_closed_forms(variance, t, s):
    mean = 0.7
    law = GaussianMixture([1.0], [[mean]], [[[variance]]])
    (abar, rest), (abar_s, rest_s) = levels(t), levels(s)
    pair, v_t, v_s = transition(SCHEDULE, t, s), abar * variance + rest, abar_s * variance + rest_s
    x = normal(9, 1)
    assert error(law.eps(x, SCHEDULE, t), math.sqrt(rest) * (x - math.sqrt(abar) * mean) / v_t) < 1e-10
    x0_mean = mean + math.sqrt(abar) * variance / v_t * (x - math.sqrt(abar) * mean)
    assert error(law.x0_mean(x, SCHEDULE, t), x0_mean) < 1e-10
    spread = law.x0_covariance(x, SCHEDULE, t)
    assert (spread - variance * rest / v_t).abs().max() < 1e-10 * max(variance, 1e-3)
    reverse = law.reverse_conditional(x, SCHEDULE, t, s)
    slope = math.sqrt(pair.alpha) * v_s / v_t
    assert error(reverse.mean(), math.sqrt(abar_s) * mean + slope * (x - math.sqrt(abar) * mean)) < 1e-10
    assert abs(reverse.covariance()[0].item() / (pair.beta * v_s / v_t) - 1) < 1e-10
    if variance not in (0.0, 1.0):  # beta_tilde is right for a point only, beta for unit variance only
        assert abs(reverse.covariance()[0].item() / pair.beta_tilde - 1) > 1e-10
        assert abs(reverse.covariance()[0].item() / pair.beta - 1) > 1e-10


# ------------------------------------------------------------------------------------------------ distance from noise
def gaussian_kl(mean, covariance):
    d = len(mean)
    return 0.5 * (np.trace(covariance) + mean @ mean - d - np.linalg.slogdet(covariance)[1])


@pytest.mark.parametrize("t", [0, *TIMES])
def test_kl_quadrature_of_a_gaussian(t):
    abar, rest = levels(t)
    for mean, covariance, tolerance in [([0.3], [[0.25]], 1e-9), ([0.3, -0.2], [[0.1, 0.09], [0.09, 0.1]], 1e-6)]:
        law = GaussianMixture([1.0], [mean], [covariance])
        d = len(mean)
        truth = gaussian_kl(math.sqrt(abar) * np.array(mean), abar * np.array(covariance) + rest * np.eye(d))
        got = law.kl_to_normal(SCHEDULE, t)
        assert abs(got - truth) < tolerance
        assert abs(got / truth - 1) < 1e-6  # a tiny KL keeps its digits
        in_bits = got / math.log(2)
        assert abs(in_bits / truth - 1) > 0.1


def test_kl_quadrature_sees_a_thin_slanted_ridge():
    """Rank one along (1, 1): wide on both axes, thin across."""
    law, t = GaussianMixture([1.0], [[0.2, 0.1]], [[[0.3, 0.3], [0.3, 0.3]]]), 10
    marginal = law.marginal(SCHEDULE, t)
    truth = gaussian_kl(marginal.means[0].numpy(), marginal.covariances[0].numpy())
    assert abs(law.kl_to_normal(SCHEDULE, t) - truth) < 1e-6
    axes_only = gaussian_kl(marginal.means[0].numpy(), np.diag(np.diag(marginal.covariances[0])))
    assert abs(axes_only - truth) > 0.1


@pytest.mark.parametrize("t", [0, 1, 100, 500])
def test_kl_and_tv_of_a_mixture_by_scipy(t):
    law = bimodal().marginal(SCHEDULE, t)
    sd, centre = law.covariances[0].sqrt().item(), law.means[1].item()

    def q(x):
        return 0.5 * (stats.norm.pdf(x, -centre, sd) + stats.norm.pdf(x, centre, sd))

    def kl_part(x):
        return q(x) * (np.log(q(x)) - stats.norm.logpdf(x)) if q(x) > 1e-290 else 0.0

    reach = centre + 8 * sd
    breaks = [-centre, 0.0, centre]
    kl = integrate.quad(kl_part, -reach, reach, points=breaks, epsabs=1e-11, limit=400)[0]
    tv = integrate.quad(lambda x: 0.5 * abs(q(x) - stats.norm.pdf(x)), -9, 9, points=breaks, epsabs=1e-9, limit=900)[0]
    assert abs(bimodal().kl_to_normal(SCHEDULE, t) - kl) < 1e-9
    assert abs(bimodal().tv_to_normal(SCHEDULE, t) - tv) < 1e-7
    assert abs(bimodal().tv_to_normal(SCHEDULE, t) - 2 * tv) > 1e-3  # the L1 distance, its double
    matched = gaussian_kl(np.zeros(1), law.covariance().numpy())  # a Gaussian of the same moments
    assert abs(bimodal().kl_to_normal(SCHEDULE, t) - matched) > 1e-6


@pytest.mark.parametrize(("law", "t"), [(bimodal(), 100), (bimodal(), 10), (some_mixture(), 100)])
def test_kl_by_monte_carlo_agrees_with_quadrature(law, t):
    exact = law.kl_to_normal(SCHEDULE, t)
    estimate, se = law.kl_to_normal_mc(SCHEDULE, t, 100_000, gen(1))
    assert abs(estimate - exact) < Z * se
    x = normal(100_000, law.dimension, seed=1)  # draws from the wrong side: KL(N || q)
    other = -law.log_prob(x, SCHEDULE, t) - 0.5 * (x.square().sum(-1) + law.dimension * math.log(2 * math.pi))
    assert abs(other.mean().item() - exact) > Z * other.std().item() / math.sqrt(len(other))


def test_kl_is_positive_for_every_schedule_and_falls():
    for schedule in (SCHEDULE, cosine(T=1000), scaled_linear(T=1000)):
        values = [bimodal().kl_to_normal(schedule, t) for t in (10, 100, 500, 1000)]
        assert values == sorted(values, reverse=True)
        assert values[-1] > 0
    assert bimodal().kl_to_normal(zero_terminal_snr(SCHEDULE), 1000) < 1e-15


def test_finite_data_kl_is_that_of_the_same_mixture():
    points = normal(4, 1)
    exact = GaussianMixture.isotropic([0.25] * 4, points, 0.0).kl_to_normal(SCHEDULE, 300)
    estimate, se = FiniteData(points).kl_to_normal_mc(SCHEDULE, 300, 50_000, gen(2))
    assert abs(estimate - exact) < Z * se
    assert abs(estimate - bimodal().kl_to_normal(SCHEDULE, 300)) > Z * se


# ------------------------------------------------------------------------------------------------ draws and moments
def mean_and_covariance_z(draws, mean, covariance):
    """The largest |z| among the means and the products of deviations (variance of products estimated)."""
    deviation = draws - mean
    products = (deviation.unsqueeze(-1) * deviation.unsqueeze(-2)).flatten(1) - covariance.flatten()
    both = torch.cat([deviation, products], 1)
    return (both.mean(0) / both.std(0) * math.sqrt(len(both))).abs().max().item()


def test_samples_have_the_stated_moments():
    law = some_mixture(3)
    draws = law.sample(200_000, gen(4))
    assert mean_and_covariance_z(draws, law.mean(), law.covariance()) < Z
    assert mean_and_covariance_z(1.02 * draws, law.mean(), law.covariance()) > Z
    within_only = torch.einsum("k,kde->de", law.weights, law.covariances)  # without the spread of the means
    assert mean_and_covariance_z(draws, law.mean(), within_only) > Z
    assert abs(law.second_moment - (law.covariance().trace() + law.mean() @ law.mean()).item() / 3) < 1e-12
    assert abs(law.variance - law.second_moment) > 1e-3


@pytest.mark.parametrize("law", [some_mixture(), FiniteData(normal(7, 2))], ids=["mixture", "finite"])
def test_a_draw_is_its_generators_alone(law):
    before = torch.get_rng_state()
    first, again, other = (law.sample(50, gen(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    one, same, another = (law.kl_to_normal_mc(SCHEDULE, 300, 50, gen(seed)) for seed in (1, 1, 2))
    assert one == same != another
    assert torch.equal(torch.get_rng_state(), before)  # no draw comes from the global generator


def test_weights_are_brought_to_the_sum_of_1():
    law = GaussianMixture([0.25 + 2e-7, 0.75 + 5e-7], [[0.0], [1.0]], torch.ones(2, 1, 1))
    assert abs(law.weights.sum() - 1) < 1e-14 and abs(law.weights[0] - (0.25 + 2e-7) / (1 + 7e-7)) < 1e-14
    rows = GaussianMixture([[0.25, 0.5, 0.25 + 5e-7], [0.2, 0.2, 0.6 - 5e-7]], normal(2, 3, 1), torch.ones(3, 1, 1))
    assert (rows.weights.sum(-1) - 1).abs().max() < 1e-14


def test_the_data_themselves_are_meant_where_no_schedule_is_given():
    law, x = bimodal(), torch.tensor([[-0.85], [0.02], [0.3]], dtype=torch.float64)
    parts = torch.stack([0.5 * torch.from_numpy(stats.norm(m, 0.1).pdf(x[:, 0].numpy())) for m in (-0.9, 0.9)], 1)
    assert error(law.log_prob(x), parts.sum(1).log()) < 1e-12
    assert error(law.responsibilities(x), parts / parts.sum(1, keepdim=True)) < 1e-12
    slopes = parts * (torch.tensor([-0.9, 0.9], dtype=torch.float64) - x) / 0.1**2
    assert error(law.score(x), slopes.sum(1, keepdim=True) / parts.sum(1, keepdim=True)) < 1e-12
    for ask in (some_mixture().log_prob, some_mixture().responsibilities, some_mixture().score):
        with pytest.raises(BadInput, match="The density at t = 0 exists only if no covariance is singular"):
            ask(torch.zeros(1, 2))


def test_one_place_under_many_rows():
    """x of no rows against mixtures with rows: an answer for each row, at t = 0 too."""
    rows = some_mixture().reverse_conditional(normal(3, 2), SCHEDULE, 300, 200)
    for t in (0, 100):
        at = torch.zeros(2, dtype=torch.float64)
        for ask in (rows.eps, rows.x0_mean, rows.x0_variance):
            assert ask(at, SCHEDULE, t).shape == (3, 2)
        assert rows.x0_covariance(at, SCHEDULE, t).shape == (3, 2, 2)


def test_samples_of_the_reverse_conditional_have_its_law():
    law, t, s = bimodal(), 300, 1
    x_t = torch.tensor([[0.1], [0.6]], dtype=torch.float64)
    reverse = law.reverse_conditional(x_t, SCHEDULE, t, s)
    draws = reverse.sample(20_000, gen(6))
    p_values = {}
    for i, j in [(0, 0), (1, 1), (0, 1)]:  # draws of row i against the law of row j

        def cdf(x, j=j):
            sd = reverse.covariances[:, 0, 0].sqrt().numpy()
            return (stats.norm.cdf((x[:, None] - reverse.means[j, :, 0].numpy()) / sd)) @ reverse.weights[j].numpy()

        p_values[i, j] = stats.kstest(draws[:, i, 0].numpy(), cdf).pvalue
    assert p_values[0, 0] > 1e-4 and p_values[1, 1] > 1e-4
    assert p_values[0, 1] < 1e-12


@pytest.mark.parametrize("t", [10, 100, 500])
def test_residual_is_orthogonal_to_the_prediction(t):
    """E[(eps - eps*) . eps*] = 0: nothing predictable is left. False for any other multiple of eps*, and for eps."""
    law = some_mixture()
    x_t, _, eps = noisy(law, t, n=100_000, seed=10)
    best = law.eps(x_t, SCHEDULE, t)

    def z(prediction, target=eps):
        product = ((target - prediction) * prediction).sum(-1)
        return (product.mean() / product.std() * math.sqrt(len(product))).abs().item()

    assert z(best) < Z
    assert z(0.9 * best) > Z
    assert z(eps, target=best) > Z  # the model does not return the noise that was added
    length = best.square().sum(-1).mean().item() / 2
    assert length < 0.99


# ------------------------------------------------------------------------------------------------ the edges of time
def test_zero_terminal_snr():
    schedule = zero_terminal_snr(scaled_linear(T=1000))
    for law in (some_mixture(), FiniteData(normal(5, 2))):
        x = normal(6, 2)
        assert error(law.eps(x, schedule, 1000), x) < 1e-12
        assert (law.x0_mean(x, schedule, 1000) - law.mean()).abs().max() < 1e-12
        assert error(law.eps(x, schedule, 900), x) > 1e-4
        reverse = law.reverse_conditional(x, schedule, 1000, 500)
        assert (reverse.log_prob(x) - law.log_prob(x, schedule, 500)).abs().max() < 1e-10  # x_T says nothing
    assert (
        some_mixture().x0_covariance(normal(6, 2), schedule, 1000) - some_mixture().covariance()
    ).abs().max() < 1e-12


def test_at_zero_x_t_is_x_0():
    x = normal(6, 2)
    rows = some_mixture().reverse_conditional(x[:5], SCHEDULE, 300, 100)
    assert torch.equal(rows.x0_mean(x[0], SCHEDULE, 0), x[0].expand(5, 2))  # one answer for each row
    assert rows.x0_mean(x[:, None], SCHEDULE, 0).shape == rows.x0_mean(x[:, None], SCHEDULE, 1).shape == (6, 5, 2)
    for law in (some_mixture(), FiniteData(x)):
        assert torch.equal(law.x0_mean(x, SCHEDULE, 0), x)
        assert not law.eps(x, SCHEDULE, 0).any() and not law.x0_variance(x, SCHEDULE, 0).any()
        assert law.eps(x, SCHEDULE, 1).any()
        for call in (law.log_prob, law.score):
            with pytest.raises(BadInput, match="t = 0"):
                call(x, SCHEDULE, 0)
    assert not some_mixture().x0_covariance(x, SCHEDULE, 0).any()
    smooth = bimodal()
    truth = 0.5 * (stats.norm.pdf(0.8, 0.9, 0.1) + stats.norm.pdf(0.8, -0.9, 0.1))
    at = torch.tensor([0.8], dtype=torch.float64)
    assert abs(smooth.log_prob(at).exp().item() / truth - 1) < 1e-12
    assert abs(smooth.log_prob(at, SCHEDULE, 1).exp().item() / truth - 1) > 1e-4
    with pytest.raises(BadInput, match="singular"):
        some_mixture().kl_to_normal(SCHEDULE, 0)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_an_eigenvalue_that_is_rounding_is_zero(scale):
    """Rank one and rank two in three dimensions, turned anyhow: the others are 0, whichever side rounding put them."""
    ways = scale**0.5 * normal(200, 3, 2, seed=50)
    covariances = torch.cat([ways[:100, :, :1] @ ways[:100, :, :1].mT, ways[100:] @ ways[100:].mT])
    law = GaussianMixture(torch.full((200,), 1 / 200), torch.zeros(200, 3), covariances)
    assert ((law.eigenvalues == 0).sum(-1) == torch.tensor([2] * 100 + [1] * 100)).all()
    assert torch.isfinite(law.sample(500, gen())).all()
    raw = torch.linalg.eigvalsh(covariances)
    assert (raw[:, 0] < 0).any() and (raw[:, 0] > 0).any()  # as they come
    with pytest.raises(BadInput, match="singular"):
        law.log_prob(torch.zeros(3, dtype=torch.float64))


def test_finite_data_refuse_what_they_have_no_answer_for():
    law, x = FiniteData(normal(5, 2)), normal(3, 2, seed=1)
    for ask in (law.log_prob, law.weights, law.effective_count, law.score):
        with pytest.raises(BadInput, match="at t = 0 finite data have no density"):
            ask(x, SCHEDULE, 0)
    with pytest.raises(BadInput, match="at t = 0 finite data have no density"):
        law.kl_to_normal_mc(SCHEDULE, 0, 10, gen())
    for ask in (law.log_prob, law.weights, law.eps, law.x0_mean, law.x0_variance):
        with pytest.raises(BadInput, match="x_t must be finite; got 6 numbers that are not"):
            ask(x / 0, SCHEDULE, 100)
    with pytest.raises(BadInput, match="x_t must be finite"):
        law.nearest(x * math.nan)
    with pytest.raises(BadInput, match="n must be an integer of at least 1; got 0"):
        law.sample(0, gen())


def test_responsibilities_are_bayes():
    law, t = some_mixture(), 200
    x, (abar, rest) = noisy(law, t)[0], levels(t)
    kernel = [
        stats.multivariate_normal(math.sqrt(abar) * m, abar * C + rest * np.eye(2)).pdf(x)
        for m, C in zip(law.means.numpy(), law.covariances.numpy(), strict=True)
    ]
    joint = torch.from_numpy(np.stack(kernel, -1))
    assert error(law.responsibilities(x, SCHEDULE, t), law.weights * joint / (joint @ law.weights)[:, None]) < 1e-10
    assert error(law.responsibilities(x, SCHEDULE, t), joint / joint.sum(-1, keepdim=True)) > 1e-2  # no prior


# ------------------------------------------------------------------------------------------------ finite data
def digit_like_points(n=300, d=784):
    """Mostly -1, some ink; point 1 is point 0 moved by about 1e-4 in all: the near-duplicate."""
    points = torch.rand(n, d, generator=gen(20), dtype=torch.float64)
    points = torch.where(points > 0.8, 10 * points - 9, -1.0)
    points[1] = points[0] + 1e-4 / math.sqrt(d) * normal(d, seed=21)
    return points


def broadcast_x0(points, x, abar, rest):
    logits = -((x[:, None] - math.sqrt(abar) * points) ** 2).sum(-1) / (2 * rest)
    return logits.softmax(-1) @ points


@pytest.mark.parametrize("t", [1, 2, 10, 100, 300, 600, 1000])
def test_the_matrix_product_equals_broadcasting(t):
    points, (abar, rest) = digit_like_points(), levels(t)
    x = math.sqrt(abar) * points[:8] + math.sqrt(rest) * normal(8, 784, seed=22)
    x[7] = math.sqrt(abar) * (points[7] + points[8]) / 2  # exactly between two points
    x0 = broadcast_x0(points, x, abar, rest)
    eps = (x - math.sqrt(abar) * x0) / math.sqrt(rest)
    law = FiniteData(points)
    assert (law.x0_mean(x, SCHEDULE, t) - x0).abs().max() < 1e-9
    assert (law.eps(x, SCHEDULE, t) - eps).abs().max() < 1e-7
    single = law.eps(x.float(), SCHEDULE, t)
    assert single.dtype == torch.float32


def test_a_float32_product_would_not_do():
    """The mutant of the test above: between two points, the same formula in float32 misses by far more than 1e-6."""
    points, (abar, rest) = digit_like_points(), levels(1)
    x = math.sqrt(abar) * (points[2:40] + points[3:41]) / 2
    p, y = points.float(), x.float()
    logits = (math.sqrt(abar) * y @ p.T - 0.5 * abar * p.square().sum(-1)) / rest
    x0 = broadcast_x0(points, x, abar, rest)
    assert ((logits.softmax(-1) @ p).double() - x0).abs().max() > 1e-3
    assert (FiniteData(points).x0_mean(x, SCHEDULE, 1) - x0).abs().max() < 1e-6


class LargestTensor(TorchDispatchMode):
    """Remembers the largest tensor that any operation returns."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.numel = max(self.numel, tensor.numel())
        return result


def test_nothing_of_the_size_batch_times_n_times_d_is_made():
    points = digit_like_points()
    x = normal(64, 784)
    with LargestTensor() as ours:
        FiniteData(points).eps(x, SCHEDULE, 100)
    with LargestTensor() as broadcasting:
        broadcast_x0(points, x[:4], *levels(100))
    assert ours.numel <= points.numel()
    assert broadcasting.numel == 4 * points.numel()


def test_finite_data_is_the_mixture_of_points():
    points = normal(6, 3)
    finite, mixture = FiniteData(points), GaussianMixture([1 / 6] * 6, points, torch.zeros(6, 3, 3))
    other = GaussianMixture([1 / 6] * 6, points, 0.01 * torch.eye(3).expand(6, 3, 3))
    for t in TIMES:
        x = noisy(mixture, t)[0]
        for name in ("log_prob", "score", "eps", "x0_mean"):
            got = getattr(finite, name)(x, SCHEDULE, t)
            assert error(got, getattr(mixture, name)(x, SCHEDULE, t)) < 1e-9
            if name == "log_prob":
                assert error(got, other.log_prob(x, SCHEDULE, t)) > 1e-8
        weights = finite.weights(x, SCHEDULE, t)
        assert (weights - mixture.responsibilities(x, SCHEDULE, t)).abs().max() < 1e-9
    assert error(finite.mean(), mixture.mean()) < 1e-12
    assert abs(finite.variance - mixture.variance) < 1e-12
    assert abs(finite.second_moment - points.square().mean().item()) < 1e-12


# outliers, near-duplicates, a cluster far from the mean, and nothing special
FAR_APART = {
    "an outlier": ([[0.0], [1e-3], [1e6]], [[5e-4], [2e-4], [0.9]]),
    "an outlier, and little doubt": ([[0.0], [1e-3], [1e6]], [[-10.0]]),
    # for more than 25 points PyTorch's cdist would multiply matrices
    "an outlier of many": ([[0.0], *([1e4 + 1e-3 * k] for k in range(30))], [[1e4 + 5e-4]]),
    "near-duplicates": ([[0.0, 1.0], [1e-7, 1.0], [2.0, -1.0], [2.0, -3.0]], [[0.0, 1.0], [2.0, -2.0], [1.0, 0.0]]),
    "far from the origin": ([[1e4, 0.3], [1e4 + 1e-3, 0.3], [1e4 - 1, 0.4]], [[1e4, 0.3], [1e4 - 0.5, 0.3]]),
    "a few": ([[-0.9, 0.1], [0.9, 0.4], [0.2, -0.7], [0.25, -0.7]], [[0.1, 0.2], [0.9, 0.4], [0.2, -0.6]]),
}


def in_many_digits(points, row, abar, rest):
    """log q_t, w and Var[x_0 | x_t] of one row from their definitions, in decimal arithmetic."""
    with localcontext(prec=700):
        y = [[Decimal(v) for v in point] for point in points]
        abar, rest, x = Decimal(abar), Decimal(rest), [Decimal(v) for v in row]
        exponents = [
            -sum((a - abar.sqrt() * b) ** 2 for a, b in zip(x, point, strict=True)) / (2 * rest) for point in y
        ]
        top = max(exponents)
        w = [(e - top).exp() for e in exponents]
        log_q = top + (sum(w) / len(w)).ln() - len(x) * (2 * Decimal(math.pi) * rest).ln() / 2
        w = [v / sum(w) for v in w]
        mean = [sum(v * point[i] for v, point in zip(w, y, strict=True)) for i in range(len(x))]
        variance = [sum(v * (p[i] - m) ** 2 for v, p in zip(w, y, strict=True)) for i, m in enumerate(mean)]
        return float(log_q), [float(v) for v in w], [float(v) for v in variance]


@pytest.mark.parametrize("name", FAR_APART)
@pytest.mark.parametrize("t", [1, 40, 300, 1000])
def test_finite_data_in_many_digits(name, t):
    points, at = (torch.tensor(part, dtype=torch.float64) for part in FAR_APART[name])
    law, (abar, rest) = FiniteData(points), levels(t)
    x = math.sqrt(abar) * at
    truth = [in_many_digits(points.tolist(), row, abar, rest) for row in x.tolist()]
    log_q, w, variance = (torch.tensor(part, dtype=torch.float64) for part in zip(*truth, strict=True))
    got = law.x0_variance(x, SCHEDULE, t)
    assert ((got - variance).abs() <= 1e-10 * variance.amax(-1, keepdim=True) + 1e-300).all()
    assert (law.weights(x, SCHEDULE, t) - w).abs().max() < 1e-9
    assert error(law.log_prob(x, SCHEDULE, t), log_q) < 1e-9
    centred = points - points.mean(0)
    plain = w @ centred.square() - (w @ centred).square()
    if name in ("an outlier", "near-duplicates") and t == 1:
        assert ((plain - variance).abs() > 1e-3 * variance.amax(-1, keepdim=True)).any()


def test_the_variance_of_finite_data_is_never_negative():
    """Where all the weight is on points that agree in a coordinate, rounding alone would be left of it."""
    points = normal(60, 3, seed=41)
    points[:, 1] = torch.where(points[:, 1] > 1.8, points[:, 1], 0.3)
    x = noisy(FiniteData(points), 100, n=200)[0]
    spread = FiniteData(points).x0_variance(x, SCHEDULE, 100)
    assert spread.min() >= 0 and (spread[:, 1] < 1e-12).any()


def test_the_variance_of_digits_needs_no_differences():
    """By matrix products only, where no two points are nearly the same: by differences it is some ten times slower."""
    points = digit_like_points()
    points[1] = -points[0]
    law = FiniteData(points)
    for t in (1, 100, 300, 500):
        x = noisy(law, t, n=8)[0]
        w = law.weights(x, SCHEDULE, t)
        variance, lost = law._by_products(w, (points - points.mean(0)).square())
        mean = w @ points
        truth = torch.stack([w[i] @ (points - mean[i]).square() for i in range(8)])
        assert not lost.any() or t == 1
        assert ((variance - truth).abs() < 1e-10 * truth.amax(-1, keepdim=True).clamp_min(1e-20)).all()


def test_effective_count_and_nearest():
    points = normal(50, 4)
    law = FiniteData(points)
    x = noisy(law, 1000)[0]
    weights = law.weights(x, SCHEDULE, 200)
    assert error(law.effective_count(x, SCHEDULE, 200), (-(weights * weights.log()).sum(-1)).exp()) < 1e-9
    assert error(law.effective_count(x, SCHEDULE, 200), 1 / weights.square().sum(-1)) > 1e-2  # another N_eff
    assert law.effective_count(points, SCHEDULE, 1).max() < 1.01
    assert law.effective_count(x, SCHEDULE, 1000).min() > 49
    index, distance = law.nearest(x)
    brute = torch.cdist(x, points)
    assert torch.equal(index, brute.argmin(-1))
    assert error(distance, brute.amin(-1)) < 1e-12
    assert law.nearest(points)[1].max() == 0
    assert not torch.equal(index, (x @ points.T).argmax(-1))  # the largest product is not the nearest point


def generate(law, n, d, seed=0, steps=50):
    """Ancestral sampling with beta_tilde, noise-free at the end, from posterior coefficients alone."""
    denoise, x = law.denoiser(SCHEDULE), normal(n, d, seed=seed)
    times = [*SCHEDULE.timesteps(steps), 0]
    for i, (t, s) in enumerate(itertools.pairwise(times)):
        pair = transition(SCHEDULE, t, s)
        x0 = (x - pair.sqrt_one_minus_alpha_bar_t * denoise(x, t)) / pair.sqrt_alpha_bar_t
        x = pair.c_0 * x0 + pair.c_t * x + math.sqrt(pair.beta_tilde) * normal(n, d, seed=1000 * seed + i)
    return x


def test_sampling_with_the_exact_optimum_returns_training_points():
    points = normal(30, 8, seed=30)
    law = FiniteData(points)
    index, distance = law.nearest(generate(law, 100, 8))
    assert distance.max() < 1e-9
    assert len(index.unique()) > 10  # not always the same one
    spread = GaussianMixture.isotropic([1 / 30] * 30, points, 0.05)
    assert law.nearest(generate(spread, 100, 8))[1].min() > 1e-3


# ------------------------------------------------------------------------------------------------ the denoiser contract
@pytest.mark.parametrize("law", [some_mixture(), FiniteData(normal(7, 2))], ids=["mixture", "finite"])
def test_denoiser_contract(law):
    denoise = law.denoiser(SCHEDULE)
    x = normal(4, 2)
    assert error(denoise(x, 100), law.eps(x, SCHEDULE, 100)) < 1e-14
    assert denoise(x.float(), 100, cond=None).dtype == torch.float32
    mixed = denoise(x, torch.tensor([1, 500, 1, 1000]))
    for row, t in enumerate((1, 500, 1, 1000)):
        assert error(mixed[row], law.eps(x[row], SCHEDULE, t)) < 1e-12
    assert error(mixed[1], law.eps(x[1], SCHEDULE, 1)) > 1e-3
    assert torch.equal(denoise(x, torch.tensor(100)), denoise(x, 100))
    for wrong in (torch.tensor([[1], [2], [3], [4]]), torch.tensor([1.0, 2.0, 3.0, 4.0])):
        got = rf"{wrong.dtype} of the shape \({', '.join(map(str, wrong.shape))}"
        with pytest.raises(BadInput, match=rf"^t must be an integer or one integer for each row .*; got {got}"):
            denoise(x, wrong)
    for wrong in (x.long(), x.tolist()):
        with pytest.raises(BadInput, match="x_t must be a tensor of floating-point numbers"):
            denoise(wrong, 100)
    for bad in (torch.tensor([1, 2]), torch.tensor([1.0, 2.0, 3.0, 4.0]), -1, 1001, 1.5, True):
        with pytest.raises(BadInput, match=r"^t must be"):
            denoise(x, bad)
    with pytest.raises(BadInput, match="last axes of x_t must multiply to 2"):
        denoise(normal(4, 3), 100)


def test_denoiser_takes_images():
    law = FiniteData(digit_like_points())
    denoise = law.denoiser(SCHEDULE)
    x = normal(3, 784)
    flat = denoise(x, 300)
    for shape in [(3, 28, 28, 1), (3, 1, 28, 28), (3, 28, 28)]:
        assert torch.equal(denoise(x.reshape(shape), 300), flat.reshape(shape))
        assert torch.equal(law.x0_mean(x.reshape(shape), SCHEDULE, 300).reshape(3, 784), law.x0_mean(x, SCHEDULE, 300))
    assert not torch.equal(denoise(x.reshape(3, 28, 28).mT, 300), flat.reshape(3, 28, 28))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_device_follows_the_data():
    for law in (some_mixture(), FiniteData(normal(7, 2))):
        x = normal(4, 2)
        there = law.denoiser(SCHEDULE)(x.cuda(), 100)
        assert there.device.type == "cuda"
        assert error(there.cpu(), law.eps(x, SCHEDULE, 100)) < 1e-12
        reverse = law.reverse_conditional(x.cuda(), SCHEDULE, 100, 50)
        draws = reverse.sample(2, torch.Generator("cuda").manual_seed(0))
        assert draws.shape == (2, 4, 2) and draws.device.type == "cuda"
        assert error(reverse.log_prob(x.cuda()).cpu(), law.reverse_conditional(x, SCHEDULE, 100, 50).log_prob(x)) < 1e-9


# ------------------------------------------------------------------------------------------------ any valid input
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_mixture_any_time(data):
    K, d, T = (data.draw(st.integers(1, 4)) for _ in range(3))
    t = data.draw(st.integers(0, T))
    numbers = st.floats(-3, 3)
    means = data.draw(st.lists(st.lists(numbers, min_size=d, max_size=d), min_size=K, max_size=K))
    raw = torch.tensor(data.draw(st.lists(st.floats(0, 1), min_size=K, max_size=K)), dtype=torch.float64) + 1e-3
    sd = data.draw(st.lists(st.sampled_from([0.0, 1e-3, 0.5, 2.0]), min_size=K, max_size=K))
    x = torch.tensor(data.draw(st.lists(numbers, min_size=d, max_size=d)), dtype=torch.float64)
    law, schedule = GaussianMixture.isotropic(raw / raw.sum(), means, sd), linear(T=T, beta_end=0.5)
    x0, covariance = law.x0_mean(x, schedule, t), law.x0_covariance(x, schedule, t)
    assert x0.shape == (d,) and covariance.shape == (d, d)
    assert torch.isfinite(x0).all() and torch.isfinite(law.eps(x, schedule, t)).all()
    assert torch.linalg.eigvalsh(covariance).min() > -1e-9
    if t:
        assert abs(law.responsibilities(x, schedule, t).sum().item() - 1) < 1e-12
        assert torch.isfinite(law.reverse_conditional(x, schedule, t, t - 1).means).all()


def test_one_point_and_one_step():
    law, schedule = FiniteData([[2.0, -1.0]]), linear(T=1)
    x = normal(5, 2)
    assert torch.equal(law.x0_mean(x, schedule, 1), law.points.expand(5, 2))
    assert law.variance == 0
    assert error(law.x0_mean(x, schedule, 1), x) > 0.1


# ------------------------------------------------------------------------------------------------ bad input
EYE = torch.eye(2).expand(2, 2, 2)
MIXTURES = {
    "weights must not be negative; got -0.5": ([-0.5, 1.5], [[0.0, 0], [1, 1]], EYE),
    "weights must sum to 1": ([0.5, 0.6], [[0.0, 0], [1, 1]], EYE),
    r"weights must sum to 1 \(to 1e-6\); got the sum 0.9": ([0.5, 0.4], [[0.0, 0], [1, 1]], EYE),
    r"weights must sum to 1 \(to 1e-6\); got the sum 0.5": (
        [[0.5, 0.5], [0.3, 0.2], [0.6, 0.6]],
        torch.zeros(3, 2, 2),
        EYE,
    ),
    r"shapes .* got \(0,\), \(0, 2\)": (torch.zeros(0), torch.zeros(0, 2), torch.zeros(0, 2, 2)),
    r"shapes .* got \(1,\), \(1, 0\)": ([1.0], torch.zeros(1, 0), torch.zeros(1, 0, 0)),
    "weights must be finite": ([math.nan, 1.0], [[0.0, 0], [1, 1]], EYE),
    "means must be finite; got 1": ([0.5, 0.5], [[0.0, math.inf], [1, 1]], EYE),
    "shapes": ([0.5, 0.5], [[0.0, 0]], EYE),
    r"got \(3,\), \(2, 2\)": ([0.5, 0.25, 0.25], [[0.0, 0], [1, 1]], EYE),
    r"shapes .* got \(1,\), \(1,\) and \(1, 1, 1\)": ([1.0], [0.0], [[[1.0]]]),
    r"shapes .* got \(3, 2\), \(2, 2, 2\)": ([[0.5, 0.5]] * 3, [[[0.0, 0], [1, 1]]] * 2, EYE),
    "covariances must be symmetric; got a matrix that differs from its transpose by 1e-05": (
        [1.0],
        [[0.0, 0]],
        [[[1e-3, 1e-5], [0.0, 1e-3]]],
    ),
    "covariances must be symmetric": ([0.5, 0.5], [[0.0, 0], [1, 1]], EYE + torch.tensor([[0.0, 0.5], [0.0, 0.0]])),
    "positive semi-definite; got the eigenvalue -1": ([0.5, 0.5], [[0.0, 0], [1, 1]], -EYE),
    "means must be an array of numbers; got str": ([0.5, 0.5], "here", EYE),
}


@pytest.mark.parametrize("sentence", MIXTURES)
def test_bad_mixtures(sentence):
    with pytest.raises(BadInput, match=sentence):
        GaussianMixture(*MIXTURES[sentence])
    assert GaussianMixture([0.5, 0.5], [[0.0, 0], [1, 1]], EYE).dimension == 2  # the right one passes


@pytest.mark.parametrize(
    ("sentence", "call"),
    [
        ("sd must not be negative", lambda: GaussianMixture.isotropic([1.0], [[0.0]], -1.0)),
        ("sd must be one number or one for each", lambda: GaussianMixture.isotropic([1.0], [[0.0]], [1.0, 2.0])),
        ("sd must be one number or one for each", lambda: GaussianMixture.isotropic([1.0], [[0.0]], [[1.0]])),
        ("sd must be one number or one for each", lambda: GaussianMixture.isotropic([1.0], [0.0], 1.0)),
        ("points must have the shape", lambda: FiniteData(torch.zeros(3))),
        ("points must have the shape", lambda: FiniteData(torch.zeros(0, 3))),
        ("points must be finite", lambda: FiniteData(torch.tensor([[math.nan]]))),
        ("x_t must have 1 numbers in its last axis", lambda: bimodal().eps(torch.zeros(3, 2), SCHEDULE, 1)),
        ("x_t must be finite; got 1 numbers", lambda: bimodal().eps(torch.tensor([math.nan]), SCHEDULE, 1)),
        ("x_t must be a tensor of floating", lambda: bimodal().eps(torch.tensor([1]), SCHEDULE, 1)),
        ("x_t must be a tensor of floating", lambda: bimodal().eps([1.0], SCHEDULE, 1)),
        ("t must be", lambda: bimodal().eps(torch.zeros(1), SCHEDULE, 1001)),
        ("t must be 0 where no schedule", lambda: bimodal().log_prob(torch.zeros(1), None, 3)),
        ("s must be", lambda: bimodal().reverse_conditional(torch.zeros(1), SCHEDULE, 5, 5)),
        ("n must be an integer of at least 1; got 0", lambda: bimodal().sample(0, gen())),
        ("n must be an integer of at least 1; got 2.5", lambda: bimodal().sample(2.5, gen())),
        ("n must be an integer of at least 1; got True", lambda: bimodal().sample(True, gen())),
        ("generator must be a torch.Generator; got NoneType", lambda: bimodal().sample(1, None)),
        ("n must be at least 2", lambda: bimodal().kl_to_normal_mc(SCHEDULE, 1, 1, gen())),
        ("for d = 1 and d = 2; got d = 3", lambda: some_mixture(3).kl_to_normal(SCHEDULE, 10)),
        ("for d = 1; got d = 2", lambda: some_mixture().tv_to_normal(SCHEDULE, 10)),
        (
            "too narrow for a grid",
            lambda: GaussianMixture([1.0], [[0.0, 0]], [[[1.0, 1], [1, 1]]]).kl_to_normal(ONE, 1),
        ),
        (
            "denoiser is defined for one mixture",
            lambda: bimodal().reverse_conditional(torch.zeros(2, 1), SCHEDULE, 5, 4).denoiser(SCHEDULE),
        ),
        (
            "too large to write out",
            lambda: FiniteData(torch.zeros(100, 784)).reverse_conditional(torch.zeros(784), SCHEDULE, 5, 4),
        ),
    ],
)
def test_bad_arguments(sentence, call):
    with pytest.raises(BadInput, match=sentence):
        call()
