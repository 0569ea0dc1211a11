"""The networks' parts against PyTorch's and diffusers' own, and the wrappers that make denoisers of networks."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest
import torch
from diffusers.models.embeddings import get_timestep_embedding
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn

from diffusion_core.denoisers import Guided, LearnedVariance, Predictor, split_variance
from diffusion_core.errors import BadInput
from diffusion_core.forward import q_sample
from diffusion_core.nets.attention import Attention, CrossAttention, GroupNorm
from diffusion_core.nets.autoencoder import AutoencoderConfig
from diffusion_core.nets.classifier import ClassifierConfig
from diffusion_core.nets.mlp import MLPConfig, TimeFeatures
from diffusion_core.nets.text import TextConfig
from diffusion_core.nets.unet import Residual, UNetConfig
from diffusion_core.nets.watched import attention_by_word
from diffusion_core.parameterization import v_from_eps
from diffusion_core.posterior import transition
from diffusion_core.samplers import ancestral
from diffusion_core.schedule import cosine, linear
from diffusion_core.training.state import NetConfig

TINY = UNetConfig(widths=(8, 16), heads=2, classes=3)
TIMES = torch.tensor([1, 7, 250, 1000])


Net = TypeVar("Net", bound=nn.Module)


def randomized(build: Callable[[], Net]) -> Net:
    """A network whose every weight is drawn: zeroed layers would hide mistakes."""
    torch.manual_seed(0)
    net = build().double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0, 0.3)
    return net


def gap(a: Tensor, b: Tensor) -> float:
    return (a - b).abs().max().item()


def test_time_features_are_the_transformers() -> None:
    ours = TimeFeatures(64)(TIMES)
    assert gap(ours, get_timestep_embedding(TIMES, 64, downscale_freq_shift=1)) < 1e-4  # float32 angles up to 1,000
    assert gap(ours, get_timestep_embedding(TIMES, 64, downscale_freq_shift=0)) > 0.1
    assert gap(ours, get_timestep_embedding(TIMES, 64, downscale_freq_shift=1, flip_sin_to_cos=True)) > 0.1
    assert gap(TimeFeatures(64)(7), ours[1:2]) < 1e-6


def test_attention_is_pytorchs() -> None:
    torch.manual_seed(0)
    attention = Attention(16, heads=2).double()
    nn.init.normal_(attention.proj.weight)
    h = torch.randn(3, 16, 5, 4, dtype=torch.float64)
    rows = attention.norm(h).flatten(2).transpose(1, 2)

    def reference(heads: int) -> tuple[Tensor, Tensor]:
        theirs = nn.MultiheadAttention(16, heads, batch_first=True).double()
        theirs.load_state_dict(
            {
                "in_proj_weight": attention.qkv.weight[:, :, 0, 0],
                "in_proj_bias": attention.qkv.bias,
                "out_proj.weight": attention.proj.weight[:, :, 0, 0],
                "out_proj.bias": attention.proj.bias,
            }
        )
        out, weights = theirs(rows, rows, rows, average_attn_weights=False)
        return h + out.transpose(1, 2).reshape(h.shape), weights

    out, weights = reference(heads=2)
    assert gap(attention(h), out) < 1e-10
    assert gap(attention.weights(h), weights) < 1e-10
    assert gap(attention(h), reference(heads=4)[0]) > 1e-3


def test_blocks_start_as_their_shortcuts() -> None:
    """So that a deep network begins with its input, and not with what many random layers make of it."""
    h, words, is_word = torch.randn(2, 16, 4, 4), torch.randn(2, 5, 12), torch.ones(2, 5, dtype=torch.bool)
    assert torch.equal(Attention(16, 2)(h), h) and torch.equal(CrossAttention(16, 12, 2)(h, words, is_word), h)
    same, wider = Residual(16, 16, 6), Residual(16, 24, 6)
    assert torch.equal(same(h, torch.randn(2, 6)), h)
    assert torch.equal(wider(h, torch.randn(2, 6)), wider.shortcut(h))


def test_norms_and_attention_stay_in_float32_under_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU they take 5 and 7 times as long in bfloat16."""
    seen: list[torch.dtype] = []
    attend = nn.functional.scaled_dot_product_attention

    def spy(q: Tensor, k: Tensor, v: Tensor, **options: Any) -> Tensor:
        seen.extend((q.dtype, k.dtype, v.dtype))
        return attend(q, k, v, **options)

    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", spy)
    h, words, is_word = torch.randn(2, 16, 4, 4), torch.randn(2, 5, 12), torch.ones(2, 5, dtype=torch.bool)
    with torch.autocast("cpu", torch.bfloat16):
        Attention(16, 2)(h)
        CrossAttention(16, 12, 2)(h, words, is_word)
    assert seen == [torch.float32] * 6
    assert GroupNorm(8, 16)(h.bfloat16()).dtype == torch.float32
    assert GroupNorm(8, 16).double()(h.double()).dtype == torch.float64


