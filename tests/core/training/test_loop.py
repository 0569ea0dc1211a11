"""The loop: what it minimises, against the exact floor; that it repeats bit for bit; that it stops."""

import itertools
import math
import time
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from diffusion_core.data.toys import eight_gaussians
from diffusion_core.errors import BadInput
from diffusion_core.forward import q_sample
from diffusion_core.laws.estimates import loss_floor
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.text import TextConfig, tokenize
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.objectives import hybrid_loss
from diffusion_core.parameterization import TARGETS, eps_from_v, eps_from_x0, v_from_eps
from diffusion_core.schedule import SCHEDULES, cosine, linear
from diffusion_core.training import loop as training
from diffusion_core.training.draws import DataSampler, images, points
from diffusion_core.training.loop import Batch, objective, train
from diffusion_core.training.loop import _Meter as Meter
from diffusion_core.training.loop import _shorten as shorten
from diffusion_core.training.state import BINS, TrainingConfig, TrainingState
from tests.core.training.examples import DATA, PICTURES, TINY, TINY_UNET, last, same


@pytest.mark.parametrize(("config", "data"), [(TINY, DATA), (TINY_UNET, PICTURES)])
def test_the_seed_decides_the_run(config: TrainingConfig, data: DataSampler) -> None:
    first, again = (last(train(config, data, linear(), every=7)) for _ in range(2))
    assert same(first.snapshot(), again.snapshot()) and first.loss == again.loss
    torch.manual_seed(5)  # no draw comes from the global generator
    assert same(first.snapshot(), last(train(config, data, linear(), every=1)).snapshot())
    other = last(train(replace(config, seed=1), data, linear()))
    assert not same(first.snapshot(), other.snapshot())
    another_rank = last(train(config, data, linear(), rank=1))
    assert not same(first.snapshot(), another_rank.snapshot())


def test_training_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    last(train(TINY, DATA, linear()))
    assert torch.equal(torch.rand(1), expected)


def test_what_is_sampled_with_is_the_averaged_network() -> None:
    """The state's denoiser, the snapshot's average, and the snapshot's denoiser: none of them the raw network."""
    state = list(train(TINY, DATA, linear(), every=10))[-1]
    snapshot, raw, average = state.snapshot(), state.net.state_dict(), state.ema.state_dict()
    for name, w in average.items():
        assert torch.equal(snapshot.ema[name], w) and torch.equal(snapshot.net[name], raw[name])
    assert not any(torch.equal(w, raw[name]) for name, w in average.items())
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, wrong = state.ema(x, 7), state.net(x, 7)
        for denoiser in (state.denoiser, snapshot.denoiser):
            assert torch.equal(denoiser(x, 7), expected) and not torch.allclose(denoiser(x, 7), wrong, atol=1e-6)


@pytest.mark.parametrize("predicts", ["eps", "x0", "v"])
def test_the_error_of_the_output_in_units_of_eps(predicts: str) -> None:
    schedule = cosine(1000)
    generator = torch.Generator().manual_seed(2)
    x0, eps, output = (torch.randn(6, 3, generator=generator, dtype=torch.float64) for _ in range(3))
    t = torch.tensor([1, 3, 40, 500, 900, 990])
    x_t = q_sample(schedule, x0, t, eps)
    eps_hat = {"eps": lambda *_: output, "x0": eps_from_x0, "v": eps_from_v}[predicts](schedule, x_t, output, t)
    target = {"eps": eps, "x0": x0, "v": v_from_eps(schedule, x_t, eps, t)}[predicts]
    batch = Batch(x0, None, t, eps)
    loss, rows = objective(replace(TINY, predicts=predicts), schedule, lambda *_: output, batch)
    assert torch.allclose(loss, (output - target).square().mean(), rtol=1e-10)
    expected = (eps - eps_hat).square().mean(1)
    assert torch.allclose(rows, expected, rtol=1e-8)
    wrong = "v" if predicts == "x0" else "x0"
    assert not torch.allclose(rows * TARGETS[wrong].weight(schedule, t, rows), expected, rtol=1e-2)


