r"""The exact law of generated samples, for Gaussian data and the exact denoiser.

For data :math:`x_0\sim N(m, \Lambda)`, one eigenvalue :math:`\lambda` at a time, the exact denoiser is affine, so every
step maps a Gaussian to a Gaussian. With :math:`v_t = 1-\bar\alpha_t+\bar\alpha_t\lambda`, the variance of x_t,
and the start N(0, I), the variance g and the error of the mean of the k-th state run

.. math::
    g_{k-1} &= a_k^2\, g_k + \sigma_k^2,\quad g_N = 1, \qquad
    \delta_{k-1} = a_k\,\delta_k,\quad \delta_N = -\sqrt{\bar\alpha_{t_N}}\,m, \\
    a_k &= \sqrt{\alpha_{t|s}}\; v_s / v_t \quad\text{(ancestral)}, \\
    a_k &= \big(\sqrt{\bar\alpha_s\bar\alpha_t}\,\lambda
        + \sqrt{(1-\bar\alpha_s-\eta^2\tilde\beta)(1-\bar\alpha_t)}\big)/v_t,\quad
        \sigma^2 = \eta^2\tilde\beta \quad\text{(DDIM)}.

The true :math:`q(x_s|x_t)` has the variance :math:`\sigma^{*2} = \beta v_s/v_t`. So whether beta or beta-tilde is
right for N steps is a number, not an opinion.

References:
    Ho, Jain, Abbeel 2020, algorithm 2. Song, Meng, Ermon 2021, eq. 12. Dowson, Landau 1982 (Fréchet distance).
    The recursions are derived here.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.posterior import Transition, transitions
from diffusion_core.reverse import DDIMMean
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.variance import NOTHING, Variance, VarianceChoice

__all__ = [
    "GeneratedLaw",
    "gaussian_optimal",
    "gaussian_optimal_full",
    "generated_law",
    "generated_law_ddim",
    "generated_variance",
    "generated_variance_ddim",
    "path_kl",
]

Numbers = float | Sequence[float] | Tensor


@dataclass(frozen=True)
class GeneratedLaw:
    r"""Generated samples are :math:`N(m + \text{bias}, g)` along each eigenvector of the data: (d,) or 0-d, float64.

    Attributes:
        variance: g.
        bias: the generated mean less the data's.
        data_variance: lambda.
    """

    variance: Tensor
    bias: Tensor
    data_variance: Tensor

    @property
    def ratio(self) -> Tensor:
        """Generated variance over data variance; nan where both are 0."""
        return self.variance / self.data_variance

    @property
    def frechet2(self) -> Tensor:
        r"""Each direction's part of the Fréchet (Wasserstein-2) distance squared,
        :math:`(\sqrt g-\sqrt\lambda)^2+\text{bias}^2`, (d,) or 0-d; their sum is an exact FID."""
        return (self.variance.sqrt() - self.data_variance.sqrt()).square() + self.bias.square()

    @property
    def kl(self) -> float:
        r"""KL(data || generated) in nats, summed: :math:`\tfrac12[\lambda/g-1-\ln(\lambda/g)+\text{bias}^2/g]`."""
        r = self.data_variance / self.variance
        return (0.5 * (r - 1 - r.log() + self.bias.square() / self.variance)).sum().item()


# --- the best variances ---------------------------------------------------------------------------------------------


def gaussian_optimal_full(data_variance: Numbers) -> VarianceChoice:
    r""":math:`\sigma^{*2} = \beta v_s/v_t` for each eigenvalue, (d,): the full covariance, in the data's eigenbasis."""
    lam = _variances(data_variance)

    def choose(pair: Transition, x_t: Tensor) -> Variance:
        value = pair.beta * _v_s(pair, lam) / _v_t(pair, lam)
        return Variance(value, value.log())

    return choose


def gaussian_optimal(data_variance: Numbers) -> VarianceChoice:
    r"""The best isotropic variance: the mean over the eigenvalues of :math:`\beta v_s/v_t`, a float."""
    full = gaussian_optimal_full(data_variance)

    def choose(pair: Transition, x_t: Tensor) -> Variance:
        return Variance.of(torch.as_tensor(full(pair, x_t).value).mean().item())

    return choose


# --- what comes out -------------------------------------------------------------------------------------------------


def generated_law(
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    variance: VarianceChoice,
    data_variance: Numbers,
    data_mean: Numbers = 0.0,
    noisy_last: bool = False,
) -> GeneratedLaw:
    """The law of x_0 from ancestral sampling with the exact denoiser, started at N(0, I).

    Args:
        schedule: its tables.
        timesteps: integers in 1..T, from high to low; the last step goes to 0.
        variance: a choice that knows only t: it returns a float, or (d,), one for each eigenvalue.
        data_variance: lambda, a number or (d,) eigenvalues, not negative.
        data_mean: m in the eigenbasis, a number or (d,).
        noisy_last: add noise in the step into s = 0, too.

    Raises:
        BadInput: timesteps that do not fall, variances that are negative or not finite.
    """

    def step(pair: Transition, lam: Tensor) -> tuple[Tensor, float | Tensor]:
        slope = math.sqrt(pair.alpha) * _v_s(pair, lam) / _v_t(pair, lam)
        return slope, variance(pair, NOTHING).value if pair.s > 0 or noisy_last else 0.0

    return _run(schedule, timesteps, step, data_variance=data_variance, data_mean=data_mean)


