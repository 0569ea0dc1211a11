"""What is left to know of x_0, and the entropy of x_t, by independent routes; each check rejects a wrong variant.

Monte Carlo: pinned seeds, |z| < 4.5 (false alarm rate 7e-6 each).
"""

import math

import pytest
import torch
from scipy import integrate, stats

from diffusion_core.errors import BadInput
from diffusion_core.forward import q_sample
from diffusion_core.laws import estimates
from diffusion_core.laws.estimates import entropy, loss_floor, x0_uncertainty
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import expectation_nodes
from tests.core.laws.examples import (
    BIMODAL,
    FIVE,
    SCHEDULE,
    UNEVEN,
    Z,
    close,
    finite,
    gaussian,
    gen,
    normal,
    plane,
)


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
    got = loss_floor(plane(), SCHEDULE, t, n=5_000, generator=gen(t))
    first, second = loss_floor(BIMODAL, SCHEDULE, t).value, loss_floor(gaussian(0.25), SCHEDULE, t).value
    assert 0 < got.standard_error < 0.01
    assert abs(got.value - (first + second) / 2) < Z * got.standard_error
    assert abs(got.value - first) > Z * got.standard_error
    assert abs(got.value - (first + second)) > Z * got.standard_error  # a sum over coordinates


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


def test_a_floor_is_at_most_1_although_two_draws_may_be_above() -> None:
    corners = GaussianMixture.isotropic([0.25] * 4, [[-0.9, -0.9], [-0.9, 0.9], [0.9, -0.9], [0.9, 0.9]], 0.1)
    snr = SCHEDULE.snr[200].item()
    draws = [x0_uncertainty(corners, SCHEDULE, 200, n=2, generator=gen(seed)).value * snr for seed in range(60)]
    floors = [loss_floor(corners, SCHEDULE, 200, n=2, generator=gen(seed)).value for seed in range(60)]
    assert max(draws) > 1 and floors == [min(value, 1.0) for value in draws]


def test_components_that_draws_may_miss() -> None:
    """Two narrow components in the plane: at t = 45 all draws give one number; the error is more than rounding."""
    law = GaussianMixture.isotropic([0.5, 0.5], [[-0.9, 0.0], [0.9, 0.0]], 0.01)
    line = GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.01)
    for t in (20, 45, 60):
        one = GaussianMixture.isotropic([1.0], [[0.0]], 0.01)
        expected = (x0_uncertainty(line, SCHEDULE, t).value + x0_uncertainty(one, SCHEDULE, t).value) / 2
        got = x0_uncertainty(law, SCHEDULE, t, n=500, generator=gen(4))
        assert abs(got.value - expected) < 3 * got.standard_error + 1e-12 * expected
    assert got.standard_error < 2e-3


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
    many = GaussianMixture.isotropic([1 / 65] * 65, [[float(k), 0.0] for k in range(65)], 0.01)  # too many pairs
    assert close(estimates._missed(many, many.at(SCHEDULE, 20), 10), 32**2 / 2 / 10, 1e-12)


# --- finite data ------------------------------------------------------------------------------------------------------


def two_points(m: float, t: int) -> float:
    """V_t of the points -m and m: m^2 E sech^2(m sqrt(abar) x_t / (1 - abar)), by scipy."""
    a = m * math.sqrt(SCHEDULE.snr[t].item())
    density = lambda s: math.exp(-(s * s + a * a) / 2) / math.sqrt(2 * math.pi) / math.cosh(min(a * s, 700.0))  # noqa: E731
    return float(2 * m * m * integrate.quad(density, 0, 20, epsabs=0, epsrel=1e-12, limit=500)[0])


@pytest.mark.parametrize("t", [1, 20, 40, 60, 80, 100, 400, 1000])
def test_points_on_a_line_are_exact(t: int) -> None:
    """Two points on the line and in 64 dimensions; n draws of x_t would meet none between them at t = 40."""
    expected = two_points(0.9, t)
    place, way = normal(64), normal(64, seed=1)
    way *= 0.9 / way.norm()
    for law in (finite([-0.9], [0.9]), FiniteData(torch.stack([place - way, place + way]))):
        got = x0_uncertainty(law, SCHEDULE, t)
        assert got.standard_error == 0
        assert close(got.value * law.dimension, expected, 1e-7)
        draws = law.sample(2_000, gen(t))
        spread = law.at(SCHEDULE, t).x0_variance(q_sample(SCHEDULE, draws, t, normal(*draws.shape, seed=t))).mean()
        assert t in (1, 400, 1000) or not close(spread.item() * law.dimension, expected, 1e-3)


