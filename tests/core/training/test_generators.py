"""GAN, VAE and flow by the one loop: bit for bit, resumed or not; what is told is what was lowered; they learn."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from diffusion_core.data.toys import eight_gaussians, gaussian_1d
from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.nets.gan import GAN, GANConfig
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.spline_flow import FlowConfig
from diffusion_core.nets.vae import VAEConfig
from diffusion_core.training.draws import points
from diffusion_core.training.generators import GeneratorConfig, GeneratorState, train_generator
from tests.core.training.examples import DATA

GAN_RUN = GeneratorConfig(GANConfig(width=8, depth=2), steps=12, batch=16, warmup=3, beta1=0.0, beta2=0.99, ema=0.9)
VAE_RUN = GeneratorConfig(VAEConfig(width=8, depth=2), steps=12, batch=16, warmup=3, ema=0.9)
FLOW_RUN = GeneratorConfig(FlowConfig(couplings=2, width=8, bins=4), steps=12, batch=16, warmup=3, ema=0.9)
RUNS = [pytest.param(run, id=type(run.net).__name__) for run in (GAN_RUN, VAE_RUN, FLOW_RUN)]


def last(config: GeneratorConfig, every: int = 50, resume: object = None) -> GeneratorState:
    return list(train_generator(config, DATA, every, resume))[-1]  # type: ignore[arg-type]


def same(a: GeneratorState, b: GeneratorState) -> bool:
    first, second = a.copies(), b.copies()
    return all(
        torch.equal(first[part][name], second[part][name])
        for part in ("net", "ema", "moments")
        for name in first[part].keys() | second[part].keys()
    )


@pytest.mark.parametrize("config", RUNS)
def test_the_seed_decides_the_run_and_a_resumed_one_is_the_same(config: GeneratorConfig) -> None:
    whole = last(config)
    torch.manual_seed(9)  # no draw comes from the global generator
    assert same(whole, last(config, every=5))
    assert not same(whole, last(replace(config, seed=1)))
    half = next(train_generator(config, DATA, 5)).snapshot()
    assert half.step == 5 and same(whole, last(config, resume=half))
    forgetful = replace(half, moments={name: torch.zeros_like(m) for name, m in half.moments.items()})
    assert not same(whole, last(config, resume=forgetful))
    assert not list(train_generator(config, DATA, resume=whole.snapshot()))
    x, g = torch.randn((5, 2), generator=torch.Generator().manual_seed(0)), torch.Generator
    assert torch.equal(whole.way.path(x, g().manual_seed(1))[-1], whole.snapshot().way.path(x, g().manual_seed(1))[-1])
    raw = replace(whole, ema=whole.net)
    assert not torch.equal(whole.way.path(x, g().manual_seed(1))[-1], raw.way.path(x, g().manual_seed(1))[-1])


@pytest.mark.parametrize("config", RUNS)
def test_what_is_told_is_the_mean_since_the_last_state(config: GeneratorConfig) -> None:
    still = replace(config, lr=0.0, steps=3)
    one_by_one = list(train_generator(still, DATA, 1))
    together = last(still, every=3)
    for name, value in together.losses.items():
        assert value == pytest.approx(sum(state.losses[name] for state in one_by_one) / 3, rel=1e-5)
    assert together.loss == next(iter(together.losses.values()))
    generator = torch.Generator().manual_seed(0)  # seed 0, step 0
    x = DATA(16, generator)[0]
    net: Any = seeded(0, config.net.build)
    told = next(net.turns(x, torch.randn(x.shape, generator=generator)))
    assert one_by_one[0].loss == pytest.approx(next(iter(told.values())).item(), rel=1e-6)
    assert one_by_one[1].loss != pytest.approx(one_by_one[0].loss, rel=1e-6)


def test_the_two_networks_of_a_gan_move_in_turn_by_adam() -> None:
    """Two steps by hand, with two optimizers of PyTorch's, against the run's one."""
    config = replace(GAN_RUN, steps=2, warmup=0, max_norm=1e9)
    net = seeded(0, config.net.build)
    assert isinstance(net, GAN)
    optimizers = [torch.optim.Adam(part.parameters(), betas=(0.0, 0.99)) for part in (net.discriminator, net.generator)]
    for k in range(2):
        generator = torch.Generator().manual_seed(k)
        x = DATA(16, generator)[0]
        turns = net.turns(x, torch.randn(x.shape, generator=generator))
        for told, optimizer in zip(turns, optimizers, strict=True):
            optimizer.param_groups[0]["lr"] = config.lr_at(k)
            optimizer.zero_grad()
            next(iter(told.values())).backward()
            optimizer.step()
    found = last(config).net.state_dict()
    for name, weight in net.state_dict().items():
        assert torch.allclose(found[name], weight, atol=1e-7)
    other = last(replace(config, beta1=0.9)).net.state_dict()
    assert not all(torch.allclose(other[name], weight, atol=1e-5) for name, weight in net.state_dict().items())


def test_a_small_flow_learns_a_gaussian_to_its_entropy() -> None:
    """-E ln q is the entropy at best; and no less (Gibbs)."""
    law = GaussianMixture.isotropic([1.0], [[0.5, -0.3]], 0.4)
    config = replace(FLOW_RUN, steps=150, batch=128, lr=2e-2, ema=0.95)
    state = list(train_generator(config, points(law)))[-1]
    x = law.sample(2000, torch.Generator().manual_seed(5))
    log_q = state.way.log_prob(x)
    assert log_q is not None
    kl = (law.log_prob(x) - log_q).mean().item()
    assert -0.01 < kl < 0.1
    untrained = (law.log_prob(x) + 0.5 * x.square().sum(1) + math.log(2 * math.pi)).mean().item()
    assert untrained > 0.5


def test_what_does_not_fit_is_one_sentence() -> None:
    with pytest.raises(BadInput, match="resume must hold the network"):
        train_generator(VAE_RUN, DATA, resume=next(train_generator(GAN_RUN, DATA)).snapshot())
    with pytest.raises(BadInput, match=r"The data must have the shape \(2,\); got \(1,\)"):
        train_generator(FLOW_RUN, points(gaussian_1d().law))
    with pytest.raises(BadInput, match="every must be"):
        train_generator(FLOW_RUN, DATA, every=0)
    with pytest.raises(BadInput, match=r"beta1 must be a number from 0 to 0\.9999; got 1"):
        replace(GAN_RUN, beta1=1.0)
    with pytest.raises(BadInput, match="Training diverged before step "):
        last(replace(VAE_RUN, lr=100.0, max_norm=1e9, steps=200), every=1)
    assert eight_gaussians().law.dimension == FLOW_RUN.net.dimension
