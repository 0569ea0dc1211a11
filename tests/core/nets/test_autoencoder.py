"""The autoencoder's training against a loop that is written out, and its edges."""

import math
from collections.abc import Iterator
from dataclasses import fields
from inspect import signature

import pytest
import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.nets.autoencoder import Autoencoder, AutoencoderConfig, train_autoencoder
from diffusion_core.nets.initial import seeded

CONFIG, BATCH, STEPS, LR, KL = AutoencoderConfig(8), 4, 200, 2e-3, 0.02


def pictures(n: int, generator: torch.Generator) -> Tensor:
    """Far from what a new network makes, so that gradients are long; wider than high."""
    return 3 + torch.rand((n, 3, 8, 12), generator=generator)


def by_hand(net: Autoencoder, steps: int, seed: int) -> Iterator[list[Tensor]]:
    """AdamW as its paper writes it; the rate rises along a cosine, the first momentum falls as it does."""
    generator = torch.Generator().manual_seed(seed)
    weights = list(net.parameters())
    first, second = ([torch.zeros_like(w) for w in weights] for _k in range(2))
    rising = min(0.05, 1 / STEPS + 0.04) * STEPS - 1
    for k in range(steps):
        risen = 0.5 * (1 - math.cos(math.pi * k / rising))
        lr, beta_1, beta_2 = LR / 25 + (LR - LR / 25) * risen, 0.95 - 0.1 * risen, 0.999
        x = pictures(BATCH, generator)
        mu, log_variance = net.moments(x)
        error = net.decode_raw(mu + torch.exp(log_variance / 2) * torch.randn(mu.shape, generator=generator)) - x
        kl = (mu**2 + torch.exp(log_variance) - log_variance - 1).mean() / 2
        gradients = torch.autograd.grad(error.abs().mean() + 4 * (error**2).mean() + KL * kl, weights)
        norm = math.sqrt(sum(float((g.double() ** 2).sum()) for g in gradients))
        assert norm > 2.5, "or nothing is cut short"
        for w, g, m, v in zip(weights, gradients, first, second, strict=True):
            g = g / norm
            m.mul_(beta_1).add_(g, alpha=1 - beta_1)
            v.mul_(beta_2).add_(g**2, alpha=1 - beta_2)
            unbiased = (m / (1 - beta_1 ** (k + 1)), v / (1 - beta_2 ** (k + 1)))
            w.data.mul_(1 - lr * 0.01).sub_(lr * unbiased[0] / (unbiased[1].sqrt() + 1e-8))
        yield [w.detach().clone() for w in weights]


def apart(one: list[Tensor], other: list[Tensor]) -> float:
    """How far nine of ten weights are from each other: one whose gradient is 0 but for rounding moves either way."""
    distances = torch.cat([(a - b).abs().flatten() for a, b in zip(one, other, strict=True)])
    return float(distances.quantile(0.9))


def test_a_step_is_the_one_written_out() -> None:
    states = train_autoencoder(CONFIG, pictures, steps=STEPS, batch=BATCH, lr=LR, kl_weight=KL, seed=5)
    expected = by_hand(seeded(5, CONFIG.build), 3, seed=5)
    begin = [w.detach().clone() for w in seeded(5, CONFIG.build).parameters()]
    for number, (state, weights) in enumerate(zip(states, expected, strict=False), 1):
        assert (state.step, state.steps) == (number, STEPS)
        moved, off = apart(weights, begin), apart([w.detach() for w in state.net.parameters()], weights)
        assert off < 1e-5 * moved


def test_the_scale_is_taken_off_and_put_back() -> None:
    net = seeded(0, CONFIG.build).requires_grad_(False)
    mean, std = torch.tensor([0.5, -1.0, 2.0, 0.0]), torch.tensor([0.5, 2.0, 1.0, 3.0])
    net.mean.copy_(mean)
    net.std.copy_(std)
    x = pictures(2, torch.Generator().manual_seed(0))
    raw = net.moments(x)[0]
    torch.testing.assert_close(net.encode(x), (raw - mean.reshape(-1, 1, 1)) / std.reshape(-1, 1, 1))
    torch.testing.assert_close(net.decode(net.encode(x)), net.decode_raw(raw), rtol=1e-4, atol=1e-5)


def test_the_log_variance_is_held() -> None:
    net = seeded(0, CONFIG.build).requires_grad_(False)
    bias = net.get_parameter(f"encoder.{len(net.encoder) - 1}.bias")
    for value, held in ((-100.0, -20.0), (100.0, 10.0)):
        bias[4:] = value
        assert (net.moments(torch.zeros(1, 3, 8, 8))[1] == held).all()


def test_widths_that_do_not_fit_and_what_is_shipped() -> None:
    for width in (0, 4, 12, 8 * 65):
        with pytest.raises(BadInput, match="width / 8"):
            AutoencoderConfig(width)
    with pytest.raises(BadInput, match="latent"):
        AutoencoderConfig(8, 0)
    assert {one.name: one.default for one in fields(AutoencoderConfig)} == {"width": 32, "latent": 4}
    given = {name: one.default for name, one in signature(train_autoencoder).parameters.items()}
    shipped = {"steps": 9000, "batch": 32, "lr": 2e-3, "kl_weight": 2e-4, "seed": 0, "bf16": False}
    assert {name: given[name] for name in shipped} == shipped
