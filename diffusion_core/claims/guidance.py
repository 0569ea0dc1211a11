"""Guidance, with every score known: what it follows at each t, and where it arrives.

eps + w (eps_c - eps) = -sqrt(1 - alpha_bar_t) grad ln [p_t(x_t) p_t(c | x_t)^w]          at each t
w = 0 ends in p(x), w = 1 in p(x | c)
sampling along it does not end in p(x) p(c | x)^w, but for w = 0 and w = 1: with w = 3 an outer class ends farther out,
a middle class narrower
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from diffusion_core.claims.check import AnyClaim, Claim, Trial, identity, kolmogorov_smirnov
from diffusion_core.denoisers import Guided
from diffusion_core.laws.guided import GuidedLaw, LabelledMixture, guided_law, three_bumps, two_bumps, two_halves
from diffusion_core.samplers import ddim
from diffusion_core.schedule import NoiseSchedule, cosine

__all__ = ["ARRIVES", "CLAIMS", "ENDS", "FOLLOWS", "Along", "Many", "Places", "moments"]

# --- at each t ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """``n`` places in the plane, at a few t and scales."""

    schedule: NoiseSchedule
    times: tuple[int, ...] = (50, 300, 700)
    scales: tuple[float, ...] = (0.0, 0.5, 1.0, 3.0)
    c: int = 1
    n: int = 16


@dataclass(frozen=True)
class Seen:
    """What a mistake may use: p_t(x | c) / p_t(x), and sqrt(1 - alpha_bar_t)."""

    ratio: Tensor
    sd: float


EpsOf = Callable[[Tensor, Tensor, float, Seen], Tensor]
"""(eps, eps_c, w, what else is there) -> the guided eps."""


def guided_eps(without: Tensor, given: Tensor, w: float, seen: Seen) -> Tensor:
    """eps + w (eps_c - eps)."""
    return without + w * (given - without)


def of_mixed_densities(without: Tensor, given: Tensor, w: float, seen: Seen) -> Tensor:
    """Of (1 - w) p(x) + w p(x | c): the sum of densities, where guidance adds their logarithms."""
    return ((1 - w) * without + w * seen.ratio * given) / (1 - w + w * seen.ratio)


def check_follows(eps_of: EpsOf, setting: Places, seed: int) -> list[Trial]:
    """The guided eps against autograd's gradient of ln p_t(x_t) + w ln p_t(c | x_t)."""
    law, schedule = two_halves(), setting.schedule
    denoiser = law.denoiser(schedule)
    generator = torch.Generator().manual_seed(seed)
    cond = torch.full((setting.n,), setting.c)
    got, expected = [], []
    for t in setting.times:
        now = law.at(schedule, t)
        for w in setting.scales:
            x = torch.randn((setting.n, 2), generator=generator, dtype=torch.float64).requires_grad_()
            (slope,) = torch.autograd.grad(now.log_tilted(x, setting.c, w).sum(), x)
            x = x.detach()
            ratio = (now.given(setting.c).log_prob(x) - now.mixture.log_prob(x)).exp()
            sd = float(schedule.sqrt_one_minus_alpha_bar[t])
            got.append(eps_of(denoiser(x, t), denoiser(x, t, cond), w, Seen(ratio[:, None], sd)))
            expected.append(-sd * slope)
    return [identity(torch.stack(got), torch.stack(expected))]


FOLLOWS = Claim(
    key="E39b",
    says="With exact networks the guided ε is, at each t, −√(1 − ᾱ_t) times the score of p_t(x_t) p_t(c | x_t)^w, "
    "without a classifier.",
    check=check_follows,
    truth=guided_eps,
    mistakes={
        "the score itself, without −√(1 − ᾱ_t)": lambda without, given, w, seen: (
            -guided_eps(without, given, w, seen) / seen.sd
        ),
        "w counted as in Ho and Salimans, from −1": lambda without, given, w, seen: guided_eps(
            without, given, w + 1, seen
        ),
        "the condition’s ε times w, nothing subtracted": lambda without, given, w, seen: without + w * given,
        "the difference the other way round": lambda without, given, w, seen: without + w * (without - given),
        "densities mixed, not their logarithms": of_mixed_densities,
    },
    setting=Places(cosine(1000)),
)

# --- at the end, where it is known ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Many:
    """As many steps as bring the error of DDIM, which falls as 1 / steps, below `tolerance`."""

    schedule: NoiseSchedule
    steps: int = 400
    tolerance: float = 2e-3


def check_ends(scale: Callable[[float], float], setting: Many, seed: int) -> list[Trial]:
    """The distribution function of what is made at w = 0 and w = 1, against the mixtures' own."""
    law, schedule = two_bumps(), setting.schedule
    timesteps = schedule.timesteps(setting.steps, spacing="trailing")
    gaps = []
    for w, expected in ((0.0, law.mixture), (1.0, law.given(1))):
        found = guided_law(law, 1, scale(w), schedule=schedule, timesteps=timesteps, n=501)
        z = (found.x[:, None] - expected.means[:, 0]) / expected.covariances[:, 0, 0].sqrt()
        gaps.append((found.made - torch.special.ndtr(z) @ expected.weights).abs().max().item())
    return [
        Trial("gap of the distribution functions, w = 0", gaps[0], tolerance=setting.tolerance, n=501),
        Trial("gap of the distribution functions, w = 1", gaps[1], tolerance=setting.tolerance, n=501),
    ]


