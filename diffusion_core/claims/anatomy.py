r"""The U-Net's anatomy: its shapes and parameters, its work, and what its attention does.

parameters of a convolution k x k:  (k^2 C_in + 1) C_out          work: k^2 C_in C_out H W
attention over P places:            softmax(Q K^T / sqrt(d)) V    work: 2 P^2 C beside its convolutions
(Ho, Jain, Abbeel 2020, appendix B; Vaswani et al. 2017, eq. 1)

The network judged has the shipped one's configuration, the digits' or that of the text, and weights drawn from the
seed, so that a wrong place for a number cannot hide behind one picture.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import torch
from torch import Tensor

from diffusion_core.claims.check import AnyClaim, Claim, Trial, identity
from diffusion_core.nets.anatomy import Part, measure, plan
from diffusion_core.nets.attention import Attention
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.unet import UNet, UNetConfig

__all__ = ["ATTENTION", "CLAIMS", "PARAMETERS", "SHAPES", "WORK", "Sized"]


@dataclass(frozen=True)
class Sized:
    """A network, and the side of the pictures or latents that it works on."""

    config: UNetConfig = field(default_factory=UNetConfig)
    side: int = 28

    def plan(self) -> list[Part]:
        """By formula."""
        return plan(self.config, self.side, self.side)

    def measure(self, net: UNet) -> list[Part]:
        """From a run."""
        return measure(net, self.side, self.side)


Plan = Callable[[Sized], list[Part]]


def network(config: UNetConfig, seed: int) -> UNet:
    """A network with weights from the seed; those that start at zero are drawn, too."""
    net, generator = seeded(seed, config.build).requires_grad_(False), torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        drawn = torch.randn(parameter.shape, generator=generator)
        parameter.copy_(drawn / math.sqrt(max(1, parameter[0].numel())))
    return net


def compare(parts: Sequence[Part], setting: Sized, seed: int, of: Callable[[Part], tuple[int, ...]]) -> list[Trial]:
    """Each part of the plan against the part of the module with its name; a part too many or too few counts."""
    measured = {part.name: of(part) for part in setting.measure(network(setting.config, seed))}
    planned = {part.name: of(part) for part in parts}
    wrong = sum(measured.get(name) != planned.get(name) for name in {*measured, *planned})
    return [Trial("parts that differ", wrong, tolerance=0.0, n=len(measured))]


# --- shapes ---------------------------------------------------------------------------------------------------------


def without_halving(setting: Sized) -> list[Part]:
    """Every part at the resolution of the first."""
    parts = setting.plan()
    side = max(part.shape[-1] for part in parts if len(part.shape) == 3)
    return [replace(part, shape=(part.shape[0], side, side)) if len(part.shape) == 3 else part for part in parts]


def concatenated(setting: Sized) -> list[Part]:
    """The blocks on the way up keep both their input and the skip."""
    return [
        replace(part, shape=(2 * part.shape[0], *part.shape[1:])) if part.name.startswith("up") else part
        for part in setting.plan()
    ]


def check_shapes(variant: Plan, setting: Sized, seed: int) -> list[Trial]:
    """The output of each part in a run of the module."""
    return compare(variant(setting), setting, seed, lambda part: part.shape)


SHAPES = Claim(
    key="E16a",
    says="Each part of the U-Net puts out the shape that its plan says.",
    check=check_shapes,
    truth=Sized.plan,
    mistakes={
        "no part halves the picture": without_halving,
        "blocks on the way up keep the skip": concatenated,
    },
    setting=Sized(),
)

# --- parameters -----------------------------------------------------------------------------------------------------


def no_biases(setting: Sized) -> list[Part]:
    """A convolution's outputs have no number of their own."""
    return [replace(part, parameters=part.parameters - part.shape[0]) for part in setting.plan()]


def no_skips(setting: Sized) -> list[Part]:
    """The blocks on the way up see only what comes from below: they are those of the way down."""
    down = {part.name: part for part in setting.plan()}
    return [
        replace(down[part.name.replace("up", "down")], name=part.name) if part.name.startswith("up") else part
        for part in setting.plan()
    ]


