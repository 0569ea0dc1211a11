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
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from diffusion_core.nets.initial import seeded
from diffusion_core.nets.unet import UNet, UNetConfig

__all__ = ["FED", "Counter", "Fed", "Work", "build", "count", "milliseconds"]

ATEN = torch.ops.aten
FLOPS = {  # PyTorch's formulas; it has none for a CPU's fused attention, whose products are the same
    **flop_registry,
    ATEN._scaled_dot_product_flash_attention_for_cpu: flop_registry[ATEN._scaled_dot_product_flash_attention],
}


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

    def __add__(self, other: "Work") -> "Work":
        return Work(self.layers + other.layers, self.attention + other.attention)


class Counter(TorchDispatchMode):
    """Adds up the work of the operations inside its ``with``, in this thread.

    PyTorch's FlopCounterMode hangs hooks on every module of the process, and a choice of attention's kernel holds for
    all of it: where other threads run networks meanwhile, either of them counts wrong.
    """

    def __init__(self) -> None:
        TorchDispatchMode.__init__(self)
        self.work = Work(0, 0)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = function(*args, **(kwargs or {}))
        kind = function.overloadpacket
        if kind in FLOPS:
            work = FLOPS[kind](*args, **(kwargs or {}), out_val=output) // 2
            products = "bmm" in str(kind) or "attention" in str(kind)
            self.work += Work(0, work) if products else Work(work, 0)
        return output


def count(net: UNet, shape: tuple[int, int, int]) -> Work:
    """The work of one step on one input."""
    counter = Counter()
    with torch.no_grad(), counter:
        net(torch.zeros(1, *shape), 1)
    return counter.work


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
