"""Which timesteps a sampler visits, where it takes fewer steps than the schedule has.

References:
    Nichol, Dhariwal 2021 (iddpm). Lin et al. 2023, table 2 (trailing). Song, Meng, Ermon 2021 (leading).
"""

from collections.abc import Callable

from diffusion_core.errors import BadInput, check_one_of, is_int

__all__ = ["spaced"]


def spaced(T: int, n: int, spacing: str) -> tuple[int, ...]:
    """n timesteps to sample with, from high to low; the step after the last goes to 0.

    ============  ==========================================  ===================  ==================
    spacing       t_k                                         of 1000, 4 steps     who uses it
    ============  ==========================================  ===================  ==================
    ``iddpm``     n points equally spaced from 1 to T         1000, 667, 334, 1    Nichol, Dhariwal
    ``trailing``  round(k T / n), k = 1..n                    1000, 750, 500, 250  Lin et al.
    ``leading``   1 + k floor(T / n), k = 0..n - 1            751, 501, 251, 1     Song et al. (DDIM)
    ============  ==========================================  ===================  ==================

    Halves are rounded to even (iddpm: those of t - 1). diffusers 0.42.1, whose t is ours less 1, has the same
    timesteps, save that

    - ``leading`` with ``steps_offset=1``, as in the files of Stable Diffusion, is one later throughout;
    - ``linspace`` (our iddpm) and ``trailing`` differ by 1 where their floats round a half the other way, for
      ``trailing`` only where n does not divide T: at n = 27 and n = 48 of 1000, say;
    - ``trailing`` may have one timestep more, the data themselves (ours t = 0): at n = 61 of 1000, say;
    - ``linspace`` with n = 1 is our t = 1, not T;
    - its DDIM steps from t to t - floor(T / n): for ``trailing`` that is the next timestep only if n divides T.

    Raises:
        BadInput: n is not an integer in 1..T, or the spacing has no such name.
    """
    if not is_int(n) or not 1 <= n <= T:
        raise BadInput("n must be an integer from 1 to T = {T}; got {got}.", T=T, got=n)
    check_one_of("spacing", spacing, SPACINGS)
    return tuple(reversed(SPACINGS[spacing](T, n)))


def iddpm(T: int, n: int) -> list[int]:
    return [T] if n == 1 else [1 + round(k * (T - 1) / (n - 1)) for k in range(n)]


def trailing(T: int, n: int) -> list[int]:
    return [round(k * T / n) for k in range(1, n + 1)]


def leading(T: int, n: int) -> list[int]:
    return [1 + k * (T // n) for k in range(n)]


SPACINGS: dict[str, Callable[[int, int], list[int]]] = {"iddpm": iddpm, "trailing": trailing, "leading": leading}
