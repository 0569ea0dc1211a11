"""Noise, data, velocity and score say the same; autograd is the judge."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.forward import q_sample
from diffusion_core.parameterization import (
    TARGETS,
    eps_from_score,
    eps_from_v,
    eps_from_x0,
    score_from_eps,
    v_from_eps,
    v_from_x0,
    x0_from_eps,
    x0_from_v,
)
from diffusion_core.schedule import SCHEDULES, cosine, linear


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def same(a: Tensor, b: Tensor, tolerance: float = 1e-10) -> bool:
    return torch.allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("t", [1, 2, 10, 500, 1000])
def test_every_way_round(t: int) -> None:
    schedule, x0, eps = linear(), normal(20, seed=1), normal(20, seed=2)
    x_t = q_sample(schedule, x0, t, eps)
    v = schedule.sqrt_alpha_bar[t] * eps - schedule.sqrt_one_minus_alpha_bar[t] * x0
    for got, expected in (
        (x0_from_eps(schedule, x_t, eps, t), x0),
        (x0_from_v(schedule, x_t, v, t), x0),
        (eps_from_x0(schedule, x_t, x0, t), eps),
        (eps_from_v(schedule, x_t, v, t), eps),
        (v_from_eps(schedule, x_t, eps, t), v),
        (v_from_x0(schedule, x_t, x0, t), v),
        (eps_from_score(schedule, score_from_eps(schedule, eps, t), t), eps),
    ):
        assert same(got, expected)
    other = t - 1 if t > 1 else t + 1  # off by one (mistake 8)
    assert not same(x0_from_eps(schedule, x_t, eps, other), x0)
    assert not same(x0_from_v(schedule, x_t, v, other), x0)
    assert not same(eps_from_v(schedule, x_t, -v, t), eps)  # the other sign of v
    assert not same(v_from_eps(schedule, x_t, eps, other), v)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_has_every_way_to_and_from_it(name: str) -> None:
    schedule, target = cosine(1000), TARGETS[name]
    x0, eps = normal(5, 2, seed=1), normal(5, 2, seed=2)
    for t in (2, torch.tensor([2, 10, 300, 800, 990])):
        x_t, y = q_sample(schedule, x0, t, eps), target.of(schedule, x0, eps, t)
        ways = {
            "eps": (target.eps(schedule, x_t, y, t), eps),
            "x0": (target.x0(schedule, x_t, y, t), x0),
            "from_eps": (target.from_eps(schedule, x_t, eps, t), y),
            "from_x0": (target.from_x0(schedule, x_t, x0, t), y),
        }
        assert [way for way, (got, expected) in ways.items() if not same(got, expected, 1e-8)] == []
        for other in TARGETS.values():
            assert (other is target) == same(other.eps(schedule, x_t, y, t), eps, 1e-8)
        said = y + 0.1 * normal(5, 2, seed=3)  # an error of y is that of eps, times the root of the weight
        error = (target.eps(schedule, x_t, said, t) - eps).square()
        assert same(error, (said - y).square() * target.weight(schedule, t, y), 1e-8)
        wrong = TARGETS["v" if name == "x0" else "x0"].weight(schedule, t, y)
        assert not same(error, (said - y).square() * wrong, 1e-3)
    assert target.name == name and list(TARGETS) == ["eps", "x0", "v"]


def test_v_is_the_speed_along_the_circle() -> None:
    """v = dx/dphi for x = cos(phi) x_0 + sin(phi) eps (Salimans, Ho 2022), by autograd."""
    schedule, x0, eps, t = cosine(), normal(20, seed=1), normal(20, seed=2), 400
    angle = torch.atan2(schedule.sqrt_one_minus_alpha_bar[t], schedule.sqrt_alpha_bar[t])
    speed = torch.autograd.functional.jacobian(lambda phi: torch.cos(phi) * x0 + torch.sin(phi) * eps, angle)
    x_t = q_sample(schedule, x0, t, eps)
    assert same(v_from_x0(schedule, x_t, x0, t), speed, 1e-9)
    assert not same(x0 - eps, speed, 1e-9)


def test_score_is_the_gradient_of_the_log_density() -> None:
    schedule, x0, eps, t = linear(), normal(20, seed=1), normal(20, seed=2), 300
    x_t = q_sample(schedule, x0, t, eps).requires_grad_()
    mean, variance = schedule.sqrt_alpha_bar[t] * x0, schedule.one_minus_alpha_bar[t]
    (score,) = torch.autograd.grad((-((x_t - mean) ** 2) / (2 * variance)).sum(), x_t)
    assert same(score_from_eps(schedule, eps, t), score, 1e-9)
    assert not same(-eps, score, 1e-9)
    assert not same(-eps / variance, score, 1e-9)  # variance for deviation (mistake 7)


def test_a_batch_of_t_is_row_by_row() -> None:
    schedule, x_t, eps = linear(), normal(3, 2, seed=1), normal(3, 2, seed=2)
    t = torch.tensor([1, 500, 1000])
    for convert in (x0_from_eps, eps_from_x0, v_from_eps, v_from_x0, x0_from_v, eps_from_v):
        rows = torch.stack([convert(schedule, x, e, int(k)) for x, e, k in zip(x_t, eps, t, strict=True)])
        assert same(convert(schedule, x_t, eps, t), rows, 1e-13)
        assert not same(convert(schedule, x_t, eps, t.flip(0)), rows)


def test_where_alpha_bar_is_zero_only_v_knows_the_data() -> None:
    schedule, x0, eps = SCHEDULES["zero_terminal_snr"](10), normal(4, seed=1), normal(4, seed=2)
    x_t = q_sample(schedule, x0, 10, eps)
    v = -x0
    assert same(x0_from_v(schedule, x_t, v, 10), x0) and same(eps_from_v(schedule, x_t, v, 10), eps)
    assert same(v_from_x0(schedule, x_t, x0, 10), v)
    sentence = r"^alpha_bar is 0 at t = 10, where eps says nothing of x_0: predict v there"
    for convert in (x0_from_eps, v_from_eps):
        with pytest.raises(BadInput, match=sentence):
            convert(schedule, x_t, eps, 10)
        with pytest.raises(BadInput, match=sentence):
            convert(schedule, x_t, eps, torch.tensor([1, 10, 2, 3]))
        assert torch.isfinite(convert(schedule, x_t, eps, 9)).all()


@given(T=st.integers(1, 30), data=st.data())
def test_edges(T: int, data: st.DataObject) -> None:
    t = data.draw(st.integers(0, T))
    schedule, x = linear(T), normal(3)
    assert torch.isfinite(x0_from_eps(schedule, x, x, t)).all()
    assert torch.isfinite(eps_from_v(schedule, x, x, t)).all()
    if t == 0:
        assert torch.equal(x0_from_eps(schedule, x, 2 * x, 0), x)
        for call in (eps_from_x0, v_from_x0):
            with pytest.raises(BadInput, match=rf"^t must be an integer from 1 to {T}; got 0\.$"):
                call(schedule, x, x, 0)
        with pytest.raises(BadInput, match=r"^t must be"):
            score_from_eps(schedule, x, 0)


def test_bad_arguments() -> None:
    with pytest.raises(BadInput, match=r"^the prediction must have the shape of x_t \(3,\); got \(2,\)\.$"):
        x0_from_eps(linear(), normal(3), normal(2), 1)
    with pytest.raises(BadInput, match=r"^t must be an integer from 0 to 1000; got 1001\.$"):
        x0_from_v(linear(), normal(3), normal(3), 1001)
    assert math.isclose(score_from_eps(linear(), torch.ones(1).double(), 1).item(), -100, rel_tol=1e-12)
