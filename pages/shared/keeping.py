"""What is worked out once and kept for all visitors: by scalars, schedules and scenes, never by arrays."""

import hashlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import streamlit as st
import torch

from diffusion_core.schedule import NoiseSchedule
from pages.shared.i18n import language

__all__ = ["fingerprint", "kept"]

P = ParamSpec("P")
R = TypeVar("R")
MOST = 160


def fingerprint(value: Any) -> str:
    """The same text for the same value: numbers, texts, tuples, tensors, schedules, frozen dataclasses, functions.

    What has a ``key`` is known by it. A function is known by its name; one that holds values of its own, and anything
    else, is refused: it could be another one under the same name.

    Raises:
        TypeError: a value that cannot be told from another of its kind.
    """
    known = getattr(value, "key", None)
    if isinstance(known, str | tuple):
        return f"{type(value).__name__}:{known!r}"
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    if isinstance(value, NoiseSchedule):
        return f"schedule:{value.digest()}"
    if isinstance(value, torch.Tensor | np.ndarray):
        return _digest(np.asarray(value))
    if isinstance(value, tuple | list):
        return f"({','.join(map(fingerprint, value))})"
    if isinstance(value, dict):
        return f"{{{','.join(f'{fingerprint(k)}={fingerprint(v)}' for k, v in value.items())}}}"
    if is_dataclass(value) and not isinstance(value, type):
        inside = (f"{one.name}={fingerprint(getattr(value, one.name))}" for one in fields(value))
        return f"{type(value).__module__}.{type(value).__qualname__}({','.join(inside)})"
    if callable(value) and getattr(value, "__closure__", 1) is None and "<lambda>" not in value.__qualname__:
        return f"{value.__module__}.{value.__qualname__}"
    raise TypeError(f"A {type(value).__name__} cannot be told from another one; give what holds it a key.")


def _digest(array: np.ndarray) -> str:
    head = f"{array.dtype}{array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()[:24]


@st.cache_resource(show_spinner=False, max_entries=MOST)
def _answer(_build: Callable[..., Any], _args: Any, name: str, asked: str, lang: str) -> Any:
    args, kwargs = _args
    return _build(*args, **kwargs)


def kept(build: Callable[P, R]) -> Callable[P, R]:
    """Decorates a function of things that have a `fingerprint`: its answer is worked out once for each language.

    What it returns is shared by all visitors and must not be changed. The MOST answers that were used last are kept.
    """
    name = f"{build.__module__}.{build.__qualname__}"

    @wraps(build)
    def ask(*args: P.args, **kwargs: P.kwargs) -> R:
        answer: R = _answer(build, (args, kwargs), name=name, asked=fingerprint((args, kwargs)), lang=language())
        return answer

    return ask
