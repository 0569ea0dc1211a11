r"""ln p(x) of a decoder with Gaussian noise and a latent of two numbers: by quadrature over z, no bound.

.. math::
    p(x) = \int N(z; 0, I)\,N(x;\ \mathrm{dec}(z),\ s^2I)\,dz, \qquad
    \ln p(x) - \mathrm{ELBO}(x) = KL\big(q(z|x)\,\|\,p(z|x)\big) \ge 0.

The sum over a lattice of the plane converges as fast as a Gaussian falls, once its cells are smaller than what dec
makes of s; it is done with logarithms, and no x is too far out.

References:
    Kingma, Welling 2014, eq. 1 (the integral that is said to be intractable: in two dimensions it is not).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from diffusion_core.errors import check_at_least
from diffusion_core.laws.law import CHUNK, log_sum_exp, places_of
from diffusion_core.objectives import LOG_2PI

__all__ = ["log_evidence"]

REACH = 5.5  # of the lattice: beyond it N(0, I) has less than 1e-7 of its mass


def log_evidence(decode: Callable[[Tensor], Tensor], s: float, x: Tensor, nodes: int = 301) -> Tensor:
    """ln p(x) in nats, (n,) float64.

    Args:
        decode: z (m, 2) float64 -> the mean of x, (m, d).
        s: the deviation of the noise around it.
        x: (n, d).
        nodes: of the lattice, a side.

    Raises:
        BadInput: fewer than 2 nodes; an x that is not finite, or has not d numbers.
    """
    check_at_least("nodes", nodes, 2)
    side = torch.linspace(-REACH, REACH, nodes, dtype=torch.float64)
    z = torch.cartesian_prod(side, side)
    mean = decode(z) / s  # (m, d)
    x = places_of(x, mean.shape[-1]) / s
    cell = 2 * math.log(side[1] - side[0])
    weight = -0.5 * z.square().sum(1) - LOG_2PI + cell - 0.5 * mean.square().sum(1)
    parts = [log_sum_exp(torch.addmm(weight, part, mean.mT)) for part in x.split(max(1, CHUNK // len(z)))]
    constant = x.shape[-1] * (math.log(s) + 0.5 * LOG_2PI)
    return torch.cat(parts) - 0.5 * x.square().sum(1) - constant
