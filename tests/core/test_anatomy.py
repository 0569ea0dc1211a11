"""The plan of a U-Net against the module, for shapes of every kind; and the paper's own rule for attention."""

from dataclasses import replace

import pytest
import torch

from diffusion_core.errors import BadInput
from diffusion_core.nets import UNetConfig
from diffusion_core.nets.anatomy import measure, places_seen, plan

CONFIGS = [
    (UNetConfig(), (28, 28)),
    (UNetConfig(classes=None, learned_variance=True), (28, 28)),
    (UNetConfig(3, (8, 16, 24), (True, False, True), blocks=2, heads=2, classes=4), (32, 16)),
    (UNetConfig(2, (16,), (True,), blocks=3, heads=8), (6, 10)),
]


@pytest.mark.parametrize(("config", "size"), CONFIGS)
def test_plan_and_module_agree(config: UNetConfig, size: tuple[int, int]) -> None:
    net = config.build().requires_grad_(False)
    measured = measure(net, *size)
    assert {part.name: part for part in plan(config, *size)} == {part.name: part for part in measured}
    assert sum(part.parameters for part in measured) == sum(p.numel() for p in net.parameters())
    other = replace(config, heads=1, learned_variance=not config.learned_variance)
    assert plan(other, *size) != plan(config, *size)


def test_four_times_the_pixels_cost_a_convolution_four_times_and_attention_sixteen() -> None:
    small, large = ({part.name: part.multiply_adds for part in plan(UNetConfig(), side, side)} for side in (28, 56))
    assert large["first"] == 4 * small["first"]
    products = 2 * 49**2 * 96
    convolutions = 49 * 4 * 96 * 96
    assert small["middle_attention"] == products + convolutions
    assert large["middle_attention"] == 16 * products + 4 * convolutions


def test_a_picture_that_does_not_fit_is_said() -> None:
    with pytest.raises(BadInput, match="divisible by 4"):
        plan(UNetConfig(), 30, 28)
    with pytest.raises(BadInput, match="divisible by 4"):
        measure(UNetConfig().build(), 28, 30)


def test_a_place_sees_all_places_or_one_or_half_of_them() -> None:
    even, one = torch.full((2, 49, 49), 1 / 49, dtype=torch.float64), torch.eye(49, dtype=torch.float64)
    half = torch.cat([torch.full((6, 3), 1 / 3), torch.zeros(6, 3)], 1).double()
    for weights, expected in ((even, 49.0), (one, 1.0), (half, 3.0)):
        assert (places_seen(weights) - expected).abs().max() < 1e-5
    assert abs(places_seen(half) - 6) > 1  # a zero is not seen
