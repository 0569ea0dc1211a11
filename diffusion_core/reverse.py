r"""One reverse step, from x_t to x_s, with everything that it computes on the way.

.. math::
    \hat x_0 = \frac{x_t-\sqrt{1-\bar\alpha_t}\,\hat\epsilon}{\sqrt{\bar\alpha_t}}, \qquad
    \tilde\mu = c_0\hat x_0 + c_t x_t, \qquad
    x_s = \tilde\mu + \sigma z.

When x0-hat is clipped, eps-hat is derived again from the clipped one: they must tell the same story, or DDIM at
eta = 1 would not be DDPM.

References:
    Ho, Jain, Abbeel 2020, eq. 7, 11 and 15; algorithm 2.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.posterior import Transition
from diffusion_core.variance import Variance

__all__ = ["MeanRule", "ReverseStep", "posterior_mean", "reverse_step"]


@dataclass(frozen=True)
class ReverseStep:
    r"""A step from t to s. Tensors have the shape of x_t; a fixed variance is a float.

    Attributes:
        t, s: the pair, s < t.
        x_t: where the step starts.
        eps_hat: the predicted noise; derived again from x0_hat when that is clipped.
        x0_hat_raw, x0_hat: the predicted data, before and after clipping (the same tensor without clipping).
        mean: :math:`\tilde\mu` (ancestral), or DDIM's mean.
        beta, beta_tilde: of this stride.
        variance, log_variance: the chosen :math:`\sigma^2` and its log.
        noise: the z that was added; zeros where none was drawn.
        x_s: mean + sqrt(variance) * noise.
    """

    t: int
    s: int
    x_t: Tensor
    eps_hat: Tensor
    x0_hat_raw: Tensor
    x0_hat: Tensor
    mean: Tensor
    beta: float
    beta_tilde: float
    variance: float | Tensor
    log_variance: float | Tensor
    noise: Tensor
    x_s: Tensor


MeanRule = Callable[[Transition, Tensor, Tensor, Tensor], Tensor]
"""(transition, x_t, x0_hat, eps_hat) -> the mean of x_s."""


def posterior_mean(transition: Transition, x_t: Tensor, x0_hat: Tensor, eps_hat: Tensor) -> Tensor:
    r""":math:`\tilde\mu = c_0\hat x_0 + c_t x_t` (Ho et al. 2020, eq. 7); eps_hat is not needed."""
    return torch.add(x0_hat * transition.c_0, x_t, alpha=transition.c_t)


def reverse_step(
    transition: Transition,
    x_t: Tensor,
    eps_hat: Tensor,
    variance: Variance,
    noise: Tensor | None = None,
    clip: tuple[float, float] | None = None,
    mean_rule: MeanRule = posterior_mean,
) -> ReverseStep:
    """The step, given all that it needs; it draws nothing and checks nothing (the samplers do).

    Args:
        transition: the pair (t, s), with alpha_bar_t > 0.
        x_t, eps_hat: (...) the state and the predicted noise.
        variance: sigma^2.
        noise: (...) z, or None for a step without noise.
        clip: the range that x0_hat is held to.
        mean_rule: how x0_hat and eps_hat make the mean.
    """
    # Python floats times tensors: no coefficient is ever a tensor, and none is read back from one. Only two kinds of
    # operation, multiply and add: after a network each new kind is a cold one, at several times its cost.
    signal, sigma_t = transition.sqrt_alpha_bar_t, transition.sqrt_one_minus_alpha_bar_t
    x0_hat_raw = x0_hat = torch.add(x_t * (1 / signal), eps_hat, alpha=-sigma_t / signal)
    if clip is not None:
        x0_hat = x0_hat_raw.clamp(*clip)
        eps_hat = torch.add(x_t * (1 / sigma_t), x0_hat, alpha=-signal / sigma_t)
    mean = mean_rule(transition, x_t, x0_hat, eps_hat)
    return ReverseStep(
        t=transition.t,
        s=transition.s,
        x_t=x_t,
        eps_hat=eps_hat,
        x0_hat_raw=x0_hat_raw,
        x0_hat=x0_hat,
        mean=mean,
        beta=transition.beta,
        beta_tilde=transition.beta_tilde,
        variance=variance.value,
        log_variance=variance.log,
        noise=torch.zeros_like(x_t) if noise is None else noise,
        x_s=mean if noise is None else _add_noise(mean, variance.value, noise),
    )


def _add_noise(mean: Tensor, variance: float | Tensor, noise: Tensor) -> Tensor:
    if isinstance(variance, Tensor):
        return torch.addcmul(mean, variance.sqrt(), noise)
    return torch.add(mean, noise, alpha=math.sqrt(variance))
