"""V_t by pairs of points, where x_t are hardly ever in doubt; each check rejects a wrong variant."""

import math

import pytest
import torch

from diffusion_core.forward import q_sample
from diffusion_core.laws.estimates import x0_uncertainty
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.pairs import distances, draws_by_pairs, most, pair_weights
from diffusion_core.laws.variances import optimal_for
from diffusion_core.posterior import transition
from diffusion_core.variance import NOTHING
from tests.core.laws.examples import FIVE, SCHEDULE, Z, close, gen, normal, on_a_grid


@pytest.mark.parametrize("t", [20, 40, 60, 80, 100, 300])
@pytest.mark.parametrize("d", [2, 64])
def test_the_error_of_finite_data_is_its_own(d: int, t: int) -> None:
    """Within 3 of its own errors in at least 195 of 200 seeds (expected: 199.5); the plane may lie in 64 dimensions."""
    turn = torch.linalg.qr(normal(d, d))[0][:2]
    law, expected = FiniteData(FIVE @ turn), on_a_grid(FIVE, t)
    found = [x0_uncertainty(law, SCHEDULE, t, n=100, generator=gen(seed)) for seed in range(200)]
    errors = [abs(f.value * d / 2 - expected) / (f.standard_error * d / 2) for f in found]
    assert sum(e < 3 for e in errors) >= 195
    assert sum(e < 1 for e in errors) < 190  # nor are the errors far too large
    twice = [abs(2 * f.value * d / 2 - expected) / (f.standard_error * d / 2) for f in found]
    assert sum(e < 3 for e in twice) < 20


def test_where_points_are_many() -> None:
    """Pairs and draws of x_t agree where both can be asked; more points than pairs can be listed for have an error."""
    law = FiniteData(normal(300, 8))
    for t in (100, 150, 200):
        pairs = x0_uncertainty(law, SCHEDULE, t, n=2_000, generator=gen(1))
        y = law.sample(40_000, gen(2))
        plain = law.at(SCHEDULE, t).x0_variance(q_sample(SCHEDULE, y, t, normal(*y.shape, seed=3))).mean(-1)
        error = math.hypot(plain.std().item() / 200, pairs.standard_error)
        assert abs(pairs.value - plain.mean().item()) < Z * error
        assert abs(pairs.value - 1.3 * plain.mean().item()) > Z * error
    many = FiniteData(10 * normal(2_100, 3))
    got = x0_uncertainty(many, SCHEDULE, 2, n=20, generator=gen())
    assert got.standard_error > 0.1  # 20 draws meet no doubt, and say so
    assert optimal_for(many, SCHEDULE, [2], n=20, generator=gen())(transition(SCHEDULE, 2, 1), NOTHING).value > 0


def test_the_distance_of_near_duplicates_keeps_its_digits() -> None:
    points = 1000 + normal(40, 3, seed=2)  # for more than 25 rows PyTorch multiplies matrices, if it may
    points[1] = points[0] + 1e-6
    distance = distances(FiniteData(points))
    assert distance is not None and close(distance[0, 1].item(), (points[1] - points[0]).norm().item(), 1e-12)
    assert not close(torch.cdist(points, points)[0, 1].item(), distance[0, 1].item(), 1e-3)


@pytest.mark.parametrize("t", [20, 60, 150])
def test_no_draw_is_above_the_most_and_their_mean_is_what_is_left(t: int) -> None:
    now, expected = FiniteData(FIVE).at(SCHEDULE, t), on_a_grid(FIVE, t)
    weight = pair_weights(now)
    assert weight is not None
    bound = most(weight, now.law)
    draws = draws_by_pairs(now, weight, 20_000, gen(t))
    assert draws.min() >= 0 and draws.max() <= bound and expected <= bound
    error = draws.std().item() / math.sqrt(len(draws))
    assert abs(draws.mean().item() - expected) < Z * error < abs(draws.mean().item() - 1.1 * expected)
