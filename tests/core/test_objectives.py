"""Losses, floors and bounds by independent routes; each check rejects a wrong variant.

Monte Carlo: pinned seeds, |z| < 4.5 (false alarm rate 7e-6 each).
"""

import itertools
import math

import pytest
import torch
from scipy import integrate, stats
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from diffusion_core.errors import BadInput
from diffusion_core.forward import forward_kl, q_sample
from diffusion_core.laws import estimates
from diffusion_core.laws.bounds import Bound, vlb, vlb_gap
from diffusion_core.laws.estimates import Estimate, entropy, loss_floor, x0_uncertainty
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.pairs import distances
from diffusion_core.laws.quadrature import expectation_nodes
from diffusion_core.laws.variances import optimal_for, state_dependent
from diffusion_core.objectives import decoder_term, hybrid_loss, simple_loss, simple_weight, vlb_loss, vlb_term
from diffusion_core.parameterization import EPS, X0, Target, V
from diffusion_core.posterior import q_posterior, transition
from diffusion_core.schedule import NoiseSchedule, cosine, from_beta, linear, sigmoid, zero_terminal_snr
from diffusion_core.variance import (
    Variance,
    VarianceChoice,
    fixed_large,
    fixed_small,
    learned_range,
    log_range,
    optimal,
    with_last,
)

SCHEDULE = linear(1000)
NOTHING = torch.empty(0)
BIMODAL = GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.1)
UNEVEN = GaussianMixture.isotropic([0.45, 0.3, 0.25], [[-1.0], [0.3], [1.2]], [0.15, 0.1, 0.2])
Z = 4.5


def gaussian(variance: float, mean: float = 0.0) -> GaussianMixture:
    return GaussianMixture.isotropic([1.0], [[mean]], math.sqrt(variance))


def plane() -> GaussianMixture:
    """A bimodal coordinate beside an independent Gaussian one of variance 1/4."""
    covariances = torch.diag(torch.tensor([0.01, 0.25], dtype=torch.float64)).expand(2, 2, 2)
    return GaussianMixture.of([0.5, 0.5], [[-0.9, 0.2], [0.9, 0.2]], covariances)


def close(got: float, expected: float, relative: float = 1e-10) -> bool:
    return abs(got - expected) <= relative * abs(expected)


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=gen(seed))


# --- the floor ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [1, 10, 100, 400, 1000])
@pytest.mark.parametrize("law", [BIMODAL, UNEVEN, gaussian(0.25, 1.0), gaussian(4.0)])
def test_the_floor_knows_the_score(law: GaussianMixture, t: int) -> None:
    """l_t = 1 - (1 - alpha_bar) E score^2, and E (eps - eps*)^2 = 1 - E eps*^2: no covariance in sight."""
    x, weights = expectation_nodes(law.at(SCHEDULE, t))
    noise = SCHEDULE.one_minus_alpha_bar[t].item()
    score2 = (weights @ law.at(SCHEDULE, t).score(x).square()[:, 0]).item()
    floor = loss_floor(law, SCHEDULE, t)
    assert floor.standard_error == 0
    assert abs(floor.value - (1 - noise * score2)) < 1e-10
    assert 0 <= floor.value <= 1
    left = x0_uncertainty(law, SCHEDULE, t).value
    assert close(floor.value, left * SCHEDULE.snr[t].item())
    assert abs(left / SCHEDULE.snr[t].item() - (1 - noise * score2)) > 1e-4  # the SNR upside down
    assert abs(left - (1 - noise * score2)) > 1e-5 or t == 400  # in x_0's units


@pytest.mark.parametrize("lam", [0.01, 0.25, 1.0, 4.0])
def test_the_floor_of_gaussian_data(lam: float) -> None:
    doubled = GaussianMixture.isotropic([0.5, 0.5], [[0.3], [0.3]], math.sqrt(lam))  # the same law, by quadrature
    for t in (1, 30, 500, 1000):
        alpha_bar = SCHEDULE.alpha_bar[t].item()
        expected = alpha_bar * lam / (1 + alpha_bar * (lam - 1))
        assert close(loss_floor(gaussian(lam, 0.3), SCHEDULE, t).value, expected)
        assert close(loss_floor(doubled, SCHEDULE, t).value, expected)
        assert not close(loss_floor(gaussian(1.01 * lam, 0.3), SCHEDULE, t).value, expected, 1e-7)
    wide = GaussianMixture.of([1.0], [[0.0, 0.0]], [[[lam, 0.0], [0.0, 1.0]]])
    mean = (loss_floor(gaussian(lam), SCHEDULE, 30).value + loss_floor(gaussian(1.0), SCHEDULE, 30).value) / 2
    assert close(loss_floor(wide, SCHEDULE, 30).value, mean)


@pytest.mark.parametrize("t", [100, 300, 700])
def test_the_floor_by_monte_carlo(t: int) -> None:
    got = loss_floor(plane(), SCHEDULE, t, 5_000, gen(t))
    first, second = loss_floor(BIMODAL, SCHEDULE, t).value, loss_floor(gaussian(0.25), SCHEDULE, t).value
    assert 0 < got.standard_error < 0.01
    assert abs(got.value - (first + second) / 2) < Z * got.standard_error
    assert abs(got.value - first) > Z * got.standard_error
    assert abs(got.value - (first + second)) > Z * got.standard_error  # a sum over coordinates


def two_points(m: float, t: int) -> float:
    """V_t of the points -m and m: m^2 E sech^2(m sqrt(abar) x_t / (1 - abar)), by scipy."""
    a = m * math.sqrt(SCHEDULE.snr[t].item())
    density = lambda s: math.exp(-(s * s + a * a) / 2) / math.sqrt(2 * math.pi) / math.cosh(min(a * s, 700.0))  # noqa: E731
    return 2 * m * m * integrate.quad(density, 0, 20, epsabs=0, epsrel=1e-12, limit=500)[0]


