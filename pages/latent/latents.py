"""Captioned shapes on their way through the latents, and what encoding costs, as the lesson on latents shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from diffusion_core import ddim
from diffusion_core.claims.autoencoder import linear_code
from diffusion_core.data.captions import parse
from diffusion_core.data.scenes import captioned_shapes, draw
from diffusion_core.denoisers import Guided, Predictor
from diffusion_core.nets.autoencoder import Autoencoder, psnr
from diffusion_core.nets.cost import FED, Work, build, count, milliseconds
from diffusion_core.nets.text import tokenize
from diffusion_core.nets.unet import UNet
from diffusion_core.schedule import NoiseSchedule
from pages.shared import networks
from pages.shared.prompts import hash_of, pictures_of

__all__ = [
    "CODE_SIZES",
    "GUIDANCE",
    "NUMBERS",
    "Compressed",
    "Way",
    "coder_key",
    "compressed",
    "cost_of",
    "decibels",
    "measured",
    "scene_and_noise",
    "unlike_normal",
    "way",
]

GUIDANCE = 3.0
CODE_SIZES = (16, 32, 64, 128, 256, 512, 768, 1024)
NUMBERS = 256  # of a latent
SHOWN = 4  # pictures beside their reconstructions


@dataclass(frozen=True, eq=False)
class Way:
    """One picture out to noise and one back: position k stands for t_k, rising from 0.

    Attributes:
        positions: 0, t_1, ..., T.
        x0: (32, 32, 3), eps: (32, 32, 3) in pixels; z0, eps_z: (4, 8, 8).
        out: (P, 32, 32, 3) uint8, z_t on the way out, decoded.
        back_z: (P, 4, 8, 8); back, guess: (P, 32, 32, 3) uint8, z_t and x0_hat on the way back, decoded; None without a
            network that reads.
    """

    positions: tuple[int, ...]
    x0: np.ndarray
    eps: np.ndarray
    z0: np.ndarray
    eps_z: np.ndarray
    out: np.ndarray
    back_z: np.ndarray | None
    back: np.ndarray | None
    guess: np.ndarray | None


def coder_key() -> str:
    """The hash of the autoencoder's file; empty where there is none."""
    path = networks.MODELS / networks.AUTOENCODER
    return hash_of(path, path.stat().st_mtime) if path.exists() else ""


def _last(picture: Tensor) -> np.ndarray:
    """(3, H, W) -> (H, W, 3)."""
    return picture.permute(1, 2, 0).contiguous().numpy()


def scene_and_noise(prompt: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """x0 and eps of `way`, each (32, 32, 3), for which no autoencoder is needed.

    Raises:
        BadInput: a prompt that names no scene.
    """
    generator = torch.Generator().manual_seed(seed)
    x0 = draw([parse(prompt)], generator)
    return _last(x0[0]), _last(torch.randn(x0.shape, generator=generator)[0])


@st.cache_resource(show_spinner=False, max_entries=24)
@torch.no_grad()
def way(
    prompt: str, seed: int, steps: int, key: str, _schedule: NoiseSchedule, _net: Predictor | None, _coder: Autoencoder
) -> Way:
    """A scene of the prompt is drawn, encoded and noised; the network goes back from noise of its own.

    Raises:
        BadInput: a prompt that names no scene.
    """
    generator = torch.Generator().manual_seed(seed)
    x0 = draw([parse(prompt)], generator)
    eps = torch.randn(x0.shape, generator=generator)
    z0 = _coder.encode(x0)
    eps_z, z_T = torch.randn(z0.shape, generator=generator), torch.randn(z0.shape, generator=generator)
    timesteps = _schedule.timesteps(steps, spacing="trailing")
    positions = (0, *reversed(timesteps))
    signal, noise = (
        table[list(positions)].float().reshape(-1, 1, 1, 1)
        for table in (_schedule.sqrt_alpha_bar, _schedule.sqrt_one_minus_alpha_bar)
    )
    out = pictures_of(_coder, signal * z0 + noise * eps_z)
    back_z = back = guess = None
    if _net is not None:
        chain = list(ddim(Guided(_net, tokenize([prompt]), GUIDANCE), _schedule, z_T, timesteps))
        z = torch.cat([chain[-1].x_s, *(step.x_t for step in reversed(chain))])
        hats = torch.cat([chain[-1].x0_hat, *(step.x0_hat for step in reversed(chain))])
        back_z, back, guess = z.numpy(), pictures_of(_coder, z), pictures_of(_coder, hats)
    return Way(positions, _last(x0[0]), _last(eps[0]), z0[0].numpy(), eps_z[0].numpy(), out, back_z, back, guess)


# --- what a step costs ----------------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False)
def nets() -> dict[str, tuple[UNet, tuple[int, int, int]]]:
    """The same U-Net for each way to feed it."""
    return {name: (build(fed), fed.shape) for name, fed in FED.items()}


@st.cache_resource(show_spinner=False)
def cost_of() -> dict[str, Work]:
    """Multiply-adds of one step on one picture."""
    return {name: count(net, shape) for name, (net, shape) in nets().items()}


@st.cache_resource(show_spinner=False, max_entries=8)
def measured(press: int) -> dict[str, tuple[float, ...]]:
    """Milliseconds for one step on one picture, here and now; each press measures again."""
    return milliseconds(nets(), batch=4, repeats=7)


# --- what compression throws away -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Compressed:
    """Pictures (n, 32, 32, 3) uint8: as they are, decoded again, where the two differ (times 4), by PCA of as many
    numbers, where that differs; and the decibels of both codes over many new pictures."""

    true: np.ndarray
    decoded: np.ndarray
    missed: np.ndarray
    linear: np.ndarray | None
    linear_missed: np.ndarray | None
    psnr: float


@st.cache_resource(show_spinner=False, max_entries=16)
@torch.no_grad()
def compressed(seed: int, with_pca: bool, key: str, _coder: Autoencoder) -> Compressed:
    """New pictures, encoded and decoded."""
    x, _captions = captioned_shapes(128, torch.Generator().manual_seed(10_000 + seed))
    y = _coder.decode(_coder.encode(x)).clamp(-1, 1)
    linear = linear_code()(x[:SHOWN], NUMBERS).clamp(-1, 1) if with_pca else None

    def shown(values: Tensor) -> np.ndarray:
        return ((values[:SHOWN].permute(0, 2, 3, 1) + 1) * 127.5).round().clamp(0, 255).byte().numpy()

    def apart(values: Tensor) -> np.ndarray:
        return shown(2 * (values[:SHOWN] - x[:SHOWN]).abs().clamp(max=1) * 2 - 1)

    return Compressed(
        shown(x),
        shown(y),
        apart(y),
        None if linear is None else shown(linear),
        None if linear is None else apart(linear),
        psnr(x, y),
    )


@st.cache_resource(show_spinner=False, max_entries=8)
@torch.no_grad()
def unlike_normal(key: str, _coder: Autoencoder) -> tuple[float, float]:
    """Of what the encoder puts out for 256 new pictures, a number: E KL(N(mu, sigma^2) || N(0, 1)), and E sigma."""
    x, _captions = captioned_shapes(256, torch.Generator().manual_seed(30_000))
    mean, log_variance = _coder.moments(x)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return kl.mean().item(), (log_variance / 2).exp().mean().item()


@st.cache_resource(show_spinner=False)
def decibels(sizes: Sequence[int] = CODE_SIZES) -> list[float]:
    """PCA's decibels on new pictures for codes of these sizes."""
    x, _captions = captioned_shapes(256, torch.Generator().manual_seed(20_000))
    return linear_code().psnr(x, sizes)
