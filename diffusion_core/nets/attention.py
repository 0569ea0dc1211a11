r"""Attention for a feature map: every place may look at every other, or at every word of a sentence.

.. math:: \mathrm{Attention}(Q, K, V) = \mathrm{softmax}\big(QK^\top/\sqrt{d}\big)\,V

Self-attention takes queries, keys and values from the places; cross-attention takes the queries from the places, and
the keys and values from the words: each place asks, the words answer.

References:
    Vaswani et al. 2017, eq. 1. Ho, Jain, Abbeel 2020, appendix B (at the low resolutions of the U-Net). Rombach et al.
    2022, section 3.3 (words; the formula there has no number).
"""

import math

import torch
from torch import Tensor, nn

from diffusion_core.nets.initial import zero

__all__ = ["Attention", "CrossAttention", "GroupNorm"]


class GroupNorm(nn.GroupNorm):
    """PyTorch's, in float32 also under autocast: in bfloat16 a CPU takes five times as long."""

    def forward(self, h: Tensor) -> Tensor:
        return super().forward(h.float() if h.dtype == torch.bfloat16 else h)


class Attention(nn.Module):
    """h + proj(attention(norm(h))), shape (batch, channels, H, W), `heads` heads; it starts as the identity."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = GroupNorm(8, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)
        zero(self.proj)

    def _heads(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (batch, heads, H W, channels / heads)."""
        rows = self.qkv(self.norm(h)).flatten(2).transpose(1, 2)  # (batch, H W, 3 channels)
        q, k, v = rows.unflatten(2, (3, self.heads, -1)).permute((2, 0, 3, 1, 4))
        return q, k, v

    def forward(self, h: Tensor) -> Tensor:
        q, k, v = self._heads(h)
        with torch.autocast(h.device.type, enabled=False):  # on a CPU, attention in bfloat16 takes 7 times as long
            q, k, v = (x.float() if x.dtype == torch.bfloat16 else x for x in (q, k, v))
            out = nn.functional.scaled_dot_product_attention(q, k, v)  # (batch, heads, H W, channels / heads)
        out = out.transpose(1, 2).flatten(2).transpose(1, 2)  # (batch, channels, H W)
        added: Tensor = self.proj(out.reshape(h.shape))
        return h + added

    def weights(self, h: Tensor) -> Tensor:
        """Who looks where: softmax(Q K^T / sqrt(d)), (batch, heads, H W, H W); each row sums to 1."""
        q, k, _ = self._heads(h)
        return torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]), dim=-1)


class CrossAttention(nn.Module):
    """h + proj(attention(places of norm(h), words)), (batch, channels, H, W); it starts as the identity."""

    def __init__(self, channels: int, words: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = GroupNorm(8, channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.kv = nn.Linear(words, 2 * channels)
        self.proj = nn.Conv2d(channels, channels, 1)
        zero(self.proj)

    def _queries(self, h: Tensor) -> Tensor:
        """(batch, heads, H W, d)."""
        q: Tensor = self.q(self.norm(h)).flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)
        return q

    def _keys_and_values(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Each (batch, heads, L, d)."""
        k, v = self.kv(words).unflatten(2, (2, self.heads, -1)).permute((2, 0, 3, 1, 4))
        return k, v

    def forward(self, h: Tensor, words: Tensor, is_word: Tensor) -> Tensor:
        """words (batch, L, width), is_word (batch, L): where a sentence is over, nothing is looked at."""
        q, (k, v) = self._queries(h), self._keys_and_values(words)
        with torch.autocast(h.device.type, enabled=False):
            q, k, v = (x.float() if x.dtype == torch.bfloat16 else x for x in (q, k, v))
            out = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=is_word[:, None, None])
        added: Tensor = self.proj(out.transpose(2, 3).reshape(h.shape))
        return h + added

    def weights(self, h: Tensor, words: Tensor, is_word: Tensor) -> Tensor:
        """Which words each place looks at, (batch, heads, H W, L); each row sums to 1."""
        q, (k, _) = self._queries(h), self._keys_and_values(words)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        return torch.softmax(scores.masked_fill(~is_word[:, None, None], -math.inf), dim=-1)
