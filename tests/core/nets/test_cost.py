"""What a step of each network costs, counted by formula and timed."""

import pytest

from diffusion_core.nets.anatomy import plan
from diffusion_core.nets.cost import FED, build, count, milliseconds
from diffusion_core.nets.unet import UNetConfig


@pytest.mark.parametrize("name", list(FED))
@pytest.mark.parametrize("attention", [(False, True), (True, True)])
def test_the_work_counted_is_the_formulas(name: str, attention: tuple[bool, bool]) -> None:
    """Against `anatomy.plan`, which knows the configuration alone; attention's part by 2 P^2 C."""
    fed = FED[name]
    work = count(build(fed, attention), fed.shape)
    config = UNetConfig(fed.shape[0], (64, 128), attention, classes=None, patch=fed.patch)
    assert work.total == sum(part.multiply_adds for part in plan(config, fed.shape[1], fed.shape[2]))
    looks = [(64, 2 * attention[0], fed.positions), (128, 2 * attention[1] + 1, fed.positions // 4)]
    assert work.attention == sum(2 * blocks * places**2 * width for width, blocks, places in looks)


def test_few_places_are_what_makes_a_step_cheap() -> None:
    work = {name: count(build(fed), fed.shape) for name, fed in FED.items()}
    assert [FED[name].positions for name in FED] == [1024, 256, 64, 64]
    assert 14 < work["pixels"].total / work["latents"].total < 18
    assert work["packed_4"].total / work["latents"].total < 1.1
    assert work["pixels"].attention == 256 * work["latents"].attention


def test_each_network_is_timed_as_often_as_asked() -> None:
    nets = {name: (build(FED[name]), FED[name].shape) for name in ("packed_4", "latents")}
    taken = milliseconds(nets, batch=1, repeats=3)
    assert list(taken) == ["packed_4", "latents"]
    assert all(len(times) == 3 and min(times) > 0 for times in taken.values())