@pytest.mark.parametrize("t", [1, 20, 40, 60, 80, 100, 400, 1000])
def test_points_on_a_line_are_exact(t: int) -> None:
    """Two points on the line and in 64 dimensions; n draws of x_t would meet none between them at t = 40."""
    expected = two_points(0.9, t)
    place, way = normal(64), normal(64, seed=1)
    way *= 0.9 / way.norm()
    for law in (FiniteData([[-0.9], [0.9]]), FiniteData(torch.stack([place - way, place + way]))):
        got = x0_uncertainty(law, SCHEDULE, t)
        assert got.standard_error == 0
        assert close(got.value * law.dimension, expected, 1e-7)
        draws = law.sample(2_000, gen(t))
        spread = law.at(SCHEDULE, t).x0_variance(q_sample(SCHEDULE, draws, t, normal(*draws.shape, seed=t))).mean()
        assert t in (1, 400, 1000) or not close(spread.item() * law.dimension, expected, 1e-3)


def test_the_line_of_finite_data() -> None:
    points = FiniteData([[-0.9], [0.9], [0.95], [3.0]])
    thin = GaussianMixture.isotropic([0.25] * 4, points.points, 0.0)  # the same law: t >= 1 has a density
    timesteps = [400, 100, 30]
    choices = [fixed_large, state_dependent(points, SCHEDULE)]
    for t in timesteps:
        assert close(loss_floor(points, SCHEDULE, t).value, loss_floor(thin, SCHEDULE, t).value)
        assert not close(loss_floor(points, SCHEDULE, t).value, loss_floor(BIMODAL, SCHEDULE, t).value, 1e-2)
        assert close(entropy(points, SCHEDULE, t).value, entropy(thin, SCHEDULE, t).value)
    for choice in choices:
        got, expected = vlb(points, SCHEDULE, timesteps, choice), vlb(thin, SCHEDULE, timesteps, choice)
        assert got.standard_error == 0 and close(got.total, expected.total)
    nearly = torch.tensor([[0.0, 0.0], [0.0, 1e-3], [1e6, 0.0]], dtype=torch.float64)  # no line
    assert x0_uncertainty(FiniteData(nearly), SCHEDULE, 400, 100, gen()).value > 1e-8
    assert x0_uncertainty(FiniteData(torch.zeros(5, 3)), SCHEDULE, 10) == Estimate(0.0)


FIVE = torch.tensor([[-0.9, 0.1], [0.9, 0.2], [0.2, -0.7], [-0.3, 1.0], [1.2, -1.4]], dtype=torch.float64)


def on_a_grid(points: Tensor, t: int) -> float:
    """V_t of points in the plane, by the trapezium rule."""
    alpha_bar, noise = SCHEDULE.alpha_bar[t].item(), SCHEDULE.one_minus_alpha_bar[t].item()
    y, sd = math.sqrt(alpha_bar) * points, math.sqrt(noise)
    step = min(sd / 3, noise / 1.3)  # between two points x0_hat changes within noise / distance
    axes = [torch.arange(float(c.min()) - 6 * sd, float(c.max()) + 6 * sd, step, dtype=torch.float64) for c in y.T]
    x = torch.cartesian_prod(*axes)
    logits = -(x[:, None] - y).square().sum(-1) / (2 * noise)
    w = logits.softmax(-1)
    spread = (w @ points.square() - (w @ points).square()).sum(-1)
    q = logits.exp().sum(-1) / (2 * math.pi * noise * len(points))
    return (q @ spread).item() * step**2 / 2


@pytest.mark.parametrize("t", [20, 40, 60, 80, 100, 300])
@pytest.mark.parametrize("d", [2, 64])
def test_the_error_of_finite_data_is_its_own(d: int, t: int) -> None:
    """Within 3 of its own errors in at least 195 of 200 seeds (expected: 199.5); the plane may lie in 64 dimensions."""
    turn = torch.linalg.qr(normal(d, d))[0][:2]
    law, expected = FiniteData(FIVE @ turn), on_a_grid(FIVE, t)
    found = [x0_uncertainty(law, SCHEDULE, t, 100, gen(seed)) for seed in range(200)]
    errors = [abs(f.value * d / 2 - expected) / (f.standard_error * d / 2) for f in found]
    assert sum(e < 3 for e in errors) >= 195
    assert sum(e < 1 for e in errors) < 190  # nor are the errors far too large
    twice = [abs(2 * f.value * d / 2 - expected) / (f.standard_error * d / 2) for f in found]
    assert sum(e < 3 for e in twice) < 20


def test_where_points_are_many() -> None:
    """Pairs and draws of x_t agree where both can be asked; more points than pairs can be listed for have an error."""
    law = FiniteData(normal(300, 8))
    for t in (100, 150, 200):
        pairs = x0_uncertainty(law, SCHEDULE, t, 2_000, gen(1))
        y = law.sample(40_000, gen(2))
        plain = law.at(SCHEDULE, t).x0_variance(q_sample(SCHEDULE, y, t, normal(*y.shape, seed=3))).mean(-1)
        error = math.hypot(plain.std().item() / 200, pairs.standard_error)
        assert abs(pairs.value - plain.mean().item()) < Z * error
        assert abs(pairs.value - 1.3 * plain.mean().item()) > Z * error
    many = FiniteData(10 * normal(2_100, 3))
    got = x0_uncertainty(many, SCHEDULE, 2, 20, gen())
    assert got.standard_error > 0.1  # 20 draws meet no doubt, and say so
    assert optimal_for(many, SCHEDULE, [2], 20, gen())(transition(SCHEDULE, 2, 1), NOTHING).value > 0


