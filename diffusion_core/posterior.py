r"""The posterior: where x_s was, when x_t and x_0 are known.

.. math::
    q(x_s|x_t,x_0) = N\big(\tilde\mu,\ \tilde\beta I\big), \qquad
    \tilde\mu = c_0 x_0 + c_t x_t, \\
    \beta = 1-\alpha_{t|s},\quad
    \tilde\beta = \beta\frac{1-\bar\alpha_s}{1-\bar\alpha_t},\quad
    c_0 = \frac{\sqrt{\bar\alpha_s}\,\beta}{1-\bar\alpha_t},\quad
    c_t = \frac{\sqrt{\alpha_{t|s}}\,(1-\bar\alpha_s)}{1-\bar\alpha_t}.

Every transition is a pair (t, s), s < t; s = t - 1 is the paper's. A stride has its own alpha and beta, never the
neighbour's. At s = 0 the posterior is the point x_0 itself.

References:
    Ho, Jain, Abbeel 2020, eq. 6 and 7.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from diffusion_core.errors import BadInput, check_finite, check_same_shape
from diffusion_core.forward import alike
from diffusion_core.schedule import NoiseSchedule

__all__ = ["Transition", "check_timesteps", "q_posterior", "transition", "transitions"]


@dataclass(frozen=True)
class Transition:
    """Every coefficient of one transition from t down to s, as Python floats (formulas at the top of the file)."""

    t: int
    s: int
    alpha_bar_t: float
    alpha_bar_s: float
    one_minus_alpha_bar_t: float
    one_minus_alpha_bar_s: float
    sqrt_alpha_bar_t: float
    sqrt_alpha_bar_s: float
    sqrt_one_minus_alpha_bar_t: float
    sqrt_one_minus_alpha_bar_s: float
    alpha: float
    beta: float
    beta_tilde: float
    c_0: float
    c_t: float


def transition(schedule: NoiseSchedule, t: int, s: int) -> Transition:
    r"""The coefficients of (t, s), from the logs, so that they are as right at t = 1 as at T.

    Relative errors at T = 1000 are below 1e-14. Those of beta, beta-tilde and the noise levels stay there at any T;
    those of the signal levels, alpha, c_0 and c_t grow with :math:`|\ln\bar\alpha_T|`: 5e-12 at T = 100,000
    (linear), where :math:`\bar\alpha_T` itself is below the smallest float.

    Raises:
        BadInput: not 0 <= s < t <= T.
    """
    log_alpha = schedule.log_alpha_between(t, s)
    log_t, log_s = schedule.log_alpha_bar_at(t), schedule.log_alpha_bar_at(s)
    noise_t, noise_s = 0.0 - math.expm1(log_t), 0.0 - math.expm1(log_s)  # 0 at s = 0, not -0
    beta = -math.expm1(log_alpha)
    root_s = math.exp(log_s / 2)
    return Transition(
        t=t,
        s=s,
        alpha_bar_t=math.exp(log_t),
        alpha_bar_s=math.exp(log_s),
        one_minus_alpha_bar_t=noise_t,
        one_minus_alpha_bar_s=noise_s,
        sqrt_alpha_bar_t=math.exp(log_t / 2),
        sqrt_alpha_bar_s=root_s,
        sqrt_one_minus_alpha_bar_t=math.sqrt(noise_t),
        sqrt_one_minus_alpha_bar_s=math.sqrt(noise_s),
        alpha=math.exp(log_alpha),
        beta=beta,
        beta_tilde=beta * noise_s / noise_t,
        c_0=root_s * beta / noise_t,
        c_t=math.exp(log_alpha / 2) * noise_s / noise_t,
    )


def transitions(schedule: NoiseSchedule, timesteps: Sequence[int]) -> list[Transition]:
    """The pairs of neighbouring timesteps, from the first down to s = 0: the path that a sampler walks.

    Args:
        timesteps: integers in 1..T, from high to low, as `NoiseSchedule.timesteps` gives them.

    Raises:
        BadInput: no timestep; one that is out of range; timesteps that do not fall.
    """
    check_timesteps(schedule, timesteps)
    following = [*timesteps[1:], 0]
    if any(s >= t for t, s in zip(timesteps, following, strict=True)):
        raise BadInput("timesteps must go from high to low, each once; got {got}.", got=list(timesteps))
    return [transition(schedule, t, s) for t, s in zip(timesteps, following, strict=True)]


def check_timesteps(schedule: NoiseSchedule, timesteps: Sequence[int]) -> None:
    """Raises BadInput unless there is at least one timestep, and each is an integer in 1..T."""
    if len(timesteps) == 0:
        raise BadInput("timesteps must hold at least one timestep; got none.")
    for t in timesteps:
        schedule.check_t(t, low=1)


def q_posterior(schedule: NoiseSchedule, x_t: Tensor, x0: Tensor, t: int, s: int) -> tuple[Tensor, Tensor]:
    r"""Mean :math:`\tilde\mu` and variance :math:`\tilde\beta` of q(x_s | x_t, x_0) (Ho et al. 2020, eq. 7).

    Args:
        x_t, x0: (...) same shape.
        t, s: integers, 0 <= s < t <= T.

    Returns:
        mean (...), and variance as a 0-d tensor of x_t's dtype and device, the same for every coordinate.
        s = 0 gives (x0, 0).

    Raises:
        BadInput: s or t out of range, shapes that differ, numbers that are whole or not finite.
    """
    pair = transition(schedule, t, s)
    check_finite("x_t", x_t)
    check_finite("x0", x0)
    check_same_shape("x0", x0, "x_t", x_t)
    x_t, x0 = alike(x_t, x0)
    return pair.c_0 * x0 + pair.c_t * x_t, x_t.new_tensor(pair.beta_tilde)
