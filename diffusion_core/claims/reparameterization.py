"""The article's first property: z = mu + sigma eps, and what it is, and is not, needed for.

    grad E[z^2] = E[grad z^2]                    pathwise: the gradient goes through z
                = E[z^2 grad ln N(z; mu, sigma^2)]    score function: it goes through the density

Both are unbiased, so sampling does not forbid a gradient. For z^2 the first is much less noisy; for a function that
swings fast it is the other way round (Mohamed et al. 2020). DDPM's training needs neither:
x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps does not depend on the network's parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from diffusion_core.claims.check import AnyClaim, Claim, Trial, chi_square, identity, kolmogorov_smirnov, z_of_mean
from diffusion_core.data.toys import bimodal
from diffusion_core.forward import q_sample
from diffusion_core.reparameterization import (
    cosine_variances,
    gradient_variances,
    pathwise_gradients,
    score_function_gradients,
)
from diffusion_core.schedule import NoiseSchedule, linear

__all__ = ["CLAIMS", "DETACH", "DRAW", "FLOW", "NOISIER", "UNBIASED", "VARIANCES", "Draw", "loss_gradients"]


@dataclass(frozen=True)
class Draw:
    """``n`` draws from N(mu, sigma^2)."""

    mu: float = 1.0
    sigma: float = 0.5
    n: int = 20_000


def _eps(n: int, seed: int) -> Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- the draw itself ------------------------------------------------------------------------------------------------

DrawFn = Callable[[Draw, Tensor], Tensor]


def check_draw(draw: DrawFn, setting: Draw, seed: int) -> list[Trial]:
    """Two coordinates of z against N((mu, mu), sigma^2 I): mean, variance, shape; and the variance of their sum."""
    eps = _eps(2 * setting.n, seed).reshape(setting.n, 2)
    r = (draw(setting, eps) - setting.mu) / setting.sigma
    together = chi_square(r.sum(1) / 2**0.5)
    return [
        z_of_mean(r[:, 0]),
        chi_square(r[:, 0]),
        kolmogorov_smirnov(r[:, 0]),
        Trial("variance of the coordinates' sum / expected", together.value, together.p_value, n=together.n),
    ]


DRAW = Claim(
    key="E6",
    says="z = μ + σ ⊙ ε with ε ~ N(0, I) is a draw from N(μ, σ² I).",
    check=check_draw,
    truth=lambda s, eps: s.mu + s.sigma * eps,
    mistakes={
        "σ² where σ belongs": lambda s, eps: s.mu + s.sigma**2 * eps,
        "one ε for all coordinates: ε ~ N(0, 1)": lambda s, eps: s.mu + s.sigma * eps[:, :1].expand_as(eps),
        "uniform noise": lambda s, eps: s.mu + s.sigma * torch.special.ndtr(eps),
    },
    setting=Draw(),
)


# --- the gradient passes --------------------------------------------------------------------------------------------

ParameterDraw = Callable[[Tensor, Tensor, Tensor], Tensor]


def _without_path(mu: Tensor, sigma: Tensor, eps: Tensor) -> Tensor:
    """What torch.normal or .sample() return: the same numbers, and no gradient."""
    return (mu + sigma * eps).detach() + 0 * (mu + sigma)


def check_flow(draw: ParameterDraw, setting: Draw, seed: int) -> list[Trial]:
    """autograd of each z: dz/dmu is 1, dz/dsigma is its eps."""
    eps = _eps(64, seed)
    mu = torch.full((64,), setting.mu, dtype=torch.float64, requires_grad=True)
    sigma = torch.full((64,), setting.sigma, dtype=torch.float64, requires_grad=True)
    by_mu, by_sigma = torch.autograd.grad(draw(mu, sigma, eps).sum(), (mu, sigma))
    return [identity(by_mu, torch.ones(64)), identity(by_sigma, eps)]


FLOW = Claim(
    key="E7",
    says="The gradient passes through z = μ + σ ε: ∂z/∂μ = 1 and ∂z/∂σ = ε.",
    check=check_flow,
    truth=lambda mu, sigma, eps: mu + sigma * eps,
    mistakes={
        "drawn by torch.normal, which lets no gradient pass": _without_path,
        "σ read as log σ": lambda mu, sigma, eps: mu + sigma.exp() * eps,
    },
    setting=Draw(),
)


# --- both estimators are right --------------------------------------------------------------------------------------

Estimators = tuple[Callable[[float, float, Tensor], Tensor], Callable[[float, float, Tensor], Tensor]]


def _no_log(mu: float, sigma: float, eps: Tensor) -> Tensor:
    """z^2 times the slope of the exponent alone: ln of the normalizer, -1/sigma, is left out."""
    z = mu + sigma * eps
    return torch.stack([z**2 * eps / sigma, z**2 * eps**2 / sigma], -1)


def _half_path(mu: float, sigma: float, eps: Tensor) -> Tensor:
    """z is taken for a constant where sigma enters."""
    z = mu + sigma * eps
    return torch.stack([2 * z, torch.zeros_like(z)], -1)


def check_unbiased(estimators: Estimators, setting: Draw, seed: int) -> list[Trial]:
    """Each estimate minus the exact gradient has mean 0; its variance is the exact one."""
    eps = _eps(setting.n, seed)
    pathwise, score = (estimate(setting.mu, setting.sigma, eps) for estimate in estimators)
    by_mu, by_sigma = gradient_variances(setting.mu, setting.sigma)
    z = (
        z_of_mean(pathwise[:, 0], 2 * setting.mu, by_mu[0]),
        z_of_mean(pathwise[:, 1], 2 * setting.sigma, by_sigma[0]),
        z_of_mean(score[:, 0], 2 * setting.mu, by_mu[1]),
        z_of_mean(score[:, 1], 2 * setting.sigma, by_sigma[1]),
    )
    return [
        Trial("z of the mean, pathwise, ∂μ", z[0].value, z[0].p_value, n=setting.n),
        Trial("z of the mean, pathwise, ∂σ", z[1].value, z[1].p_value, n=setting.n),
        Trial("z of the mean, score function, ∂μ", z[2].value, z[2].p_value, n=setting.n),
        Trial("z of the mean, score function, ∂σ", z[3].value, z[3].p_value, n=setting.n),
    ]


UNBIASED = Claim(
    key="E5a",
    says="Both estimators have the exact gradient of E[z²], (2μ, 2σ), as their mean: one can differentiate without "
    "reparameterizing.",
    check=check_unbiased,
    truth=(pathwise_gradients, score_function_gradients),
    mistakes={
        "score function without the normalizer's −1/σ": (pathwise_gradients, _no_log),
        "pathwise, with σ's path cut by detach": (_half_path, score_function_gradients),
    },
    setting=Draw(n=100_000),
)

Variances = Callable[[float, float], tuple[tuple[float, float], tuple[float, float]]]
LEAST_RATIO = 15 / 4  # of the variances, at mu = 0


def check_variances(variances: Variances, setting: Draw, seed: int) -> list[Trial]:
    """The four variances by Gauss-Hermite quadrature, which is exact for polynomials; and their ratio."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    eps = torch.from_numpy(nodes)
    exact = []
    for column in (0, 1):
        for estimate in (pathwise_gradients, score_function_gradients):
            g = estimate(setting.mu, setting.sigma, eps)[:, column].numpy()
            exact.append(weights @ g**2 - (weights @ g) ** 2)
    given = np.array(variances(setting.mu, setting.sigma)).ravel()
    share = LEAST_RATIO * given[0] / given[1]
    return [
        identity(given, np.array(exact)),
        Trial("(15/4) / (ratio of the variances, ∂μ)", float(share), tolerance=1 + 1e-12, n=len(nodes)),
    ]


