"""The two losses of a GAN, against PyTorch's cross entropy and autograd; whose turn moves what."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from diffusion_core.errors import BadInput
from diffusion_core.nets.dense import dense, frozen
from diffusion_core.nets.gan import GANConfig, non_saturating, r1, real_or_fake, saturating
from diffusion_core.nets.initial import seeded

TINY = GANConfig(width=8, depth=2)


def drawn(seed: int, n: int = 64) -> torch.Tensor:
    return torch.randn((n, 2), generator=torch.Generator().manual_seed(seed))


def test_the_discriminators_loss_is_the_cross_entropy_of_its_labels() -> None:
    real, fake = drawn(0).double().unbind(1)
    bce = binary_cross_entropy_with_logits
    expected = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
    assert torch.allclose(real_or_fake(real, fake), expected, atol=1e-12, rtol=0)
    assert not torch.allclose(real_or_fake(fake, real), expected, atol=1e-3, rtol=0)
    assert real_or_fake(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(2 * math.log(2))


def test_both_losses_of_the_generator_pull_alike_one_of_them_harder() -> None:
    d = (5 * drawn(1)[:, 0].double()).requires_grad_()
    pulls = [torch.autograd.grad(loss(d).sum(), d)[0] for loss in (non_saturating, saturating)]
    assert torch.allclose(pulls[0] / pulls[1], torch.exp(-d), rtol=1e-10)
    assert torch.allclose(saturating(d).exp(), 1 - torch.sigmoid(d), atol=1e-12)


def test_r1_is_the_mean_square_of_the_slope_at_the_data() -> None:
    x, weight = drawn(2).double().requires_grad_(), torch.tensor([1.5, -2.0], dtype=torch.float64, requires_grad=True)
    found = r1((x.square() @ weight), x)
    expected = (2 * x * weight).square().sum(1).mean()
    assert torch.allclose(found, expected, rtol=1e-12) and not torch.allclose(found, expected / 2, rtol=1e-2)
    (by_hand,) = torch.autograd.grad(expected, weight)
    assert torch.allclose(torch.autograd.grad(found, weight)[0], by_hand, rtol=1e-12)  # it can be trained by


def test_in_a_turn_one_network_moves_and_the_second_meets_the_first_as_it_is_then() -> None:
    net = seeded(0, TINY.build)
    turns = net.turns(drawn(3), drawn(4))
    first = next(turns)
    first["discriminator"].backward()
    assert all(w.grad is None for w in net.generator.parameters())
    assert all(w.grad is not None for w in net.discriminator.parameters())
    net.zero_grad()
    with torch.no_grad():
        net.discriminator.get_parameter("4.bias").add_(1.0)
    second = next(turns)["generator"]
    second.backward()
    assert all(w.grad is None for w in net.discriminator.parameters())
    assert all(w.grad is not None for w in net.generator.parameters())
    moved = non_saturating(net.logit(net.generator(drawn(4)))).mean()
    assert torch.allclose(second, moved) and not torch.allclose(second, non_saturating(-first["d_fake"]), atol=1e-3)
    assert list(turns) == [] and all(w.requires_grad for w in net.parameters())


def test_gamma_adds_the_penalty_and_0_leaves_it_out() -> None:
    with_it, without = (
        next(seeded(0, GANConfig(width=8, gamma=gamma).build).turns(drawn(3), drawn(4))) for gamma in (3.0, 0.0)
    )
    assert torch.allclose(with_it["discriminator"], without["discriminator"] + 1.5 * with_it["slope"])
    assert "slope" not in without
    assert torch.allclose(with_it["d_real"] - with_it["d_fake"], without["d_real"] - without["d_fake"])


def test_frozen_layers_let_gradients_through() -> None:
    net, x = seeded(0, lambda: dense([2, 4, 1], torch.nn.ReLU)), drawn(5).requires_grad_()
    assert [type(layer).__name__ for layer in net] == ["Linear", "ReLU", "Linear"]
    with frozen(net):
        net(x).sum().backward()
    assert x.grad is not None and all(w.grad is None and w.requires_grad for w in net.parameters())


@pytest.mark.parametrize("change", [{"width": 0}, {"depth": 2.5}, {"gamma": -1.0}, {"dimension": 0}])
def test_a_wrong_gan_is_one_sentence(change: dict[str, float]) -> None:
    with pytest.raises(BadInput, match=f"^{next(iter(change))} must be "):
        GANConfig(**change)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="The data must have the shape"):
        TINY.check_data((3,))
