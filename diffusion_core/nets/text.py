r"""Words for a network: a tokenizer, and a small transformer that lets the words of a sentence read each other.

.. math::
    h^{(0)}_i = E[\text{word}_i] + P[i], \qquad
    h \leftarrow h + \mathrm{Attention}(\mathrm{norm}(h)), \qquad h \leftarrow h + \mathrm{MLP}(\mathrm{norm}(h)).

"A blue star above a green square" and "a green star above a blue square" have the same words: only after the words have
read each other does the vector of "star" know which colour is its own.

A prompt becomes a row of whole numbers: `START`, its words, then `PAD` up to the length. The empty prompt, ``START``
and nothing else, is the condition "no condition" of classifier-free guidance, as in Stable Diffusion.

References:
    Vaswani et al. 2017 (the transformer). Rombach et al. 2022, section 3.3. Radford et al. 2021 (CLIP, whose text half
    Stable Diffusion reads with).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diffusion_core.data.captions import VOCABULARY, words_of
from diffusion_core.errors import BadInput, check_whole

__all__ = ["LENGTH", "PAD", "START", "TextConfig", "TextEncoder", "tokenize"]

PAD, START = 0, 1
LENGTH = 20
"""Places for words in a prompt, the start included."""


def tokenize(texts: Iterable[str]) -> Tensor:
    """Prompts -> (n, LENGTH) int64: START, the words' numbers from 2 on, PAD. The empty prompt is no condition.

    Raises:
        BadInput: words that the vocabulary has not, or too many words.
    """
    return torch.stack([torch.empty(LENGTH, dtype=torch.int64), *(_row(text) for text in texts)])[1:]


def _row(text: str) -> Tensor:
    _check_length(len(text.split()))  # before each word is looked up
    numbers = [VOCABULARY.index(word) + 2 for word in words_of(text)]
    _check_length(len(numbers))
    return torch.tensor([START, *numbers, *[PAD] * (LENGTH - 1 - len(numbers))])


def _check_length(n: int) -> None:
    if n > LENGTH - 1:
        raise BadInput("The prompt must have at most {most} words; got {got}.", most=LENGTH - 1, got=n)


class Layer(nn.Module):
    """One layer of the transformer, (batch, L, width) -> the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def forward(self, h: Tensor, is_word: Tensor) -> Tensor:
        rows = self.qkv(self.norm1(h)).unflatten(2, (3, self.heads, -1))
        q, k, v = rows.permute((2, 0, 3, 1, 4))  # each (batch, heads, L, d)
        seen = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=is_word[:, None, None])
        h = h + self.proj(seen.transpose(1, 2).flatten(2))  # (batch, L, width)
        added: Tensor = self.mlp(self.norm2(h))
        return h + added


class TextEncoder(nn.Module):
    """The network of `TextConfig`: tokens (batch, LENGTH) -> a vector for each word, (batch, LENGTH, width)."""

    def __init__(self, config: "TextConfig") -> None:
        super().__init__()
        # words and places start alike: where words are far larger, a network learns late that their order matters
        self.words = nn.Embedding(config.vocabulary, config.width)
        self.places = nn.Parameter(torch.empty(LENGTH, config.width))
        nn.init.normal_(self.words.weight, std=0.2)
        nn.init.normal_(self.places, std=0.2)
        self.layers = nn.ModuleList(Layer(config.width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, tokens: Tensor) -> Tensor:
        h = self.words(tokens) + self.places  # (batch, L, width)
        for layer in self.layers:
            h = layer(h, tokens != PAD)
        read: Tensor = self.norm(h)
        return read


@dataclass(frozen=True)
class TextConfig:
    """What a `TextEncoder` is made from.

    Args:
        width: of a word's vector.
        layers: of the transformer.
        heads: of its attention.
        vocabulary: how many tokens there are: PAD, START and the words.

    Raises:
        BadInput: a number outside its range.
    """

    width: int = 96
    layers: int = 3
    heads: int = 4
    vocabulary: int = 2 + len(VOCABULARY)

    def __post_init__(self) -> None:
        check_whole("the text's width", self.width, 8, 1024)
        check_whole("the text's layers", self.layers, 1, 16)
        check_whole("the text's heads", self.heads, 1, 64)
        check_whole("vocabulary", self.vocabulary, 2, 100_000)
        if self.width % self.heads:
            raise BadInput(
                "The text's width must be a multiple of its heads = {heads}; got {got}.",
                heads=self.heads,
                got=self.width,
            )

    def build(self) -> TextEncoder:
        """A new network, its weights from PyTorch's global generator: call it through `seeded`."""
        return TextEncoder(self)
