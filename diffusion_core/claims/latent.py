"""The article's last section: diffusion in latents, which are fewer, and must be scaled before the formulas hold.

512 x 512 x 3 -> 64 x 64 x 4: 48 times fewer numbers                                   (Rombach et al. 2022)
W x_t = sqrt(alpha_bar) W x_0 + sqrt(1 - alpha_bar) W eps,   W eps ~ N(0, I) iff W W^T = I
|x - decode(z)|^2 = |x - decode(encode(x))|^2 + |encode(x) - z|^2                      orthonormal W
Var[z_t] = 1 + alpha_bar_t (s^2 - 1),  SNR_t = s^2 alpha_bar_t / (1 - alpha_bar_t)     latents of variance s^2

Sampling starts from N(0, 1), where the data's x_T has the mean sqrt(alpha_bar_T) m and the variance
v_T = 1 - alpha_bar_T + alpha_bar_T lambda. The exact reverse chain then makes (Lin et al. 2023, in closed form)

variance / lambda = alpha_bar_T lambda / v_T^2 + (1 - alpha_bar_T) / v_T,   mean - m = -(alpha_bar_T lambda / v_T) m
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from diffusion_core.claims.check import AnyClaim, Claim, Trial, chi_square, identity, z_of_mean
from diffusion_core.data.digits import digits
from diffusion_core.forward import q_sample
from diffusion_core.laws.from_noise import ancestral_from_noise
from diffusion_core.laws.generated import gaussian_optimal_full, generated_law
from diffusion_core.schedule import NoiseSchedule, linear, scaled_linear

__all__ = ["BRIGHTNESS", "CLAIMS", "COMMUTES", "COUNT", "SCALE", "brightness"]

# --- how many numbers -----------------------------------------------------------------------------------------------

Shape = tuple[int, int, int]
PICTURE: Shape = (512, 512, 3)


def latent_shape(picture: Shape) -> Shape:
    """An eighth of each side, four channels."""
    return picture[0] // 8, picture[1] // 8, 4


def check_count(shape_of: Callable[[Shape], Shape], setting: Shape, seed: int) -> list[Trial]:
    """Numbers in pixels over numbers in latents."""
    return [Trial("pixels / latents − 48", math.prod(setting) / math.prod(shape_of(setting)) - 48, tolerance=0.0, n=1)]


COUNT = Claim(
    key="E36",
    says="Stable Diffusion’s latents are 48 times fewer numbers than its pixels.",
    check=check_count,
    truth=latent_shape,
    mistakes={
        "three channels kept (64 times)": lambda picture: (picture[0] // 8, picture[1] // 8, 3),
        "one side counted, not two (6 times)": lambda picture: (picture[0] // 8, picture[1], 4),
    },
    setting=PICTURE,
)

# --- projecting and noising -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pca:
    """The first k directions of the digits."""

    schedule: NoiseSchedule
    t: int
    k: int = 16


Encoder = Callable[[Tensor, Tensor], Tensor]


@cache
def digit_directions(k: int) -> tuple[Tensor, Tensor]:
    """600 digits without their mean (600, 784), and their first k principal directions (k, 784), float64."""
    points = digits(60).law.points.double()
    centred = points - points.mean(0)
    return centred, torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -k:].T


def check_commutes(variant: tuple[Encoder, float], setting: Pca, seed: int) -> list[Trial]:
    """Noise then encode against encode then noise; and the two errors of a decoded latent, to a power, add up."""
    encode, power = variant
    generator = torch.Generator().manual_seed(seed)
    points, W = digit_directions(setting.k)
    x = points[torch.randint(len(points), (32,), generator=generator)]
    eps = torch.randn(x.shape, generator=generator, dtype=x.dtype)
    z, z_eps = encode(W, x), encode(W, eps)
    x_t = q_sample(setting.schedule, x, setting.t, eps)
    z_t = q_sample(setting.schedule, z, setting.t, z_eps)
    total = (x - z_t @ W).norm(dim=1) ** power
    parts = (x - z @ W).norm(dim=1) ** power + (z - z_t).norm(dim=1) ** power
    return [identity(encode(W, x_t), z_t), identity(parts / total, torch.ones(len(x)))]


COMMUTES = Claim(
    key="E36b",
    says="For a linear encoder with orthonormal rows, noising and encoding may change places, and the squares of the "
    "two errors, of the reconstruction and in the latents, add up.",
    check=check_commutes,
    truth=(lambda W, x: x @ W.T, 2.0),
    mistakes={
        "the errors themselves add up, not their squares": (lambda W, x: x @ W.T, 1.0),
        "an encoder that is not linear": (lambda W, x: torch.tanh(x @ W.T), 2.0),
        "rows not of length 1": (lambda W, x: 1.1 * x @ W.T, 2.0),
        "a constant added to the latents": (lambda W, x: x @ W.T + 0.1, 2.0),
    },
    setting=Pca(linear(1000), t=300),
)

# --- the scale ------------------------------------------------------------------------------------------------------

FACTOR = 0.18215  # Stable Diffusion's scale_factor: raw latents have a deviation of about 1 / FACTOR = 5.49


@dataclass(frozen=True)
class Latents:
    """``n`` raw latents of deviation 1 / FACTOR."""

    schedule: NoiseSchedule
    n: int = 20_000


def check_scale(scale: Callable[[Tensor], Tensor], setting: Latents, seed: int) -> list[Trial]:
    """Scaled latents have variance 1 at T as at 0, and the SNR at T that the schedule's table says."""
    schedule, generator = setting.schedule, torch.Generator().manual_seed(seed)
    raw = torch.randn(setting.n, generator=generator, dtype=torch.float64) / FACTOR
    z = scale(raw)
    z_T = q_sample(schedule, z, schedule.T, torch.randn(z.shape, generator=generator, dtype=z.dtype))
    signal = float(schedule.sqrt_alpha_bar[-1]) * z
    expected = float(schedule.snr[-1] * schedule.one_minus_alpha_bar[-1])
    return [z_of_mean(z_T), chi_square(z_T), chi_square(signal, 0.0, expected)]


