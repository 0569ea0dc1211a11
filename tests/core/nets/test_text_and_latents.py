"""Words, cross-attention, the autoencoder: against PyTorch's own, and through the commands that train and judge."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from diffusion_core import evaluate, train
from diffusion_core.data import pca
from diffusion_core.data.captions import VOCABULARY
from diffusion_core.data.reading import agreement, read
from diffusion_core.data.scenes import captioned_shapes, random_captions
from diffusion_core.denoisers import Guided, Predictor
from diffusion_core.errors import BadInput
from diffusion_core.nets.attention import Attention, CrossAttention
from diffusion_core.nets.autoencoder import Autoencoder, AutoencoderConfig, psnr, train_autoencoder
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.text import LENGTH, PAD, START, Layer, TextConfig, TextEncoder, tokenize
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.nets.watched import WatchedGuidance, attention_by_word
from diffusion_core.samplers import ddim
from diffusion_core.schedule import cosine
from diffusion_core.training import judges
from diffusion_core.training.checkpoint import (
    load_autoencoder,
    load_denoiser,
    load_training,
    save_autoencoder,
    save_denoiser,
)
from diffusion_core.training.draws import latent_scenes

TEXT = TextConfig(width=16, layers=2, heads=2)
TINY = UNetConfig(4, (8, 16), attention=(True, True), heads=2, classes=None, patch=1, text=TEXT)
SENTENCES = ["a blue star above a green square", "a green star above a blue square", "red ring", ""]


Net = TypeVar("Net", bound=nn.Module)


def randomized(net: Net) -> Net:
    """A network whose every weight is drawn: zeroed layers would hide mistakes."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0, 0.3)
    return net.double()


def tiny_text_net() -> Predictor:
    return Predictor(randomized(TINY.build()).requires_grad_(False), TINY, cosine(100), "v")


def gap(a: Tensor, b: Tensor) -> float:
    return (a - b).abs().max().item()


# --- words ----------------------------------------------------------------------------------------------------------


def test_tokens() -> None:
    tokens = tokenize(SENTENCES)
    assert tokens.shape == (4, LENGTH)
    assert tokens[2].tolist() == [START, 2 + VOCABULARY.index("red"), 2 + VOCABULARY.index("ring"), *[PAD] * 17]
    assert TINY.no_condition is not None
    assert tokens[3].tolist() == [START, *[PAD] * 19] == TINY.no_condition.tolist()
    assert tokenize(["A BIG red circle"]).equal(tokenize(["a large red circle"]))
    assert (PAD, START) == (0, 1)  # the numbers that the shipped network knows
    assert TextConfig().vocabulary == tokenize([VOCABULARY[-1]]).max() + 1  # a vector for each word, and no more
    for full in ("red " * 19, "red," * 19):
        assert (tokenize([full])[0, 1:] == 2 + VOCABULARY.index("red")).all()
    for n in (20, 21, 22):
        for long in ("red " * n, "red," * n):  # with commas, one word to split() and n to the tokenizer
            with pytest.raises(BadInput, match=f"The prompt must have at most 19 words; got {n}"):
                tokenize([long])
    with pytest.raises(BadInput, match="the model never saw: zebra"):
        tokenize(["a zebra"])


def test_the_vocabulary_never_changes() -> None:
    """The shipped network's numbers for words are by their place in this list."""
    assert VOCABULARY[:12] == (
        *("a", "and", "small", "large", "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"),
    )
    assert VOCABULARY[12:] == (
        *("circle", "square", "triangle", "star", "cross", "ring", "at", "the", "top", "left", "right", "on", "in"),
        *("middle", "bottom", "above", "below", "to", "of", "light", "ground", "dark"),
    )


