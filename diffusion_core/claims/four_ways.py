r"""The article's first picture: GAN, VAE, flow and diffusion, on the networks that are shipped.

dL_NS/dd = e^{-d} dL_sat/dd                                            (two losses of a generator, one direction)
ELBO(x) = ln p(x) - KL(q(z|x) || p(z|x)) <= ln p(x)                     (a bound below what it bounds)
ln q(x) = ln N(f(x); 0, I) + ln |det df/dx|,  integral of q = 1,  E_p ln q <= -H(p)   (Gibbs)
ln q(x_0) = ln N(x_T; 0, I) + integral of div v,  dx/dphi = v            (the probability-flow ODE)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from diffusion_core.claims.check import AnyClaim, Claim, Trial, chi_square, estimated_mean_z, identity
from diffusion_core.data.toys import TOYS
from diffusion_core.denoisers import StepDenoiser
from diffusion_core.files import MODELS
from diffusion_core.laws.evidence import log_evidence
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.probability_flow import to_noise
from diffusion_core.nets.gan import GANConfig, non_saturating, real_or_fake, saturating
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.spline_flow import SplineFlow
from diffusion_core.nets.vae import rate, reconstruction
from diffusion_core.objectives import LOG_2PI
from diffusion_core.parameterization import v_from_eps
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.training.checkpoint import load_way
from diffusion_core.training.ways import Diffusion, Flow, Gan, Vae

__all__ = ["BOUND", "CLAIMS", "FLOW", "FOLDS", "GRADIENT", "LABELS", "NOISE", "ODE", "Points"]


@dataclass(frozen=True)
class Points:
    """Data by name, and how many of them, or of samples, are looked at."""

    data: str
    n: int

    @property
    def law(self) -> GaussianMixture:
        """Their density."""
        return TOYS[self.data]().law

    def draw(self, seed: int) -> Tensor:
        """n of them, (n, 2) float64."""
        return self.law.sample(self.n, torch.Generator().manual_seed(seed))

    def noise(self, seed: int) -> Tensor:
        """z of N(0, I), (n, 2) float64."""
        return torch.randn((self.n, 2), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@cache
def gan(data: str) -> Gan:
    """The one that is shipped."""
    way = load_way(MODELS / f"gan_{data}.safetensors")
    assert isinstance(way, Gan)
    return way


@cache
def vae(data: str) -> Vae:
    """The one that is shipped."""
    way = load_way(MODELS / f"vae_{data}.safetensors")
    assert isinstance(way, Vae)
    return way


@cache
def flow(data: str) -> SplineFlow:
    """The one that is shipped, in float64."""
    way = load_way(MODELS / f"flow_{data}.safetensors")
    assert isinstance(way, Flow)
    return way.exact


@cache
def diffusion(data: str) -> Diffusion:
    """The one that is shipped."""
    way = load_way(MODELS / f"diffusion_{data}.safetensors")
    assert isinstance(way, Diffusion)
    return way


def at_least_zero(values: Tensor) -> Trial:
    """Is the mean at least 0? One-sided: it may be anything above."""
    z = values.mean().item() / (values.std().item() / math.sqrt(len(values)))
    p = float(stats.norm.cdf(z))
    return Trial("z of the mean above 0 (one-sided)", z, p_value=p, n=len(values), one_sided=True)


def lattice(reach: float, side: int) -> tuple[Tensor, float]:
    """side^2 places of the plane, (side^2, 2), and the area of a cell."""
    axis = torch.linspace(-reach, reach, side, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis), (axis[1] - axis[0]).item() ** 2


# --- GAN: two losses of the generator -------------------------------------------------------------------------------

Ratio = Callable[[Tensor], Tensor]


def check_gradient(ratio: Ratio, setting: Points, seed: int) -> list[Trial]:
    """The gradients of both losses at the fakes of the shipped generator, by autograd, and their ratio by formula."""
    net = gan(setting.data).net
    with torch.no_grad():
        fake = net.generator(setting.noise(seed).float())
    slopes = []
    for loss in (non_saturating, saturating):
        x = fake.clone().requires_grad_()
        d = net.logit(x).double()
        slopes.append(torch.autograd.grad(loss(d).sum(), x)[0].double())
    return [identity(slopes[0], ratio(d.detach())[:, None] * slopes[1], tolerance=1e-5)]  # the network is float32


GRADIENT = Claim(
    key="E0a",
    says="At every fake the non-saturating loss pulls the generator where the saturating one does, e^(−d) times as "
    "hard.",
    check=check_gradient,
    truth=lambda d: torch.exp(-d),
    mistakes={
        "e^(+d) times": lambda d: torch.exp(d),
        "as hard as D is sure: σ(d) times": torch.sigmoid,
        "the other way": lambda d: -torch.exp(-d),
    },
    setting=Points("eight_gaussians", 500),
)

# --- GAN: who is real -----------------------------------------------------------------------------------------------

DiscriminatorLoss = Callable[[Tensor, Tensor], Tensor]


def check_labels(loss: DiscriminatorLoss, setting: Points, seed: int) -> list[Trial]:
    """A new discriminator learns for 50 steps to tell data from z itself; then its logits of both are compared."""
    net = seeded(seed, GANConfig().build)
    optimizer = torch.optim.Adam(net.discriminator.parameters(), lr=1e-3, betas=(0.0, 0.99))
    for k in range(50):
        x, z = setting.draw(1000 * seed + k + 1).float(), setting.noise(1000 * seed + k + 501).float()
        optimizer.zero_grad()
        loss(net.logit(x), net.logit(z)).backward()
        optimizer.step()
    with torch.no_grad():
        real, fake = net.logit(setting.draw(seed).float()), net.logit(setting.noise(seed + 1).float())
    return [at_least_zero((real - fake).double())]


LABELS = Claim(
    key="E0b",
    says="What the discriminator lowers, −E ln D(x) − E ln(1 − D(x′)), teaches it to call the data real.",
    check=check_labels,
    truth=real_or_fake,
    mistakes={"labels swapped": lambda real, fake: real_or_fake(fake, real)},
    setting=Points("eight_gaussians", 256),
)

# --- GAN: no density ------------------------------------------------------------------------------------------------

Map = Callable[[Points, Tensor], Tensor]
LEAST = 0.01


def check_folds(to_x: Map, setting: Points, seed: int) -> list[Trial]:
    """The share of z where det dx/dz has the sign that fewer have."""
    z = setting.noise(seed).requires_grad_()
    x = to_x(setting, z)
    first, second = (torch.autograd.grad(x[:, i].sum(), z, retain_graph=True)[0] for i in range(2))
    turned = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] < 0).double().mean().item()
    lacking = max(0.0, LEAST - min(turned, 1 - turned))
    return [Trial("what the rarer sign of the determinant lacks to 1 %", lacking, tolerance=0.0, n=setting.n)]


FOLDS = Claim(
    key="E0c",
    says="This G folds the plane: det ∂G/∂z is positive at some z and negative at others. So no change of variables "
    "gives its samples a density.",
    check=check_folds,
    truth=lambda setting, z: gan(setting.data).net.generator(z.float()),
    mistakes={
        "a flow’s f⁻¹, which never folds": lambda setting, z: flow(setting.data).back(z)[-1],
        "z itself": lambda setting, z: 1.0 * z,
    },
    setting=Points("eight_gaussians", 2000),
)

# --- VAE: a bound ---------------------------------------------------------------------------------------------------

Bound = Callable[[Tensor, Tensor], Tensor]
NODES = 24


@cache
def hermite() -> tuple[Tensor, Tensor]:
    """Nodes (m, 2) and weights (m,) of an expectation over N(0, I) in the plane."""
    nodes, weights = (torch.from_numpy(part) for part in np.polynomial.hermite_e.hermegauss(NODES))
    weights = weights / weights.sum()
    return torch.cartesian_prod(nodes, nodes), torch.outer(weights, weights).flatten()


@torch.no_grad()
def check_bound(bound: Bound, setting: Points, seed: int) -> list[Trial]:
    """At each x: the bound, its expectation over q(z|x) by quadrature, against ln p(x) by quadrature over all z."""
    net, x = vae(setting.data).exact, setting.draw(seed)
    nodes, weights = hermite()
    mu, log_variance = net.moments(x)
    z = mu[:, None] + (0.5 * log_variance).exp()[:, None] * nodes  # (n, m, 2)
    found = reconstruction(x[:, None], net.decoder(z), net.log_s) @ weights
    above = bound(found, rate(mu, log_variance)) - log_evidence(net.decoder, net.s, x)
    return [Trial("nats above ln p(x), where most", max(0.0, above.max().item()), tolerance=1e-3, n=setting.n)]


BOUND = Claim(
    key="E0d",
    says="The VAE’s bound lies below ln p(x) at every x.",
    check=check_bound,
    truth=lambda found, price: found - price,
    mistakes={
        "the KL as a mean over the coordinates, not their sum": lambda found, price: found - price / 2,
        "the KL left out": lambda found, price: found,
        "the Gaussian’s 2π left out": lambda found, price: found + LOG_2PI - price,
    },
    setting=Points("eight_gaussians", 30),
)

# --- VAE: what is a sample ------------------------------------------------------------------------------------------

Draw = Callable[[Vae, Tensor, Tensor], Tensor]


@cache
def means(data: str) -> tuple[float, float]:
    """E ln p_theta(x) and E |x|^2 over the VAE's law, by a sum over the plane."""
    x, cell = lattice(2.8, 51)
    log_p = vae(data).log_prob(x)
    p = cell * log_p.exp()
    return (p @ log_p).item(), (p @ x.square().sum(1)).item()


