"""Which of two noises was a 7? How often the best guess that there can be is right.

    python -m pages.start.guess

It prints, with n = 20,000 pairs: at t = 1000 0.507 +- 0.004, at t = 700 about 0.69, at t = 500 about 0.97.
"""

import torch
from torch import Tensor

from diffusion_core import NoiseSchedule, digits, linear, q_sample
from diffusion_core.data.digits import digit_labels
from diffusion_core.laws.finite import FiniteData

__all__ = ["DIGIT", "best_guess", "pair"]

DIGIT = 7


def pair(schedule: NoiseSchedule, t: int, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """(n, 784) each: x_t of n sevens, and x_t of n other digits."""
    generator, x0, seven = torch.Generator().manual_seed(seed), digits().law.points, digit_labels() == DIGIT

    def noised(of: Tensor) -> Tensor:
        start = of[torch.randint(len(of), (n,), generator=generator)]
        return q_sample(schedule, start, t, torch.randn(start.shape, generator=generator, dtype=start.dtype))

    return noised(x0[seven]), noised(x0[~seven])


def best_guess(schedule: NoiseSchedule, t: int, n: int, seed: int = 0) -> Tensor:
    """(n,) whether the larger ratio p(x_t | a 7) / p(x_t | another digit) is the seven's: no rule is right more often.

    Both densities are the exact ones of the 10,000 digits (Neyman, Pearson 1933).
    """
    x0, seven = digits().law.points, digit_labels() == DIGIT
    sevens, others = (FiniteData(x0[of]).at(schedule, t) for of in (seven, ~seven))
    it, other = (sevens.log_prob(x) - others.log_prob(x) for x in pair(schedule, t, n, seed))
    return it > other


if __name__ == "__main__":
    for t in (1000, 700, 500):
        right = torch.cat([best_guess(linear(1000), t, 1000, seed) for seed in range(20)]).double()
        print(f"t = {t}: right in {right.mean():.3f} +- {right.std() / len(right) ** 0.5:.3f}")
