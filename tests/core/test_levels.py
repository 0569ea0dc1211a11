"""Schedules between two SNRs: their ends, their shapes against the formulas they are named after, and back again."""

import math
from collections.abc import Callable

import pytest
import torch

from diffusion_core.errors import BadInput
from diffusion_core.levels import SHAPES, between, blended, from_log_snr, log_snr_at

ENDS = (1e3, 1e-4)
U = torch.linspace(0, 1, 41, dtype=torch.float64)


@pytest.mark.parametrize("name", SHAPES)
def test_the_ends_are_the_snrs_asked_for_and_the_way_falls(name: str) -> None:
    schedule = between(name, ENDS, 30)
    assert schedule.T == 30 and schedule.name == name
    assert schedule.snr[1].item() == pytest.approx(ENDS[0], rel=1e-11)
    assert schedule.snr[-1].item() == pytest.approx(ENDS[1], rel=1e-11)
    assert (schedule.snr[1:].diff() < 0).all()


def test_each_shape_is_straight_in_what_it_is_named_after() -> None:
    """ln SNR; the angle; the time of the VP equation, ln alpha_bar = -0.1 s - 9.95 s^2."""
    levels = {name: log_snr_at(shape, ENDS, U) for name, shape in SHAPES.items()}
    straight: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "log_snr": lambda x: x,
        "cosine": lambda x: torch.acos(torch.sigmoid(x).sqrt()),
        "linear_vp": lambda x: (-0.1 + (0.01 + 4 * 9.95 * torch.log1p(torch.exp(-x))).sqrt()) / 19.9,
    }
    for name, into in straight.items():
        for other, x in levels.items():
            bend = into(x).diff(n=2).abs().max()
            assert (bend < 1e-9) == (name == other), (name, other)


def test_a_blend_is_halfway_in_ln_snr() -> None:
    first, second, third = (log_snr_at(shape, ENDS, U) for shape in SHAPES.values())
    for place, expected in ((0, first), (0.5, (first + second) / 2), (1, second), (1.25, (3 * second + third) / 4)):
        torch.testing.assert_close(log_snr_at(blended(place), ENDS, U), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_snr_at(blended(2), ENDS, U), third, rtol=0, atol=1e-12)


def test_a_schedule_has_the_log_snrs_it_was_made_of() -> None:
    levels = torch.tensor([9.0, 1.0, 0.3, -4.0, -9.0], dtype=torch.float64)
    schedule = from_log_snr(levels)
    assert schedule.T == 5
    torch.testing.assert_close(schedule.snr[1:].log(), levels, rtol=0, atol=1e-10)
    half = from_log_snr(levels / 2)  # lambda, where ln SNR is meant
    assert (half.snr[1:].log() - levels).abs().max() > 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: from_log_snr([1.0, 1.0]), "log_snr must be one row of finite numbers that fall; got [1.0, 1.0]."),
        (lambda: from_log_snr([math.inf, 1.0]), "log_snr must be one row of finite numbers that fall"),
        (
            lambda: log_snr_at(SHAPES["cosine"], (1.0, 2.0), U),
            "The ends must be two SNRs above 0, the larger one first",
        ),
        (lambda: between("cosine", (1.0, 0.0), 3), "The ends must be two SNRs above 0"),
        (lambda: between("sine", ENDS, 3), "shape must be one of log_snr, cosine, linear_vp; got sine."),
        (lambda: between("cosine", ENDS, 1), "T must be an integer of at least 2; got 1."),
        (lambda: blended(2.5), "place must be a number from 0 to 2; got 2.5."),
    ],
)
def test_what_is_no_schedule_is_said(call: Callable[[], object], says: str) -> None:
    with pytest.raises(BadInput) as error:
        call()
    assert says in str(error.value)
