"""beta or beta-tilde: each is right for the data that Ho et al. (2020, section 3.2) name, and belongs to its stride."""

import math

import pytest
import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.posterior import Transition, transition
from diffusion_core.schedule import SCHEDULES, cosine, linear, zero_terminal_snr
from diffusion_core.variance import (
    NOTHING,
    VarianceChoice,
    fixed_large,
    fixed_small,
    learned_range,
    log_range,
    optimal,
    optimal_for_network,
    place_in_range,
    with_last,
)
from tests.core.laws.examples import SCHEDULE, close, normal


def reverse_variance(t: int, s: int, data_variance: float) -> float:
    """Var[x_s | x_t] of the joint Gaussian (x_s, x_t), by its Schur complement: for data N(0, data_variance)."""
    alpha_bar = linear().alpha_bar
    v_s, v_t = (1 + alpha_bar[k].item() * (data_variance - 1) for k in (s, t))
    covariance = math.sqrt(alpha_bar[t] / alpha_bar[s]) * v_s
    return v_s - covariance**2 / v_t


@pytest.mark.parametrize(("t", "s"), [(2, 1), (10, 9), (100, 50), (1000, 900)])
def test_each_is_exact_for_its_data(t: int, s: int) -> None:
    pair = transition(linear(), t, s)

    def is_exact(choose: VarianceChoice, data_variance: float) -> bool:
        return abs(float(choose(pair, NOTHING).value) / reverse_variance(t, s, data_variance) - 1) < 1e-9

    assert is_exact(fixed_large, 1.0) and is_exact(fixed_small, 0.0)
    assert not is_exact(fixed_large, 0.0) and not is_exact(fixed_small, 1.0)
    assert not is_exact(fixed_large, 0.25) and not is_exact(fixed_small, 0.25)
    neighbour = transition(linear(), t, t - 1)  # mistake 3
    assert (t - s == 1) == (fixed_large(neighbour, NOTHING).value == fixed_large(pair, NOTHING).value)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("choose", [fixed_small, fixed_large])
def test_a_variance_is_a_value_with_its_log(name: str, choose: VarianceChoice) -> None:
    for T in (1, 2, 50):
        schedule = SCHEDULES[name](T)
        for t in range(1, T + 1):
            variance = choose(transition(schedule, t, t - 1), NOTHING)
            assert type(variance.value) is float and type(variance.log) is float
            if variance.value == 0:
                assert choose is fixed_small and t == 1 and variance.log == -math.inf
            else:
                assert abs(math.exp(variance.log) / variance.value - 1) < 1e-12
                if t > 1 and t < T:  # a deviation in its place would be seen (mistake 7)
                    assert abs(math.exp(variance.log) / math.sqrt(variance.value) - 1) > 1e-12


@pytest.mark.parametrize(("t", "s"), [(1, 0), (2, 1), (50, 0), (900, 800)])
def test_the_place_in_the_range_is_the_inverse_of_the_learned_range(t: int, s: int) -> None:
    pair = transition(linear(), t, s)
    v = torch.tensor([-0.3, 0.0, 0.4, 1.0, 1.7], dtype=torch.float64)
    place = place_in_range(pair, learned_range(v)(pair, NOTHING).log)
    assert torch.as_tensor(place - v).abs().max() < 1e-10
    assert torch.as_tensor(place - (1 - v)).abs().max() > 1
    assert place_in_range(pair, fixed_large(pair, NOTHING).log) == 1
    if s > 0:
        assert place_in_range(pair, fixed_small(pair, NOTHING).log) == 0
    else:  # there beta-tilde is 0, and the lower end is another one
        assert fixed_small(pair, NOTHING).value == 0


def test_small_is_below_large() -> None:
    for t in range(1, 1001):
        pair = transition(linear(), t, t - 1)
        small, large = fixed_small(pair, NOTHING).value, fixed_large(pair, NOTHING).value
        assert small < large
        assert not large < small


def test_a_range_of_one_point_has_no_places() -> None:
    """All signal is lost in one step: beta-tilde's stand-in beta / (1 + alpha) is beta."""
    pair = transition(zero_terminal_snr(linear(1)), 1, 0)
    for log in (0.0, torch.zeros(3, dtype=torch.float64)):
        with pytest.raises(BadInput, match="one point at t = 1, s = 0"):
            place_in_range(pair, log)
    assert learned_range(0.3)(pair, NOTHING).value == pair.beta == 1


def test_the_floor_is_at_most_the_loss_of_predicting_0() -> None:
    pair = transition(linear(), 300, 200)
    with pytest.raises(BadInput, match=r"floor must be at most 1 at t = 300.*got 1\.2\. .*optimal_for_network"):
        optimal(lambda t: 1.2)(pair, NOTHING)
    assert optimal(lambda t: 1 + 1e-12)(pair, NOTHING).value == pytest.approx(pair.beta / pair.alpha, rel=1e-10)
    table = [0.7] * 1001
    assert optimal_for_network(table)(pair, NOTHING) == optimal(table)(pair, NOTHING)
    # the step's error in x_s around a network's mean: beta-tilde + c_0^2 E|x_0 - x0_hat|^2 / d
    error_in_x0 = 1.2 * pair.one_minus_alpha_bar_t / pair.alpha_bar_t
    expected = pair.beta_tilde + pair.c_0**2 * error_in_x0
    assert optimal_for_network(lambda t: 1.2)(pair, NOTHING).value == pytest.approx(expected, rel=1e-12)
    with pytest.raises(BadInput, match="loss must be a finite number of at least 0 at t = 300; got nan"):
        optimal_for_network(lambda t: math.nan)(pair, NOTHING)


