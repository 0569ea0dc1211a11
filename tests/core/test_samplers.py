"""Samplers: the golden variances, DDIM against DDPM, noise; and the field's mistakes, all rejected."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.posterior import Transition, transition
from diffusion_core.reverse import ReverseStep
from diffusion_core.samplers import ancestral, ddim
from diffusion_core.schedule import SCHEDULES, NoiseSchedule, cosine, linear
from diffusion_core.variance import Variance, VarianceChoice, fixed_large, fixed_small
from tests.core.runs import Run, nonlinear, normal, seeded

GOLDEN: dict[str, dict[str, dict[str, float]]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "golden.json").read_text()
)["gen_var_over_data_var"]


def gaussian(schedule: NoiseSchedule, data_variance: float) -> Callable[[Tensor, int], Tensor]:
    """The exact denoiser of N(0, data_variance): eps* = sqrt(1 - alpha_bar) x / v."""

    def eps(x_t: Tensor, t: int) -> Tensor:
        noise = schedule.one_minus_alpha_bar[t].item()
        return x_t * (math.sqrt(noise) / (schedule.alpha_bar[t].item() * data_variance + noise))

    return eps


def generated(run: Run, noisy_last: bool = False) -> float:
    """The variance of x_0: each step of a linear denoiser multiplies by mean / x_t and adds its variance."""
    g = 1.0
    for step in run:
        gain = (step.mean / step.x_t).mean().item()
        g = gain**2 * g + (float(step.variance) if step.s > 0 or noisy_last else 0.0)
    return g


def optimal(schedule: NoiseSchedule, data_variance: float) -> VarianceChoice:
    """c_0^2 Var[x_0 | x_t] + beta-tilde: a choice of one's own, in the same contract."""

    def choose(pair: Transition, x_t: Tensor) -> Variance:
        noise = pair.one_minus_alpha_bar_t
        value = pair.beta_tilde + pair.c_0**2 * data_variance * noise / (pair.alpha_bar_t * data_variance + noise)
        return Variance(value, math.log(value))

    return choose


@pytest.mark.parametrize("n", [5, 10, 50, 1000])
@pytest.mark.parametrize("data_variance", [1.0, 0.25, 0.01, 4.0])
def test_golden_generated_variance(n: int, data_variance: float) -> None:
    schedule, x = linear(), torch.ones(1, dtype=torch.float64)
    timesteps = schedule.timesteps(n)
    denoiser = gaussian(schedule, data_variance)
    expected = GOLDEN[f"iddpm|s2={data_variance}|last_noise=False"][str(n)]
    for key, choose in (("btilde", fixed_small), ("beta", fixed_large), ("opt", optimal(schedule, data_variance))):
        got = (
            generated(ancestral(denoiser, schedule, x, timesteps, variance=choose, generator=seeded())) / data_variance
        )
        assert abs(got / expected[key] - 1) < 1e-9
        trailing = schedule.timesteps(n, "trailing")  # another spacing is another answer
        if n < 1000 and not (key == "beta" and data_variance == 1):
            other = (
                generated(ancestral(denoiser, schedule, x, trailing, variance=choose, generator=seeded()))
                / data_variance
            )
            assert abs(other / expected[key] - 1) > 1e-9
    got = generated(ddim(denoiser, schedule, x, timesteps)) / data_variance
    assert abs(got / expected["ddim"] - 1) < 1e-9
    # "eta = 0" as DDPM's mean without noise (mistake 5)
    ddpm = ancestral(denoiser, schedule, x, timesteps, variance=lambda pair, x_t: Variance(0.0, -math.inf))
    assert abs(generated(ddpm) / data_variance / expected["ddim"] - 1) > 1e-9