@pytest.mark.parametrize("choice", [fixed_large, "state"])
def test_the_bound_of_finite_data_has_an_error(choice: VarianceChoice | str) -> None:
    """Against the exact V_t, or 20,000 draws; two errors of the terms are not 0."""
    law, timesteps = FiniteData(FIVE), [300, 80, 40]
    chosen = state_dependent(law, SCHEDULE) if isinstance(choice, str) else choice
    got = vlb(law, SCHEDULE, timesteps, chosen, 500, gen(1))
    if isinstance(choice, str):
        exact = vlb(law, SCHEDULE, timesteps, chosen, 20_000, gen(2))
    else:
        pairs = [transition(SCHEDULE, t, s) for t, s in zip(timesteps, [80, 40, 0], strict=True)]
        V = [on_a_grid(FIVE, t) for t in timesteps]
        terms = [vlb_term(p, choice(p, NOTHING), v) for p, v in zip(pairs[:2], V[:2], strict=True)]
        last = decoder_term(choice(pairs[2], NOTHING), V[2])
        exact = Bound(forward_kl(SCHEDULE, law.second_moment, 300), (*terms, last))
    assert 0 < got.standard_error < 3
    assert abs(got.total - exact.total) < Z * math.hypot(got.standard_error, exact.standard_error)
    assert math.isinf(vlb(law, SCHEDULE, timesteps, fixed_small, 10, gen()).total)
    assert vlb(law, SCHEDULE, [60, 40], fixed_large, 500, gen(1)).standard_error < 1e-3  # by pairs of points


def test_the_bound_says_what_its_draws_may_have_missed() -> None:
    many = FiniteData(10 * normal(2_100, 3))
    for choice in (state_dependent(many, SCHEDULE), fixed_large):
        wide = with_last(choice, lambda pair, x_t: Variance(1e6, math.log(1e6)))  # so that the last step has no error
        bound = vlb(many, SCHEDULE, [4, 3, 2], wide, 20, gen())
        assert bound.standard_error > 100 and abs(bound.steps[0]) < 1


def test_the_entropy_of_finite_data() -> None:
    """By the definition on a grid; where no draw is in doubt, its error still is that of one that might have been."""
    law = FiniteData(FIVE)
    for t in (60, 300):
        noise = SCHEDULE.one_minus_alpha_bar[t].item()
        axis = torch.linspace(-4, 4, 401, dtype=torch.float64)
        x = torch.cartesian_prod(axis, axis)
        squares = (x[:, None] - SCHEDULE.sqrt_alpha_bar[t] * FIVE).square().sum(-1)
        q = (-squares / (2 * noise)).exp().mean(-1) / (2 * math.pi * noise)
        expected = torch.special.entr(q).sum().item() * (8 / 400) ** 2 / 2
        got = entropy(law, SCHEDULE, t, 2_000, gen(t))
        assert abs(got.value - expected) < Z * got.standard_error
        assert abs(got.value - expected - math.log(5) / 2) > Z * got.standard_error
    few = entropy(law, SCHEDULE, 20, 2, gen())
    assert few.standard_error > math.log(5) / 4


def test_a_floor_is_at_most_1_although_two_draws_may_be_above() -> None:
    corners = GaussianMixture.isotropic([0.25] * 4, [[-0.9, -0.9], [-0.9, 0.9], [0.9, -0.9], [0.9, 0.9]], 0.1)
    snr = SCHEDULE.snr[200].item()
    draws = [x0_uncertainty(corners, SCHEDULE, 200, 2, gen(seed)).value * snr for seed in range(60)]
    floors = [loss_floor(corners, SCHEDULE, 200, 2, gen(seed)).value for seed in range(60)]
    assert max(draws) > 1 and floors == [min(value, 1.0) for value in draws]


def test_components_that_draws_may_miss() -> None:
    """Two narrow components in the plane: at t = 45 all draws give one number; the error is more than rounding."""
    law = GaussianMixture.isotropic([0.5, 0.5], [[-0.9, 0.0], [0.9, 0.0]], 0.01)
    line = GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.01)
    for t in (20, 45, 60):
        one = GaussianMixture.isotropic([1.0], [[0.0]], 0.01)
        expected = (x0_uncertainty(line, SCHEDULE, t).value + x0_uncertainty(one, SCHEDULE, t).value) / 2
        got = x0_uncertainty(law, SCHEDULE, t, 500, gen(4))
        assert abs(got.value - expected) < 3 * got.standard_error + 1e-12 * expected
    assert got.standard_error < 2e-3


@pytest.mark.parametrize("t", [50, 300])
def test_pythagoras(t: int) -> None:
    """E |eps - f|^2 = l_t + E |f - eps*|^2 for any f."""
    n = 200_000
    x0, eps = BIMODAL.sample(n, gen(1)), normal(n, 1, seed=2)
    x_t = q_sample(SCHEDULE, x0, t, eps)
    best, floor = BIMODAL.at(SCHEDULE, t).eps(x_t), loss_floor(BIMODAL, SCHEDULE, t).value
    for f in (best, 0.8 * x_t, torch.tanh(x_t)):
        difference = ((eps - f).square() - (f - best).square())[:, 0]
        error = difference.std().item() / math.sqrt(n)
        assert abs(difference.mean().item() - floor) < Z * error
        assert abs(difference.mean().item()) > Z * error  # "the best loss is 0"
        assert abs(difference.mean().item() - 1) > Z * error  # "eps* is independent of eps"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_simple_loss(dtype: torch.dtype) -> None:
    n = 50_000
    x0, eps = UNEVEN.sample(n, gen(3)).to(dtype), normal(n, 1, seed=4).to(dtype)
    t = torch.randint(1, 1001, (n,), generator=gen(5))
    for denoiser in (UNEVEN.denoiser(SCHEDULE), lambda x, t, cond: 0.5 * x):
        rows = torch.cat([simple_loss(denoiser, SCHEDULE, x0[i : i + 1], int(t[i]), eps[i : i + 1]) for i in range(9)])
        together = simple_loss(denoiser, SCHEDULE, x0[:9], t[:9], eps[:9])
        assert together.dtype == dtype and together.shape == (9,)
        assert torch.allclose(together, rows, rtol=1e-4)
        assert not torch.allclose(together, rows.flip(0), rtol=1e-3)
    at = simple_loss(UNEVEN.denoiser(SCHEDULE), SCHEDULE, x0, 200, eps).mean().item()
    se = (eps - UNEVEN.at(SCHEDULE, 200).eps(q_sample(SCHEDULE, x0, 200, eps))).square().std().item() / math.sqrt(n)
    assert abs(at - loss_floor(UNEVEN, SCHEDULE, 200).value) < Z * se
    assert abs(at - loss_floor(UNEVEN, SCHEDULE, 260).value) > Z * se


