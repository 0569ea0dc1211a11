"""Captioned shapes on their way through the latents, and what encoding costs, as the lesson on latents shows it."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from diffusion_core.claims.autoencoder import linear_code
from diffusion_core.data.scenes import captioned_shapes
from diffusion_core.denoisers import Predictor
from diffusion_core.nets.autoencoder import Autoencoder, psnr
from diffusion_core.nets.cost import FED, Work, build, count, milliseconds
from diffusion_core.nets.unet import UNet
from diffusion_core.schedule import NoiseSchedule
from pages.latent import recipe
from pages.shared.prompts import pictures_of
from pages.shared.scenes import schedule_of
from pages.shared.weights import BY_KEY, Model

__all__ = [
    "CODE_SIZES",
    "NUMBERS",
    "Compressed",
    "Way",
    "channels_last",
    "compressed",
    "cost_of",
    "decibels",
    "measured",
    "positions_of",
    "schedule_for",
    "unlike_normal",
    "way",
]

CODE_SIZES = (16, 32, 64, 128, 256, 512, 768, 1024)
NUMBERS = 256  # of a latent
SHOWN = 4  # pictures beside their reconstructions


@dataclass(frozen=True, eq=False)
class Back:
    """The way back at the positions of a `Way`: z (P, 4, 8, 8); z and the guess decoded, (P, 32, 32, 3) uint8."""

    z: np.ndarray
    pictures: np.ndarray
    guess: np.ndarray


@dataclass(frozen=True, eq=False)
class Way:
    """One picture out to noise and one back: position k stands for t_k, rising from 0.

    Attributes:
        positions: 0, t_1, ..., T.
        x0: (32, 32, 3), eps: (32, 32, 3) in pixels; z0, eps_z: (4, 8, 8).
        out: (P, 32, 32, 3) uint8, z_t on the way out, decoded.
        back: None without a network that reads.
    """

    positions: tuple[int, ...]
    x0: np.ndarray
    eps: np.ndarray
    z0: np.ndarray
    eps_z: np.ndarray
    out: np.ndarray
    back: Back | None


def channels_last(picture: Tensor) -> np.ndarray:
    """(3, H, W) -> (H, W, 3)."""
    return picture.permute(1, 2, 0).contiguous().numpy()


def schedule_for(net: Model[Predictor] | None) -> NoiseSchedule:
    """The network's own, or the one that it would have."""
    return net.network.schedule if net else schedule_of("cosine", 1000)


def positions_of(schedule: NoiseSchedule, steps: int) -> tuple[int, ...]:
    """0 and the timesteps of a sampler, rising."""
    return (0, *reversed(schedule.timesteps(min(steps, schedule.T), spacing="trailing")))


@st.cache_resource(show_spinner=False, max_entries=24, hash_funcs=BY_KEY)
@torch.no_grad()
def way(prompt: str, seed: int, steps: int, *, net: Model[Predictor] | None, coder: Model[Autoencoder]) -> Way:
    """A scene of the prompt is drawn, encoded and noised; the network goes back from noise of its own.

    Raises:
        BadInput: a prompt that names no scene; a network whose answers are not finite.
    """
    one, schedule = recipe.start(prompt, seed, coder.network), schedule_for(net)
    positions = positions_of(schedule, steps)
    back = None
    if net is not None:
        chain = list(reversed(recipe.back(net.network, prompt, one.z_T, tuple(reversed(positions[1:])))))
        z = torch.cat([chain[0].x_s, *(step.x_t for step in chain)])
        hats = torch.cat([chain[0].x0_hat, *(step.x0_hat for step in chain)])
        back = Back(z.numpy(), pictures_of(coder.network, z), pictures_of(coder.network, hats))
    return Way(
        positions=positions,
        x0=channels_last(one.x0[0]),
        eps=channels_last(one.eps[0]),
        z0=one.z0[0].numpy(),
        eps_z=one.eps_z[0].numpy(),
        out=pictures_of(coder.network, recipe.out(schedule, one.z0, one.eps_z, positions)),
        back=back,
    )


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


@st.cache_resource(show_spinner=False, max_entries=16, hash_funcs=BY_KEY)
@torch.no_grad()
def compressed(seed: int, with_pca: bool, coder: Model[Autoencoder]) -> Compressed:
    """New pictures, encoded and decoded."""
    x, _captions = captioned_shapes(128, torch.Generator().manual_seed(10_000 + seed))
    y = coder.network.decode(coder.network.encode(x)).clamp(-1, 1)
    linear = linear_code()(x[:SHOWN], NUMBERS).clamp(-1, 1) if with_pca else None

    def shown(values: Tensor) -> np.ndarray:
        return ((values[:SHOWN].permute(0, 2, 3, 1) + 1) * 127.5).round().clamp(0, 255).byte().numpy()

    def apart(values: Tensor) -> np.ndarray:
        return shown(2 * (values[:SHOWN] - x[:SHOWN]).abs().clamp(max=1) * 2 - 1)

    return Compressed(
        true=shown(x),
        decoded=shown(y),
        missed=apart(y),
        linear=None if linear is None else shown(linear),
        linear_missed=None if linear is None else apart(linear),
        psnr=psnr(x, y),
    )


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=BY_KEY)
@torch.no_grad()
def unlike_normal(coder: Model[Autoencoder]) -> tuple[float, float]:
    """Of what the encoder puts out for 256 new pictures, a number: E KL(N(mu, sigma^2) || N(0, 1)), and E sigma."""
    x, _captions = captioned_shapes(256, torch.Generator().manual_seed(30_000))
    mean, log_variance = coder.network.moments(x)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return kl.mean().item(), (log_variance / 2).exp().mean().item()


@st.cache_resource(show_spinner=False)
def decibels() -> list[float]:
    """PCA's decibels on new pictures for codes of `CODE_SIZES`."""
    x, _captions = captioned_shapes(256, torch.Generator().manual_seed(20_000))
    return linear_code().psnr(x, CODE_SIZES)
