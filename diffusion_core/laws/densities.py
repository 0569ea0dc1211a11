r"""The exact density of generated samples, for data that is a 1-D Gaussian mixture, and the exact denoiser.

Each noisy step blurs the density p of the state with a Gaussian, whose mean and variance may depend on the state;
each step without noise moves it along a rising map (in one dimension, exact denoisers give nothing else):

.. math::
    p_s(x) = \int N\big(x;\ \tilde\mu(y),\ \sigma^2(y)\big)\, p_t(y)\,dy, \qquad
    p_s(\mu(y)) = p_t(y)/\mu'(y), \quad
    \frac{d\hat x_0}{dx_t} = \frac{\sqrt{\bar\alpha_t}}{1-\bar\alpha_t}\,\mathrm{Var}[x_0|x_t].

The integral is a trapezoid sum: after each step the state is a mixture with as many components as the grid has points.
The grid is chosen anew for each step, so that it follows the density, and so that the standard deviation of every
kernel spans at least `CELLS` cells, along y as along x; the mass is checked at every step. Densities are followed down
to exp(-`DEPTH`), for KL divergences look at the tails.

References:
    Ho, Jain, Abbeel 2020, algorithm 2. Song, Meng, Ermon 2021, eq. 12 (the map at eta = 0). The propagation is derived
    here.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture, NoisedMixture
from diffusion_core.objectives import LOG_2PI
from diffusion_core.posterior import Transition, transitions
from diffusion_core.reverse import DDIMMean
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.variance import VarianceChoice

__all__ = ["GeneratedDensity", "generated_density", "generated_density_ddim"]

CELLS = 3  # grid cells in one standard deviation, at least: the trapezoid rule is then right to 1e-30
POINTS = 2001  # of a grid over x_0
MOST_POINTS = 200_001  # of any grid
DEPTH = 400.0  # nats below its peak, to which a density is followed: 28 standard deviations
TAIL = 1e-30  # of the peak: below, kernels that are far away may count


@dataclass(frozen=True)
class GeneratedDensity:
    """Generated and true density on one grid. All (n,), float64.

    Attributes:
        x: an even grid over the data and the samples.
        log_density: of the generated samples.
        data_log_density: of the data.
    """

    x: Tensor
    log_density: Tensor
    data_log_density: Tensor

    @property
    def density(self) -> Tensor:
        """Of the generated samples."""
        return self.log_density.exp()

    @property
    def data_density(self) -> Tensor:
        """Of the data."""
        return self.data_log_density.exp()

    @property
    def mass(self) -> float:
        """The integral of the generated density: 1 but for the grid's error."""
        return self._integral(self.density)

    @property
    def mean(self) -> float:
        """Of the generated samples."""
        return self._integral(self.x * self.density)

    @property
    def variance(self) -> float:
        """Of the generated samples."""
        return self._integral((self.x - self.mean).square() * self.density)

    @property
    def kl(self) -> float:
        """KL(data || generated) in nats; too large where samples are so narrow (under a third of the data's standard
        deviation) that the data's tails lie past the depth to which their density is followed."""
        return self._integral(self.data_density * (self.data_log_density - self.log_density))

    @property
    def tv(self) -> float:
        """Total variation, half the integral of the absolute difference, in [0, 1]."""
        return min(1.0, 0.5 * self._integral((self.data_density - self.density).abs()))  # rounding may go above 1

    @property
    def w1(self) -> float:
        """Wasserstein-1 distance: the integral of the absolute difference of the distribution functions."""
        difference = torch.cumulative_trapezoid(self.data_density - self.density, self.x)
        return self._integral(torch.cat([difference.new_zeros(1), difference]).abs())

    def _integral(self, f: Tensor) -> float:
        return torch.trapezoid(f, self.x).item()


