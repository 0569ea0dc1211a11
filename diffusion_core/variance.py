r"""The choice of the reverse step's variance :math:`\sigma^2`, where the mean leaves it open.

.. math:: \sigma^2 = \tilde\beta \ (\text{fixed small}), \qquad \sigma^2 = \beta \ (\text{fixed large}).

Both belong to the stride (t, s). beta-tilde is right when x_0 is one point, beta when x_0 ~ N(0, I).
A choice maps a `Transition` and x_t to a `Variance`: always the variance itself and its log, never a deviation. A
choice that looks at x_t (a learned one) returns tensors in place of floats.

References:
    Ho, Jain, Abbeel 2020, section 3.2.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from diffusion_core.posterior import Transition

__all__ = ["Variance", "VarianceChoice", "fixed_large", "fixed_small"]


@dataclass(frozen=True)
class Variance:
    """A variance (of each coordinate) and its natural log: floats, or tensors that broadcast with x_t."""

    value: float | Tensor
    log: float | Tensor


VarianceChoice = Callable[[Transition, Tensor], Variance]


def _fixed(value: float) -> Variance:
    return Variance(value, math.log(value) if value > 0 else -math.inf)


def fixed_small(transition: Transition, x_t: Tensor) -> Variance:
    r""":math:`\tilde\beta`: 0 (log -inf) at s = 0."""
    return _fixed(transition.beta_tilde)


def fixed_large(transition: Transition, x_t: Tensor) -> Variance:
    r""":math:`\beta = 1-\bar\alpha_t/\bar\alpha_s`, the stride's own."""
    return _fixed(transition.beta)