def generated_law_ddim(
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    data_variance: Numbers,
    data_mean: Numbers = 0.0,
    eta: float = 0.0,
) -> GeneratedLaw:
    """The law of x_0 from DDIM with the exact denoiser; eta = 1 is `generated_law` with `fixed_small`.

    Arguments and errors are those of `generated_law`, besides eta in [0, 1].
    """
    mean = DDIMMean(eta)

    def step(pair: Transition, lam: Tensor) -> tuple[Tensor, float]:
        direction, signal = mean.weights(pair)
        signals, noises = signal * pair.sqrt_alpha_bar_t, direction * pair.sqrt_one_minus_alpha_bar_t
        return (signals * lam + noises) / _v_t(pair, lam), eta**2 * pair.beta_tilde

    return _run(schedule, timesteps, step, data_variance=data_variance, data_mean=data_mean)


def generated_variance(
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    variance: VarianceChoice,
    data_variance: float,
    noisy_last: bool = False,
) -> float:
    """The variance of x_0 from ancestral sampling, for one data variance: `generated_law`'s, as a float."""
    return generated_law(schedule, timesteps, variance, data_variance, noisy_last=noisy_last).variance.item()


def generated_variance_ddim(
    schedule: NoiseSchedule, timesteps: Sequence[int], data_variance: float, eta: float = 0.0
) -> float:
    """The variance of x_0 from DDIM, for one data variance: `generated_law_ddim`'s, as a float."""
    return generated_law_ddim(schedule, timesteps, data_variance, eta=eta).variance.item()


def path_kl(
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    variance: VarianceChoice,
    data_variance: Numbers,
    data_mean: Numbers = 0.0,
) -> Tensor:
    r"""KL of the true reverse path to the generated one, in nats, (d,) or 0-d: what the bound (VLB) pays above the
    entropy of the data (Ho et al. 2020, eq. 16).

    .. math:: KL\big(q(x_{t_N})\|N(0,1)\big) + \sum_k\tfrac12\big[r_k-1-\ln r_k\big], \qquad
              r_k = \sigma^{*2}_k/\sigma^2_k.

    The last step counts with its noise, as a decoder; where its variance is 0 (`fixed_small`) the result is infinite
    (use `with_last`). Arguments and errors are those of `generated_law`.
    """
    lam, mean = _variances(data_variance), _numbers("data_mean", data_mean)
    pairs = transitions(schedule, timesteps)
    best = gaussian_optimal_full(lam)
    total = _gaussian_kl(_v_t(pairs[0], lam)) + 0.5 * pairs[0].alpha_bar_t * mean.square()
    for pair in pairs:
        true = torch.as_tensor(best(pair, NOTHING).value)
        chosen = torch.as_tensor(variance(pair, NOTHING).value, dtype=torch.float64)
        ratio = torch.where(true == chosen, 1.0, true / chosen)  # a point that is met exactly: 0 / 0
        total = total + _gaussian_kl(ratio)
    return total


# --- inside ---------------------------------------------------------------------------------------------------------

_Step = Callable[[Transition, Tensor], tuple[Tensor, float | Tensor]]


def _run(
    schedule: NoiseSchedule, timesteps: Sequence[int], step: _Step, data_variance: Numbers, data_mean: Numbers
) -> GeneratedLaw:
    lam, mean = _variances(data_variance), _numbers("data_mean", data_mean)
    pairs = transitions(schedule, timesteps)
    g = torch.ones_like(lam)
    bias = -pairs[0].sqrt_alpha_bar_t * mean * torch.ones_like(lam)
    for pair in pairs:
        slope, added = step(pair, lam)
        g, bias = slope.square() * g + added, slope * bias
    return GeneratedLaw(g, bias, lam)


def _v_t(pair: Transition, lam: Tensor) -> Tensor:
    return pair.one_minus_alpha_bar_t + pair.alpha_bar_t * lam


def _v_s(pair: Transition, lam: Tensor) -> Tensor:
    return pair.one_minus_alpha_bar_s + pair.alpha_bar_s * lam


def _gaussian_kl(ratio: Tensor) -> Tensor:
    """KL(N(0, ratio) || N(0, 1)); infinite, not nan, at an infinite ratio."""
    return torch.where(ratio == math.inf, math.inf, 0.5 * (ratio - 1 - ratio.log()))


def _numbers(name: str, value: Numbers) -> Tensor:
    numbers = torch.as_tensor(value, dtype=torch.float64)
    if numbers.ndim > 1 or numbers.numel() == 0 or not torch.isfinite(numbers).all():
        raise BadInput("{name} must be one finite number, or one row of them; got {got}.", name=name, got=value)
    return numbers


def _variances(value: Numbers) -> Tensor:
    numbers = _numbers("data_variance", value)
    if (numbers < 0).any():
        raise BadInput("data_variance must not be negative; got {got}.", got=numbers.min().item())
    return numbers
