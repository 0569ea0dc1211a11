r"""Words and pictures: does the picture show what the caption says, and do the words reach it as the formula says?

captions (two things) -> pictures -> read back:   P(everything right) >= 0.8      (binomial, exact)
CrossAttention(h, words) = h + W sum_i a_i v_i,   a = softmax(q k / sqrt(d)) over the words, 0 where there is none

The captions name two things that differ in colour and in shape: chance hardly ever gets all of it right.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch
from scipy import stats
from torch import Tensor

from diffusion_core.claims.check import AnyClaim, Claim, Trial, identity
from diffusion_core.data.captions import Caption
from diffusion_core.data.reading import agreement, read
from diffusion_core.data.scenes import random_captions
from diffusion_core.denoisers import Predictor
from diffusion_core.files import MODELS
from diffusion_core.nets.attention import CrossAttention
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.text import PAD, tokenize
from diffusion_core.nets.unet import UNet
from diffusion_core.nets.watched import text_config
from diffusion_core.training.checkpoint import load_autoencoder, load_denoiser
from diffusion_core.training.judges import generate_shapes

__all__ = ["ATTENTION", "CAPTION", "CLAIMS", "Text"]

LEAST = 0.8  # of the pictures, at least


@cache
def shipped() -> Predictor:
    """The network that comes with the project, loaded at its first call."""
    return load_denoiser(MODELS / "shapes_unet.safetensors")


@cache
def shipped_autoencoder() -> Autoencoder:
    """Its decoder, the same way."""
    return load_autoencoder(MODELS / "shapes_autoencoder.safetensors")


@dataclass(frozen=True, eq=False)
class Text:
    """A network that reads text (None: the shipped one) and how it is sampled: n captions, in few steps, at a scale."""

    network: Predictor | None = None
    n: int = 16
    steps: int = 12
    scale: float = 3.0

    @property
    def predictor(self) -> Predictor:
        return self.network or shipped()


# --- the caption is recovered ---------------------------------------------------------------------------------------

Telling = Callable[[list[Caption], float], tuple[list[Caption], float]]
"""(captions, scale) -> what the network is told of each, and the scale that is used."""


def two_things(n: int, seed: int) -> list[Caption]:
    """n captions of two things that differ in colour and in shape, and how they lie."""
    found: list[Caption] = []
    generator = torch.Generator().manual_seed(seed)
    while len(found) < n:
        for caption in random_captions(n, generator, two=1):
            first, second = caption.things
            if caption.where and first.colour != second.colour and first.shape != second.shape:
                found.append(caption)
    return found[:n]


def colours_swapped(caption: Caption) -> Caption:
    """The same words in another order: each thing has the other's colour."""
    first, second = caption.things
    return replace(caption, things=(replace(first, colour=second.colour), replace(second, colour=first.colour)))


def check_caption(telling: Telling, setting: Text, seed: int) -> list[Trial]:
    """n pictures, each judged by the caption that it was made for."""
    captions = two_things(setting.n, seed)
    told, scale = telling(captions, setting.scale)
    generator = torch.Generator().manual_seed(seed)
    pictures = generate_shapes(
        setting.predictor, shipped_autoencoder(), told, steps=setting.steps, guidance=scale, generator=generator
    )
    right = [
        bool(torch.isfinite(picture).all()) and all(agreement(caption, read(picture)).values())
        for caption, picture in zip(captions, pictures, strict=True)
    ]
    share = sum(right) / len(right)
    p = float(stats.binom.cdf(sum(right), len(right), LEAST))
    return [Trial("share of pictures in which everything is right", share, p_value=p, n=len(right), one_sided=True)]


CAPTION = Claim(
    key="E36n",
    says="From noise in the latents, this network makes what the words say: two things, each with its shape, its "
    "colour, its size and its place, in at least 80% of the pictures.",
    check=check_caption,
    truth=lambda captions, scale: (captions, scale),
    mistakes={
        "each picture is told another one’s words": lambda captions, scale: (captions[1:] + captions[:1], scale),
        "the words are not used: w = 0": lambda captions, scale: (captions, 0.0),
        "the same words in another order: the colours of the two things swapped": lambda captions, scale: (
            [colours_swapped(caption) for caption in captions],
            scale,
        ),
    },
    setting=Text(),
)

