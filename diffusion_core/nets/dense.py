"""Layers one after the other, a nonlinearity between each two: what the generators of points are made of."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from torch import nn

from diffusion_core.errors import BadInput

__all__ = ["check_points", "dense", "frozen"]


def dense(widths: Sequence[int], activation: Callable[[], nn.Module]) -> nn.Sequential:
    """(batch, widths[0]) -> (batch, widths[-1]); the last layer has no nonlinearity behind it."""
    layers: list[nn.Module] = []
    for inside, out in pairwise(widths):
        layers += [nn.Linear(inside, out), activation()]
    return nn.Sequential(*layers[:-1])


@contextmanager
def frozen(net: nn.Module) -> Iterator[None]:
    """While this lasts, gradients run through the network and leave nothing at its weights."""
    net.requires_grad_(False)
    try:
        yield
    finally:
        net.requires_grad_(True)


def check_points(dimension: int, shape: tuple[int, ...]) -> None:
    """Raises BadInput unless data of this shape, without the batch, are points of so many numbers."""
    if tuple(shape) != (dimension,):
        raise BadInput("The data must have the shape {allowed}; got {got}.", allowed=(dimension,), got=tuple(shape))
