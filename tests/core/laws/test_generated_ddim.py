"""DDIM without noise on Gaussian data: a product of cosines, by another route."""

import itertools
import math
from collections.abc import Sequence

import pytest
import torch

from diffusion_core.laws.generated import generated_variance_ddim
from diffusion_core.posterior import transitions
from diffusion_core.schedule import NoiseSchedule, cosine, linear
from tests.core.laws.examples import SCHEDULE, close


def angle(alpha_bar: float, noise: float, lam: float) -> float:
    return math.atan2(math.sqrt(noise), math.sqrt(alpha_bar * lam))


def cosine_law(schedule: NoiseSchedule, timesteps: Sequence[int], lam: float) -> float:
    r"""The variance of x_0 from DDIM at eta = 0, in closed form.

    .. math:: g_0 = \frac{\lambda}{v_{t_N}}\prod_k\cos^2(\phi_{t_k}-\phi_{t_{k-1}}), \qquad
              \tan\phi_t = \sqrt{(1-\bar\alpha_t)/(\bar\alpha_t\lambda)}.

    No cosine is above 1: for :math:`\lambda\ge 1`, where :math:`v\ge 1`, DDIM makes Gaussian data too narrow, whatever
    the number of steps. For :math:`\lambda < 1` it does so if the product is below :math:`v_{t_N}`, as where
    :math:`\bar\alpha_{t_N}` is much smaller than 1 / N; else the start, which is too wide, outweighs the steps:
    linear(100), :math:`\lambda = 1/4`, 100 steps: :math:`1.352\,\lambda`.
    """
    pairs = transitions(schedule, timesteps)
    log_g = math.log(lam / (pairs[0].one_minus_alpha_bar_t + pairs[0].alpha_bar_t * lam))
    for pair in pairs:
        t = angle(pair.alpha_bar_t, pair.one_minus_alpha_bar_t, lam)
        s = angle(pair.alpha_bar_s, pair.one_minus_alpha_bar_s, lam)
        log_g += 2 * math.log(math.cos(t - s))
    return math.exp(log_g)


@pytest.mark.parametrize("schedule", [linear(1000), cosine(1000)])
@pytest.mark.parametrize("lam", [0.01, 0.25, 1.0, 4.0])
def test_ddim_obeys_the_cosine_law(schedule: NoiseSchedule, lam: float) -> None:
    for steps in (1, 5, 10, 100):
        timesteps = schedule.timesteps(steps)
        got = generated_variance_ddim(schedule, timesteps, lam)
        assert close(cosine_law(schedule, timesteps, lam), got)
        assert got < lam  # too narrow: next to no signal is left at T
        assert not close(cosine_law(schedule, timesteps, 1.01 * lam), got)
        if steps > 1:  # one step into 0 has no noise for any eta
            assert not close(generated_variance_ddim(schedule, timesteps, lam, eta=0.3), got, 1e-6)


def test_when_ddim_is_too_narrow() -> None:
    """Always for lambda >= 1; below, where signal is left at T, the wider start may outweigh the cosines."""
    for schedule in (linear(20), linear(100), cosine(1000)):
        for lam, steps in itertools.product((1.0, 4.0), (1, 2, 10, schedule.T)):
            assert cosine_law(schedule, schedule.timesteps(steps), lam) < lam
    wide = cosine_law(linear(100), linear(100).timesteps(100), 0.25)
    assert abs(wide / 0.25 - 1.352) < 5e-4
    assert cosine_law(linear(100), linear(100).timesteps(3), 0.25) < 0.25


def test_equal_angles() -> None:
    theta = math.acos(SCHEDULE.sqrt_alpha_bar[-1].item())
    assert round(theta, 4) == 1.5644
    for steps, expected in ((5, 0.608), (10, 0.782), (50, 0.952), (100, 0.976), (1000, 0.9976)):
        angles = [theta * k / steps for k in range(1, steps + 1)]
        alpha_bar = torch.tensor([1.0, *[math.cos(a) ** 2 for a in angles]], dtype=torch.float64)
        schedule = NoiseSchedule(
            "angles", torch.cat([torch.zeros(1, dtype=torch.float64), 1 - alpha_bar[1:] / alpha_bar[:-1]])
        )
        got = generated_variance_ddim(schedule, schedule.timesteps(steps, "trailing"), 1.0)
        assert close(got, math.cos(theta / steps) ** (2 * steps), 1e-9)
        assert round(got, 4 if steps == 1000 else 3) == expected
        assert not close(got, 1 - theta**2 / steps, 1e-7)  # only its limit
