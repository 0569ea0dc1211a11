"""The ODE's density: of exact denoisers the data's own, in one dimension and in two; the angle is the paper's time."""

import math

import pytest
import torch

from diffusion_core.data.toys import bimodal, eight_gaussians, gaussian_1d
from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.probability_flow import angles, flow_log_prob, to_noise
from diffusion_core.schedule import NoiseSchedule, cosine, linear, zero_terminal_snr


@pytest.mark.parametrize(("law", "schedule"), [(eight_gaussians().law, cosine(1000)), (bimodal().law, linear(1000))])
def test_an_exact_denoiser_gives_the_datas_density(law: GaussianMixture, schedule: NoiseSchedule) -> None:
    x = law.sample(60, torch.Generator().manual_seed(0))
    model = law.denoiser(schedule)
    x_T, gain = to_noise(model, schedule, x)
    normal = -0.5 * (x_T.square() + math.log(2 * math.pi)).sum(1)
    expected = law.log_prob(x)
    assert torch.allclose(flow_log_prob(model, schedule, x), normal + gain, atol=1e-9)
    assert (normal + gain - expected).abs().mean() < 0.004 and (normal + gain - expected).abs().max() < 0.03
    for wrong in (normal, normal - gain):  # the divergence left out, its sign flipped
        assert (wrong - expected).abs().mean() > 1


def test_the_path_of_a_gaussian_is_known() -> None:
    """Along the ODE x_t / sd(x_t) stands still."""
    law, schedule = gaussian_1d(0.25).law, cosine(200)
    x = torch.tensor([[-0.7], [0.1], [1.3]], dtype=torch.float64)
    x_T, gain = to_noise(law.denoiser(schedule), schedule, x)
    sd = math.sqrt(0.25 * schedule.alpha_bar[-1].item() + schedule.one_minus_alpha_bar[-1].item())
    assert torch.allclose(x_T, x * sd / 0.5, rtol=1e-3) and gain.numpy() == pytest.approx(math.log(sd / 0.5), rel=2e-3)
    few = to_noise(law.denoiser(schedule), schedule, x, nodes=5)[0]
    assert (few - x * sd / 0.5).abs().max() > 10 * (x_T - x * sd / 0.5).abs().max()


def test_the_angle_is_that_of_the_closed_form() -> None:
    phi = angles(linear(100))
    assert torch.allclose(phi.cos(), linear(100).sqrt_alpha_bar) and phi[0] == 0 and (phi.diff() > 0).all()
    assert torch.allclose(phi.sin(), linear(100).sqrt_one_minus_alpha_bar)


def test_wrong_arguments_are_one_sentence() -> None:
    law, x = gaussian_1d(0.25).law, torch.zeros(1, 1)
    with pytest.raises(BadInput, match="nodes must be an integer from 1 to 10000"):
        flow_log_prob(law.denoiser(linear(10)), linear(10), x, nodes=0)
    with pytest.raises(BadInput, match="x_t must hold finite numbers"):
        flow_log_prob(law.denoiser(linear(10)), linear(10), x / 0)
    with pytest.raises(BadInput, match="alpha_bar is 0 at t = 10"):
        flow_log_prob(law.denoiser(linear(10)), zero_terminal_snr(linear(10)), x)
