r"""One honest judge for everything that samples: the KL of two laws once both are blurred by the same little noise.

With p the data, q whatever makes samples, and :math:`p_h = p * N(0, h^2I)`, :math:`q_h` alike,

.. math::
    KL(p_h\|q_h) \le KL(p\|q), \qquad KL(q_h\|p_h) \le KL(q\|p),

since noise that is added to both only makes them more alike (the data-processing inequality). :math:`p_h` is a mixture
again, exactly; :math:`q_h` is estimated from samples alone by their own blur, :math:`\frac1n\sum_i N(y;\ s_i, h^2I)`,
with logarithms, wherever y is. A law without a density, such as a GAN's, has a :math:`q_h`, too.

n samples are not all that q could draw: that pushes the first number up. How far is told by samples of p itself.

References:
    Cover, Thomas 2006, section 2.8 (data processing). Parzen 1962 (the estimate).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.errors import BadInput, check_rows
from diffusion_core.laws.law import CHUNK, log_sum_exp, places_of
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.objectives import LOG_2PI

__all__ = ["BLUR", "BlurredKL", "blurred", "blurred_kl", "kernel_log_prob"]

BLUR = 0.05
"""h: half the deviation of a bead of the eight Gaussians."""


@dataclass(frozen=True)
class BlurredKL:
    """In nats: what the data have and the samples lack, KL(p_h || q_h); and the other way, KL(q_h || p_h)."""

    of_data: float
    of_samples: float


def blurred(law: GaussianMixture, h: float = BLUR) -> GaussianMixture:
    """The law of x + h eps, eps of N(0, I)."""
    return GaussianMixture(law.log_weights, law.means, law.eigenvalues + h * h, law.eigenvectors)


def kernel_log_prob(y: Tensor, samples: Tensor, h: float = BLUR) -> Tensor:
    r""":math:`\ln\frac1n\sum_i N(y;\ s_i, h^2I)` in nats, (m,) float64, at y (m, d) of samples (n, d).

    Raises:
        BadInput: y or samples that are not finite, of other dimensions, or no samples.
    """
    check_rows("samples", samples)
    d = samples.shape[-1]
    y, samples = places_of(y, d) / h, places_of(samples, d) / h
    inside = -0.5 * samples.square().sum(1)
    chunks = y.split(max(1, CHUNK // len(samples)))
    mean = torch.cat([log_sum_exp(torch.addmm(inside, part, samples.mT)) for part in chunks])
    return mean - 0.5 * y.square().sum(1) - math.log(len(samples)) - d * (math.log(h) + 0.5 * LOG_2PI)


def blurred_kl(law: GaussianMixture, samples: Tensor, generator: torch.Generator, h: float = BLUR) -> BlurredKL:
    """Both directions, at 1,000 draws of p_h, and at as many of q_h: a tenth of the samples, which the estimate of q_h
    does not use.

    Args:
        law: p, with a density once it is blurred.
        samples: (n, d) of q.

    Raises:
        BadInput: fewer than 20 samples, or some that are not finite.
    """
    if len(samples) < 20:
        raise BadInput("samples must have at least 20 rows; got {got}.", got=len(samples))
    law_h, n = blurred(law, h), len(samples) // 10
    left, rest = samples[:n].double(), samples[n:]
    at_p = law_h.sample(1000, generator)
    at_q = left + h * torch.randn(left.shape, generator=generator, dtype=torch.float64)
    return BlurredKL(
        of_data=(law_h.log_prob(at_p) - kernel_log_prob(at_p, rest, h)).mean().item(),
        of_samples=(kernel_log_prob(at_q, rest, h) - law_h.log_prob(at_q)).mean().item(),
    )