def test_simple_loss_has_a_gradient() -> None:
    weight = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    x0, eps = normal(20, 3), normal(20, 3, seed=1)
    simple_loss(lambda x, t, cond: weight * x, SCHEDULE, x0, 100, eps).mean().backward()
    x_t = q_sample(SCHEDULE, x0, 100, eps)
    assert close(weight.grad.item(), (2 * (0.3 * x_t - eps) * x_t).mean().item())


@pytest.mark.parametrize("target", [EPS, X0, V])
def test_the_simple_loss_of_another_target_is_in_its_units(target: Target) -> None:
    x0, eps = normal(6, 2), normal(6, 2, seed=1)
    t = torch.tensor([1, 2, 50, 400, 990, 1000])
    told: list[object] = []

    def says(x: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        told.append(cond)
        return torch.sin(x)

    cond = torch.arange(6)
    rows = simple_loss(says, SCHEDULE, x0, t, eps, cond=cond, target=target)
    assert told == [cond]
    signal, noise = SCHEDULE.sqrt_alpha_bar[t][:, None], SCHEDULE.sqrt_one_minus_alpha_bar[t][:, None]
    x_t = signal * x0 + noise * eps
    truth = {"eps": eps, "x0": x0, "v": signal * eps - noise * x0}
    losses = {name: (torch.sin(x_t) - y).square().mean(1) for name, y in truth.items()}
    assert torch.allclose(rows, losses.pop(target.name), rtol=1e-10)
    assert not any(torch.allclose(rows, other, rtol=1e-3) for other in losses.values())


# --- the bound: two forms -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", [BIMODAL, UNEVEN, gaussian(0.25, 0.5), gaussian(4.0, -1.0)])
@pytest.mark.parametrize("schedule", [linear(1000), cosine(1000), sigmoid(50)])
def test_two_forms_of_the_bound_agree(schedule: NoiseSchedule, law: GaussianMixture) -> None:
    data = entropy(law, schedule, 0).value
    for steps, spacing in ((1, "trailing"), (3, "iddpm"), (10, "leading")):
        timesteps = schedule.timesteps(steps, spacing)
        best = optimal_for(law, schedule, timesteps)
        states = state_dependent(law, schedule)
        for choice in (fixed_large, with_last(fixed_small, best), best, learned_range(0.4), states):
            terms, gaps = vlb(law, schedule, timesteps, choice), vlb_gap(law, schedule, timesteps, choice)
            assert abs(terms.total - gaps.total - data) < 1e-10 * max(1.0, abs(terms.total))
            assert len(terms.steps) == len(gaps.steps) == steps
            assert terms.standard_error == gaps.standard_error == 0  # by quadrature
            assert all(gap > -1e-10 for gap in gaps.steps)  # each is a KL
            assert abs(terms.total - gaps.total) > 1e-3  # the entropy forgotten
            assert terms.steps[0] != pytest.approx(gaps.steps[0], rel=1e-6)  # no term is the same
            assert close(terms.bits * math.log(2), terms.total)


def test_the_bound_is_least_at_the_optimum() -> None:
    timesteps = SCHEDULE.timesteps(10)
    best = optimal_for(BIMODAL, SCHEDULE, timesteps)
    least = vlb(BIMODAL, SCHEDULE, timesteps, best).steps
    assert all(a > b for a, b in zip(vlb(BIMODAL, SCHEDULE, timesteps, fixed_large).steps, least, strict=True))
    for factor in (0.9, 1.1):
        scaled = vlb(BIMODAL, SCHEDULE, timesteps, lambda pair, x, f=factor: times(best(pair, x), f)).steps
        assert all(a > b for a, b in zip(scaled, least, strict=True))
    better = vlb(BIMODAL, SCHEDULE, timesteps, state_dependent(BIMODAL, SCHEDULE)).steps
    assert all(a < b + 1e-12 for a, b in zip(better, least, strict=True))  # unless it sees x_t
    assert sum(better) < sum(least) - 0.1
    for term, t, s in zip(least, timesteps, [*timesteps[1:], 0], strict=True):
        pair = transition(SCHEDULE, t, s)
        sigma2 = best(pair, NOTHING).value
        expected = math.log(sigma2 / pair.beta_tilde) / 2 if s > 0 else math.log(2 * math.pi * math.e * sigma2) / 2
        assert close(term, expected, 1e-9)


def times(variance: Variance, factor: float) -> Variance:
    return Variance(factor * variance.value, variance.log + math.log(factor))


VDM = {10: 458.5, 25: 104.7, 50: 32.9, 100: 13.49, 1000: 4.368}


@pytest.mark.parametrize("steps", VDM)
def test_beta_tilde_pays_the_snr_lost_times_what_is_unknown(steps: int) -> None:
    law, timesteps = gaussian(0.25), SCHEDULE.timesteps(steps)
    terms = vlb(law, SCHEDULE, timesteps, fixed_small)
    assert math.isinf(terms.steps[-1]) and terms.steps[-1] > 0  # its decoder has no width
    assert abs(sum(terms.steps[:-1]) / VDM[steps] - 1) < 1e-3
    for term, (t, s) in zip(terms.steps, itertools.pairwise(timesteps), strict=False):
        lost = (SCHEDULE.snr[s] - SCHEDULE.snr[t]).item()
        assert abs(term - 0.5 * lost * x0_uncertainty(law, SCHEDULE, t).value) < 1e-10 * max(1.0, term)
        assert s > 500 or not close(term, 0.5 * lost * x0_uncertainty(law, SCHEDULE, s).value, 1e-4)
    best = vlb(law, SCHEDULE, timesteps, optimal_for(law, SCHEDULE, timesteps))
    snr = SCHEDULE.snr
    expected = 0.5 * math.log((1 + 0.25 * snr[1].item()) / (1 + 0.25 * snr[1000].item()))
    assert close(sum(best.steps[:-1]), expected)  # whatever the number of steps
    assert abs(expected - 3.9122) < 5e-5


def test_prior_in_bits() -> None:
    for schedule, m2, bits in (
        (SCHEDULE, 1.0, 2.9112945420345267e-05),
        (SCHEDULE, 0.25, 7.278676963921929e-06),
        (cosine(1000), 1.0, 1.7519849502153845e-09),
    ):
        bound = vlb(gaussian(m2), schedule, schedule.timesteps(3), fixed_large)
        assert close(bound.prior / math.log(2), bits, 1e-6)
        assert close(bound.prior, forward_kl(schedule, m2, 1000))
        assert not close(bound.prior, bits, 1e-6)  # nats are not bits
    # E KL(q(x_T|x_0) || p) and KL(q(x_T) || p) are two numbers
    assert vlb_gap(gaussian(1.0), SCHEDULE, [1000, 1], fixed_large).prior < 1e-12
    assert close(Bound(0.5, (0.25, math.log(2) - 0.75)).bits, 1.0)


def test_the_bound_by_monte_carlo() -> None:
    timesteps = SCHEDULE.timesteps(6)
    got = vlb(plane(), SCHEDULE, timesteps, learned_range(0.6), 4_000, gen(8))
    sides = [vlb(law, SCHEDULE, timesteps, learned_range(0.6)).total for law in (BIMODAL, gaussian(0.25, 0.2))]
    assert 0 < got.standard_error < 0.2
    assert abs(got.total - sum(sides) / 2) < Z * got.standard_error
    assert abs(got.total - sides[0]) > Z * got.standard_error


@pytest.mark.parametrize("t", [0, 40, 1000])
def test_entropy(t: int) -> None:
    alpha_bar = SCHEDULE.alpha_bar[t].item()
    expected = 0.5 * math.log(2 * math.pi * math.e * (1 - alpha_bar + alpha_bar * 0.25))
    doubled = GaussianMixture.isotropic([0.3, 0.7], [[0.3], [0.3]], 0.5)
    assert close(entropy(gaussian(0.25), SCHEDULE, t).value, expected)
    assert close(entropy(doubled, SCHEDULE, t).value, expected)
    assert not close(entropy(gaussian(0.26), SCHEDULE, t).value, expected, 1e-8)
    wide = GaussianMixture.of([1.0], [[0.0, 0.0]], [[[0.25, 0.0], [0.0, 1.0]]])  # the mean over both coordinates
    assert close(entropy(wide, SCHEDULE, t).value, (expected + 0.5 * math.log(2 * math.pi * math.e)) / 2)
    mc = entropy(plane(), SCHEDULE, t, 5_000, gen(t))
    sides = [entropy(law, SCHEDULE, t).value for law in (BIMODAL, gaussian(0.25))]
    assert abs(mc.value - sum(sides) / 2) < Z * mc.standard_error
    assert t == 1000 or abs(mc.value - sides[0]) > Z * mc.standard_error


def test_the_error_of_an_entropy_has_room_for_what_no_draw_saw() -> None:
    """A draw says at most ln K / d that the others do not: 1,000 components at one place, two draws."""
    law = GaussianMixture.isotropic([1e-3] * 1000, [[0.3, 0.3]] * 1000, 0.5)
    got, missed = entropy(law, SCHEDULE, 100, 2, gen()), math.log(1000) / 2 / 2
    assert missed < got.standard_error < missed + 1
    assert abs(got.value - entropy(gaussian(0.25), SCHEDULE, 100).value) < got.standard_error


def test_what_draws_may_have_missed_between_two_components() -> None:
    """The lesser of one draw of n at the farthest mean, and a quarter of Bhattacharyya's over all pairs."""
    a, b, sd, t = 0.9, 0.4, 0.15, 150
    law = GaussianMixture.isotropic([0.2, 0.8], [[-a, -b], [a, b]], sd)
    alpha_bar, noise = SCHEDULE.alpha_bar[t].item(), SCHEDULE.one_minus_alpha_bar[t].item()
    far, width = math.sqrt(alpha_bar * (a**2 + b**2)), math.sqrt(alpha_bar * sd**2 + noise)
    p, q = stats.norm(-far, width), stats.norm(far, width)
    overlap, _ = integrate.quad(lambda x: math.sqrt(p.pdf(x) * q.pdf(x)), -5, 5, epsabs=1e-13)
    between = 2 * 0.25 * math.sqrt(0.2 * 0.8) * 4 * (a**2 + b**2) / 2 * overlap
    assert close(estimates._missed(law, law.at(SCHEDULE, t), 1), between, 1e-9)
    assert close(estimates._missed(law, law.at(SCHEDULE, t), 10**9), 1.6**2 * (a**2 + b**2) / 2 / 10**9, 1e-12)
    assert between < 1.6**2 * (a**2 + b**2) / 2


def test_two_points_on_a_line_need_no_draws() -> None:
    """At t = 1, too; at t = 0 they have no density, and no entropy."""
    points = FiniteData([[-0.9], [0.9]])
    noise = SCHEDULE.one_minus_alpha_bar[1].item()
    apart = entropy(points, SCHEDULE, 1)  # two Gaussians that do not meet: ln 2 and the entropy of one
    assert apart.standard_error == 0
    assert close(apart.value, math.log(2) + 0.5 * math.log(2 * math.pi * math.e * noise))
    with pytest.raises(BadInput, match="t = 0"):
        entropy(points, SCHEDULE, 0, 10, gen())


def test_points_on_one_line_are_known_by_quadrature_and_others_by_draws() -> None:
    direction, along = torch.tensor([0.3, 0.7, -0.2]).double(), torch.tensor([[-1.0], [0.2], [1.5]]).double()
    one = x0_uncertainty(FiniteData([[2.0, 1.0]]), SCHEDULE, 300)
    assert (one.value, one.standard_error) == (0.0, 0.0)  # a point is a line
    for length in (1e-3, 1.0, 1e4):
        got = x0_uncertainty(FiniteData(length * (3 + along) * direction), SCHEDULE, 300)
        flat = x0_uncertainty(FiniteData(length * along * direction.norm()), SCHEDULE, 300)  # the same points, in 1-D
        assert got.standard_error == 0 and close(3 * got.value, flat.value, 1e-8)
        assert length == 1e4 or got.value > 0
    apart = x0_uncertainty(FiniteData([[0.0, 0.0], [100.0, 0.0], [0.0, 90.0]]), SCHEDULE, 1, 10, gen())
    assert (apart.value, apart.standard_error) == (0.0, 0.0)  # less than the smallest float
    for off in (0.1, -0.1):
        with pytest.raises(BadInput, match="generator must be"):
            x0_uncertainty(FiniteData([[0.0, 0.0], [1.0, 0.0], [0.5, off]]), SCHEDULE, 300)


def test_the_distance_of_near_duplicates_keeps_its_digits() -> None:
    points = 1000 + normal(40, 3, seed=2)  # for more than 25 rows PyTorch multiplies matrices, if it may
    points[1] = points[0] + 1e-6
    distance = distances(FiniteData(points))
    assert distance is not None and close(distance[0, 1].item(), (points[1] - points[0]).norm().item(), 1e-12)
    assert not close(torch.cdist(points, points)[0, 1].item(), distance[0, 1].item(), 1e-3)


@pytest.mark.parametrize("t", [60, 400])  # by pairs of points, and by draws of x_t
@pytest.mark.parametrize("law", [FiniteData([[-0.9, 0.0], [0.9, 0.3], [0.1, 0.8]]), plane()], ids=["points", "plane"])
def test_estimates_draw_from_their_generator_alone(law: GaussianMixture | FiniteData, t: int) -> None:
    before = torch.get_rng_state()
    for ask in (x0_uncertainty, entropy):
        first, again, other = (ask(law, SCHEDULE, t, 50, gen(seed)) for seed in (1, 1, 2))
        assert first == again != other
    assert torch.equal(torch.get_rng_state(), before)


def test_the_error_of_a_bound_is_that_of_what_is_unknown() -> None:
    law, pair = FiniteData(normal(100, 3, seed=4)), transition(SCHEDULE, 200, 100)
    spread = x0_uncertainty(law, SCHEDULE, 200, 500, gen(1))
    bound = vlb(law, SCHEDULE, [200, 100], with_last(fixed_large, fixed_small), 500, gen(1))
    assert math.isinf(bound.total)
    slope = 0.5 * pair.c_0**2 / pair.beta  # of the term in V_t; the decoder's step, infinite, has no error
    assert bound.standard_error == pytest.approx(slope * spread.standard_error, rel=0.2)  # by other draws


def test_a_step_without_variance_has_an_infinite_gap() -> None:
    timesteps = SCHEDULE.timesteps(3)
    gaps = vlb_gap(BIMODAL, SCHEDULE, timesteps, lambda pair, x: Variance(0.0, -math.inf))
    assert gaps.steps == (math.inf,) * 3 and gaps.total == math.inf
    one = vlb_gap(BIMODAL, SCHEDULE, timesteps, lambda pair, x: fixed_small(pair, x))
    assert [math.isinf(step) for step in one.steps] == [False, False, True]


# --- the weights of the simple loss ---------------------------------------------------------------------------------

WEIGHTS = {1: (0.500, math.inf), 2: (0.273, 0.600), 10: (0.0737, 0.0864), 100: (0.0101, 0.0103), 1000: (0.0102, 0.0102)}


@pytest.mark.parametrize("t", WEIGHTS)
def test_weights_of_the_simple_loss(t: int) -> None:
    pair = transition(SCHEDULE, t, t - 1)
    large, small = (simple_weight(pair, choice(pair, NOTHING)) for choice in (fixed_large, fixed_small))
    assert abs(large - WEIGHTS[t][0]) < 6e-4 * max(0.2, large) / 0.5
    assert small == WEIGHTS[t][1] or abs(small - WEIGHTS[t][1]) < 5e-4
    if t > 1:
        ratio = (SCHEDULE.snr[t - 1] / SCHEDULE.snr[t] - 1).item() / 2
        assert abs(small - ratio) < 1e-10 * max(1, SCHEDULE.snr[t - 1].item() / SCHEDULE.snr[t].item())
        assert not close(large, ratio, 1e-7)


@pytest.mark.parametrize("t, s", [(2, 1), (50, 49), (800, 300)])
def test_a_network_pays_the_weight_for_its_error_in_eps(t: int, s: int) -> None:
    pair, in_eps = transition(SCHEDULE, t, s), 0.07
    in_x0 = in_eps * pair.one_minus_alpha_bar_t / pair.alpha_bar_t
    for choice in (fixed_small, fixed_large):
        variance = choice(pair, NOTHING)
        paid = vlb_term(pair, variance, 0.2, in_x0) - vlb_term(pair, variance, 0.2)
        assert close(paid, simple_weight(pair, variance) * in_eps, 1e-8)
        assert not close(paid, simple_weight(pair, variance) * in_x0, 1e-6)
    first = transition(SCHEDULE, 1, 0)
    variance = fixed_large(first, NOTHING)
    paid = decoder_term(variance, 1e-4, 1e-5) - decoder_term(variance, 1e-4)
    assert close(paid, simple_weight(first, variance) * 1e-5 * SCHEDULE.snr[1].item(), 1e-8)


# --- how fast the gap closes ----------------------------------------------------------------------------------------


def gap(law: GaussianMixture, steps: int) -> list[float]:
    """On a grid even in log SNR, from 6 to -4, the decoder left out."""
    alpha_bar = torch.sigmoid(torch.linspace(6, -4, steps, dtype=torch.float64))
    schedule = from_beta(1 - alpha_bar / torch.cat([torch.ones(1), alpha_bar[:-1]]))
    timesteps = schedule.timesteps(steps, "trailing")
    floors = {t: loss_floor(law, schedule, t).value for t in timesteps}
    best = optimal(floors.__getitem__)
    choices = (fixed_large, fixed_small, best, state_dependent(law, schedule))
    return [math.fsum(vlb_gap(law, schedule, timesteps, choice).steps[:-1]) for choice in choices]


def test_only_a_variance_that_sees_x_t_improves_the_rate() -> None:
    law = GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.3)
    slopes = [math.log2(b / a) for a, b in zip(gap(law, 64), gap(law, 128), strict=True)]
    for slope in slopes[:3]:
        assert abs(slope + 1) < 0.05
    assert abs(slopes[3] + 2) < 0.1