def test_the_network_sees_the_forward_process() -> None:
    """x_t and t of each step against `q_sample` of the same draws."""
    seen: list[tuple[Tensor, Tensor]] = []

    def spy(net: torch.nn.Module) -> torch.nn.Module:
        net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[:2]))
        return net

    for config, data in ((TINY, DATA), (TINY_UNET, PICTURES)):
        seen.clear()
        last(train(config, data, cosine(), wrap=spy))
        for k, (x_t, t) in enumerate(seen):
            generator = torch.Generator().manual_seed(k)  # seed 0, rank 0
            x0, _ = data(config.batch, generator)
            expected_t = torch.randint(1, 1001, (config.batch,), generator=generator)
            expected = q_sample(cosine(), x0, expected_t, torch.randn(x0.shape, generator=generator))
            assert torch.equal(t, expected_t) and torch.allclose(x_t, expected, atol=1e-5)
            assert not torch.allclose(x_t, q_sample(cosine(), x0, expected_t, -x0), atol=1e-5)


def test_hybrid_loss_trains_the_variance() -> None:
    config = replace(TINY, net=MLPConfig(2, 16, depth=2, learned_variance=True))
    schedule = linear()
    generator = torch.Generator().manual_seed(2)
    x0, eps = (torch.randn(6, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    output = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    t = torch.tensor([1, 2, 40, 500, 900, 1000])
    asked: list[Tensor] = []

    def says(x_t: Tensor, t: int | Tensor, cond: Tensor | None) -> Tensor:
        asked.append(x_t)
        return output

    loss, rows = objective(config, schedule, says, Batch(x0, None, t, eps))
    assert torch.equal(asked[0], q_sample(schedule, x0, t, eps)) and not torch.equal(asked[0], x0)
    assert loss == hybrid_loss(output[:, :2], (output[:, 2:] + 1) / 2, schedule, t, eps=eps)
    assert loss != hybrid_loss(output[:, :2], output[:, 2:], schedule, t, eps=eps)
    assert torch.allclose(rows, (eps - output[:, :2]).square().mean(1), rtol=1e-10)
    states = list(train(config, DATA, schedule, every=10))
    moved = states[-1].net.get_parameter("last.weight")[2:].abs().max()
    assert moved > 0 and states[-1].loss != states[-1].eps_loss


def excess(state: TrainingState, law: GaussianMixture, n: int = 4000) -> float:
    """What the loss, averaged over t, has above its floor, as a part of the floor; E|f - eps*|^2 needs no luck."""
    generator = torch.Generator().manual_seed(99)
    schedule, star = state.schedule, law.denoiser(state.schedule)
    above, floor = 0.0, 0.0
    for t in range(5, 1000, 50):
        x0 = law.sample(n, generator).float()
        x_t = q_sample(schedule, x0, t, torch.randn(x0.shape, generator=generator))
        with torch.no_grad():
            above += (state.denoiser(x_t, t) - star(x_t, t)).square().mean().item()
        floor += loss_floor(law, schedule, t, n=2000, generator=generator).value
    return above / floor


def test_one_gaussian_is_learned_to_its_floor() -> None:
    law = GaussianMixture.isotropic([1.0], [[0.3, -0.2]], 0.5)
    config = TrainingConfig(MLPConfig(2, 32, depth=2), steps=500, batch=256, lr=5e-3, warmup=20, ema=0.98)
    states = list(train(config, points(law), linear(), every=250))
    assert excess(states[-1], law) < 0.05
    assert excess(next(train(replace(config, steps=10), points(law), linear())), law) > 0.05


def test_the_loss_by_t_is_the_loss_of_its_part_of_t() -> None:
    """A network that stays at 0 has the loss E|eps|^2/d = 1 at each t: in units of eps, whatever it predicts."""
    still = replace(TINY, lr=0.0, steps=200, batch=256)
    state = last(train(still, DATA, linear(), every=200))
    assert state.eps_loss_by_t.shape == (BINS,)
    spread = math.sqrt(1 / (200 * 256))  # Var |eps|^2/d = 2/d = 1
    assert abs(state.eps_loss - 1) < 4 * spread  # 4 sd each: one false alarm in 700 of 21, with this seed none
    assert (state.eps_loss_by_t - 1).abs().max() < 4 * spread * math.sqrt(BINS)
    assert abs(state.eps_loss - eight_gaussians().law.second_moment) > 0  # what predicting x_0 = 0 would cost in x_0
    as_x0 = last(train(replace(still, predicts="x0"), DATA, cosine(), every=200))
    snr, bins = cosine().snr[1:].reshape(BINS, -1).mean(1), as_x0.eps_loss_by_t
    ratio = bins[5:] / (snr[5:] * 1.01)  # the loss of x0_hat = 0 is m_2 = 1.01
    assert (ratio - 1).abs().max() < 0.15  # few draws meet a steep SNR
    assert (as_x0.eps_loss_by_t[5:] - 1).abs().max() > 0.15


@pytest.mark.parametrize(("max_norm", "size"), [(0.0, 1.0), (0.5, 1.0), (100.0, 1.0), (1e-5, 1e-5)])
def test_gradients_are_shortened_as_pytorch_does(max_norm: float, size: float) -> None:
    generator = torch.Generator().manual_seed(0)
    weights = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((3, 4), (5,), ())]
    drawn = [size * torch.randn(weight.shape, generator=generator) for weight in weights]
    for weight, gradient in zip(weights, drawn, strict=True):
        weight.grad = gradient.clone()
    gradients = [gradient.clone() for gradient in drawn]
    shorten(gradients, max_norm)
    torch.nn.utils.clip_grad_norm_(weights, max_norm)
    for gradient, weight, before in zip(gradients, weights, drawn, strict=True):
        assert weight.grad is not None and torch.allclose(gradient, weight.grad, rtol=1e-6, atol=0)
        assert torch.equal(gradient, before) == (max_norm == 100)


@pytest.mark.parametrize("steps", [1, 25, 26, 60])
def test_the_meter_forgets_no_step(steps: int) -> None:
    meter, generator = Meter(100, torch.device("cpu")), torch.Generator().manual_seed(steps)
    losses = torch.rand(steps, 8, generator=generator)
    t = torch.randint(1, 101, (steps, 8), generator=generator)
    for row, times in zip(losses, t, strict=True):
        meter.add(row.mean(), row, times)
    read = meter.read()
    loss, eps_loss, by_t = read.loss, read.eps_loss, read.eps_loss_by_t
    assert read.steps == steps
    assert abs(loss - losses.mean().item()) < 1e-5 and abs(eps_loss - losses.mean().item()) < 1e-5
    assert abs(loss - losses[:-1].mean().item()) > 1e-5 or steps == 1
    part = losses[(t - 1) * BINS // 100 == 3]
    assert len(part) == 0 or abs(by_t[3].item() - part.mean().item()) < 1e-5
    meter.add(torch.tensor(2.0), torch.full((8,), 3.0), t[0])
    again = meter.read()
    assert (again.loss, again.eps_loss) == (2.0, 3.0)  # the ones before are gone


def test_a_run_uses_its_weight_decay_and_its_longest_gradient() -> None:
    runs = [
        last(train(replace(TINY, **change), DATA, linear())).snapshot()  # type: ignore[arg-type]
        for change in ({}, {"weight_decay": 0.5}, {"max_norm": 1e-3})
    ]
    plain, decayed, shortened = ({name: w.norm().item() for name, w in run.net.items()} for run in runs)
    assert decayed["first.weight"] < plain["first.weight"]
    assert shortened["last.weight"] != plain["last.weight"]


def test_rows_per_second_are_counted_without_the_callers_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = itertools.count(100, 0.25)  # each look at the clock is a quarter of a second later
    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    states = train(TINY, DATA, linear(), every=20)  # 20 and 10 steps of 32 rows
    speeds = []
    for state in states:
        speeds.append(state.rows_per_second)
        time.perf_counter()  # the caller takes its time
    assert speeds == [20 * 32 / 0.25, 10 * 32 / 0.25]


def test_conditions_may_be_there_or_not() -> None:
    """A network of classes learns pictures without labels, and one of points does not look at labels."""
    plain = images(torch.randn(9, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert math.isfinite(last(train(TINY_UNET, plain, linear())).loss)

    def labelled(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return DATA(n, generator)[0], torch.zeros(n, dtype=torch.long)

    assert same(last(train(TINY, labelled, linear())).snapshot(), last(train(TINY, DATA, linear())).snapshot())


def test_a_text_is_dropped_as_a_whole() -> None:
    text = UNetConfig(4, (8, 16), heads=2, classes=None, patch=1, text=TextConfig(16, 1, 2))
    config = TrainingConfig(text, steps=1, batch=60, drop_class=0.5)
    tokens = tokenize(["a blue star above a green square"])

    def sample(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return torch.zeros(n, 4, 8, 8), tokens.expand(n, -1)

    cond = training._draw(config, sample, linear(), torch.Generator().manual_seed(0)).cond
    assert cond is not None and text.no_condition is not None
    kept, dropped = ((cond == row).all(1) for row in (tokens[0], text.no_condition))
    assert (kept ^ dropped).all() and 15 < dropped.sum() < 45  # 4 sd of 30


def test_a_denoiser_knows_what_it_predicts_and_is_done_learning() -> None:
    state = last(train(replace(TINY, predicts="v"), DATA, linear()))
    for denoiser in (state.denoiser, state.snapshot().denoiser):
        assert denoiser.predicts == "v" and denoiser.config == TINY.net
        assert not any(weight.requires_grad for weight in denoiser.net.parameters())
    snapshot = last(train(TINY_UNET, PICTURES, linear())).snapshot()
    assert all(w.is_contiguous() for part in (snapshot.net, snapshot.ema, snapshot.moments) for w in part.values())


def test_ema_averages_the_weights() -> None:
    """Against the average computed here, from the states of every step."""
    config = replace(TINY, ema=0.5, steps=12)
    average: dict[str, Tensor] = {}
    for k, state in enumerate(train(config, DATA, linear(), every=1)):
        weights = {name: w.clone() for name, w in state.net.state_dict().items()}
        if k == 0:  # where the average starts: the first weights, before any step
            fresh = next(train(replace(config, lr=0.0), DATA, linear(), every=1)).net.state_dict()
            average = {name: w.clone() for name, w in fresh.items()}
        decay = min(0.5, (1 + k) / (10 + k))
        average = {name: decay * w + (1 - decay) * weights[name] for name, w in average.items()}
    for name, w in state.ema.state_dict().items():
        assert torch.allclose(w, average[name], atol=1e-6)
    assert not any(p.requires_grad for p in state.ema.parameters())
    assert all(p.requires_grad for p in state.net.parameters())
    assert not torch.allclose(state.ema.state_dict()["first.weight"], weights["first.weight"], atol=1e-6)


def test_the_learning_rate_rises_then_falls_along_a_cosine() -> None:
    config = replace(TINY, lr=1.0, steps=100, warmup=10)
    assert config.lr_at(0) == pytest.approx(0.1) and config.lr_at(50) == pytest.approx(0.5)
    rates = [config.lr_at(k) for k in range(100)]
    assert rates.index(max(rates)) == 9 and rates[10:] == sorted(rates[10:], reverse=True) and rates[-1] < 1e-3
    assert replace(config, warmup=0).lr_at(0) == 1.0
    assert next(train(config, DATA, linear(), every=5)).lr == config.lr_at(4)


def test_rows_lose_their_class_as_often_as_said() -> None:
    seen: list[Tensor] = []

    def spy(net: torch.nn.Module) -> torch.nn.Module:
        net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[2]))
        return net

    config = replace(TINY_UNET, steps=20, batch=50, drop_class=0.3)
    last(train(config, PICTURES, linear(), wrap=spy))
    dropped = (torch.cat(seen) == 3).double().mean().item()
    sd = math.sqrt(0.3 * 0.7 / 1000)
    assert abs(dropped - 0.3) < 4 * sd < abs(dropped - 0.1)  # one false alarm in 16,000; the seed is fixed


def test_bfloat16_is_near_float32() -> None:
    config = replace(TINY_UNET, steps=10)
    exact, rough = (last(train(config, PICTURES, linear(), bf16=bf16)) for bf16 in (False, True))
    assert 0 < abs(rough.loss - exact.loss) < 0.02 * exact.loss
    assert all(w.dtype == torch.float32 for w in rough.net.state_dict().values())


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("config", "data"), [(TINY, DATA), (TINY_UNET, PICTURES)])
def test_a_gpu_runs_the_same_run(config: TrainingConfig, data: DataSampler) -> None:
    here, there = (last(train(config, data, linear(), device=device)) for device in ("cpu", "cuda"))
    assert abs(here.loss - there.loss) < 1e-3 * here.loss
    assert not math.isclose(here.loss, last(train(replace(config, seed=1), data, linear())).loss, rel_tol=1e-3)


def test_divergence_is_one_sentence() -> None:
    with pytest.raises(BadInput) as error:
        last(train(replace(TINY, lr=100.0, max_norm=1e9, steps=200, warmup=0), DATA, linear(), every=20))
    assert str(error.value).startswith("Training diverged before step 20: the loss is ")
    assert str(error.value).endswith("Try a lower learning rate than 100.")
    assert str(error.value) == error.value.template.format(**error.value.facts)

    def broken(n: int, generator: torch.Generator) -> tuple[Tensor, None]:
        return torch.full((n, 2), math.nan if n > 1 else 0.0), None  # the first look finds nothing

    class Nan(torch.nn.Module):
        def forward(self, x: Tensor, t: Tensor, cond: None) -> Tensor:
            return (x * math.nan).requires_grad_()

    with pytest.raises(BadInput, match="before step 10: the loss is nan"):
        last(train(TINY, DATA, linear(), every=10, wrap=lambda net: Nan()))

    with pytest.raises(BadInput, match=r"^x0 must hold finite numbers only"):  # it is the data that are wrong
        last(train(TINY, broken, linear()))
    assert math.isfinite(last(train(TINY, DATA, linear())).loss)


SENTENCE = (
    "alpha_bar is 0 at t = 20 of the schedule zero_terminal_snr(scaled_linear), where eps says nothing of x_0: "
    "let the network predict x0 or v there, without a learned variance."
)


def test_eps_of_pure_noise_is_not_trained() -> None:
    blind = SCHEDULES["zero_terminal_snr"](20)
    for config in (TINY, replace(TINY, net=MLPConfig(2, 16, learned_variance=True)), TINY_UNET):
        with pytest.raises(BadInput) as error:
            train(config, DATA, blind)  # at the call, before the first step
        assert str(error.value) == SENTENCE
    for predicts in ("x0", "v"):
        state = last(train(replace(TINY, predicts=predicts), DATA, blind))
        assert math.isfinite(state.loss) and math.isfinite(state.eps_loss)
        with torch.no_grad():
            assert torch.isfinite(state.denoiser(torch.ones(1, 2), 20)).all()
    assert math.isfinite(last(train(TINY, DATA, SCHEDULES["scaled_linear"](20))).loss)
