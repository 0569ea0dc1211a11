r"""Choices of the reverse step's variance :math:`\sigma^2`, where the mean leaves it open.

.. math::
    \sigma^2 &= \tilde\beta && \text{fixed small: right when } x_0 \text{ is one point} \\
    \sigma^2 &= \beta && \text{fixed large: right when } x_0\sim N(0, I) \\
    \ln\sigma^2 &= v\ln\beta + (1-v)\ln\tilde\beta && \text{learned range: a network's v, a pixel} \\
    \sigma^{*2} &= \tilde\beta + w_t(\beta-\tilde\beta), \quad w_t = \ell_t/\bar\alpha_t
        && \text{optimal: } \ell_t \text{ is the least possible loss at t}

The optimum minimises :math:`E\,KL(q(x_s|x_t)\,\|\,N(\mu^*,\sigma^2 I))`, where the mean over x_t of
:math:`\mathrm{Var}[x_0|x_t]` is :math:`V_t = \ell_t(1-\bar\alpha_t)/\bar\alpha_t`, and
:math:`\beta-\tilde\beta = c_0^2(1-\bar\alpha_t)`. So the loss curve *is* the optimal variance.

Everything belongs to the stride (t, s). A choice maps a `Transition` and x_t to a `Variance`: always the variance
itself and its log, never a deviation. A choice that looks at x_t returns tensors in place of floats.

References:
    Ho, Jain, Abbeel 2020, section 3.2 (both fixed ones). Nichol, Dhariwal 2021, eq. 15 (learned range; GLIDE inherits
    it). Bao et al. 2022, "Analytic-DPM", theorem 1 (the optimum, there in terms of the score).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.posterior import Transition
from diffusion_core.schedule import first_beta_tilde

__all__ = [
    "NOTHING",
    "Variance",
    "VarianceChoice",
    "fixed_large",
    "fixed_small",
    "learned_range",
    "log_range",
    "optimal",
    "optimal_for_network",
    "place_in_range",
    "with_last",
]


@dataclass(frozen=True)
class Variance:
    """A variance (of each coordinate) and its natural log: floats, or tensors that broadcast with x_t."""

    value: float | Tensor
    log: float | Tensor

    @classmethod
    def of(cls, value: float) -> "Variance":
        """A number, and its log: -inf where it is 0."""
        return cls(value, math.log(value) if value > 0 else -math.inf)


VarianceChoice = Callable[[Transition, Tensor], Variance]
NOTHING = torch.empty(0)
"""Stands for x_t where a choice does not look at it."""


def fixed_small(transition: Transition, x_t: Tensor) -> Variance:
    r""":math:`\tilde\beta`: 0 (log -inf) at s = 0."""
    return Variance.of(transition.beta_tilde)


def fixed_large(transition: Transition, x_t: Tensor) -> Variance:
    r""":math:`\beta = 1-\bar\alpha_t/\bar\alpha_s`, the stride's own."""
    return Variance.of(transition.beta)


def with_last(choice: VarianceChoice, last: VarianceChoice) -> VarianceChoice:
    """``choice``, but ``last`` for the step into s = 0: a decoder needs a variance where beta-tilde is 0."""
    return lambda transition, x_t: (last if transition.s == 0 else choice)(transition, x_t)


# --- learned range --------------------------------------------------------------------------------------------------


def log_range(transition: Transition) -> tuple[float, float]:
    r"""The ends of the learned range, :math:`(\ln\tilde\beta, \ln\beta)`, both finite.

    At s = 0 beta-tilde is 0. There the lower end is `first_beta_tilde`, that of a second step as large as the first.
    Improved DDPM clips likewise, with the beta-tilde of its own second step: for the linear schedule
    that is 5.5e-5, ours 5.0e-5; no sample depends on it where the last step has no noise.
    """
    beta = transition.beta
    small = transition.beta_tilde if transition.s > 0 else first_beta_tilde(beta, transition.alpha)
    return math.log(small), math.log(beta)


