"""A run of the four ways on the page: which one is shown, how it goes on, and its buttons."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial

import numpy as np
import streamlit as st
import torch

from diffusion_core import GaussianMixture
from diffusion_core.errors import BadInput
from diffusion_core.training.ways import Way
from pages.four_ways.recipe import Setting, States, edge, outside, states, untrained, way_of_state
from pages.shared import controls, running
from pages.shared.scenes import mixture_of
from pages.shared.trainer import Data, Progress, Run, milestone_steps, the_trainer

__all__ = ["SHIPPED", "Four", "Milestone", "buttons", "chosen", "look", "shown"]

SHIPPED = ("eight_gaussians", "two_moons")
MILESTONES = 20
SAMPLES = 300


@dataclass(frozen=True, eq=False)
class Milestone:
    """What is kept of a run at one of its steps: of each of the four SAMPLES samples, and how many lie outside."""

    step: int
    samples: Mapping[str, np.ndarray]  # (n, 2) float32
    outside: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Four(Run):
    """Four networks that are trained side by side, at one moment. The ``ways`` are those of the last milestone."""

    setting: Setting
    _: KW_ONLY
    ways: Mapping[str, Way] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int]:
        return f"{self.id} {self.data.key}", self.milestones[-1].step if self.milestones else 0

    @property
    def steps(self) -> int:
        return self.setting.steps

    def check(self) -> None:
        """Any data that the page offers can be learned."""

    def go_on(self) -> Iterator[Progress]:
        """After each round of the four: where they stand, with a milestone where one is due."""
        due = [step for step in milestone_steps(self.steps, MILESTONES) if step > self.step]
        milestones, below = list(self.milestones), edge(self.data.law)
        for together in states(self.setting, self.snapshot):
            step = together["vae"].step
            changes: dict[str, object] = {"step": step}
            if due and step >= due[0]:
                due = [later for later in due if later > step]
                ways = {kind: copy.deepcopy(way_of_state(state)) for kind, state in together.items()}
                milestones.append(milestone(step, ways, self.data.law, below))
                changes |= {"milestones": tuple(milestones), "ways": ways, "snapshot": snapshots(together)}
            yield Progress(changes, partial(snapshots, together))


def snapshots(together: States) -> dict[str, object]:
    """All that the four need to go on."""
    return {kind: state.snapshot() for kind, state in together.items()}


def milestone(step: int, ways: Mapping[str, Way], law: GaussianMixture, below: float) -> Milestone:
    """The same noise at each of them."""
    samples = {kind: way.sample(SAMPLES, torch.Generator().manual_seed(1)) for kind, way in ways.items()}
    share = {kind: outside(law, drawn, below) for kind, drawn in samples.items()}
    return Milestone(step, {kind: drawn.numpy() for kind, drawn in samples.items()}, share)


# --- which one is shown ---------------------------------------------------------------------------------------------


def data_of(setting: Setting) -> Data:
    """What is chosen to be trained on, and to be compared with."""
    return Data(setting.data, setting.word, mixture_of(setting.data, setting.word))


@st.cache_resource(show_spinner=False, max_entries=16, hash_funcs={Setting: repr})
def base(setting: Setting) -> Four:
    """What is there before anyone trains: the four that come with the page, or four that have not begun."""
    data = data_of(setting)
    if setting.data not in SHIPPED:
        return Four("", data, setting, state="done", ways=untrained(setting))
    return Four("", data, setting, state="done", ways=untrained(setting))


def look(id: str, setting: Setting) -> Four:
    """The run as it stands, if it is one on these data; else what is there before anyone trains."""
    run = the_trainer().view(id, Four)
    plain = replace(setting, steps=Setting().steps, seed=0)
    return run if run is not None and run.data.key == (setting.data, setting.word) else base(plain)


def chosen(setting: Setting) -> Four:
    """The run that the URL names."""
    return look(controls.get("run", "", _known), setting)


def _known(raw: str) -> str:
    """The id of a run that is remembered."""
    if the_trainer().view(raw, Four) is None:
        raise BadInput("run in the URL is {got}; there is no such run here (any more).", got=repr(raw[:40]))
    return raw


def shown(view: Four) -> Four:
    """The run, as soon as it has something to show."""
    return view if view.ways else base(replace(view.setting, steps=Setting().steps, seed=0))


# --- its buttons ----------------------------------------------------------------------------------------------------


def show_run(id: str) -> None:
    """Another run is shown, its address in the URL."""
    controls.keep("run", id, "")
    controls.remember("step", None, None)
    controls.renew("step")


def buttons(view: Four, setting: Setting) -> None:
    """Start, pause, resume, stop, reset."""

    def start() -> None:
        show_run(the_trainer().start(Four("", data_of(setting), setting)))

    running.buttons(view, start, lambda: reset(view))


def reset(view: Four) -> None:
    """Drop the run."""
    the_trainer().forget(view.id)
    show_run("")
