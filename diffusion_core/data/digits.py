"""Real digits: 10,000 of 28 x 28 pixels, as a finite data set."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffusion_core.data.toys import Dataset
from diffusion_core.errors import BadInput
from diffusion_core.files import DATA
from diffusion_core.laws.finite import FiniteData

__all__ = ["digit_labels", "digits"]

DIGITS_FILE = DATA / "digits.npz"


def digits(per_class: int | None = None) -> Dataset[FiniteData]:
    r"""10,000 MNIST digits, x = pixel / 127.5 - 1, float32, shape (28, 28, 1), sorted by label (`digit_labels`).

    Their variance is :math:`s^2 = 0.27`, the second moment :math:`m_2 = 0.93`. Source and licence: beside the file.

    Args:
        per_class: the first so many of each label; None: all.

    Raises:
        BadInput: per_class is not in 1..863, the number of the rarest digit.
    """
    images = _digit_arrays()[0][_first_of_each(per_class)]
    points = torch.from_numpy(images.reshape(-1, 784)).float() / 127.5 - 1
    return Dataset("digits", FiniteData(points), (28, 28, 1))


def digit_labels(per_class: int | None = None) -> Tensor:
    """The label of every point of ``digits(per_class)``, (n,), int64; errors: as `digits`."""
    return torch.from_numpy(_digit_arrays()[1][_first_of_each(per_class)].astype(np.int64))


def _first_of_each(per_class: int | None) -> NDArray[np.intp]:
    labels = _digit_arrays()[1]
    if per_class is None:
        return np.arange(len(labels))
    most = int(np.bincount(labels).min())
    if not isinstance(per_class, int) or not 1 <= per_class <= most:
        raise BadInput("per_class must be an integer in 1..{most}; got {got}.", most=most, got=per_class)
    return np.concatenate([np.flatnonzero(labels == label)[:per_class] for label in range(10)])


@cache
def _digit_arrays() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    with np.load(DIGITS_FILE) as file:
        return file["images"], file["labels"]
