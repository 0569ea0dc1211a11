"""One reverse step: its numbers follow from each other; clipping, the two means, what it costs."""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from diffusion_core.posterior import transition
from diffusion_core.reverse import DDIMMean, PosteriorMean, reverse_step
from diffusion_core.samplers import ancestral, ddim
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import fixed_large, fixed_small
from tests.core.runs import Run, nonlinear, normal, seeded

RUNS: dict[str, Callable[[NoiseSchedule, Tensor, tuple[int, ...]], Run]] = {
    "small": lambda schedule, x, ts: ancestral(nonlinear, schedule, x, ts, variance=fixed_small, generator=seeded()),
    "large": lambda schedule, x, ts: ancestral(nonlinear, schedule, x, ts, variance=fixed_large, generator=seeded()),
    "noisy last": lambda schedule, x, ts: ancestral(
        nonlinear, schedule, x, ts, variance=fixed_large, generator=seeded(), noisy_last=True
    ),
    "clipped": lambda schedule, x, ts: ancestral(
        nonlinear, schedule, x, ts, variance=fixed_small, generator=seeded(), clip=(-1, 1)
    ),
    "ddim": lambda schedule, x, ts: ddim(nonlinear, schedule, x, ts),
    "ddim, eta .5, clipped": lambda schedule, x, ts: ddim(
        nonlinear, schedule, x, ts, eta=0.5, generator=seeded(), clip=(-1, 1)
    ),
}


def close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("spacing", ["iddpm", "trailing", "leading"])
def test_every_number_of_a_step_follows_from_the_others(name: str, spacing: str) -> None:
    schedule, x = linear(), normal(8, 2)
    timesteps = schedule.timesteps(10, spacing)
    steps = list(RUNS[name](schedule, x, timesteps))
    assert [(step.t, step.s) for step in steps] == list(zip(timesteps, [*timesteps[1:], 0], strict=True))
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        a_t, a_s = schedule.alpha_bar[step.t].item(), schedule.alpha_bar[step.s].item()
        variance = float(step.variance)
        assert close(math.sqrt(a_t) * step.x0_hat + math.sqrt(1 - a_t) * step.eps_used, step.x_t)
        assert step.pair == transition(schedule, step.t, step.s)
        assert torch.equal(step.eps_hat, nonlinear(step.x_t, step.t))  # as it was said, whatever was clipped
        assert (step.eps_used is step.eps_hat) == ("clipped" not in name)
        assert step.partner is (step.eps_used if "ddim" in name else step.x_t)
        first, second = step.weights
        assert close(first * step.partner + second * step.x0_hat, step.mean)
        assert abs(math.exp(step.log_variance) - variance) <= 1e-12 * variance  # -inf where it is 0
        assert close(step.mean + math.sqrt(variance) * step.noise, step.x_s)
        raw = (step.x_t - math.sqrt(1 - a_t) * nonlinear(step.x_t, step.t)) / math.sqrt(a_t)
        assert close(step.x0_hat_raw, raw)
        assert close(step.x0_hat, raw.clamp(-1, 1) if "clipped" in name else raw)
        if "ddim" in name:
            sigma2 = (0.25 if "eta" in name else 0.0) * step.pair.beta_tilde
            mean = math.sqrt(a_s) * step.x0_hat + math.sqrt(max(0.0, 1 - a_s - sigma2)) * step.eps_used
            stale = math.sqrt(a_s) * step.x0_hat + math.sqrt(max(0.0, 1 - a_s - sigma2)) * step.eps_hat
            assert "clipped" not in name or step.s == 0 or not close(step.mean, stale)
        else:
            sigma2 = step.pair.beta_tilde if name in ("small", "clipped") else step.pair.beta
            alpha = a_t / a_s
            mean = (math.sqrt(alpha) * (1 - a_s) * step.x_t + math.sqrt(a_s) * (1 - alpha) * step.x0_hat) / (1 - a_t)
        assert close(step.mean, mean) and abs(variance - sigma2) < 1e-12
        has_noise = sigma2 > 0 and (step.s > 0 or name == "noisy last")
        assert bool(step.noise.any()) == has_noise
        assert has_noise or torch.equal(step.x_s, step.mean)
        assert following is None or torch.equal(step.x_s, following.x_t)


