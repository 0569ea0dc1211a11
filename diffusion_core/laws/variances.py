r"""Choices of the reverse step's variance that know the law of the data.

.. math::
    \sigma^{*2} &= \tilde\beta + \frac{\ell_t}{\bar\alpha_t}(\beta-\tilde\beta)
        && \text{the best that knows only t (variance.optimal)} \\
    \sigma^{*2}(x_t) &= \tilde\beta + c_0^2\,\mathrm{Var}[x_0|x_t]
        && \text{state dependent: the true } \mathrm{Var}[x_s|x_t]

References:
    Bao et al. 2022, "Analytic-DPM", theorem 1. Nichol, Dhariwal 2021, section 3.1 (a variance for each pixel).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.estimates import loss_floor
from diffusion_core.laws.law import Law
from diffusion_core.posterior import Transition
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.variance import Variance, VarianceChoice, optimal

__all__ = ["optimal_for", "state_dependent", "state_dependent_diagonal"]


def optimal_for(
    law: Law,
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    n: int = 2_000,
    generator: torch.Generator | None = None,
) -> VarianceChoice:
    """`optimal` with the floor of this law at these timesteps. Arguments and errors are those of `loss_floor`."""
    floors = {t: loss_floor(law, schedule, t, n=n, generator=generator).value for t in timesteps}

    def floor(t: int) -> float:
        if t not in floors:
            raise BadInput("t must be one of the timesteps that the optimal variance was made for; got {got}.", got=t)
        return floors[t]

    return optimal(floor)


def state_dependent(law: Law, schedule: NoiseSchedule) -> VarianceChoice:
    r""":math:`\tilde\beta + c_0^2\,\mathrm{tr}\,\mathrm{Cov}[x_0|x_t]/d`: one variance for each row of x_t, the
    average over its coordinates of the true :math:`\mathrm{Var}[x_s|x_t]`.

    It may leave [beta-tilde, beta]: between two modes x_0 is more uncertain than beta allows.
    """

    def choose(transition: Transition, x_t: Tensor) -> Variance:
        value = _true_variance(law, schedule, transition, x_t)
        mean = value.mean(dim=_coordinate_axes(x_t, law.dimension), keepdim=True)
        return Variance(mean, mean.log())

    return choose


def state_dependent_diagonal(law: Law, schedule: NoiseSchedule) -> VarianceChoice:
    r""":math:`\tilde\beta + c_0^2\,\mathrm{Var}[x_0|x_t]` of each coordinate, in the shape of x_t: what Improved
    DDPM's variance of each pixel can become at best.
    """

    def choose(transition: Transition, x_t: Tensor) -> Variance:
        value = _true_variance(law, schedule, transition, x_t)
        return Variance(value, value.log())

    return choose


def _true_variance(law: Law, schedule: NoiseSchedule, transition: Transition, x_t: Tensor) -> Tensor:
    return transition.beta_tilde + transition.c_0**2 * law.at(schedule, transition.t).x0_variance(x_t)


def _coordinate_axes(x: Tensor, d: int) -> tuple[int, ...]:
    """The last axes of x that hold the d coordinates of one row."""
    count = next(k for k in range(1, x.ndim + 1) if math.prod(x.shape[-k:]) == d)
    return tuple(range(-count, 0))
