"""Latents: their scale, a start at noise that was never reached, a linear code, and what a step costs."""

import math

import pytest
import torch

from diffusion_core import cosine, linear, q_sample, scaled_linear, zero_terminal_snr
from diffusion_core.claims.autoencoder import LOSES_LESS, SCALED
from diffusion_core.data.pca import linear_psnr, pca
from diffusion_core.errors import BadInput
from diffusion_core.forward import forward_kl
from diffusion_core.laws.from_noise import ancestral_from_noise, ddim_from_noise, latent_variance, terminal_snr
from diffusion_core.laws.generated import gaussian_optimal_full, generated_law, generated_law_ddim
from diffusion_core.nets.anatomy import plan
from diffusion_core.nets.autoencoder import psnr
from diffusion_core.nets.cost import FED, build, count, milliseconds
from diffusion_core.nets.unet import UNetConfig

LAMBDAS = [1.0, 10.0, 100.0, 1000.0]
SD = scaled_linear(1000)


def test_stable_diffusions_numbers() -> None:
    """Of the paper's configuration and of mathematics: SNR_T, unscaled SNR_T, v_T, bits of 16,384 latents."""
    assert terminal_snr(SD, 1.0) == pytest.approx(0.004682, rel=1e-4)
    assert terminal_snr(SD, 1 / 0.18215) == pytest.approx(0.1411, rel=1e-3)
    assert latent_variance(SD, 1 / 0.18215)[-1].item() == pytest.approx(1.136, rel=1e-3)
    bits = [forward_kl(schedule, 1.0, 1000) * 16_384 / math.log(2) for schedule in (SD, linear(1000))]
    assert bits == pytest.approx([55.2, 0.477], rel=1e-3)


@pytest.mark.parametrize("s", [0.3, 1.0, 5.49])
def test_the_variance_of_noised_latents(s: float) -> None:
    """Against draws: n = 100,000, five standard errors; a factor s in place of its square is seen."""
    generator = torch.Generator().manual_seed(0)
    z0, eps = torch.randn((2, 100_000), generator=generator, dtype=torch.float64)
    for t in (1, 400, 1000):
        drawn = q_sample(SD, s * z0, t, eps).square().mean().item()
        claimed = latent_variance(SD, s)[t].item()
        error = 5 * math.sqrt(2 / 100_000) * claimed
        assert abs(drawn - claimed) < error
        if s != 1 and t < 1000:
            assert abs(drawn - (1 + SD.alpha_bar[t].item() * (s - 1))) > error


@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_from_noise_is_the_exact_law_of_any_number_of_steps(steps: int) -> None:
    closed = ancestral_from_noise(SD, LAMBDAS)
    law = generated_law(
        SD,
        SD.timesteps(steps, spacing="trailing"),
        gaussian_optimal_full(LAMBDAS),
        LAMBDAS,
        data_mean=1.0,
        noisy_last=True,
    )
    torch.testing.assert_close(closed.std_ratio, law.ratio.sqrt(), rtol=1e-10, atol=0)
    torch.testing.assert_close(closed.bias, law.bias, rtol=1e-10, atol=0)
    torch.testing.assert_close(
        closed.std_ratio, torch.tensor([1, 0.999, 0.948, 0.567], dtype=torch.float64), rtol=0, atol=5e-4
    )
    torch.testing.assert_close(
        closed.bias, -torch.tensor([0.0047, 0.045, 0.319, 0.824], dtype=torch.float64), rtol=0, atol=5e-4
    )


def test_ddim_is_the_limit_of_many_steps() -> None:
    """The error of DDIM falls as 1 / N: ten times the steps, a tenth of it."""
    closed = ddim_from_noise(SD, LAMBDAS)
    errors = []
    for steps in (100, 1000):
        law = generated_law_ddim(SD, SD.timesteps(steps, spacing="trailing"), LAMBDAS, data_mean=1.0)
        errors.append(max((law.ratio.sqrt() - closed.std_ratio).abs().max(), (law.bias - closed.bias).abs().max()))
    assert errors[1] < 2.5e-3
    assert 5 < errors[0] / errors[1] < 20
    assert (ddim_from_noise(SD, LAMBDAS).bias < ancestral_from_noise(SD, LAMBDAS).bias).all()


def test_nothing_is_lost_where_the_last_t_is_noise() -> None:
    for law in (ancestral_from_noise, ddim_from_noise):
        made = law(zero_terminal_snr(SD), LAMBDAS)
        assert torch.equal(made.std_ratio, torch.ones(4, dtype=torch.float64))
        assert not made.bias.any()
    assert ancestral_from_noise(linear(1000), 1000.0).std_ratio.item() == pytest.approx(0.9992, abs=1e-4)
    assert ancestral_from_noise(SD, 1000.0).std_ratio.item() < 0.6


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_what_is_no_variance_is_one_sentence(wrong: float) -> None:
    for call in (
        lambda: latent_variance(SD, wrong),
        lambda: terminal_snr(SD, wrong),
        lambda: ancestral_from_noise(SD, [1.0, wrong]),
        lambda: ddim_from_noise(SD, wrong),
    ):
        with pytest.raises(BadInput, match="must hold finite numbers of at least 0; got"):
            call()


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


# --- what a step costs ----------------------------------------------------------------------------------------------


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


# --- the shipped autoencoder ----------------------------------------------------------------------------------------


def test_what_the_claims_measure() -> None:
    """Far from what they allow, on both sides: a claim that only just holds would be no claim."""
    mean, variance = SCALED.run(seed=3).trials
    assert mean.value < 0.1
    assert variance.value < 0.1
    assert all(max(t.value for t in SCALED.run(m, seed=3).trials) > 0.4 for m in SCALED.mistakes)
    assert LOSES_LESS.run(seed=3).trials[0].value > 10
    assert all(LOSES_LESS.run(m, seed=3).trials[0].value < -10 for m in LOSES_LESS.mistakes)


def test_the_cosine_schedule_ends_in_noise() -> None:
    assert terminal_snr(cosine(1000), 5.49) < 1e-6
