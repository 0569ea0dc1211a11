"""Schedules against the papers' numbers; and each check rejects a schedule that is a little wrong."""

import json
import math
from decimal import Decimal, getcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.posterior import transition
from diffusion_core.schedule import (
    SCHEDULES,
    NoiseSchedule,
    cosine,
    from_beta,
    inverse_square,
    linear,
    scaled_linear,
    sigmoid,
    zero_terminal_snr,
)
from diffusion_core.variance import log_range

Golden = dict[str, dict[str, float]]
DIGEST = "db4aed2dcb6834a5"  # of the name "mine" and of beta = 0, 1/4, 1/2


def close(got: float, expected: float, relative: float = 1e-10) -> bool:
    return abs(got - expected) <= relative * abs(expected)


# --- the papers' numbers --------------------------------------------------------------------------------------------

# name: sqrt(alpha_bar_T), SNR(T) (Lin et al. 2023, table 1)
TERMINAL = {
    "linear": (0.006353, 4.035993e-5),
    "cosine": (4.928220e-5, 2.428735e-9),
    "scaled_linear": (0.068265, 0.004682),
}


def has_terminal(name: str, schedule: NoiseSchedule) -> bool:
    root, snr = TERMINAL[name]
    return close(schedule.sqrt_alpha_bar[-1].item(), root, 1e-4) and close(schedule.snr[-1].item(), snr, 1e-4)


@pytest.mark.parametrize("name", TERMINAL)
def test_terminal_signal_is_that_of_lin_et_al(name: str) -> None:
    assert has_terminal(name, SCHEDULES[name](1000))
    assert not has_terminal(name, SCHEDULES[name](999))  # off by one
    assert not has_terminal(name, sigmoid())


def test_linear_in_beta_is_not_linear_in_its_root() -> None:
    plain = linear(1000, 0.00085, 0.012)  # the same ends and, in latent diffusion, the same name
    assert has_terminal("scaled_linear", scaled_linear())
    assert not has_terminal("scaled_linear", plain)


def test_first_and_last_betas() -> None:
    assert close(linear().beta[1].item(), 1e-4) and close(linear().beta[-1].item(), 0.02)
    assert close(cosine().beta[1].item(), 4.128422e-5, 1e-6)
    assert not close(linear().beta[1].item(), 4.128422e-5, 1e-6)
    assert close(sigmoid().beta[1].item(), 1.492052e-4, 1e-6) and close(sigmoid().beta[-1].item(), 0.01995079, 1e-6)
    assert not close(linear().beta[-1].item(), 0.01995079, 1e-6)


def by_definition(name: str, T: int) -> list[float]:
    """The betas in Python's own floats."""
    at = [k / (T - 1) for k in range(T)]
    return {
        "linear": [1e-4 + (0.02 - 1e-4) * x for x in at],
        "scaled_linear": [(math.sqrt(0.00085) + (math.sqrt(0.012) - math.sqrt(0.00085)) * x) ** 2 for x in at],
        "sigmoid": [1e-4 + (0.02 - 1e-4) / (1 + math.exp(6 - 12 * x)) for x in at],
        "inverse_square": [1 / (t + 1) ** 2 for t in range(1, T + 1)],
    }[name]


@pytest.mark.parametrize("name", ["linear", "scaled_linear", "sigmoid", "inverse_square"])
def test_betas_have_the_digits_of_their_definition(name: str) -> None:
    schedule, expected = SCHEDULES[name](1000), by_definition(name, 1000)
    assert all(close(got, true, 1e-12) for got, true in zip(schedule.beta[1:].tolist(), expected, strict=True))
    assert not close(float(torch.tensor(expected[600]).float()), expected[600], 1e-12)  # in float32 they are lost


def test_every_schedule_has_its_name_and_a_thousand_steps() -> None:
    for make in (linear, scaled_linear, cosine, sigmoid, inverse_square):
        assert make().T == 1000 and make().name == make.__name__ == SCHEDULES[make.__name__](3).name
    assert zero_terminal_snr(cosine(3)).name == "zero_terminal_snr(cosine)"
    assert SCHEDULES["zero_terminal_snr"](3).name == "zero_terminal_snr(scaled_linear)"
    assert from_beta([0.1]).name == "custom" and from_beta([0.1], "mine").name == "mine"


def test_cosine_clips_exactly_one_beta() -> None:
    assert (cosine().beta >= 0.999).sum() == 1
    assert (cosine(max_beta=0.5).beta >= 0.999).sum() == 0