def test_mistakes_change_the_golden_variance() -> None:
    schedule, x, data_variance = linear(), torch.ones(1, dtype=torch.float64), 0.25
    timesteps, denoiser = schedule.timesteps(10), gaussian(schedule, data_variance)
    golden = GOLDEN["iddpm|s2=0.25|last_noise=False"]["10"]["beta"]

    def off(run: Run, noisy_last: bool = False) -> float:
        return abs(generated(run, noisy_last) / data_variance / golden - 1)

    def neighbours(pair: Transition, x_t: Tensor) -> Variance:  # mistake 3
        return fixed_large(transition(schedule, pair.t, pair.t - 1), x_t)

    def deviation(pair: Transition, x_t: Tensor) -> Variance:  # mistake 7
        return Variance(math.sqrt(pair.beta), math.log(pair.beta) / 2)

    assert off(ancestral(denoiser, schedule, x, timesteps, variance=fixed_large, generator=seeded())) < 1e-9
    assert off(ancestral(denoiser, schedule, x, timesteps, variance=neighbours, generator=seeded())) > 1e-3
    assert off(ancestral(denoiser, schedule, x, timesteps, variance=deviation, generator=seeded())) > 1e-3
    noisy = ancestral(denoiser, schedule, x, timesteps, variance=fixed_large, generator=seeded(), noisy_last=True)
    assert off(noisy, noisy_last=True) > 1e-5  # mistake 4
    late = gaussian(schedule, data_variance)
    shifted = ancestral(
        lambda x_t, t: late(x_t, t - 1), schedule, x, timesteps, variance=fixed_large, generator=seeded()
    )  # mistake 8
    assert off(shifted) > 1e-6


def test_samples_have_the_golden_variance() -> None:
    """By drawing, not by propagating (n = 200,000: 4 standard errors, false alarm 6e-5)."""
    schedule, n = linear(), 200_000
    for key, choose in (("beta", fixed_large), ("btilde", fixed_small)):
        run = ancestral(
            gaussian(schedule, 0.25), schedule, normal(n), schedule.timesteps(10), variance=choose, generator=seeded(1)
        )
        *_, last = run
        ratio = last.x_s.square().mean().item() / 0.25
        z = {k: (ratio / v - 1) / math.sqrt(2 / n) for k, v in GOLDEN["iddpm|s2=0.25|last_noise=False"]["10"].items()}
        assert abs(z.pop(key)) < 4
        assert min(map(abs, z.values())) > 4


@pytest.mark.parametrize("clip", [None, (-1.0, 1.0)])
@pytest.mark.parametrize("spacing", ["iddpm", "trailing", "leading"])
@pytest.mark.parametrize("make", [linear, cosine])
def test_ddim_at_eta_one_is_ancestral_with_beta_tilde(
    clip: tuple[float, float] | None, spacing: str, make: Callable[[int], NoiseSchedule]
) -> None:
    schedule, x = make(1000), normal(16)
    timesteps = schedule.timesteps(25, spacing)
    denoiser = gaussian(schedule, 0.3)
    ours = list(ancestral(denoiser, schedule, x, timesteps, variance=fixed_small, generator=seeded(), clip=clip))
    theirs = list(ddim(denoiser, schedule, x, timesteps, eta=1.0, generator=seeded(), clip=clip))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.x_s, b.x_s, rtol=1e-10, atol=1e-10)
        assert abs(float(a.variance) - float(b.variance)) < 1e-14
    for wrong in (
        ddim(denoiser, schedule, x, timesteps, eta=0.9, generator=seeded(), clip=clip),
        ancestral(denoiser, schedule, x, timesteps, variance=fixed_large, generator=seeded(), clip=clip),
    ):
        *_, last = wrong
        assert not torch.allclose(last.x_s, ours[-1].x_s, rtol=1e-10, atol=1e-10)


def test_ddim_keeps_the_marginals() -> None:
    """For x_t made of (x_0, eps) and the true eps, DDIM lands on the same (x_0, eps) at s (Song et al., lemma 1)."""
    schedule, x0, eps = linear(), normal(20, seed=1), normal(20, seed=2)
    x_T = schedule.sqrt_alpha_bar[1000] * x0 + schedule.sqrt_one_minus_alpha_bar[1000] * eps

    def right(step: ReverseStep, eta: float) -> bool:
        variance = eta**2 * step.pair.beta_tilde
        left = math.sqrt(schedule.one_minus_alpha_bar[step.s].item() - variance)
        expected = schedule.sqrt_alpha_bar[step.s] * x0 + left * eps + math.sqrt(variance) * step.noise
        return torch.allclose(step.x_s, expected, rtol=1e-9, atol=1e-9)

    timesteps = schedule.timesteps(10)
    for step in ddim(lambda *_: eps, schedule, x_T, timesteps):
        assert right(step, 0.0)
        assert step.s == 0 or not right(step, 0.5)
    for eta in (0.3, 1.0):
        first = next(ddim(lambda *_: eps, schedule, x_T, timesteps, eta=eta, generator=seeded()))
        assert right(first, eta) and not right(first, 0.0)


