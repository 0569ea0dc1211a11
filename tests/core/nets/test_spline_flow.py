"""The flow is a bijection whose log-det autograd confirms; splines meet their knots; the density has mass 1."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.spline_flow import FlowConfig, Knots, SplineFlow

CONFIG = FlowConfig(couplings=3, width=16, bins=5, box=3.0)


def bent(seed: int = 0, spread: float = 0.5) -> SplineFlow:
    """A flow in float64 that is far from the identity."""
    net = seeded(0, CONFIG.build).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(spread * torch.randn(weight.shape, generator=generator))
    return net


def drawn(n: int, scale: float = 1.5) -> Tensor:
    return scale * torch.randn((n, 2), generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_it_starts_as_the_identity() -> None:
    x = drawn(100).float()
    z, log_det = seeded(0, CONFIG.build)(x)
    assert (z - x).abs().max() < 1e-5 and log_det.abs().max() < 1e-5
    assert (bent()(drawn(100))[0] - drawn(100)).abs().max() > 0.1


def test_the_inverse_undoes_it_and_autograd_confirms_the_log_det() -> None:
    net, x = bent(), drawn(200).requires_grad_()
    z, log_det = net(x)
    assert (net.back(z.detach())[-1] - x).abs().max() < 1e-10
    rows = [torch.autograd.grad(z[:, i].sum(), x, retain_graph=True)[0] for i in range(2)]
    expected = torch.linalg.slogdet(torch.stack(rows, 1))[1]
    assert (log_det - expected).abs().max() < 1e-10 < (-log_det - expected).abs().max()
    log_q = -0.5 * z.square().sum(1) - math.log(2 * math.pi) + expected
    assert (net.log_prob(x) - log_q).abs().max() < 1e-10


def test_frames_bend_one_coordinate_at_a_time() -> None:
    net, x = bent(), drawn(20)
    out, back = net.out(x), net.back(net(x)[0])
    assert len(out) == len(back) == 4 and torch.equal(out[0], x) and torch.equal(out[-1], net(x)[0])
    for k, (one, next_one) in enumerate(pairwise(out)):
        still = k % 2
        assert torch.equal(one[:, still], next_one[:, still])
        assert not torch.allclose(one[:, 1 - still], next_one[:, 1 - still])
    for there, here in zip(out, reversed(back), strict=True):
        assert torch.allclose(there, here, atol=1e-10)


def test_a_spline_goes_through_its_knots_with_their_slopes() -> None:
    raw = torch.randn((1, 14), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    knots = Knots.of(raw, 5, 3.0)
    places, values, slopes = knots.table[0]
    assert places[0] == values[0] == -3 and places[-1] == pytest.approx(3) and values[-1] == pytest.approx(3)
    assert slopes[0] == slopes[-1] == 1 and (places.diff() > 0).all() and (values.diff() > 0).all()
    b = places[1:-1].clone().requires_grad_()
    z, log_slope = Knots(knots.table.expand(4, -1, -1)).forward(b)
    assert torch.allclose(z, values[1:-1], atol=1e-12) and torch.allclose(log_slope, slopes[1:-1].log(), atol=1e-12)
    (slope,) = torch.autograd.grad(z.sum(), b)
    assert torch.allclose(slope, slopes[1:-1], atol=1e-12)
    assert not torch.allclose(slopes[1:-1], torch.ones(4, dtype=torch.float64), atol=1e-2)


def test_beyond_the_box_it_is_the_identity_and_it_gets_there_without_a_jump() -> None:
    net = bent()
    far = torch.tensor([[3.5, -4.0], [-9.0, 3.2]], dtype=torch.float64)
    z, log_det = net(far)
    assert torch.equal(z, far) and torch.equal(log_det, torch.zeros(2, dtype=torch.float64))
    edge = torch.tensor([[0.3, 3 - 1e-9], [0.3, 3 + 1e-9]], dtype=torch.float64)
    first = net.couplings[0]
    (inside, _), (outside, _) = first(edge[:1]), first(edge[1:])
    assert (inside - outside).abs().max() < 1e-7


def test_the_mass_of_its_density_is_1() -> None:
    axis = torch.linspace(-5, 5, 161, dtype=torch.float64)
    net, cell = bent(spread=0.2), (axis[1] - axis[0]).item() ** 2
    with torch.no_grad():
        z, log_det = net(torch.cartesian_prod(axis, axis))
    normal = -0.5 * z.square().sum(1) - math.log(2 * math.pi)
    assert cell * (normal + log_det).exp().sum().item() == pytest.approx(1, abs=5e-3)
    assert abs(cell * (normal - log_det).exp().sum().item() - 1) > 0.05  # the sign flipped


@pytest.mark.parametrize("change", [{"couplings": 0}, {"bins": 1}, {"box": 0.0}, {"width": 2.0}])
def test_a_wrong_flow_is_one_sentence(change: dict[str, float]) -> None:
    with pytest.raises(BadInput, match=f"^{next(iter(change))} must be "):
        FlowConfig(**change)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="The data must have the shape"):
        CONFIG.check_data((3,))
