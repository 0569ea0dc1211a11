"""Distances and intervals against independent references."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from diffusion_core.data.toys import TOYS
from diffusion_core.errors import BadInput
from diffusion_core.training.quality import mean_interval, share_interval, sliced_wasserstein


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_shift_costs_its_length_over_the_root_of_d() -> None:
    """SW_2^2 of x and x + m is E (theta . m)^2 = |m|^2 / d; 20,000 directions, four standard errors."""
    x = torch.randn((50, 3), generator=seeded(1))
    m = torch.tensor([1.0, -2.0, 2.0])
    got = sliced_wasserstein(x, x + m, seeded(2), 20_000) ** 2
    spread = 9 * math.sqrt(4 / 45 / 20_000)  # Var (theta . u)^2 = 3 / 15 - 1 / 9 on the sphere
    assert abs(got - 9 / 3) < 4 * spread
    assert abs(got - 9) > 4 * spread  # the length itself


def test_each_direction_is_the_best_assignment() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 30, 1))
    cost = (x - y.T) ** 2
    best = cost[linear_sum_assignment(cost)].mean()
    got = sliced_wasserstein(torch.from_numpy(x), torch.from_numpy(y), seeded(), 1) ** 2
    assert abs(got - best) < 1e-12
    assert np.square(x - y).mean() > best + 0.1  # without the order


def test_the_distance_sees_what_the_moments_do_not() -> None:
    law = TOYS["eight_gaussians"]().law
    x, y = law.sample(2_000, seeded(1)), law.sample(2_000, seeded(2))
    gaussian = x.std(0) * torch.randn(x.shape, generator=seeded(3), dtype=x.dtype) + x.mean(0)
    assert sliced_wasserstein(x, y, seeded()) * 3 < sliced_wasserstein(gaussian, y, seeded())


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """95 % of 2,000 intervals, within four standard errors; an interval of one standard error fails."""
    rng = np.random.default_rng(1)
    samples = rng.normal(2.0, 1.0, (2_000, 5))
    held = np.mean([one.low < 2.0 < one.high for one in map(mean_interval, samples.tolist())])
    assert abs(held - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 2_000)
    errors = samples.std(1, ddof=1) / math.sqrt(5)
    assert np.mean(np.abs(samples.mean(1) - 2) < errors) < 0.8
    one = share_interval(50, 50)
    assert one.value == one.high == 1
    assert abs(one.low - 1 / (1 + 1.959964**2 / 50)) < 1e-6  # Wilson by hand: n / (n + z^2)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(BadInput, match="one shape"):
        sliced_wasserstein(torch.zeros(3, 2), torch.zeros(4, 2), seeded())
    with pytest.raises(BadInput, match="at least two"):
        mean_interval([1.0])
    with pytest.raises(BadInput, match="hits must lie"):
        share_interval(3, 2)
