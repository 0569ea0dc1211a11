r"""What is special about diffusing latents: their scale, and a start at noise that the schedule never reaches.

For latents of variance :math:`s^2` (mean 0), as they are or before they are scaled,

.. math::
    \mathrm{Var}[z_t] = 1 + \bar\alpha_t(s^2 - 1), \qquad
    \mathrm{SNR}_T = s^2\,\bar\alpha_T/(1-\bar\alpha_T).

A schedule that keeps :math:`\bar\alpha_T > 0` is trained on :math:`x_T\ne` noise but sampled from noise. Along a
direction in which the data have mean m and variance :math:`\lambda`, with
:math:`v = 1-\bar\alpha_T+\bar\alpha_T\lambda`, exact steps from N(0, 1) end in

.. math::
    \frac{\text{variance}}{\lambda} &= \frac{1-\bar\alpha_T}{v}+\frac{\bar\alpha_T\lambda}{v^2}, &
    \frac{\text{mean}-m}{m} &= -\frac{\bar\alpha_T\lambda}{v} &&\text{(ancestral)}, \\
    \frac{\text{variance}}{\lambda} &= \frac1v, &
    \frac{\text{mean}-m}{m} &= -\sqrt{\bar\alpha_T\lambda/v} &&\text{(DDIM, many steps)}.

The first is :math:`q(x_0|x_T)` averaged over the wrong x_T, the same for any number of steps with the optimal variance;
the second is the straight map of the probability-flow ODE. The overall brightness of a picture is one direction with a
large :math:`\lambda`, for all its numbers move together: it suffers most.

References:
    Rombach et al. 2022, appendix G (the scale). Lin et al. 2023 (terminal SNR); the closed forms are derived here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.schedule import NoiseSchedule

__all__ = ["FromNoise", "ancestral_from_noise", "ddim_from_noise", "latent_variance", "terminal_snr"]


def latent_variance(schedule: NoiseSchedule, s: float) -> Tensor:
    r""":math:`1+\bar\alpha_t(s^2-1)` for t = 0..T, (T + 1,), float64, for latents of deviation s.

    Raises:
        BadInput: s is negative or not finite.
    """
    _check(torch.tensor(s), "s")
    return 1 + schedule.alpha_bar * (s**2 - 1)


def terminal_snr(schedule: NoiseSchedule, s: float) -> float:
    r""":math:`s^2\,\mathrm{SNR}_T`: what is left of latents of deviation s at t = T.

    Raises:
        BadInput: s is negative or not finite.
    """
    _check(torch.tensor(s), "s")
    return s**2 * schedule.snr[-1].item()


@dataclass(frozen=True)
class FromNoise:
    """Samples that started at N(0, 1), along directions of the data.

    Attributes:
        std_ratio: their standard deviation over the data's.
        bias: of their mean, in units of the data's mean: 0 right, -1 no mean left.
    """

    std_ratio: Tensor
    bias: Tensor


def ancestral_from_noise(schedule: NoiseSchedule, data_variance: float | Sequence[float] | Tensor) -> FromNoise:
    """Exact random steps from t = T, by the data's variance along each direction, (d,) or 0-d, float64.

    Raises:
        BadInput: a variance that is negative or not finite.
    """
    lam, kept, v = _terminal(schedule, data_variance)
    return FromNoise(((1 - kept) / v + kept * lam / v.square()).sqrt(), -kept * lam / v)


def ddim_from_noise(schedule: NoiseSchedule, data_variance: float | Sequence[float] | Tensor) -> FromNoise:
    """The limit of many DDIM steps without noise; arguments and errors as for `ancestral_from_noise`."""
    lam, kept, v = _terminal(schedule, data_variance)
    return FromNoise(v.rsqrt(), -(kept * lam / v).sqrt())


def _terminal(schedule: NoiseSchedule, data_variance: float | Sequence[float] | Tensor) -> tuple[Tensor, float, Tensor]:
    lam = torch.as_tensor(data_variance, dtype=torch.float64)
    _check(lam, "data_variance")
    kept = schedule.alpha_bar[-1].item()
    return lam, kept, 1 + kept * (lam - 1)


def _check(values: Tensor, name: str) -> None:
    if not (torch.isfinite(values).all() and (values >= 0).all()):
        raise BadInput("{name} must hold finite numbers of at least 0; got {got}.", name=name, got=values.tolist())
