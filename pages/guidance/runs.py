"""Runs of the network that reads text, as the lesson on guidance shows them: every step, in pictures."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from diffusion_core.data.captions import words_of
from diffusion_core.data.reading import Reading, read
from diffusion_core.denoisers import Denoiser, Guided, Predictor
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.text import tokenize
from diffusion_core.nets.watched import WatchedGuidance
from diffusion_core.parameterization import x0_from_eps
from diffusion_core.reverse import ReverseStep
from pages.guidance import recipe
from pages.guidance.recipe import PICTURES, PROMPT
from pages.shared import weights
from pages.shared.prompts import pictures_of
from pages.shared.weights import BY_KEY, Model

__all__ = [
    "DEFAULT",
    "RUN",
    "SCALES",
    "SCORE",
    "Asked",
    "Grid",
    "Run",
    "grid",
    "grid_readings",
    "readings",
    "run",
    "save_shipped",
    "score_of",
    "shipped_grid",
    "shipped_run",
    "today",
]

SCALES = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0)
RUN, SCORE = "shapes_run.npz", "shapes_unet.json"


@dataclass(frozen=True)
class Asked:
    """The scalars that make a run: the same ones make the same pictures."""

    prompt: str
    w: float = 3.0
    steps: int = 20
    sampler: str = "ddim"
    eta: float = 0.0
    seed: int = 0

    def but(self, control: str, value: str) -> "Asked":
        """The same with one of the page's controls at another value."""
        if control == "w":
            return replace(self, w=float(value))
        return replace(self, steps=int(value)) if control == "N" else replace(self, sampler=value)

    def sample(self, network: Predictor, denoiser: Denoiser) -> list[ReverseStep]:
        """The chosen sampler's steps."""
        chain = recipe.sample(network, denoiser, steps=self.steps, sampler=self.sampler, eta=self.eta, seed=self.seed)
        return list(chain)


DEFAULT = Asked(PROMPT)


# --- a run ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Run:
    """Four pictures on their way: position k holds the step from t_k; the last, t = 0, repeats the last answers.

    Pictures are uint8, (P, 4, 32, 32, 3): z_t decoded; the guess x0_hat of the guided, of the conditional and of the
    unconditional eps. In latents, float32: both eps, (P, 4, 4, 8, 8); which part of its attention each place gives to
    each word, (P, 4, words, 8, 8), the start being the first word. ``key`` is another one for every other run.
    """

    key: tuple[str, ...]
    positions: tuple[int, ...]
    words: tuple[str, ...]
    z: np.ndarray
    guided: np.ndarray
    conditional: np.ndarray
    unconditional: np.ndarray
    eps_cond: np.ndarray
    eps_uncond: np.ndarray
    attention: np.ndarray


@st.cache_resource(show_spinner=False, max_entries=24, hash_funcs=BY_KEY)
@torch.no_grad()
def run(asked: Asked, model: Model[Predictor], coder: Model[Autoencoder]) -> Run:
    """Sample, and keep what the page shows.

    Raises:
        BadInput: a prompt that cannot be read; a network whose answers are not finite.
    """
    network, words = model.network, words_of(asked.prompt)
    watched = WatchedGuidance(network, tokenize([asked.prompt] * PICTURES), asked.w)
    steps = asked.sample(network, watched)
    end, calls = steps[-1].x_s, watched.calls

    def over(many: Sequence[Tensor], last: Tensor | None = None) -> Tensor:
        return torch.stack([*many, many[-1] if last is None else last])

    def guesses(answers: Sequence[Tensor]) -> np.ndarray:
        pairs = zip(steps, answers, strict=True)
        return decoded([x0_from_eps(network.schedule, step.x_t, eps, step.t) for step, eps in pairs])

    def decoded(many: Sequence[Tensor], last: Tensor | None = None) -> np.ndarray:
        return pictures_of(coder.network, over(many, last))

    conditional, unconditional = [call.eps_cond for call in calls], [call.eps_uncond for call in calls]
    return Run(
        key=_key(asked, model.key, coder.key),
        positions=(*(step.t for step in steps), 0),
        words=tuple(words),
        z=decoded([step.x_t for step in steps], end),
        guided=decoded([step.x0_hat for step in steps], end),
        conditional=guesses(conditional),
        unconditional=guesses(unconditional),
        eps_cond=over(conditional).numpy(),
        eps_uncond=over(unconditional).numpy(),
        attention=over([call.words for call in calls])[:, :, : 1 + len(words)].numpy(),
    )


def _key(asked: Asked, *keys: str) -> tuple[str, ...]:
    """What tells a run from every other one."""
    return (*map(str, asdict(asked).values()), *keys)