def test_coarse_maps_of_words_are_enlarged_between_the_middles_of_their_places() -> None:
    fine, coarse = torch.rand(1, 2, 16, 3), torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    weights = torch.stack([coarse.flatten(), 1 - coarse.flatten()], -1)[None, None]  # (1, 1, 4 places, 2 words)
    (row, *_), _ = attention_by_word({"a_words_weights": weights, "a": fine}, 4)[0]
    assert torch.allclose(row, torch.tensor([0.0, 0.25, 0.75, 1.0]))
    both = attention_by_word({"a_words_weights": fine[:, :1], "b_words_weights": fine[:, 1:]}, 4)
    assert torch.allclose(both, fine.mean(1).mT.reshape(1, 3, 4, 4))


def test_a_unet_is_laid_out_for_a_cpu() -> None:
    net = UNetConfig().build()
    assert net.get_parameter("down.0_0.conv1.weight").is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("outside", [16, 24])
def test_residual_block_is_diffusers(outside: int) -> None:
    torch.manual_seed(0)
    block = Residual(16, outside, 12).double()
    nn.init.normal_(block.conv2.weight)
    theirs = ResnetBlock2D(in_channels=16, out_channels=outside, temb_channels=12, groups=8, eps=1e-5).double()
    names = {"time_emb_proj": "embed", "conv_shortcut": "shortcut"}
    ours = block.state_dict()

    def our_name(theirs: str) -> str:
        part, kind = theirs.split(".")
        return f"{names.get(part, part)}.{kind}"

    theirs.load_state_dict({name: ours[our_name(name)] for name in theirs.state_dict()})
    h, embedding = torch.randn(2, 16, 6, 6, dtype=torch.float64), torch.randn(2, 12, dtype=torch.float64)
    expected = theirs(h, embedding)
    assert gap(block(h, nn.functional.silu(embedding)), expected) < 1e-10  # the U-Net applies SiLU once, for all blocks
    assert gap(block(h, embedding), expected) > 1e-3


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        (MLPConfig(1, 16), (4, 1)),
        (MLPConfig(2, 16, depth=1), (4, 2)),
        (TINY, (4, 1, 28, 28)),
        (replace(TINY, channels=3, blocks=2, attention=(True, True), classes=None), (4, 3, 8, 12)),
        (replace(TINY, widths=(8, 16, 24), attention=(False, True, False)), (4, 1, 16, 16)),
    ],
)
@pytest.mark.parametrize("learned", [False, True])
def test_shapes_and_time(config: NetConfig, shape: tuple[int, ...], learned: bool) -> None:
    config = replace(config, learned_variance=learned)
    net = randomized(config.build)
    x = torch.randn(shape, dtype=torch.float64)
    out = net(x, TIMES)
    assert out.shape == (shape[0], shape[1] * (1 + learned), *shape[2:])
    for row, t in enumerate(TIMES.tolist()):  # one t for all, and one for each row, are the same
        assert gap(net(x, t)[row], out[row]) < 1e-10
    assert gap(net(x, 1), out) > 1e-3
    assert gap(net(x[1:2], 7), out[1:2]) < 1e-10  # rows do not see each other
    assert gap(net(x[:1], 7), out[1:2]) > 1e-3
    assert config.build()(x.float(), 5).abs().max() == 0  # untrained: eps_hat = 0, whose loss is 1
    assert gap(out, torch.zeros_like(out)) > 0


