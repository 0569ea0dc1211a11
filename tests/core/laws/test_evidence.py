"""The evidence of a decoder by quadrature, against the one decoder whose evidence has a formula: a straight one."""

import pytest
import torch
from torch.distributions import MultivariateNormal

from diffusion_core.errors import BadInput
from diffusion_core.laws.evidence import log_evidence

A = torch.tensor([[1.0, 0.4], [-0.3, 0.8], [0.2, 0.5]], dtype=torch.float64)  # z (2) -> x (3)
SHIFT = torch.tensor([0.5, -1.0, 0.0], dtype=torch.float64)


def straight(z: torch.Tensor) -> torch.Tensor:
    return z @ A.mT + SHIFT


@pytest.mark.parametrize("s", [0.2, 1.0])
def test_a_straight_decoder_has_a_gaussian_evidence(s: float) -> None:
    x = SHIFT + torch.randn((40, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    law = MultivariateNormal(SHIFT, A @ A.mT + s * s * torch.eye(3, dtype=torch.float64))
    found = log_evidence(straight, s, x, nodes=121)
    near = (x - SHIFT).norm(dim=1) < 1.5  # the z behind x then lies within the lattice
    assert near.sum() > 10
    assert (found - law.log_prob(x))[near].abs().max() < 1e-6
    wrong = MultivariateNormal(SHIFT, A @ A.mT + s * torch.eye(3, dtype=torch.float64))  # s for s^2
    assert s == 1 or (found - wrong.log_prob(x))[near].abs().max() > 0.1


def test_few_nodes_do_not_see_a_narrow_decoder_and_no_x_is_too_far() -> None:
    x = straight(torch.randn((20, 2), generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    fine = log_evidence(straight, 0.05, x, nodes=301)
    assert (log_evidence(straight, 0.05, x, nodes=601) - fine).abs().max() < 1e-3
    assert (log_evidence(straight, 0.05, x, nodes=31) - fine).abs().max() > 0.1
    assert torch.isfinite(log_evidence(straight, 0.05, 1e4 * torch.ones(1, 3), nodes=31)).all()


def test_wrong_arguments_are_one_sentence() -> None:
    with pytest.raises(BadInput, match="nodes must be"):
        log_evidence(straight, 1.0, torch.zeros(1, 3), nodes=1)
    with pytest.raises(BadInput, match="x_t must have 3 numbers"):
        log_evidence(straight, 1.0, torch.zeros(1, 2), nodes=11)
