r"""Noise schedules: how much of the signal is left at each t.

.. math::
    \alpha_t = 1 - \beta_t, \qquad \bar\alpha_t = \prod_{i \le t} \alpha_i, \qquad
    \mathrm{SNR}_t = \frac{\bar\alpha_t}{1 - \bar\alpha_t}, \qquad \bar\alpha_0 = 1.

Time is the paper's: t = 0..T, every table has T + 1 places and ``beta[0] = 0``. Tables are float64 on the CPU, built
from :math:`\ln\bar\alpha_t = \sum \ln(1-\beta_i)`, so that :math:`1-\bar\alpha_t` keeps all its digits near t = 1.

References:
    Ho, Jain, Abbeel 2020, "Denoising Diffusion Probabilistic Models" (linear).
    Nichol, Dhariwal 2021, "Improved Denoising Diffusion Probabilistic Models" (cosine, iddpm spacing).
    Rombach et al. 2022, "High-Resolution Image Synthesis with Latent Diffusion Models" (scaled_linear).
    Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed" (zero terminal SNR, trailing).
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor

from diffusion_core.errors import BadInput, check_at_least, check_floating, check_integers_of_rows, is_int
from diffusion_core.spacing import spaced

__all__ = [
    "SCHEDULES",
    "NoiseSchedule",
    "cast",
    "cosine",
    "first_beta_tilde",
    "from_beta",
    "inverse_square",
    "linear",
    "pick",
    "scaled_linear",
    "sigmoid",
    "zero_terminal_snr",
]


Number = TypeVar("Number", float, Tensor)
Level = float | Tensor
"""A table's value at t: a float for one t, (batch, 1, ..., 1) for a batch of them."""


def cast(table: Tensor, like: Tensor) -> Tensor:
    """A float64 table in the dtype and on the device of the data: the only place where tables leave the CPU."""
    return table.to(dtype=like.dtype).to(like.device)  # dtype first: not every device knows float64


def pick(table: Tensor, index: int | Tensor, x: Tensor) -> Level:
    """A table's value at `NoiseSchedule.index`, ready to multiply x; nothing is checked."""
    if isinstance(index, Tensor):
        return cast(table[index], x).reshape(-1, *[1] * (x.ndim - 1))
    return table[index].item()


