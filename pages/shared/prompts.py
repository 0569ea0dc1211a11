"""Runs of the network that reads text, as the lesson on guidance shows them: every step, in pictures."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from diffusion_core import ancestral, cosine, ddim, fixed_small
from diffusion_core.data.captions import words_of
from diffusion_core.data.reading import Reading, read
from diffusion_core.data.scenes import SIDE
from diffusion_core.denoisers import Denoiser, Guided, Predictor
from diffusion_core.errors import BadInput
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.text import TextConfig, tokenize
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.nets.watched import WatchedGuidance
from diffusion_core.parameterization import x0_from_eps
from diffusion_core.reverse import ReverseStep
from diffusion_core.training.checkpoint import load_denoiser
from diffusion_core.training.recipes import latent_config
from pages.shared import networks
from pages.shared.i18n import _, explain

__all__ = [
    "DEFAULT",
    "LATENT",
    "PICTURES",
    "SCALES",
    "UNTRAINED",
    "Asked",
    "Grid",
    "Model",
    "Run",
    "grid",
    "heat",
    "model_of_file",
    "or_default",
    "readings",
    "run",
    "score_of",
    "shipped",
    "shipped_grid",
    "shipped_run",
    "untrained",
]

LATENT = (4, 8, 8)
PICTURES = 4
SCALES = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0)
UNTRAINED = "untrained"  # the key of a network that has no file
RUN, SCORE = "shapes_run.npz", "shapes_unet.json"


# --- networks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Model:
    """A network that reads text, and what its numbers are called in a cache: the hash of its file."""

    key: str
    predictor: Predictor


@st.cache_data(show_spinner=False, max_entries=8)
def hash_of(path: Path, changed: float) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def shipped() -> Model | None:
    """The network that comes with the project; None where its file is not there.

    Raises:
        BadInput: the file is damaged, or of another network.
    """
    predictor = networks.text_to_latent()
    if predictor is None:
        return None
    check_reads_text(predictor)
    return Model(shipped_key(), predictor)


def shipped_key() -> str:
    """The hash of the weights that come with the project; empty where there are none."""
    path = networks.MODELS / networks.SHAPES
    return hash_of(path, path.stat().st_mtime) if path.exists() else ""


@st.cache_resource(show_spinner=False)
def untrained() -> Model:
    """A network before its first step: it answers v = 0 to everything."""
    config = latent_config()
    net = seeded(0, config.net.build).requires_grad_(False)
    return Model(UNTRAINED, Predictor(net, config.net, cosine(1000), config.predicts))


def model_of_file(content: bytes) -> Model:
    """The network in a visitor's file.

    Raises:
        BadInput: one sentence that says what is wrong with it.
    """
    predictor = load_denoiser(content)
    check_reads_text(predictor)
    return Model(hashlib.sha256(content).hexdigest(), predictor)


def check_reads_text(predictor: Predictor) -> None:
    """Raises BadInput unless the network reads this vocabulary and works on the autoencoder's latents."""
    config = predictor.config
    if not isinstance(config, UNetConfig) or config.text is None:
        raise BadInput("The network reads no text: it was trained without.")
    if config.text.vocabulary != TextConfig().vocabulary:
        raise BadInput(
            "The network must know {expected} words; it knows {got}.",
            expected=TextConfig().vocabulary,
            got=config.text.vocabulary,
        )
    config.check_data(LATENT)


def score_of() -> dict[str, Any] | None:
    """What ``python -m diffusion_core.evaluate latent`` said of the shipped network; None where that is not there."""
    path = networks.MODELS / SCORE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def or_default(prompt: str, read: Callable[[str], object], default: str) -> str:
    """The prompt, if it can be read; else one sentence, and the default."""
    try:
        read(prompt)
    except BadInput as error:
        st.error(explain(error), icon=":material/error:")
        st.caption(_("Shown instead: {default}.").format(default=default))
        return default
    return prompt


# --- a run ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """The scalars that make a run: the same ones make the same pictures."""

    prompt: str
    w: float = 3.0
    steps: int = 20
    sampler: str = "ddim"
    eta: float = 0.0
    seed: int = 0


