r"""ln q(x_0) of a diffusion without noise: the ordinary differential equation that its paths follow, in the angle.

With :math:`\cos\varphi = \sqrt{\bar\alpha}` and :math:`\sin\varphi = \sqrt{1-\bar\alpha}` the closed form is
:math:`x_\varphi = \cos\varphi\,x_0 + \sin\varphi\,\epsilon`, and the probability-flow ODE is

.. math::
    \frac{dx}{d\varphi} = v_\theta(x, \varphi), \qquad
    \ln q(x_0) = \ln N(x_T; 0, I) + \int_0^{\varphi_T} \mathrm{div}\,v_\theta\,d\varphi,

v the network's velocity, :math:`\cos\varphi\,\hat\epsilon - \sin\varphi\,\hat x_0`. It is the law of infinitely many
steps of DDIM, not of twenty. Heun's method over integer t, where a network is known; the first step, 0 to 1, is
Euler's with v at t = 1.

References:
    Song et al. 2021, "Score-based generative modeling through SDEs", section 4.3 and appendix D (the likelihood).
    Salimans, Ho 2022, appendix D (v as the derivative in the angle).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from diffusion_core.denoisers import StepDenoiser
from diffusion_core.errors import check_whole
from diffusion_core.laws.law import places_of
from diffusion_core.objectives import LOG_2PI
from diffusion_core.parameterization import v_from_eps
from diffusion_core.schedule import NoiseSchedule

__all__ = ["angles", "flow_log_prob", "to_noise"]


def angles(schedule: NoiseSchedule) -> Tensor:
    r""":math:`\varphi_t`, (T + 1,), from 0 up to at most :math:`\pi/2`."""
    return torch.atan2(schedule.sqrt_one_minus_alpha_bar, schedule.sqrt_alpha_bar)


def flow_log_prob(denoiser: StepDenoiser, schedule: NoiseSchedule, x: Tensor, nodes: int = 200) -> Tensor:
    """ln q(x) in nats, (n,) float64; arguments and errors are those of `to_noise`."""
    x_T, gain = to_noise(denoiser, schedule, x, nodes)
    return gain - 0.5 * (x_T.square().sum(1) + x_T.shape[1] * LOG_2PI)


def to_noise(denoiser: StepDenoiser, schedule: NoiseSchedule, x: Tensor, nodes: int = 200) -> tuple[Tensor, Tensor]:
    r"""Where the ODE takes x, x_T (n, d), and the integral of the divergence on the way, (n,); float64.

    Args:
        denoiser: asked in float64, and differentiated by x_t.
        x: (n, d).
        nodes: steps of Heun's method, at most T.

    Raises:
        BadInput: nodes outside 1..10,000; an x that is not finite; a schedule that ends in pure noise.
    """
    check_whole("nodes", nodes, 1, 10_000)
    phi: list[float] = angles(schedule).tolist()
    x = places_of(x, x.shape[-1])
    times = _times(schedule.T, nodes)
    v, div = _velocity(denoiser, schedule, x, times[0])
    x, total = x + phi[times[0]] * v, phi[times[0]] * div
    v, div = _velocity(denoiser, schedule, x, times[0])
    for t, later in pairwise(times):
        h = phi[later] - phi[t]
        ahead = x + h * v
        with torch.no_grad():
            x = x + h * (v + v_from_eps(schedule, ahead, denoiser(ahead, later), later)) / 2
        before, (v, div) = div, _velocity(denoiser, schedule, x, later)
        total = total + h * (before + div) / 2
    return x, total


def _times(T: int, nodes: int) -> Sequence[int]:
    """1 = t_0 < ... < T, evenly."""
    return sorted({1, *(math.ceil(T * k / nodes) for k in range(1, nodes + 1))})


def _velocity(denoiser: StepDenoiser, schedule: NoiseSchedule, x: Tensor, t: int) -> tuple[Tensor, Tensor]:
    """v, (n, d), and its divergence, (n,): a backward pass for each coordinate."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        v = v_from_eps(schedule, x, denoiser(x, t), t)
        rows = [torch.autograd.grad(v[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(x.shape[1])]
    return v.detach(), torch.stack(rows).sum(0)
