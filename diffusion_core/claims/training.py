"""The article's training: what the squared error of the noise can reach, what it leaves out, and whose average it is.

E[(eps - f)^2] = l_t + E[(f - eps*)^2]                                              for any prediction f(x_t)
L_{t-1} = const + beta^2 / (2 sigma^2 alpha (1 - alpha_bar_t)) E|eps - eps_hat|^2   (Ho et al. 2020, eq. 12)
L_simple = E_t E|eps - eps_hat|^2,   t uniform on 1..T                              (Ho et al. 2020, eq. 14)
argmin_f sum_t w_t E(eps - f(x_t, t))^2 = eps*  for any w_t > 0: each t has an f of its own
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.claims.check import AnyClaim, Claim, Trial, estimated_mean_z, identity
from diffusion_core.data.toys import bimodal, gaussian_1d
from diffusion_core.forward import q_sample
from diffusion_core.laws.estimates import loss_floor
from diffusion_core.objectives import simple_loss, simple_weight
from diffusion_core.posterior import Transition, transition
from diffusion_core.reverse import reverse_step
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import Variance, VarianceChoice, fixed_large, fixed_small

__all__ = ["CLAIMS", "MINIMISER", "PYTHAGORAS", "TIME_AVERAGE", "WEIGHT", "Loss"]


@dataclass(frozen=True)
class Loss:
    """``n`` draws of the two-peaked data, noised to ``t``."""

    schedule: NoiseSchedule
    t: int
    n: int = 50_000


# --- the floor ------------------------------------------------------------------------------------------------------

Optimum = Callable[[Loss, Tensor, Tensor], tuple[Tensor, float]]


def optimum(setting: Loss, x_t: Tensor, eps: Tensor) -> tuple[Tensor, float]:
    """eps*, and its loss l_t."""
    law = bimodal().law
    return law.at(setting.schedule, setting.t).eps(x_t), loss_floor(law, setting.schedule, setting.t).value


def straight_line(setting: Loss, x_t: Tensor) -> Tensor:
    """The best prediction that is linear in x_t, a network too small for this data."""
    alpha_bar, noise = (
        float(setting.schedule.alpha_bar[setting.t]),
        float(setting.schedule.one_minus_alpha_bar[setting.t]),
    )
    return math.sqrt(noise) / (alpha_bar * bimodal().law.variance + noise) * x_t


def line_as_optimum(setting: Loss, x_t: Tensor, eps: Tensor) -> tuple[Tensor, float]:
    """The straight line taken for the best there is, with its own loss as the floor, in the mean over draws."""
    _best, floor = optimum(setting, x_t, eps)
    return straight_line(setting, x_t), floor


def check_pythagoras(best: Optimum, setting: Loss, seed: int) -> list[Trial]:
    """For three predictions f: (eps - f)^2 - (f - eps*)^2 is l_t in the mean."""
    generator = torch.Generator().manual_seed(seed)
    x0 = bimodal().law.sample(setting.n, generator)
    eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    x_t = q_sample(setting.schedule, x0, setting.t, eps)
    eps_star, floor = best(setting, x_t, eps)
    return [
        estimated_mean_z((eps - f).square() - (f - eps_star).square(), floor)
        for f in (torch.zeros_like(x_t), straight_line(setting, x_t), x_t.sin())
    ]


PYTHAGORAS = Claim(
    key="E34",
    says="The loss of any network is a floor ℓ_t > 0 plus its squared distance from ε*.",
    check=check_pythagoras,
    truth=optimum,
    mistakes={
        "the floor is 0": lambda setting, x_t, eps: (optimum(setting, x_t, eps)[0], 0.0),
        "distance from ε, not from ε*": lambda setting, x_t, eps: (eps, optimum(setting, x_t, eps)[1]),
        "a straight line taken for the best": line_as_optimum,
    },
    setting=Loss(linear(1000), t=300),
)

# --- the weights that were dropped ----------------------------------------------------------------------------------

Weight = Callable[[Transition, Variance], float]


def check_weight(weight: Weight, setting: NoiseSchedule, seed: int) -> list[Trial]:
    """KL between two Gaussians of the same variance, their means a sampler's with eps and with eps + error."""
    generator = torch.Generator().manual_seed(seed)
    got, expected = [], []
    choices: tuple[VarianceChoice, ...] = (fixed_small, fixed_large)
    for choose in choices:
        for t in (2, 3, 10, 100, 300, setting.T):
            pair = transition(setting, t, t - 1)
            x_t, eps, error = torch.randn((3, 8), generator=generator, dtype=torch.float64)
            variance = choose(pair, x_t)
            right, wrong = (reverse_step(pair, x_t, e, variance).mean for e in (eps, eps + error))
            expected.append((right - wrong).square() / (2 * float(variance.value)))
            got.append(weight(pair, variance) * error.square())
    return [identity(torch.stack(got), torch.stack(expected))]


