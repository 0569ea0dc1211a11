r"""Self-attention over the places of a feature map: every place may look at every other.

.. math:: \mathrm{Attention}(Q, K, V) = \mathrm{softmax}\big(QK^\top/\sqrt{d}\big)\,V

References:
    Vaswani et al. 2017, eq. 1. Ho, Jain, Abbeel 2020, appendix B (at the low resolutions of the U-Net).
"""

import math

import torch
from torch import Tensor, nn

from diffusion_core.nets.mlp import zero

__all__ = ["Attention"]


class Attention(nn.Module):
    """h + proj(attention(norm(h))), shape (batch, channels, H, W), `heads` heads; it starts as the identity."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(8, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)
        zero(self.proj)

    def _heads(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (batch, heads, H W, channels / heads)."""
        rows = self.qkv(self.norm(h)).flatten(2).transpose(1, 2)  # (batch, H W, 3 channels)
        q, k, v = rows.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return q, k, v

    def forward(self, h: Tensor) -> Tensor:
        q, k, v = self._heads(h)
        with torch.autocast(h.device.type, enabled=False):  # on a CPU, attention in bfloat16 takes 7 times as long
            q, k, v = (x.float() if x.dtype == torch.bfloat16 else x for x in (q, k, v))
            out = nn.functional.scaled_dot_product_attention(q, k, v)  # (batch, heads, H W, channels / heads)
        out = out.transpose(1, 2).flatten(2).transpose(1, 2)  # (batch, channels, H W)
        return h + self.proj(out.reshape(h.shape))

    def weights(self, h: Tensor) -> Tensor:
        """Who looks where: softmax(Q K^T / sqrt(d)), (batch, heads, H W, H W); each row sums to 1."""
        q, k, _ = self._heads(h)
        return torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]), dim=-1)
