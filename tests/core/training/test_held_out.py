"""A network beside the best that there can be: the floor by three routes, Pythagoras, and what breaks each."""

import pytest
import torch
from torch import Tensor

from diffusion_core import BadInput, GaussianMixture, linear, q_sample
from diffusion_core.data.toys import eight_gaussians
from diffusion_core.denoisers import Denoiser
from diffusion_core.laws.estimates import loss_floor
from diffusion_core.training.held_out import HeldOut, errors, even_times, floors, held_out, mean_floor

SCHEDULE = linear(1000)
LAW = eight_gaussians().law
assert isinstance(LAW, GaussianMixture)


def draws(n: int = 200, seed: int = 0) -> HeldOut:
    return held_out(LAW, SCHEDULE, even_times(1000, 25), n=n, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("T", "count"), [(1, 100), (2, 100), (99, 100), (100, 100), (101, 100), (1000, 100), (4000, 25)]
)
def test_even_times_are_the_middles_of_equal_parts(T: int, count: int) -> None:
    times = even_times(T, count)
    assert len(times) == len(set(times)) == min(T, count)
    assert 1 <= times[0] <= times[-1] <= T
    mean = sum(times) / len(times)
    assert abs(mean - (T + 1) / 2) <= 0.5  # t drawn evenly from 1..T has this mean
    assert abs(mean + T / 10 - (T + 1) / 2) > 0.5 or T < 10  # times that lean to one side would be noticed


def test_the_floor_of_one_gaussian_is_the_closed_form() -> None:
    law = GaussianMixture.isotropic([1.0], [[0.3, -0.2]], 0.5)
    times = (1, 40, 500, 1000)
    alpha_bar, noise = SCHEDULE.alpha_bar[list(times)], SCHEDULE.one_minus_alpha_bar[list(times)]
    expected = alpha_bar * 0.25 / (alpha_bar * 0.25 + noise)
    assert (floors(law, SCHEDULE, times, 64) - expected).abs().max() < 1e-10
    drawn = held_out(law, SCHEDULE, times, n=8, generator=torch.Generator().manual_seed(0)).floor
    assert (drawn - expected[:, None]).abs().max() < 1e-10
    assert (alpha_bar * 0.5 / (alpha_bar * 0.5 + noise) - expected).abs().max() > 0.01  # sd taken for a variance


def test_the_floor_does_not_turn_with_space() -> None:
    """A bimodal coordinate beside two Gaussian ones, turned: the floor is the mean of theirs, by 1-D quadrature."""
    turn = torch.linalg.matrix_exp(torch.tensor([[0.0, -1.2, 0.7], [1.2, 0.0, 0.9], [-0.7, -0.9, 0.0]]).double())
    upright = torch.diag(torch.tensor([0.01, 0.25, 0.09], dtype=torch.float64))
    means = torch.tensor([[-0.9, 0.2, 0.0], [0.9, 0.2, 0.0]], dtype=torch.float64)
    law = GaussianMixture.of([0.5, 0.5], means @ turn.T, (turn @ upright @ turn.T).expand(2, 3, 3))
    sides = [GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.1)]
    sides += [GaussianMixture.isotropic([1.0], [[0.2]], sd) for sd in (0.5, 0.3)]
    times = (100, 300)
    expected = [sum(loss_floor(side, SCHEDULE, t).value for side in sides) / 3 for t in times]
    got = floors(law, SCHEDULE, times, 4096)
    assert (got - torch.tensor(expected, dtype=torch.float64)).abs().max() < 1e-4


def test_the_floor_of_a_mixture_is_one_less_the_score() -> None:
    """l_t = 1 - (1 - alpha_bar_t) E|score|^2 / d, over fresh random draws: 3.5 standard errors."""
    times = (20, 100, 300, 700)
    by_points = floors(LAW, SCHEDULE, times)
    for t, floor in zip(times, by_points, strict=True):
        generator = torch.Generator().manual_seed(t)
        x0 = LAW.sample(20_000, generator)
        x_t = q_sample(SCHEDULE, x0, t, torch.randn(x0.shape, generator=generator, dtype=x0.dtype))
        rows = 1 - SCHEDULE.one_minus_alpha_bar[t] * LAW.at(SCHEDULE, t).score(x_t).square().mean(-1)
        error = rows.std() / len(rows) ** 0.5
        assert abs(rows.mean() - floor) < 3.5 * error + 1e-3
        assert abs(rows.mean() - floors(LAW, SCHEDULE, [t // 2])[0]) > 3.5 * error + 1e-3  # another t is noticed


def test_the_exact_denoiser_has_no_distance_and_its_loss_is_the_floor() -> None:
    new = draws(1_000)
    exact = errors(LAW.denoiser(SCHEDULE), new)
    assert exact.distance.max() < 1e-6  # asked in float32
    rest = exact.loss - new.floor
    assert abs(rest.mean()) < 3.5 * rest.std() / rest.numel() ** 0.5
    shrunk = errors(lambda x, t, cond=None: 0.9 * LAW.denoiser(SCHEDULE)(x, t), new)
    worse = shrunk.loss - new.floor
    assert worse.mean() > 3.5 * worse.std() / worse.numel() ** 0.5


def test_pythagoras_holds_for_any_function_of_x_and_fails_for_one_that_sees_the_noise() -> None:
    new = draws(2_000)
    seen = new.eps.reshape(-1, 2)

    def z(denoiser: Denoiser) -> float:
        one = errors(denoiser, new)
        rest = one.loss - one.distance - new.floor
        error: Tensor = rest.std() / rest.numel() ** 0.5
        return (rest.mean() / error).item()

    assert abs(z(lambda x, t, cond=None: torch.zeros_like(x))) < 3.5
    assert abs(z(lambda x, t, cond=None: x.sin())) < 3.5
    assert abs(z(lambda x, t, cond=None: 0.9 * x.sin() + 0.1 * seen.float())) > 10


def test_draws_repeat_by_seed_and_the_first_ones_are_the_first_ones() -> None:
    assert torch.equal(draws(seed=1).x_t, draws(seed=1).x_t)
    assert not torch.equal(draws(seed=1).x_t, draws(seed=2).x_t)
    assert torch.equal(draws().first(7).floor, draws().floor[:, :7])


@pytest.mark.parametrize("t", [0, 1001])
def test_a_time_outside_is_one_sentence(t: int) -> None:
    with pytest.raises(BadInput, match="t must"):
        held_out(LAW, SCHEDULE, [t], n=2, generator=torch.Generator())
    with pytest.raises(BadInput, match="t must"):
        floors(LAW, SCHEDULE, [t], 2)


def test_the_mean_floor_is_that_over_all_t_by_quadrature() -> None:
    """0.199605 by a sum over a grid at each of 1,000 times; the mean over 100 even times is 0.20007, another number."""
    assert abs(mean_floor(LAW, SCHEDULE) - 0.199605) < 5e-5
    assert abs(mean_floor(LAW, SCHEDULE, parts=32) - 0.199605) < 5e-4  # evenly spaced, 33 times miss it by 1.1e-3
    assert abs(float(floors(LAW, SCHEDULE, even_times(1000), 4096).mean()) - 0.199605) > 3e-4
    assert mean_floor(LAW, linear(1), 64) == pytest.approx(float(floors(LAW, linear(1), [1], 64)))
