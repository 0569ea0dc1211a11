r"""Four ways to generate, asked alike: GAN, VAE, flow, diffusion. Each is a trained network with one contract, `Way`.

All four begin with z of N(0, I), of the dimension of the data, and go a path to a sample:

=========  ==================================================  ===========================================  =========
kind       from z to a sample (`Way.path`)                     from data to z (`Way.encode`)                ln q(x)
=========  ==================================================  ===========================================  =========
gan        z, G(z)                                             none                                         none
vae        z, dec(z), dec(z) + s eps                           x, mu(x), mu(x) + sigma(x) eps               quadrature
flow       z, then after each coupling of f^-1                 x, then after each coupling of f             log-det
diffusion  x_T, then after each step of DDIM                   x_0, then x_t at the same t by q_sample       ODE
=========  ==================================================  ===========================================  =========

Networks are asked in float32; ``log_prob`` asks a copy in float64.

References:
    Goodfellow et al. 2014. Kingma, Welling 2014. Dinh et al. 2017; Durkan et al. 2019. Ho, Jain,
    Abbeel 2020; Song, Meng, Ermon 2021 (DDIM); Song et al. 2021 (the ODE's likelihood).
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from diffusion_core.denoisers import Predictor
from diffusion_core.forward import q_sample
from diffusion_core.laws.evidence import log_evidence
from diffusion_core.laws.probability_flow import flow_log_prob
from diffusion_core.nets.gan import GAN
from diffusion_core.nets.spline_flow import SplineFlow
from diffusion_core.nets.vae import VAE
from diffusion_core.samplers import ddim

__all__ = ["Diffusion", "Flow", "Gan", "Kind", "Trained", "Vae", "Way", "way_of"]

Kind = Literal["gan", "vae", "flow", "diffusion"]


class Way(Protocol):
    """A trained generator of points in the plane; without gradients.

    ``path`` and ``encode`` are lists of (n, 2) float32, one a picture to show: the first is what came in.
    """

    @property
    def kind(self) -> Kind:
        """Which of the four."""
        ...

    @property
    def calls(self) -> int:
        """How often a network is asked for one sample (of a flow: f^-1 as a whole)."""
        ...

    @property
    def parameters(self) -> int:
        """How many numbers sampling needs: of a GAN the generator's, of a VAE the decoder's and s."""
        ...

    def path(self, z: Tensor, generator: torch.Generator) -> list[Tensor]:
        """From z (n, 2) to samples; only the VAE draws (the noise of its decoder)."""
        ...

    def encode(self, x: Tensor, generator: torch.Generator) -> list[Tensor]:
        """From data (n, 2) to z; empty where there is no such way. The VAE and the diffusion draw."""
        ...

    def log_prob(self, x: Tensor) -> Tensor | None:
        """ln q(x) in nats, (n,) float64, of x (n, 2); None where the way has no density that could be had."""
        ...

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples, (n, 2) float32: the end of the path from z of N(0, I)."""
        return self.path(torch.randn((n, 2), generator=generator), generator)[-1]


def noise_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """N(0, I) in the shape of x."""
    return torch.randn(x.shape, generator=generator)


def count(*nets: nn.Module) -> int:
    """The numbers in the networks."""
    return sum(weight.numel() for net in nets for weight in net.parameters())


@dataclass(frozen=True, eq=False)
class Gan(Way):
    """A generator, with the discriminator beside it that has trained it."""

    net: GAN
    kind: Kind = "gan"
    calls: int = 1

    @property
    def parameters(self) -> int:
        return count(self.net.generator)

    @torch.no_grad()
    def path(self, z: Tensor, generator: torch.Generator) -> list[Tensor]:
        return [z, self.net.generator(z)]

    def encode(self, x: Tensor, generator: torch.Generator) -> list[Tensor]:
        return []

    def log_prob(self, x: Tensor) -> None:
        return None


@dataclass(frozen=True, eq=False)
class Vae(Way):
    """A decoder with its noise, and the encoder beside it."""

    net: VAE
    kind: Kind = "vae"
    calls: int = 1

    @property
    def parameters(self) -> int:
        return count(self.net.decoder) + 1

    @torch.no_grad()
    def path(self, z: Tensor, generator: torch.Generator) -> list[Tensor]:
        mean = self.net.decoder(z)
        return [z, mean, mean + self.net.s * noise_like(mean, generator)]

    @torch.no_grad()
    def encode(self, x: Tensor, generator: torch.Generator) -> list[Tensor]:
        mu, log_variance = self.net.moments(x)
        return [x, mu, mu + (0.5 * log_variance).exp() * noise_like(x, generator)]

    @cached_property
    def exact(self) -> VAE:
        """The network in float64."""
        return copy.deepcopy(self.net).double()

    @torch.no_grad()
    def log_prob(self, x: Tensor) -> Tensor:
        return log_evidence(self.exact.decoder, self.exact.s, x)


@dataclass(frozen=True, eq=False)
class Flow(Way):
    """A bijection: f^-1 makes samples, f finds their z."""

    net: SplineFlow
    kind: Kind = "flow"
    calls: int = 1

    @property
    def parameters(self) -> int:
        return count(self.net)

    @torch.no_grad()
    def path(self, z: Tensor, generator: torch.Generator) -> list[Tensor]:
        return self.net.back(z)

    @torch.no_grad()
    def encode(self, x: Tensor, generator: torch.Generator) -> list[Tensor]:
        return self.net.out(x)

    @cached_property
    def exact(self) -> SplineFlow:
        """The network in float64."""
        return copy.deepcopy(self.net).double()

    @torch.no_grad()
    def log_prob(self, x: Tensor) -> Tensor:
        return self.exact.log_prob(x.double())


@dataclass(frozen=True, eq=False)
class Diffusion(Way):
    """A denoiser, sampled by DDIM without noise in ``calls`` steps.

    ``log_prob`` is the density of infinitely many steps, that of the probability-flow ODE.
    """

    denoiser: Predictor
    calls: int = 20
    kind: Kind = "diffusion"

    @property
    def parameters(self) -> int:
        return count(self.denoiser.net)

    @property
    def timesteps(self) -> Sequence[int]:
        """T = t_N > ... > t_1, where the network is asked."""
        return self.denoiser.schedule.timesteps(self.calls)

    @torch.no_grad()
    def path(self, z: Tensor, generator: torch.Generator) -> list[Tensor]:
        return [z, *(step.x_s for step in ddim(self.denoiser, self.denoiser.schedule, z, self.timesteps))]

    def encode(self, x: Tensor, generator: torch.Generator) -> list[Tensor]:
        eps = noise_like(x, generator)
        return [x, *(q_sample(self.denoiser.schedule, x, t, eps) for t in reversed(self.timesteps))]

    @cached_property
    def exact(self) -> Predictor:
        """The denoiser in float64."""
        known = self.denoiser
        return Predictor(copy.deepcopy(known.net).double(), known.config, known.schedule, known.predicts)

    def log_prob(self, x: Tensor) -> Tensor:
        return flow_log_prob(self.exact, self.denoiser.schedule, x)


Trained = Gan | Vae | Flow
"""The ways that are one network each, made by `generators.train_generator`."""


def way_of(net: nn.Module) -> Trained:
    """A GAN, a VAE or a flow as a way to generate."""
    if isinstance(net, GAN):
        return Gan(net)
    if isinstance(net, VAE):
        return Vae(net)
    assert isinstance(net, SplineFlow)
    return Flow(net)