ENDS = Claim(
    key="E39d",
    says="With exact scores and many steps, w = 0 ends in p(x), and w = 1 in p(x | c): there the law of the samples is "
    "known.",
    check=check_ends,
    truth=lambda w: w,
    mistakes={
        "w counted as in Ho and Salimans, from −1": lambda w: w + 1,
        "the two taken for each other": lambda w: 1 - w,
        "half of the difference": lambda w: w / 2,
    },
    setting=Many(cosine(1000)),
)

# --- at the end, at any scale ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Along:
    """``n`` samples of class 1 on the line, guided by ``w``, in ``steps`` steps."""

    schedule: NoiseSchedule
    w: float = 3.0
    steps: int = 100
    n: int = 2000

    @property
    def timesteps(self) -> tuple[int, ...]:
        return self.schedule.timesteps(self.steps, spacing="trailing")


CdfOf = Callable[[LabelledMixture, Along], tuple[Tensor, Tensor]]
"""(x, F(x)): the distribution function that the samples are said to have."""


def law_of(law: LabelledMixture, setting: Along, w: float) -> GuidedLaw:
    """What comes out, and p(x) p(c | x)^w."""
    return guided_law(law, 1, w, schedule=setting.schedule, timesteps=setting.timesteps, n=501)


def made(law: LabelledMixture, setting: Along) -> tuple[Tensor, Tensor]:
    """x_T's distribution function, carried along by every step."""
    found = law_of(law, setting, setting.w)
    return found.x, found.made


def moments(x: Tensor, F: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of a distribution function."""
    mass, at = F.diff(), (x[1:] + x[:-1]) / 2
    mean = (mass @ at / mass.sum()).item()
    return mean, (mass @ (at - mean).square() / mass.sum()).sqrt().item()


def tilted(law: LabelledMixture, setting: Along, w: float) -> tuple[Tensor, Tensor]:
    """The distribution function of p(x) p(c | x)^w."""
    found = law_of(law, setting, w)
    return found.x, found.tilted


def farther_out(law: LabelledMixture, setting: Along) -> tuple[Tensor, Tensor]:
    """p(x) p(c | x)^w, twice as far from 0."""
    x, F = tilted(law, setting, setting.w)
    return 2 * x, F


def between(x: Tensor, F: Tensor) -> Callable[[np.ndarray], np.ndarray]:
    """A distribution function from its values at rising x."""
    return lambda at: np.interp(at, x.numpy(), F.numpy(), left=0.0, right=1.0)


def check_arrives(cdf_of: CdfOf, setting: Along, seed: int) -> list[Trial]:
    """Guided samples against the law they are said to have, for an outer class and for one in the middle."""
    generator = torch.Generator().manual_seed(seed)
    cond = torch.ones(setting.n, dtype=torch.long)
    trials, ends = [], []
    for law in (two_bumps(), three_bumps()):  # class 1 is the right one of two, the middle one of three
        x_T = torch.randn((setting.n, 1), generator=generator, dtype=torch.float64)
        guided = Guided(law.denoiser(setting.schedule), cond, setting.w)
        *_, last = ddim(guided, setting.schedule, x_T, setting.timesteps)
        said = cdf_of(law, setting)
        trials.append(kolmogorov_smirnov(last.x_s, between(*said)))
        ends.append((moments(*said), moments(*tilted(law, setting, setting.w))))
    outer, middle = ends
    return [
        *trials,
        Trial("mean in p(x) p(c|x)ʷ / mean of the samples, outer class", outer[1][0] / outer[0][0], tolerance=0.99),
        Trial("deviation of the samples / in p(x) p(c|x)ʷ, middle class", middle[0][1] / middle[1][1], tolerance=0.99),
    ]


ARRIVES = Claim(
    key="E39c",
    says="Guided samples do not follow p(x) p(c | x)^w: with w = 3 those of an outer class end farther out, those of a "
    "class in the middle closer together. The scores of all t together belong to another law.",
    check=check_arrives,
    truth=made,
    mistakes={
        "they are p(x) p(c | x)^w": lambda law, setting: tilted(law, setting, setting.w),
        "farther out, whatever the class": farther_out,
        "they are p(x | c)": lambda law, setting: tilted(law, setting, 1.0),
        "they are p(x) p(c | x)^(w + 1)": lambda law, setting: tilted(law, setting, setting.w + 1),
    },
    setting=Along(cosine(1000)),
)

CLAIMS: tuple[AnyClaim, ...] = (FOLLOWS, ENDS, ARRIVES)
