"""The forward process: the chain is the jump, point by point and in distribution; wrong variants are rejected.

False alarms of the statistical tests: 1e-3 for each p-value; seeds are pinned.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.forward import collapse_noise, forward_kl, q_chain, q_sample, q_step
from diffusion_core.schedule import SCHEDULES, NoiseSchedule, cosine, from_beta, linear

ALARM = 1e-3


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def same(a: Tensor, b: Tensor, tolerance: float = 1e-10) -> bool:
    return bool(((a - b).abs() <= tolerance * (1 + b.abs())).all())


# --- identities -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("T", [1, 2, 1000])
def test_chain_equals_jump_with_collapsed_noise(name: str, T: int) -> None:
    schedule = SCHEDULES[name](T)
    x0, z = normal(7, seed=1), normal(T, 7, seed=2)
    for t, x_t in enumerate(q_chain(schedule, x0, z), start=1):
        if t in (1, 2, 10, 500, T - 1, T):
            assert same(q_sample(schedule, x0, t, collapse_noise(schedule, z, t)), x_t)
    if T > 1 and name != "zero_terminal_snr":
        z_bar = collapse_noise(schedule, z, T)
        assert not same(q_sample(schedule, x0, T - 1, z_bar), x_t)  # off by one (mistake 8)
        assert not same(q_sample(schedule, x0, T, z[-1]), x_t)  # the last noise is not all of it
        assert not same(q_sample(schedule, x0, T, z.mean(0) * T**0.5), x_t)  # equal weights


def test_a_chain_of_one_number_has_noise_of_one_number() -> None:
    schedule, z = linear(5), normal(5, seed=1)
    *_, x_5 = q_chain(schedule, torch.tensor(0.3, dtype=torch.float64), z)
    z_bar = collapse_noise(schedule, z, 5)
    assert z_bar.ndim == 0 and same(
        schedule.sqrt_alpha_bar[5] * 0.3 + schedule.sqrt_one_minus_alpha_bar[5] * z_bar, x_5
    )


def test_weights_of_collapsed_noise_are_a_unit_vector() -> None:
    schedule = linear()
    for t in (1, 2, 100, 1000):
        weights = collapse_noise(schedule, torch.eye(1000, dtype=torch.float64), t)
        assert abs(weights.square().sum().item() - 1) < 1e-12
        assert (weights[t:] == 0).all()
        assert t == 1 or abs(weights[1:].square().sum().item() - 1) > 1e-9


def test_step_is_the_papers_and_composes() -> None:
    schedule, x, eps = linear(), normal(50, seed=1), normal(50, seed=2)
    beta = schedule.beta[300].item()
    expected = math.sqrt(1 - beta) * x + math.sqrt(beta) * eps
    assert same(q_step(schedule, x, 299, 300, eps=eps), expected)
    assert not same(math.sqrt(1 - beta) * x + beta * eps, expected)  # mistake 1
    zero = torch.zeros_like(x)
    for s, t in ((0, 10), (1, 3), (100, 900)):  # a stride is its steps; its beta is not the neighbour's (mistake 3)
        by_steps = x
        for k in range(s + 1, t + 1):
            by_steps = q_step(schedule, by_steps, k - 1, k, eps=zero)
        assert same(q_step(schedule, x, s, t, eps=zero), by_steps)
        assert not same(math.sqrt(1 - schedule.beta[t].item()) * x, by_steps)
        noise = q_step(schedule, zero, s, t, eps=torch.ones_like(x)) ** 2
        signal = schedule.alpha_bar[t] / schedule.alpha_bar[s]
        assert same(noise, (1 - signal).expand_as(noise), 1e-10)
        assert not same(noise, torch.full_like(noise, schedule.beta[t].item()), 1e-10)


def test_jump_edges() -> None:
    schedule, x0, eps = linear(), normal(5, seed=1), normal(5, seed=2)
    assert torch.equal(q_sample(schedule, x0, 0, eps), x0)
    assert torch.equal(q_sample(SCHEDULES["zero_terminal_snr"](10), x0, 10, eps), eps)
    assert not torch.equal(q_sample(schedule, x0, 1, eps), x0)


def test_a_batch_of_t_is_row_by_row() -> None:
    schedule, x0, eps = linear(), normal(4, 3, 2, seed=1), normal(4, 3, 2, seed=2)
    t = torch.tensor([0, 1, 500, 1000])
    rows = torch.stack([q_sample(schedule, x, int(k), e) for x, k, e in zip(x0, t, eps, strict=True)])
    assert same(q_sample(schedule, x0, t, eps), rows, 1e-14)
    assert not same(q_sample(schedule, x0, t.flip(0), eps), rows)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtype_follows_the_data(dtype: torch.dtype) -> None:
    schedule, x0, z = linear(10), normal(6).to(dtype), normal(10, 6, seed=1).to(dtype)
    t = torch.arange(1, 7)
    *_, chain = q_chain(schedule, x0, z)
    results = [q_step(schedule, x0, 1, 2, eps=z[0]), q_sample(schedule, x0, 3, z[0]), q_sample(schedule, x0, t, z[0])]
    for result in [*results, chain, collapse_noise(schedule, z, 5)]:
        assert result.dtype == dtype
    jump = q_sample(schedule, x0, 10, collapse_noise(schedule, z, 10))
    assert (jump.double() - chain.double()).abs().max() < 20 * torch.finfo(dtype).eps


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_device_follows_the_data() -> None:
    schedule, x0, z = linear(10), normal(6).cuda(), normal(10, 6, seed=1).cuda()
    *_, chain = q_chain(schedule, x0, z)
    assert chain.is_cuda and same(q_sample(schedule, x0, 10, collapse_noise(schedule, z, 10)), chain)
    assert q_sample(schedule, x0, torch.arange(1, 7, device="cuda"), z[0]).is_cuda


# --- distribution ---------------------------------------------------------------------------------------------------


def p_values(residual: Tensor) -> tuple[float, float, float]:
    """z of the mean, chi-square of the variance (known mean), KS of the shape, all against N(0, 1)."""
    r = residual.numpy()
    mean = 2 * stats.norm.sf(abs(r.mean()) * math.sqrt(len(r)))
    tail = stats.chi2.cdf((r**2).sum(), len(r))
    return mean, 2 * min(tail, 1 - tail), stats.kstest(r, "norm").pvalue


def chain(step: Callable[[float, Tensor, Tensor], Tensor], schedule: NoiseSchedule, t: int, n: int) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    x = torch.full((n,), 2.0, dtype=torch.float64)
    for beta in schedule.beta[1 : t + 1].tolist():
        draw = torch.rand if step is uniform else torch.randn
        x = step(beta, x, draw(n, generator=generator, dtype=torch.float64))
    return (x - schedule.sqrt_alpha_bar[t] * 2.0) / schedule.sqrt_one_minus_alpha_bar[t]


def right(beta: float, x: Tensor, z: Tensor) -> Tensor:
    return q_step(from_beta([beta]), x, 0, 1, eps=z)


def beta_for_its_root(beta: float, x: Tensor, z: Tensor) -> Tensor:
    return math.sqrt(1 - beta) * x + beta * z


def uniform(beta: float, x: Tensor, z: Tensor) -> Tensor:
    return math.sqrt(1 - beta) * x + beta * z


def no_shrink(beta: float, x: Tensor, z: Tensor) -> Tensor:
    return x + math.sqrt(beta) * z


def mean_too_small(beta: float, x: Tensor, z: Tensor) -> Tensor:
    return (1 - beta) * x + math.sqrt(beta) * z


def test_chain_has_the_jumps_distribution() -> None:
    schedule, t, n = linear(), 50, 20_000
    assert min(p_values(chain(right, schedule, t, n))) > ALARM
    for wrong in (beta_for_its_root, uniform, no_shrink, mean_too_small):
        assert min(p_values(chain(wrong, schedule, t, n))) < ALARM, wrong.__name__


# --- KL to noise ----------------------------------------------------------------------------------------------------


def kl_by_quadrature(alpha_bar: float, x0: float) -> float:
    q = stats.norm(math.sqrt(alpha_bar) * x0, math.sqrt(1 - alpha_bar))

    def integrand(x: float) -> float:
        density: float = q.pdf(x) * (q.logpdf(x) - stats.norm.logpdf(x))
        return density

    low, high = q.mean() - 12 * q.std(), q.mean() + 12 * q.std()
    kl: float = integrate.quad(integrand, low, high, epsabs=1e-12, epsrel=1e-12, limit=200)[0]
    return kl


def test_kl_equals_quadrature() -> None:
    schedule = linear()
    for t in (1, 10, 100, 500):
        for x0 in (0.0, 0.5, 3.0):
            expected = kl_by_quadrature(schedule.alpha_bar[t].item(), x0)
            assert abs(forward_kl(schedule, x0**2, t) - expected) < 1e-9
            assert abs(forward_kl(schedule, x0**2, t + 1) - expected) > 1e-6


@pytest.mark.parametrize("second_moment", ["1.0", "0.25"])
def test_golden_prior_kl(second_moment: str) -> None:
    golden = json.loads((Path(__file__).parents[1] / "reference" / "golden.json").read_text())["L_T_bits_per_dim"]
    # The golden cosine values carry the error of 1 - alpha_bar, 1e-16 / 2.4e-9.
    for schedule, tolerance in ((linear(), 1e-10), (cosine(), 2e-7)):
        expected = golden[schedule.name][second_moment]
        bits = forward_kl(schedule, float(second_moment), 1000) / math.log(2)
        assert abs(bits / expected - 1) < tolerance
        assert abs(forward_kl(schedule, float(second_moment), 1000) / expected - 1) > tolerance  # nats are not bits


def test_tiny_kl_keeps_its_digits() -> None:
    for beta in (1 - 1e-9, 1 - 1e-6, 0.9 - 1e-9, 0.9 + 1e-9):
        a = from_beta([beta]).alpha_bar[1].item()
        expected = sum(a**k / k for k in range(60, 1, -1)) / 2  # m_2 = 0
        assert abs(forward_kl(from_beta([beta]), 0.0, 1) / expected - 1) < 1e-12
    naive = (-a - math.log1p(-a)) / 2 if (a := 1e-9) else 0.0
    assert abs(naive / (a**2 / 4) - 1) > 1e-9
    assert forward_kl(linear(), 1.0, 0) == math.inf
    assert forward_kl(SCHEDULES["zero_terminal_snr"](5), 1.0, 5) == 0


# --- bad input ------------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(T=st.integers(1, 20), t=st.integers(-3, 25), s=st.integers(-3, 25))
def test_any_pair_works_or_is_one_sentence(T: int, t: int, s: int) -> None:
    schedule, x = linear(T), normal(2)
    if 0 <= s < t <= T:
        assert torch.isfinite(q_step(schedule, x, s, t, eps=x)).all()
    else:
        with pytest.raises(BadInput, match=r"^(t|s) must be an integer from .*; got -?\d+\.$"):
            q_step(schedule, x, s, t, eps=x)


def test_finite_numbers_whose_sum_is_not_are_fine() -> None:
    x = torch.full((4,), 1e308, dtype=torch.float64)
    assert x.sum() == math.inf and torch.isfinite(q_sample(linear(5), x, 1, torch.zeros_like(x))).all()
    with pytest.raises(BadInput, match="x0 must hold finite numbers"):
        q_sample(linear(5), x * torch.tensor([1, 1, 1, math.inf]), 1, torch.zeros_like(x))


def test_bad_arguments() -> None:
    schedule, x, z = linear(5), normal(3, 2), normal(5, 3, 2)
    cases: list[tuple[str, Callable[[], object]]] = [
        (r"eps must have the shape of x0 \(3, 2\); got \(3,\)", lambda: q_sample(schedule, x, 1, x[:, 0])),
        (r"eps must have the shape of x_s \(3, 2\); got \(2,\)", lambda: q_step(schedule, x, 0, 1, eps=x[0])),
        (r"x0 must hold finite numbers", lambda: q_sample(schedule, x * math.nan, 1, x)),
        (r"eps must hold finite numbers", lambda: q_sample(schedule, x, 1, x / 0)),
        (r"x_s must hold finite numbers", lambda: q_step(schedule, x / 0, 0, 1, eps=x)),
        (r"t must be an integer from 0 to 5; got 6", lambda: q_sample(schedule, x, 6, x)),
        (r"t must be an integer from 0 to 5; got -1", lambda: q_sample(schedule, x, torch.tensor([0, -1, 2]), x)),
        (r"t must hold integers; got torch.float32", lambda: q_sample(schedule, x, torch.ones(3), x)),
        (r"t must hold one integer for each row", lambda: q_sample(schedule, x, torch.tensor([1, 2]), x)),
        (r"eps must stack the noise of 1 to T = 5 steps", lambda: q_chain(schedule, x, normal(6, 3, 2))),
        (r"one step of eps must have the shape of x0", lambda: q_chain(schedule, x, z[..., 0])),
        (r"eps must hold the noise of t = 4 steps; got 3", lambda: collapse_noise(schedule, z[:3], 4)),
        (r"t must be an integer from 1 to 5; got 0", lambda: collapse_noise(schedule, z, 0)),
        (r"x0 must hold finite numbers", lambda: q_chain(schedule, x / 0, z)),  # at the call, before the first step
        (r"eps must be a tensor of floating-point numbers", lambda: q_chain(schedule, x, cast(Any, [1.0]))),
        (r"eps must stack the noise of 1 to T = 5 steps; got shape \(\)", lambda: collapse_noise(schedule, z.sum(), 1)),
        (r"eps must hold finite numbers", lambda: collapse_noise(schedule, z / 0, 1)),
        (r"t must be an integer from 0 to 5; got -1", lambda: forward_kl(schedule, 1.0, -1)),
        (r"second_moment must be a finite number", lambda: forward_kl(schedule, math.inf, 1)),
        (r"second_moment must be a finite number", lambda: forward_kl(schedule, -1.0, 1)),
        (r"second_moment must be a finite number", lambda: forward_kl(schedule, math.nan, 1)),
    ]
    for sentence, call in cases:
        with pytest.raises(BadInput, match="^" + sentence):
            call()