def test_a_layer_is_pytorchs() -> None:
    ours = randomized(Layer(16, heads=2))
    theirs = nn.TransformerEncoderLayer(
        16, 2, 32, dropout=0.0, activation=nn.functional.silu, batch_first=True, norm_first=True
    )
    theirs = theirs.double()
    names = {
        "self_attn.in_proj_weight": ours.qkv.weight,
        "self_attn.in_proj_bias": ours.qkv.bias,
        "self_attn.out_proj.weight": ours.proj.weight,
        "self_attn.out_proj.bias": ours.proj.bias,
        "linear1.weight": ours.get_parameter("mlp.0.weight"),
        "linear1.bias": ours.get_parameter("mlp.0.bias"),
        "linear2.weight": ours.get_parameter("mlp.2.weight"),
        "linear2.bias": ours.get_parameter("mlp.2.bias"),
        **{f"norm{k}.{kind}": getattr(getattr(ours, f"norm{k}"), kind) for k in (1, 2) for kind in ("weight", "bias")},
    }
    theirs.load_state_dict(names)
    h = torch.randn(3, 7, 16, dtype=torch.float64)
    is_word = torch.arange(7) < torch.tensor([[7], [4], [1]])
    expected = theirs(h, src_key_padding_mask=~is_word)
    for row, n in enumerate((7, 4, 1)):
        assert gap(ours(h, is_word)[row, :n], expected[row, :n]) < 1e-12
    assert gap(ours(h, torch.ones_like(is_word))[1, :4], expected[1, :4]) > 0.01  # looking at what is no word


def test_words_and_places_start_alike() -> None:
    """Where words are far larger than places, a network learns late that their order matters."""
    net = seeded(0, TextConfig(512, 1, 8).build)
    for table in (net.words.weight, net.places):
        assert table.std().item() == pytest.approx(0.2, rel=0.05) and abs(table.mean().item()) < 0.01


def test_words_read_each_other() -> None:
    """The same words in another order give "star" another vector; a bag of words would not."""
    net = randomized(TextEncoder(TEXT))
    first, second = net(tokenize(SENTENCES[:2]))
    star = SENTENCES[0].split().index("star") + 1
    assert gap(first[star], second[star]) > 1e-3
    with torch.no_grad():
        net.places.zero_()  # without places the two sentences are the same words
    first_bag, second_bag = net(tokenize(SENTENCES[:2]))
    assert gap(first_bag[star], second_bag[star]) < 1e-12
    longer = tokenize(SENTENCES[:1])
    longer[0, -1] = 5  # a word beyond the padding is a word
    assert gap(net(longer)[0, star], first_bag[star]) > 1e-6


def test_cross_attention_is_pytorchs() -> None:
    block = randomized(CrossAttention(16, 12, heads=2))
    h, words = torch.randn(3, 16, 4, 5, dtype=torch.float64), torch.randn(3, 6, 12, dtype=torch.float64)
    is_word = torch.arange(6) < torch.tensor([[6], [3], [1]])
    queries = block.norm(h).flatten(2).transpose(1, 2)
    k_weight, v_weight = block.kv.weight.chunk(2)
    k_bias, v_bias = block.kv.bias.chunk(2)
    assert block.q.bias is not None
    out, weights = nn.functional.multi_head_attention_forward(
        queries.transpose(0, 1), words.transpose(0, 1), words.transpose(0, 1),
        embed_dim_to_check=16, num_heads=2, in_proj_weight=None,
        in_proj_bias=torch.cat([block.q.bias, k_bias, v_bias]), bias_k=None, bias_v=None,
        add_zero_attn=False, dropout_p=0.0,
        out_proj_weight=block.proj.weight[:, :, 0, 0], out_proj_bias=block.proj.bias,
        key_padding_mask=~is_word, use_separate_proj_weight=True, average_attn_weights=False,
        q_proj_weight=block.q.weight[:, :, 0, 0], k_proj_weight=k_weight, v_proj_weight=v_weight,
    )  # fmt: skip
    assert weights is not None
    expected = h + out.permute(1, 2, 0).reshape(h.shape)
    assert gap(block(h, words, is_word), expected) < 1e-12
    ours = block.weights(h, words, is_word)
    assert gap(ours, weights) < 1e-12
    assert gap(ours.sum(-1), torch.ones(())) < 1e-12 and ours[1, ..., 3:].abs().max() == 0
    assert gap(block(h, words, torch.ones_like(is_word)), expected) > 0.01