def test_the_variance_is_beta_tilde_unless_said() -> None:
    schedule, x = linear(), normal(20)
    for step in ancestral(nonlinear, schedule, x, schedule.timesteps(5), generator=seeded()):
        pair = transition(schedule, step.t, step.s)
        assert step.variance == pair.beta_tilde != pair.beta
        torch.testing.assert_close(step.x_s, step.mean + math.sqrt(pair.beta_tilde) * step.noise)


def test_state_dependent_variance_fits_the_contract() -> None:
    schedule, x = linear(), normal(6)

    def learned(pair: Transition, x_t: Tensor) -> Variance:
        log = math.log(pair.beta) - x_t.abs()
        return Variance(log.exp(), log)

    for step in ancestral(nonlinear, schedule, x, schedule.timesteps(5), variance=learned, generator=seeded()):
        assert isinstance(step.variance, Tensor)
        expected = step.mean + step.variance.sqrt() * step.noise
        torch.testing.assert_close(step.x_s, expected)
        assert step.s == 0 or not torch.allclose(step.x_s, step.mean + step.variance * step.noise)


def test_gradients_flow_through_a_run() -> None:
    schedule, data_variance = linear(), 0.25
    x = torch.ones(1, dtype=torch.float64, requires_grad=True)
    *_, last = ddim(gaussian(schedule, data_variance), schedule, x, schedule.timesteps(10))
    (slope,) = torch.autograd.grad(last.x_s.sum(), x)
    golden = GOLDEN["iddpm|s2=0.25|last_noise=False"]["10"]
    assert abs(slope.item() ** 2 / data_variance / golden["ddim"] - 1) < 1e-9
    assert abs(slope.item() ** 2 / data_variance / golden["btilde"] - 1) > 1e-3


def test_no_noise_is_drawn_where_none_is_used() -> None:
    schedule, x = linear(), normal(4)
    runs: list[tuple[Callable[[torch.Generator], Run], int]] = [
        (lambda g: ddim(nonlinear, schedule, x, (500, 1), generator=g), 0),
        (lambda g: ancestral(nonlinear, schedule, x, (1000,), variance=fixed_large, generator=g), 0),
        (lambda g: ancestral(nonlinear, schedule, x, (1000, 1), variance=fixed_large, generator=g), 1),
        (lambda g: ancestral(nonlinear, schedule, x, (1000, 1), variance=fixed_large, generator=g, noisy_last=True), 2),
        (lambda g: ancestral(nonlinear, schedule, x, (1000, 1), variance=fixed_small, generator=g, noisy_last=True), 1),
    ]
    for run, draws in runs:
        generator, expected = seeded(3), seeded(3)
        list(run(generator))
        for _ in range(draws):
            torch.randn_like(x, generator=expected)
        assert torch.equal(generator.get_state(), expected.get_state())
        torch.randn_like(x, generator=expected)
        assert not torch.equal(generator.get_state(), expected.get_state())


def test_nothing_draws_hidden_randomness() -> None:
    schedule, x = linear(), normal(4)
    before = torch.get_rng_state()
    with pytest.raises(
        BadInput, match=r"^generator must be a torch\.Generator, for this sampler draws noise; got None"
    ):
        list(ancestral(nonlinear, schedule, x, (10, 5)))
    with pytest.raises(BadInput, match=r"^generator must be"):
        list(ddim(nonlinear, schedule, x, (10, 5), eta=0.1))
    list(ddim(nonlinear, schedule, x, (10, 5)))
    list(ancestral(nonlinear, schedule, x, (10,), variance=fixed_large))
    runs = [[s.x_s for s in ancestral(nonlinear, schedule, x, (10, 5), generator=seeded(k))] for k in (1, 1, 2)]
    assert torch.equal(runs[0][-1], runs[1][-1]) and not torch.equal(runs[0][-1], runs[2][-1])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtype_follows_the_data(dtype: torch.dtype) -> None:
    schedule, x = linear(), normal(4).to(dtype)
    for run in (
        ancestral(
            nonlinear, schedule, x, schedule.timesteps(5), variance=fixed_large, generator=seeded(), clip=(-1, 1)
        ),
        ddim(nonlinear, schedule, x, schedule.timesteps(5), eta=0.5, generator=seeded()),
    ):
        for step in run:
            seen = (step.eps_hat, step.x0_hat_raw, step.x0_hat, step.eps_used)
            tensors = (step.x_t, *seen, step.mean, step.noise, step.x_s)
            assert all(value.dtype == dtype and torch.isfinite(value).all() for value in tensors)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_whole_run_fits_a_cuda_graph() -> None:
    schedule, x = linear(), torch.ones(4, device="cuda")
    timesteps = schedule.timesteps(10)
    expected = [step.x_s for step in ddim(nonlinear, schedule, x, timesteps)][-1]
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = [step.x_s for step in ddim(nonlinear, schedule, x, timesteps)][-1]
    graph.replay()
    torch.testing.assert_close(captured, expected)
    generator = torch.Generator("cuda").manual_seed(0)
    for step in ancestral(nonlinear, schedule, x, timesteps, generator=generator):
        assert step.x_s.is_cuda
    with pytest.raises(BadInput, match=r"^generator must be on x_T's device, cuda"):
        ancestral(nonlinear, schedule, x, timesteps, generator=seeded())


