"""Samplers: the golden variances, DDIM against DDPM, clipping, noise, cost; and the field's mistakes, all rejected."""

import json
import math
from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from diffusion_core.errors import BadInput
from diffusion_core.posterior import Transition, transition
from diffusion_core.reverse import DDIMMean, PosteriorMean, ReverseStep, reverse_step
from diffusion_core.samplers import ancestral, ddim
from diffusion_core.schedule import SCHEDULES, NoiseSchedule, cosine, linear
from diffusion_core.variance import Variance, VarianceChoice, fixed_large, fixed_small

GOLDEN = json.loads((Path(__file__).parents[1] / "reference" / "golden.json").read_text())["gen_var_over_data_var"]
Run = Iterator[ReverseStep]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussian(schedule: NoiseSchedule, data_variance: float) -> Callable[[Tensor, int], Tensor]:
    """The exact denoiser of N(0, data_variance): eps* = sqrt(1 - alpha_bar) x / v."""

    def eps(x_t: Tensor, t: int) -> Tensor:
        noise = schedule.one_minus_alpha_bar[t].item()
        return x_t * (math.sqrt(noise) / (schedule.alpha_bar[t].item() * data_variance + noise))

    return eps


def nonlinear(x_t: Tensor, t: int) -> Tensor:
    return torch.sin(x_t) * (1 + t / 1000)


# --- the golden variances ---------------------------------------------------------------------------------------------


def generated(run: Run, noisy_last: bool = False) -> float:
    """The variance of x_0: each step of a linear denoiser multiplies by mean / x_t and adds its variance."""
    g = 1.0
    for step in run:
        gain = (step.mean / step.x_t).mean().item()
        g = gain**2 * g + (step.variance if step.s > 0 or noisy_last else 0.0)
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
        got = generated(ancestral(denoiser, schedule, x, timesteps, choose, seeded())) / data_variance
        assert abs(got / expected[key] - 1) < 1e-9
        trailing = schedule.timesteps(n, "trailing")  # another spacing is another answer
        if n < 1000 and not (key == "beta" and data_variance == 1):
            other = generated(ancestral(denoiser, schedule, x, trailing, choose, seeded())) / data_variance
            assert abs(other / expected[key] - 1) > 1e-9
    got = generated(ddim(denoiser, schedule, x, timesteps)) / data_variance
    assert abs(got / expected["ddim"] - 1) < 1e-9
    # "eta = 0" as DDPM's mean without noise (mistake 5)
    ddpm = ancestral(denoiser, schedule, x, timesteps, lambda pair, x_t: Variance(0.0, -math.inf))
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

    assert off(ancestral(denoiser, schedule, x, timesteps, fixed_large, seeded())) < 1e-9
    assert off(ancestral(denoiser, schedule, x, timesteps, neighbours, seeded())) > 1e-3
    assert off(ancestral(denoiser, schedule, x, timesteps, deviation, seeded())) > 1e-3
    noisy = ancestral(denoiser, schedule, x, timesteps, fixed_large, seeded(), noisy_last=True)
    assert off(noisy, noisy_last=True) > 1e-5  # mistake 4
    late = gaussian(schedule, data_variance)
    shifted = ancestral(lambda x_t, t: late(x_t, t - 1), schedule, x, timesteps, fixed_large, seeded())  # mistake 8
    assert off(shifted) > 1e-6


def test_samples_have_the_golden_variance() -> None:
    """By drawing, not by propagating (n = 200,000: 4 standard errors, false alarm 6e-5)."""
    schedule, n = linear(), 200_000
    for key, choose in (("beta", fixed_large), ("btilde", fixed_small)):
        run = ancestral(gaussian(schedule, 0.25), schedule, normal(n), schedule.timesteps(10), choose, seeded(1))
        *_, last = run
        ratio = last.x_s.square().mean().item() / 0.25
        z = {k: (ratio / v - 1) / math.sqrt(2 / n) for k, v in GOLDEN["iddpm|s2=0.25|last_noise=False"]["10"].items()}
        assert abs(z.pop(key)) < 4
        assert min(map(abs, z.values())) > 4


# --- what a step says about itself ------------------------------------------------------------------------------------

