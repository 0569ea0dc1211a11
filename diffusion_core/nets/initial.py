"""The first weights: drawn from a seed, by one function, under one lock."""

import threading
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

__all__ = ["seeded", "zero"]

Made = TypeVar("Made")
_building = threading.RLock()


def seeded(seed: int, build: Callable[[], Made]) -> Made:
    """What ``build`` makes where PyTorch's global generator on the CPU starts at the seed; it is left as it was.

    New layers fill themselves from that one generator, which all threads share: so every network is built here, one at
    a time, those whose weights a file will replace included.
    """
    with _building, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU, too
        return build()


def zero(layer: nn.Linear | nn.Conv2d) -> None:
    """Makes a layer's output 0 until it is trained: a residual block then starts as its shortcut."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
