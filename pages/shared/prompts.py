"""What the lessons of the network that reads share: a prompt that can be read, and latents as pictures."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from diffusion_core.data.scenes import SIDE
from diffusion_core.errors import BadInput
from diffusion_core.nets.autoencoder import Autoencoder
from pages.shared.i18n import _, explain
from pages.shared.weights import LATENT

__all__ = ["attempt", "or_default", "pictures_of"]

Made = TypeVar("Made")


def or_default(prompt: str, read: Callable[[str], object], default: str) -> str:
    """The prompt, if it can be read; else one sentence, and the default."""
    try:
        read(prompt)
    except BadInput as error:
        st.error(explain(error), icon=":material/error:")
        st.caption(_("Shown instead: {default}.").format(default=default))
        return default
    return prompt


def attempt(make: Callable[[], Made]) -> Made | None:
    """What is made; where the network's answers are no pictures, one sentence."""
    try:
        return make()
    except BadInput as error:
        st.error(explain(error), icon=":material/error:")
        return None


def pictures_of(autoencoder: Autoencoder, z: Tensor) -> np.ndarray:
    """(..., 4, 8, 8) decoded: (..., 32, 32, 3), uint8.

    Raises:
        BadInput: latents that are not finite.
    """
    if not torch.isfinite(z).all():
        raise BadInput("This network answers with numbers that are not finite.")
    flat = z.reshape(-1, *LATENT)
    x = torch.cat([autoencoder.decode(flat[k : k + 128]) for k in range(0, len(flat), 128)])
    levels = ((x.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
    return levels.reshape(*z.shape[:-3], SIDE, SIDE, 3).numpy()