@settings(max_examples=40)
@given(name=st.sampled_from(sorted(SCHEDULES)), T=st.integers(1, 30), data=st.data())
def test_every_run_ends_at_zero(name: str, T: int, data: st.DataObject) -> None:
    schedule, x = SCHEDULES[name](T), normal(3)
    n = data.draw(st.integers(1, T))
    timesteps = schedule.timesteps(n, data.draw(st.sampled_from(["iddpm", "trailing", "leading"])))
    if schedule.alpha_bar[timesteps[0]] == 0:
        with pytest.raises(BadInput, match=rf"^alpha_bar is 0 at t = {T}"):
            ddim(nonlinear, schedule, x, timesteps)
        return
    steps = list(ancestral(nonlinear, schedule, x, timesteps, variance=fixed_large, generator=seeded()))
    assert len(steps) == n and steps[-1].s == 0
    assert torch.isfinite(steps[-1].x_s).all()
    assert torch.equal(steps[-1].x_s, steps[-1].x0_hat)  # the last step lands on the predicted data


BAD_TIMESTEPS = [
    ((), r"timesteps must hold at least one timestep; got none\."),
    ((1, 2), r"timesteps must go from high to low, each once; got \[1, 2\]\."),
    ((5, 5), r"timesteps must go from high to low"),
    ((5, 0), r"t must be an integer from 1 to 10; got 0\."),
    ((11,), r"t must be an integer from 1 to 10; got 11\."),
    ((2.0,), r"t must be an integer from 1 to 10; got 2\.0\."),
]


@pytest.mark.parametrize(("timesteps", "sentence"), BAD_TIMESTEPS)
def test_bad_timesteps(timesteps: tuple[int, ...], sentence: str) -> None:
    for sampler in (ancestral, ddim):
        with pytest.raises(BadInput, match="^" + sentence):  # at the call, before the first step
            sampler(nonlinear, linear(10), normal(2), timesteps)


def test_bad_arguments() -> None:
    schedule, x = linear(10), normal(2)
    for eta in (-0.1, 1.1, math.nan):
        with pytest.raises(BadInput, match=r"^eta must be a number from 0 \(no noise\) to 1 \(DDPM\); got "):
            ddim(nonlinear, schedule, x, (10,), eta=eta)
    for clip in ((1, -1), (0, 0), (math.nan, 1), (-math.inf, 1), (-1, math.inf)):
        with pytest.raises(BadInput, match=r"^clip must be two finite numbers"):
            ddim(nonlinear, schedule, x, (10,), clip=clip)
    with pytest.raises(BadInput, match=r"^x_T must be a tensor of floating-point numbers .*; got torch\.int64\.$"):
        ddim(nonlinear, schedule, torch.ones(2).long(), (10,))
    with pytest.raises(BadInput, match=r"^the denoiser's eps must have the shape of x_t \(2,\); got \(1,\)\.$"):
        next(ddim(lambda x_t, t: x_t[:1], schedule, x, (10,)))
    with pytest.raises(BadInput, match=r"^generator must be on x_T's device, meta; got one on cpu\.$"):
        ancestral(nonlinear, schedule, torch.empty(2, device="meta"), (10,), generator=seeded())
