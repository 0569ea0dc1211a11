"""Bad input gets one sentence: which argument, what came, what is allowed.

Checks stand at the border of a module, in one line each, and come from here; the arithmetic inside has none.
"""

import math
from collections.abc import Iterable
from numbers import Integral
from typing import TypeGuard

import torch
from torch import Tensor

__all__ = [
    "BadInput",
    "check_at_least",
    "check_at_least_zero",
    "check_between",
    "check_clip",
    "check_finite",
    "check_floating",
    "check_generator_of",
    "check_integers_of_rows",
    "check_one_of",
    "check_rows",
    "check_same_shape",
    "check_whole",
    "is_int",
]


class BadInput(ValueError):
    """A ``ValueError`` whose sentence is a template and its facts, so that a page can say it in the reader's language.

    ``str(error)`` is the English sentence; ``_(error.template).format(**error.facts)`` is any other.

    >>> str(BadInput("T must be an integer of at least 1; got {got}.", got=0))
    'T must be an integer of at least 1; got 0.'
    """

    def __init__(self, template: str, **facts: object) -> None:
        super().__init__(template.format(**facts))
        self.template = template
        self.facts = facts


# --- numbers --------------------------------------------------------------------------------------------------------


def is_int(value: object) -> TypeGuard[int]:
    """Whether value is an integer of Python (the fast way) or NumPy; no bool is."""
    return type(value) is int or (isinstance(value, Integral) and not isinstance(value, bool))


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """Raises BadInput unless value is an integer in low..high: a configuration may come from a stranger's file."""
    if type(value) is not int or not low <= value <= high:
        raise BadInput(
            "{name} must be an integer from {low} to {high}; got {got}.", name=name, low=low, high=high, got=value
        )


def check_at_least(name: str, value: object, low: int) -> None:
    """Raises BadInput unless value is an integer, Python's or NumPy's, of at least low."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise BadInput("{name} must be an integer of at least {low}; got {got}.", name=name, low=low, got=value)


def check_between(name: str, value: float, low: float, high: float) -> None:
    """Raises BadInput unless low <= value <= high; NaN fails every comparison."""
    if not low <= value <= high:
        raise BadInput(
            "{name} must be a number from {low} to {high}; got {got}.", name=name, low=low, high=high, got=value
        )


def check_at_least_zero(name: str, value: float) -> None:
    """Raises BadInput unless value is finite and not negative."""
    if not 0 <= value < math.inf:
        raise BadInput("{name} must be a finite number of at least 0; got {got}.", name=name, got=value)


def check_one_of(name: str, value: object, allowed: Iterable[str]) -> None:
    """Raises BadInput unless value is one of the names allowed."""
    names = list(allowed)
    if value not in names:
        raise BadInput("{name} must be one of {allowed}; got {got}.", name=name, allowed=", ".join(names), got=value)


def check_clip(clip: tuple[float, float] | None) -> None:
    """Raises BadInput unless clip is None, or a range of finite numbers."""
    if clip is not None and not -math.inf < clip[0] < clip[1] < math.inf:
        raise BadInput("clip must be two finite numbers (low, high) with low < high; got {got}.", got=clip)


# --- tensors --------------------------------------------------------------------------------------------------------


def check_floating(name: str, x: object) -> None:
    """Raises BadInput unless x is a tensor of floating-point numbers: a table cast to whole numbers would be all 0."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise BadInput(
            "{name} must be a tensor of floating-point numbers (of a picture of 0 to 255 make x.float() / 127.5 - 1); "
            "got {got}.",
            name=name,
            got=x.dtype if isinstance(x, Tensor) else type(x).__name__,
        )


def check_integers_of_rows(name: str, t: Tensor, of: str, x: Tensor) -> None:
    """Raises BadInput unless t holds one integer for each row of x; no bool is one."""
    if t.dtype.is_floating_point or t.dtype.is_complex or t.dtype == torch.bool:
        raise BadInput("{name} must hold integers; got {got}.", name=name, got=t.dtype)
    if t.ndim != 1 or x.ndim == 0 or len(t) != len(x):
        raise BadInput(
            "{name} must hold one integer for each row of {of} {x}; got {got}.",
            name=name,
            of=of,
            x=tuple(x.shape),
            got=tuple(t.shape),
        )


def check_finite(name: str, x: Tensor) -> None:
    """Raises BadInput unless x is a tensor of floating-point numbers, and every one is finite."""
    check_floating(name, x)
    # A finite sum has finite terms; it costs a tenth of looking at each. The sum may overflow: then each is looked at.
    if not math.isfinite(x.sum().item()) and not torch.isfinite(x).all():
        raise BadInput("{name} must hold finite numbers only; got NaN or infinity.", name=name)


def check_rows(name: str, x: Tensor) -> None:
    """Raises BadInput where x is an empty batch, which has no mean."""
    if x.numel() == 0:
        raise BadInput("{name} must hold at least one row; got the shape {got}.", name=name, got=tuple(x.shape))


def check_same_shape(name: str, got: Tensor, expected_name: str, expected: Tensor) -> None:
    """Raises BadInput unless both have the same shape."""
    if got.shape != expected.shape:
        raise BadInput(
            "{name} must have the shape of {other} {expected}; got {got}.",
            name=name,
            other=expected_name,
            expected=tuple(expected.shape),
            got=tuple(got.shape),
        )


def check_generator_of(name: str, x: Tensor, generator: torch.Generator | None) -> None:
    """Raises BadInput where there is a generator, but on another device than x."""
    if generator is not None and generator.device.type != x.device.type:
        raise BadInput(
            "generator must be on {name}'s device, {expected}; got one on {got}.",
            name=name,
            expected=x.device,
            got=generator.device,
        )
