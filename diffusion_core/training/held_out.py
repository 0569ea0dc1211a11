r"""How good a denoiser is on draws that it has never seen, beside the best that there can be.

With :math:`\epsilon^*=E[\epsilon|x_t]`, for any prediction f(x_t) and at every x_t (Pythagoras; the cross term has
mean 0 because :math:`\epsilon-\epsilon^*` has mean 0 given x_t):

.. math::
    E\big[\|\epsilon-f\|^2\big|x_t\big] = \underbrace{E\big[\|\epsilon-\epsilon^*\|^2\big|x_t\big]}_{\text{floor}}
        + \underbrace{\|f-\epsilon^*\|^2}_{\text{distance}}, \qquad
    \text{floor} = \frac{\bar\alpha_t}{1-\bar\alpha_t}\,\mathrm{tr}\,\mathrm{Cov}[x_0|x_t].

The floor and the distance of each draw are known exactly, so that both means have small errors; all are divided by d.

References:
    Ho, Jain, Abbeel 2020, eq. 14 (the loss). Bishop 2006, section 1.5.5 (the decomposition).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import qmc
from torch import Tensor

from diffusion_core.denoisers import Denoiser
from diffusion_core.errors import check_whole
from diffusion_core.forward import q_sample
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.posterior import check_timesteps
from diffusion_core.schedule import NoiseSchedule

__all__ = ["Errors", "HeldOut", "errors", "even_times", "floors", "held_out", "mean_floor", "predict", "unseen"]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Draws at P times, n each, and what is exactly known of them.

    Attributes:
        times: (P,) integers in 1..T.
        x_t, eps, eps_star: (P, n, d) float64.
        floor: (P, n) the expected squared error of eps* given x_t, a dimension.
    """

    times: tuple[int, ...]
    x_t: Tensor
    eps: Tensor
    eps_star: Tensor
    floor: Tensor

    def first(self, n: int) -> "HeldOut":
        """The first n draws at each time."""
        return HeldOut(self.times, *(part[:, :n] for part in (self.x_t, self.eps, self.eps_star, self.floor)))


@dataclass(frozen=True, eq=False)
class Errors:
    """Of a denoiser on held-out draws, (P, n) each, a dimension: its loss, and its squared distance from eps*."""

    loss: Tensor
    distance: Tensor


def even_times(T: int, count: int = 100) -> tuple[int, ...]:
    """The middles of ``count`` equal parts of 1..T (all of 1..T where it has no more), for averages over t."""
    parts = min(count, T)
    return tuple(-(-(2 * k + 1) * T // (2 * parts)) for k in range(parts))


def held_out(
    law: Law,
    schedule: NoiseSchedule,
    times: Sequence[int],
    n: int,
    generator: torch.Generator,
    points: Law | None = None,
) -> HeldOut:
    """Fresh draws from a law, noised to each of the times; n draws of x_0 a time.

    Args:
        law: what the exact answers are those of.
        points: where x_0 comes from, if not from the law itself.

    Raises:
        BadInput: a time outside 1..T, or none; n below 1.
    """
    check_timesteps(schedule, times)
    x_t, eps, eps_star, floor = [], [], [], []
    for t in times:
        x0 = (points or law).sample(n, generator)
        eps.append(torch.randn(x0.shape, generator=generator, dtype=x0.dtype))
        x_t.append(q_sample(schedule, x0, t, eps[-1]))
        now = law.at(schedule, t)
        eps_star.append(now.eps(x_t[-1]))
        floor.append(schedule.snr[t].item() * now.x0_variance(x_t[-1]).mean(-1))
    parts = {"x_t": x_t, "eps": eps, "eps_star": eps_star, "floor": floor}
    return HeldOut(tuple(times), **{name: torch.stack(part) for name, part in parts.items()})


def unseen(law: Law, schedule: NoiseSchedule, n: int = 100) -> HeldOut:
    """Draws that no run trains on, n at each of the even times; always the same ones, so that runs can be compared."""
    generator = torch.Generator().manual_seed(2**40)  # no seed of a run is so large
    return held_out(law, schedule, even_times(schedule.T), n, generator=generator)


def floors(law: GaussianMixture, schedule: NoiseSchedule, times: Sequence[int], n: int = 1024) -> Tensor:
    """The floor at each time, (P,): the mean over n points of x_t that cover its density evenly.

    The points are a scrambled Sobol sequence (one coordinate for the component, d for the Gaussian), the same ones at
    every time; n is best a power of 2. For 2-D toys the error is some 1e-4, a tenth of that of as many random draws.

    Raises:
        BadInput: a time outside 1..T, or none; n below 1.
    """
    check_timesteps(schedule, times)
    check_whole("n", n, 1, 2**30)
    u = torch.from_numpy(qmc.Sobol(law.dimension + 1, rng=0).random(n)).clamp(1e-9, 1 - 1e-9)  # (n, 1 + d)
    component = torch.searchsorted(law.weights.cumsum(0), u[:, 0].contiguous()).clamp(max=len(law.weights) - 1)
    z = torch.special.ndtri(u[:, 1:])
    means = []
    for t in times:
        now = law.at(schedule, t)
        spread = now.eigenvalues[component].sqrt() * z  # (n, d)
        x_t = now.means[component] + torch.einsum("nij,nj->ni", now.eigenvectors[component], spread)
        means.append(schedule.snr[t] * now.x0_variance(x_t).mean())
    return torch.stack(means)


def mean_floor(law: GaussianMixture, schedule: NoiseSchedule, n: int = 4096, parts: int = 128) -> float:
    """The floor's mean over all t = 1..T: no mean loss is below it. For eight Gaussians (linear, T = 1000) 0.1996.

    The floor is found at ``parts`` + 1 times, close together near 0 where it bends, and taken as straight between them.
    With the default n and parts the error is some 5e-5, a tenth of that of 100 evenly spaced times.
    """
    T = schedule.T
    times = sorted({1 + round((T - 1) * (k / parts) ** 2) for k in range(parts + 1)})
    return float(np.interp(np.arange(1, T + 1), times, floors(law, schedule, times, n).numpy()).mean())


def predict(denoiser: Denoiser, draws: HeldOut) -> Tensor:
    """The denoiser's eps at each draw, (P, n, d) float64; it is asked for all of them at once, in float32."""
    P, n, d = draws.x_t.shape
    t = torch.tensor(draws.times).repeat_interleave(n)  # (P n,)
    with torch.no_grad():
        return denoiser(draws.x_t.reshape(P * n, d).float(), t).double().reshape(P, n, d)


def errors(denoiser: Denoiser, draws: HeldOut) -> Errors:
    """The errors of a denoiser at each draw."""
    eps_hat = predict(denoiser, draws)
    return Errors((draws.eps - eps_hat).square().mean(-1), (eps_hat - draws.eps_star).square().mean(-1))
