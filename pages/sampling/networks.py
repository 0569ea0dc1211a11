"""The networks that can be sampled with: those that come with the project, the visitor's own, and who judges them."""

import streamlit as st

from diffusion_core.denoisers import Predictor
from diffusion_core.laws.finite import FiniteData
from diffusion_core.nets.classifier import Classifier
from diffusion_core.training.recipes import digit_images
from pages.shared import weights
from pages.shared.weights import Weights

__all__ = ["FILES", "judge", "network", "of_run", "training_digits"]

FILES: dict[str, dict[str, Weights[Predictor]]] = {  # denoiser -> data -> weights
    "network": {"eight_gaussians": weights.POINTS, "digits": weights.DIGITS},
    "learned": {"eight_gaussians": weights.POINTS_LEARNED},
}


def network(data: str, denoiser: str = "network") -> Predictor | None:
    """The network that was trained on a data set ("learned": its variance, too); None where its file is not there."""
    found = FILES[denoiser][data].get()
    return found.network if found else None


@st.cache_resource(show_spinner=False, max_entries=64)
def of_run(run: str, step: int, _denoiser: Predictor | None = None) -> Predictor | None:
    """The network of a run as it was at that step, given when it is first asked for: the run itself goes on."""
    return _denoiser


@st.cache_resource(show_spinner=False)
def judge() -> Classifier:
    """Names the digit in a picture; it never saw the network."""
    return weights.JUDGE.load(weights.JUDGE.path)


@st.cache_resource(show_spinner=False)
def training_digits() -> tuple[FiniteData, float]:
    """The digits that the network learned from, and how far real digits that were held out are from them (median)."""
    known, held_out = (digit_images(held_out=part)[0].flatten(1) for part in (False, True))
    law = FiniteData(known)
    return law, law.nearest(held_out)[1].median().item()