def generated_density(
    law: GaussianMixture,
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    variance: VarianceChoice,
    noisy_last: bool = False,
) -> GeneratedDensity:
    """The density of x_0 from ancestral sampling with the exact denoiser, started at N(0, 1).

    Args:
        law: 1-D data with a density.
        schedule: its tables.
        timesteps: integers in 1..T, from high to low; the last step goes to 0.
        variance: any choice, of those that look at x_t too.
        noisy_last: add noise in the step into s = 0, too. Where that variance is 0 there is none either way.

    Raises:
        BadInput: data of another dimension or without a density; timesteps that do not fall; a variance so small that
            the grid would be too large.
    """
    pairs = _pairs(law, schedule, timesteps)
    state = _START
    for pair in pairs[:-1]:
        state = _blurred(state, law.at(schedule, pair.t), pair, variance)
    last = law.at(schedule, pairs[-1].t)
    if noisy_last and _has_variance(variance, pairs[-1]):
        return _beside(law, _blurred(state, last, pairs[-1], variance))
    return _pushed(state, law, lambda y: _to_x0(last, pairs[-1], y))


def generated_density_ddim(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> GeneratedDensity:
    """The density of x_0 from DDIM at eta = 0, with the exact denoiser: N(0, 1) moved by one rising map.

    Arguments and errors are those of `generated_density`.
    """
    pairs = _pairs(law, schedule, timesteps)
    seen = [law.at(schedule, pair.t) for pair in pairs]

    def flow(y: Tensor) -> tuple[Tensor, Tensor]:
        log_slope = torch.zeros_like(y)
        for now, pair in zip(seen, pairs, strict=True):
            y, step = _ddim_step(now, pair, y)
            log_slope = log_slope + step
        return y, log_slope

    return _pushed(_START, law, flow)


# --- a step with noise ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _State:
    """A density as a sum of many Gaussians: means rising, all (m,)."""

    mean: Tensor
    variance: Tensor
    weight: Tensor

    @property
    def narrowest(self) -> float:
        return self.variance.min().sqrt().item()

    def reach(self, depth: float) -> tuple[float, float]:
        """Where the density may be above exp(-depth)."""
        far = math.sqrt(2 * depth) * self.variance.sqrt()
        heavy = self.weight > math.exp(-depth) * self.weight.max()
        return (self.mean - far)[heavy].min().item(), (self.mean + far)[heavy].max().item()

    def density(self, x: Tensor) -> Tensor:
        """At rising points; of the kernels only those are summed that are near enough to matter."""
        # NumPy, for its exp uses one thread: torch would share out every small block, which is slow on a busy machine.
        points, mean, variance = x.numpy(), self.mean.numpy(), self.variance.numpy()
        scale, height = -0.5 / variance, self.weight.numpy() / np.sqrt(2 * math.pi * variance)
        far = np.sqrt(2 * DEPTH * variance)
        widest, uneven = far.max(), far.max() > 2 * far.min()
        density = np.empty_like(points)
        for i in range(0, len(points), 64):
            part = points[i : i + 64]
            near = slice(*np.searchsorted(mean, [part[0] - widest, part[-1] + widest]))
            m, r, a, h = mean[near], far[near], scale[near], height[near]
            if uneven:
                reaching = (m + r > part[0]) & (m - r < part[-1])
                m, a, h = m[reaching], a[reaching], h[reaching]
            kernel = part[:, None] - m
            kernel *= kernel
            kernel *= a
            density[i : i + 64] = np.exp(kernel, out=kernel) @ h
        return torch.from_numpy(density)

    def log_density(self, x: Tensor) -> Tensor:
        """At rising points, without underflow: in the tails every kernel counts."""
        p = self.density(x)
        tail = p < TAIL * p.max()
        log_height = self.weight.log() - 0.5 * (LOG_2PI + self.variance.log() + self.mean.square() / self.variance)
        quadratic = torch.stack([log_height, self.mean / self.variance, -0.5 / self.variance])  # in 1, x, x^2
        log_p = p.log()
        log_p[tail] = torch.cat(
            [(torch.stack([part**0, part, part**2], -1) @ quadratic).logsumexp(-1) for part in torch.split(x[tail], 64)]
        )
        return log_p


_START = _State(*(torch.tensor([value], dtype=torch.float64) for value in (0.0, 1.0, 1.0)))


def _blurred(state: _State, now: NoisedMixture, pair: Transition, variance: VarianceChoice) -> _State:
    """p_s from p_t, as one kernel for each point of a grid that is fine enough for both."""
    low, high = state.reach(DEPTH)
    y = _grid(low, high, state.narrowest, 201)
    p = state.density(y)
    inside = (p > math.exp(-DEPTH) * p.max()).nonzero()[:, 0]
    low, high, n = y[inside[0]].item(), y[inside[-1]].item(), len(y)
    while True:
        y = _even_grid(low, high, n)
        p, mean, sigma2 = state.density(y), _mean(now, pair, y), _kernel_variance(variance, pair, y)
        matters = torch.maximum(p[1:], p[:-1]) > 1e-10 * p.max()
        coarse = (mean.diff() / torch.minimum(sigma2[1:], sigma2[:-1]).sqrt())[matters].max().item() * CELLS
        if coarse <= 1:
            break
        n = math.ceil(n * min(coarse, 8.0) * 1.05)
    weight = p * (y[1] - y[0])
    _check_mass(weight.sum().item(), pair.s)
    kept = weight > 0
    return _State(mean[kept], sigma2[kept], weight[kept] / weight.sum())


def _beside(law: GaussianMixture, final: _State) -> GeneratedDensity:
    """The last state and the data, on a grid over both."""
    (low, high), (data_low, data_high) = final.reach(40), _data_range(law)
    x = _grid(min(low, data_low), max(high, data_high), min(final.narrowest, _narrowest(law)), POINTS)
    result = GeneratedDensity(x, final.log_density(x), law.log_prob(x[:, None]))
    _check_mass(result.mass, 0)
    return result


def _mean(now: NoisedMixture, pair: Transition, y: Tensor) -> Tensor:
    return pair.c_t * y + pair.c_0 * now.x0_mean(y[:, None])[:, 0]


def _kernel_variance(variance: VarianceChoice, pair: Transition, y: Tensor) -> Tensor:
    value = torch.as_tensor(variance(pair, y[:, None]).value, dtype=torch.float64).reshape(-1).expand(len(y))
    if not (value > 0).all():
        raise BadInput(
            "The variance must be positive at t = {t}, where the step has noise; got {got}.",
            t=pair.t,
            got=value.min().item(),
        )
    return value


def _has_variance(variance: VarianceChoice, pair: Transition) -> bool:
    value = variance(pair, torch.zeros(1, 1, dtype=torch.float64)).value
    return bool(torch.as_tensor(value).max() > 0)


def _check_mass(mass: float, t: int) -> None:
    if abs(mass - 1) > 1e-6:
        raise BadInput(
            "The grid lost mass at t = {t}: {got} is left of 1; the densities are too narrow.", t=t, got=mass
        )


def _grid(low: float, high: float, narrowest: float, least: int) -> Tensor:
    return _even_grid(low, high, max(least, math.ceil((high - low) / narrowest * CELLS) + 1))


def _even_grid(low: float, high: float, n: int) -> Tensor:
    if n > MOST_POINTS:
        raise BadInput(
            "The steps are too narrow for a grid ({got} points, at most {most}); take more steps or a larger variance.",
            got=n,
            most=MOST_POINTS,
        )
    return torch.linspace(low, high, n, dtype=torch.float64)


# --- steps without noise --------------------------------------------------------------------------------------------

_Map = Callable[[Tensor], tuple[Tensor, Tensor]]
"""y (n,) -> where it goes, and the log of the slope there."""


def _pushed(state: _State, law: GaussianMixture, flow: _Map) -> GeneratedDensity:
    """p_0(x) = p(y) / slope at x = flow(y), on a grid as fine as its mass asks for."""
    points = POINTS
    while True:
        result = _pushed_to(state, law, flow, points)
        if abs(result.mass - 1) < 1e-7 or 4 * points > MOST_POINTS:
            _check_mass(result.mass, 0)
            return result
        points *= 4


def _pushed_to(state: _State, law: GaussianMixture, flow: _Map, points: int) -> GeneratedDensity:
    data_low, data_high = _data_range(law)
    y = _y_that_covers(state, flow, data_low, data_high)
    (x, log_slope), p = flow(y), state.density(y)
    widest = 2 * (data_high - data_low) / points
    for _ in range(30):  # until no gap in x is wide; tails are smooth, and may have wider ones
        allowed = torch.where(torch.maximum(p[1:], p[:-1]) > TAIL * p.max(), widest, 16 * widest)
        gaps = (x.diff() > allowed).nonzero()[:, 0]
        if len(gaps) == 0 or len(y) + 3 * len(gaps) > MOST_POINTS:
            break
        between = torch.stack([torch.lerp(y[gaps], y[gaps + 1], part) for part in (0.25, 0.5, 0.75)], -1).flatten()
        more = (*flow(between), state.density(between))
        y, order = torch.cat([y, between]).sort()
        x, log_slope, p = (torch.cat(pair)[order] for pair in zip((x, log_slope, p), more, strict=True))
    log_density = state.log_density(y) - log_slope
    peak = log_density.max().exp().item()
    narrowest = 1 / (math.sqrt(2 * math.pi) * peak * len(law.means))  # of a mode that holds 1/K of the mass
    even = _grid(min(x[0].item(), data_low), max(x[-1].item(), data_high), min(narrowest, _narrowest(law)), points)
    rising = torch.cat([torch.tensor([True]), x.diff() > 0])  # equal but for rounding where the map is flat
    smooth = CubicSpline(x[rising].numpy(), log_density[rising].numpy())
    return GeneratedDensity(even, torch.from_numpy(smooth(even.numpy())), law.log_prob(even[:, None]))


def _y_that_covers(state: _State, flow: _Map, data_low: float, data_high: float) -> Tensor:
    """Points over the state, close together, and past it, few, until their images hold all of the data."""
    core_low, core_high = low, high = state.reach(40)
    for _ in range(20):
        low, high = 2 * low - (low + high) / 2, 2 * high - (low + high) / 2
        ends, _slope = flow(torch.tensor([low, high], dtype=torch.float64))
        if ends[0] <= data_low and ends[1] >= data_high:
            break
    core = _grid(core_low, core_high, state.narrowest / 2, 513)
    return torch.cat([_even_grid(low, core_low, 65)[:-1], core, _even_grid(core_high, high, 65)[1:]])


def _to_x0(now: NoisedMixture, pair: Transition, y: Tensor) -> tuple[Tensor, Tensor]:
    """The last ancestral step: x0_hat itself."""
    gain = pair.sqrt_alpha_bar_t / pair.one_minus_alpha_bar_t
    slope = gain * now.x0_variance(y[:, None])[:, 0]
    return now.x0_mean(y[:, None])[:, 0], slope.log()


def _ddim_step(now: NoisedMixture, pair: Transition, y: Tensor) -> tuple[Tensor, Tensor]:
    x0_hat, log_gain = _to_x0(now, pair, y)
    direction, signal = DDIMMean().weights(pair)
    shrink = direction / pair.sqrt_one_minus_alpha_bar_t  # eps* is (y - sqrt(alpha_bar_t) x0_hat) / its deviation
    pull = signal - pair.sqrt_alpha_bar_t * shrink
    return shrink * y + pull * x0_hat, (shrink + pull * log_gain.exp()).log()


# --- the data -------------------------------------------------------------------------------------------------------


def _pairs(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> list[Transition]:
    if law.dimension != 1:
        raise BadInput("Densities are propagated in one dimension; got data of {got}.", got=law.dimension)
    if _narrowest(law) == 0:
        raise BadInput("The data must have a density; got a component without width.")
    return transitions(schedule, timesteps)


def _narrowest(law: GaussianMixture) -> float:
    return law.eigenvalues.min().sqrt().item()


def _data_range(law: GaussianMixture) -> tuple[float, float]:
    """The data, to 9 standard deviations of each component."""
    reach = 9 * law.eigenvalues[:, 0].sqrt()
    return (law.means[:, 0] - reach).min().item(), (law.means[:, 0] + reach).max().item()
