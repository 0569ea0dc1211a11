"""The parts of the bound against PyTorch's distributions: sums over the coordinates, in nats."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from diffusion_core.errors import BadInput
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.vae import VAEConfig, rate, reconstruction

TINY = VAEConfig(width=8, depth=2)


def test_both_parts_are_the_ones_of_the_distributions() -> None:
    generator = torch.Generator().manual_seed(0)
    x, decoded, mu, log_variance = torch.randn((4, 50, 2), generator=generator, dtype=torch.float64)
    log_s = torch.tensor(-0.7, dtype=torch.float64)
    expected = Normal(decoded, log_s.exp()).log_prob(x).sum(1)
    assert torch.allclose(reconstruction(x, decoded, log_s), expected, rtol=1e-12)
    q = Normal(mu, (0.5 * log_variance).exp())
    kl = kl_divergence(q, Normal(0.0, 1.0))
    assert torch.allclose(rate(mu, log_variance), kl.sum(1), rtol=1e-12)
    assert not torch.allclose(rate(mu, log_variance), kl.mean(1), rtol=0.1)


def test_the_loss_is_minus_the_bound_with_z_drawn_by_the_encoder() -> None:
    net = seeded(0, TINY.build)
    x, eps = torch.randn((2, 30, 2), generator=torch.Generator().manual_seed(1))
    (told,) = net.turns(x, eps)
    mu, log_variance = net.encoder(x).split(2, 1)
    found = reconstruction(x, net.decoder(mu + log_variance.exp().sqrt() * eps), net.log_s).mean()
    assert torch.allclose(told["loss"], rate(mu, log_variance).mean() - found, rtol=1e-5)
    assert torch.allclose(told["reconstruction"], found, rtol=1e-5)
    other = reconstruction(x, net.decoder(mu), net.log_s).mean()  # nothing drawn
    assert not torch.allclose(told["reconstruction"], other, rtol=1e-3)


def test_s_starts_where_it_is_told_and_is_learned() -> None:
    net = seeded(0, TINY.build)
    assert net.s == pytest.approx(math.exp(-1.5)) and net.log_s.requires_grad
    with pytest.raises(BadInput, match="log_s must be "):
        VAEConfig(log_s=math.nan)
    with pytest.raises(BadInput, match="The data must have the shape"):
        TINY.check_data((1,))
