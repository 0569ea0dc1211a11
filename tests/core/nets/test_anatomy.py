"""The plan of a U-Net against the module, for shapes of every kind; Stable Diffusion's against diffusers."""

import threading
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from diffusion_core.claims.anatomy import CLAIMS, Sized
from diffusion_core.claims.check import AnyClaim
from diffusion_core.errors import BadInput
from diffusion_core.nets.anatomy import Part, measure, places_seen, plan
from diffusion_core.nets.stable_diffusion import LATENT, TEXT, WIDTHS, units
from diffusion_core.nets.text import TextConfig
from diffusion_core.nets.unet import UNetConfig

LATENTS = UNetConfig(4, (64, 128), (True, True), classes=None, patch=1, text=TextConfig())  # the one of shapes
CONFIGS = [
    (UNetConfig(), (28, 28)),
    (UNetConfig(classes=None, learned_variance=True), (28, 28)),
    (UNetConfig(3, (8, 16, 24), (True, False, True), blocks=2, heads=2, classes=4), (32, 16)),
    (UNetConfig(2, (16,), (True,), blocks=3, heads=8), (6, 10)),
    (LATENTS, (8, 8)),
    (
        UNetConfig(
            3,
            widths=(16, 24),
            attention=(False, True),
            blocks=2,
            heads=2,
            classes=None,
            learned_variance=True,
            patch=4,
            text=TextConfig(24, 2, 3, 50),
        ),
        (16, 24),
    ),
    (UNetConfig(4, (8, 8, 8), (True, False, False), classes=None, patch=1, text=TextConfig(8, 1, 1, 5)), (4, 8)),
]


@pytest.mark.parametrize(("config", "size"), CONFIGS)
def test_plan_and_module_agree(config: UNetConfig, size: tuple[int, int]) -> None:
    net = config.build().requires_grad_(False)
    measured = measure(net, *size)
    assert {part.name: part for part in plan(config, *size)} == {part.name: part for part in measured}
    assert sum(part.parameters for part in measured) == sum(p.numel() for p in net.parameters())
    other = replace(config, heads=1, learned_variance=not config.learned_variance)
    assert plan(other, *size) != plan(config, *size)


def test_a_picture_is_a_digit_unless_it_is_said() -> None:
    config = UNetConfig(1, (8, 16), (False, True), heads=2)
    assert plan(config) == plan(config, 28, 28) != plan(config, 32, 28)
    assert measure(config.build()) == measure(config.build(), 28, 28)


def test_what_other_threads_run_meanwhile_is_not_counted() -> None:
    config = UNetConfig(1, (8, 16), (False, True), heads=2)
    net = config.build().requires_grad_(False)
    others: list[bool] = []

    def meanwhile(_module: nn.Module, _inputs: object, _output: object) -> None:
        if not others:  # once: the other run comes by here, too
            others.append(torch.backends.cuda.flash_sdp_enabled())  # of the whole process
            other = threading.Thread(target=net, args=(torch.zeros(3, 1, 8, 8), 1, torch.zeros(3, dtype=torch.long)))
            other.start()
            other.join()

    first, *_rest = (part for part in net.blocks()["middle_first"].modules() if isinstance(part, nn.Conv2d))
    first.register_forward_hook(meanwhile)
    assert {part.name: part for part in measure(net, 8, 8)} == {part.name: part for part in plan(config, 8, 8)}
    assert others == [True]


def test_four_times_the_pixels_cost_a_convolution_four_times_and_attention_sixteen() -> None:
    small, large = ({part.name: part.multiply_adds for part in plan(UNetConfig(), side, side)} for side in (28, 56))
    assert large["first"] == 4 * small["first"]
    products = 2 * 49**2 * 96
    convolutions = 49 * 4 * 96 * 96
    assert small["middle_attention"] == products + convolutions
    assert large["middle_attention"] == 16 * products + 4 * convolutions


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_the_claims_hold_for_the_network_that_reads_text(claim: AnyClaim) -> None:
    setting = Sized(LATENTS, 8)
    assert claim.run(setting=setting, seed=3).passed
    for mistake in claim.mistakes:
        assert not claim.run(mistake, setting, seed=3).passed, mistake


