"""The posterior: where x_s was, when x_t and x_0 are known; the same by simulation; and without x_0."""

import torch
from torch import Tensor

from diffusion_core import SCHEDULES, GaussianMixture, NoiseSchedule, q_posterior, q_sample, q_step
from diffusion_core.data.toys import TOYS
from diffusion_core.laws.negentropy import count_modes, negentropy

WALKS = 200_000
BAND = 0.04  # half the width of a slice, in standard deviations of x_t


def walks(schedule: NoiseSchedule, t: int, s: int, *, x_0: float, seed: int) -> tuple[Tensor, Tensor]:
    """Many walks from x_0 to x_s and on to x_t."""
    e1, e2 = torch.randn((2, WALKS), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x_s = q_sample(schedule, torch.full_like(e1, x_0), s, e1)
    return x_s, q_step(schedule, x_s, s, t, eps=e2)


def near(schedule: NoiseSchedule, t: int, seen: Tensor, x_t: float) -> Tensor:
    """Which walks came to x_t, or as good as: what is left of their x_s are draws from the posterior."""
    return (seen - x_t).abs() < BAND * schedule.sqrt_one_minus_alpha_bar[t]


def without(schedule: NoiseSchedule, data: str, t: int, s: int, x_t: Tensor) -> GaussianMixture:
    """q(x_s | x_t) of a data set, x_0 not known: an average of posteriors, (d,) -> d dimensions."""
    return TOYS[data]().law.at(schedule, t).reverse_conditional(x_t, s)


def main(
    schedule: str = "linear",
    T: int = 1000,
    t: int = 400,
    s: int = 300,
    x_0: float = 1.0,
    x_t: float = -0.5,
    seed: int = 0,
) -> None:
    """The posterior by its formula, by simulation, and what is known without x_0, for data with two peaks."""
    tables = SCHEDULES[schedule](T)
    mean, variance = q_posterior(tables, torch.tensor(x_t).double(), torch.tensor(x_0).double(), t=t, s=s)
    print(f"posterior: mean {mean:.4f}, variance {variance:.4g}")

    x_s, seen = walks(tables, t, s, x_0=x_0, seed=seed)
    inside = x_s[near(tables, t, seen, x_t)]
    print(f"simulated: {len(inside)} of {WALKS} in the slice, mean {inside.mean():.4f}, variance {inside.var():.4g}")

    q = without(tables, "bimodal", t=t, s=s, x_t=torch.tensor([x_t]).double())
    print(f"without x_0: {count_modes(q)} peak(s), {negentropy(q):.3g} nats from the best Gaussian")
