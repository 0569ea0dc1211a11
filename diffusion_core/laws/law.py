r"""What every exact law can say: a law of x_0, and at each t what is known of x_t and of the x_0 behind it.

Time comes in at one place: ``law.at(schedule, t)``. What it gives speaks of

.. math:: x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon

and no longer asks for a schedule. Everything is computed in float64; answers have the dtype and the device of what was
asked. Input is looked at once, where it comes in.

References:
    Ho, Jain, Abbeel 2020, eq. 4-7 (the process). Efron 2011, "Tweedie's formula" (eps* and the covariance).
"""

import math
from typing import Any, Protocol

import torch
from torch import Tensor

from diffusion_core.denoisers import Denoiser
from diffusion_core.errors import BadInput, check_at_least, check_finite, check_floating
from diffusion_core.schedule import NoiseSchedule

__all__ = ["CHUNK", "Law", "Noised"]

CHUNK = 2**22  # numbers in the largest temporary array: 32 MB in float64


class Noised(Protocol):
    r"""What is known of x_t at one t, and what x_t says of x_0. Places are (..., d).

    At t = 0 x_t is x_0: eps* is 0, x0_hat is x_t and certain; density and score exist if x_0 has a density. Where
    :math:`\bar\alpha_t = 0`, x_t says nothing of x_0: eps* is x_t, x0_hat the mean.

    Raises:
        BadInput: (every method) places of another dimension, of whole numbers, or not finite; no density at t = 0.
    """

    def log_prob(self, x: Tensor) -> Tensor:
        r""":math:`\ln q_t(x)` in nats, (...)."""
        ...

    def score(self, x: Tensor) -> Tensor:
        r""":math:`\nabla\ln q_t(x)`, in the shape of x."""
        ...

    def eps(self, x: Tensor) -> Tensor:
        r""":math:`\epsilon^* = E[\epsilon|x_t]`, in the shape of x: the mean-square optimum of every network."""
        ...

    def x0_mean(self, x: Tensor) -> Tensor:
        r""":math:`\hat x_0 = E[x_0|x_t]`, in the shape of x."""
        ...

    def x0_variance(self, x: Tensor) -> Tensor:
        r""":math:`\mathrm{Var}[x_0|x_t]` of each coordinate, in the shape of x."""
        ...

    def _eps(self, x: Tensor) -> Tensor:
        """`eps` of float64 (..., d) that nobody has looked at: what a denoiser asks."""
        ...


class Law(Protocol):
    """A law of x_0 in d dimensions whose diffusion is known exactly: `GaussianMixture`, `FiniteData`."""

    @property
    def dimension(self) -> int:
        """d."""
        ...

    @property
    def centres(self) -> Tensor:
        """(K, d), float64: the means of its components, or its points."""
        ...

    @property
    def variance(self) -> float:
        r""":math:`s^2 = \mathrm{tr\,Cov}[x_0]/d`, the average variance of a coordinate."""
        ...

    @property
    def second_moment(self) -> float:
        r""":math:`m_2 = E\|x_0\|^2/d`: what the prior term L_T needs."""
        return self.variance + self.mean().square().mean().item()

    def mean(self) -> Tensor:
        """E[x_0], (d,), float64."""
        ...

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n independent draws of x_0, (n, d), float64.

        Raises:
            BadInput: n is not a positive integer, or generator no `torch.Generator`.
        """
        ...

    def at(self, schedule: NoiseSchedule, t: int) -> Noised:
        """What is known at t, an integer in 0..T.

        Raises:
            BadInput: t out of range.
        """
        ...

    def denoiser(self, schedule: NoiseSchedule) -> Denoiser:
        """``model(x_t, t, cond=None)`` -> eps* in the shape of x_t, which may end in any axes that multiply to d, such
        as (batch, 28, 28, 1); t an integer or (batch,) integers."""

        def eps_star(x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
            check_floating("x_t", x_t)
            rows = in_float64(flatten(x_t, self.dimension))
            if not isinstance(t, Tensor):
                return self.at(schedule, t)._eps(rows).reshape(x_t.shape).to(x_t)
            if t.is_floating_point() or t.ndim > 1 or (t.ndim == 1 and (not x_t.ndim or len(t) != len(x_t))):
                raise BadInput(
                    "t must be an integer or one integer for each row of x_t {x}; got {dtype} of the shape {got}.",
                    x=tuple(x_t.shape),
                    dtype=str(t.dtype),
                    got=tuple(t.shape),
                )
            if t.ndim == 0:
                return eps_star(x_t, int(t))
            eps = torch.empty_like(x_t)
            for value in set(t.tolist()):
                eps[t == value] = eps_star(x_t[t == value], value)
            return eps

        return eps_star


# --- checks and casts, at the border --------------------------------------------------------------------------------


def flatten(x: Tensor, d: int) -> Tensor:
    """x (..., d), its last axes put together until they hold d numbers."""
    for axis in reversed(range(x.ndim)):
        if math.prod(x.shape[axis:]) == d:
            return x.reshape(*x.shape[:axis], d)
    raise BadInput("The last axes of x_t must multiply to {d}; got the shape {got}.", d=d, got=tuple(x.shape))


def places_of(x: Tensor, d: int) -> Tensor:
    """x (..., d) in float64, looked at."""
    check_floating("x_t", x)
    if not x.ndim or x.shape[-1] != d:
        raise BadInput("x_t must have {d} numbers in its last axis; got the shape {got}.", d=d, got=tuple(x.shape))
    check_finite("x_t", x)
    return in_float64(x)


def in_float64(x: Tensor) -> Tensor:
    """float64, on the device of x unless that one has no float64."""
    return x.to(device="cpu" if x.device.type == "mps" else x.device, dtype=torch.float64)


def as_float64(name: str, value: Any) -> Tensor:
    """A finite float64 tensor on the CPU, of a tensor, an array or nested lists."""
    try:
        tensor = torch.as_tensor(value, dtype=torch.float64, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError):
        raise BadInput("{name} must be an array of numbers; got {got}.", name=name, got=type(value).__name__) from None
    check_finite(name, tensor)
    return tensor


def log_sum_exp(logits: Tensor) -> Tensor:
    """ln of the sum of e^logits over the last axis; logits are used up."""
    top = logits.amax(-1)
    # What is e^-700 of the largest counts for nothing; exp takes forty times as long where it underflows.
    return logits.sub_(top.unsqueeze(-1)).clamp_(min=-700).exp_().sum(-1).log_().add_(top)


def check_draw(n: object, generator: object) -> None:
    """Raises BadInput unless n is a positive integer and generator a `torch.Generator`."""
    check_at_least("n", n, 1)
    if not isinstance(generator, torch.Generator):
        raise BadInput("generator must be a torch.Generator; got {got}.", got=type(generator).__name__)
