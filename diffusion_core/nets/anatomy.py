r"""What a U-Net is made of: each part's output, its parameters and its work, by formula and from the module itself.

.. math::
    \text{convolution } k\times k:\quad & (k^2 C_{in} + 1)\,C_{out} \text{ parameters}, \quad
        k^2 C_{in} C_{out}\,H W \text{ multiply-adds} \\
    \text{linear layer}:\quad & (n_{in} + 1)\,n_{out}, \quad n_{in}\,n_{out} \\
    \text{group norm}:\quad & 2C, \quad 0 \\
    \text{attention over } P = HW \text{ places}:\quad & \text{two } 1\times1 \text{ convolutions and } 2\,P^2 C \\
    \text{attention of } P \text{ places to } L \text{ words}:\quad & \text{the same, a linear layer, and } 2\,P L C

A multiply-add is one product that is added to a sum; norms, activations and biases, a few percent, are left out.
`plan` knows the configuration alone; `measure` runs the module and counts by PyTorch's own formulas. They must agree.

References:
    Ho, Jain, Abbeel 2020, appendix B. Vaswani et al. 2017, table 1 (attention's P^2).
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diffusion_core.errors import BadInput
from diffusion_core.nets.cost import Counter
from diffusion_core.nets.text import LENGTH, TextConfig, tokenize
from diffusion_core.nets.unet import UNet, UNetConfig

__all__ = ["Part", "convolution", "linear", "measure", "places_seen", "plan", "residual", "total"]


@dataclass(frozen=True)
class Part:
    """One part of the network.

    Attributes:
        name: as in `UNet.blocks`, or time, label, text, shrink_i, grow_i, norm.
        shape: of its output for one picture, without the batch.
        parameters: how many numbers it has learned.
        multiply_adds: for one picture.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


# --- by formula -----------------------------------------------------------------------------------------------------


def convolution(k: int, inside: int, outside: int, side: tuple[int, int], name: str = "") -> Part:
    """k x k, with biases, at each place of its output."""
    weights = k * k * inside * outside
    return Part(name, (outside, *side), weights + outside, weights * side[0] * side[1])


def linear(inside: int, outside: int, times: int = 1) -> Part:
    """One linear layer, used for each of ``times`` vectors."""
    return Part("", (outside,), (inside + 1) * outside, times * inside * outside)


def total(name: str, shape: tuple[int, ...], parts: list[Part], norms: int) -> Part:
    """Layers as one part; norms is the number of channels that are normed."""
    parameters = sum(part.parameters for part in parts) + 2 * norms
    return Part(name, shape, parameters, sum(part.multiply_adds for part in parts))


def residual(name: str, inside: int, outside: int, *, embedding: int, side: tuple[int, int]) -> Part:
    """Two convolutions with the embedding between them; a third one where the width changes."""
    parts = [
        convolution(3, inside, outside, side),
        linear(embedding, outside),
        convolution(3, outside, outside, side),
        *([convolution(1, inside, outside, side)] if inside != outside else []),
    ]
    return total(name, (outside, *side), parts, inside + outside)


def _attention(name: str, width: int, side: tuple[int, int]) -> Part:
    places = side[0] * side[1]
    products = Part("", (), 0, 2 * places**2 * width)
    parts = [convolution(1, width, 3 * width, side), products, convolution(1, width, width, side)]
    return total(name, (width, *side), parts, width)


def _words(name: str, width: int, text: TextConfig, side: tuple[int, int]) -> Part:
    products = Part("", (), 0, 2 * side[0] * side[1] * LENGTH * width)
    keys_and_values = linear(text.width, 2 * width, LENGTH)
    parts = [convolution(1, width, width, side), keys_and_values, products]
    return total(name, (width, *side), [*parts, convolution(1, width, width, side)], width)


def _encoder(text: TextConfig) -> Part:
    """The words of a prompt and their places are looked up; then each layer: attention, and two linear layers."""
    w, L = text.width, LENGTH
    tables = Part("", (), (text.vocabulary + L) * w, 0)
    products = Part("", (), 0, 2 * L**2 * w)
    layers = [linear(a, b, L) for a, b in ((w, 3 * w), (w, w), (w, 2 * w), (2 * w, w))]
    return total("text", (L, w), [tables, *text.layers * [*layers, products]], (2 * text.layers + 1) * w)


def plan(config: UNetConfig, height: int = 28, width: int = 28) -> list[Part]:
    """The parts in the order in which they work, from the configuration alone.

    Raises:
        BadInput: a picture of that size does not fit.
    """
    config.check_data((config.channels, height, width))
    return list(_plan(config, height, width))


