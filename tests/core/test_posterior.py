"""The posterior against Bayes' rule, in exact arithmetic, in log densities and by regression."""

import json
import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.forward import q_sample, q_step
from diffusion_core.posterior import Transition, q_posterior, transition
from diffusion_core.schedule import SCHEDULES, NoiseSchedule, cosine, from_beta, linear

PAIRS = ((1, 0), (2, 1), (10, 9), (10, 0), (100, 99), (900, 800), (1000, 1), (1000, 999))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def exact(schedule: NoiseSchedule, t: int, s: int) -> dict[str, float]:
    """The formulas in rational arithmetic: no rounding, no logs, nothing shared with the code."""
    kept = [Fraction(1)]
    for beta in schedule.beta[1 : t + 1].tolist():
        kept.append(kept[-1] * (1 - Fraction(beta)))
    a_t, a_s = kept[t], kept[s]
    beta = 1 - a_t / a_s
    return {
        "alpha_bar_t": float(a_t),
        "alpha_bar_s": float(a_s),
        "alpha": float(a_t / a_s),
        "beta": float(beta),
        "beta_tilde": float(beta * (1 - a_s) / (1 - a_t)),
        "c_0": math.sqrt(a_s) * float(beta / (1 - a_t)),
        "c_t": math.sqrt(a_t / a_s) * float((1 - a_s) / (1 - a_t)),
        "one_minus_alpha_bar_t": float(1 - a_t),
        "one_minus_alpha_bar_s": float(1 - a_s),
        "sqrt_one_minus_alpha_bar_t": math.sqrt(1 - a_t),
        "sqrt_one_minus_alpha_bar_s": math.sqrt(1 - a_s),
        "sqrt_alpha_bar_t": math.sqrt(a_t),
        "sqrt_alpha_bar_s": math.sqrt(a_s),
    }


@pytest.mark.parametrize("name", ["linear", "cosine", "inverse_square"])
def test_coefficients_keep_twelve_digits(name: str) -> None:
    schedule = SCHEDULES[name](40)
    for t, s in ((1, 0), (2, 1), (2, 0), (40, 39), (40, 1), (20, 10)):
        pair, numbers = transition(schedule, t, s), exact(schedule, t, s)
        assert {"t", "s", *numbers} == set(vars(pair))
        for key, expected in numbers.items():
            assert abs(getattr(pair, key) - expected) <= 1e-12 * expected, (t, s, key)
        table_beta = schedule.beta[t].item()  # the neighbour's beta for a stride (mistake 3)
        assert (t - s == 1) == (abs(table_beta / pair.beta - 1) < 1e-12)


def test_coefficients_are_floats_and_edges_are_exact() -> None:
    for name, make in SCHEDULES.items():
        for T in (1, 2, 1000):
            pair = transition(make(T), T, 0)
            assert all(type(v) is float for k, v in vars(pair).items() if k not in "ts"), name
            assert (pair.c_0, pair.c_t, pair.beta_tilde) == (1.0, 0.0, 0.0)
            assert math.copysign(1, pair.beta_tilde) == 1
            if T > 1:
                assert transition(make(T), T, 1).beta_tilde > 0


# --- consistency identities (the papers' algebra) ---------------------------------------------------------------------


def is_consistent(p: Transition, beta_tilde: float) -> bool:
    """The mean carries the mean, the variances add up, precisions add up (E25, E23)."""
    errors = [
        (p.c_t * p.sqrt_alpha_bar_t + p.c_0) / p.sqrt_alpha_bar_s - 1,
        (p.c_t**2 * p.one_minus_alpha_bar_t + beta_tilde) / p.one_minus_alpha_bar_s - 1,
        beta_tilde * (p.alpha / p.beta + 1 / p.one_minus_alpha_bar_s) - 1,
    ]
    return max(map(abs, errors)) < 1e-10


@pytest.mark.parametrize("name", [n for n in SCHEDULES if n != "zero_terminal_snr"])
def test_consistency_at_every_t(name: str) -> None:
    schedule = SCHEDULES[name](1000)
    for t in range(2, 1001):
        pair = transition(schedule, t, t - 1)
        assert is_consistent(pair, pair.beta_tilde)
        assert not is_consistent(pair, pair.beta)  # the article's misprint, 8e-7 away at t = 1000


