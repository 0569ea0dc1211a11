r"""Noise levels between two signal-to-noise ratios: many ways to walk from the one to the other.

A *shape* says at which :math:`\lambda' = \ln\mathrm{SNR}` a walk is when it has gone a share u of its way, from u = 0
(little noise) to u = 1 (much). With :math:`\bar\alpha = 1/(1+e^{-\lambda'})`:

.. math::
    \text{log\_snr}:&\quad \lambda' \text{ straight in } u \\
    \text{cosine}:&\quad \varphi \text{ straight in } u, \quad
        \sqrt{\bar\alpha} = \cos\varphi,\ \lambda' = -2\ln\tan\varphi \\
    \text{linear\_vp}:&\quad s \text{ straight in } u, \quad
        \ln\bar\alpha = -0.1\,s - 9.95\,s^2 \quad\text{(the limit of the linear schedule)}

References:
    Kingma et al. 2021, "Variational Diffusion Models" (schedules between two ends). Song et al. 2021, "Score-Based
    Generative Modeling", appendix C (linear VP). Nichol, Dhariwal 2021, eq. 17 (cosine; here without its offset).
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import softplus

from diffusion_core.errors import BadInput, check_at_least, check_between, check_one_of
from diffusion_core.schedule import NoiseSchedule, from_beta

__all__ = ["SHAPES", "Shape", "between", "blended", "from_log_snr", "log_snr_at", "time_of"]

Shape = Callable[[Tensor, float, float], Tensor]
"""(u, ln SNR at u = 0, ln SNR at u = 1) -> ln SNR at u."""

B_MIN, B_HALF = 0.1, 9.95  # of linear VP


def _straight(u: Tensor, first: float, last: float) -> Tensor:
    return first + u * (last - first)


def _cosine(u: Tensor, first: float, last: float) -> Tensor:
    begin, end = (math.atan(math.exp(-one / 2)) for one in (first, last))
    return -2 * torch.log(torch.tan(begin + u * (end - begin)))


def _linear_vp(u: Tensor, first: float, last: float) -> Tensor:
    begin, end = time_of(softplus(-torch.tensor([first, last], dtype=torch.float64))).tolist()
    s = begin + u * (end - begin)
    return -torch.log(torch.expm1(B_MIN * s + B_HALF * s.square()))


def time_of(lost: Tensor) -> Tensor:
    r"""The s of linear VP where :math:`-\ln\bar\alpha` is that."""
    return 2 * lost / (B_MIN + (B_MIN**2 + 4 * B_HALF * lost).sqrt())


SHAPES: dict[str, Shape] = {"log_snr": _straight, "cosine": _cosine, "linear_vp": _linear_vp}


def blended(place: float) -> Shape:
    """A shape between those of `SHAPES`, in their order: 0 the first, 1 the second, 0.5 halfway in ln SNR."""
    shapes = list(SHAPES.values())
    check_between("place", place, 0, len(shapes) - 1)
    before = min(int(place), len(shapes) - 2)
    rest = place - before

    def shape(u: Tensor, first: float, last: float) -> Tensor:
        return torch.lerp(shapes[before](u, first, last), shapes[before + 1](u, first, last), rest)

    return shape


def log_snr_at(shape: Shape, ends: tuple[float, float], u: Tensor) -> Tensor:
    """ln SNR after the shares u of the way between two ends, the larger SNR first.

    Raises:
        BadInput: ends that are not positive and finite, or do not fall.
    """
    high, low = ends
    if not 0 < low < high < math.inf:
        raise BadInput(
            "The ends must be two SNRs above 0, the larger one first; got {high} and {low}.", high=high, low=low
        )
    return shape(u, math.log(high), math.log(low))


def between(name: str, ends: tuple[float, float], T: int) -> NoiseSchedule:
    r"""The schedule whose :math:`\mathrm{SNR}_1` and :math:`\mathrm{SNR}_T` are the ends, of a shape of `SHAPES`.

    Raises:
        BadInput: no such shape, T below 2, ends as in `log_snr_at`.
    """
    check_one_of("shape", name, SHAPES)
    check_at_least("T", T, 2)
    return from_log_snr(log_snr_at(SHAPES[name], ends, torch.linspace(0, 1, T, dtype=torch.float64)), name)


def from_log_snr(log_snr: Tensor | Sequence[float], name: str = "custom") -> NoiseSchedule:
    r"""The schedule with these :math:`\ln\mathrm{SNR}_t`, t = 1..T: :math:`\ln\bar\alpha = -\ln(1+e^{-\lambda'})`.

    Raises:
        BadInput: numbers that are not finite, or do not fall.
    """
    levels = torch.as_tensor(log_snr, dtype=torch.float64)
    if levels.ndim != 1 or not levels.isfinite().all() or not (levels.diff() < 0).all():
        raise BadInput("log_snr must be one row of finite numbers that fall; got {got}.", got=levels.tolist()[:6])
    log_alpha_bar = -softplus(-levels, threshold=50)
    return from_beta(-torch.expm1(torch.diff(log_alpha_bar, prepend=log_alpha_bar.new_zeros(1))), name)
