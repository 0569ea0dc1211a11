"""The weights of the losses: the table at three SNRs, and what a network sees of them over ln SNR."""

import math

import pytest
import torch

from diffusion_core.data.toys import bimodal
from diffusion_core.laws.information import floor_over
from diffusion_core.laws.quadrature import on_the_unit
from diffusion_core.levels import SHAPES, log_snr_at
from diffusion_core.weightings import DENSITIES, WEIGHTINGS

X = torch.linspace(-8, 8, 33, dtype=torch.float64)
BY_HAND = {  # at SNR 100 and 0.1
    "bound": (50, 0.05),
    "eps": (100, 0.1),
    "x0": (1, 1),
    "v": (101, 1.1),
    "fm": (121, 1.7324555320),
    "score": (10100, 0.11),
    "min_snr": (5, 0.1),
    "p2": (100 / 101, 1 / 11),
}


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_the_factors_by_hand(name: str) -> None:
    got = WEIGHTINGS[name].of_x0(torch.tensor([100, 0.1], dtype=torch.float64)).tolist()
    assert got == pytest.approx(BY_HAND[name], rel=1e-9)
    assert [name for name, values in BY_HAND.items() if got == pytest.approx(values, rel=1e-3)] == [name]


def test_three_of_them_over_ln_snr_in_closed_form() -> None:
    """The bound 1/2, flow matching e^(-x/2) / 2, v along the cosine e^(-x/2) / pi; along another way v is another."""
    drawn = DENSITIES["cosine"]
    expected = {"bound": 0.5 + 0 * X, "fm": torch.exp(-X / 2) / 2, "v": torch.exp(-X / 2) / math.pi}
    for name, values in expected.items():
        torch.testing.assert_close(WEIGHTINGS[name].over_log_snr(X, drawn), values, rtol=1e-12, atol=0)
    other = WEIGHTINGS["v"].over_log_snr(X, DENSITIES["linear_vp"])
    assert (other / expected["v"]).log().abs().max() > 0.5


@pytest.mark.parametrize(("name", "ends"), [("cosine", (1e9, 1e-9)), ("linear_vp", (1e9, 4.4e-5))])
def test_a_density_says_how_fast_its_walk_goes(name: str, ends: tuple[float, float]) -> None:
    """|du / d ln SNR| of the walk between far ends, here by automatic differentiation."""
    u = torch.linspace(0.2, 0.8, 13, dtype=torch.float64).requires_grad_(True)
    x = log_snr_at(SHAPES[name], ends, u)
    (slope,) = torch.autograd.grad(x.sum(), u)
    torch.testing.assert_close(DENSITIES[name](x.detach()), 1 / slope.abs(), rtol=2e-3, atol=0)
    wrong = DENSITIES["cosine" if name == "linear_vp" else "linear_vp"](x.detach())
    assert (wrong * slope.abs() - 1).abs().max() > 0.1


def test_flow_matching_is_v_along_the_cosine_times_half_pi() -> None:
    """For two peaks, u from .001 to .999: 1.0668067418610603, and the ratio pi / 2."""
    ends = (999.0**2, 999.0**-2)
    floor = floor_over(bimodal().law, ends, nodes=260)
    u, weights = on_the_unit(40)
    low, high = math.log(ends[1]), math.log(ends[0])
    x = low + (high - low) * u
    integral = {
        name: (high - low) * (weights * WEIGHTINGS[name].over_log_snr(x, DENSITIES["cosine"]) * floor(x)).sum().item()
        for name in ("fm", "v")
    }
    assert integral["fm"] == pytest.approx(1.0668067418610603, abs=1e-8)
    assert integral["fm"] / integral["v"] == pytest.approx(math.pi / 2, rel=1e-12)