# --- over guidance scales -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Grid:
    """The same z_T at each of `SCALES`: pictures (6, 4, 32, 32, 3), uint8."""

    key: tuple[str, ...]
    pictures: np.ndarray


@st.cache_resource(show_spinner=False, max_entries=24, hash_funcs=BY_KEY)
@torch.no_grad()
def _grid(asked: Asked, model: Model[Predictor], coder: Model[Autoencoder]) -> Grid:
    tokens = tokenize([asked.prompt] * PICTURES)
    ends = [asked.sample(model.network, Guided(model.network, tokens, scale))[-1].x_s for scale in SCALES]
    return Grid(_key(asked, model.key, coder.key), pictures_of(coder.network, torch.stack(ends)))


def grid(asked: Asked, model: Model[Predictor], coder: Model[Autoencoder]) -> Grid:
    """A run at each scale; ``asked.w`` has no part in it.

    Raises:
        BadInput: a prompt that cannot be read; a network whose answers are not finite.
    """
    return _grid(replace(asked, w=0.0), model, coder)


# --- read back ------------------------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False, max_entries=24, hash_funcs={Run: attrgetter("key")})
def readings(made: Run) -> list[Reading]:
    """What is seen in the four pictures in the end."""
    return [_seen(picture) for picture in made.guided[-1]]


@st.cache_resource(show_spinner=False, max_entries=24, hash_funcs={Grid: attrgetter("key")})
def grid_readings(made: Grid) -> list[list[Reading]]:
    """What is seen in the four pictures at each scale."""
    return [[_seen(picture) for picture in pictures] for pictures in made.pictures]


def _seen(picture: np.ndarray) -> Reading:
    """What is seen in a picture (32, 32, 3)."""
    return read(torch.from_numpy(picture).permute(2, 0, 1) / 127.5 - 1)


def score_of() -> dict[str, Any] | None:
    """What ``python -m diffusion_core.evaluate latent`` said of the shipped network; None where that is not there."""
    path = weights.beside(SCORE)
    if not path.exists():
        return None
    score: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return score


# --- what is shipped ------------------------------------------------------------------------------------------------


def save_shipped(path: Path, by: str, made: Run, made_grid: Grid) -> None:
    """Keep the default's run and grid, and which weights made them; latents and attention in float16."""
    arrays = {name: values for name, values in vars(made).items() if isinstance(values, np.ndarray)}
    small: dict[str, Any] = {name: v if v.dtype == np.uint8 else v.astype(np.float16) for name, v in arrays.items()}
    about = json.dumps({"key": by, "asked": asdict(DEFAULT), "positions": made.positions, "words": made.words})
    np.savez_compressed(path, about=np.array(about), grid=made_grid.pictures, **small)


@st.cache_resource(show_spinner=False, max_entries=2)
def _load_shipped(path: Path, changed: float) -> tuple[str, Asked, Run, Grid]:
    """The hash of the weights, what was asked, the run, the grid."""
    with np.load(path) as file:
        about = json.loads(str(file["about"]))
        arrays = {name: file[name] for name in file.files if name not in ("about", "grid")}
        shown = {name: v if v.dtype == np.uint8 else v.astype(np.float32) for name, v in arrays.items()}
        asked = Asked(**about["asked"])
        key = _key(asked, about["key"], "shipped", str(changed))
        made = Run(key=key, positions=tuple(about["positions"]), words=tuple(about["words"]), **shown)
        return about["key"], asked, made, Grid(key, file["grid"])


def _shipped_for(asked: Asked, by: str) -> tuple[Run, Grid] | None:
    path = weights.beside(RUN)
    if not path.exists():
        return None
    made_by, made_for, made, made_grid = _load_shipped(path, path.stat().st_mtime)
    return (made, made_grid) if (made_by, made_for) == (by, asked) else None


def shipped_run(asked: Asked, by: str) -> Run | None:
    """The run that comes with the project, if it is the one asked for and these weights made it."""
    found = _shipped_for(asked, by)
    return found and found[0]


def shipped_grid(asked: Asked, by: str) -> Grid | None:
    """The same of the grid, in which the scale of ``asked`` has no part."""
    found = _shipped_for(replace(asked, w=DEFAULT.w), by)
    return found and found[1]


def today(asked: Asked, model: Model[Predictor] | None, own: bool) -> dict[str, Any]:
    """The recipe's settings that make the same pictures."""
    said = asdict(asked)
    if own:
        said["weights"] = "network.safetensors"
    elif model and not model.trained:
        said["weights"] = None
    return said
