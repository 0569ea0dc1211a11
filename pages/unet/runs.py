"""What a U-Net's blocks say to one noisy picture, at every t shown: the digits' network, and the one that reads."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
import torch

from diffusion_core.denoisers import Predictor
from diffusion_core.nets.anatomy import Part, measure
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.text import PAD
from diffusion_core.nets.unet import UNet
from pages.shared import weights
from pages.shared.weights import BY_KEY, Model
from pages.unet import recipe

__all__ = ["SIDES", "TIMES", "Asked", "Inside", "look", "net_of", "parts_of", "today", "told"]

TIMES = (1, *range(20, 1001, 20))
SIDES = {"digits": 28, "text": weights.LATENT[1]}


@dataclass(frozen=True)
class Asked:
    """What is looked into: the network by its word in the URL, what it is shown and told, and the block."""

    net: str
    label: int
    prompt: str
    seed: int
    block: str


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


def net_of(model: Model[Predictor]) -> UNet:
    """The module itself."""
    assert isinstance(model.network.net, UNet)
    return model.network.net


@st.cache_resource(show_spinner=False, max_entries=12, hash_funcs=BY_KEY)  # about 3 MB each
@torch.no_grad()
def look(asked: Asked, model: Model[Predictor], coder: Model[Autoencoder] | None) -> Inside:
    """Run the network once; latents are shown decoded.

    Raises:
        BadInput: the prompt is no caption.
    """
    if coder is None:
        x0, told = recipe.digit(asked.label, asked.seed)
    else:
        x0, told = recipe.scene(asked.prompt, asked.seed, coder.network)
    seen = recipe.look(model.network, x0, told, seed=asked.seed, times=TIMES)
    x_t, x0_hat = seen.x_t, seen.x0_hat.clamp(-1, 1)
    if coder is not None:
        pictures = coder.network.decode(torch.cat([seen.x_t, seen.x0_hat])).clamp(-1, 1)
        x_t, x0_hat = pictures.permute(0, 2, 3, 1).contiguous().chunk(2)
    looks = seen.maps.get(f"{asked.block}_weights")
    if looks is not None and asked.block.endswith("words"):
        looks = looks[..., : int((told != PAD).sum())]  # PAD gets nothing
    return Inside(
        x_t=x_t.numpy(),
        eps_hat=seen.eps_hat.numpy(),
        x0_hat=x0_hat.numpy(),
        maps=seen.maps[asked.block].contiguous().numpy(),
        weights=None if looks is None else looks.contiguous().numpy(),
    )


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=BY_KEY)
def parts_of(model: Model[Predictor], side: int) -> list[Part]:
    """The parts of the network, from a run of the module on a picture of that side."""
    return measure(net_of(model), side, side)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=BY_KEY)
@torch.no_grad()
def told(model: Model[Predictor]) -> tuple[np.ndarray, np.ndarray]:
    """The sinusoids of t, and what the network makes of them, (features, times)."""
    t, time = torch.tensor(TIMES), net_of(model).time
    return time[0](t).T.numpy(), time(t).T.numpy()


def today(asked: Asked, model: Model[Predictor], coder: Model[Autoencoder] | None) -> dict[str, Any]:
    """The recipe's settings that show the same."""
    said: dict[str, Any] = {"label": asked.label} if coder is None else {"net": "text", "prompt": asked.prompt}
    said |= {"seed": asked.seed, "block": asked.block}
    if not model.trained:
        said["trained"] = False
    if coder is not None and not coder.trained:
        said["encoded"] = False
    return said