def test_the_mlp_is_its_formula() -> None:
    net = randomized(MLPConfig(2, 16, depth=3).build)
    w = {name: parameter.detach() for name, parameter in net.named_parameters()}
    x = torch.randn(4, 2, dtype=torch.float64)
    angle = TIMES.double()[:, None] * 10_000 ** (-torch.arange(32, dtype=torch.float64) / 31)
    phi = torch.cat([angle.sin(), angle.cos()], 1)
    h = x @ w["first.weight"].T + w["first.bias"] + phi @ w["time.weight"].T + w["time.bias"]
    for i in range(2):
        h = h + (h / (1 + (-h).exp())) @ w[f"hidden.{i}.weight"].T + w[f"hidden.{i}.bias"]  # x sigmoid(x) is SiLU
    expected = (h / (1 + (-h).exp())) @ w["last.weight"].T + w["last.bias"]
    assert gap(net(x, TIMES), expected) < 1e-3 * expected.abs().max()  # the angles are float32, up to 1,000
    assert gap(net(x, TIMES), x @ w["first.weight"].T @ w["last.weight"].T) > 1


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_an_output_with_a_variance_has_two_halves(channels: int) -> None:
    output = torch.randn(5, 2 * channels, 4, 4)
    eps_hat, v = split_variance(output)
    assert torch.equal(eps_hat, output[:, :channels]) and torch.equal(2 * v - 1, output[:, channels:].add(1).sub(1))
    assert split_variance(torch.zeros(1, 2))[1] == 0.5


def test_no_class_is_a_class_of_its_own() -> None:
    net = randomized(TINY.build)
    x = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    none = net(x, 5)
    assert gap(none, net(x, 5, torch.full((4,), 3))) < 1e-10
    for label in range(3):
        assert gap(none, net(x, 5, torch.full((4,), label))) > 1e-3


def test_what_says_nothing_is_the_class_after_the_last_or_nothing() -> None:
    assert TINY.no_condition is not None and TINY.no_condition.item() == 3
    assert replace(TINY, classes=None).no_condition is None and MLPConfig().no_condition is None


def test_maps_are_what_the_blocks_computed() -> None:
    net = randomized(replace(TINY, blocks=2).build)
    x = torch.randn(2, 1, 28, 28, dtype=torch.float64)
    maps: dict[str, Tensor] = {}
    assert torch.equal(net(x, 9, maps=maps), net(x, 9))
    names = list(net.blocks())
    assert [name for name in maps if not name.endswith("_weights")] == names
    assert maps["down_0_0"].shape == (2, 8, 14, 14) and maps["middle_attention"].shape == (2, 16, 7, 7)
    assert maps["middle_attention_weights"].shape == (2, 2, 49, 49)
    assert gap(maps["middle_attention_weights"].sum(-1), torch.ones(2, 2, 49).double()) < 1e-10
    end = net.last(nn.functional.silu(net.norm(maps["up_0_1"])))
    assert gap(nn.functional.pixel_shuffle(end, 2), net(x, 9)) < 1e-12  # norm, SiLU, convolution
    assert gap(nn.functional.pixel_shuffle(net.last(net.norm(maps["up_0_1"])), 2), net(x, 9)) > 1e-3
    again = net.blocks()["middle_attention"](maps["middle_first"])
    assert gap(again, maps["middle_attention"]) < 1e-10 < gap(again, maps["middle_first"])
    listed = {id(p) for block in net.blocks().values() for p in block.parameters()}
    assert len(listed) < len(list(net.parameters()))  # besides: time, label, the changes of resolution, the last norm