def test_golden_alpha_bar(golden: Golden) -> None:
    for schedule in (linear(), cosine()):
        assert close(schedule.alpha_bar[-1].item(), golden["abar_T"][schedule.name])
        shifted = from_beta(schedule.beta[1:].roll(1) * 0.999)
        assert not close(shifted.alpha_bar[-1].item(), golden["abar_T"][schedule.name])


def test_sum_of_beta_finite_never_becomes_noise() -> None:
    for T in (1, 2, 10, 1000):
        assert close(inverse_square(T).alpha_bar[-1].item(), (T + 2) / (2 * (T + 1)), 1e-12)
    assert not close(linear().alpha_bar[-1].item(), 1002 / 2002, 1e-12)


def test_short_linear_is_not_yet_noise() -> None:
    for T, expected in ((10, 0.904), (100, 0.364), (200, 0.132), (500, 6.4e-3)):
        assert close(linear(T).alpha_bar[-1].item(), expected, 1e-2)
        assert not close(linear(T + 10).alpha_bar[-1].item(), expected, 1e-2)


# --- the tables -----------------------------------------------------------------------------------------------------


def column(values: list[Decimal]) -> Tensor:
    return torch.tensor([float(v) for v in values], dtype=torch.float64)


def exact_tables(beta: list[float]) -> tuple[Tensor, Tensor]:
    """alpha_bar and 1 - alpha_bar in 50 digits: an arithmetic that shares nothing with the code's logs."""
    getcontext().prec = 50
    product, kept = Decimal(1), [Decimal(1)]
    for value in beta:
        product *= 1 - Decimal(value)
        kept.append(product)
    return column(kept), column([1 - v for v in kept])


@pytest.mark.parametrize("name", SCHEDULES)
def test_tables_keep_twelve_digits(name: str) -> None:
    schedule = SCHEDULES[name](1000)
    alpha_bar, noise = exact_tables(schedule.beta[1:].tolist())
    torch.testing.assert_close(schedule.alpha_bar, alpha_bar, rtol=1e-12, atol=0)
    torch.testing.assert_close(schedule.one_minus_alpha_bar, noise, rtol=1e-12, atol=0)
    torch.testing.assert_close(schedule.sqrt_alpha_bar**2, alpha_bar, rtol=1e-12, atol=0)
    torch.testing.assert_close(schedule.sqrt_one_minus_alpha_bar**2, noise, rtol=1e-12, atol=0)
    torch.testing.assert_close(schedule.snr[1:], (alpha_bar / noise)[1:], rtol=1e-12, atol=0)
    assert not torch.allclose(schedule.alpha_bar.roll(1), alpha_bar, rtol=1e-12, atol=0)


def test_a_small_first_beta_keeps_its_digits() -> None:
    schedule = from_beta([1e-12, 0.5])
    assert close(schedule.one_minus_alpha_bar[1].item(), 1e-12, 1e-14)
    assert not close(1 - schedule.alpha_bar[1].item(), 1e-12, 1e-6)  # the plain difference has lost them


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("T", [1, 2, 3, 10, 1000])
def test_every_schedule_at_every_length(name: str, T: int) -> None:
    schedule = SCHEDULES[name](T)
    for table in (schedule.beta, schedule.alpha, schedule.alpha_bar, schedule.snr, schedule.one_minus_alpha_bar):
        assert table.shape == (T + 1,) and table.dtype == torch.float64 and not table.isnan().any()
    assert schedule.T == T and schedule.beta[0] == 0 and schedule.alpha_bar[0] == 1
    assert schedule.one_minus_alpha_bar[0] == 0 and schedule.snr[0] == math.inf
    assert (schedule.snr[1:] < schedule.snr[:-1]).all()  # what is necessary: the signal only ever falls
    assert not (schedule.snr.flip(0)[1:] < schedule.snr.flip(0)[:-1]).any()


def test_order_of_betas_does_not_matter_at_the_end() -> None:
    schedule = linear()
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(0))
    shuffled = from_beta(schedule.beta[1:][order])
    assert close(shuffled.alpha_bar[-1].item(), schedule.alpha_bar[-1].item(), 1e-12)
    assert not close(shuffled.alpha_bar[500].item(), schedule.alpha_bar[500].item(), 1e-12)


