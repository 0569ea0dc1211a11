r"""One score for all four ways to generate, on data whose density is known; and for the data themselves, beside them.

From samples alone: `laws.coverage` and `laws.blurred`. Where ln q is known, too, in nats

.. math::
    KL(p\|q) = E_p[\ln p - \ln q], \qquad KL(q\|p) = E_q[\ln q - \ln p],

on draws whose ln p is known, so that the noise of ln p goes out of the difference. A diffusion's ln q is its ODE's; its
samples come of a few steps, and are another law: the second number is an approximation there.
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from diffusion_core.laws.blurred import blurred_kl
from diffusion_core.laws.coverage import Reference
from diffusion_core.nets.vae import VAE
from diffusion_core.training.ways import Way

__all__ = ["Bound", "bound_of", "score", "score_of_samples"]

SAMPLES = 20_000
PRICED = 1_000  # draws of p, and samples, whose ln q is asked for


def score_of_samples(reference: Reference, samples: Tensor, generator: torch.Generator) -> dict[str, float]:
    """What samples (n, d) alone tell: `Coverage` and `BlurredKL` by their names, the latter ``kl_h`` and ``kl_h_back``.

    Raises:
        BadInput: samples that are not finite, not in the dimension of the data, or fewer than 20.
    """
    kl = blurred_kl(reference.law, samples, generator)
    return {**asdict(reference.coverage(samples)), "kl_h": kl.of_data, "kl_h_back": kl.of_samples}


def score(way: Way, reference: Reference, seed: int = 0) -> dict[str, float]:
    """The score of 20,000 samples, and ``kl``, ``kl_back`` where the way has a density.

    The draws of the data are the same for every way and seed: of 1,000.
    """
    generator, fixed = (torch.Generator().manual_seed(value) for value in (1_000 + seed, 0))
    samples = way.sample(SAMPLES, generator)
    found = score_of_samples(reference, samples, generator)
    x, s = reference.law.sample(PRICED, fixed), samples[:PRICED].double()
    log_q, log_q_back = way.log_prob(x), way.log_prob(s)
    if log_q is not None and log_q_back is not None:
        found["kl"] = (reference.law.log_prob(x) - log_q).mean().item()
        found["kl_back"] = (log_q_back - reference.law.log_prob(s)).mean().item()
    return found


@dataclass(frozen=True)
class Bound:
    """A VAE's bound on 1,000 draws of the data, in nats: elbo = log_prob - gap; its rate; and the decoder's s."""

    elbo: float
    log_prob: float
    gap: float
    rate: float
    s: float


@torch.no_grad()
def bound_of(net: VAE, log_prob: Tensor, x: Tensor, generator: torch.Generator, draws: int = 100) -> Bound:
    """The bound at x (n, d), averaged over draws of z a row, beside ln p(x), (n,), by quadrature."""
    found, price = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for _ in range(draws):
        eps = torch.randn(x.shape, generator=generator)
        parts = [part.double().mean() for part in net.bound(x.float(), eps)]
        found, price = found + parts[0] / draws, parts[1]
    elbo, truth = (found - price).item(), log_prob.mean().item()
    return Bound(elbo, truth, gap=truth - elbo, rate=price.item(), s=net.s)
