r"""Four ways to say the same prediction: the noise, the data, the velocity, the score.

.. math::
    x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon, \qquad
    v = \sqrt{\bar\alpha_t}\,\epsilon - \sqrt{1-\bar\alpha_t}\,x_0, \qquad
    \nabla\log q(x_t) = -\epsilon/\sqrt{1-\bar\alpha_t}.

(x_t, v) is (x_0, eps) turned by an angle, so v gives both back at every t, zero terminal SNR included; eps says
nothing of x_0 where alpha_bar is 0, and x_0 nothing of eps at t = 0. In every function x_t is (...), the prediction
has its shape, and t is an integer or (batch,) integers.

References:
    Ho, Jain, Abbeel 2020, eq. 15 (x_0 from eps). Salimans, Ho 2022, appendix D (v).
    Vincent 2011; Song et al. 2021, "Score-Based Generative Modeling" (score).
"""

import math

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.forward import check_same_shape
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


def _signal_and_noise(
    schedule: NoiseSchedule, x_t: Tensor, prediction: Tensor, t: int | Tensor, low: int = 0
) -> tuple[Coefficient, Coefficient]:
    check_same_shape("the prediction", prediction, "x_t", x_t)
    signal = schedule.at(schedule.sqrt_alpha_bar, t, x_t, low)
    return signal, schedule.at(schedule.sqrt_one_minus_alpha_bar, t, x_t, low)


def check_signal(schedule: NoiseSchedule, t: int, dtype: torch.dtype) -> None:
    """Raises BadInput where alpha_bar is 0, or dividing by its root overflows dtype: there eps says nothing of x_0."""
    if math.exp(schedule.log_alpha_bar_at(t) / 2) * torch.finfo(dtype).max < 1:
        raise BadInput(
            "alpha_bar is 0 at t = {t}, where eps says nothing of x_0: predict v there, or start at a smaller t.", t=t
        )


def x0_from_eps(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`x_0 = (x_t - \sqrt{1-\bar\alpha_t}\,\epsilon)/\sqrt{\bar\alpha_t}`. BadInput where alpha_bar is 0."""
    signal, noise = _signal_and_noise(schedule, x_t, eps, t)
    check_signal(schedule, int(torch.as_tensor(t).max()), x_t.dtype)  # alpha_bar falls with t
    return (x_t - noise * eps) / signal


def eps_from_x0(schedule: NoiseSchedule, x_t: Tensor, x0: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`\epsilon = (x_t - \sqrt{\bar\alpha_t}\,x_0)/\sqrt{1-\bar\alpha_t}`, t >= 1."""
    signal, noise = _signal_and_noise(schedule, x_t, x0, t, low=1)
    return (x_t - signal * x0) / noise


def v_from_eps(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`v = (\epsilon - \sqrt{1-\bar\alpha_t}\,x_t)/\sqrt{\bar\alpha_t}`. BadInput where alpha_bar is 0."""
    signal, noise = _signal_and_noise(schedule, x_t, eps, t)
    check_signal(schedule, int(torch.as_tensor(t).max()), x_t.dtype)
    return (eps - noise * x_t) / signal


def v_from_x0(schedule: NoiseSchedule, x_t: Tensor, x0: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`v = (\sqrt{\bar\alpha_t}\,x_t - x_0)/\sqrt{1-\bar\alpha_t}`, t >= 1."""
    signal, noise = _signal_and_noise(schedule, x_t, x0, t, low=1)
    return (signal * x_t - x0) / noise


def x0_from_v(schedule: NoiseSchedule, x_t: Tensor, v: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`x_0 = \sqrt{\bar\alpha_t}\,x_t - \sqrt{1-\bar\alpha_t}\,v`, at every t."""
    signal, noise = _signal_and_noise(schedule, x_t, v, t)
    return signal * x_t - noise * v


def eps_from_v(schedule: NoiseSchedule, x_t: Tensor, v: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`\epsilon = \sqrt{1-\bar\alpha_t}\,x_t + \sqrt{\bar\alpha_t}\,v`, at every t."""
    signal, noise = _signal_and_noise(schedule, x_t, v, t)
    return noise * x_t + signal * v


def score_from_eps(schedule: NoiseSchedule, eps: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`\nabla\log q(x_t) = -\epsilon/\sqrt{1-\bar\alpha_t}`, t >= 1."""
    return -eps / schedule.at(schedule.sqrt_one_minus_alpha_bar, t, eps, low=1)


def eps_from_score(schedule: NoiseSchedule, score: Tensor, t: int | Tensor) -> Tensor:
    r""":math:`\epsilon = -\sqrt{1-\bar\alpha_t}\,\nabla\log q(x_t)`."""
    return -score * schedule.at(schedule.sqrt_one_minus_alpha_bar, t, score)
