"""What a U-Net's blocks say to one noisy picture, at every t shown: the digits' network, and the one that reads."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from diffusion_core import cosine
from diffusion_core.data.captions import parse
from diffusion_core.data.scenes import draw
from diffusion_core.denoisers import Predictor
from diffusion_core.forward import q_sample
from diffusion_core.nets.anatomy import Part, measure
from diffusion_core.nets.autoencoder import Autoencoder, AutoencoderConfig
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.text import PAD, tokenize
from diffusion_core.nets.unet import UNet, UNetConfig
from diffusion_core.parameterization import x0_from_eps
from diffusion_core.training.recipes import digit_images
from pages.shared import networks
from pages.shared.prompts import Model, hash_of

__all__ = [
    "TIMES",
    "Inside",
    "digits",
    "look_at_digit",
    "look_at_scene",
    "parts_of",
    "told",
    "untrained_autoencoder",
    "untrained_digits",
]

TIMES = (1, *range(20, 1001, 20))


@dataclass(frozen=True, eq=False)
class Inside:
    """What one block does at each of the times shown, to one noisy picture.

    Pictures in colour are (P, H, W, 3), others (P, channels, H, W); x0_hat and what is decoded lie in [-1, 1].
    """

    x_t: np.ndarray
    eps_hat: np.ndarray
    x0_hat: np.ndarray
    maps: np.ndarray  # (P, channels, side, side)
    weights: np.ndarray | None  # (P, heads, places, places or words), of attention


@st.cache_resource(show_spinner=False)
def untrained_digits() -> Model:
    """A network to look into where the trained one is missing."""
    config = UNetConfig()
    return Model("untrained", Predictor(seeded(0, config.build).requires_grad_(False), config, cosine(1000)))


def digits() -> Model | None:
    """The digits' network; None where its file is not there."""
    predictor, path = networks.network("digits"), networks.MODELS / networks.DIGITS
    return None if predictor is None else Model(hash_of(path, path.stat().st_mtime), predictor)


@st.cache_resource(show_spinner=False)
def untrained_autoencoder() -> Autoencoder:
    """Latents of a kind, where the trained autoencoder is missing."""
    return seeded(0, AutoencoderConfig().build).requires_grad_(False)


@torch.no_grad()
def _run(predictor: Predictor, x0: Tensor, cond: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
    """x_t, eps_hat, x0_hat and the maps, with x0 (1, C, H, W) and the same noise at every time as one batch."""
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed))
    t = torch.tensor(TIMES)
    maps: dict[str, Tensor] = {}
    x_t = q_sample(predictor.schedule, x0.expand(len(TIMES), -1, -1, -1), t, eps.expand(len(TIMES), -1, -1, -1))
    eps_hat = predictor(x_t, t, cond.expand(len(TIMES), *cond.shape[1:]), maps)
    return x_t, eps_hat, x0_from_eps(predictor.schedule, x_t, eps_hat, t), maps


@st.cache_resource(show_spinner=False, max_entries=12)  # about 3 MB each
def look_at_digit(key: str, label: int, seed: int, block: str, _predictor: Predictor) -> Inside:
    """Run the network once on a digit of that label that it has never seen."""
    images, classes = digit_images(held_out=True)
    some = images[classes == label]
    x_t, eps_hat, x0_hat, maps = _run(_predictor, some[seed % len(some)][None], torch.tensor([label]), seed)
    weights = maps.get(f"{block}_weights")
    return Inside(
        x_t.numpy(),
        eps_hat.numpy(),
        x0_hat.clamp(-1, 1).numpy(),
        maps[block].contiguous().numpy(),
        None if weights is None else weights.numpy(),
    )


@st.cache_resource(show_spinner=False, max_entries=12)  # about 3 MB each
@torch.no_grad()
def look_at_scene(
    keys: tuple[str, bool], prompt: str, seed: int, block: str, _predictor: Predictor, _autoencoder: Autoencoder
) -> Inside:
    """Run the network once on the latent of a scene drawn for the prompt, told the prompt; shown decoded.

    Raises:
        BadInput: the prompt is no caption.
    """
    picture = draw([parse(prompt)], torch.Generator().manual_seed(seed))
    tokens = tokenize([prompt])
    z_t, eps_hat, z0_hat, maps = _run(_predictor, _autoencoder.encode(picture), tokens, seed)
    x_t, x0_hat = _autoencoder.decode(torch.cat([z_t, z0_hat])).clamp(-1, 1).permute(0, 2, 3, 1).split(len(TIMES))
    weights = maps.get(f"{block}_weights")
    if weights is not None and block.endswith("words"):
        weights = weights[..., : int((tokens != PAD).sum())]  # PAD gets nothing
    return Inside(
        x_t.contiguous().numpy(),
        eps_hat.numpy(),
        x0_hat.contiguous().numpy(),
        maps[block].contiguous().numpy(),
        None if weights is None else weights.contiguous().numpy(),
    )


@st.cache_resource(show_spinner=False, max_entries=8)
def parts_of(config: str, side: int, _net: UNet) -> list[Part]:
    """The parts of the network, from a run of the module on a picture of that side."""
    return measure(_net, side, side)


@st.cache_resource(show_spinner=False, max_entries=8)
@torch.no_grad()
def told(key: str, _net: UNet) -> tuple[np.ndarray, np.ndarray]:
    """The sinusoids of t, and what the network makes of them, (features, times)."""
    t = torch.tensor(TIMES)
    return _net.time[0](t).T.numpy(), _net.time(t).T.numpy()
