"""Samples that start at noise which the schedule never reaches: closed forms against the exact law of the steps."""

import pytest
import torch

from diffusion_core.errors import BadInput
from diffusion_core.laws.from_noise import ancestral_from_noise, ddim_from_noise
from diffusion_core.laws.generated import gaussian_optimal_full, generated_law, generated_law_ddim
from diffusion_core.schedule import linear, scaled_linear, zero_terminal_snr

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
