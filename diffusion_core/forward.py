r"""The forward process: from data to noise.

.. math::
    q(x_t|x_s) = N\big(\sqrt{\alpha_{t|s}}\,x_s,\ (1-\alpha_{t|s}) I\big),\quad
    \alpha_{t|s} = \bar\alpha_t/\bar\alpha_s, \qquad
    x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon.

Every function is given its noise; none draws. Results have the data's dtype and device; where data and noise have two,
the wider one. Whole numbers are refused: they are no data of variance about 1.

References:
    Ho, Jain, Abbeel 2020, eq. 2 (one step) and eq. 4 (the jump).
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from diffusion_core.errors import BadInput, check_at_least_zero, check_finite, check_floating, check_same_shape
from diffusion_core.schedule import NoiseSchedule, cast

__all__ = ["alike", "collapse_noise", "forward_kl", "q_chain", "q_sample", "q_step"]


def alike(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the wider of their dtypes; themselves, where they have one."""
    dtype = torch.promote_types(x.dtype, y.dtype)
    return x.to(dtype), y.to(dtype)


def q_step(schedule: NoiseSchedule, x_s: Tensor, s: int, t: int, eps: Tensor) -> Tensor:
    r"""One transition, :math:`x_t = \sqrt{\alpha_{t|s}}\,x_s + \sqrt{1-\alpha_{t|s}}\,\epsilon`; s = t - 1 is Ho's
    eq. 2, where the coefficients are :math:`\sqrt{1-\beta_t}` and :math:`\sqrt{\beta_t}`.

    Args:
        x_s: (...) the state at s.
        s, t: integers, 0 <= s < t <= T.
        eps: (...) standard normal noise.

    Returns:
        (...) the state at t.

    Raises:
        BadInput: s or t out of range, shapes that differ, numbers that are whole or not finite.
    """
    log_alpha = schedule.log_alpha_between(t, s)
    check_finite("x_s", x_s)
    check_finite("eps", eps)
    check_same_shape("eps", eps, "x_s", x_s)
    x_s, eps = alike(x_s, eps)
    return math.exp(log_alpha / 2) * x_s + math.sqrt(-math.expm1(log_alpha)) * eps


def q_sample(schedule: NoiseSchedule, x0: Tensor, t: int | Tensor, eps: Tensor, *, low: int = 0) -> Tensor:
    r"""The jump, :math:`x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon` (Ho et al. 2020, eq. 4).

    Args:
        x0: (batch, ...) data; any shape when t is one integer.
        t: an integer in low..T, or (batch,) of them, one a row (training).
        eps: standard normal noise, shape of x0.
        low: the smallest t that makes sense: 1 where eps is asked for.

    Returns:
        x_t, shape of x0.

    Raises:
        BadInput: t out of range, shapes that differ, numbers that are whole or not finite.
    """
    check_finite("x0", x0)
    check_finite("eps", eps)
    check_same_shape("eps", eps, "x0", x0)
    x0, eps = alike(x0, eps)
    signal, noise = schedule.levels(t, x0, low)
    return signal * x0 + noise * eps


def q_chain(schedule: NoiseSchedule, x0: Tensor, eps: Tensor) -> Iterator[Tensor]:
    """The chain x_1, x_2, ...: one `q_step` after the other.

    Args:
        x0: (...) data.
        eps: (n, ...) noise of the first n steps, n <= T; eps[t - 1] makes x_t.

    Raises:
        BadInput: eps is not n times the shape of x0, n > T, numbers that are whole or not finite.
    """
    check_finite("x0", x0)
    _check_noise_stack(schedule, eps)
    check_same_shape("one step of eps", eps[0], "x0", x0)

    def chain() -> Iterator[Tensor]:
        x = x0
        for t, noise in enumerate(eps, start=1):
            x = q_step(schedule, x, s=t - 1, t=t, eps=noise)
            yield x

    return chain()


def collapse_noise(schedule: NoiseSchedule, eps: Tensor, t: int) -> Tensor:
    r"""The one noise with which the jump lands where the chain did:

    .. math::
        \bar z_t = \frac{1}{\sqrt{1-\bar\alpha_t}}\sum_{i=1}^{t}\sqrt{\bar\alpha_t/\bar\alpha_i}\,\sqrt{\beta_i}\,z_i.

    It is standard normal, because the z_i are independent; and it is another variable at each t.

    Args:
        eps: (n, ...) the chain's noise z_1..z_n, n >= t.
        t: an integer in 1..n.

    Returns:
        (...) z-bar.

    Raises:
        BadInput: t out of range, n > T, numbers that are whole or not finite.
    """
    _check_noise_stack(schedule, eps)
    schedule.check_t(t, low=1)
    if t > len(eps):
        raise BadInput("eps must hold the noise of t = {t} steps; got {got}.", t=t, got=len(eps))
    later = schedule.log_alpha[2 : t + 1].flip(0).cumsum(0).flip(0)  # ln(alpha_bar_t / alpha_bar_i), i = 1..t - 1
    log_kept = torch.cat([later, torch.zeros(1, dtype=torch.float64)])
    weights = torch.exp(log_kept / 2) * schedule.beta[1 : t + 1].sqrt() / schedule.sqrt_one_minus_alpha_bar[t]
    together: Tensor = torch.tensordot(cast(weights, eps), eps[:t], dims=1)
    return together


def _check_noise_stack(schedule: NoiseSchedule, eps: Tensor) -> None:
    check_floating("eps", eps)
    if eps.ndim == 0 or not 1 <= len(eps) <= schedule.T:
        raise BadInput(
            "eps must stack the noise of 1 to T = {T} steps; got shape {got}.", T=schedule.T, got=tuple(eps.shape)
        )
    check_finite("eps", eps)


def forward_kl(schedule: NoiseSchedule, second_moment: float, t: int) -> float:
    r"""How far x_t, with x_0 known, is from noise, in nats a dimension (the prior term :math:`L_T` at t = T):

    .. math:: \tfrac1d E_{x_0} KL\big(q(x_t|x_0)\,\|\,N(0,I)\big)
              = \tfrac12\big[\bar\alpha_t(m_2-1) - \ln(1-\bar\alpha_t)\big],\qquad m_2 = E\|x_0\|^2/d.

    Infinite at t = 0. Divide by ln 2 for bits (Ho et al. 2020, section 4: about 1e-5 bits).

    Raises:
        BadInput: t out of range, or second_moment negative or not finite.
    """
    schedule.check_t(t)
    check_at_least_zero("second_moment", second_moment)
    alpha_bar, noise = schedule.alpha_bar[t].item(), schedule.one_minus_alpha_bar[t].item()
    if noise == 0:
        return math.inf
    return (alpha_bar * second_moment + _log_excess(alpha_bar, noise)) / 2


def _log_excess(a: float, one_minus_a: float) -> float:
    """-ln(1 - a) - a = a^2/2 + a^3/3 + ...; the series where the difference would lose its digits."""
    if a < 0.1:
        return math.fsum(a**k / k for k in range(2, 20))
    return -math.log(one_minus_a) - a
