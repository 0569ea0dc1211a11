r"""V_t of a finite data set by its pairs of points: what few x_t are in doubt about, draws of x_t would hardly meet.

With :math:`\mathrm{tr\,Cov} = \tfrac12\sum_{ij} w_iw_j|y_i-y_j|^2` and :math:`q\,w_i = q_i/N`, and as i and j may
change places,

.. math:: V_t = \frac1{dN}\sum_{i\ne j}|y_i-y_j|^2\,\Phi(-a_{ij})\;
          E\big[w_j(x_t)\,\big|\,x_0=y_i,\ |x_t-\sqrt{\bar\alpha_t}y_j|<|x_t-\sqrt{\bar\alpha_t}y_i|\big],
          \qquad a_{ij} = \tfrac12\sqrt{\mathrm{SNR}_t}\,|y_i-y_j|.

A pair is drawn by its weight before E, and x_t has a Gaussian tail from y_i towards y_j. However rare the event, each
draw has a part of it, and none is above the sum of all weights.

References:
    Derived here.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from diffusion_core.forward import q_sample
from diffusion_core.laws.finite import ONE_BY_ONE, FiniteData, NoisedPoints
from diffusion_core.laws.law import CHUNK

__all__ = ["distances", "draws_by_pairs", "most", "pair_weights"]


def pair_weights(now: NoisedPoints) -> Tensor | None:
    r""":math:`|y_i-y_j|^2\,\Phi(-a_{ij})`, (N, N): d N V_t is at most their sum. None where there are too many."""
    distance = distances(now.law)
    if distance is None:
        return None
    beyond: Tensor = torch.special.ndtr(-0.5 * math.sqrt(now.schedule.snr[now.t].item()) * distance)
    return distance.square() * beyond


def most(weight: Tensor, law: FiniteData) -> float:
    """What V_t is at most, by the weights of all pairs."""
    return weight.sum().item() / (len(weight) * law.dimension)


def draws_by_pairs(now: NoisedPoints, weight: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n independent numbers, (n,), none above `most`, whose mean is V_t."""
    law = now.law
    here, there = law.points.device, generator.device
    pair = torch.multinomial(weight.flatten().to(there), n, replacement=True, generator=generator).to(here)
    u = torch.rand(n, dtype=torch.float64, device=there, generator=generator).to(here)
    eps = torch.randn(n, law.dimension, dtype=torch.float64, device=there, generator=generator).to(here)
    i, j = pair // len(weight), pair % len(weight)
    y, other = law.points[i].double(), law.points[j].double()
    distance = (other - y).norm(dim=-1)
    tail = u * torch.special.ndtr(-0.5 * math.sqrt(now.schedule.snr[now.t].item()) * distance)
    towards = -torch.special.ndtri(tail.clamp_min(torch.finfo(torch.float64).tiny))
    direction = (other - y) / distance[:, None]
    eps += (towards - (eps * direction).sum(-1))[:, None] * direction
    x = q_sample(now.schedule, y, now.t, eps)
    rows = max(1, CHUNK // len(weight))
    parts = zip(torch.split(x, rows), torch.split(j, rows), strict=True)
    w = torch.cat([now.weights(part).gather(1, at[:, None])[:, 0] for part, at in parts])
    return most(weight, law) * w


@lru_cache(maxsize=1)
def distances(law: FiniteData) -> Tensor | None:
    """Between all points, (N, N), each from its own differences; None where they are too many."""
    points = law.points.double()
    if len(points) ** 2 > CHUNK:
        return None
    apart: Tensor = torch.cdist(points, points, compute_mode=ONE_BY_ONE)
    return apart