WEIGHT = Claim(
    key="E35",
    says="For t ≥ 2 the likelihood bound weighs the error by β² / (2σ²α(1 − ᾱ_t)); the simple loss puts 1 in its "
    "place.",
    check=check_weight,
    truth=simple_weight,
    mistakes={
        "the ½ left out": lambda pair, variance: 2 * simple_weight(pair, variance),
        "weight 1: the simple loss is the bound": lambda pair, variance: 1.0,
        "α_t left out": lambda pair, variance: simple_weight(pair, variance) * pair.alpha,
        "1 − ᾱ_t squared": lambda pair, variance: simple_weight(pair, variance) / pair.one_minus_alpha_bar_t,
    },
    setting=linear(1000),
)

# --- the average over t ---------------------------------------------------------------------------------------------

DATA_VARIANCE = 0.25


def check_time_average(draw_t: Callable[[int, int, torch.Generator], Tensor], setting: Loss, seed: int) -> list[Trial]:
    """The loss of the exact denoiser of N(0, 1/4), one t a row, against the mean of l_t over 1..T."""
    schedule, generator = setting.schedule, torch.Generator().manual_seed(seed)
    t = draw_t(schedule.T, setting.n, generator)
    x0 = math.sqrt(DATA_VARIANCE) * torch.randn(setting.n, generator=generator, dtype=torch.float64)
    eps = torch.randn(setting.n, generator=generator, dtype=torch.float64)
    variance = schedule.alpha_bar * DATA_VARIANCE + schedule.one_minus_alpha_bar
    slope = schedule.sqrt_one_minus_alpha_bar / variance

    def best(x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        return schedule.at(slope, t, x_t) * x_t

    floor = (schedule.alpha_bar * DATA_VARIANCE / variance)[1:].mean()
    return [estimated_mean_z(simple_loss(best, schedule, x0, t=t, eps=eps), float(floor))]


def uniform_t(T: int, n: int, generator: torch.Generator) -> Tensor:
    """t uniform on 1..T."""
    return torch.randint(1, T + 1, (n,), generator=generator)


TIME_AVERAGE = Claim(
    key="E35b",
    says="The simple loss is an average over t too, with t uniform on 1..T.",
    check=check_time_average,
    truth=uniform_t,
    mistakes={
        "one t for all": lambda T, n, generator: torch.full((n,), T // 2),
        "small t drawn more often": lambda T, n, generator: torch.minimum(
            uniform_t(T, n, generator), uniform_t(T, n, generator)
        ),
        "the first half of the times only": lambda T, n, generator: uniform_t(T // 2, n, generator),
    },
    setting=Loss(linear(1000), t=0),
)

# --- the weights and the minimiser ----------------------------------------------------------------------------------

Answers = Callable[[int], tuple[Tensor, Tensor]]
"""number of times -> how the slopes a_t are made of a network's numbers (times, numbers); a factor on all weights."""


def check_minimiser(answers: Answers, setting: NoiseSchedule, seed: int) -> list[Trial]:
    """The slopes a_t that minimise sum_t w_t E(eps - a_t x_t)^2 for three weightings, against those of eps*."""
    law = gaussian_1d(DATA_VARIANCE).law
    times = torch.arange(1, setting.T + 1, max(1, setting.T // 25))
    basis, factor = answers(len(times))
    noise = setting.one_minus_alpha_bar[times]
    second_moment = setting.alpha_bar[times] * DATA_VARIANCE + noise  # of x_t; E[eps x_t] = sqrt(noise)
    one = torch.ones(1, dtype=torch.float64)
    best = torch.cat([law.at(setting, t).eps(one[None]) for t in times.tolist()])[:, 0]
    small_t_often = 1 / times.double()
    of_the_bound = setting.beta[times] / (setting.alpha[times] * noise)
    found = []
    for weights in (torch.ones_like(noise), small_t_often, of_the_bound):
        root = (weights * factor * second_moment).sqrt()[:, None]
        target = (weights * factor * noise / second_moment).sqrt()[:, None]
        numbers = torch.linalg.lstsq(root * basis, target, driver="gelsd").solution
        found.append((basis @ numbers)[:, 0])
    return [identity(torch.stack(found), best.expand(3, -1))]


MINIMISER = Claim(
    key="E35c",
    says="Any positive weights over t, or any way to draw t that leaves none out, have the same best network, ε*: the "
    "weights matter to a network that cannot answer each t by itself.",
    check=check_minimiser,
    truth=lambda n: (torch.eye(n, dtype=torch.float64), torch.ones(n, dtype=torch.float64)),
    mistakes={
        "a network with one number for all t": lambda n: (
            torch.ones((n, 1), dtype=torch.float64),
            torch.ones(n, dtype=torch.float64),
        ),
        "half of the times never drawn": lambda n: (
            torch.eye(n, dtype=torch.float64),
            (torch.arange(n) < n // 2).double(),
        ),
    },
    setting=linear(1000),
)

CLAIMS: tuple[AnyClaim, ...] = (PYTHAGORAS, WEIGHT, TIME_AVERAGE, MINIMISER)