# --- a learned variance ---------------------------------------------------------------------------------------------


def slow_vlb(eps_hat: Tensor, v: Tensor, t: int, x0: Tensor, eps: Tensor) -> Tensor:
    """Means and variances written out; torch.distributions for the rest."""
    pair = transition(SCHEDULE, t, t - 1)
    x_t = q_sample(SCHEDULE, x0, t, eps)
    x0_hat = (x_t - pair.sqrt_one_minus_alpha_bar_t * eps_hat) / pair.sqrt_alpha_bar_t
    low, high = log_range(pair)
    model = Normal(pair.c_0 * x0_hat + pair.c_t * x_t, torch.exp((v * high + (1 - v) * low) / 2))
    if t == 1:
        return -model.log_prob(x0).flatten(1).mean(1)
    mean, variance = q_posterior(SCHEDULE, x_t, x0, t, t - 1)
    return kl_divergence(Normal(mean, variance.sqrt().expand(mean.shape)), model).flatten(1).mean(1)


def network_outputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x0, eps = normal(5, 2, 3), normal(5, 2, 3, seed=1)
    return eps + 0.3 * normal(5, 2, 3, seed=2), torch.sigmoid(normal(5, 2, 3, seed=3)), x0, eps


@pytest.mark.parametrize("t", [1, 2, 30, 1000])
def test_the_learned_term_is_a_kl_of_gaussians(t: int) -> None:
    eps_hat, v, x0, eps = network_outputs()
    got = vlb_loss(eps_hat, v, SCHEDULE, t, eps)
    assert got.shape == (5,)
    expected = slow_vlb(eps_hat, v, t, x0, eps)
    assert torch.allclose(got, expected, rtol=1e-8, atol=1e-14)
    assert not torch.allclose(got, slow_vlb(eps_hat, 1 - v, t, x0, eps), rtol=1e-8, atol=1e-14)
    assert not torch.allclose(got, slow_vlb(eps, v, t, x0, eps), rtol=1e-8, atol=1e-14)