# --- attention over the words ---------------------------------------------------------------------------------------

Weights = Callable[[Tensor, Tensor, int], Tensor]
"""(products q k (batch, heads, places, L), is_word (batch, 1, 1, L), d) -> weights in the shape of the first."""


def over_words(products: Tensor, is_word: Tensor, d: int) -> Tensor:
    """Softmax over the words; where there is none, nothing."""
    return torch.softmax((products / math.sqrt(d)).masked_fill(~is_word, -math.inf), dim=-1)


def cross_attentions(predictor: Predictor) -> list[CrossAttention]:
    """The parts of the network that look at words.

    Raises:
        BadInput: it has none.
    """
    text_config(predictor)
    return [part for part in predictor.net.modules() if isinstance(part, CrossAttention)]


@torch.no_grad()
def check_attention(variant: Weights, setting: Text, seed: int) -> list[Trial]:
    """The largest error over all blocks: of the sums, of what PAD gets, of the block's output; in float64."""
    predictor, generator = setting.predictor, torch.Generator().manual_seed(seed)
    tokens = tokenize(["a red star", "a small blue ring above a large green square on a dark ground", ""])
    assert isinstance(predictor.net, UNet) and predictor.net.text is not None
    words, is_word = copy.deepcopy(predictor.net.text).double()(tokens), tokens != PAD
    sums, pads, outputs = [], [], []
    for part in cross_attentions(predictor):
        block = copy.deepcopy(part).double()
        h = torch.randn((3, block.q.in_channels, 4, 4), generator=generator, dtype=torch.float64)
        q = block.q(block.norm(h)).flatten(2).unflatten(1, (block.heads, -1)).transpose(2, 3)  # (3, heads, 16, d)
        k, v = block.kv(words).unflatten(2, (2, block.heads, -1)).permute(2, 0, 3, 1, 4)  # (3, heads, L, d)
        a = variant(q @ k.transpose(2, 3), is_word[:, None, None], q.shape[-1])
        sums.append((a.sum(-1) - 1).abs().max())
        pads.append(a.masked_fill(is_word[:, None, None], 0).abs().max())
        looked = (a @ v).transpose(2, 3).reshape(h.shape)
        outputs.append((h + block.proj(looked), block(h, words, is_word)))
    output = identity(
        torch.cat([ours.flatten() for ours, _theirs in outputs]),
        torch.cat([theirs.flatten() for _ours, theirs in outputs]),
    )
    n = 3 * 16 * len(sums)
    return [
        Trial("largest |sum of a place’s attention − 1|", float(torch.stack(sums).max()), tolerance=1e-10, n=n),
        Trial("largest attention to where no word is", float(torch.stack(pads).max()), tolerance=0.0, n=n),
        Trial("largest error of what the words add", output.value, tolerance=output.tolerance, n=output.n),
    ]


ATTENTION = Claim(
    key="E16n",
    says="In this network each place shares its attention out among the words of the prompt: it sums to 1, empty "
    "places get none, and what the words add is the sum of their values, so weighted.",
    check=check_attention,
    truth=over_words,
    mistakes={
        "softmax over the places, not the words": lambda products, is_word, d: torch.softmax(
            (products / math.sqrt(d)).masked_fill(~is_word, -1e9), dim=-2
        ),
        "no mask: empty places are words, too": lambda products, is_word, d: over_words(
            products, torch.ones_like(is_word), d
        ),
        "the products alone, without softmax": lambda products, is_word, d: products / math.sqrt(d) * is_word,
        "the root of d forgotten": lambda products, is_word, d: over_words(products, is_word, 1),
    },
    setting=Text(),
)

CLAIMS: tuple[AnyClaim, ...] = (CAPTION, ATTENTION)
