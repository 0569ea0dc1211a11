r"""A network for points: a small residual MLP that knows t.

.. math::
    h_0 = W_x x + W_t\,\phi(t), \qquad h_{i} = h_{i-1} + W_i\,\mathrm{SiLU}(h_{i-1}), \qquad
    \text{out} = W_o\,\mathrm{SiLU}(h_{n-1}),

with the features of time of the transformer,
:math:`\phi(t) = (\sin\omega_k t, \cos\omega_k t)_k`, :math:`\omega_k` from 1 down to 1/10,000 in equal ratios.

References:
    Vaswani et al. 2017, section 3.5 (sinusoids). Ho, Jain, Abbeel 2020, appendix B (t enters each block by them).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diffusion_core.errors import check_whole
from diffusion_core.nets.dense import check_points
from diffusion_core.nets.initial import zero

__all__ = ["MLP", "MLPConfig", "TimeFeatures"]


class TimeFeatures(nn.Module):
    r""":math:`\phi(t)`: t an integer or (batch,) of them -> (1 or batch, width), float32."""

    frequencies: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        ratio = torch.arange(width // 2) / (width // 2 - 1)
        self.register_buffer("frequencies", torch.exp(-math.log(10_000) * ratio), persistent=False)

    def forward(self, t: int | Tensor) -> Tensor:
        if isinstance(t, Tensor):
            angle = t.to(self.frequencies).reshape(-1, 1) * self.frequencies  # (batch, width / 2)
        else:
            angle = (self.frequencies * t).unsqueeze(0)  # (1, width / 2)
        return torch.cat([angle.sin(), angle.cos()], 1)  # (batch, width)


class MLP(nn.Module):
    """The network of `MLPConfig`: (x_t, t) -> its output, shape of x_t; 2 d wide with a learned variance."""

    def __init__(self, config: "MLPConfig") -> None:
        super().__init__()
        self.features = TimeFeatures(64)
        self.time = nn.Linear(64, config.width)
        self.first = nn.Linear(config.dimension, config.width)
        self.hidden = nn.ModuleList(nn.Linear(config.width, config.width) for _ in range(config.depth - 1))
        self.last = nn.Linear(config.width, config.dimension * (2 if config.learned_variance else 1))
        zero(self.last)  # it starts with eps_hat = 0, whose loss is 1

    def forward(self, x: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        h = self.first(x) + self.time(self.features(t))  # (batch, d) -> (batch, width)
        for layer in self.hidden:
            h = h + layer(nn.functional.silu(h))  # (batch, width)
        output: Tensor = self.last(nn.functional.silu(h))  # (batch, d), or (batch, 2 d)
        return output


@dataclass(frozen=True)
class MLPConfig:
    """What an `MLP` is made from.

    Args:
        dimension: d, of one point.
        width: of the hidden layers.
        depth: how many there are.
        learned_variance: a second output v beside eps.

    Raises:
        BadInput: a number outside its range.
    """

    dimension: int = 2
    width: int = 128
    depth: int = 3
    learned_variance: bool = False

    def __post_init__(self) -> None:
        check_whole("dimension", self.dimension, 1, 4096)
        check_whole("width", self.width, 1, 4096)
        check_whole("depth", self.depth, 1, 64)

    def check_data(self, shape: tuple[int, ...]) -> None:
        """Raises BadInput unless the network takes data of this shape, without the batch."""
        check_points(self.dimension, shape)

    @property
    def no_condition(self) -> None:
        """None: points have no labels."""
        return None

    def build(self) -> MLP:
        """A new network, its weights from PyTorch's global generator: call it through `seeded`."""
        return MLP(self)