def test_a_batch_of_timesteps_is_each_row_alone() -> None:
    eps_hat, v, _x0, eps = network_outputs()
    t = torch.tensor([1, 2, 30, 1000, 1])
    got = vlb_loss(eps_hat, v, SCHEDULE, t, eps)
    alone = [vlb_loss(eps_hat[i : i + 1], v[i : i + 1], SCHEDULE, int(t[i]), eps[i : i + 1]) for i in range(5)]
    assert torch.allclose(got, torch.cat(alone), rtol=1e-12)
    assert not torch.allclose(got, vlb_loss(eps_hat, v, SCHEDULE, t.flip(0), eps), rtol=1e-3)
    single = vlb_loss(eps_hat.float(), v.float(), SCHEDULE, t, eps.float())
    assert single.dtype == torch.float32
    assert torch.allclose(single, got.float(), rtol=1e-3)


def test_the_hybrid_loss_trains_the_mean_by_the_simple_loss_alone() -> None:
    eps_hat, v, _x0, eps = network_outputs()
    eps_hat, v = eps_hat.requires_grad_(), v.detach().requires_grad_()
    t = torch.tensor([1, 2, 30, 1000, 500])
    loss = hybrid_loss(eps_hat, v, SCHEDULE, t, eps)
    loss.backward()
    assert torch.allclose(eps_hat.grad, 2 * (eps_hat - eps).detach() / eps.numel(), rtol=1e-12)
    assert torch.isfinite(v.grad).all() and (v.grad != 0).all()

    def of_v(v: Tensor) -> Tensor:
        return vlb_loss(eps_hat.detach(), v, SCHEDULE, t, eps).mean()  # lambda T = 1

    assert torch.autograd.gradcheck(of_v, v.detach().requires_grad_())
    assert close(loss.item(), (eps - eps_hat).square().mean().item() + of_v(v).item(), 1e-12)
    assert close(
        hybrid_loss(eps_hat, v, SCHEDULE, t, eps, vlb_weight=0.0).item(), (eps - eps_hat).square().mean().item()
    )