def test_a_prompt_costs_what_its_length_costs_and_twice_the_places_ask_the_words_twice() -> None:
    small, large = ({part.name: part for part in plan(LATENTS, *size)} for size in ((8, 8), (16, 8)))
    assert small["text"] == large["text"] and small["text"].shape == (20, 96)
    keys_and_values = 20 * 96 * 2 * 64  # the same for any number of places
    of_places = [parts["down_0_0_words"].multiply_adds - keys_and_values for parts in (small, large)]
    assert of_places[1] == 2 * of_places[0] == 2 * 64 * (2 * 64 * 64 + 2 * 20 * 64)


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


# --- Stable Diffusion -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference() -> dict[str, Part]:
    """Every module of diffusers' U-Net, built and run where tensors have shapes and no numbers."""
    diffusers = pytest.importorskip("diffusers")
    shapes: dict[str, tuple[int, ...]] = {}
    with torch.device("meta"), torch.no_grad():
        net = diffusers.UNet2DConditionModel(sample_size=LATENT[1], cross_attention_dim=TEXT[1], attention_head_dim=8)
        for name, module in net.named_modules():

            def note(_module: nn.Module, _inputs: object, output: object, name: str = name) -> None:
                first = output[0] if isinstance(output, tuple) else output
                shapes[name] = tuple(first.shape[1:]) if isinstance(first, Tensor) else ()

            module.register_forward_hook(note)
        counter = FlopCounterMode(display=False)
        with counter, sdpa_kernel(SDPBackend.MATH):
            net(torch.zeros(1, *LATENT), torch.zeros(1, dtype=torch.long), torch.zeros(1, *TEXT))
    work = counter.get_flop_counts()
    return {
        name: Part(
            name,
            shapes.get(name, ()),
            sum(p.numel() for p in module.parameters()),
            sum(work.get(".".join(filter(None, ("UNet2DConditionModel", name))), {}).values()) // 2,
        )
        for name, module in net.named_modules()
    }


def numbers(parts: list[Part]) -> tuple[int, int]:
    return sum(part.parameters for part in parts), sum(part.multiply_adds for part in parts)


def test_stable_diffusion_has_the_parameters_and_the_work_of_diffusers(reference: dict[str, Part]) -> None:
    parts = [part for unit in units() for part in unit.parts]
    assert numbers(parts) == (859_520_964, 401_636_720_640)
    assert numbers(parts) == numbers([reference[""]])


def test_each_unit_of_stable_diffusion_is_the_one_of_diffusers(reference: dict[str, Part]) -> None:
    rest = units()
    assert numbers(list(rest[0].parts)) == numbers([reference["time_embedding"]])
    assert (rest[1].parts[0].shape, *numbers(list(rest[1].parts))) == (
        reference["conv_in"].shape,
        *numbers([reference["conv_in"]]),
    )
    down, up = ([unit for unit in rest if unit.path == path] for path in ("down", "up"))
    expected = [
        *((unit, f"down_blocks.{unit.level}") for unit in down),
        *((unit, f"up_blocks.{len(WIDTHS) - 1 - unit.level}") for unit in up),
    ]
    seen: dict[str, int] = {}
    for unit, block in expected:
        kinds = [part.name for part in unit.parts]
        if kinds[0] in ("shrink", "grow"):
            theirs = reference[f"{block}.{'downsamplers' if kinds[0] == 'shrink' else 'upsamplers'}.0"]
            assert (unit.parts[0].shape, *numbers(list(unit.parts))) == (theirs.shape, *numbers([theirs]))
            continue
        k = seen[block] = seen.get(block, -1) + 1
        residual = reference[f"{block}.resnets.{k}"]
        assert (unit.parts[0].shape, *numbers([unit.parts[0]])) == (residual.shape, *numbers([residual]))
        attention = reference.get(f"{block}.attentions.{k}")
        assert len(kinds) == (1 if attention is None else 4)
        if attention is not None:
            assert numbers(list(unit.parts[1:])) == numbers([attention])
            inner = f"{block}.attentions.{k}.transformer_blocks.0"
            assert numbers([unit.parts[2]]) == numbers([reference[f"{inner}.attn2"], reference[f"{inner}.norm2"]])
            assert numbers([unit.parts[1]]) != numbers([unit.parts[2]])
    middle = next(unit for unit in rest if unit.path == "middle")
    assert numbers(list(middle.parts)) == numbers([reference["mid_block"]])
    assert middle.parts[-1].shape == reference["mid_block"].shape
    assert numbers(list(rest[-1].parts)) == numbers([reference["conv_norm_out"], reference["conv_out"]])