SCALE = Claim(
    key="E37",
    says="Latents scaled to variance 1 keep that variance at every t, and their SNR_T is the schedule’s own.",
    check=check_scale,
    truth=lambda raw: FACTOR * raw,
    mistakes={
        "not scaled: SNR_T is 0.141, not 0.0047": lambda raw: raw,
        "divided by the factor": lambda raw: raw / FACTOR,
        "scaled twice": lambda raw: FACTOR**2 * raw,
    },
    setting=Latents(scaled_linear(1000)),
)

# --- the end that is not noise --------------------------------------------------------------------------------------

Brightness = Callable[[NoiseSchedule, Tensor], tuple[Tensor, Tensor]]
"""(schedule, lambda) -> (generated variance / lambda, bias of a mean of 1)."""


@dataclass(frozen=True)
class Directions:
    """Directions of variance lambda; 1,000 is the brightness of a whole picture, all its pixels together."""

    schedule: NoiseSchedule
    variances: tuple[float, ...] = (1.0, 10.0, 100.0, 1000.0)


def brightness(schedule: NoiseSchedule, lam: Tensor) -> tuple[Tensor, Tensor]:
    """From the one number alpha_bar_T."""
    found = ancestral_from_noise(schedule, lam)
    return found.std_ratio.square(), found.bias


def check_brightness(claimed: Brightness, setting: Directions, seed: int) -> list[Trial]:
    """The closed form against the exact law of all T steps, with the best variance at each."""
    schedule, lam = setting.schedule, torch.tensor(setting.variances, dtype=torch.float64)
    made = generated_law(
        schedule, schedule.timesteps(schedule.T), gaussian_optimal_full(lam), lam, data_mean=1.0, noisy_last=True
    )
    ratio, bias = claimed(schedule, lam)
    return [identity(ratio, made.ratio), identity(bias, made.bias)]


BRIGHTNESS = Claim(
    key="E37b",
    says="Stable Diffusion’s x_T still holds signal, so exact samples from pure noise lose contrast: 0.567 of the "
    "deviation is left where λ = 1000.",
    check=check_brightness,
    truth=brightness,
    mistakes={
        "x_T taken for pure noise: nothing is lost": lambda schedule, lam: (
            torch.ones_like(lam),
            torch.zeros_like(lam),
        ),
        "the schedule linear in β, not in √β": lambda schedule, lam: brightness(
            linear(schedule.T, 0.00085, 0.012), lam
        ),
        "the variance forgotten that x_T leaves open": lambda schedule, lam: (
            brightness(schedule, lam)[1].square() / float(schedule.alpha_bar[-1]) / lam,
            brightness(schedule, lam)[1],
        ),
    },
    setting=Directions(scaled_linear(1000)),
)

CLAIMS: tuple[AnyClaim, ...] = (COUNT, COMMUTES, SCALE, BRIGHTNESS)
