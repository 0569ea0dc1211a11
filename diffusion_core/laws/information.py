r"""What the noise leaves to be known, over the SNR; and the bound as an area that depends on the end SNRs alone.

With :math:`\lambda'=\ln\mathrm{SNR}`, and :math:`V` and :math:`\ell` as functions of the SNR alone (no schedule):

.. math::
    L_{t-1} &= \tfrac12(\mathrm{SNR}_s-\mathrm{SNR}_t)\,V_t
        && \text{at } \sigma^2 = \tilde\beta \text{, with the exact denoiser} \\
    \sum_t L_{t-1} &\to \tfrac12\int V\,d\mathrm{SNR} = \tfrac12\int \ell\,d\lambda'
        && \text{as T grows: no shape of the schedule in it} \\
    \tfrac12\int_{\mathrm{SNR}_T}^{\mathrm{SNR}_1} V\,d\mathrm{SNR} &= I(x_0;x_1) - I(x_0;x_T)
        && \text{(I-MMSE)} \\
    L_{simple} &\to \int_0^1 \ell(\lambda'(u))\,du
        && \text{t drawn evenly: the shape decides}

References:
    Guo, Shamai, Verdú 2005, "Mutual information and minimum mean-square error in Gaussian channels" (I-MMSE). Kingma
    et al. 2021, "Variational Diffusion Models" (the sum, its limit, and that the limit knows the ends alone).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from diffusion_core.laws.estimates import entropy, loss_floor
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import on_the_unit
from diffusion_core.levels import SHAPES, Shape, from_log_snr, log_snr_at
from diffusion_core.objectives import LOG_2PI

__all__ = ["Floor", "area", "floor_over", "information", "mean_loss", "stepped", "stepped_sum"]

NODES = 160  # of the polynomial: two peaks nine deviations apart need 128 for 1e-15 over 16 nats
PANELS = 24  # of integrals along a schedule


@dataclass(frozen=True, eq=False)
class Floor:
    r""":math:`\ell` over ln SNR between two ends, as a Chebyshev polynomial through values found by quadrature.

    Args:
        ends: the SNRs, the larger one first.
        coefficients: of the polynomial over [-1, 1].
    """

    ends: tuple[float, float]
    coefficients: np.ndarray

    def __call__(self, log_snr: Tensor) -> Tensor:
        """The least loss there, in the shape of log_snr."""
        high, low = map(math.log, self.ends)
        place = (2 * log_snr - high - low) / (high - low)
        return torch.from_numpy(np.asarray(chebyshev.chebval(place.numpy(), self.coefficients)))


def floor_over(law: GaussianMixture, ends: tuple[float, float], nodes: int = NODES) -> Floor:
    """The floor between two SNRs, for data on the line.

    Raises:
        BadInput: data of more than one dimension; ends as in `levels.log_snr_at`.
    """
    places = torch.cos(torch.pi * (torch.arange(nodes, dtype=torch.float64) + 0.5) / nodes)  # they fall
    schedule = from_log_snr(log_snr_at(SHAPES["log_snr"], ends, (1 - places) / 2))
    values = np.array([loss_floor(law, schedule, t).value for t in range(1, nodes + 1)])
    waves = np.cos(np.pi * np.outer(np.arange(nodes), np.arange(nodes) + 0.5) / nodes)
    coefficients = 2 / nodes * waves @ values
    coefficients[0] /= 2
    return Floor(ends, coefficients)


# --- along a schedule -----------------------------------------------------------------------------------------------


def area(floor: Floor, shape: Shape) -> float:
    r""":math:`\tfrac12\int V\,d\mathrm{SNR}` in nats, as a walk of this shape adds it up: :math:`\tfrac12\int_0^1
    \ell\,|d\lambda'/du|\,du`."""
    u, weights = on_the_unit(PANELS)
    u = u.requires_grad_(True)
    levels = log_snr_at(shape, floor.ends, u)
    (slope,) = torch.autograd.grad(levels.sum(), u)
    return 0.5 * (weights * floor(levels.detach()) * slope.abs()).sum().item()


def mean_loss(floor: Floor, shape: Shape) -> float:
    r"""The least :math:`L_{simple}` with t drawn evenly: :math:`\int_0^1\ell(\lambda'(u))\,du`."""
    u, weights = on_the_unit(PANELS)
    return (weights * floor(log_snr_at(shape, floor.ends, u))).sum().item()


def stepped(floor: Floor, shape: Shape, T: int) -> tuple[Tensor, Tensor]:
    r"""The T steps between T + 1 levels: ln SNR of the levels, (T + 1,), and :math:`L_{t-1} =
    \tfrac12(\mathrm{SNR}_s/\mathrm{SNR}_t-1)\,\ell_t` of each, (T,), from little noise to much."""
    levels = log_snr_at(shape, floor.ends, torch.linspace(0, 1, T + 1, dtype=torch.float64))
    return levels, 0.5 * torch.expm1(-levels.diff()) * floor(levels[1:])


def stepped_sum(floor: Floor, shape: Shape, T: int) -> float:
    r""":math:`\sum_t L_{t-1}` of T steps in nats: above `area`, and nearer to it the more steps there are."""
    return stepped(floor, shape, T)[1].sum().item()


# --- by entropies ---------------------------------------------------------------------------------------------------


def information(law: GaussianMixture, snr: float) -> float:
    r""":math:`I(x_0;x_t) = H(x_t) - \tfrac12\ln 2\pi e(1-\bar\alpha_t)` in nats, on the line: what x_t says of x_0."""
    schedule = from_log_snr([math.log(snr)])
    noise = schedule.one_minus_alpha_bar[1].item()
    return entropy(law, schedule, 1).value - 0.5 * (LOG_2PI + 1 + math.log(noise))
