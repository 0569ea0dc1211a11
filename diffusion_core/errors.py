"""Bad input gets one sentence: which argument, what came, what is allowed."""

from numbers import Integral

import torch
from torch import Tensor

__all__ = ["BadInput", "check_finite", "check_floating", "check_rows", "check_same_shape", "check_whole"]


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


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """Raises BadInput unless value is an integer in low..high: a configuration may come from a stranger's file."""
    if type(value) is not int or not low <= value <= high:
        raise BadInput(
            "{name} must be an integer from {low} to {high}; got {got}.", name=name, low=low, high=high, got=value
        )


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


def check_finite(name: str, x: Tensor) -> None:
    """Raises BadInput unless x is a tensor of floating-point numbers, and every one is finite."""
    check_floating(name, x)
    # A finite sum has finite terms; it costs a tenth of looking at each. The sum may overflow: then each is looked at.
    if not torch.isfinite(x.sum()) and not torch.isfinite(x).all():
        raise BadInput("{name} must hold finite numbers only; got NaN or infinity.", name=name)


def check_rows(name: str, x: Tensor) -> None:
    """Raises BadInput where x is an empty batch, which has no mean."""
    if x.numel() == 0:
        raise BadInput("{name} must hold at least one row; got the shape {got}.", name=name, got=tuple(x.shape))


def check_floating(name: str, x: object) -> None:
    """Raises BadInput unless x is a tensor of floating-point numbers: a table cast to whole numbers would be all 0."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise BadInput(
            "{name} must be a tensor of floating-point numbers (of a picture of 0 to 255 make x.float() / 127.5 - 1); "
            "got {got}.",
            name=name,
            got=x.dtype if isinstance(x, Tensor) else type(x).__name__,
        )


def is_int(value: object) -> bool:
    return type(value) is int or (
        isinstance(value, Integral) and not isinstance(value, bool)
    )  # plain int: the fast way
