"""What the lessons show of a data set: which one, its samples, and the panels that fit its kind.

A `Scene` is what the picture needs and nothing else: x_0 of the samples shown, the exact law (if there is one small
enough to draw), and the shape of one sample. Scenes are cached by their scalars, never by arrays.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from diffusion_core import forward_kl
from diffusion_core.data import photos, pictures
from diffusion_core.data.named import EXAMPLE_PHOTO, named, points, shown
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import kl_to_normal
from diffusion_core.schedule import SCHEDULES, NoiseSchedule
from pages.shared import controls
from pages.shared.i18n import _, explain
from pages.shared.palette import COLORS
from pages.shared.timeline import Density, Histogram, Images, Layer, Mixture, Panel, Plane, Points

__all__ = [
    "Scene",
    "density",
    "drawn",
    "levels",
    "mixture_of",
    "pick_scene",
    "pixel_histogram",
    "schedule_names",
    "schedule_of",
    "startable",
    "terminal_kl",
]

POINTS = 1_000  # shown at once


@dataclass(frozen=True)
class Scene:
    """Samples of one data set, float32, and the law they come from."""

    key: tuple[object, ...]  # the same for the same scene
    name: str
    kind: str  # "line" (1-D), "plane" (2-D), "images"
    x0: np.ndarray  # (n, d), or (n, height * width * channels)
    law: Law | None
    word: str = ""
    height: int = 0
    width: int = 0
    channels: int = 0

    @property
    def own(self) -> bool:
        """Whether it is the visitor's own file."""
        return self.name in ("photo", "picture")


def data_names() -> dict[str, str]:
    """The data sets by their word in the URL."""
    return {
        "digits": _("Handwritten digits"),
        "photo": _("Your photo"),
        "picture": _("Your picture, as points"),
        "eight_gaussians": _("Eight Gaussians"),
        "two_moons": _("Two moons"),
        "swiss_roll": _("Swiss roll"),
        "checkerboard": _("Checkerboard"),
        "spiral": _("Spiral"),
        "word": _("A word of yours"),
        "bimodal": _("Two peaks (1-D)"),
        "three_modes": _("Three peaks (1-D)"),
    }


def schedule_names() -> dict[str, str]:
    """The schedules by their word in the URL."""
    return {
        "linear": _("linear (DDPM)"),
        "scaled_linear": _("scaled linear (Stable Diffusion)"),
        "cosine": _("cosine (Improved DDPM)"),
        "sigmoid": _("sigmoid"),
        "zero_terminal_snr": _("zero terminal SNR"),
        "inverse_square": _("β = 1/(t+1)², a finite sum"),
    }


def startable() -> dict[str, str]:
    """Those that leave something of x_0 at T: where nothing is left, eps of x_T says nothing of x_0."""
    return {key: label for key, label in schedule_names().items() if key != "zero_terminal_snr"}


@st.cache_resource(show_spinner=False, max_entries=64)
def schedule_of(name: str, T: int) -> NoiseSchedule:
    """A schedule by name."""
    return SCHEDULES[name](T)


@st.cache_resource(show_spinner=False, max_entries=32)
def law_of(name: str, word: str) -> Law:
    """The exact law of a data set that has a name."""
    return named(name, word).law


@st.cache_resource(show_spinner=False, max_entries=32)
def mixture_of(name: str, word: str) -> GaussianMixture:
    """The exact law of a data set of points."""
    return points(name, word).law


@st.cache_resource(show_spinner=False, max_entries=64)
def scene(name: str, word: str, seed: int) -> Scene:
    """The scene of a data set that has a name."""
    law, x0, key = law_of(name, word), shown(name, word, seed, POINTS).numpy(), (name, word, seed)
    if isinstance(law, FiniteData):
        return Scene(key, name, "images", x0=x0, law=law, word="", height=28, width=28, channels=1)
    return Scene(key, name, "line" if x0.shape[1] == 1 else "plane", x0=x0, law=law, word=word)


@st.cache_resource(show_spinner=False, max_entries=8)
def photo_scene(content: bytes) -> Scene:
    """An uploaded photo, pixel by pixel; raises BadInput for what is no photo."""
    picture = photos.decode_photo(content)
    key = ("photo", hashlib.sha256(content).hexdigest())
    height, width, channels = picture.shape
    x0 = picture.reshape(1, -1)
    return Scene(key, "photo", "images", x0=x0, law=None, word="", height=height, width=width, channels=channels)


@st.cache_resource(show_spinner=False, max_entries=8)
def picture_scene(content: bytes, seed: int) -> Scene:
    """An uploaded picture as points in the plane, drawn from its dark parts; raises BadInput for what is no picture."""
    law, digest = pictures.picture(photos.decode_photo(content)).law, hashlib.sha256(content).hexdigest()
    x0 = law.sample(POINTS, torch.Generator().manual_seed(seed)).float().numpy()
    return Scene(("picture", digest, seed), "picture", "plane", x0=x0, law=law, word=digest)