@pytest.mark.parametrize("predicts", ["eps", "x0", "v"])
def test_predictor_gives_eps_whatever_the_network_predicts(predicts: str) -> None:
    schedule = cosine(1000)
    generator = torch.Generator().manual_seed(1)
    x0, eps = (torch.randn(4, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    t = torch.tensor([2, 100, 500, 990])
    x_t = q_sample(schedule, x0, t, eps)
    outputs = {"eps": eps, "x0": x0, "v": v_from_eps(schedule, x_t, eps, t)}

    class Knows(nn.Module):
        def __init__(self, output: Tensor) -> None:
            super().__init__()
            self.output = output

        def forward(self, x: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
            return self.output

    for name, output in outputs.items():
        error = gap(Predictor(Knows(output), MLPConfig(), schedule, predicts)(x_t, t), eps)
        assert (error < 1e-9) == (name == predicts)


def test_guidance_walks_from_no_class_to_the_class_and_beyond() -> None:
    net = randomized(TINY.build)
    predictor = Predictor(net, TINY, linear(), "eps")
    x, labels = torch.randn(4, 1, 8, 8, dtype=torch.float64), torch.tensor([0, 1, 2, 0])
    without, with_class = predictor(x, 5), predictor(x, 5, labels)
    for scale in (0.0, 0.3, 1.0, 4.0):
        guided = Guided(predictor, labels, scale)(x, 5)
        assert gap(guided, without + scale * (with_class - without)) < 1e-10
        assert gap(guided, without + (1 + scale) * (with_class - without)) > 1e-3  # their w, one less than ours
    assert gap(Guided(predictor, labels)(x, 5), with_class) == 0  # unsaid, the condition as the data have it
    assert gap(Guided(predictor, 2 - labels, 4.0)(x, 5, labels), guided) == 0  # asked for others, it follows those
    asked: list[object] = []

    def spy(x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        asked.append(cond)
        return x_t

    for scale, calls in ((0.0, [None]), (1.0, [labels]), (2.0, [None, labels])):  # no more than it needs
        asked.clear()
        Guided(spy, labels, scale)(x, 5)
        assert len(asked) == len(calls) and all(a is b for a, b in zip(asked, calls, strict=True))
    for scale in (-1, math.inf, math.nan):
        with pytest.raises(BadInput, match=f"scale must be a finite number of at least 0; got {scale}"):
            Guided(predictor, labels, scale)


def test_learned_variance_shares_the_denoisers_call() -> None:
    config = MLPConfig(2, 16, learned_variance=True)
    net, schedule = randomized(config.build), linear(100)
    calls = []
    net.register_forward_hook(lambda *_: calls.append(1))
    run = LearnedVariance(Predictor(net, config, schedule))
    with pytest.raises(BadInput, match="must be asked before"):
        run.variance(None, torch.zeros(1))  # type: ignore[arg-type]
    x_T = torch.randn(5, 2, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    steps = list(ancestral(run, schedule, x_T, schedule.timesteps(10), variance=run.variance, generator=generator))
    assert len(calls) == len(steps) == 10
    for step in steps:
        raw = net(step.x_t, step.t)[:, 2:]
        if step.s > 0:
            v = (raw + 1) / 2
            expected = v * math.log(step.pair.beta) + (1 - v) * math.log(step.pair.beta_tilde)
            assert gap(torch.as_tensor(step.log_variance), expected) < 1e-10
            for fixed in (step.pair.beta, step.pair.beta_tilde):
                assert gap(torch.as_tensor(step.variance), torch.full((5, 2), fixed).double()) > 1e-9
    with pytest.raises(BadInput, match="no learned variance"):
        LearnedVariance(Predictor(net, MLPConfig(), schedule))


def test_learned_variance_tells_the_network_its_class() -> None:
    config = replace(TINY, learned_variance=True)
    predictor = Predictor(randomized(config.build), config, linear(100))
    x, labels = torch.randn(3, 1, 8, 8, dtype=torch.float64), torch.tensor([0, 1, 2])
    pair, turned = transition(predictor.schedule, 9, 8), labels.flip(0)
    for run, told in ((LearnedVariance(predictor, labels), labels), (LearnedVariance(predictor), None)):
        eps_hat, v = predictor.eps_and_v(x, 9, told)
        assert gap(run(x, 9), eps_hat) < 1e-12
        assert v is not None
        expected = v * math.log(pair.beta) + (1 - v) * math.log(pair.beta_tilde)
        assert gap(torch.as_tensor(run.variance(pair, x).log), expected) < 1e-12
        assert gap(eps_hat, predictor(x, 9, turned)) > 1e-3
        assert gap(run(x, 9, turned), predictor(x, 9, turned)) < 1e-12  # a class given at the call goes first
    assert gap(predictor(x, 9, labels), predictor(x, 9)) > 1e-3


def test_the_embedding_of_time_and_class_goes_through_silu_before_the_blocks() -> None:
    net = randomized(TINY.build)
    seen: list[Tensor] = []
    for module in net.modules():
        if isinstance(module, Residual):
            module.embed.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    label = torch.tensor([2, 0])
    net(torch.randn(2, 1, 8, 8, dtype=torch.float64), 7, label)
    angle = 7 * torch.exp(-math.log(10_000) * torch.arange(4) / 3)
    (W_1, b_1), (W_2, b_2) = ([net.get_parameter(f"time.{k}.{kind}") for kind in ("weight", "bias")] for k in (1, 3))
    hidden = torch.cat([angle.sin(), angle.cos()]).double() @ W_1.T + b_1
    emb = (hidden / (1 + (-hidden).exp())) @ W_2.T + b_2 + net.get_parameter("label.weight")[label]
    assert len(seen) == 6
    for h in seen:
        assert gap(h, emb / (1 + (-emb).exp())) < 1e-5  # float32 angles
        assert gap(h, emb) > 0.1


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: MLPConfig(width=0), "width must be an integer from 1 to 4096; got 0."),
        (lambda: MLPConfig(depth=True), "depth must be an integer from 1 to 64; got True."),
        (lambda: UNetConfig(widths=(12, 24)), "a width must be a multiple of 8 and of heads = 4; got 12."),
        (lambda: UNetConfig(attention=(True,)), "attention must name each of the 2 resolutions; got 1."),
        (lambda: UNetConfig(classes=0), "classes must be an integer from 1 to 10000; got 0."),
        (
            lambda: Predictor(nn.Identity(), MLPConfig(), linear(), "score"),
            "predicts must be one of eps, x0, v; got score.",
        ),
        (
            lambda: Predictor(nn.Identity(), MLPConfig(learned_variance=True), linear(), "v"),
            "predicts must be eps where the variance is learned; got v.",
        ),
    ],
)
def test_wrong_configurations_are_one_sentence(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(BadInput) as error:
        make()
    assert str(error.value) == sentence


def wide(**changes: Any) -> UNetConfig:
    """One resolution of 1024 channels, which many numbers of heads divide."""
    return UNetConfig(**{"widths": (1024,), "attention": (True,)} | changes)


LIMITS: list[tuple[Callable[[int], object], str, int, int]] = [
    (lambda n: MLPConfig(dimension=n), "dimension", 1, 4096),
    (lambda n: MLPConfig(width=n), "width", 1, 4096),
    (lambda n: MLPConfig(depth=n), "depth", 1, 64),
    (lambda n: UNetConfig(channels=n), "channels", 1, 64),
    (lambda n: UNetConfig(patch=n), "patch", 1, 8),
    (lambda n: UNetConfig(blocks=n), "blocks", 1, 8),
    (lambda n: wide(heads=n), "heads", 1, 64),
    (lambda n: UNetConfig(widths=(8,) * n, attention=(True,) * n), "the number of widths", 1, 5),
    (lambda n: UNetConfig(widths=(n,), attention=(True,), heads=1), "a width", 8, 1024),
    (lambda n: UNetConfig(classes=n), "classes", 1, 10_000),
    (lambda n: TextConfig(width=n, heads=1), "the text's width", 8, 1024),
    (lambda n: TextConfig(layers=n), "the text's layers", 1, 16),
    (lambda n: TextConfig(width=64, heads=n), "the text's heads", 1, 64),
    (lambda n: TextConfig(vocabulary=n), "vocabulary", 2, 100_000),
    (lambda n: AutoencoderConfig(width=8 * n), "width / 8", 1, 64),
    (lambda n: AutoencoderConfig(latent=n), "latent", 1, 64),
    (lambda n: ClassifierConfig(width=n), "width", 1, 1024),
    (lambda n: ClassifierConfig(classes=n), "classes", 2, 10_000),
]


@pytest.mark.parametrize(("make", "name", "low", "high"), LIMITS)
def test_configurations_have_their_limits(make: Callable[[int], object], name: str, low: int, high: int) -> None:
    """A configuration may come from a stranger's file: it must not ask for all the memory there is."""
    assert make(low) != make(high)
    for beyond in (low - 1, high + 1):
        with pytest.raises(BadInput, match=f"^{name} must be an integer from {low} to {high}; got {beyond}"):
            make(beyond)


def test_the_digits_network_is_small() -> None:
    count = sum(p.numel() for p in UNetConfig().build().parameters())
    assert 2 * count <= 8e6 and count == 1_170_820
