r"""Four ways to say the same prediction: the noise, the data, the velocity, the score.

.. math::
    x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon, \qquad
    v = \sqrt{\bar\alpha_t}\,\epsilon - \sqrt{1-\bar\alpha_t}\,x_0, \qquad
    \nabla\log q(x_t) = -\epsilon/\sqrt{1-\bar\alpha_t}.

(x_t, v) is (x_0, eps) turned by an angle, so v gives both back at every t, zero terminal SNR included; eps says
nothing of x_0 where alpha_bar is 0, and x_0 nothing of eps at t = 0. In every function x_t is (...), the prediction
has its shape, and t is an integer or (batch,) integers; both hold floating-point numbers. These functions stand inside
the steps of a network: NaN is not looked for, and goes through.

A `Target` is what a network is trained to predict, with the ways to and from it: `EPS`, `X0` or `V`.

References:
    Ho, Jain, Abbeel 2020, eq. 15 (x_0 from eps). Salimans, Ho 2022, appendix D (v).
    Vincent 2011; Song et al. 2021, "Score-Based Generative Modeling" (score).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.errors import BadInput, check_floating, check_same_shape
from diffusion_core.forward import alike
from diffusion_core.schedule import Level, NoiseSchedule

__all__ = [
    "EPS",
    "TARGETS",
    "X0",
    "Target",
    "V",
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


def _ready(
    schedule: NoiseSchedule, x_t: Tensor, prediction: Tensor, t: int | Tensor, low: int = 0
) -> tuple[Tensor, Tensor, Level, Level]:
    """x_t and the prediction in one dtype; sqrt(alpha_bar_t) and sqrt(1 - alpha_bar_t) to multiply them with."""
    check_floating("x_t", x_t)
    check_floating("the prediction", prediction)
    check_same_shape("the prediction", prediction, "x_t", x_t)
    x_t, prediction = alike(x_t, prediction)
    return x_t, prediction, *schedule.levels(t, x_t, low)


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
    if isinstance(t, Tensor) and len(t) == 0:
        return
    last = int(t.max()) if isinstance(t, Tensor) else t  # alpha_bar falls with t
    for dtype in (x_t.dtype, eps.dtype):  # of two, the one with fewer digits decides
        check_signal(schedule, last, dtype)


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


# --- what a network predicts ----------------------------------------------------------------------------------------

Conversion = Callable[[NoiseSchedule, Tensor, Tensor, int | Tensor], Tensor]


@dataclass(frozen=True)
class Target:
    r"""What a network predicts, y.

    Attributes:
        name: of y, in files and addresses.
        of: (schedule, x_0, eps, t) -> y, what the network should say at the x_t that x_0 and eps make.
        eps, x0: (schedule, x_t, y, t) -> the noise and the data that follow from what it says.
        from_eps, from_x0: (schedule, x_t, eps or x_0, t) -> y, the other way.
        weight: (schedule, t, x) -> w with :math:`\|\epsilon-\hat\epsilon\|^2 = w\,\|y-\hat y\|^2`, ready to multiply
            x: 1, the SNR, or :math:`\bar\alpha_t`.
    """

    name: str
    of: Conversion
    eps: Conversion
    x0: Conversion
    from_eps: Conversion
    from_x0: Conversion
    weight: Callable[[NoiseSchedule, int | Tensor, Tensor], Level]


def _first(schedule: NoiseSchedule, x: Tensor, y: Tensor, t: int | Tensor) -> Tensor:
    return x


def _second(schedule: NoiseSchedule, x: Tensor, y: Tensor, t: int | Tensor) -> Tensor:
    return y


def _velocity(schedule: NoiseSchedule, x0: Tensor, eps: Tensor, t: int | Tensor) -> Tensor:
    signal, noise = schedule.levels(t, eps)
    return signal * eps - noise * x0


EPS = Target(
    "eps",
    of=_second,
    eps=_second,
    x0=x0_from_eps,
    from_eps=_second,
    from_x0=eps_from_x0,
    weight=lambda schedule, t, x: 1.0,
)
X0 = Target(
    "x0",
    of=_first,
    eps=eps_from_x0,
    x0=_second,
    from_eps=x0_from_eps,
    from_x0=_second,
    weight=lambda schedule, t, x: schedule.at(schedule.snr, t, x),
)
V = Target(
    "v",
    of=_velocity,
    eps=eps_from_v,
    x0=x0_from_v,
    from_eps=v_from_eps,
    from_x0=v_from_x0,
    weight=lambda schedule, t, x: schedule.at(schedule.alpha_bar, t, x),
)
TARGETS = {target.name: target for target in (EPS, X0, V)}
