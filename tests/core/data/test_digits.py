"""The digits are those of the package they come from, a few or all."""

import zlib

import pytest
import torch

from diffusion_core.data.digits import digit_labels, digits
from diffusion_core.errors import BadInput
from tests.core.laws.examples import gen

CRC = 0x86ED881F  # of the 10,000 images as bytes, from the package they come from


def test_digits_are_the_shipped_ones() -> None:
    data, labels = digits(), digit_labels()
    assert data.shape == (28, 28, 1)
    assert data.law.points.shape == (10_000, 784) and data.law.points.dtype == torch.float32
    assert data.law.points.min() == -1 and data.law.points.max() == 1
    assert torch.bincount(labels).tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert abs(data.law.variance - 0.269) < 1e-3 and abs(data.law.second_moment - 0.925) < 1e-3
    pixels = (data.law.points + 1) * 127.5
    assert (pixels - pixels.round()).abs().max() < 1e-4
    assert zlib.crc32(pixels.round().to(torch.uint8).numpy().tobytes()) == CRC
    assert zlib.crc32(pixels.round().to(torch.uint8).flip(-1).numpy().tobytes()) != CRC  # mirrored digits


def test_a_few_of_each_digit() -> None:
    few, labels = digits(per_class=3), digit_labels(per_class=3)
    assert few.sample(4, gen()).shape == (4, 28, 28, 1)
    assert labels.tolist() == [label for label in range(10) for _ in range(3)]
    everything, every_label = digits().law.points, digit_labels()
    for label in (0, 7):
        assert torch.equal(few.law.points[labels == label], everything[every_label == label][:3])
    for bad in (0, 864, 1.5):
        with pytest.raises(BadInput, match=r"per_class must be an integer in 1..863"):
            digits(per_class=bad)  # type: ignore[arg-type]
