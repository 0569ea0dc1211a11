"""The Dirac-GAN against autograd's Jacobian of its losses, and against the numbers of its long runs."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from diffusion_core.errors import BadInput
from diffusion_core.laws.dirac_gan import DiracGan, creeping_radius, cycle_radius, eigenvalues

IN_TURN = DiracGan(turns="alternating")


def radius(gan: DiracGan, steps: int) -> Tensor:
    r: Tensor = torch.linalg.norm(gan.run(steps), dim=1)
    return r


def pulls(at: Tensor, gamma: float, loss: str) -> Tensor:
    """Minus the slopes of both losses, by autograd, in the order theta, psi."""
    theta, psi = at.unbind()
    fake = theta * psi
    of_generator = softplus(-fake) if loss == "non_saturating" else -softplus(fake)
    of_discriminator = softplus(fake) + 0.5 * gamma * psi.square()
    (first,) = torch.autograd.grad(of_generator, theta, create_graph=True)
    (second,) = torch.autograd.grad(of_discriminator, psi, create_graph=True)
    return -torch.stack([first, second])


@pytest.mark.parametrize("loss", ["non_saturating", "saturating"])
@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 2.0])
def test_pull_and_eigenvalues_are_those_of_the_losses(loss: Any, gamma: float) -> None:
    at = torch.tensor([0.7, -1.3], dtype=torch.float64, requires_grad=True)
    assert DiracGan(gamma=gamma, loss=loss).pull(0.7, -1.3) == pytest.approx(pulls(at, gamma, loss).tolist(), abs=1e-12)
    origin = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    J = torch.stack([torch.autograd.grad(pull, origin, retain_graph=True)[0] for pull in pulls(origin, gamma, loss)])
    found = sorted(torch.linalg.eigvals(J).tolist(), key=lambda z: (z.real, z.imag))
    for one, other in zip(found, sorted(eigenvalues(gamma), key=lambda z: (z.real, z.imag)), strict=True):
        assert abs(one - other) < 1e-7  # gamma = 1: a double root, known to half the digits


@pytest.mark.parametrize("gan", [DiracGan(0.2, 0.3, 0.5), replace(IN_TURN, momentum=-0.3), replace(IN_TURN, gamma=1.0)])
def test_the_matrix_of_a_step_is_the_step_near_0(gan: DiracGan) -> None:
    theta, psi = 1e-6, -2e-6
    state = torch.tensor([theta, psi, 0, 0], dtype=torch.float64)
    for row in gan.run(5, theta, psi)[1:]:
        state = gan.step_matrix() @ state
        assert torch.allclose(row, state[:2], rtol=1e-9, atol=1e-18)
    other = replace(gan, turns="simultaneous" if gan.turns == "alternating" else "alternating")
    assert not torch.allclose(other.run(5, theta, psi)[-1], state[:2], rtol=1e-4, atol=0)


def test_the_factors_of_a_step() -> None:
    """To the digits that were measured elsewhere."""
    for h in (0.1, 0.2):
        assert DiracGan(h).factor == pytest.approx(math.sqrt(1 + h * h / 4), abs=1e-12)
    for gamma, factor in ((0.3, 0.986154), (1.0, 0.95)):
        assert DiracGan(0.1, gamma).factor == pytest.approx(factor, abs=1e-6)
    for momentum, factor in ((0.0, 1.0), (0.5, 1.0094), (0.9, 1.1179), (-0.3, 0.9997)):
        assert replace(IN_TURN, momentum=momentum).factor == pytest.approx(factor, abs=5e-5)
    for gamma, factor in ((0.1, 1.1083), (1.0, 0.9797)):
        assert replace(IN_TURN, momentum=0.9, gamma=gamma).factor == pytest.approx(factor, abs=5e-5)


def test_where_the_runs_end() -> None:
    """Saturating steps at once spiral out; those of the other loss end on a cycle; in turn they creep in."""
    out = radius(DiracGan(loss="saturating"), 500)
    assert out[[0, -1]].tolist() == pytest.approx([math.sqrt(2), 2.18], abs=5e-3)
    for h, steps in ((0.2, 2000), (0.4, 1000)):
        assert radius(DiracGan(h), steps)[-100:].mean().item() == pytest.approx(cycle_radius(h), rel=0.01)
        assert radius(replace(DiracGan(h), gamma=0.3), steps)[-1] < 1e-3
    creeping = radius(IN_TURN, 500)[-1].item()
    assert creeping == pytest.approx(0.390, abs=1e-3) and creeping == pytest.approx(creeping_radius(0.1, 500), rel=0.03)
    circle = radius(replace(IN_TURN, loss="saturating"), 500)
    assert 1.35 < circle.min() < circle.max() < 1.45
    assert radius(replace(IN_TURN, gamma=1.0), 500)[-1].item() == pytest.approx(8.8e-9, rel=0.02)
    assert radius(DiracGan(gamma=0.3), 500)[-1].item() == pytest.approx(1.1e-3, rel=0.05)


def test_a_run_that_is_lost_is_said_by_nan() -> None:
    lost = DiracGan(h=10.0, gamma=100.0).run(500)
    assert lost.shape == (501, 2) and lost[-1].isnan().all() and lost[0].tolist() == [1, 1]


@pytest.mark.parametrize(
    "change", [{"h": -1.0}, {"gamma": math.nan}, {"momentum": 1.0}, {"turns": "both"}, {"loss": "hinge"}]
)
def test_wrong_settings_are_one_sentence(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"^{next(iter(change))} must be "):
        DiracGan(**change)
    with pytest.raises(BadInput, match="steps must be"):
        DiracGan().run(0)
