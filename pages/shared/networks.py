"""The networks that can be sampled with: those that come with the project, the visitor's own, and who judges them."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import streamlit as st
import torch

from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput
from diffusion_core.files import MODELS
from diffusion_core.laws.finite import FiniteData
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.classifier import Classifier
from diffusion_core.training.checkpoint import load_autoencoder, load_classifier, load_denoiser
from diffusion_core.training.recipes import digit_images
from pages.shared.i18n import explain
from pages.shared.trainer import Trainer

__all__ = [
    "AUTOENCODER",
    "DIGITS",
    "FILES",
    "SHAPES",
    "autoencoder",
    "judge",
    "labels_of",
    "network",
    "of_run",
    "or_say",
    "text_to_latent",
    "the_trainer",
    "training_digits",
]

DIGITS = "digits_unet.safetensors"
Found = TypeVar("Found")
LATENT_CHANNELS = 4
AUTOENCODER, SHAPES = "shapes_autoencoder.safetensors", "shapes_unet.safetensors"
FILES = {  # denoiser -> data -> file
    "network": {"eight_gaussians": "points_eight_gaussians.safetensors", "digits": DIGITS},
    "learned": {"eight_gaussians": "points_eight_gaussians_learned.safetensors"},
}


@st.cache_resource(show_spinner=False, max_entries=4)
def _load(path: Path, changed: float) -> Predictor:
    return load_denoiser(path)


def network(data: str, denoiser: str = "network") -> Predictor | None:
    """The network that was trained on a data set ("learned": its variance, too); None where its file is not there."""
    path = MODELS / FILES[denoiser][data]
    return _load(path, path.stat().st_mtime) if path.exists() else None


@st.cache_resource(show_spinner=False, max_entries=2)
def _load_autoencoder(path: Path, changed: float) -> Autoencoder:
    return load_autoencoder(path)


def autoencoder() -> Autoencoder | None:
    """The autoencoder of captioned shapes; None where its file is not there.

    Raises:
        BadInput: the file is damaged, or its latents have not the shape that the text network works on.
    """
    path = MODELS / AUTOENCODER
    found = _load_autoencoder(path, path.stat().st_mtime) if path.exists() else None
    if found and found.config.latent != LATENT_CHANNELS:
        raise BadInput(
            "The autoencoder must make latents of {expected} channels; it makes {got}.",
            expected=LATENT_CHANNELS,
            got=found.config.latent,
        )
    return found


def text_to_latent() -> Predictor | None:
    """The U-Net that reads text and works in the autoencoder's latents; None where its file is not there."""
    path = MODELS / SHAPES
    return _load(path, path.stat().st_mtime) if path.exists() else None


def or_say(load: Callable[[], Found | None], missing: str) -> Found | None:
    """What is loaded; where its file is damaged, or not there (``missing``), one sentence and None."""
    try:
        found = load()
    except BadInput as error:
        st.error(explain(error), icon=":material/error:")
        return None
    if found is None:
        st.info(missing, icon=":material/info:")
    return found


@st.cache_resource(show_spinner=False)
def the_trainer() -> Trainer:
    """All runs of this server."""
    return Trainer()


@st.cache_resource(show_spinner=False, max_entries=64)
def of_run(run: str, step: int, _denoiser: Predictor | None = None) -> Predictor | None:
    """The network of a run as it was at that step, given when it is first asked for: the run itself goes on."""
    return _denoiser


@st.cache_resource(show_spinner=False)
def judge() -> Classifier:
    """Names the digit in a picture; it never saw the network."""
    return load_classifier(MODELS / "digits_classifier.safetensors")


@st.cache_resource(show_spinner=False)
def training_digits() -> tuple[FiniteData, float]:
    """The digits that the network learned from, and how far real digits that were held out are from them (median)."""
    known, held_out = (digit_images(held_out=part)[0].flatten(1) for part in (False, True))
    law = FiniteData(known)
    return law, law.nearest(held_out)[1].median().item()


def labels_of(label: str, n: int) -> torch.Tensor:
    """(n,) the classes asked for: one digit n times, or all ten in turn."""
    return torch.arange(n) % 10 if label == "all" else torch.full((n,), int(label))