@torch.no_grad()
def check_noise(draw: Draw, setting: Points, seed: int) -> list[Trial]:
    """The means of ln p_theta and of |x|^2 over samples, against what the density itself says they are."""
    way = vae(setting.data)
    x = draw(way, setting.noise(2 * seed).float(), setting.noise(2 * seed + 1).float())
    log_density, square = means(setting.data)
    return [estimated_mean_z(way.log_prob(x), log_density), estimated_mean_z(x.square().sum(1), square)]


def decoded(way: Vae, z: Tensor, eps: Tensor) -> Tensor:
    """What is usually shown."""
    mean: Tensor = way.net.decoder(z)
    return mean


NOISE = Claim(
    key="E0e",
    says="A sample of the VAE is dec(z) + s ε: of that law is p_θ the density.",
    check=check_noise,
    truth=lambda way, z, eps: decoded(way, z, eps) + way.net.s * eps,
    mistakes={
        "the decoder’s mean shown as a sample": decoded,
        "noise of variance s, not s²": lambda way, z, eps: decoded(way, z, eps) + math.sqrt(way.net.s) * eps,
        "z drawn half as wide": lambda way, z, eps: decoded(way, z / 2, eps) + way.net.s * eps,
    },
    setting=Points("two_moons", 500),
)

# --- flow: its density, and its samples -----------------------------------------------------------------------------


