r"""What a step costs: the same U-Net on pixels, on packed pixels and on latents.

.. code-block:: text

    pixels        3 x 32 x 32   1,024 positions at the first level
    packed 2 x 2  squares of pixels become channels: 256 positions
    packed 4 x 4                                      64 positions
    latents       4 x 8 x 8                           64 positions

Everything after the first convolution and before the last is the same. A convolution's work is proportional to the
positions P, the two products of attention to :math:`P^2`. A multiply-add is one product that is added to a sum.

References:
    Rombach et al. 2022, section 4.1 (why latents). Shi et al. 2016 (pixels into channels).
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from diffusion_core.nets.mlp import seeded
from diffusion_core.nets.unet import UNet, UNetConfig

__all__ = ["FED", "Fed", "Work", "build", "count", "milliseconds"]


@dataclass(frozen=True)
class Fed:
    """What a U-Net is fed with: the shape of one input, and the squares that become channels first."""

    shape: tuple[int, int, int]
    patch: int

    @property
    def positions(self) -> int:
        """At the first level of the U-Net."""
        return self.shape[1] * self.shape[2] // self.patch**2


FED = {
    "pixels": Fed((3, 32, 32), 1),
    "packed_2": Fed((3, 32, 32), 2),
    "packed_4": Fed((3, 32, 32), 4),
    "latents": Fed((4, 8, 8), 1),
}


def build(fed: Fed, attention: tuple[bool, bool] = (False, True), widths: tuple[int, int] = (64, 128)) -> UNet:
    """An untrained U-Net without labels: what it costs does not depend on what it has learned."""
    config = UNetConfig(fed.shape[0], widths, attention, classes=None, patch=fed.patch)
    return seeded(0, config.build).requires_grad_(False)


@dataclass(frozen=True)
class Work:
    """Multiply-adds for one input: of convolutions and linear layers, and of the two products of attention."""

    layers: int
    attention: int

    @property
    def total(self) -> int:
        return self.layers + self.attention


def count(net: UNet, shape: tuple[int, int, int]) -> Work:
    """The work of one step on one input, by PyTorch's own counter."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter, sdpa_kernel(SDPBackend.MATH):  # it does not see into a CPU's fused attention
        net(torch.zeros(1, *shape), 1)
    operations = counter.get_flop_counts()["Global"]
    products = sum(flops for operation, flops in operations.items() if "bmm" in str(operation))
    return Work((sum(operations.values()) - products) // 2, products // 2)


def milliseconds(
    nets: Mapping[str, tuple[UNet, tuple[int, int, int]]], batch: int = 8, repeats: int = 9
) -> dict[str, tuple[float, ...]]:
    """The time of a step for one input on this machine, each ``repeats`` times, in milliseconds.

    The networks take turns, so that what else the machine does falls on all of them; each has run once before.
    """
    inputs = {name: torch.zeros(batch, *shape) for name, (_net, shape) in nets.items()}
    taken: dict[str, list[float]] = {name: [] for name in nets}
    for turn in range(repeats + 1):
        for name, seconds in _run_each({name: net for name, (net, _shape) in nets.items()}, inputs):
            if turn > 0:
                taken[name].append(1000 * seconds / batch)
    return {name: tuple(values) for name, values in taken.items()}


@torch.no_grad()
def _run_each(nets: Mapping[str, UNet], inputs: Mapping[str, Tensor]) -> Iterator[tuple[str, float]]:
    for name, net in nets.items():
        start = time.perf_counter()
        net(inputs[name], 1)
        yield name, time.perf_counter() - start
