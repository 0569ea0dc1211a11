r"""From noise to data: samplers are generators that yield every step, and keep nothing.

.. math::
    \text{ancestral:}\quad & x_s = c_0\hat x_0 + c_t x_t + \sigma z \\
    \text{DDIM:}\quad & x_s = \sqrt{\bar\alpha_s}\,\hat x_0 + \sqrt{1-\bar\alpha_s-\sigma^2}\,\hat\epsilon + \sigma z,
    \qquad \sigma^2 = \eta^2\tilde\beta.

Both walk through the pairs (t, s) of neighbouring timesteps; the last s is 0. Their coefficients are Python floats,
made once, from the float64 tables: beside the network a step costs six tensor operations, and no value is read back
from a tensor. Gradients are the caller's choice: with a network, loop under ``torch.no_grad()``.

References:
    Ho, Jain, Abbeel 2020, algorithm 2. Song, Meng, Ermon 2021, "Denoising Diffusion Implicit Models", eq. 12 and 16.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from diffusion_core.denoisers import StepDenoiser
from diffusion_core.errors import BadInput, check_clip, check_floating, check_generator_of, check_same_shape
from diffusion_core.parameterization import check_signal
from diffusion_core.posterior import Transition, transitions
from diffusion_core.reverse import POSTERIOR_MEAN, DDIMMean, MeanRule, ReverseStep, reverse_step
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.variance import Variance, VarianceChoice, fixed_small

__all__ = ["ancestral", "ddim"]


def ancestral(
    denoiser: StepDenoiser,
    schedule: NoiseSchedule,
    x_T: Tensor,
    timesteps: Sequence[int],
    variance: VarianceChoice = fixed_small,
    generator: torch.Generator | None = None,
    clip: tuple[float, float] | None = None,
    noisy_last: bool = False,
) -> Iterator[ReverseStep]:
    r"""DDPM's sampler, for any stride (Ho et al. 2020, algorithm 2).

    Args:
        denoiser: asked as (x_t, t), t an integer.
        schedule: its tables.
        x_T: (...) the state at timesteps[0]; N(0, I) in generation. Results have its dtype and device.
        timesteps: integers in 1..T, from high to low, as `NoiseSchedule.timesteps` gives them.
        variance: `fixed_small`, `fixed_large`, or another choice of sigma^2.
        generator: draws z, on x_T's device; needed as soon as a step has noise.
        clip: the range that x0_hat is held to, e.g. (-1, 1) for images.
        noisy_last: add noise in the step into s = 0, too. Ho's algorithm does not, whatever the variance.

    Yields:
        One `ReverseStep` for each timestep.

    Raises:
        BadInput: x_T, timesteps, clip or generator of the wrong kind; eps of another shape than x_t; a step over
            which the signal falls by more than x_T's dtype can tell from rounding (`check_signal`).
    """
    pairs = _pairs(schedule, x_T, timesteps, generator=generator, clip=clip)
    return _sample(
        denoiser,
        pairs,
        x_T,
        mean_rule=POSTERIOR_MEAN,
        choose_variance=variance,
        generator=generator,
        clip=clip,
        noisy_last=noisy_last,
    )


def ddim(
    denoiser: StepDenoiser,
    schedule: NoiseSchedule,
    x_T: Tensor,
    timesteps: Sequence[int],
    eta: float = 0.0,
    generator: torch.Generator | None = None,
    clip: tuple[float, float] | None = None,
) -> Iterator[ReverseStep]:
    r"""DDIM (Song et al. 2021, eq. 12 and 16): eta = 0 draws no noise; eta = 1 is `ancestral` with `fixed_small`.

    Its mean is not DDPM's: at eta = 0 it is
    :math:`\sqrt{\bar\alpha_s}\,\hat x_0 + \sqrt{1-\bar\alpha_s}\,\hat\epsilon`,
    which is not the posterior's mean without noise. Arguments, yields and errors are those of `ancestral`, besides
    eta in [0, 1].
    """
    rule = DDIMMean(eta)
    pairs = _pairs(schedule, x_T, timesteps, generator=generator, clip=clip)
    return _sample(
        denoiser,
        pairs,
        x_T,
        mean_rule=rule,
        choose_variance=rule.variance,
        generator=generator,
        clip=clip,
        noisy_last=False,
    )


def _sample(
    denoiser: StepDenoiser,
    pairs: Sequence[Transition],
    x: Tensor,
    *,
    mean_rule: MeanRule,
    choose_variance: VarianceChoice,
    generator: torch.Generator | None,
    clip: tuple[float, float] | None,
    noisy_last: bool,
) -> Iterator[ReverseStep]:
    for pair in pairs:
        eps_hat = denoiser(x, pair.t)
        if pair is pairs[0]:
            check_same_shape("the denoiser's eps", eps_hat, "x_t", x)
        variance = choose_variance(pair, x)
        noise = _draw(x, generator) if _has_noise(pair, variance, noisy_last) else None
        step = reverse_step(pair, x, eps_hat, variance, noise=noise, clip=clip, mean_rule=mean_rule)
        yield step
        x = step.x_s


def _has_noise(pair: Transition, variance: Variance, noisy_last: bool) -> bool:
    known_zero = isinstance(variance.value, float) and variance.value == 0
    return (pair.s > 0 or noisy_last) and not known_zero


def _draw(x: Tensor, generator: torch.Generator | None) -> Tensor:
    if generator is None:
        raise BadInput("generator must be a torch.Generator, for this sampler draws noise; got None.")
    return torch.randn_like(x, generator=generator)


def _pairs(
    schedule: NoiseSchedule,
    x_T: Tensor,
    timesteps: Sequence[int],
    *,
    generator: torch.Generator | None,
    clip: tuple[float, float] | None,
) -> list[Transition]:
    """The transitions between neighbouring timesteps, down to 0, once the arguments are known to be right."""
    check_floating("x_T", x_T)
    check_generator_of("x_T", x_T, generator)
    check_clip(clip)
    pairs = transitions(schedule, timesteps)
    for pair in pairs:
        check_signal(schedule, pair.t, x_T.dtype, pair.s)
    return pairs
