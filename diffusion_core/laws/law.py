"""What every law shares: from x_t to a denoiser, and the border where wrong input is one sentence."""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import Tensor

from diffusion_core.denoisers import Denoiser
from diffusion_core.errors import BadInput
from diffusion_core.schedule import NoiseSchedule


# ------------------------------------------------------------------------------------------------ the denoiser contract
class Law(Protocol):
    @property
    def dimension(self) -> int: ...
    def _eps(self, x: Tensor, abar: float, rest: float) -> Tensor: ...


def denoiser_of(law: Law, schedule: NoiseSchedule) -> Denoiser:
    abar, rest = schedule.alpha_bar.tolist(), schedule.one_minus_alpha_bar.tolist()  # once: floats, not tensors

    def eps_star(x_t: Tensor, t: int | Tensor, cond: object = None) -> Tensor:
        check_points(x_t)
        rows = in_float64(flatten(x_t, law.dimension))
        if not isinstance(t, Tensor):
            schedule.check_t(t)
            return law._eps(rows, abar[t], rest[t]).reshape(x_t.shape).to(x_t)
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
        for value in t.unique().tolist():
            eps[t == value] = eps_star(x_t[t == value], value)
        return eps

    return eps_star


def flatten(x: Tensor, d: int) -> Tensor:
    """x (..., d), its last axes put together until they hold d numbers."""
    for axis in reversed(range(x.ndim)):
        if math.prod(x.shape[axis:]) == d:
            return x.reshape(*x.shape[:axis], d)
    raise BadInput("The last axes of x_t must multiply to {d}; got the shape {got}.", d=d, got=tuple(x.shape))


# ------------------------------------------------------------------------------------------------ checks and casts
def levels(schedule: NoiseSchedule | None, t: int) -> tuple[float, float]:
    """alpha_bar_t and 1 - alpha_bar_t, each accurate."""
    if schedule is None:
        if t != 0:
            raise BadInput("t must be 0 where no schedule is given; got {got}.", got=t)
        return 1.0, 0.0
    schedule.check_t(t)
    return schedule.alpha_bar[t].item(), schedule.one_minus_alpha_bar[t].item()


def in_float64(x: Tensor) -> Tensor:
    """float64, on the device of x unless that one has no float64."""
    return x.to(device="cpu" if x.device.type == "mps" else x.device, dtype=torch.float64)


def as_float64(name: str, value: Any) -> Tensor:
    try:
        tensor = torch.as_tensor(value, dtype=torch.float64, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError):
        raise BadInput("{name} must be an array of numbers; got {got}.", name=name, got=type(value).__name__) from None
    check_all_finite(name, tensor)
    return tensor


def check_all_finite(name: str, tensor: Tensor) -> None:
    if not torch.isfinite(tensor).all():
        count = int((~torch.isfinite(tensor)).sum())
        raise BadInput("{name} must be finite; got {count} numbers that are not.", name=name, count=count)


def check_points(x: object) -> None:
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = str(x.dtype) if isinstance(x, Tensor) else type(x).__name__
        raise BadInput("x_t must be a tensor of floating-point numbers; got {got}.", got=got)


def check_draw(n: object, generator: object) -> None:
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise BadInput("n must be an integer of at least 1; got {got}.", got=n)
    if not isinstance(generator, torch.Generator):
        raise BadInput("generator must be a torch.Generator; got {got}.", got=type(generator).__name__)