def test_zero_terminal_snr_is_zero_and_keeps_its_start() -> None:
    for base in (linear(), scaled_linear(), cosine(), linear(2)):
        schedule = zero_terminal_snr(base)
        assert schedule.alpha_bar[-1] == 0 and schedule.snr[-1] == 0 and schedule.beta[-1] == 1
        assert close(schedule.alpha_bar[1].item(), base.alpha_bar[1].item(), 1e-12)
        assert base.alpha_bar[-1] != 0
        root, old = schedule.sqrt_alpha_bar[1:], base.sqrt_alpha_bar[1:]
        slope = root[0] / (old[0] - old[-1])
        torch.testing.assert_close(root, slope * (old - old[-1]), rtol=1e-9, atol=1e-12)  # shifted and scaled
        scaled_variances = slope * (base.alpha_bar[1:] - base.alpha_bar[-1])  # the same on alpha_bar: not Lin's
        assert base.T == 2 or not torch.allclose(schedule.alpha_bar[1:], scaled_variances, rtol=1e-3)
    torch.testing.assert_close(zero_terminal_snr(schedule).beta, schedule.beta)  # a second time changes nothing


@pytest.mark.parametrize("name", SCHEDULES)
def test_beta_tilde_and_the_lower_end_of_a_learned_variance(name: str) -> None:
    """The tables of steps of one against each pair's own, and the rule at s = 0 in both places."""
    schedule = SCHEDULES[name](200)
    pairs = [transition(schedule, t, t - 1) for t in range(1, 201)]
    beta_tilde = torch.tensor([0.0, *(pair.beta_tilde for pair in pairs)], dtype=torch.float64)
    torch.testing.assert_close(schedule.beta_tilde, beta_tilde, rtol=1e-10, atol=0)
    low = torch.tensor([log_range(pair)[0] for pair in pairs], dtype=torch.float64)
    torch.testing.assert_close(schedule.log_range_low[1:], low, rtol=1e-10, atol=1e-10)
    assert low[0] == math.log(schedule.beta[1].item() / (1 + schedule.alpha[1].item())) > -math.inf
    assert not torch.allclose(schedule.beta_tilde, schedule.beta, rtol=1e-3)
    assert not torch.allclose(schedule.log_range_low[1:], schedule.beta_tilde.log()[1:], rtol=1e-3)


def test_levels_are_the_two_tables_at_t() -> None:
    schedule, x = linear(10), torch.ones(3, 2, 2, dtype=torch.float32)
    for t in (4, torch.tensor([4, 0, 10]), torch.tensor([4, 0, 10], dtype=torch.uint8)):
        signal, noise = schedule.levels(t, x)
        for got, table in ((signal, schedule.sqrt_alpha_bar), (noise, schedule.sqrt_one_minus_alpha_bar)):
            if isinstance(got, float):
                assert got == table[4].item()
            else:
                assert got.shape == (3, 1, 1) and got.dtype == torch.float32
                assert torch.equal(got.flatten(), table[[4, 0, 10]].float())
                assert torch.equal(got, torch.as_tensor(schedule.at(table, t, x)))
        assert not torch.equal(torch.as_tensor(signal), torch.as_tensor(noise))
    with pytest.raises(BadInput, match=r"^t must be an integer from 1 to 10; got 0\.$"):
        schedule.levels(torch.tensor([4, 0, 10]), x, low=1)


def test_a_digest_names_a_schedule_in_every_run() -> None:
    schedule = from_beta([0.25, 0.5], "mine")
    assert schedule.digest() == from_beta(torch.tensor([0.25, 0.5]), "mine").digest() == DIGEST
    near = from_beta([0.25, math.nextafter(0.5, 1)], "mine")
    others = [near, from_beta([0.25, 0.5]), from_beta([0.5, 0.25], "mine"), linear(2)]
    assert len({schedule.digest(), *(other.digest() for other in others)}) == 5


def test_tables_are_float64_whatever_beta_is() -> None:
    for beta in (torch.tensor([0, 0.25, 0.5]), torch.tensor([0, 0.25, 0.5]).half()):
        schedule = NoiseSchedule("mine", beta)
        assert schedule.beta.dtype == torch.float64 and schedule.alpha_bar[2].item() == pytest.approx(0.375, rel=1e-14)


def test_the_callers_tensor_stays_apart() -> None:
    beta = torch.full((3,), 0.1, dtype=torch.float64)
    schedule = from_beta(beta)
    beta[0] = 0.9
    assert schedule.beta[1] == 0.1


# --- a batch of t ---------------------------------------------------------------------------------------------------