def test_points_on_one_line_are_known_by_quadrature_and_others_by_draws() -> None:
    direction, along = torch.tensor([0.3, 0.7, -0.2]).double(), torch.tensor([[-1.0], [0.2], [1.5]]).double()
    one = x0_uncertainty(finite([2.0, 1.0]), SCHEDULE, 300)
    assert (one.value, one.standard_error) == (0.0, 0.0)  # a point is a line
    for length in (1e-3, 1.0, 1e4):
        got = x0_uncertainty(FiniteData(length * (3 + along) * direction), SCHEDULE, 300)
        flat = x0_uncertainty(FiniteData(length * along * direction.norm()), SCHEDULE, 300)  # the same points, in 1-D
        assert got.standard_error == 0 and close(3 * got.value, flat.value, 1e-8)
        assert length == 1e4 or got.value > 0
    apart = x0_uncertainty(finite([0.0, 0.0], [100.0, 0.0], [0.0, 90.0]), SCHEDULE, 1, n=10, generator=gen())
    assert (apart.value, apart.standard_error) == (0.0, 0.0)  # less than the smallest float
    for off in (0.1, -0.1):
        with pytest.raises(BadInput, match="generator must be"):
            x0_uncertainty(finite([0.0, 0.0], [1.0, 0.0], [0.5, off]), SCHEDULE, 300)


# --- entropy ----------------------------------------------------------------------------------------------------------


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
    mc = entropy(plane(), SCHEDULE, t, n=5_000, generator=gen(t))
    sides = [entropy(law, SCHEDULE, t).value for law in (BIMODAL, gaussian(0.25))]
    assert abs(mc.value - sum(sides) / 2) < Z * mc.standard_error
    assert t == 1000 or abs(mc.value - sides[0]) > Z * mc.standard_error


def test_the_error_of_an_entropy_has_room_for_what_no_draw_saw() -> None:
    """A draw says at most ln K / d that the others do not: 1,000 components at one place, two draws."""
    law = GaussianMixture.isotropic([1e-3] * 1000, [[0.3, 0.3]] * 1000, 0.5)
    got, missed = entropy(law, SCHEDULE, 100, n=2, generator=gen()), math.log(1000) / 2 / 2
    assert missed < got.standard_error < missed + 1
    assert abs(got.value - entropy(gaussian(0.25), SCHEDULE, 100).value) < got.standard_error


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
        got = entropy(law, SCHEDULE, t, n=2_000, generator=gen(t))
        assert abs(got.value - expected) < Z * got.standard_error
        assert abs(got.value - expected - math.log(5) / 2) > Z * got.standard_error
    few = entropy(law, SCHEDULE, 20, n=2, generator=gen())
    assert few.standard_error > math.log(5) / 4


def test_two_points_on_a_line_need_no_draws() -> None:
    """At t = 1, too; at t = 0 they have no density, and no entropy."""
    points = finite([-0.9], [0.9])
    noise = SCHEDULE.one_minus_alpha_bar[1].item()
    apart = entropy(points, SCHEDULE, 1)  # two Gaussians that do not meet: ln 2 and the entropy of one
    assert apart.standard_error == 0
    assert close(apart.value, math.log(2) + 0.5 * math.log(2 * math.pi * math.e * noise))
    with pytest.raises(BadInput, match="t = 0"):
        entropy(points, SCHEDULE, 0, n=10, generator=gen())


@pytest.mark.parametrize("t", [60, 400])  # by pairs of points, and by draws of x_t
@pytest.mark.parametrize("law", [finite([-0.9, 0.0], [0.9, 0.3], [0.1, 0.8]), plane()], ids=["points", "plane"])
def test_estimates_draw_from_their_generator_alone(law: Law, t: int) -> None:
    before = torch.get_rng_state()
    for ask in (x0_uncertainty, entropy):
        first, again, other = (ask(law, SCHEDULE, t, n=50, generator=gen(seed)) for seed in (1, 1, 2))
        assert first == again != other
    assert torch.equal(torch.get_rng_state(), before)


def test_bad_input_is_one_clear_sentence() -> None:
    with pytest.raises(BadInput, match="t must be an integer from 1 to 1000; got 0"):
        loss_floor(BIMODAL, SCHEDULE, 0)
    for ask in (loss_floor, entropy):
        with pytest.raises(BadInput, match=r"generator must be a torch\.Generator"):
            ask(plane(), SCHEDULE, 10)
        with pytest.raises(BadInput, match="n must be an integer of at least 2; got 1"):
            ask(plane(), SCHEDULE, 10, n=1, generator=gen())
    assert entropy(plane(), SCHEDULE, 10, n=2, generator=gen()).standard_error > 0