RUNS: dict[str, Callable[[NoiseSchedule, Tensor, tuple[int, ...]], Run]] = {
    "small": lambda schedule, x, ts: ancestral(nonlinear, schedule, x, ts, fixed_small, seeded()),
    "large": lambda schedule, x, ts: ancestral(nonlinear, schedule, x, ts, fixed_large, seeded()),
    "noisy last": lambda schedule, x, ts: ancestral(nonlinear, schedule, x, ts, fixed_large, seeded(), noisy_last=True),
    "clipped": lambda schedule, x, ts: ancestral(nonlinear, schedule, x, ts, fixed_small, seeded(), clip=(-1, 1)),
    "ddim": lambda schedule, x, ts: ddim(nonlinear, schedule, x, ts),
    "ddim, eta .5, clipped": lambda schedule, x, ts: ddim(nonlinear, schedule, x, ts, 0.5, seeded(), clip=(-1, 1)),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("spacing", ["iddpm", "trailing", "leading"])
def test_every_number_of_a_step_follows_from_the_others(name: str, spacing: str) -> None:
    schedule, x = linear(), normal(8, 2)
    timesteps = schedule.timesteps(10, spacing)
    steps = list(RUNS[name](schedule, x, timesteps))
    assert [(step.t, step.s) for step in steps] == list(zip(timesteps, [*timesteps[1:], 0], strict=True))
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        a_t, a_s = schedule.alpha_bar[step.t].item(), schedule.alpha_bar[step.s].item()
        close = lambda a, b: torch.allclose(a, b, rtol=1e-10, atol=1e-10)  # noqa: E731
        assert close(math.sqrt(a_t) * step.x0_hat + math.sqrt(1 - a_t) * step.eps_used, step.x_t)
        assert step.pair == transition(schedule, step.t, step.s)
        assert torch.equal(step.eps_hat, nonlinear(step.x_t, step.t))  # as it was said, whatever was clipped
        assert (step.eps_used is step.eps_hat) == ("clipped" not in name)
        assert step.partner is (step.eps_used if "ddim" in name else step.x_t)
        first, second = step.weights
        assert close(first * step.partner + second * step.x0_hat, step.mean)
        assert abs(math.exp(step.log_variance) - step.variance) <= 1e-12 * step.variance  # -inf where it is 0
        assert close(step.mean + math.sqrt(step.variance) * step.noise, step.x_s)
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
        assert close(step.mean, mean) and abs(step.variance - sigma2) < 1e-12
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
    ddpm = reverse_step(pair, x, eps, variance, z, clip)
    (step,) = [s for s in ddim(lambda *_: eps, schedule, x, (500, 400), 1.0, seeded(), clip) if s.t == 500]
    torch.testing.assert_close(step.mean, ddpm.mean, rtol=1e-10, atol=1e-10)
    left = math.sqrt(pair.one_minus_alpha_bar_s - pair.beta_tilde)
    stale = pair.sqrt_alpha_bar_s * step.x0_hat + left * eps
    assert not torch.allclose(stale, ddpm.mean, rtol=1e-10, atol=1e-10)
    assert (step.x0_hat_raw.abs() > 1).any() and (step.x0_hat.abs() <= 1).all()


@pytest.mark.parametrize("clip", [None, (-1.0, 1.0)])
@pytest.mark.parametrize("spacing", ["iddpm", "trailing", "leading"])
@pytest.mark.parametrize("make", [linear, cosine])
def test_ddim_at_eta_one_is_ancestral_with_beta_tilde(
    clip: tuple[float, float] | None, spacing: str, make: Callable[[int], NoiseSchedule]
) -> None:
    schedule, x = make(1000), normal(16)
    timesteps = schedule.timesteps(25, spacing)
    denoiser = gaussian(schedule, 0.3)
    ours = list(ancestral(denoiser, schedule, x, timesteps, fixed_small, seeded(), clip))
    theirs = list(ddim(denoiser, schedule, x, timesteps, 1.0, seeded(), clip))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.x_s, b.x_s, rtol=1e-10, atol=1e-10)
        assert abs(a.variance - b.variance) < 1e-14
    for wrong in (
        ddim(denoiser, schedule, x, timesteps, 0.9, seeded(), clip),
        ancestral(denoiser, schedule, x, timesteps, fixed_large, seeded(), clip),
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
        first = next(ddim(lambda *_: eps, schedule, x_T, timesteps, eta, seeded()))
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

    for step in ancestral(nonlinear, schedule, x, schedule.timesteps(5), learned, seeded()):
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


# --- noise and randomness ---------------------------------------------------------------------------------------------


def test_no_noise_is_drawn_where_none_is_used() -> None:
    schedule, x = linear(), normal(4)
    for run, draws in (
        (lambda g: ddim(nonlinear, schedule, x, (500, 1), generator=g), 0),
        (lambda g: ancestral(nonlinear, schedule, x, (1000,), fixed_large, g), 0),
        (lambda g: ancestral(nonlinear, schedule, x, (1000, 1), fixed_large, g), 1),
        (lambda g: ancestral(nonlinear, schedule, x, (1000, 1), fixed_large, g, noisy_last=True), 2),
        (lambda g: ancestral(nonlinear, schedule, x, (1000, 1), fixed_small, g, noisy_last=True), 1),
    ):
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
    list(ancestral(nonlinear, schedule, x, (10,), fixed_large))
    runs = [[s.x_s for s in ancestral(nonlinear, schedule, x, (10, 5), generator=seeded(k))] for k in (1, 1, 2)]
    assert torch.equal(runs[0][-1], runs[1][-1]) and not torch.equal(runs[0][-1], runs[2][-1])
    assert torch.equal(torch.get_rng_state(), before)


# --- cost -------------------------------------------------------------------------------------------------------------


class Operations(TorchDispatchMode):
    """Every tensor operation under it, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
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


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtype_follows_the_data(dtype: torch.dtype) -> None:
    schedule, x = linear(), normal(4).to(dtype)
    for run in (
        ancestral(nonlinear, schedule, x, schedule.timesteps(5), fixed_large, seeded(), (-1, 1)),
        ddim(nonlinear, schedule, x, schedule.timesteps(5), 0.5, seeded()),
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


# --- edges and bad input ----------------------------------------------------------------------------------------------


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
    steps = list(ancestral(nonlinear, schedule, x, timesteps, fixed_large, seeded()))
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