def test_mean_from_eps_is_the_mean_from_x0() -> None:
    schedule, x0, eps = linear(), normal(20, seed=1), normal(20, seed=2)
    for t in (1, 2, 10, 500, 1000):
        x_t = q_sample(schedule, x0, t, eps)
        mean, _ = q_posterior(schedule, x_t, x0, t=t, s=t - 1)
        beta, root = schedule.beta[t].item(), schedule.sqrt_one_minus_alpha_bar[t].item()
        from_eps = (x_t - beta / root * eps) / math.sqrt(1 - beta)  # Ho et al., eq. 11
        torch.testing.assert_close(mean, from_eps, rtol=1e-10, atol=1e-10)
        assert not torch.allclose((x_t - beta * eps) / math.sqrt(1 - beta), from_eps, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("t", "s"), [(t, s) for t, s in PAIRS if s > 0])
def test_bayes_identity_in_log_densities(t: int, s: int) -> None:
    """log q(x_s|x_t,x_0) = log q(x_t|x_s) + log q(x_s|x_0) - log q(x_t|x_0) on random triples."""
    schedule, x0, x_s, x_t = linear(), normal(50, seed=1), normal(50, seed=2), normal(50, seed=3)
    zero = torch.zeros_like(x0)

    def log_density(x: Tensor, mean: Tensor, variance: float) -> Tensor:
        return -((x - mean) ** 2) / (2 * variance) - math.log(2 * math.pi * variance) / 2

    pair = transition(schedule, t, s)
    right_side = (
        log_density(x_t, q_step(schedule, x_s, s, t, eps=zero), pair.beta)
        + log_density(x_s, q_sample(schedule, x0, s, zero), schedule.one_minus_alpha_bar[s].item())
        - log_density(x_t, q_sample(schedule, x0, t, zero), schedule.one_minus_alpha_bar[t].item())
    )
    mean, variance = q_posterior(schedule, x_t, x0, t=t, s=s)
    scale = 1e-9 * (1 + right_side.abs())
    assert ((log_density(x_s, mean, variance.item()) - right_side).abs() < scale).all()
    assert ((log_density(x_s, mean, pair.beta) - right_side).abs() > scale).any()


def test_golden_ratio_of_variances() -> None:
    golden = json.loads((Path(__file__).parents[1] / "reference" / "golden.json").read_text())[
        "btilde_over_beta_linear"
    ]
    schedule = linear()
    for t, ratio in golden.items():
        pair = transition(schedule, int(t), int(t) - 1)
        assert abs(pair.beta_tilde / pair.beta - ratio) <= 1e-10 * ratio
        shifted = transition(schedule, max(int(t) - 1, 2), max(int(t) - 1, 2) - 1)  # off by one (mistake 8)
        assert t == "2" or abs(shifted.beta_tilde / shifted.beta - ratio) > 1e-10


# --- by simulation (false alarm 1e-3 for each p-value, seeds pinned) ------------------------------------------------


def residual_p(choose: Callable[[Transition], float], t: int, n: int) -> float:
    """Chi-square of x_s around mu-tilde."""
    schedule, x0 = linear(), normal(n, seed=1)
    x_s = q_sample(schedule, x0, t - 1, normal(n, seed=2))
    x_t = q_step(schedule, x_s, t - 1, t, eps=normal(n, seed=3))
    mean, _ = q_posterior(schedule, x_t, x0, t=t, s=t - 1)
    tail: float = stats.chi2.cdf(((x_s - mean) ** 2).sum().item() / choose(transition(schedule, t, t - 1)), n)
    return 2 * min(tail, 1 - tail)


@pytest.mark.parametrize(("t", "n"), [(2, 1000), (10, 20_000), (50, 200_000)])
def test_chain_has_variance_beta_tilde(t: int, n: int) -> None:
    assert residual_p(lambda p: p.beta_tilde, t, n) > 1e-3
    assert residual_p(lambda p: p.beta, t, n) < 1e-3


def test_regression_finds_the_coefficients() -> None:
    schedule, t, s, n = linear(), 200, 100, 100_000
    x0 = normal(n, seed=1)
    x_s = q_sample(schedule, x0, s, normal(n, seed=2))
    x_t = q_step(schedule, x_s, s, t, eps=normal(n, seed=3))
    design = torch.stack([x0, x_t], 1)
    found = np.linalg.lstsq(design.numpy(), x_s.numpy(), rcond=None)[0]
    pair = transition(schedule, t, s)
    errors = pair.beta_tilde**0.5 * torch.linalg.inv(design.T @ design).diagonal().sqrt().numpy()

    def p_value(c_0: float, c_t: float) -> float:
        return float((2 * stats.norm.sf(abs((found - [c_0, c_t]) / errors))).min())

    assert p_value(pair.c_0, pair.c_t) > 1e-3
    neighbour = transition(schedule, t, t - 1)
    assert p_value(neighbour.c_0, neighbour.c_t) < 1e-3


# --- edges and bad input ----------------------------------------------------------------------------------------------