VARIANCES = Claim(
    key="E5b",
    says="For ∂μ of E[z²] the score-function estimator has the variance μ⁴/σ² + 14 μ² + 15 σ², the pathwise one 4 σ²: "
    "at most 4/15 of it.",
    check=check_variances,
    truth=gradient_variances,
    mistakes={
        "“both have the variance 4 σ²”": lambda m, s: ((4 * s * s, 4 * s * s), gradient_variances(m, s)[1]),
        "E[ε⁶] taken for E[ε²]³": lambda m, s: (
            (4 * s * s, m**4 / s**2 + 14 * m * m + s * s),
            gradient_variances(m, s)[1],
        ),
    },
    setting=Draw(),
)


# --- which one is noisier depends on the function -------------------------------------------------------------------

OfCosine = Callable[[float, float, float], tuple[float, float]]
FREQUENCIES = (1.0, 10.0)


def check_noisier(variances: OfCosine, setting: Draw, seed: int) -> list[Trial]:
    """Both variances for cos z and cos 10z by quadrature of the estimates -k sin kz and cos kz eps / sigma."""
    eps, weights = np.polynomial.hermite_e.hermegauss(200)
    weights = weights / weights.sum()
    z = setting.mu + setting.sigma * eps
    exact = [
        weights @ g**2 - (weights @ g) ** 2
        for k in FREQUENCIES
        for g in (-k * np.sin(k * z), np.cos(k * z) * eps / setting.sigma)
    ]
    given = np.array([variances(setting.mu, setting.sigma, k) for k in FREQUENCIES])
    return [
        identity(given.ravel(), np.array(exact)),
        Trial(
            "score function / pathwise, the larger of the two", float((given[:, 1] / given[:, 0]).max()), tolerance=1.0
        ),
    ]


