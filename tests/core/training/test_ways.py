"""The four, asked alike: where their paths begin and end, what they draw, which densities they have."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from diffusion_core.denoisers import Predictor
from diffusion_core.forward import q_sample
from diffusion_core.nets.gan import GANConfig
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.spline_flow import FlowConfig
from diffusion_core.nets.vae import VAE, VAEConfig
from diffusion_core.samplers import ddim
from diffusion_core.schedule import cosine
from diffusion_core.training.ways import Diffusion, Flow, Gan, Vae, Way, way_of


def shaken(config: GANConfig | VAEConfig | FlowConfig | MLPConfig) -> torch.nn.Module:
    """A network with weights that are not 0 anywhere."""
    net, generator = seeded(0, config.build).requires_grad_(False), torch.Generator().manual_seed(0)
    for weight in net.parameters():
        weight.add_(0.2 * torch.randn(weight.shape, generator=generator))
    return net


MLP = MLPConfig(2, 16, 2)
DIFFUSION = Diffusion(Predictor(shaken(MLP), MLP, cosine(100), "v"), calls=5)
GAN_, VAE_, FLOW_ = (way_of(shaken(c)) for c in (GANConfig(width=8), VAEConfig(width=8), FlowConfig(width=8, bins=5)))
WAYS: list[Way] = [GAN_, VAE_, FLOW_, DIFFUSION]


def seeded_generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(n: int = 40) -> Tensor:
    return torch.randn((n, 2), generator=seeded_generator(1))


@pytest.mark.parametrize(("way", "frames", "back"), zip(WAYS, (2, 3, 5, 6), (0, 3, 5, 6), strict=True))
def test_paths_begin_with_what_came_in_and_samples_are_their_ends(way: Way, frames: int, back: int) -> None:
    z = drawn()
    path, there = way.path(z, seeded_generator()), way.encode(z, seeded_generator())
    assert (len(path), len(there)) == (frames, back) and torch.equal(path[0], z)
    assert all(x.shape == z.shape and x.dtype == torch.float32 and not x.requires_grad for x in (*path, *there))
    assert not there or torch.equal(there[0], z)
    again = seeded_generator()
    start = torch.randn((7, 2), generator=again)
    assert torch.equal(way.sample(7, seeded_generator()), way.path(start, again)[-1])
    assert not torch.equal(way.sample(7, seeded_generator()), way.sample(7, seeded_generator(4)))


def test_a_flow_comes_back_and_a_vae_does_not_to_the_digit() -> None:
    x = drawn()
    for way, near in ((FLOW_, 1e-4), (VAE_, math.inf)):
        back = way.path(way.encode(x, seeded_generator())[-1], seeded_generator())[-1]
        assert (back - x).abs().max() < near
    assert (back - x).abs().max() > 0.1


def test_the_vae_draws_with_its_own_spreads() -> None:
    assert isinstance(VAE_, Vae)
    x = drawn(1)
    many, net = x.expand(20_000, 2), VAE_.net
    _z, mean, sample = VAE_.path(many, seeded_generator())
    assert torch.allclose(mean, net.decoder(x), atol=1e-6)
    assert (sample - mean).std(0).tolist() == pytest.approx([net.s] * 2, rel=0.03)
    _x, mu, z = VAE_.encode(many, seeded_generator())
    sd = (0.5 * net.moments(x)[1][0]).exp()
    assert (z - mu).std(0).tolist() == pytest.approx(sd.tolist(), rel=0.03)
    assert (z - mu).std(0).tolist() != pytest.approx(sd.square().tolist(), rel=0.03)


def test_the_diffusion_is_ddim_one_way_and_the_closed_form_the_other() -> None:
    x, schedule = drawn(), DIFFUSION.denoiser.schedule
    assert DIFFUSION.timesteps[0] == 100 and len(DIFFUSION.timesteps) == DIFFUSION.calls == 5
    steps = list(ddim(DIFFUSION.denoiser, schedule, x, DIFFUSION.timesteps))
    for frame, step in zip(DIFFUSION.path(x, seeded_generator())[1:], steps, strict=True):
        assert torch.equal(frame, step.x_s)
    eps = torch.randn(x.shape, generator=seeded_generator())
    there = DIFFUSION.encode(x, seeded_generator())
    for t, frame in zip(reversed(DIFFUSION.timesteps), there[1:], strict=True):
        assert torch.equal(frame, q_sample(schedule, x, t, eps))
    assert replace(DIFFUSION, calls=20).calls == 20


def test_who_has_a_density_and_whether_its_mass_is_1() -> None:
    """The GAN has none. The networks' own are looked at on a lattice, the diffusion's with few nodes only."""
    assert GAN_.log_prob(drawn()) is None
    wide = way_of(shaken(VAEConfig(width=8, log_s=-1.0)))
    for way, side in ((FLOW_, 101), (wide, 31)):
        axis = torch.linspace(-5, 5, side, dtype=torch.float64)
        log_q, cell = way.log_prob(torch.cartesian_prod(axis, axis)), (10 / (side - 1)) ** 2
        assert log_q is not None and log_q.dtype == torch.float64
        assert cell * log_q.exp().sum().item() == pytest.approx(1, abs=0.02)
    log_q = DIFFUSION.log_prob(drawn())
    assert log_q.shape == (40,) and torch.isfinite(log_q).all()
    untouched = Diffusion(Predictor(seeded(0, MLP.build).requires_grad_(False), MLP, cosine(100), "v"))
    normal = -0.5 * drawn().double().square().sum(1) - math.log(2 * math.pi)
    assert torch.allclose(untouched.log_prob(drawn()), normal, atol=1e-9)  # v = 0: nothing moves


def test_what_sampling_needs() -> None:
    gan, vae, flow = (way_of(seeded(0, config().build)) for config in (GANConfig, VAEConfig, FlowConfig))
    assert [way.parameters for way in (gan, vae, flow)] == [33_666, 33_667, 29_372]
    assert sum(w.numel() for w in gan.net.parameters()) == 33_666 + 33_537
    assert [way.kind for way in WAYS] == ["gan", "vae", "flow", "diffusion"] and isinstance(GAN_, Gan)
    assert isinstance(FLOW_, Flow) and isinstance(vae.net, VAE) and vae.calls == gan.calls == flow.calls == 1
