r"""Four ways to say the same prediction: the noise, the data, the velocity, the score.

.. math::
    x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon, \qquad
    v = \sqrt{\bar\alpha_t}\,\epsilon - \sqrt{1-\bar\alpha_t}\,x_0, \qquad
    \nabla\log q(x_t) = -\epsilon/\sqrt{1-\bar\alpha_t}.

(x_t, v) is (x_0, eps) turned by an angle, so v gives both back at every t, zero terminal SNR included; eps says
nothing of x_0 where alpha_bar is 0, and x_0 nothing of eps at t = 0. In every function x_t is (...), the prediction
has its shape, and t is an integer or (batch,) integers; both hold floating-point numbers. These functions stand inside
the steps of a network: NaN is not looked for, and goes through.

References:
    Ho, Jain, Abbeel 2020, eq. 15 (x_0 from eps). Salimans, Ho 2022, appendix D (v).
    Vincent 2011; Song et al. 2021, "Score-Based Generative Modeling" (score).
"""

import math

import torch
from torch import Tensor

from diffusion_core.errors import BadInput, check_floating, check_same_shape
from diffusion_core.forward import alike
from diffusion_core.schedule import NoiseSchedule

__all__ = [
    "check_signal",
    "eps_from_score",
    "eps_from_v",
    "eps_from_x0",
    "score_from_eps",
    "v_from_eps",
    "v_from_x0",
    "x0_from_eps",
    "x0_from_v",
]

Coefficient = float | Tensor


def _ready(
    schedule: NoiseSchedule, x_t: Tensor, prediction: Tensor, t: int | Tensor, low: int = 0
) -> tuple[Tensor, Tensor, Coefficient, Coefficient]:
    """x_t and the prediction in one dtype; sqrt(alpha_bar_t) and sqrt(1 - alpha_bar_t) to multiply them with."""
    check_floating("x_t", x_t)
    check_floating("the prediction", prediction)
    check_same_shape("the prediction", prediction, "x_t", x_t)
    x_t, prediction = alike(x_t, prediction)
    signal = schedule.at(schedule.sqrt_alpha_bar, t, x_t, low)
    return x_t, prediction, signal, schedule.at(schedule.sqrt_one_minus_alpha_bar, t, x_t)


def check_signal(schedule: NoiseSchedule, t: int, dtype: torch.dtype, s: int = 0) -> None:
    r"""Raises BadInput where x_t and eps say nothing of x_s in this dtype.

    What is left of x_s in x_t is :math:`\sqrt{\bar\alpha_t/\bar\alpha_s}` of it, and numbers of about 1, as x_t and eps
    are, are rounded to :math:`\varepsilon` = torch.finfo(dtype).eps of themselves. Where the one is no larger than the
    other, no digit of x_s can be found again: divided by that root, an error of one :math:`\varepsilon` is as large as
    x_s. And x0_hat, up to 8 deviations of x_t over :math:`\sqrt{\bar\alpha_t}`, must not overflow.
    """
    log_t, log_s = schedule.log_alpha_bar_at(t), schedule.log_alpha_bar_at(s)
    if log_t == -math.inf:
        raise BadInput(
            "alpha_bar is 0 at t = {t}, where eps says nothing of x_0: predict v there, or start at a smaller t.", t=t
        )
    kept, known = math.exp((log_t - log_s) / 2), torch.finfo(dtype)
    if kept <= known.eps or math.exp(log_t / 2) * known.max < 8:
        raise BadInput(
            "From s = {s} to t = {t} the signal falls to {kept:.1g} of what it was, too little for the digits of "
            "{dtype}: take a smaller t, shorter steps or a dtype with more digits.",
            s=s,
            t=t,
            kept=kept,
            dtype=dtype,
        )


def _check_signals(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, t: int | Tensor) -> None:
    last = torch.as_tensor(t)
    if last.numel() > 0:
        for dtype in (x_t.dtype, eps.dtype):  # of two, the one with fewer digits decides
            check_signal(schedule, int(last.max()), dtype)  # alpha_bar falls with t


def x0_from_eps(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`x_0 = (x_t - \sqrt{1-\bar\alpha_t}\,\epsilon)/\sqrt{\bar\alpha_t}`. BadInput as `check_signal`."""
    x, e, signal, noise = _ready(schedule, x_t, eps, t)
    _check_signals(schedule, x_t, eps, t)
    return (x - noise * e) / signal


def eps_from_x0(schedule: NoiseSchedule, x_t: Tensor, x0: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`\epsilon = (x_t - \sqrt{\bar\alpha_t}\,x_0)/\sqrt{1-\bar\alpha_t}`, t >= 1."""
    x_t, x0, signal, noise = _ready(schedule, x_t, x0, t, low=1)
    return (x_t - signal * x0) / noise


def v_from_eps(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`v = (\epsilon - \sqrt{1-\bar\alpha_t}\,x_t)/\sqrt{\bar\alpha_t}`. BadInput as `check_signal`."""
    x, e, signal, noise = _ready(schedule, x_t, eps, t)
    _check_signals(schedule, x_t, eps, t)
    return (e - noise * x) / signal


def v_from_x0(schedule: NoiseSchedule, x_t: Tensor, x0: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`v = (\sqrt{\bar\alpha_t}\,x_t - x_0)/\sqrt{1-\bar\alpha_t}`, t >= 1."""
    x_t, x0, signal, noise = _ready(schedule, x_t, x0, t, low=1)
    return (signal * x_t - x0) / noise


def x0_from_v(schedule: NoiseSchedule, x_t: Tensor, v: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`x_0 = \sqrt{\bar\alpha_t}\,x_t - \sqrt{1-\bar\alpha_t}\,v`, at every t."""
    x_t, v, signal, noise = _ready(schedule, x_t, v, t)
    return signal * x_t - noise * v


def eps_from_v(schedule: NoiseSchedule, x_t: Tensor, v: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`\epsilon = \sqrt{1-\bar\alpha_t}\,x_t + \sqrt{\bar\alpha_t}\,v`, at every t."""
    x_t, v, signal, noise = _ready(schedule, x_t, v, t)
    return noise * x_t + signal * v


def score_from_eps(schedule: NoiseSchedule, eps: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`\nabla\log q(x_t) = -\epsilon/\sqrt{1-\bar\alpha_t}`, t >= 1."""
    noise = schedule.at(schedule.sqrt_one_minus_alpha_bar, t, eps, low=1)
    return -eps / noise


def eps_from_score(schedule: NoiseSchedule, score: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`\epsilon = -\sqrt{1-\bar\alpha_t}\,\nabla\log q(x_t)`."""
    noise = schedule.at(schedule.sqrt_one_minus_alpha_bar, t, score)
    return -score * noise