DEFAULT = Asked("a blue star above a large green square")


@dataclass(frozen=True, eq=False)
class Run:
    """Four pictures on their way: position k holds the step from t_k; the last, t = 0, repeats the last answers.

    Pictures are uint8, (P, 4, 32, 32, 3): z_t decoded; the guess x0_hat of the guided, of the conditional and of the
    unconditional eps. In latents, float32: both eps, (P, 4, 4, 8, 8); which part of its attention each place gives to
    each word, (P, 4, words, 8, 8), the start being the first word.
    """

    positions: tuple[int, ...]
    words: tuple[str, ...]
    z: np.ndarray
    guided: np.ndarray
    conditional: np.ndarray
    unconditional: np.ndarray
    eps_cond: np.ndarray
    eps_uncond: np.ndarray
    attention: np.ndarray


def sample(asked: Asked, predictor: Predictor, denoiser: Denoiser) -> Iterator[ReverseStep]:
    """The chosen sampler; the same seed starts from the same z_T, whatever the prompt and the scale."""
    schedule, generator = predictor.schedule, torch.Generator().manual_seed(asked.seed)
    z_T = torch.randn((PICTURES, *LATENT), generator=generator)
    timesteps = schedule.timesteps(min(asked.steps, schedule.T), spacing="trailing")
    if asked.sampler == "ddpm":
        return ancestral(denoiser, schedule, z_T, timesteps, fixed_small, generator)
    return ddim(denoiser, schedule, z_T, timesteps, asked.eta, generator)


