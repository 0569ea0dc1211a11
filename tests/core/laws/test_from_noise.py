"""Samples that start at noise which the schedule never reaches: closed forms against the exact law of the steps."""

import math

import pytest
import torch

from diffusion_core.errors import BadInput
from diffusion_core.forward import forward_kl, q_sample
from diffusion_core.laws.from_noise import ancestral_from_noise, ddim_from_noise, latent_variance, terminal_snr
from diffusion_core.laws.generated import gaussian_optimal_full, generated_law, generated_law_ddim
from diffusion_core.schedule import cosine, linear, scaled_linear, zero_terminal_snr

LAMBDA = torch.tensor([1.0, 10.0, 100.0, 1000.0], dtype=torch.float64)


STABLE = scaled_linear(1000)


def printed(values: torch.Tensor, digits: int) -> list[float]:
    return [round(value, digits) for value in values.tolist()]


def test_stable_diffusion_loses_contrast_and_brightness() -> None:
    found = ancestral_from_noise(STABLE, LAMBDA)
    assert printed(found.std_ratio, 3) == [1.000, 0.999, 0.948, 0.567]
    assert printed(100 * found.bias[:2], 2) == [-0.47, -4.47]
    assert printed(100 * found.bias, 1) == [-0.5, -4.5, -31.9, -82.4]
    ddpm = ancestral_from_noise(linear(1000), LAMBDA)
    assert printed(ddpm.std_ratio, 4)[-1] == 0.9992
    named_alike = ancestral_from_noise(linear(1000, 0.00085, 0.012), LAMBDA)  # the same ends, but linear in beta
    assert printed(named_alike.std_ratio, 3)[-1] != 0.567


@pytest.mark.parametrize("steps", [1, 20, 1000])
def test_the_random_way_does_not_depend_on_the_steps(steps: int) -> None:
    law = generated_law(
        STABLE, STABLE.timesteps(steps), gaussian_optimal_full(LAMBDA), LAMBDA, data_mean=1.0, noisy_last=True
    )
    found = ancestral_from_noise(STABLE, LAMBDA)
    torch.testing.assert_close(found.std_ratio.square(), law.ratio, rtol=1e-10, atol=0)
    torch.testing.assert_close(found.bias, law.bias, rtol=1e-10, atol=0)
    straight = ddim_from_noise(STABLE, LAMBDA)
    assert (straight.bias - law.bias).abs().min() > 0.05


def test_the_straight_way_is_the_limit_of_ddim() -> None:
    limit = ddim_from_noise(STABLE, LAMBDA)

    def errors(steps: int) -> torch.Tensor:
        law = generated_law_ddim(STABLE, STABLE.timesteps(steps, spacing="trailing"), LAMBDA, data_mean=1.0)
        return torch.stack([law.ratio.sqrt() / limit.std_ratio - 1, law.bias / limit.bias - 1]).abs()

    few, many = errors(250), errors(1000)
    assert (many < 0.05).all()
    assert (many < few / 2).all()


def test_a_schedule_that_ends_in_noise_loses_nothing() -> None:
    for found in (f(zero_terminal_snr(STABLE), LAMBDA) for f in (ancestral_from_noise, ddim_from_noise)):
        assert (found.std_ratio - 1).abs().max() < 1e-12
        assert found.bias.abs().max() < 1e-6


def test_a_variance_is_not_negative() -> None:
    with pytest.raises(BadInput, match=r"data_variance must hold finite numbers of at least 0; got -1\.0"):
        ancestral_from_noise(STABLE, -1.0)


# --- latents ----------------------------------------------------------------------------------------------------------


def test_stable_diffusions_numbers() -> None:
    """Of the paper's configuration and of mathematics: SNR_T, unscaled SNR_T, v_T, bits of 16,384 latents."""
    assert terminal_snr(STABLE, 1.0) == pytest.approx(0.004682, rel=1e-4)
    assert terminal_snr(STABLE, 1 / 0.18215) == pytest.approx(0.1411, rel=1e-3)
    assert latent_variance(STABLE, 1 / 0.18215)[-1].item() == pytest.approx(1.136, rel=1e-3)
    bits = [forward_kl(schedule, 1.0, 1000) * 16_384 / math.log(2) for schedule in (STABLE, linear(1000))]
    assert bits == pytest.approx([55.2, 0.477], rel=1e-3)


@pytest.mark.parametrize("s", [0.3, 1.0, 5.49])
def test_the_variance_of_noised_latents(s: float) -> None:
    """Against draws: n = 100,000, five standard errors; a factor s in place of its square is seen."""
    generator = torch.Generator().manual_seed(0)
    z0, eps = torch.randn((2, 100_000), generator=generator, dtype=torch.float64)
    for t in (1, 400, 1000):
        drawn = q_sample(STABLE, s * z0, t, eps).square().mean().item()
        claimed = latent_variance(STABLE, s)[t].item()
        error = 5 * math.sqrt(2 / 100_000) * claimed
        assert abs(drawn - claimed) < error
        if s != 1 and t < 1000:
            assert abs(drawn - (1 + STABLE.alpha_bar[t].item() * (s - 1))) > error


@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_from_noise_is_the_exact_law_of_any_number_of_steps(steps: int) -> None:
    closed = ancestral_from_noise(STABLE, LAMBDA)
    law = generated_law(
        STABLE,
        STABLE.timesteps(steps, spacing="trailing"),
        gaussian_optimal_full(LAMBDA),
        LAMBDA,
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
    closed = ddim_from_noise(STABLE, LAMBDA)
    errors = []
    for steps in (100, 1000):
        law = generated_law_ddim(STABLE, STABLE.timesteps(steps, spacing="trailing"), LAMBDA, data_mean=1.0)
        errors.append(max((law.ratio.sqrt() - closed.std_ratio).abs().max(), (law.bias - closed.bias).abs().max()))
    assert errors[1] < 2.5e-3
    assert 5 < errors[0] / errors[1] < 20
    assert (ddim_from_noise(STABLE, LAMBDA).bias < ancestral_from_noise(STABLE, LAMBDA).bias).all()


def test_nothing_is_lost_where_the_last_t_is_noise() -> None:
    for law in (ancestral_from_noise, ddim_from_noise):
        made = law(zero_terminal_snr(STABLE), LAMBDA)
        assert torch.equal(made.std_ratio, torch.ones(4, dtype=torch.float64))
        assert not made.bias.any()
    assert ancestral_from_noise(linear(1000), 1000.0).std_ratio.item() == pytest.approx(0.9992, abs=1e-4)
    assert ancestral_from_noise(STABLE, 1000.0).std_ratio.item() < 0.6


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_what_is_no_variance_is_one_sentence(wrong: float) -> None:
    for call in (
        lambda: latent_variance(STABLE, wrong),
        lambda: terminal_snr(STABLE, wrong),
        lambda: ancestral_from_noise(STABLE, [1.0, wrong]),
        lambda: ddim_from_noise(STABLE, wrong),
    ):
        with pytest.raises(BadInput, match="must hold finite numbers of at least 0; got"):
            call()


def test_the_cosine_schedule_ends_in_noise() -> None:
    assert terminal_snr(cosine(1000), 5.49) < 1e-6
