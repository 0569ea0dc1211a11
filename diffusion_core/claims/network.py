r"""A trained network against the exact answer: Pythagoras, the floor, the score. On draws that it has never seen.

E[|eps - f|^2 | x_t] = E[|eps - eps*|^2 | x_t] + |f - eps*|^2                        for any network f(x_t)
E|eps - f|^2 >= l_t d,  equal only for f = eps*                                      (no network beats the floor)
eps* = -sqrt(1 - alpha_bar_t) grad log q_t(x_t)                                      (Tweedie)
sum_t L_{t-1}(v of a network) < sum_t L_{t-1}(beta), < sum_t L_{t-1}(beta-tilde)     (a variance learned by the bound)

What is tested has a mean of its own at each x_t (`held_out.HeldOut.floor`), so that the spread of the floor over x_t
is no part of the error. Rows are independent; the coordinates of a row are averaged first.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from scipy import stats
from torch import Tensor

from diffusion_core.claims.check import AnyClaim, Claim, Trial, estimated_mean_z
from diffusion_core.data.toys import eight_gaussians
from diffusion_core.denoisers import Denoiser, Predictor
from diffusion_core.files import MODELS
from diffusion_core.forward import q_sample
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.law import Law
from diffusion_core.objectives import vlb_loss
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.training.checkpoint import load_denoiser
from diffusion_core.training.held_out import HeldOut, even_times, held_out, predict

__all__ = ["CLAIMS", "FLOOR", "PYTHAGORAS", "SCORE", "VARIANCE", "Trained", "shipped_learned"]

SHIPPED = MODELS / "points_eight_gaussians.safetensors"
LEARNED = MODELS / "points_eight_gaussians_learned.safetensors"
TIMES = 25
CLOSE = 0.05  # of the score's mean square: below it, a network has learned the score
LEARNED_BY_HEART = 24


@cache
def _shipped() -> Predictor:
    return load_denoiser(SHIPPED)


def shipped(x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
    """The network that comes with the project, loaded at its first call."""
    return _shipped()(x_t, t, cond)


@cache
def shipped_learned() -> Predictor:
    """The one that has learned its variance, too."""
    return load_denoiser(LEARNED)


@dataclass(frozen=True)
class Trained:
    """A network, what it was trained on, and how many draws at each of 25 times it is judged by."""

    law: Law
    schedule: NoiseSchedule
    denoiser: Denoiser = shipped
    n: int = 800


def _draws(setting: Trained, seed: int, points: FiniteData | None = None) -> HeldOut:
    generator = torch.Generator().manual_seed(seed)
    times = even_times(setting.schedule.T, TIMES)
    return held_out(setting.law, setting.schedule, times, n=setting.n, generator=generator, points=points)


# --- variants: what is judged, and beside which floor ---------------------------------------------------------------

Judged = tuple[HeldOut, Tensor, Tensor]  # draws; prediction (P, n, d); floor (P, n)
Variant = Callable[[Trained, int], Judged]


def as_it_is(setting: Trained, seed: int) -> Judged:
    """The network on new draws, beside their floor."""
    draws = _draws(setting, seed)
    return draws, predict(setting.denoiser, draws), draws.floor


def peeks(setting: Trained, seed: int) -> Judged:
    """A "network" that sees a tenth of the noise it is to predict."""
    draws, prediction, floor = as_it_is(setting, seed)
    return draws, prediction.lerp(draws.eps, 0.1), floor


def wrong_floor(setting: Trained, seed: int) -> Judged:
    """The floor of t / 2, where less noise makes it higher."""
    draws, prediction, _floor = as_it_is(setting, seed)
    generator = torch.Generator().manual_seed(seed)
    halves = tuple(max(1, t // 2) for t in draws.times)
    return draws, prediction, held_out(setting.law, setting.schedule, halves, n=setting.n, generator=generator).floor


def by_heart(setting: Trained, seed: int) -> Judged:
    """The best possible network for 24 training points, judged on those points, beside the floor of the truth."""
    points = FiniteData(setting.law.sample(LEARNED_BY_HEART, torch.Generator().manual_seed(seed + 1)))
    draws = _draws(setting, seed, points)
    return draws, predict(points.denoiser(setting.schedule), draws), draws.floor


# --- Pythagoras -----------------------------------------------------------------------------------------------------


# The ways in which a network seems to beat the floor.
BEATS_THE_FLOOR: dict[str, Variant] = {
    "a network that peeks at ε": peeks,
    "the floor of another t": wrong_floor,
    "scored on the points it learned by heart": by_heart,
}


def check_pythagoras(variant: Variant, setting: Trained, seed: int) -> list[Trial]:
    """(eps - f)^2 - (f - eps*)^2 less the floor has mean 0: over small, middle and large t."""
    draws, f, floor = variant(setting, seed)
    rest = (draws.eps - f).square().mean(-1) - (f - draws.eps_star).square().mean(-1) - floor  # (P, n)
    return [estimated_mean_z(part) for part in rest.tensor_split(3)]


PYTHAGORAS = Claim(
    key="E34n",
    says="The loss of this network on new draws is the floor plus its squared distance from E[ε | x_t].",
    check=check_pythagoras,
    truth=as_it_is,
    mistakes=BEATS_THE_FLOOR,
    setting=Trained(eight_gaussians().law, linear(1000)),
)

# --- never below ----------------------------------------------------------------------------------------------------


def one_sided(excess: Tensor) -> tuple[float, float, int]:
    """z, p and n of a mean that may be anything above 0, and nothing below."""
    r = excess.flatten()
    z = r.mean().item() / (r.std().item() / math.sqrt(r.numel()))
    return z, float(stats.norm.cdf(z)), r.numel()


def above(excess: Tensor) -> Trial:
    """Is the loss at least the floor?"""
    z, p, n = one_sided(excess)
    return Trial("z of the loss above the floor (one-sided)", z, p_value=p, n=n, one_sided=True)


def check_floor(variant: Variant, setting: Trained, seed: int) -> list[Trial]:
    """The loss less the floor, over all t and over small, middle and large ones."""
    draws, f, floor = variant(setting, seed)
    excess = (draws.eps - f).square().mean(-1) - floor  # (P, n)
    return [above(part) for part in (excess, *excess.tensor_split(3))]


FLOOR = Claim(
    key="E35n",
    says="On new draws from the true density, this network does not come below the floor.",
    check=check_floor,
    truth=as_it_is,
    mistakes=BEATS_THE_FLOOR,
    setting=Trained(eight_gaussians().law, linear(1000)),
)

# --- the score ------------------------------------------------------------------------------------------------------

Score = Callable[[Tensor, float], Tensor]


def check_score(of: Score, setting: Trained, seed: int) -> list[Trial]:
    """The mean squared error of the network as the score says it, by automatic differentiation of log q_t."""
    draws = _draws(setting, seed)
    eps_hat = predict(setting.denoiser, draws)
    errors, squares = [], []
    for t, x, f in zip(draws.times, draws.x_t, eps_hat, strict=True):
        leaf = x.detach().requires_grad_(True)
        (score,) = torch.autograd.grad(setting.law.at(setting.schedule, t).log_prob(leaf).sum(), leaf)
        target = of(score, setting.schedule.one_minus_alpha_bar[t].item())
        errors.append((f - target).square().mean())
        squares.append(f.square().mean())
    error = (torch.stack(errors).mean() / torch.stack(squares).mean()).item()
    return [Trial("mean squared error / mean square", error, tolerance=CLOSE, n=draws.floor.numel())]


SCORE = Claim(
    key="E39n",
    says="What this network has learned is −√(1 − ᾱ_t) times the score ∇ log q_t, to 5% of its mean square.",
    check=check_score,
    truth=lambda score, noise: -math.sqrt(noise) * score,
    mistakes={
        "plus in place of minus": lambda score, noise: math.sqrt(noise) * score,
        "1 − ᾱ_t in place of its root": lambda score, noise: -noise * score,
        "the score itself": lambda score, noise: -score,
    },
    setting=Trained(eight_gaussians().law, linear(1000)),
)

CLAIMS: tuple[AnyClaim, ...] = (PYTHAGORAS, FLOOR, SCORE)  # of any network; the next one, of a network with a variance

# --- a learned variance ---------------------------------------------------------------------------------------------

DECIDED = 50  # the terms of the bound up to this t: beyond it beta-tilde and beta are nearly the same

OfV = Callable[[Tensor], Tensor]


def check_variance(variant: OfV, setting: Law, seed: int) -> list[Trial]:
    """The bound's terms with beta and with beta-tilde, less those with the network's own v; on the same new draws."""
    network, generator = shipped_learned(), torch.Generator().manual_seed(seed)
    t = torch.arange(1, DECIDED + 1).repeat_interleave(400)
    x0 = setting.sample(len(t), generator)
    eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    schedule = network.schedule
    with torch.no_grad():
        x_t = q_sample(schedule, x0, t, eps)
        eps_hat, v = (part.double() for part in network.eps_and_v(x_t.float(), t) if part is not None)
    own, large, small = (
        vlb_loss(eps_hat, choice, schedule, t, eps=eps)
        for choice in (variant(v), torch.ones_like(v), torch.zeros_like(v))
    )
    z_large, p_large, n = one_sided(large - own)
    z_small, p_small, _n = one_sided(small - own)
    return [
        Trial("z of what β costs more (one-sided)", z_large, p_value=p_large, n=n, one_sided=True),
        Trial("z of what β̃ costs more (one-sided)", z_small, p_value=p_small, n=n, one_sided=True),
    ]


VARIANCE = Claim(
    key="E32n",
    says="With the variance that this network has learned, the bound is not worse than with β, nor than with β̃.",
    check=check_variance,
    truth=lambda v: v,
    mistakes={
        "a network that never learned it: v = 1/2": lambda v: torch.full_like(v, 0.5),
        "v the wrong way round": lambda v: 1 - v,
    },
    setting=eight_gaussians().law,
)
