"""The networks that come with the project: which data each knows, and what judges their samples."""

from pathlib import Path

import streamlit as st
import torch

from diffusion_core.checkpoint import load_classifier, load_denoiser
from diffusion_core.exact import FiniteData
from diffusion_core.nets import Predictor
from diffusion_core.nets.classifier import Classifier
from diffusion_core.train import digit_images
from pages.shared.i18n import ASSETS

__all__ = ["DIGITS", "FILES", "judge", "labels_of", "network", "training_digits"]

MODELS = ASSETS / "models"
DIGITS = "digits_unet.safetensors"
FILES = {"eight_gaussians": "points_eight_gaussians.safetensors", "digits": DIGITS}


@st.cache_resource(show_spinner=False, max_entries=4)
def _load(path: Path, _changed: float) -> Predictor:
    return load_denoiser(path)


def network(data: str) -> Predictor | None:
    """The network that was trained on a data set; None where its file is not there."""
    path = MODELS / FILES[data]
    return _load(path, path.stat().st_mtime) if path.exists() else None


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
