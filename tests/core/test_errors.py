"""The checks at the border: what each takes, what it refuses, and with which sentence."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from diffusion_core.errors import (
    BadInput,
    check_at_least,
    check_at_least_zero,
    check_between,
    check_clip,
    check_finite,
    check_floating,
    check_generator_of,
    check_integers_of_rows,
    check_one_of,
    check_rows,
    check_same_shape,
    check_whole,
    is_int,
)

X = torch.zeros(2, 3)
HUGE = torch.full((3,), 3e38)  # finite, and its sum is not
CASES: list[tuple[Callable[[object], None], list[object], list[tuple[object, str]]]] = [
    (
        lambda v: check_whole("n", v, 1, 5),
        [1, 5],
        [(v, f"n must be an integer from 1 to 5; got {v}.") for v in (0, 6, 2.0, True, "2", None)],
    ),
    (
        lambda v: check_at_least("n", v, 2),
        [2, np.int64(3)],
        [(v, f"n must be an integer of at least 2; got {v}.") for v in (1, 2.5, True, "3", None)],
    ),
    (
        lambda v: check_between("w", v, 0, 1),  # type: ignore[arg-type]
        [0, 0.5, 1],
        [(v, f"w must be a number from 0 to 1; got {v}.") for v in (-1e-9, 1.1, math.nan)],
    ),
    (
        lambda v: check_at_least_zero("w", v),  # type: ignore[arg-type]
        [0, 7.5],
        [(v, f"w must be a finite number of at least 0; got {v}.") for v in (-1, math.inf, math.nan)],
    ),
    (
        lambda v: check_one_of("kind", v, {"a": 1, "b": 2}),
        ["a", "b"],
        [(v, f"kind must be one of a, b; got {v}.") for v in ("c", "", None)],
    ),
    (
        lambda v: check_clip(v),  # type: ignore[arg-type]
        [None, (-1, 1)],
        [
            (v, f"clip must be two finite numbers (low, high) with low < high; got {v}.")
            for v in ((1, -1), (0, 0), (-math.inf, 1), (0, math.nan))
        ],
    ),
    (
        lambda v: check_finite("x", v),  # type: ignore[arg-type]
        [X, HUGE, torch.empty(0)],
        [(X / 0, "x must hold finite numbers only; got NaN or infinity.")],
    ),
    (
        lambda v: check_rows("x", v),  # type: ignore[arg-type]
        [X],
        [(torch.empty(0, 3), "x must hold at least one row; got the shape (0, 3).")],
    ),
    (
        lambda v: check_same_shape("y", v, "x", X),  # type: ignore[arg-type]
        [X + 1],
        [(X[:1], "y must have the shape of x (2, 3); got (1, 3).")],
    ),
    (
        lambda v: check_integers_of_rows("t", v, "x", X),  # type: ignore[arg-type]
        [torch.tensor([1, 2]), torch.tensor([1, 2], dtype=torch.uint8)],
        [
            (torch.tensor([1.0, 2.0]), "t must hold integers; got torch.float32."),
            (torch.tensor([True, False]), "t must hold integers; got torch.bool."),
            (torch.tensor([1]), "t must hold one integer for each row of x (2, 3); got (1,)."),
            (torch.tensor([[1], [2]]), "t must hold one integer for each row of x (2, 3); got (2, 1)."),
        ],
    ),
    (lambda v: check_generator_of("x", X, v), [None, torch.Generator()], []),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("check", "good", "bad"), CASES)
def test_each_check(check: Callable[[object], None], good: list[object], bad: list[tuple[object, str]]) -> None:
    for value in good:
        check(value)
    for value, sentence in bad:
        with pytest.raises(BadInput) as error:
            check(value)
        assert str(error.value) == sentence == error.value.template.format(**error.value.facts)


def test_whole_numbers_are_no_data() -> None:
    check_floating("x", torch.zeros(1, dtype=torch.bfloat16))
    for value, got in ((X.byte(), "torch.uint8"), (X.to(torch.complex64), "torch.complex64"), (1.0, "float")):
        with pytest.raises(BadInput, match=rf"^x must be a tensor of floating-point numbers .*; got {got}\.$"):
            check_floating("x", value)


def test_a_generator_elsewhere_is_named() -> None:
    with pytest.raises(BadInput, match=r"^generator must be on x_T's device, meta; got one on cpu\.$"):
        check_generator_of("x_T", torch.empty(1, device="meta"), torch.Generator())


def test_what_an_integer_is() -> None:
    assert all(is_int(value) for value in (0, -3, np.int64(4)))
    assert not any(is_int(value) for value in (True, 1.0, "1", None, np.bool_(True)))