def place_in_range(transition: Transition, log_variance: float | Tensor) -> float | Tensor:
    r""":math:`v = (\ln\sigma^2-\ln\tilde\beta)/(\ln\beta-\ln\tilde\beta)`, the inverse of `learned_range`: 0 at
    beta-tilde, 1 at beta.

    Raises:
        BadInput: both ends are the same number, as where no signal is left at t and s is 0.
    """
    low, high = log_range(transition)
    if low == high:
        raise BadInput(
            "The range of the variance is one point at t = {t}, s = {s}, and has no places.",
            t=transition.t,
            s=transition.s,
        )
    return (log_variance - low) / (high - low)


def learned_range(v: float | Tensor | Callable[[Transition, Tensor], float | Tensor]) -> VarianceChoice:
    r""":math:`\ln\sigma^2 = v\ln\beta + (1-v)\ln\tilde\beta` (Nichol, Dhariwal 2021, eq. 15).

    The logs are mixed, not the variances. v is not clamped to [0, 1]: outside, the variance leaves the range, as the
    true one may. At s = 0 the lower end is that of `log_range`.

    Args:
        v: a number, a tensor that broadcasts with x_t, or a network's (transition, x_t) -> v.

    Raises:
        BadInput: v is a number, but not a finite one.
    """
    if isinstance(v, int | float) and not math.isfinite(v):
        raise BadInput("v must be a finite number (0 is beta-tilde, 1 is beta); got {got}.", got=v)

    def choose(transition: Transition, x_t: Tensor) -> Variance:
        low, high = log_range(transition)
        weight = v(transition, x_t) if callable(v) else v
        log = weight * high + (1 - weight) * low
        return Variance(torch.exp(log) if isinstance(log, Tensor) else math.exp(log), log)

    return choose


# --- the optimum ----------------------------------------------------------------------------------------------------


def optimal(floor: Sequence[float] | Callable[[int], float]) -> VarianceChoice:
    r""":math:`\sigma^{*2} = \tilde\beta + w_t(\beta-\tilde\beta)` with :math:`w_t = \ell_t/\bar\alpha_t`: the best
    variance that knows only t, for any data.

    At s = 0 it is :math:`V_t`, the average variance of x_0 given x_t: the best density decoder.

    Args:
        floor: :math:`\ell_t = \min_f E\|\epsilon-f(x_t)\|^2/d`, t -> a number, or a table with T + 1 places
            (`laws.estimates.loss_floor`).

    Raises:
        BadInput: (when used) :math:`\ell_t` is negative, not finite, or above 1, the loss of f = 0; or
            :math:`\bar\alpha_t = 0`.
    """
    return _from_loss("floor", floor, most=1 + 1e-9)  # rounding


def optimal_for_network(loss: Sequence[float] | Callable[[int], float]) -> VarianceChoice:
    """`optimal` for a network that is not the best: the best variance around its own mean.

    Its loss takes the floor's place, and may be above 1: a network that predicts x_0 errs in eps by sqrt(SNR) times
    its error in x_0.

    Args:
        loss: the simple loss of the network on draws that it has not seen, t -> a number, or a table with T + 1 places.

    Raises:
        BadInput: (when used) the loss is negative or not finite, or alpha-bar is 0 at t.
    """
    return _from_loss("loss", loss, most=math.inf)


def _from_loss(name: str, loss_at: Sequence[float] | Callable[[int], float], most: float) -> VarianceChoice:
    at = loss_at if callable(loss_at) else loss_at.__getitem__

    def choose(transition: Transition, x_t: Tensor) -> Variance:
        loss = float(at(transition.t))
        if not 0 <= loss < math.inf:
            raise BadInput(
                "{name} must be a finite number of at least 0 at t = {t}; got {got}.",
                name=name,
                t=transition.t,
                got=loss,
            )
        if loss > most:
            raise BadInput(
                "floor must be at most 1 at t = {t}, the loss of predicting 0; got {got}. "
                "The loss of a network is for optimal_for_network.",
                t=transition.t,
                got=loss,
            )
        if transition.alpha_bar_t == 0:
            raise BadInput("alpha_bar is 0 at t = {t}, where the loss says nothing of x_0.", t=transition.t)
        # c_0^2 (1 - alpha_bar_t) is beta - beta_tilde, without a difference of two near numbers
        gap = transition.c_0**2 * transition.one_minus_alpha_bar_t
        return Variance.of(transition.beta_tilde + loss / transition.alpha_bar_t * gap)

    return choose
