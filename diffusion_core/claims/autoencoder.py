"""The shipped autoencoder: are its latents scaled, and is it better than the best linear code of as many numbers?

encode(new pictures):   |mean| <= 0.15, |variance - 1| <= 0.15 in each channel
E|x - decode(encode(x))|^2 < E|x - PCA_256(x)|^2                         (one-sided z of the difference, a picture each)

How light a picture's ground is moves a whole channel, so places of one picture are no independent draws: with 1,024
pictures the mean of a channel has a standard error of about 0.025, and 0.15 is six of them.
"""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from diffusion_core.claims.check import AnyClaim, Claim, Trial
from diffusion_core.claims.network import one_sided
from diffusion_core.data.pca import linear_psnr, pca
from diffusion_core.data.scenes import captioned_shapes
from diffusion_core.files import MODELS
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.training.checkpoint import load_autoencoder

__all__ = ["CLAIMS", "LOSES_LESS", "SCALED", "LinearCode", "linear_code"]

TOLERANCE = 0.15


@cache
def shipped() -> Autoencoder:
    """The autoencoder that comes with the project, loaded at its first call."""
    return load_autoencoder(MODELS / "shapes_autoencoder.safetensors")


# --- the scale ------------------------------------------------------------------------------------------------------

Encoder = Callable[[Autoencoder, Tensor], Tensor]


def raw(net: Autoencoder, x: Tensor) -> Tensor:
    """Latents as the encoder makes them."""
    return net.moments(x)[0]


def scaled(net: Autoencoder, z: Tensor) -> Tensor:
    """Once more less the mean, over the deviation."""
    return (z - net.mean.reshape(1, -1, 1, 1)) / net.std.reshape(1, -1, 1, 1)


@torch.no_grad()
def check_scaled(encode: Encoder, setting: int, seed: int) -> list[Trial]:
    """The largest deviation over the channels, on new pictures."""
    x, _captions = captioned_shapes(setting, torch.Generator().manual_seed(seed))
    z = torch.cat([encode(shipped(), part) for part in x.split(256)]).double()
    mean, variance = z.mean((0, 2, 3)).abs().max(), (z.var((0, 2, 3)) - 1).abs().max()
    return [
        Trial("largest |mean of a channel|", mean.item(), tolerance=TOLERANCE, n=setting),
        Trial("largest |variance of a channel − 1|", variance.item(), tolerance=TOLERANCE, n=setting),
    ]


SCALED = Claim(
    key="E37n",
    says="The latents of new pictures have mean 0 and variance 1 in each channel, to 0.15.",
    check=check_scaled,
    truth=lambda net, x: net.encode(x),
    mistakes={
        "not scaled": raw,
        "scaled twice": lambda net, x: scaled(net, net.encode(x)),
        "one deviation for all channels": lambda net, x: raw(net, x) / net.std.mean(),
        "multiplied by the deviation": lambda net, x: (
            (raw(net, x) - net.mean.reshape(1, -1, 1, 1)) * net.std.reshape(1, -1, 1, 1)
        ),
    },
    setting=1024,
)

# --- a linear code of the same size ---------------------------------------------------------------------------------

Code = Callable[[Autoencoder, Tensor], Tensor]


class LinearCode:
    """PCA of 4,096 pictures: m (3072,) and the first K directions (K, 3072), the most important first."""

    def __init__(self, seed: int = 1, most: int = 1200) -> None:
        training, _captions = captioned_shapes(4096, torch.Generator().manual_seed(seed))
        self.mean, self.directions = pca(training.flatten(1), most)

    def __call__(self, x: Tensor, k: int) -> Tensor:
        """x (n, 3, H, W) from its first k coordinates, not clipped."""
        W = self.directions[:k]
        return ((x.flatten(1) - self.mean) @ W.T @ W + self.mean).reshape(x.shape)

    def psnr(self, x: Tensor, sizes: Sequence[int]) -> list[float]:
        """Decibels for codes of several sizes."""
        return linear_psnr(x.flatten(1), self.mean, self.directions, sizes)


@cache
def linear_code() -> LinearCode:
    """Found at the first call: a second or two."""
    return LinearCode()


def averages(net: Autoencoder, x: Tensor) -> Tensor:
    """Each square of 4 x 4 pixels by its mean: 192 numbers."""
    return torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(x, 4), scale_factor=4)


@torch.no_grad()
def check_loses_less(code: Code, setting: int, seed: int) -> list[Trial]:
    """The error of the linear code less the other's, a picture each: its mean must not be below 0."""
    x, _captions = captioned_shapes(setting, torch.Generator().manual_seed(10**6 + seed))
    y = torch.cat([code(shipped(), part) for part in x.split(128)]).clamp(-1, 1)
    linear = linear_code()(x, 256).clamp(-1, 1)
    excess = (linear - x).square().mean((1, 2, 3)) - (y - x).square().mean((1, 2, 3))
    z, p, n = one_sided(excess.double())
    return [Trial("z of what PCA loses more (one-sided)", z, p_value=p, n=n, one_sided=True)]


LOSES_LESS = Claim(
    key="E36c",
    says="With as many numbers (256), this autoencoder loses less of new pictures than the best linear code (PCA).",
    check=check_loses_less,
    truth=lambda net, x: net.decode(net.encode(x)),
    mistakes={
        "averages of 4 × 4 pixels": averages,
        "the mean of each channel alone kept": lambda net, x: net.decode(
            net.encode(x).mean((2, 3), keepdim=True).expand(-1, -1, 8, 8)
        ),
        "two channels of the latent exchanged": lambda net, x: net.decode(net.encode(x)[:, [1, 0, 2, 3]]),
        "latents clipped to [−1, 1], as pixels are": lambda net, x: net.decode(net.encode(x).clamp(-1, 1)),
    },
    setting=256,
)

CLAIMS: tuple[AnyClaim, ...] = (SCALED, LOSES_LESS)
