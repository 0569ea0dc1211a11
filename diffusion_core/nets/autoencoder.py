r"""From pixels to latents and back: a small variational autoencoder.

.. code-block:: text

    encoder (3, 32, 32) -> pixels of 2 x 2 become channels (12, 16, 16) -> residual -> (w, 16, 16)
                        -> again                           (2 w, 8, 8)  -> residual -> mean and log variance (4, 8, 8)
    decoder (4, 8, 8)   -> the same way back                                        -> (3, 32, 32)

.. math::
    L = E\big(|e| + 4 e^2\big) + \lambda\,\tfrac{1}{2}E(\mu^2 + \sigma^2 - 1 - \ln\sigma^2), \quad
    e = x - D(\mu + \sigma\epsilon), \qquad z = (\mu - m)/s.

The absolute error keeps flat ground flat, the square one keeps what is small and far off: the points of a star.

The weight of the second term, the Kullback-Leibler divergence to N(0, 1), is tiny: it keeps the latents in bounds and
smooth, and far from Gaussian. The diffusion that follows needs variance 1 at t = 0 as at T, so each channel's mean m
and deviation s over the data are measured once and stay with the weights.

References:
    Kingma, Welling 2014 (the VAE). Rombach et al. 2022, section 3.1 and appendix G (KL-regularised, the scale).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diffusion_core.errors import check_floating, check_rows, check_whole
from diffusion_core.nets.attention import GroupNorm
from diffusion_core.nets.initial import seeded

__all__ = ["Autoencoder", "AutoencoderConfig", "AutoencoderState", "psnr", "train_autoencoder"]

silu = nn.functional.silu


class Block(nn.Module):
    """h + two convolutions, (batch, width, H, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = GroupNorm(8, width), GroupNorm(8, width)
        self.conv1, self.conv2 = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        added: Tensor = self.conv2(silu(self.norm2(self.conv1(silu(self.norm1(h))))))
        return h + added


class Autoencoder(nn.Module):
    """The network of `AutoencoderConfig`: `encode` and `decode`, latents of mean 0 and variance 1 a channel."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: "AutoencoderConfig") -> None:
        super().__init__()
        self.config = config
        w, c = config.width, config.latent
        self.encoder = nn.Sequential(
            *(nn.PixelUnshuffle(2), nn.Conv2d(12, w, 3, padding=1), Block(w)),  # (w, H / 2, W / 2)
            *(nn.PixelUnshuffle(2), nn.Conv2d(4 * w, 2 * w, 1), Block(2 * w)),  # (2 w, H / 4, W / 4)
            *(GroupNorm(8, 2 * w), nn.SiLU(), nn.Conv2d(2 * w, 2 * c, 3, padding=1)),  # (2 c, H / 4, W / 4)
        )
        self.decoder = nn.Sequential(
            *(nn.Conv2d(c, 2 * w, 3, padding=1), Block(2 * w), Block(2 * w)),  # (2 w, H / 4, W / 4)
            *(nn.Conv2d(2 * w, 4 * w, 1), nn.PixelShuffle(2), Block(w), Block(w)),  # (w, H / 2, W / 2)
            *(GroupNorm(8, w), nn.SiLU(), nn.Conv2d(w, 12, 3, padding=1), nn.PixelShuffle(2)),  # (3, H, W)
        )
        self.register_buffer("mean", torch.zeros(c))
        self.register_buffer("std", torch.ones(c))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on a CPU

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the log variance of q(raw latent | x), each (batch, c, H / 4, W / 4): not scaled."""
        check_floating("x", x)
        check_rows("x", x)
        mu, log_variance = self.encoder(x.contiguous(memory_format=torch.channels_last)).chunk(2, 1)
        return mu, log_variance.clamp(-20, 10)

    def encode(self, x: Tensor) -> Tensor:
        """Pixels (batch, 3, H, W) in [-1, 1] -> z (batch, c, H / 4, W / 4), mean 0 and variance 1 over the data."""
        return ((self.moments(x)[0] - self._channel(self.mean)) / self._channel(self.std)).contiguous()

    def decode(self, z: Tensor) -> Tensor:
        """z (batch, c, h, w) -> pixels (batch, 3, 4 h, 4 w), about [-1, 1]: not clipped."""
        check_floating("z", z)
        return self.decode_raw(z * self._channel(self.std) + self._channel(self.mean))

    def decode_raw(self, raw: Tensor) -> Tensor:
        """Latents that are not scaled -> pixels."""
        x: Tensor = self.decoder(raw.contiguous(memory_format=torch.channels_last))
        return x.contiguous()

    @staticmethod
    def _channel(values: Tensor) -> Tensor:
        return values.reshape(1, -1, 1, 1)


@dataclass(frozen=True)
class AutoencoderConfig:
    """What an `Autoencoder` is made from.

    Args:
        width: channels at half the picture's side, a multiple of 8.
        latent: c, the channels of a latent.

    Raises:
        BadInput: a number outside its range.
    """

    width: int = 32
    latent: int = 4

    def __post_init__(self) -> None:
        check_whole("width / 8", self.width // 8 if self.width % 8 == 0 else 0, 1, 64)
        check_whole("latent", self.latent, 1, 64)

    def build(self) -> Autoencoder:
        """A new network, its weights from PyTorch's global generator: call it through `seeded`."""
        return Autoencoder(self)


@dataclass(frozen=True, eq=False)
class AutoencoderState:
    """Where the training stands: steps done and to do, the mean absolute error and the KL a latent, the network."""

    step: int
    steps: int
    error: float
    kl: float
    net: Autoencoder


def train_autoencoder(
    config: AutoencoderConfig,
    sample: Callable[[int, torch.Generator], Tensor],
    steps: int = 9000,
    batch: int = 32,
    lr: float = 2e-3,
    kl_weight: float = 2e-4,
    seed: int = 0,
    bf16: bool = False,
) -> Iterator[AutoencoderState]:
    """AdamW with a cosine decay; yields after each step, and after the last one the latents' scale is set.

    Args:
        sample: (n, generator) -> pictures (n, 3, H, W) in [-1, 1].
        kl_weight: lambda.
        bf16: run the network under bfloat16 autocast.
    """
    check_whole("steps", steps, 1, 10**8)
    net = seeded(seed, config.build)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.01, fused=True)
    decay = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=min(0.05, 1 / steps + 0.04))
    for step in range(1, steps + 1):
        x = sample(batch, generator)
        eps = torch.randn((batch, config.latent, x.shape[2] // 4, x.shape[3] // 4), generator=generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            mu, log_variance = (half.float() for half in net.moments(x))
            decoded = net.decode_raw(mu + (0.5 * log_variance).exp() * eps)
        error = decoded.float() - x
        kl = 0.5 * (mu.square() + log_variance.exp() - 1 - log_variance).mean()
        (error.abs().mean() + 4 * error.square().mean() + kl_weight * kl).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        decay.step()
        if step == steps:
            set_scale(net, sample, generator)
        yield AutoencoderState(step, steps, error=error.abs().mean().item(), kl=kl.item(), net=net)


@torch.no_grad()
def set_scale(
    net: Autoencoder, sample: Callable[[int, torch.Generator], Tensor], generator: torch.Generator, n: int = 4096
) -> None:
    """Measures each channel's mean and deviation over n pictures, and keeps them with the weights."""
    raw = torch.cat([net.moments(sample(256, generator))[0] for _ in range(max(1, n // 256))])
    net.std.copy_(raw.std((0, 2, 3)))
    net.mean.copy_(raw.mean((0, 2, 3)))


def psnr(x: Tensor, y: Tensor) -> float:
    r""":math:`10\log_{10}(4/\mathrm{MSE})`, decibels, of pictures in [-1, 1]; higher is nearer."""
    check_rows("x", x)
    return (10 * torch.log10(4 / (x - y).square().mean())).item()