def example_photo() -> bytes:
    """A picture to start with, before anything is uploaded."""
    return EXAMPLE_PHOTO.read_bytes()


def uploaded_scene(name: str, seed: int) -> Scene:
    """The scene of a file that the visitor gives: until a good one comes, the example."""
    upload = st.file_uploader(
        _("PNG, JPEG or WebP, at most 5 MB. It stays on this server, in memory only."),
        type=["png", "jpg", "jpeg", "webp"],
        key="photo_upload",
    )

    def show(content: bytes) -> Scene:
        return photo_scene(content) if name == "photo" else picture_scene(content, seed)

    try:
        return show(upload.getvalue() if upload else example_photo())
    except ValueError as error:
        st.error(explain(error), icon=":material/broken_image:")
        return show(example_photo())


def pick_scene(names: list[str], default: str, seed: int) -> Scene:
    """The control that chooses the data; a word or a photo asks for itself. What is wrong is said in one sentence."""
    labels = data_names()
    name = controls.choice("data", _("Data"), {key: labels[key] for key in names}, default)
    if name in ("photo", "picture"):
        return uploaded_scene(name, seed)
    if name != "word":
        return scene(name, "", seed)
    word = controls.text("word", _("Word (at most 12 characters)"), "DDPM", 12)
    try:
        return scene(name, word, seed)
    except ValueError as error:
        st.error(explain(error), icon=":material/error:")
        st.caption(_("Shown instead: {default}.").format(default="DDPM"))
        return scene("word", "DDPM", seed)


@st.cache_data(show_spinner=False, max_entries=256)
def terminal_kl(data: str, word: str, schedule: str, T: int, second_moment: float, _law: object) -> tuple[float, bool]:
    """KL(q(x_T) || N(0, I)) in nats, exact for a mixture; else a bound, E KL(q(x_T | x_0) || N(0, I)) a dimension."""
    if isinstance(_law, GaussianMixture) and float(schedule_of(schedule, T).alpha_bar[-1]) == 0:
        return 0.0, True  # x_T is eps; quadrature would print its rounding
    if isinstance(_law, GaussianMixture):
        return kl_to_normal(_law.at(schedule_of(schedule, T), T)), True
    return forward_kl(schedule_of(schedule, T), second_moment, T), False


# --- panels ---------------------------------------------------------------------------------------------------------


def density(scene: Scene, a: np.ndarray, noise_variance: np.ndarray, component: int | None = None) -> Mixture | None:
    """The exact density of a_p x_0 + N(0, noise_variance_p), of one coordinate or of all, for drawing."""
    if isinstance(scene.law, GaussianMixture):
        means = scene.law.means.numpy()
        variances = scene.law.covariances[:, 0, 0].numpy()
        if component is not None:
            means = means[:, component : component + 1]
        return Mixture(scene.law.weights.numpy(), means, variances, a=a, noise_variance=noise_variance)
    if scene.kind == "images" and component is not None:
        values, weights = levels(scene.x0)
        return Mixture(weights, values[:, None], np.zeros(len(values)), a=a, noise_variance=noise_variance)
    return None


def levels(x0: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The grey levels of pictures and how often each occurs: the exact law of a pixel drawn at random."""
    values, counts = np.unique(np.round((x0 + 1) * 127.5), return_counts=True)
    return values / 127.5 - 1, counts / counts.sum()


def drawn(
    scene: Scene,
    track: str,
    title: str,
    *,
    density: Mixture | None = None,
    color: str = COLORS["x_t"],
    layers: tuple[Layer, ...] = (),
    columns: int = 4,
    value_range: tuple[float, float] = (-1.0, 1.0),
    weight: float = 1.0,
) -> Panel:
    """The panel that fits the kind of data."""
    if scene.kind == "images":
        return Images(
            track=track,
            height=scene.height,
            width=scene.width,
            channels=scene.channels,
            columns=1 if scene.name == "photo" else columns,
            value_range=value_range,
            title=title,
            weight=weight,
        )
    if scene.kind == "line":
        return Histogram(
            track=track, bins=60, domain=(-4.0, 4.0), density=density, title=title, weight=weight, color=color
        )
    behind = (Density(density),) if density is not None else ()
    return Plane(layers=(*behind, *layers, Points(track, color=color)), title=title, weight=weight)


def pixel_histogram(scene: Scene, track: str, density: Mixture | None, title: str) -> Histogram:
    """The values of the track at t, all of them (pictures) or the first coordinate (points)."""
    return Histogram(
        track=track,
        bins=60,
        domain=(-4.0, 4.0),
        density=density,
        component=None if scene.kind == "images" else 0,
        title=title,
    )