def pictures_of(autoencoder: Autoencoder, z: Tensor) -> np.ndarray:
    """(..., 4, 8, 8) decoded: (..., 32, 32, 3), uint8.

    Raises:
        BadInput: latents that are not finite.
    """
    if not torch.isfinite(z).all():
        raise BadInput("This network answers with numbers that are not finite.")
    x = torch.cat([autoencoder.decode(part) for part in z.reshape(-1, *LATENT).split(128)])
    levels = ((x.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
    return levels.reshape(*z.shape[:-3], SIDE, SIDE, 3).numpy()


@st.cache_resource(show_spinner=False, max_entries=24)
@torch.no_grad()
def run(asked: Asked, key: str, _predictor: Predictor, _autoencoder: Autoencoder) -> Run:
    """Sample, and keep what the page shows.

    Raises:
        BadInput: a prompt that cannot be read; a network whose answers are not finite.
    """
    tokens = tokenize([asked.prompt] * PICTURES)
    watched = WatchedGuidance(_predictor, tokens, asked.w)
    steps = list(sample(asked, _predictor, watched))
    end, calls = steps[-1].x_s, watched.calls
    guesses = [
        [x0_from_eps(_predictor.schedule, step.x_t, eps, step.t) for step, eps in zip(steps, many, strict=True)]
        for many in ([call.eps_cond for call in calls], [call.eps_uncond for call in calls])
    ]
    words = words_of(asked.prompt)

    def over(many: Sequence[Tensor], last: Tensor) -> Tensor:
        return torch.stack([*many, last])

    return Run(
        positions=(*(step.t for step in steps), 0),
        words=tuple(words),
        z=pictures_of(_autoencoder, over([step.x_t for step in steps], end)),
        guided=pictures_of(_autoencoder, over([step.x0_hat for step in steps], end)),
        conditional=pictures_of(_autoencoder, over(guesses[0], guesses[0][-1])),
        unconditional=pictures_of(_autoencoder, over(guesses[1], guesses[1][-1])),
        eps_cond=over([call.eps_cond for call in calls], calls[-1].eps_cond).numpy(),
        eps_uncond=over([call.eps_uncond for call in calls], calls[-1].eps_uncond).numpy(),
        attention=over([call.words for call in calls], calls[-1].words)[:, :, : 1 + len(words)].numpy(),
    )


@st.cache_resource(show_spinner=False, max_entries=24)
def readings(key: tuple[str, Asked], _pictures: np.ndarray) -> list[Reading]:
    """What is seen in pictures (n, 32, 32, 3)."""
    return [read(torch.from_numpy(picture).permute(2, 0, 1) / 127.5 - 1) for picture in _pictures]


# --- over guidance scales ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Grid:
    """The same z_T at each of `SCALES`: pictures (6, 4, 32, 32, 3), uint8."""

    pictures: np.ndarray


@st.cache_resource(show_spinner=False, max_entries=24)
@torch.no_grad()
def grid(asked: Asked, key: str, _predictor: Predictor, _autoencoder: Autoencoder) -> Grid:
    """A run at each scale; ``asked.w`` has no part in it.

    Raises:
        BadInput: a prompt that cannot be read; a network whose answers are not finite.
    """
    tokens = tokenize([asked.prompt] * PICTURES)
    ends = []
    for scale in SCALES:
        *_steps, last = sample(asked, _predictor, Guided(_predictor, tokens, scale))
        ends.append(last.x_s)
    return Grid(pictures_of(_autoencoder, torch.stack(ends)))


# --- what is shipped --------------------------------------------------------------------------------------------------


def save_shipped(path: Path, key: str, made: Run, made_grid: Grid) -> None:
    """Keep the default's run and grid, and which weights made them; latents and attention in float16."""
    arrays = {name: values for name, values in vars(made).items() if isinstance(values, np.ndarray)}
    small: dict[str, Any] = {name: v if v.dtype == np.uint8 else v.astype(np.float16) for name, v in arrays.items()}
    about = json.dumps({"key": key, "asked": asdict(DEFAULT), "positions": made.positions, "words": made.words})
    np.savez_compressed(path, about=np.array(about), grid=made_grid.pictures, **small)


@st.cache_resource(show_spinner=False, max_entries=2)
def load_shipped(path: Path, changed: float) -> tuple[str, Asked, Run, Grid]:
    """The hash of the weights, what was asked, the run, the grid."""
    with np.load(path) as file:
        about = json.loads(str(file["about"]))
        arrays = {name: file[name] for name in file.files if name not in ("about", "grid")}
        shown = {name: v if v.dtype == np.uint8 else v.astype(np.float32) for name, v in arrays.items()}
        made = Run(positions=tuple(about["positions"]), words=tuple(about["words"]), **shown)
        return about["key"], Asked(**about["asked"]), made, Grid(file["grid"])


def _shipped_for(asked: Asked, key: str) -> tuple[Run, Grid] | None:
    path = networks.MODELS / RUN
    if not path.exists():
        return None
    made_by, made_for, made, made_grid = load_shipped(path, path.stat().st_mtime)
    return (made, made_grid) if (made_by, made_for) == (key, asked) else None


def shipped_run(asked: Asked, key: str) -> Run | None:
    """The run that comes with the project, if it is the one asked for and these weights made it."""
    found = _shipped_for(asked, key)
    return found and found[0]


def shipped_grid(asked: Asked, key: str) -> Grid | None:
    """The same of the grid, in which the scale of ``asked`` has no part."""
    found = _shipped_for(replace(asked, w=DEFAULT.w), key)
    return found and found[1]


# --- attention as heat ------------------------------------------------------------------------------------------------

HOT = np.array([255.0, 140.0, 20.0])


def heat(pictures: np.ndarray, attention: np.ndarray, side: int, top: float) -> np.ndarray:
    """Attention over pictures: grey where a word is not looked at, the hotter the more.

    Args:
        pictures: (P, 32, 32, 3) uint8.
        attention: (P, words, 8, 8); ``top`` is as hot as it gets.
        side: of the result, 32 or a part of it.

    Returns:
        (P, words, side, side, 3) uint8.
    """
    step = SIDE // side
    grey = pictures[:, ::step, ::step].mean(-1, keepdims=True)[:, None]  # (P, 1, side, side, 1)
    fine = torch.nn.functional.interpolate(torch.from_numpy(attention), (side, side), mode="bilinear").numpy()
    share = np.clip(fine / top, 0, 1)[..., None] ** 1.5  # (P, words, side, side, 1); the power keeps little dark
    dark = 0.15 + 0.55 * grey / 255
    return ((1 - share) * 255 * dark + share * HOT * (0.45 + 0.55 * dark / 0.7)).round().astype(np.uint8)