def check_parameters(variant: Plan, setting: Sized, seed: int) -> list[Trial]:
    """Part by part, and all of them against the module's own list."""
    total = sum(part.parameters for part in variant(setting))
    own = sum(tensor.numel() for tensor in network(setting.config, seed).state_dict().values())
    return [
        *compare(variant(setting), setting, seed, lambda part: (part.parameters,)),
        Trial("parameters too many or too few", total - own, tolerance=0.0, n=own),
    ]


PARAMETERS = Claim(
    key="E16b",
    says="Its parameters are those that the formulas count: (k² C_in + 1) C_out for a convolution, and so on.",
    check=check_parameters,
    truth=Sized.plan,
    mistakes={"no biases": no_biases, "no skips": no_skips},
    setting=Sized(),
)

# --- work -----------------------------------------------------------------------------------------------------------


def linear_attention(setting: Sized) -> list[Part]:
    """Each place looks at itself alone: P, not P^2."""
    parts = []
    for part in setting.plan():
        places = math.prod(part.shape[1:])
        saved = 2 * (places**2 - places) * part.shape[0] if part.name.endswith("attention") else 0
        parts.append(replace(part, multiply_adds=part.multiply_adds - saved))
    return parts


def work_as_parameters(setting: Sized) -> list[Part]:
    """As if each number were used once, whatever the size of the picture."""
    return [replace(part, multiply_adds=part.parameters) for part in setting.plan()]


def check_work(variant: Plan, setting: Sized, seed: int) -> list[Trial]:
    """Against PyTorch's own counter."""
    return compare(variant(setting), setting, seed, lambda part: (part.multiply_adds,))


WORK = Claim(
    key="E16c",
    says="Its work is what the formulas count: a convolution's grows with the pixels, attention's with their square.",
    check=check_work,
    truth=Sized.plan,
    mistakes={"attention linear in the places": linear_attention, "each number used once": work_as_parameters},
    setting=Sized(),
)

# --- attention ------------------------------------------------------------------------------------------------------

Weights = Callable[[Tensor, Tensor], Tensor]


def softmax_of_products(q: Tensor, k: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d)), over the places that are looked at; written out."""
    scores = torch.einsum("bhid,bhjd->bhij", q, k) / math.sqrt(q.shape[-1])
    weights = (scores - scores.amax(-1, keepdim=True)).exp()
    return weights / weights.sum(-1, keepdim=True)


def check_attention(variant: Weights, setting: Sized, seed: int) -> list[Trial]:
    """The block's output, and its maps, against the formula by hand; and each place looks with weights of sum 1."""
    block = cast(Attention, network(setting.config, seed).middle["attention"].double())
    channels, side = setting.config.widths[-1], setting.side // setting.config.unit
    h = torch.randn((2, channels, side, side), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    rows = block.qkv(block.norm(h)).flatten(2)  # (2, 3 C, H W)
    q, k, v = (part.unflatten(1, (setting.config.heads, -1)).transpose(2, 3) for part in rows.chunk(3, 1))
    weights = variant(q, k)
    out = torch.einsum("bhij,bhjd->bhdi", weights, v).flatten(1, 2).reshape(h.shape)
    return [
        identity(weights.sum(-1), torch.ones(weights.shape[:-1])),
        identity(block.weights(h), weights),
        identity(block(h), h + block.proj(out)),
    ]


ATTENTION = Claim(
    key="E16d",
    says="Attention is h + W softmax(QKᵀ/√d) V: each place mixes all places, with weights that sum to 1.",
    check=check_attention,
    truth=softmax_of_products,
    mistakes={
        "not divided by √d": lambda q, k: softmax_of_products(q * math.sqrt(q.shape[-1]), k),
        "softmax over those who look": lambda q, k: softmax_of_products(k, q).transpose(-1, -2),
        "every place looks at all alike": lambda q, k: torch.full_like(q @ k.transpose(-1, -2), 1 / k.shape[-2]),
    },
    setting=Sized(),
)

CLAIMS: tuple[AnyClaim, ...] = (SHAPES, PARAMETERS, WORK, ATTENTION)
