r"""Training losses as one loss with a weight: what each puts on the error, over the signal-to-noise ratio.

At one x_t the errors of x_0, eps, v, the score and flow matching's velocity are one number times factors. With
:math:`L_{x_0} = \|\hat x_0-x_0\|^2`:

.. math::
    L_\epsilon = \mathrm{SNR}\,L_{x_0}, \quad
    L_v = (1+\mathrm{SNR})\,L_{x_0}, \quad
    L_{score} = \mathrm{SNR}\,(1+\mathrm{SNR})\,L_{x_0}, \quad
    L_{FM} = (1+\sqrt{\mathrm{SNR}})^2 L_{x_0}.

What a network sees is the weight times how often each level is drawn. Per unit of :math:`\lambda'=\ln\mathrm{SNR}`, on
the error of eps:

.. math::
    \text{the bound: } \tfrac12, \qquad
    \text{flow matching, u even: } \tfrac12e^{-\lambda'/2}, \qquad
    \text{v, cosine, t even: } \tfrac1\pi e^{-\lambda'/2}.

References:
    Kingma, Gao 2023, "Understanding diffusion objectives as the ELBO with simple data augmentation". Salimans, Ho 2022
    (v). Hang et al. 2023 (min-SNR). Choi et al. 2022 (P2). Lipman et al. 2023 (flow matching).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.levels import time_of

__all__ = ["DENSITIES", "WEIGHTINGS", "Weighting"]

Over = Callable[[Tensor], Tensor]
GAMMA = 5.0  # of min-SNR


def _evenly(log_snr: Tensor) -> Tensor:
    return torch.ones_like(log_snr)


def _flow(log_snr: Tensor) -> Tensor:
    """u = 1 / (1 + sqrt(SNR)), drawn evenly: |du / d ln SNR| = u (1 - u) / 2."""
    u = torch.sigmoid(-log_snr / 2)
    return u * (1 - u) / 2


def _cosine(log_snr: Tensor) -> Tensor:
    return 1 / (2 * math.pi * torch.cosh(log_snr / 2))


def _linear_vp(log_snr: Tensor) -> Tensor:
    s = time_of(torch.nn.functional.softplus(-log_snr))
    return torch.where(s <= 1, torch.sigmoid(-log_snr) / (0.1 + 19.9 * s), 0.0)


DENSITIES: dict[str, Over] = {"cosine": _cosine, "linear_vp": _linear_vp}
"""How often a level is met where t is drawn evenly, per unit of ln SNR, for two walks over all of it."""


@dataclass(frozen=True)
class Weighting:
    """One way to train.

    Attributes:
        of_x0: SNR -> what it puts on the squared error of x_0.
        own: ln SNR -> how often it draws a level; None: t is drawn evenly, whatever the schedule.
    """

    of_x0: Over
    own: Over | None = None

    def of_eps(self, snr: Tensor) -> Tensor:
        """What it puts on the squared error of eps."""
        return self.of_x0(snr) / snr

    def over_log_snr(self, log_snr: Tensor, drawn: Over) -> Tensor:
        """The same, times how often a level is drawn, per unit of ln SNR; ``drawn`` is one of `DENSITIES`."""
        return self.of_eps(log_snr.exp()) * (self.own or drawn)(log_snr)


WEIGHTINGS: dict[str, Weighting] = {
    "bound": Weighting(lambda snr: snr / 2, own=_evenly),
    "eps": Weighting(lambda snr: snr),
    "x0": Weighting(torch.ones_like),
    "v": Weighting(lambda snr: 1 + snr),
    "fm": Weighting(lambda snr: (1 + snr.sqrt()) ** 2, own=_flow),
    "score": Weighting(lambda snr: snr * (1 + snr)),
    "min_snr": Weighting(lambda snr: snr.clamp(max=GAMMA)),
    "p2": Weighting(lambda snr: snr / (1 + snr)),
}