# --- the U-Net that reads -------------------------------------------------------------------------------------------


def test_no_text_is_the_empty_prompt() -> None:
    net = tiny_text_net()
    x = torch.randn(4, 4, 8, 8, dtype=torch.float64)
    empty = net(x, 50, tokenize([""] * 4))
    assert gap(net(x, 50), empty) == 0
    by_text = net(x, 50, tokenize(SENTENCES))
    assert gap(by_text[3], empty[3]) < 1e-12 and gap(by_text[0], empty[0]) > 1e-3
    guided = Guided(net, tokenize(SENTENCES), 3.0)(x, 50)
    assert gap(guided, empty + 3 * (by_text - empty)) < 1e-10
    assert gap(guided, by_text + 3 * (by_text - empty)) > 1e-3  # the other count of w


def test_watched_guidance_changes_nothing_and_sees_all() -> None:
    net, tokens = tiny_text_net(), tokenize(SENTENCES)
    z_T = torch.randn(4, 4, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    timesteps = net.schedule.timesteps(5, spacing="trailing")
    watched = WatchedGuidance(net, tokens, 3.0)
    steps = list(ddim(watched, net.schedule, z_T, timesteps))
    *_, plain = ddim(Guided(net, tokens, 3.0), net.schedule, z_T, timesteps)
    assert gap(steps[-1].x_s, plain.x_s) < 1e-10
    assert [call.t for call in watched.calls] == list(timesteps)
    for step, call in zip(steps, watched.calls, strict=True):
        assert gap(step.eps_hat, call.eps_uncond + 3 * (call.eps_cond - call.eps_uncond)) < 1e-10
        assert call.words.shape == (4, LENGTH, 8, 8)
        assert gap(call.words.sum(1), torch.ones(())) < 1e-6
        assert call.words[2, 3:].abs().max() == 0 < call.words[2, 2].min()  # "red ring" has two words
    others = tokens.flip(0)
    eps = watched(z_T, 50, others)  # asked for another text, it follows that one
    assert gap(eps, Guided(net, others, 3.0)(z_T, 50)) < 1e-10 < gap(eps, Guided(net, tokens, 3.0)(z_T, 50))
    with pytest.raises(BadInput, match="scale must be a finite number of at least 0; got -1"):
        WatchedGuidance(net, tokens, -1.0)
    for config in (UNetConfig(widths=(8, 16), heads=2), MLPConfig()):
        with pytest.raises(BadInput, match="The network reads no text"):
            WatchedGuidance(Predictor(config.build(), config, cosine(10)), tokens, 1.0)


def test_maps_of_words_and_places() -> None:
    net = TINY.build()
    maps: dict[str, Tensor] = {}
    net(torch.randn(2, 4, 8, 8), 5, tokenize(SENTENCES[:2]), maps)
    kinds = {Attention: "places", CrossAttention: "words"}
    for name, block in net.blocks().items():
        assert name in maps
        if type(block) in kinds:
            assert (maps[f"{name}_weights"].shape[-1] == LENGTH) == (kinds[type(block)] == "words")
    assert {name for name in maps if name.endswith("_words_weights")} == {
        f"{where}_words_weights" for where in ("down_0_0", "down_1_0", "middle", "up_1_0", "up_0_0")
    }
    assert attention_by_word(maps, 8).shape == (2, LENGTH, 8, 8)


def test_configurations_that_do_not_fit() -> None:
    with pytest.raises(BadInput, match="knows classes or reads text, not both"):
        UNetConfig(classes=10, text=TEXT)
    with pytest.raises(BadInput, match="multiple of its heads = 3"):
        TextConfig(width=16, heads=3)
    with pytest.raises(BadInput, match=r"\(4, H, W\), H and W divisible by 2; got \(4, 7, 8\)"):
        TINY.check_data((4, 7, 8))
    assert UNetConfig().unit == 4 and replace(UNetConfig(), patch=4).unit == 8


def test_a_text_net_and_an_autoencoder_come_back(tmp_path: Path) -> None:
    net = Predictor(TINY.build(), TINY, cosine(100), "v")
    save_denoiser(tmp_path / "net", net)
    again = load_denoiser(tmp_path / "net")
    assert again.config == TINY and again.predicts == "v"
    with pytest.raises(BadInput, match="The file must be of the kind autoencoder; it is of the kind denoiser"):
        load_autoencoder(tmp_path / "net")
    coder = AutoencoderConfig(8).build()
    coder.std.fill_(2.0)
    save_autoencoder(tmp_path / "coder", coder, torch.float16)
    loaded = load_autoencoder(tmp_path / "coder")
    x = torch.randn(2, 3, 32, 32)
    assert gap(loaded.encode(x), coder.encode(x).detach()) < 0.01 and loaded.std.tolist() == [2.0] * 4
    cut = (tmp_path / "coder").read_bytes()[:-100]
    with pytest.raises(BadInput, match="cut short or damaged"):
        load_autoencoder(cut)
    coder.std[0] = 0.0
    save_autoencoder(tmp_path / "flat", coder)
    with pytest.raises(BadInput, match="The scale of the latents in the file must be positive"):
        load_autoencoder(tmp_path / "flat")


# --- the autoencoder ------------------------------------------------------------------------------------------------


def pictures(n: int, generator: torch.Generator) -> Tensor:
    return captioned_shapes(n, generator)[0]


def trained(steps: int = 120, seed: int = 0) -> Autoencoder:
    *_, state = train_autoencoder(AutoencoderConfig(8), pictures, steps=steps, batch=16, seed=seed)
    return state.net.requires_grad_(False)


@pytest.mark.slow
def test_an_autoencoder_learns_and_its_latents_have_variance_1() -> None:
    net = trained()
    x = pictures(256, torch.Generator().manual_seed(9))
    z = net.encode(x)
    assert z.shape == (256, 4, 8, 8)
    assert (z.mean((0, 2, 3))).abs().max() < 0.2 and (z.std((0, 2, 3)) - 1).abs().max() < 0.2
    raw = net.moments(x)[0]
    assert (raw.std((0, 2, 3)) - 1).abs().max() > 0.2  # without the scale they have not
    assert gap(net.decode(z), net.decode_raw(raw)) < 1e-3
    mean_only = x.mean((0, 2, 3), keepdim=True).expand_as(x)
    assert psnr(x, net.decode(z)) > psnr(x, mean_only) + 3
    assert torch.equal(trained(3).encode(x[:2]), trained(3).encode(x[:2]))
    assert not torch.equal(trained(3).encode(x[:2]), trained(3, seed=1).encode(x[:2]))


def test_the_autoencoder_is_trained_with_its_own_noise_and_the_kl_to_n01() -> None:
    """The error and the KL of each step, against PyTorch's distributions, from the same draws."""
    config, generator = AutoencoderConfig(8), torch.Generator().manual_seed(3)
    net = seeded(3, config.build)
    with torch.no_grad():
        net.get_parameter(f"encoder.{len(net.encoder) - 1}.bias")[4:] = 1.5  # sigma is far from 1

    class Given:
        latent, build = config.latent, staticmethod(lambda: net)

    states = train_autoencoder(Given, pictures, steps=3, batch=8, seed=3)  # type: ignore[arg-type]
    for _step in range(2):
        x = pictures(8, generator)
        with torch.no_grad():
            mu, log_variance = net.moments(x)
            q = Normal(mu, (log_variance / 2).exp())
            z = mu + q.scale * torch.randn(mu.shape, generator=generator)
            kl, error = kl_divergence(q, Normal(0.0, 1.0)).mean().item(), (net.decode_raw(z) - x).abs().mean().item()
            other = (net.decode_raw(mu + q.variance * (z - mu) / q.scale) - x).abs().mean().item()
        state = next(states)
        assert abs(state.kl - kl) < 1e-5 and abs(state.error - error) < 1e-5 < abs(state.error - other)
        assert abs(state.kl - 0.5 * (mu.square() + log_variance.exp() - 1 + log_variance).mean().item()) > 0.1


def test_psnr() -> None:
    x = torch.zeros(2, 3, 4, 4)
    assert abs(psnr(x, x + 0.2) - 20) < 1e-5  # 4 / .04 = 100


# --- the commands ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_commands_train_and_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coder, net = tmp_path / "coder", tmp_path / "net"
    train.main(["autoencoder", "--out", str(coder), "--width", "8", "--steps", "3", "--batch", "4", "--bf16"])
    small = ["--autoencoder", str(coder), "--width", "8", "--steps", "4", "--batch", "4"]
    train.main(["latent", "--out", str(net), *small, "--every", "2"])
    assert load_training(tmp_path / "net.run").step == 4
    train.main(["latent", "--out", str(tmp_path / "again"), "--autoencoder", str(coder), "--resume", f"{net}.run"])
    assert net.read_bytes() == (tmp_path / "again").read_bytes()
    capsys.readouterr()
    evaluate.main(["autoencoder", str(coder), "--samples", "40"])
    report = json.loads(capsys.readouterr().out)
    assert report["psnr"] < report["pca_psnr"] and len(report["latent_std"]) == 4  # three steps are too few
    evaluate.main(["latent", str(net), "--autoencoder", str(coder), "--samples", "3", "--steps", "2"])
    report = json.loads(capsys.readouterr().out)
    assert report["one"]["all"] == 0 and report["steps"] == 2
    with pytest.raises(
        SystemExit, match="evaluate: The file must be of the kind denoiser; it is of the kind autoencoder"
    ):
        evaluate.main(["latent", str(coder)])


def test_latent_scenes_are_the_pictures_latents() -> None:
    net = AutoencoderConfig(8).build().requires_grad_(False)
    z, tokens = latent_scenes(net)(5, torch.Generator().manual_seed(2))
    x, captions = captioned_shapes(5, torch.Generator().manual_seed(2), two=0.6)
    assert gap(z, net.encode(x)) == 0 and tokens is not None and tokens.equal(tokenize(map(str, captions)))


def test_the_score_counts_what_the_reader_sees() -> None:
    x, captions = captioned_shapes(20, torch.Generator().manual_seed(2))
    readings = [read(picture) for picture in x]
    assert set(judges.score(captions, readings).values()) == {100.0}
    others = random_captions(20, torch.Generator().manual_seed(3))
    answers = [agreement(c, r) for c, r in zip(others, readings, strict=True)]
    found = judges.score(others, readings)
    assert found["colour"] == 100 * sum(a["colour"] for a in answers) / 20 < 50
    assert found["all"] == 0


def test_pca_is_the_best_linear_code() -> None:
    x = torch.randn(200, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) @ torch.diag(
        torch.arange(12, 0, -1, dtype=torch.float64)
    )
    mean, directions = pca.pca(x, 3)
    assert gap(directions @ directions.T, torch.eye(3, dtype=torch.float64)) < 1e-10
    rest = (x - mean) - (x - mean) @ directions.T @ directions
    values = torch.linalg.eigvalsh(torch.cov(x.T, correction=0))
    assert abs(rest.square().sum(1).mean() - values[:9].sum()) < 1e-9  # what is lost is the smaller eigenvalues