def first_beta_tilde(beta: Number, alpha: Number) -> Number:
    r""":math:`\beta/(1+\alpha)`, the beta-tilde of a second step as large as the first: it stands for
    :math:`\tilde\beta` at s = 0, where that is 0 and a log is needed (`variance.log_range`)."""
    return beta / (1 + alpha)


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """A schedule is its betas; all other tables follow from them.

    Args:
        name: what a plot calls it.
        beta: (T + 1,), beta[0] = 0, each other in (0, 1); only beta[T] may be exactly 1 (zero terminal SNR).

    Raises:
        BadInput: beta has another shape, is not finite, or leaves its range.
    """

    name: str
    beta: Tensor

    def __post_init__(self) -> None:
        beta = torch.as_tensor(self.beta).detach().to("cpu", torch.float64).clone()
        if beta.ndim != 1 or len(beta) < 2:
            raise BadInput(
                "beta must be one row of at least one value after beta[0]; got shape {got}.", got=tuple(beta.shape)
            )
        if beta[0] != 0:
            raise BadInput("beta[0] must be 0 (no noise at t = 0); got {got}.", got=beta[0].item())
        for t, value in enumerate(beta[1:].tolist(), start=1):
            if not (0 < value < 1 or (value == 1 and t == len(beta) - 1)):  # NaN fails every comparison
                raise BadInput(
                    "beta[{t}] must lie between 0 and 1 (only the last may be 1); got {got}.", t=t, got=value
                )
        object.__setattr__(self, "beta", beta)

    @property
    def T(self) -> int:
        """The number of noising steps."""
        return len(self.beta) - 1

    @cached_property
    def alpha(self) -> Tensor:
        r""":math:`\alpha_t = 1 - \beta_t`."""
        return 1 - self.beta

    @cached_property
    def log_alpha(self) -> Tensor:
        r""":math:`\ln\alpha_t`."""
        return torch.log1p(-self.beta)

    @cached_property
    def log_alpha_bar(self) -> Tensor:
        r""":math:`\ln\bar\alpha_t = \sum_{i\le t}\ln\alpha_i`; may be -inf at T."""
        return torch.cumsum(self.log_alpha, 0)

    @cached_property
    def alpha_bar(self) -> Tensor:
        r""":math:`\bar\alpha_t`, the share of the signal's variance that is left."""
        return torch.exp(self.log_alpha_bar)

    @cached_property
    def one_minus_alpha_bar(self) -> Tensor:
        r""":math:`1-\bar\alpha_t`, the variance of the noise in x_t."""
        return 0.0 - torch.expm1(self.log_alpha_bar)  # a plain minus makes -0.0 at t = 0, and an SNR of -inf

    @cached_property
    def snr(self) -> Tensor:
        r""":math:`\bar\alpha_t/(1-\bar\alpha_t)`; infinite at t = 0."""
        return self.alpha_bar / self.one_minus_alpha_bar

    @cached_property
    def sqrt_alpha_bar(self) -> Tensor:
        r""":math:`\sqrt{\bar\alpha_t}`, what x_0 is multiplied by in x_t."""
        return torch.exp(self.log_alpha_bar / 2)

    @cached_property
    def sqrt_one_minus_alpha_bar(self) -> Tensor:
        r""":math:`\sqrt{1-\bar\alpha_t}`, what eps is multiplied by in x_t."""
        return torch.sqrt(self.one_minus_alpha_bar)

    @cached_property
    def beta_tilde(self) -> Tensor:
        r""":math:`\tilde\beta_t = \beta_t(1-\bar\alpha_{t-1})/(1-\bar\alpha_t)`, of steps of one; 0 at t = 1."""
        noise = self.one_minus_alpha_bar
        return torch.cat([self.beta[:1], self.beta[1:] * noise[:-1] / noise[1:]])

    @cached_property
    def log_range_low(self) -> Tensor:
        r""":math:`\ln\tilde\beta_t`, the lower end of a learned variance; at t = 1 that of `first_beta_tilde`."""
        low = self.beta_tilde.clone()
        low[1] = first_beta_tilde(self.beta[1], self.alpha[1])
        return low.log()

    def digest(self) -> str:
        """16 hexadecimal digits of name and betas: the same for the same schedule in every run, for caches."""
        return hashlib.sha256(self.name.encode() + b"\0" + self.beta.numpy().tobytes()).hexdigest()[:16]

    @cached_property
    def _log_alpha_floats(self) -> list[float]:
        return self.log_alpha.tolist()

    @cached_property
    def _log_alpha_bar_floats(self) -> list[float]:
        return self.log_alpha_bar.tolist()

    def check_t(self, t: object, low: int = 0) -> None:
        """Raises BadInput unless t is an integer in low..T."""
        if not is_int(t) or not low <= t <= self.T:
            raise BadInput("t must be an integer from {low} to {T}; got {got}.", low=low, T=self.T, got=t)

    def check_pair(self, t: int, s: int) -> None:
        """Raises BadInput unless 0 <= s < t <= T, both integers."""
        self.check_t(t, low=1)
        if not is_int(s) or not 0 <= s < t:
            raise BadInput("s must be an integer from 0 to t - 1 = {most}; got {got}.", most=t - 1, got=s)

    def log_alpha_between(self, t: int, s: int) -> float:
        r""":math:`\ln(\bar\alpha_t/\bar\alpha_s)` for s < t: the log of a stride's alpha."""
        self.check_pair(t, s)
        if s == 0:
            return self._log_alpha_bar_floats[t]
        # A sum over the stride, not a difference of two large logs: a small beta keeps its digits.
        return math.fsum(self._log_alpha_floats[s + 1 : t + 1])

    def log_alpha_bar_at(self, t: int) -> float:
        r""":math:`\ln\bar\alpha_t` as a Python float."""
        self.check_t(t)
        return self._log_alpha_bar_floats[t]

    def index(self, t: int | Tensor, x: Tensor, low: int) -> int | Tensor:
        """t for `pick`, once it is known to be right: an integer, or (batch,) of them on the CPU, where the tables are.

        On another device t must be waited for: a loop keeps its t on the CPU. Errors are those of `at`.
        """
        check_floating("the data", x)
        if not isinstance(t, Tensor):
            self.check_t(t, low)
            return t
        check_integers_of_rows("t", t, "x", x)
        t = t.to("cpu", torch.int64)
        if len(t) > 0:
            for extreme in torch.aminmax(t):  # an index below 0 would wrap around in silence
                self.check_t(int(extreme), low)
        return t

    def at(self, table: Tensor, t: int | Tensor, x: Tensor, low: int = 0) -> Level:
        """A table's value at t, ready to multiply x: a float, or (batch, 1, ..., 1) of x's dtype on x's device.

        Args:
            t: an integer in low..T, or (batch,) of them, one for each row of x.
            x: (batch, ...), or any shape when t is one integer; floating-point numbers of any width.

        Raises:
            BadInput: t is anything else; x holds whole numbers.
        """
        return pick(table, self.index(t, x, low), x)

    def levels(self, t: int | Tensor, x: Tensor, low: int = 0) -> tuple[Level, Level]:
        r""":math:`\sqrt{\bar\alpha_t}, \sqrt{1-\bar\alpha_t}`: what x_0 and eps are multiplied by in x_t; see `at`."""
        index = self.index(t, x, low)
        return pick(self.sqrt_alpha_bar, index, x), pick(self.sqrt_one_minus_alpha_bar, index, x)

    def timesteps(self, n: int, spacing: str = "iddpm") -> tuple[int, ...]:
        """n timesteps to sample with, from high to low; the step after the last goes to 0. See `spacing.spaced`."""
        return spaced(self.T, n, spacing)