NOISIER = Claim(
    key="E5d",
    says="Which estimator is noisier depends on the function: at μ = 0.3, σ = 1 the score-function estimator’s "
    "variance is 0.300 for cos z (pathwise 0.412) and 0.5 for cos 10z (pathwise 50).",
    check=check_noisier,
    truth=cosine_variances,
    mistakes={
        "“the score function is always the noisier one”": lambda m, s, k: cosine_variances(m, s, k)[::-1],
        "the slope of cos kz without its factor k": lambda m, s, k: (
            cosine_variances(m, s, k)[0] / k**2,
            cosine_variances(m, s, k)[1],
        ),
    },
    setting=Draw(0.3, 1.0),
)

# --- DDPM's training does not need it -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Training:
    """One step of training at ``t``."""

    schedule: NoiseSchedule
    t: int
    batch: int = 64


class TinyNet(nn.Module):
    """A small network for eps, (batch, 1) -> (batch, 1)."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1)).double()
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 2

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out


Noising = Callable[[Training, Tensor, Tensor, Tensor], Tensor]


def loss_gradients(noising: Noising, setting: Training, seed: int, detach: bool) -> Tensor:
    """The gradient of mean |eps - eps_theta(x_t)|^2 by all parameters, one long vector; x_t detached or not.

    ``noising(setting, x0, eps, shift)`` makes x_t; ``shift`` is one more trainable number, which only a learned
    noising uses.
    """
    generator = torch.Generator().manual_seed(seed)
    x0 = bimodal().law.sample(setting.batch, generator)
    eps = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
    net = TinyNet(seed)
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    x_t = noising(setting, x0, eps, shift)
    loss = (eps - net(x_t.detach() if detach else x_t)).square().mean()
    parameters = [*net.parameters(), shift]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
    return torch.cat([g.flatten() for g in gradients])


def learned_noising(setting: Training, x0: Tensor, eps: Tensor, shift: Tensor) -> Tensor:
    """A schedule with a parameter: the logarithm of the SNR is moved by ``shift``."""
    log_snr = setting.schedule.snr[setting.t].log() + shift
    return log_snr.sigmoid().sqrt() * x0 + (-log_snr).sigmoid().sqrt() * eps


def check_detach(noising: Noising, setting: Training, seed: int) -> list[Trial]:
    """Detached and not detached, the gradients are the same to the last bit."""
    with_path = loss_gradients(noising, setting, seed, detach=False)
    without = loss_gradients(noising, setting, seed, detach=True)
    return [Trial("numbers that differ", int((with_path != without).sum()), tolerance=0.0, n=with_path.numel())]


DETACH = Claim(
    key="E5c",
    says="DDPM's training does not need it: with x_t detached, every gradient is the same to the last bit.",
    check=check_detach,
    truth=lambda now, x0, eps, shift: q_sample(now.schedule, x0, now.t, eps),
    mistakes={
        "a learned schedule, with x_t detached": learned_noising,
        "a learned encoder (VAE), with x_t detached": lambda now, x0, eps, shift: q_sample(
            now.schedule, x0 * (1 + shift), now.t, eps
        ),
    },
    setting=Training(linear(1000), t=500),
)

CLAIMS: tuple[AnyClaim, ...] = (DRAW, FLOW, UNBIASED, VARIANCES, NOISIER, DETACH)