def test_s_zero_is_the_data_itself() -> None:
    x_t, x0 = normal(3, seed=1), normal(3, seed=2)
    for name, make in SCHEDULES.items():
        mean, variance = q_posterior(make(4), x_t, x0, t=4, s=0)
        assert torch.equal(mean, x0) and variance == 0, name
        mean, variance = q_posterior(make(4), x_t, x0, t=4, s=1)
        assert not torch.equal(mean, x0) and variance > 0, name


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_dtype_follows_the_data(dtype: torch.dtype) -> None:
    mean, variance = q_posterior(linear(), normal(3).to(dtype), normal(3, seed=1).to(dtype), t=500, s=499)
    assert mean.dtype == variance.dtype == dtype and variance.ndim == 0


@settings(max_examples=60)
@given(T=st.integers(1, 30), t=st.integers(-2, 32), s=st.integers(-2, 32))
def test_any_pair_works_or_is_one_sentence(T: int, t: int, s: int) -> None:
    schedule = linear(T)
    if 0 <= s < t <= T:
        pair = transition(schedule, t, s)
        assert 0 <= pair.beta_tilde < pair.beta < 1
    else:
        with pytest.raises(BadInput, match=r"^(t|s) must be an integer from .*; got -?\d+\.$"):
            transition(schedule, t, s)


@given(beta=st.floats(1e-15, 1 - 1e-15))
def test_extreme_betas_stay_finite(beta: float) -> None:
    for t, s in ((1, 0), (2, 1), (2, 0)):
        pair = transition(from_beta([beta, beta]), t, s)
        assert all(math.isfinite(v) for v in vars(pair).values())
        assert 0 <= pair.beta_tilde <= pair.beta * (1 + 1e-15)


def test_bad_arguments() -> None:
    schedule, x = linear(5), normal(3)
    with pytest.raises(BadInput, match=r"^x0 must have the shape of x_t \(3,\); got \(2,\)\.$"):
        q_posterior(schedule, x, x[:2], t=2, s=1)
    with pytest.raises(BadInput, match=r"^x0 must hold finite numbers only"):
        q_posterior(schedule, x, x * math.nan, t=2, s=1)
    with pytest.raises(BadInput, match=r"^x_t must hold finite numbers only"):
        q_posterior(schedule, x * math.inf, x, t=2, s=1)
    with pytest.raises(BadInput, match=r"^s must be an integer from 0 to t - 1 = 1; got 2\.$"):
        q_posterior(schedule, x, x, t=2, s=2)


@pytest.mark.parametrize("schedule", [linear(1000), cosine(1000), linear(100_000)], ids=lambda s: f"{s.name} {s.T}")
def test_how_right_a_transition_is(schedule: NoiseSchedule) -> None:
    """Against 50 digits: to 1e-14 at T = 1000; at T = 100,000 what the signal is a part of has fewer digits."""
    T = schedule.T
    wanted = {1: 0, 2: 1, T // 100: T // 100 - 1, T // 2: T // 3, T // 5: 1, T: T - 1}
    with localcontext(prec=50):
        alpha_bar, kept = Decimal(1), {0: Decimal(1)}
        for t, beta in enumerate(schedule.beta.tolist()[1:], 1):
            alpha_bar *= 1 - Decimal(beta)
            if t in wanted or t in wanted.values():
                kept[t] = alpha_bar
        for t, s in wanted.items():
            pair, at_t, at_s = transition(schedule, t, s), kept[t], kept[s]
            alpha, noise_t, noise_s = at_t / at_s, 1 - at_t, 1 - at_s
            beta_tilde = (1 - alpha) * noise_s / noise_t
            sure = [(pair.beta, 1 - alpha), (pair.beta_tilde, beta_tilde), (pair.one_minus_alpha_bar_t, noise_t)]
            signal = [
                (pair.sqrt_alpha_bar_t, at_t.sqrt()),
                (pair.alpha, alpha),
                (pair.c_0, at_s.sqrt() * (1 - alpha) / noise_t),
                (pair.c_t, alpha.sqrt() * noise_s / noise_t),
            ]
            assert all(abs(Decimal(got) - true) <= Decimal("1e-14") * true for got, true in sure)
            tolerance = 1e-14 if T == 1000 else 1e-11
            assert all(abs(Decimal(got) - true) <= Decimal(tolerance) * true for got, true in signal)
        s = T // 100 - 1  # a difference from 1 has lost digits
        plain = 1 - (schedule.alpha_bar[s + 1] / schedule.alpha_bar[s]).item()
        lost = abs(Decimal(plain) / (1 - kept[s + 1] / kept[s]) - 1)
        assert lost > Decimal("1e-14") or schedule.name != "linear"