def test_the_smallest_t_holds_for_a_batch_too() -> None:
    """A t below it in the middle of a batch: a score of infinity, a loss at t = 0."""
    schedule, x = linear(10), torch.ones(3, 2)
    assert torch.as_tensor(schedule.at(schedule.beta, torch.tensor([1, 3, 1]), x, low=1)).shape == (3, 1)
    for t in (torch.tensor([1, 0, 3]), 0):
        with pytest.raises(BadInput, match=r"^t must be an integer from 1 to 10; got 0\.$"):
            schedule.at(schedule.beta, t, x, low=1)
    with pytest.raises(BadInput, match=r"^t must be an integer from 4 to 10; got 3\.$"):
        schedule.at(schedule.beta, torch.tensor([4, 3, 9]), x, low=4)
    assert torch.as_tensor(schedule.at(schedule.beta, torch.tensor([1, 0, 3]), x))[1] == 0


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("T", [0, -1, 1.5, "3", None, True, math.nan])
@pytest.mark.parametrize("name", SCHEDULES)
def test_bad_T(name: str, T: Any) -> None:
    with pytest.raises(BadInput, match=r"^T must be an integer of at least 1; got .*\.$"):
        SCHEDULES[name](T)


@pytest.mark.parametrize("beta", [[0.0], [1.0, 0.5], [1.1], [-0.1], [math.nan], [math.inf], [0.1, 1.5]])
def test_bad_beta(beta: list[float]) -> None:
    with pytest.raises(BadInput, match=r"^beta\[\d\] must lie between 0 and 1"):
        from_beta(beta)
    from_beta([0.5, 1.0])  # only the last may be 1


def test_other_bad_schedules() -> None:
    with pytest.raises(BadInput, match=r"^beta must be one row"):
        from_beta([])
    with pytest.raises(BadInput, match=r"^beta must be one row"):
        from_beta(torch.full((2, 2), 0.1))
    with pytest.raises(BadInput, match=r"^beta\[0\] must be 0"):
        NoiseSchedule("x", torch.tensor([0.1, 0.2]))
    for bad in (-1, 0, 1, 1.5, math.nan):
        with pytest.raises(BadInput, match=rf"^beta_start must lie between 0 and 1; got {bad}"):
            scaled_linear(10, beta_start=bad)
        with pytest.raises(BadInput, match=rf"^beta_end must lie between 0 and 1; got {bad}"):
            scaled_linear(10, beta_end=bad)
    with pytest.raises(BadInput, match=r"^beta\[1\]"):
        linear(10, beta_start=math.nan)


@pytest.mark.parametrize("t", [-1, 11, 1.0, "1", None, False])
def test_bad_t(t: object) -> None:
    with pytest.raises(BadInput, match=r"^t must be an integer from 0 to 10; got "):
        linear(10).check_t(t)
    linear(10).check_t(0)
    linear(10).check_t(np.int64(10))  # NumPy's are integers, too
    with pytest.raises(BadInput, match=r"from 1 to 10; got 0"):
        linear(10).check_t(0, low=1)


@pytest.mark.parametrize(("t", "s"), [(0, 0), (11, 3), (5, 5), (5, 6), (5, -1), (True, 0), (5, 0.0)])
def test_bad_pairs(t: Any, s: Any) -> None:
    sentence = r"^(t must be an integer from 1 to 10|s must be an integer from 0 to t - 1)"
    for call in (linear(10).check_pair, linear(10).log_alpha_between):
        with pytest.raises(BadInput, match=sentence):
            call(t, s)
    linear(10).check_pair(10, 9)


def test_bad_times_of_a_table() -> None:
    """A negative index would wrap around in silence, and a bool or a matrix of t would pick other places."""
    schedule, x = linear(10), torch.zeros(2, 3)
    for t, low, sentence in (
        (torch.tensor([True, False]), 0, "t must hold integers; got torch.bool"),
        (torch.tensor([1j, 2]), 0, "t must hold integers; got torch.complex64"),
        (torch.tensor([[1], [2]]), 0, r"t must hold one integer for each row of x \(2, 3\); got \(2, 1\)"),
        (torch.tensor([0, 3]), 1, "t must be an integer from 1 to 10; got 0"),
        (torch.tensor([3, 11]), 0, "t must be an integer from 0 to 10; got 11"),
    ):
        with pytest.raises(BadInput, match="^" + sentence):
            schedule.at(schedule.beta, t, x, low)
    with pytest.raises(BadInput, match="t must be an integer from 0 to 10; got -1"):
        schedule.at(schedule.beta, torch.tensor([-1]), x[:1])
    with pytest.raises(BadInput, match=r"t must hold one integer for each row of x \(\); got \(1,\)"):
        schedule.at(schedule.beta, torch.tensor([1]), x.sum())
    for outside in (-1, 11):
        with pytest.raises(BadInput, match="t must be an integer from 0 to 10"):
            schedule.log_alpha_bar_at(outside)


@pytest.fixture(scope="module")
def golden() -> Golden:
    read: Golden = json.loads((Path(__file__).parents[1] / "reference" / "golden.json").read_text())
    return read
