"""The networks that come with the project: each loaded once, and one way to say that its file is not there.

A file may be missing, damaged, or of another network: that is said in one sentence, and the lesson goes on without it,
or with a network that was never trained.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

import streamlit as st

from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput
from diffusion_core.files import MODELS
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.text import TextConfig
from diffusion_core.nets.watched import text_config
from diffusion_core.training.checkpoint import Source, load_autoencoder, load_classifier, load_denoiser
from diffusion_core.training.recipes import digits_config, latent_config, untrained, untrained_autoencoder
from diffusion_core.training.state import net_config
from pages.shared.i18n import _, explain

__all__ = [
    "AUTOENCODER",
    "BY_KEY",
    "DIGITS",
    "JUDGE",
    "LATENT",
    "POINTS",
    "POINTS_LEARNED",
    "SHAPES",
    "Model",
    "Weights",
    "beside",
    "model_of_file",
]

LATENT = (4, 8, 8)
"""The shape of the autoencoder's latents."""

Net = TypeVar("Net")


@dataclass(frozen=True, eq=False)
class Model(Generic[Net]):
    """A network, and the ``key`` by which caches know it: the SHA-256 of its file, where it has one."""

    key: str
    network: Net
    trained: bool = True


BY_KEY: dict[str | type[Any], Callable[[Any], Any]] = {Model: attrgetter("key")}
"""How a cache of Streamlit's tells models apart (hash_funcs)."""


@dataclass(frozen=True)
class Weights(Generic[Net]):
    """A file that is shipped, what makes a network of it, and what makes one that was never trained."""

    file: str
    load: Callable[[Source], Net]
    untrained: Callable[[], Net] | None = None

    @property
    def path(self) -> Path:
        """Where it is, or should be."""
        return beside(self.file)

    @property
    def name(self) -> str:
        """The same, as a reader finds it in the project."""
        return f"assets/models/{self.file}"

    @property
    def key(self) -> str:
        """The SHA-256 of the file; empty where there is none."""
        return _digest(self.path, self.path.stat().st_mtime) if self.path.exists() else ""

    def get(self) -> Model[Net] | None:
        """The network; None where its file is not there.

        Raises:
            BadInput: the file is damaged, or of another network.
        """
        if not self.path.exists():
            return None
        model: Model[Net] = _loaded(self.path, self.path.stat().st_mtime, self.load)
        return model

    def or_say(self, missing: str) -> Model[Net] | None:
        """The network; where it cannot be had, one sentence: what is wrong with it, or ``missing``, with {file}."""
        try:
            found = self.get()
        except BadInput as error:
            st.error(explain(error), icon=":material/error:")
            return None
        if found is None:
            st.info(missing.format(file=self.name), icon=":material/info:")
        return found

    def or_untrained(self) -> Model[Net]:
        """The network; where it cannot be had, one sentence, and one that was never trained."""
        found = self.or_say(_("The trained network is not installed ({file} is missing); an untrained one is shown."))
        return found or _untrained(self.file, self.untrained)


def beside(name: str) -> Path:
    """A file in the folder of the weights."""
    return MODELS / name


@lru_cache(maxsize=16)  # of Python: asked at each run, it must cost nothing
def _digest(path: Path, changed: float) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@st.cache_resource(show_spinner=False, max_entries=8)
def _loaded(path: Path, changed: float, _load: Callable[[Source], Any]) -> Model[Any]:
    return Model(_digest(path, changed), _load(path))


@st.cache_resource(show_spinner=False)
def _untrained(file: str, _make: Callable[[], Any] | None) -> Model[Any]:
    assert _make is not None, f"an untrained {file} is never shown"
    return Model(f"untrained {file}", _make(), trained=False)


def model_of_file(content: bytes) -> Model[Predictor]:
    """The network that reads in a visitor's file.

    Raises:
        BadInput: one sentence that says what is wrong with it.
    """
    return Model(hashlib.sha256(content).hexdigest(), load_reader(content))


def load_reader(source: Source) -> Predictor:
    """A network that reads this vocabulary and works on the autoencoder's latents.

    Raises:
        BadInput: one sentence that says what is wrong with the file.
    """
    predictor = load_denoiser(source)
    text = text_config(predictor)
    if text.vocabulary != TextConfig().vocabulary:
        raise BadInput(
            "The network must know {expected} words; it knows {got}.",
            expected=TextConfig().vocabulary,
            got=text.vocabulary,
        )
    net_config(predictor).check_data(LATENT)
    return predictor


def load_coder(source: Source) -> Autoencoder:
    """An autoencoder whose latents have the shape that the network that reads works on.

    Raises:
        BadInput: one sentence that says what is wrong with the file.
    """
    found = load_autoencoder(source)
    if found.config.latent != LATENT[0]:
        raise BadInput(
            "The autoencoder must make latents of {expected} channels; it makes {got}.",
            expected=LATENT[0],
            got=found.config.latent,
        )
    return found


POINTS = Weights("points_eight_gaussians.safetensors", load_denoiser)
POINTS_LEARNED = Weights("points_eight_gaussians_learned.safetensors", load_denoiser)
DIGITS = Weights("digits_unet.safetensors", load_denoiser, lambda: untrained(digits_config()))
JUDGE = Weights("digits_classifier.safetensors", load_classifier)
SHAPES = Weights("shapes_unet.safetensors", load_reader, lambda: untrained(latent_config()))
AUTOENCODER = Weights("shapes_autoencoder.safetensors", load_coder, untrained_autoencoder)
