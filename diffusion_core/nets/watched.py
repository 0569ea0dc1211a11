"""Guidance by text, watched: what each call of a U-Net that reads was made of, and which words it looked at.

References:
    Ho, Salimans 2022, eq. 6 (guidance; their w is ours less 1). Rombach et al. 2022, section 3.3 (words).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diffusion_core.denoisers import Guided, Predictor
from diffusion_core.errors import BadInput
from diffusion_core.nets.text import TextConfig
from diffusion_core.nets.unet import UNetConfig

__all__ = ["GuidedCall", "WatchedGuidance", "attention_by_word", "text_config"]


@dataclass(frozen=True, eq=False)
class GuidedCall:
    """What a guided call was made of.

    Attributes:
        t: the timestep, or one a row.
        eps_cond, eps_uncond: shape of x_t, with the text and without; eps is the second + w times their difference.
        words: (batch, L, side, side) which part of its attention each place gives to each token, the mean over all
            blocks and heads; the sum over the tokens is 1.
    """

    t: int | Tensor
    eps_cond: Tensor
    eps_uncond: Tensor
    words: Tensor


class WatchedGuidance:
    """`Guided` by text, that keeps what each call was made of, in order, in `calls`.

    It asks for both eps at every scale, also where one of them is not needed.

    Raises:
        BadInput: scale is not a finite number of at least 0; the network reads no text.
    """

    def __init__(self, predictor: Predictor, tokens: Tensor, scale: float) -> None:
        text_config(predictor)
        Guided(predictor, tokens, scale)  # the same rule for scale
        self.predictor, self.tokens, self.scale = predictor, tokens, scale
        self.calls: list[GuidedCall] = []

    def __call__(self, x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        maps: dict[str, Tensor] = {}
        eps_cond = self.predictor(x_t, t, self.tokens if cond is None else cond, maps)
        eps_uncond = self.predictor(x_t, t)
        self.calls.append(GuidedCall(t, eps_cond, eps_uncond, attention_by_word(maps, x_t.shape[-1])))
        return torch.lerp(eps_uncond, eps_cond, self.scale)


def text_config(predictor: Predictor) -> TextConfig:
    """What its network reads a prompt with.

    Raises:
        BadInput: the network reads no text.
    """
    text = predictor.config.text if isinstance(predictor.config, UNetConfig) else None
    if text is None:
        raise BadInput("The network reads no text: it was trained without.")
    return text


def attention_by_word(maps: Mapping[str, Tensor], side: int) -> Tensor:
    """Which part of its attention each place gives to each word: (batch, L, side, side), summing to 1 over the words.

    Args:
        maps: what `UNet.forward` filled; every "..._words_weights", (batch, heads, places, L), counts the same.
        side: of the result; coarser maps are enlarged.
    """
    found = []
    for name, weights in maps.items():
        if name.endswith("_words_weights"):
            small = math.isqrt(weights.shape[2])
            by_word = weights.mean(1).transpose(1, 2).unflatten(2, (small, small))  # (batch, L, small, small)
            found.append(nn.functional.interpolate(by_word, (side, side), mode="bilinear", align_corners=False))
    return torch.stack(found).mean(0)