def is_geometric(mixed: float, pair: Transition, v: float) -> bool:
    return close(mixed, pair.beta**v * pair.beta_tilde ** (1 - v))


@pytest.mark.parametrize("v", [-0.2, 0.0, 0.3, 0.5, 1.0, 1.3])
@pytest.mark.parametrize("t, s", [(2, 1), (10, 9), (600, 200)])
def test_learned_range_mixes_logs(t: int, s: int, v: float) -> None:
    pair = transition(SCHEDULE, t, s)
    got = learned_range(v)(pair, NOTHING)
    assert isinstance(got.value, float)
    assert is_geometric(got.value, pair, v)
    assert close(math.exp(got.log), got.value, 1e-14)
    if v not in (0.0, 1.0):
        assert not is_geometric(v * pair.beta + (1 - v) * pair.beta_tilde, pair, v)  # a linear mix
        assert (
            not is_geometric(float(learned_range(1 - v)(pair, NOTHING).value), pair, v) or v == 0.5
        )  # the ends swapped


def test_learned_range_takes_a_tensor_or_a_network() -> None:
    pair, x = transition(SCHEDULE, 50, 40), normal(4, 3)
    v = torch.linspace(0, 1, 12, dtype=torch.float64).reshape(4, 3).requires_grad_()
    got = learned_range(v)(pair, x)
    assert isinstance(got.value, Tensor) and isinstance(got.log, Tensor) and got.value.shape == x.shape
    assert is_geometric(got.value[2, 1].item(), pair, v[2, 1].item())
    assert not is_geometric(got.value[2, 1].item(), pair, v[1, 2].item())
    (gradient,) = torch.autograd.grad(got.log.sum(), v)
    assert torch.allclose(gradient, torch.full_like(v, math.log(pair.beta / pair.beta_tilde)), rtol=1e-12)
    network = learned_range(lambda pair, x_t: torch.sigmoid(x_t) * pair.t / 50)
    asked, given = (torch.as_tensor(choice(pair, x).log) for choice in (network, learned_range(torch.sigmoid(x))))
    assert torch.allclose(asked, given, rtol=1e-14)


def test_learned_range_is_finite_at_the_last_step() -> None:
    first, second = transition(SCHEDULE, 1, 0), transition(SCHEDULE, 2, 1)
    low, high = log_range(first)
    equal = linear(2, first.beta, first.beta)
    assert close(math.exp(low), transition(equal, 2, 1).beta_tilde)  # a second step as large as the first
    assert math.isfinite(low) and low < high == math.log(first.beta)
    # Improved DDPM clips with its own second step: 5.45e-5, not far from ours
    assert close(math.exp(low), second.beta_tilde, 0.1)
    assert not close(first.beta, second.beta_tilde, 0.1)
    assert fixed_small(first, NOTHING).log == -math.inf  # what must not be mixed: 0 * -inf is nan
    for v in (0.0, 0.5, 1.0):
        assert math.isfinite(learned_range(v)(first, NOTHING).log)


def test_a_table_serves_as_a_floor() -> None:
    table = [0.0] + [0.1 + 0.5 / t for t in range(1, 1001)]
    pair = transition(SCHEDULE, 300, 200)
    floors = (table, lambda t: 0.1 + 0.5 / t, table[1:])
    got, same, off_by_one = (float(optimal(floor)(pair, NOTHING).value) for floor in floors)
    assert close(got, same, 1e-14) and not close(got, off_by_one)


def test_with_last_changes_the_last_step_only() -> None:
    choice = with_last(fixed_small, fixed_large)
    last, other = transition(SCHEDULE, 1, 0), transition(SCHEDULE, 20, 1)
    assert choice(last, NOTHING).value == last.beta != last.beta_tilde
    assert choice(other, NOTHING).value == other.beta_tilde != other.beta


def test_nothing_holds_nothing() -> None:
    assert NOTHING.numel() == 0, "a choice that looks at x_t must fail, not see a zero"


def test_bad_input_is_one_clear_sentence() -> None:
    pair = transition(SCHEDULE, 5, 4)
    with pytest.raises(BadInput, match=r"v must be a finite number .* got nan"):
        learned_range(math.nan)
    for loss in (-0.1, math.nan, math.inf):
        with pytest.raises(BadInput, match="floor must be a finite number of at least 0 at t = 5"):
            optimal([loss] * 6)(pair, NOTHING)
    blind = zero_terminal_snr(cosine(10))
    with pytest.raises(BadInput, match="alpha_bar is 0 at t = 10"):
        optimal(lambda t: 0.5)(transition(blind, 10, 9), NOTHING)