@dataclass(frozen=True)
class FlowSays:
    """What is taken for the flow's ln q, of z and log-det; and for its samples, of z."""

    log_q: Callable[[Tensor, Tensor], Tensor] = lambda z, log_det: log_det - 0.5 * z.square().sum(1) - LOG_2PI
    sample: Callable[[SplineFlow, Tensor], Tensor] = lambda net, z: net.back(z)[-1]


def check_flow(says: FlowSays, setting: Points, seed: int) -> list[Trial]:
    """Against autograd's determinant; the mass on a lattice; Gibbs; and whether f makes N(0, I) of the samples."""
    net, law, x = flow(setting.data), setting.law, setting.draw(seed)
    at = x[:50].requires_grad_()
    z, log_det = net(at)
    rows = [torch.autograd.grad(z[:, i].sum(), at, retain_graph=True)[0] for i in range(2)]
    by_autograd = torch.linalg.slogdet(torch.stack(rows, 1))[1]
    with torch.no_grad():
        plane, cell = lattice(4.0, 201)
        mass = cell * says.log_q(*net(plane)).exp().sum().item()
        gibbs = law.log_prob(x.detach()) - says.log_q(*net(x.detach()))
        back, _ = net(says.sample(net, setting.noise(seed)))
        expected = by_autograd - 0.5 * z.square().sum(1) - LOG_2PI
        got = says.log_q(z, log_det)
    return [
        identity(got, expected.detach(), tolerance=1e-8),
        Trial("mass − 1", mass - 1, tolerance=0.01, n=len(plane)),
        at_least_zero(gibbs),
        chi_square(back),
    ]