def _plan(config: UNetConfig, height: int, width: int) -> Iterator[Part]:
    widths, E = config.widths, 4 * config.widths[0]
    pixels = config.patch**2  # of the picture, that become channels of one place
    sides = [(height // config.patch >> i, width // config.patch >> i) for i in range(len(widths))]
    outputs = config.channels * (2 if config.learned_variance else 1)
    yield total("time", (E,), [linear(widths[0], E), linear(E, E)], 0)
    if config.classes is not None:
        yield Part("label", (E,), (config.classes + 1) * E, 0)  # looked up
    if config.text is not None:
        yield _encoder(config.text)
    yield convolution(3, pixels * config.channels, widths[0], sides[0], name="first")
    for i, w in enumerate(widths):
        if i > 0:
            yield convolution(1, 4 * widths[i - 1], w, sides[i], name=f"shrink_{i}")
        yield from _stage("down", config, i, inside=w, side=sides[i])
    yield residual("middle_first", widths[-1], widths[-1], embedding=E, side=sides[-1])
    yield from _look("middle_", config, widths[-1], sides[-1])
    yield residual("middle_second", widths[-1], widths[-1], embedding=E, side=sides[-1])
    for i, w in reversed(list(enumerate(widths))):
        yield from _stage("up", config, i, inside=2 * w, side=sides[i])  # beside the skip it sees twice its width
        if i > 0:
            yield convolution(1, w, 4 * widths[i - 1], sides[i], name=f"grow_{i}")
    yield Part("norm", (widths[0], *sides[0]), 2 * widths[0], 0)
    yield convolution(3, widths[0], pixels * outputs, sides[0], name="last")


def _stage(path: str, config: UNetConfig, level: int, *, inside: int, side: tuple[int, int]) -> Iterator[Part]:
    width, E = config.widths[level], 4 * config.widths[0]
    for block in range(config.blocks):
        yield residual(f"{path}_{level}_{block}", inside, width, embedding=E, side=side)
        if config.attention[level]:
            yield from _look(f"{path}_{level}_{block}_", config, width, side)


def _look(name: str, config: UNetConfig, width: int, side: tuple[int, int]) -> Iterator[Part]:
    """At the other places, and at the words."""
    yield _attention(f"{name}attention", width, side)
    if config.text is not None:
        yield _words(f"{name}words", width, config.text, side)


# --- from the module ------------------------------------------------------------------------------------------------


def _modules(net: UNet) -> dict[str, nn.Module]:
    """Each part and its name, besides those that have no numbers."""
    resized = {f"{name}_{i}": m for name, path in (("shrink", net.shrink), ("grow", net.grow)) for i, m in path.items()}
    told = {name: module for name, module in (("label", net.label), ("text", net.text)) if module is not None}
    return {"time": net.time, **told, **net.blocks(), **resized, "norm": net.norm}


@torch.no_grad()
def measure(net: UNet, height: int = 28, width: int = 28) -> list[Part]:
    """The parts in the order in which they ran, from one run of the module on one picture.

    Raises:
        BadInput: a picture of that size does not fit.
    """
    net.config.check_data((net.config.channels, height, width))
    net = copy.deepcopy(net)  # hooks on the network itself would see it run in other threads, too
    names = {id(module): name for name, module in _modules(net).items()}
    counter, before = Counter(), 0
    shapes: dict[str, tuple[int, ...]] = {}
    work: dict[str, int] = {}

    def start(_module: nn.Module, _inputs: object) -> None:
        nonlocal before
        before = counter.work.total

    def note(module: nn.Module, _inputs: object, output: Tensor) -> None:
        name = names[id(module)]
        shapes[name], work[name] = tuple(output.shape[1:]), counter.work.total - before

    for module in _modules(net).values():
        module.register_forward_pre_hook(start)
        module.register_forward_hook(note)
    told = None if net.label is None else torch.zeros(1, dtype=torch.long)
    if net.text is not None:
        told = tokenize([""])  # a prompt has the same number of places, whatever it says
    with counter:
        net(torch.zeros(1, net.config.channels, height, width), 1, told)
    if sum(work.values()) != counter.work.total:
        raise BadInput("The network does work outside its parts.")
    parameters = {name: sum(p.numel() for p in module.parameters()) for name, module in _modules(net).items()}
    return [Part(name, shape, parameters[name], work[name]) for name, shape in shapes.items()]


# --- what attention looks at ----------------------------------------------------------------------------------------


def places_seen(weights: Tensor) -> Tensor:
    r""":math:`e^H` with :math:`H = -\sum_j w_j\ln w_j`: how many places, or words, a place looks at, from 1 to all.

    Args:
        weights: (..., P, places or words), rows of sum 1. The result is the mean over the rows, (...).
    """
    entropy: Tensor = torch.special.entr(weights).sum(-1)
    return entropy.exp().mean(-1)
