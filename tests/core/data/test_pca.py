"""The best linear code: its directions, and what k numbers keep."""

import pytest
import torch

from diffusion_core.data.pca import linear_psnr, pca
from diffusion_core.errors import BadInput
from diffusion_core.nets.autoencoder import psnr
from tests.core.laws.examples import normal


def test_the_directions_of_largest_variance() -> None:
    turn = torch.linalg.qr(normal(3, 3))[0]
    x = normal(2_000, 3, seed=1) * torch.tensor([3.0, 1.0, 0.2]) @ turn + 5
    mean, directions = pca(x, 2)
    assert torch.allclose(mean, x.mean(0)) and torch.allclose(directions @ directions.T, torch.eye(2).double())
    along = (directions * turn[:2]).sum(1).abs()
    assert along.min() > 0.99 > (directions[:1] * turn[1:2]).sum(1).abs().max()


def test_a_linear_codes_decibels_are_those_of_its_pictures() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((200, 20), generator=generator, dtype=torch.float64) * torch.linspace(0.1, 1, 20).double()
    mean, directions = pca(x, 20)
    for k in (0, 1, 7, 19):
        back = (x - mean) @ directions[:k].T @ directions[:k] + mean
        assert linear_psnr(x, mean, directions, [k])[0] == pytest.approx(psnr(x, back), abs=1e-6)
    assert linear_psnr(x, mean, directions, [3, 7])[0] < linear_psnr(x, mean, directions, [3, 7])[1]
    with pytest.raises(BadInput, match=r"sizes must lie in 0\.\.20; got \[21\]"):
        linear_psnr(x, mean, directions, [21])
