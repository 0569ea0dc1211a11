r"""One reverse step, from x_t to x_s, with everything that it computes on the way.

.. math::
    \hat x_0 = \frac{x_t-\sqrt{1-\bar\alpha_t}\,\hat\epsilon}{\sqrt{\bar\alpha_t}}, \qquad
    \mu = w\,p + w_0\hat x_0, \qquad
    x_s = \mu + \sigma z,

where a `MeanRule` says what p and the weights are:

.. math::
    \text{the posterior's mean:}\quad & p = x_t,\quad (w, w_0) = (c_t, c_0) \\
    \text{DDIM's:}\quad & p = \hat\epsilon,\quad
        (w, w_0) = \big(\sqrt{1-\bar\alpha_s-\eta^2\tilde\beta},\ \sqrt{\bar\alpha_s}\big).

When x0-hat is clipped, eps-hat is derived again from the clipped one: they must tell the same story, or DDIM at
eta = 1 would not be DDPM.

References:
    Ho, Jain, Abbeel 2020, eq. 7, 11 and 15; algorithm 2. Song, Meng, Ermon 2021, eq. 12.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.posterior import Transition
from diffusion_core.variance import Variance

__all__ = ["POSTERIOR_MEAN", "DDIMMean", "MeanRule", "PosteriorMean", "ReverseStep", "reverse_step"]


class MeanRule(Protocol):
    """How the mean of x_s is made of x0_hat and a partner."""

    @property
    def partner(self) -> Literal["x_t", "eps_used"]:
        """Which tensor of the step stands beside x0_hat."""
        ...

    def weights(self, pair: Transition) -> tuple[float, float]:
        """What the partner and x0_hat are multiplied by."""
        ...


@dataclass(frozen=True)
class PosteriorMean:
    r""":math:`\tilde\mu = c_t x_t + c_0\hat x_0` (Ho et al. 2020, eq. 7)."""

    partner: ClassVar[Literal["x_t"]] = "x_t"

    def weights(self, pair: Transition) -> tuple[float, float]:
        """c_t and c_0."""
        return pair.c_t, pair.c_0


POSTERIOR_MEAN = PosteriorMean()


@dataclass(frozen=True)
class DDIMMean:
    r""":math:`\sqrt{1-\bar\alpha_s-\eta^2\tilde\beta}\,\hat\epsilon + \sqrt{\bar\alpha_s}\,\hat x_0` (Song et al. 2021,
    eq. 12). At eta = 1 it is the posterior's mean, and at eta = 0 it is not.

    Raises:
        BadInput: eta is not in [0, 1].
    """

    eta: float = 0.0
    partner: ClassVar[Literal["eps_used"]] = "eps_used"

    def __post_init__(self) -> None:
        if not 0 <= self.eta <= 1:
            raise BadInput("eta must be a number from 0 (no noise) to 1 (DDPM); got {got}.", got=self.eta)

    def weights(self, pair: Transition) -> tuple[float, float]:
        """The direction back to x_t, and sqrt(alpha_bar_s)."""
        # 1 - alpha_bar_s - eta^2 beta_tilde, written so that it cannot lose digits or fall below 0
        left = pair.one_minus_alpha_bar_s * (pair.alpha * pair.one_minus_alpha_bar_s + (1 - self.eta**2) * pair.beta)
        return math.sqrt(left / pair.one_minus_alpha_bar_t), pair.sqrt_alpha_bar_s

    def variance(self, pair: Transition, x_t: Tensor) -> Variance:
        r""":math:`\sigma^2 = \eta^2\tilde\beta`, the one that goes with this mean (eq. 16)."""
        return Variance.of(self.eta**2 * pair.beta_tilde)


@dataclass(frozen=True)
class ReverseStep:
    r"""A step from t to s. Tensors have the shape of x_t; a fixed variance is a float.

    Attributes:
        pair: every coefficient of the transition (t, s).
        x_t: where the step starts.
        eps_hat: the noise, as the denoiser said it.
        x0_hat_raw, x0_hat: the predicted data, before and after clipping (the same tensor without clipping).
        eps_used: the noise that agrees with x0_hat (eps_hat without clipping).
        mean_rule: how the mean is made.
        partner: the tensor that stands beside x0_hat in it: x_t or eps_used.
        weights: what the partner and x0_hat are multiplied by.
        mean: of x_s.
        variance, log_variance: the chosen :math:`\sigma^2` and its log.
        noise: the z that was added; zeros where none was drawn.
        x_s: mean + sqrt(variance) * noise.
    """

    pair: Transition
    x_t: Tensor
    eps_hat: Tensor
    x0_hat_raw: Tensor
    x0_hat: Tensor
    eps_used: Tensor
    mean_rule: MeanRule
    partner: Tensor
    weights: tuple[float, float]
    mean: Tensor
    variance: float | Tensor
    log_variance: float | Tensor
    noise: Tensor
    x_s: Tensor

    @property
    def t(self) -> int:
        """Where the step starts."""
        return self.pair.t

    @property
    def s(self) -> int:
        """Where it ends."""
        return self.pair.s


def reverse_step(
    pair: Transition,
    x_t: Tensor,
    eps_hat: Tensor,
    variance: Variance,
    noise: Tensor | None = None,
    clip: tuple[float, float] | None = None,
    mean_rule: MeanRule = POSTERIOR_MEAN,
) -> ReverseStep:
    """The step, given all that it needs; it draws nothing and checks nothing (the samplers do).

    Args:
        pair: the transition (t, s), with alpha_bar_t > 0.
        x_t, eps_hat: (...) the state and the predicted noise.
        variance: sigma^2.
        noise: (...) z, or None for a step without noise.
        clip: the range that x0_hat is held to.
        mean_rule: how the mean is made.
    """
    # Python floats times tensors: no coefficient is ever a tensor, and none is read back from one. Only two kinds of
    # operation, multiply and add: after a network each new kind is a cold one, at several times its cost.
    signal, sigma_t = pair.sqrt_alpha_bar_t, pair.sqrt_one_minus_alpha_bar_t
    x0_hat_raw = x0_hat = torch.add(x_t * (1 / signal), eps_hat, alpha=-sigma_t / signal)
    eps_used = eps_hat
    if clip is not None:
        x0_hat = x0_hat_raw.clamp(*clip)
        eps_used = torch.add(x_t * (1 / sigma_t), x0_hat, alpha=-signal / sigma_t)
    partner = x_t if mean_rule.partner == "x_t" else eps_used
    weights = mean_rule.weights(pair)
    mean = torch.add(x0_hat * weights[1], partner, alpha=weights[0])
    return ReverseStep(
        pair=pair,
        x_t=x_t,
        eps_hat=eps_hat,
        x0_hat_raw=x0_hat_raw,
        x0_hat=x0_hat,
        eps_used=eps_used,
        mean_rule=mean_rule,
        partner=partner,
        weights=weights,
        mean=mean,
        variance=variance.value,
        log_variance=variance.log,
        noise=torch.zeros_like(x_t) if noise is None else noise,
        x_s=mean if noise is None else _add_noise(mean, variance.value, noise),
    )


def _add_noise(mean: Tensor, variance: float | Tensor, noise: Tensor) -> Tensor:
    if isinstance(variance, Tensor):
        return torch.addcmul(mean, variance.sqrt(), noise)
    return torch.add(mean, noise, alpha=math.sqrt(variance))