def test_clipping_keeps_ddim_at_one_equal_to_ddpm() -> None:
    """eps is derived again from the clipped x0_hat; without that they part (mistake 9)."""
    schedule, x = linear(), 2 * normal(50)
    pair = transition(schedule, 500, 400)
    variance = fixed_small(pair, x)
    eps, z, clip = 2 * normal(50, seed=1), normal(50, seed=2), (-1.0, 1.0)
    ddpm = reverse_step(pair, x, eps, variance, noise=z, clip=clip)
    (step,) = [
        s for s in ddim(lambda *_: eps, schedule, x, (500, 400), eta=1.0, generator=seeded(), clip=clip) if s.t == 500
    ]
    torch.testing.assert_close(step.mean, ddpm.mean, rtol=1e-10, atol=1e-10)
    left = math.sqrt(pair.one_minus_alpha_bar_s - pair.beta_tilde)
    stale = pair.sqrt_alpha_bar_s * step.x0_hat + left * eps
    assert not torch.allclose(stale, ddpm.mean, rtol=1e-10, atol=1e-10)
    assert (step.x0_hat_raw.abs() > 1).any() and (step.x0_hat.abs() <= 1).all()


class Operations(TorchDispatchMode):
    """Every tensor operation under it, by name."""

    def __init__(self) -> None:
        TorchDispatchMode.__init__(self)
        self.names: list[str] = []

    def __torch_dispatch__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.names.append(str(function))
        return function(*args, **(kwargs or {}))

    def reads(self) -> int:
        return sum("_local_scalar_dense" in name or "nonzero" in name for name in self.names)


class ReadsAValue:
    """A denoiser that asks a tensor for a number: the mode must notice."""

    def __call__(self, x_t: Tensor, t: int) -> Tensor:
        return x_t * float(x_t.mean() > 0)


@pytest.mark.parametrize("name", [name for name in RUNS if name != "noisy last"])
def test_a_step_costs_at_most_nine_operations_and_reads_no_value(name: str) -> None:
    n = 40
    x = normal(4, 2)
    schedule = linear()
    run = RUNS[name](schedule, x, schedule.timesteps(n))
    with Operations() as seen:
        for _ in run:
            pass
    network = 2 * n  # nonlinear: sin, mul
    assert (len(seen.names) - network) / n <= 9
    assert seen.reads() == 0
    assert len(seen.names) > network
    with Operations() as caught:
        list(ddim(ReadsAValue(), schedule, x, schedule.timesteps(n)))
    assert caught.reads() == n


def test_the_means_at_zero_are_the_prediction() -> None:
    """Its weight is 1 and its partner's 0, to the last digit; a step earlier it is not."""
    for rule in (PosteriorMean(), DDIMMean(0.0), DDIMMean(0.4)):
        assert rule.weights(transition(linear(), 7, 0)) == (0.0, 1.0)
        assert rule.weights(transition(linear(), 7, 1)) != (0.0, 1.0)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_the_direction_of_ddim_keeps_its_digits(eta: float) -> None:
    """sqrt(1 - alpha_bar_s - eta^2 beta_tilde) in 50 digits; written as it stands, float64 loses some."""
    schedule, plain = linear(1000, 1e-8, 0.02), []
    for t, s in ((2, 1), (20, 1), (1000, 1), (1000, 980)):
        pair = transition(schedule, t, s)
        with localcontext(prec=50):
            kept = [Decimal(1)]
            for beta in schedule.beta[1:].tolist():
                kept.append(kept[-1] * (1 - Decimal(beta)))
            beta_tilde = (1 - kept[t] / kept[s]) * (1 - kept[s]) / (1 - kept[t])
            expected = float((1 - kept[s] - Decimal(eta) ** 2 * beta_tilde).sqrt())
        assert abs(DDIMMean(eta).weights(pair)[0] / expected - 1) < 1e-13
        written = math.sqrt(max(0.0, 1 - pair.alpha_bar_s - eta**2 * pair.beta_tilde))
        plain.append(abs(written / expected - 1))
    assert max(plain) > 1e-10
