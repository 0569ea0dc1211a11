"""The bound as an area over the SNR, against numbers found elsewhere: three schedules, entropies, finite steps."""

import math

import pytest
import torch

from diffusion_core.data.toys import bimodal, gaussian_1d, three_modes
from diffusion_core.laws.estimates import x0_uncertainty
from diffusion_core.laws.information import area, floor_over, information, mean_loss, stepped, stepped_sum
from diffusion_core.levels import SHAPES, blended, from_log_snr

ENDS = (1e3, 1e-4)
FLOOR = floor_over(bimodal().law, ENDS)
STEPS = {  # two peaks: log_snr, cosine, linear_vp
    10: (3.8034429578309994, 5.026834318737107, 12.25015901078609),
    160: (1.9665881185974903, 2.06010155327236, 2.271121413767826),
}


def test_the_area_knows_the_ends_alone() -> None:
    """1.8920538186400373 for every schedule, also between the three; and by entropies (I-MMSE)."""
    for place in (0, 0.3, 1, 1.6, 2):
        assert area(FLOOR, blended(place)) == pytest.approx(1.8920538186400373, abs=1e-11)
    apart = information(bimodal().law, ENDS[0]) - information(bimodal().law, ENDS[1])
    assert apart == pytest.approx(1.8920538186400373, abs=1e-11)
    assert abs(area(floor_over(bimodal().law, (1e3, 1e-2)), blended(0)) - 1.8920538186400373) > 1e-3  # another end


def test_the_simple_loss_does_not() -> None:
    losses = [mean_loss(FLOOR, shape) for shape in SHAPES.values()]
    assert losses == pytest.approx([0.2348, 0.2667, 0.1614], abs=5e-5)


@pytest.mark.parametrize("T", STEPS)
def test_the_sum_of_so_many_steps(T: int) -> None:
    sums = [stepped_sum(FLOOR, shape, T) for shape in SHAPES.values()]
    assert sums == pytest.approx(STEPS[T], abs=1e-9)
    levels, terms = stepped(FLOOR, SHAPES["cosine"], T)
    assert levels.shape == (T + 1,) and terms.shape == (T,) and (terms > 0).all()


def test_gaussian_data_in_closed_form() -> None:
    """I = ln(1 + lambda SNR) / 2, and the floor lambda SNR / (1 + lambda SNR)."""
    law, floor = gaussian_1d(0.25).law, floor_over(gaussian_1d(0.25).law, ENDS)
    x = torch.linspace(math.log(ENDS[1]), math.log(ENDS[0]), 50, dtype=torch.float64)
    torch.testing.assert_close(floor(x), torch.sigmoid(x + math.log(0.25)), rtol=0, atol=1e-12)
    for snr in (1e-3, 1.0, 50.0):
        assert information(law, snr) == pytest.approx(0.5 * math.log1p(0.25 * snr), abs=1e-13)
    expected = 0.5 * math.log((1 + 250) / (1 + 0.25e-4))
    assert area(floor, SHAPES["linear_vp"]) == pytest.approx(expected, abs=1e-11)


def test_the_polynomial_goes_through_what_it_has_not_seen() -> None:
    """V at SNR 9 and 1 of the two peaks, and V of three at places of no node; too few nodes miss them."""
    for snr, V in ((9, 0.019287757208405587), (1, 0.42122338846780516)):
        assert FLOOR(torch.tensor([math.log(snr)], dtype=torch.float64)).item() == pytest.approx(snr * V, abs=1e-10)
    law, x = three_modes().law, torch.tensor([3.3, -0.123], dtype=torch.float64)
    schedule = from_log_snr(x)
    expected = torch.stack([schedule.snr[t] * x0_uncertainty(law, schedule, t).value for t in (1, 2)])
    torch.testing.assert_close(floor_over(law, ENDS)(x), expected, rtol=0, atol=1e-11)
    assert (floor_over(law, ENDS, nodes=12)(x) - expected).abs().max() > 1e-4
