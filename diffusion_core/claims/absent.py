"""What the article needs and leaves out, as far as it is not about the variance: what the network learns is a score.

eps*(x_t) = E[eps | x_t] = -sqrt(1 - alpha_bar_t) grad log q(x_t)      (Tweedie; Efron 2011)
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.claims.check import AnyClaim, Claim, Trial, identity
from diffusion_core.data.toys import eight_gaussians
from diffusion_core.parameterization import eps_from_score
from diffusion_core.schedule import NoiseSchedule, linear

__all__ = ["CLAIMS", "TWEEDIE", "Place"]


@dataclass(frozen=True)
class Place:
    """``n`` places in the plane, at a few t."""

    schedule: NoiseSchedule
    times: tuple[int, ...] = (10, 100, 300, 1000)
    n: int = 16


EpsOf = Callable[[NoiseSchedule, Tensor, int], Tensor]


def check_tweedie(eps_of: EpsOf, setting: Place, seed: int) -> list[Trial]:
    """eps made of autograd's gradient of ln q(x_t), against the one made of E[x_0 | x_t]."""
    law, schedule = eight_gaussians().law, setting.schedule
    generator = torch.Generator().manual_seed(seed)
    got, expected = [], []
    for t in setting.times:
        x = torch.randn((setting.n, 2), generator=generator, dtype=torch.float64).requires_grad_()
        now = law.at(schedule, t)
        (score,) = torch.autograd.grad(now.log_prob(x).sum(), x)
        got.append(eps_of(schedule, score, t))
        x = x.detach()
        rest = x - float(schedule.sqrt_alpha_bar[t]) * now.x0_mean(x)
        expected.append(rest / float(schedule.sqrt_one_minus_alpha_bar[t]))
    return [identity(torch.stack(got), torch.stack(expected))]


TWEEDIE = Claim(
    key="E39",
    says="Predicting the noise is learning the score: ε* = −√(1 − ᾱ_t) ∇ ln q(x_t).",
    check=check_tweedie,
    truth=eps_from_score,
    mistakes={
        "the sign forgotten": lambda schedule, score, t: -eps_from_score(schedule, score, t),
        "1 − ᾱ_t without its root": lambda schedule, score, t: -float(schedule.one_minus_alpha_bar[t]) * score,
        "the score itself": lambda schedule, score, t: -score,
    },
    setting=Place(linear(1000)),
)

CLAIMS: tuple[AnyClaim, ...] = (TWEEDIE,)
