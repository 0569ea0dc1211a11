r"""The exact law of generated samples, for Gaussian data and the exact denoiser.

For data :math:`x_0\sim N(m, \lambda)` (one eigenvalue at a time) the exact denoiser is affine, so every step maps a
Gaussian to a Gaussian. With :math:`v_t = 1 + \bar\alpha_t(\lambda - 1)` the variance runs

.. math:: g_{k-1} = a_k^2\, g_k + \sigma_k^2,\qquad a_k = \sqrt{\alpha_{t|s}}\; v_s / v_t,\qquad g_N = 1.

So whether beta or beta-tilde is right for N steps is a number, not an opinion.
"""

import math
from collections.abc import Sequence

import torch

from diffusion_core.posterior import transition
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.variance import VarianceChoice

__all__ = ["generated_variance", "generated_variance_ddim"]


def _pairs(timesteps: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(timesteps, [*timesteps[1:], 0], strict=True))


def generated_variance(
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    variance: VarianceChoice,
    data_variance: float,
    noisy_last: bool = False,
) -> float:
    """Variance of x_0 from ancestral sampling: g_0 of the recursion above; no noise into s = 0 unless asked for."""
    g = 1.0
    nothing = torch.empty(0)
    for t, s in _pairs(timesteps):
        pair = transition(schedule, t, s)
        v_t = 1 + pair.alpha_bar_t * (data_variance - 1)
        v_s = 1 + pair.alpha_bar_s * (data_variance - 1)
        added = float(variance(pair, nothing).value) if s > 0 or noisy_last else 0.0
        g = pair.alpha * (v_s / v_t) ** 2 * g + added
    return g


def generated_variance_ddim(
    schedule: NoiseSchedule, timesteps: Sequence[int], data_variance: float, eta: float = 0.0
) -> float:
    r"""Variance of x_0 from DDIM: :math:`g_{k-1} = b^2 g_k + \eta^2\tilde\beta`,
    :math:`b v_t = \sqrt{\bar\alpha_s\bar\alpha_t}\lambda + \sqrt{(1-\bar\alpha_s-\eta^2\tilde\beta)(1-\bar\alpha_t)}`.
    """
    g = 1.0
    for t, s in _pairs(timesteps):
        pair = transition(schedule, t, s)
        v_t = 1 + pair.alpha_bar_t * (data_variance - 1)
        added = eta**2 * pair.beta_tilde
        direction = math.sqrt(max(0.0, 1 - pair.alpha_bar_s - added) * (1 - pair.alpha_bar_t))
        b = (math.sqrt(pair.alpha_bar_s * pair.alpha_bar_t) * data_variance + direction) / v_t
        g = b * b * g + added
    return g