def from_beta(beta: Tensor | Sequence[float], name: str = "custom") -> NoiseSchedule:
    """A schedule of your own: beta (T,), its values for t = 1..T, each in (0, 1) (the last may be 1)."""
    values = torch.as_tensor(beta, dtype=torch.float64)
    if values.ndim != 1:
        raise BadInput("beta must be one row of numbers; got shape {got}.", got=tuple(values.shape))
    return NoiseSchedule(name, torch.cat([torch.zeros(1, dtype=torch.float64), values.detach().cpu()]))


def linear(T: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> NoiseSchedule:
    r""":math:`\beta_t` equally spaced from beta_start to beta_end (Ho et al. 2020, section 4).

    The ends do not scale with T: T = 100 leaves :math:`\bar\alpha_T = .364`, which is not yet noise.
    """
    check_at_least("T", T, 1)
    return from_beta(torch.linspace(beta_start, beta_end, T, dtype=torch.float64), "linear")


def scaled_linear(T: int = 1000, beta_start: float = 0.00085, beta_end: float = 0.012) -> NoiseSchedule:
    r""":math:`\sqrt{\beta_t}` equally spaced (Rombach et al. 2022; Stable Diffusion); often named "linear", too."""
    check_at_least("T", T, 1)
    for name, value in (("beta_start", beta_start), ("beta_end", beta_end)):
        if not 0 < value < 1:
            raise BadInput("{name} must lie between 0 and 1; got {got}.", name=name, got=value)
    root = torch.linspace(math.sqrt(beta_start), math.sqrt(beta_end), T, dtype=torch.float64)
    return from_beta(root**2, "scaled_linear")


def cosine(T: int = 1000, s: float = 0.008, max_beta: float = 0.999) -> NoiseSchedule:
    r""":math:`\bar\alpha_t = f(t)/f(0)`, :math:`f(t) = \cos^2\left(\frac{t/T+s}{1+s}\frac\pi2\right)`, beta at most
    max_beta (Nichol, Dhariwal 2021, eq. 17).
    """
    check_at_least("T", T, 1)
    t = torch.arange(T + 1, dtype=torch.float64)
    f = torch.cos((t / T + s) / (1 + s) * (math.pi / 2)) ** 2
    return from_beta((1 - f[1:] / f[:-1]).clamp(max=max_beta), "cosine")


def sigmoid(T: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> NoiseSchedule:
    r""":math:`\beta_t` goes from beta_start to beta_end along a sigmoid over [-6, 6] (Xu et al. 2022, GeoDiff)."""
    check_at_least("T", T, 1)
    rise = torch.sigmoid(torch.linspace(-6, 6, T, dtype=torch.float64))
    return from_beta(beta_start + (beta_end - beta_start) * rise, "sigmoid")


def inverse_square(T: int = 1000) -> NoiseSchedule:
    r""":math:`\beta_t = 1/(t+1)^2`: a schedule that never becomes noise, for its betas have a finite sum:
    :math:`\bar\alpha_T = \frac{T+2}{2(T+1)} \to \frac12`.
    """
    check_at_least("T", T, 1)
    return from_beta((torch.arange(1, T + 1, dtype=torch.float64) + 1) ** -2, "inverse_square")


def zero_terminal_snr(schedule: NoiseSchedule) -> NoiseSchedule:
    r"""The schedule with :math:`\sqrt{\bar\alpha_t}` shifted and scaled so that :math:`\bar\alpha_T = 0` exactly and
    :math:`\bar\alpha_1` stays (Lin et al. 2023, algorithm 1). With T = 1 both cannot hold: beta_1 = 1.
    """
    root = schedule.sqrt_alpha_bar[1:]
    root = (root - root[-1]) * (root[0] / (root[0] - root[-1])) if schedule.T > 1 else torch.zeros_like(root)
    alpha_bar = torch.cat([torch.ones(1, dtype=torch.float64), root**2])
    return from_beta(1 - alpha_bar[1:] / alpha_bar[:-1], f"zero_terminal_snr({schedule.name})")


SCHEDULES: dict[str, Callable[[int], NoiseSchedule]] = {
    "linear": linear,
    "scaled_linear": scaled_linear,
    "cosine": cosine,
    "sigmoid": sigmoid,
    "inverse_square": inverse_square,
    "zero_terminal_snr": lambda T: zero_terminal_snr(scaled_linear(T)),
}