@pytest.mark.parametrize("T", [1, 2, 50, 4000])
def test_the_hybrid_loss_weighs_the_bound_by_its_number_of_terms(T: int) -> None:
    """L_vlb is a sum over t = 1..T: a mean over rows stands for a T-th of it."""
    eps_hat, v, _x0, eps = network_outputs()
    schedule, t = linear(T), torch.tensor([1, 1, (T + 1) // 2, T, T])
    simple, bound = (eps - eps_hat).square().mean().item(), vlb_loss(eps_hat, v, schedule, t, eps).mean().item()
    got = hybrid_loss(eps_hat, v, schedule, t, eps).item()
    assert abs(got - simple - 1e-3 * T * bound) < 1e-12 * max(1.0, abs(T * bound))
    assert abs(got - simple - bound) > 1e-3 * abs(bound)  # what it is at T = 1000 alone


@pytest.mark.parametrize("t", [2, 20, 300])
def test_the_learned_term_falls_to_the_exact_one(t: int) -> None:
    """Its mean, with the exact denoiser, is `vlb_term`; and the best constant v makes the optimal variance."""
    n, pair = 100_000, transition(SCHEDULE, t, t - 1)
    x0, eps = BIMODAL.sample(n, gen(1)), normal(n, 1, seed=2)
    eps_hat = BIMODAL.at(SCHEDULE, t).eps(q_sample(SCHEDULE, x0, t, eps))
    left = x0_uncertainty(BIMODAL, SCHEDULE, t).value
    got = vlb_loss(eps_hat, torch.full_like(eps, 0.3), SCHEDULE, t, eps)
    se = got.std().item() / math.sqrt(n)
    assert abs(got.mean().item() - vlb_term(pair, learned_range(0.3)(pair, NOTHING), left)) < Z * se
    linear_mix = 0.3 * pair.beta + 0.7 * pair.beta_tilde
    assert t > 2 or abs(got.mean().item() - vlb_term(pair, Variance(linear_mix, math.log(linear_mix)), left)) > Z * se
    low, high = log_range(pair)
    best = (optimal_for(BIMODAL, SCHEDULE, [t])(pair, NOTHING).log - low) / (high - low)
    terms = [vlb_term(pair, learned_range(v)(pair, NOTHING), left) for v in (best - 0.01, best, best + 0.01)]
    assert terms[1] < min(terms[0], terms[2])


# --- zero terminal SNR ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("T", [2, 10])
def test_the_term_at_pure_noise_is_finite_in_x0_and_not_to_be_had_in_eps(T: int) -> None:
    """q(x_s|x_T, x_0) = N(sqrt(alpha_bar_s) x_0, 1 - alpha_bar_s); its mean errs by sqrt(alpha_bar_s) (x_0 - x0_hat)"""
    blind, law = zero_terminal_snr(linear(T)), gaussian(0.25)
    pair = transition(blind, T, T - 1)
    assert pair.c_t == 0 and close(pair.c_0, blind.sqrt_alpha_bar[T - 1].item())
    variance, excess = learned_range(0.4)(pair, NOTHING), 0.3  # x0_hat is off by sqrt(.3); V_T = .25: x_T says nothing
    truth = Normal(normal(400_000, seed=3) * 0.5 * pair.c_0, math.sqrt(pair.beta_tilde))
    model = Normal(torch.full((400_000,), pair.c_0 * math.sqrt(excess)).double(), math.sqrt(variance.value))
    rows = kl_divergence(truth, model)
    got = vlb_term(pair, variance, x0_uncertainty(law, blind, T).value, excess)
    assert abs(got - rows.mean().item()) < Z * rows.std().item() / math.sqrt(len(rows))
    assert abs(vlb_term(pair, variance, 0.25) - rows.mean().item()) > Z * rows.std().item() / math.sqrt(len(rows))
    timesteps = blind.timesteps(T)
    for choice in (fixed_large, learned_range(0.4)):
        terms, gaps = vlb(law, blind, timesteps, choice), vlb_gap(law, blind, timesteps, choice)
        assert abs(terms.total - gaps.total - entropy(law, blind, 0).value) < 1e-10 * max(1.0, abs(terms.total))

    eps_hat, v, _x0, eps = network_outputs()
    for t in (T, torch.tensor([1, T, 1, 1, 1])):
        for loss in (vlb_loss, hybrid_loss):
            with pytest.raises(BadInput, match=rf"^alpha is 0 at t = {T}, where eps says nothing of x_0\.$"):
                loss(eps_hat, v, blind, t, eps)
    assert torch.isfinite(vlb_loss(eps_hat, v, blind, T - 1, eps)).all()
    assert torch.isfinite(vlb_loss(eps_hat, v, linear(T), T, eps)).all()


# --- bad input ------------------------------------------------------------------------------------------------------


def test_bad_input_is_one_clear_sentence() -> None:
    first = transition(SCHEDULE, 1, 0)
    with pytest.raises(BadInput, match="s must be at least 1 here"):
        vlb_term(first, fixed_large(first, NOTHING), 0.1)
    with pytest.raises(BadInput, match="t must be an integer from 1 to 1000; got 0"):
        loss_floor(BIMODAL, SCHEDULE, 0)
    with pytest.raises(BadInput, match=r"generator must be a torch\.Generator"):
        loss_floor(plane(), SCHEDULE, 10)
    with pytest.raises(BadInput, match="n must be an integer of at least 2; got 1"):
        loss_floor(plane(), SCHEDULE, 10, 1, gen())
    assert entropy(plane(), SCHEDULE, 10, 2, gen()).standard_error > 0
    assert optimal_for(plane(), SCHEDULE, [10], 100, gen())(transition(SCHEDULE, 10, 9), NOTHING).value > 0
    with pytest.raises(BadInput, match="timesteps that the optimal variance was made for; got 9"):
        optimal_for(BIMODAL, SCHEDULE, [10])(transition(SCHEDULE, 9, 8), NOTHING)
    with pytest.raises(BadInput, match="d = 1; got d = 2"):
        vlb_gap(plane(), SCHEDULE, [10], fixed_large)
    for run in (vlb, vlb_gap):
        with pytest.raises(BadInput, match="at least one timestep"):
            run(BIMODAL, SCHEDULE, [], fixed_large)
    blind = zero_terminal_snr(cosine(10))
    pair = transition(blind, 10, 9)
    with pytest.raises(BadInput, match="alpha is 0 at t = 10"):
        simple_weight(pair, fixed_large(pair, NOTHING))
    eps_hat, v, x0, eps = network_outputs()
    with pytest.raises(BadInput, match="v must have the shape of eps"):
        vlb_loss(eps_hat, v[..., :1], SCHEDULE, 5, eps)
    with pytest.raises(BadInput, match="t must be an integer from 1 to 1000; got 0"):
        hybrid_loss(eps_hat, v, SCHEDULE, 0, eps)
    with pytest.raises(BadInput, match="t must be an integer from 1"):
        simple_loss(lambda x, t, cond: x, SCHEDULE, x0, 0, eps)
    with pytest.raises(BadInput, match="denoiser's eps must have the shape"):
        simple_loss(lambda x, t, cond: x[:1], SCHEDULE, x0, 5, eps)
    with pytest.raises(BadInput, match="the predicted v must have the shape of x0"):
        simple_loss(lambda x, t, cond: x[:1], SCHEDULE, x0, 5, eps, target=V)
