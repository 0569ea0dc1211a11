"""DDIM's table 1, in kind: which eta comes out best at which number of steps, for spectra like those of images (E31d).

The score is the squared W2 distance of the Gaussian that is sampled from the data's, an exact FID.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial
from diffusion_core.laws.generated import (
    GeneratedLaw,
    generated_law,
    generated_law_ddim,
)
from diffusion_core.posterior import Transition, transitions
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import (
    Variance,
    fixed_large,
)

__all__ = [
    "ETAS",
    "EXPONENTS",
    "PAPER_TABLE_1",
    "TABLE_1",
    "Ranks",
    "of_ddim",
    "order",
    "orders",
    "power_law",
    "table_1",
    "turn",
]


ETAS = (0.0, 0.2, 0.5, 1.0)

# Song et al. 2021, Table 1: FID on CIFAR-10 for the four eta, then sigma-hat; by number of steps S. There the steps are
# spaced quadratically (appendix D.2), here evenly, as on the paper's other data.
PAPER_TABLE_1 = {
    10: (13.36, 14.04, 16.66, 41.07, 367.43),
    20: (6.84, 7.11, 8.35, 18.36, 133.37),
    50: (4.67, 4.77, 5.25, 8.01, 32.72),
    100: (4.16, 4.25, 4.46, 5.78, 9.99),
    1000: (4.04, 4.09, 4.29, 4.73, 3.17),
}


LawOf = Callable[[NoiseSchedule, Sequence[int], Tensor, float], GeneratedLaw]

EXPONENTS = tuple(round(0.1 * k, 1) for k in range(10, 41))  # a of f^-a, from 1 to 4


def power_law(
    exponents: Sequence[float] = EXPONENTS, mean_variance: float = 0.25, side: int = 32
) -> tuple[Tensor, Tensor]:
    """Spectra of Gaussian "images": variance f^-a at spatial frequency f (f at least 1), their distinct values.

    The power of natural images falls as f^-2 (Field 1987) to f^-2.4 (Tolhurst, Tadmor, Chao 1992).

    Returns:
        Eigenvalues (A, K), and how many of the side x side directions have each (K,); float64.
    """
    k = torch.arange(side, dtype=torch.float64) - side // 2
    f2 = (k[:, None] ** 2 + k**2).clamp(min=1).flatten()
    values, counts = f2.unique(return_counts=True)
    counts = counts.double()
    lam = values ** (-torch.tensor(exponents, dtype=torch.float64)[:, None] / 2)
    return lam * mean_variance * counts.sum() / (lam @ counts)[:, None], counts


def table_1(
    law_of: LawOf,
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    exponents: Sequence[float] = EXPONENTS,
    mean_variance: float = 0.25,
) -> list[list[float]]:
    """A row for each exponent: squared W2 distance a dimension, an exact FID, of DDIM at the four eta and of DDPM with
    beta ("sigma-hat")."""
    lam, counts = power_law(exponents, mean_variance)
    every = lam.flatten()
    laws = [law_of(schedule, timesteps, every, eta) for eta in ETAS]
    laws.append(generated_law(schedule, timesteps, fixed_large, every))
    apart = [law.frechet2.reshape(lam.shape) @ counts for law in laws]
    return (torch.stack(apart, 1) / counts.sum()).tolist()


def of_ddim(schedule: NoiseSchedule, timesteps: Sequence[int], lam: Tensor, eta: float) -> GeneratedLaw:
    """The core's."""
    return generated_law_ddim(schedule, timesteps, lam, eta=eta)


def noise_on_top(schedule: NoiseSchedule, timesteps: Sequence[int], lam: Tensor, eta: float) -> GeneratedLaw:
    """sigma z is added, but the predicted noise is not made shorter for it."""
    g = torch.ones_like(lam)
    for pair in transitions(schedule, timesteps):
        v = pair.one_minus_alpha_bar_t + pair.alpha_bar_t * lam
        signal = pair.sqrt_alpha_bar_s * pair.sqrt_alpha_bar_t * lam
        b = (signal + pair.sqrt_one_minus_alpha_bar_s * pair.sqrt_one_minus_alpha_bar_t) / v
        g = b.square() * g + eta**2 * pair.beta_tilde
    return GeneratedLaw(g, torch.zeros_like(g), lam)


def ddpm_without_noise(schedule: NoiseSchedule, timesteps: Sequence[int], lam: Tensor, eta: float) -> GeneratedLaw:
    """DDPM's mean at every eta, its noise made smaller: not DDIM."""

    def smaller(pair: Transition, x_t: Tensor) -> Variance:
        return Variance(eta**2 * pair.beta_tilde, math.nan)

    return generated_law(schedule, timesteps, smaller, lam)


def order(row: Sequence[float]) -> list[int]:
    """The columns from best to worst."""
    return sorted(range(len(row)), key=row.__getitem__)


def turn(orders: Sequence[Sequence[int]], paper: Sequence[int], exponents: Sequence[float] = EXPONENTS) -> float:
    """The exponent from which on the order is the paper's; infinite where there is none."""
    last_wrong = max((k for k, one in enumerate(orders) if list(one) != list(paper)), default=-1)
    return (*exponents, math.inf)[last_wrong + 1]


@dataclass(frozen=True)
class Ranks:
    """How DDIM is said to run, and the exponent from which on the paper's order at S = 10 is said to hold."""

    law_of: LawOf = of_ddim
    turn: float = 2.3


@cache
def orders(law_of: LawOf, schedule: NoiseSchedule) -> dict[int, list[list[int]]]:
    """S -> the order of the five, for each exponent."""
    return {
        steps: [order(row) for row in table_1(law_of, schedule, schedule.timesteps(steps, spacing="leading"))]
        for steps in PAPER_TABLE_1
    }


def check_table_1(ranks: Ranks, setting: NoiseSchedule, seed: int) -> list[Trial]:
    """The order of the four eta at each S, the first at S = 1000, and where the paper's order at S = 10 begins."""
    found = orders(ranks.law_of, setting)
    eta = sum([k for k in row if k < 4] != [0, 1, 2, 3] for rows in found.values() for row in rows)
    first = sum(row[0] != 4 for row in found[1000])
    begins = turn(found[10], order(PAPER_TABLE_1[10]))
    n = len(EXPONENTS)
    return [
        Trial("spectra and S with another order of η", eta, tolerance=0, n=n * len(found)),
        Trial("spectra where β is not first at S = 1000", first, tolerance=0, n=n),
        Trial("exponent where the order at S = 10 begins, less the one said", begins - ranks.turn, tolerance=0.0, n=n),
    ]


TABLE_1 = Claim(
    key="E31d",
    says="Gaussian “images”, power f⁻ᵃ, mean variance 1/4, a from 1 to 4: as in DDIM's Table 1, less noise is better "
    "at every S, and β is first at S = 1000; its order at S = 10, with β last, begins at a = 2.3.",
    check=check_table_1,
    truth=Ranks(),
    mistakes={
        "noise added on top, the direction not shortened": Ranks(noise_on_top),
        "“η = 0” as DDPM without its noise": Ranks(ddpm_without_noise),
        "the order at S = 10 with any spectrum": Ranks(turn=1.0),
        "the order at S = 10 from f⁻³ on only": Ranks(turn=3.0),
    },
    setting=linear(1000),
)
