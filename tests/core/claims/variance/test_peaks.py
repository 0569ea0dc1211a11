"""The distances of two peaks, held to sums that were made independently."""

import pytest

from diffusion_core import linear
from diffusion_core.claims.variance import peaks as claims

LINEAR = linear(1000)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [  # gap, KL, TV, W1, variance: trapezoid sums on 6,001 points, made independently
        (
            10,
            {
                "large": (1.108, 0.882, 0.570, 0.228, 0.845),
                "small": (164.0, 2.486, 0.428, 0.084, 0.700),
                "optimal": (0.802, 0.386, 0.356, 0.117, 0.749),
            },
        ),
        (
            20,
            {
                "large": (0.727, 0.318, 0.322, 0.082, 0.829),
                "small": (37.0, 0.641, 0.300, 0.037, 0.788),
                "optimal": (0.246, 0.015, 0.048, 0.013, 0.801),
            },
        ),
    ],
)
def test_two_peaks_have_the_known_distances(steps: int, expected: dict[str, tuple[float, ...]]) -> None:
    for name, (gap, density) in claims.peaks_by_choice(LINEAR, steps).items():
        found = (gap, density.kl, density.tv, density.w1, density.variance)
        assert found == pytest.approx(expected[name], rel=2e-3, abs=6e-4), name
        assert density.kl <= gap