FLOW = Claim(
    key="E0f",
    says="A flow knows its density exactly: ln N(f(x); 0, I) + ln |det ∂f/∂x|, and f⁻¹ makes its samples of N(0, I).",
    check=check_flow,
    truth=FlowSays(),
    mistakes={
        "the sign of the log-det flipped": FlowSays(lambda z, log_det: -log_det - 0.5 * z.square().sum(1) - LOG_2PI),
        "the log-det left out": FlowSays(lambda z, log_det: -0.5 * z.square().sum(1) - LOG_2PI),
        "the Gaussian’s 2π left out": FlowSays(lambda z, log_det: log_det - 0.5 * z.square().sum(1)),
        "sampled with f in place of f⁻¹": FlowSays(sample=lambda net, z: net.out(z)[-1]),
        "z drawn with deviation 1.3": FlowSays(sample=lambda net, z: net.back(1.3 * z)[-1]),
    },
    setting=Points("eight_gaussians", 1000),
)

# --- diffusion: a density, too --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OdeSays:
    """How the divergence along the ODE counts, and what is taken for the noise that the network predicts."""

    sign: float = 1.0
    eps: Callable[[StepDenoiser, NoiseSchedule, Tensor, int], Tensor] = lambda model, schedule, x, t: model(x, t)


def check_ode(says: OdeSays, setting: Points, seed: int) -> list[Trial]:
    """With the exact denoiser: the data's own density; with the shipped network: Gibbs."""
    law, x = setting.law, setting.draw(seed)
    way = diffusion(setting.data)
    schedule, log_p, found = way.denoiser.schedule, law.log_prob(x), []
    for model in (law.denoiser(schedule), way.exact):
        x_T, gain = to_noise(lambda y, t, m=model: says.eps(m, schedule, y, t), schedule, x, nodes=100)  # type: ignore[misc]
        found.append(says.sign * gain - 0.5 * x_T.square().sum(1) - LOG_2PI)
    off = (found[0] - log_p).square().mean().sqrt().item()
    return [
        Trial("root mean square of ln q − ln p", off, tolerance=0.05, n=setting.n),
        at_least_zero(log_p - found[1]),
    ]


ODE = Claim(
    key="E0g",
    says="A diffusion without noise has a density: ln N(x_T; 0, I) + ∫ div v dφ along dx/dφ = v. With the exact v it "
    "is the data’s own.",
    check=check_ode,
    truth=OdeSays(),
    mistakes={
        "the divergence left out": OdeSays(sign=0.0),
        "its sign flipped": OdeSays(sign=-1.0),
        "v taken for ε": OdeSays(eps=lambda model, schedule, x, t: v_from_eps(schedule, x, model(x, t), t)),
    },
    setting=Points("eight_gaussians", 150),
)

CLAIMS: tuple[AnyClaim, ...] = (GRADIENT, LABELS, FOLDS, BOUND, NOISE, FLOW, ODE)
