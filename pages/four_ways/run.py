"""A run of the four ways on the page: which one is shown, how it goes on, and its buttons."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial

import numpy as np
import torch

from diffusion_core import GaussianMixture
from diffusion_core.errors import BadInput
from diffusion_core.files import MODELS
from diffusion_core.training.checkpoint import load_way
from diffusion_core.training.ways import Diffusion, Trained, Way
from pages.four_ways.recipe import KINDS, Setting, States, edge, outside, states, untrained, way_of_state
from pages.shared import controls, running
from pages.shared.keeping import kept
from pages.shared.scenes import mixture_of
from pages.shared.trainer import Data, Progress, Run, milestone_steps, the_trainer
from pages.shared.weights import Weights

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
    samples = {kind: way.sample(SAMPLES, torch.Generator().manual_seed(1)).numpy() for kind, way in ways.items()}
    return marked(step, samples, law, below)


def marked(step: int, samples: Mapping[str, np.ndarray], law: GaussianMixture, below: float) -> Milestone:
    """Samples, and how many of them lie outside."""
    return Milestone(step, samples, {kind: outside(law, torch.from_numpy(xy), below) for kind, xy in samples.items()})


# --- which one is shown ---------------------------------------------------------------------------------------------


def data_of(setting: Setting) -> Data:
    """What is chosen to be trained on, and to be compared with."""
    return Data(setting.data, setting.word, mixture_of(setting.data, setting.word))


def files_of(data: str) -> dict[str, Weights[Trained | Diffusion]]:
    """The four that come with the page for a data set."""
    return {kind: Weights(f"{kind}_{data}.safetensors", load_way) for kind in KINDS}


def base(setting: Setting) -> Four:
    """What is there before anyone trains: the four that come with the page, or four that have not begun."""
    setting = replace(setting, steps=Setting.steps, seed=0)
    if setting.data not in SHIPPED:
        return not_begun(setting)
    files = files_of(setting.data)
    missing = [file.name for file in files.values() if not file.key]
    try:
        if missing:
            raise BadInput("The trained network is not installed ({file} is missing).", file=missing[0])
        return shipped(setting, tuple(file.key for file in files.values()))
    except BadInput as error:
        return replace(not_begun(setting), error=error)


@kept
def not_begun(setting: Setting) -> Four:
    """Four before their first step."""
    return Four("", data_of(setting), setting, state="stopped", ways=untrained(setting))


@kept
def shipped(setting: Setting, keys: tuple[str, ...]) -> Four:
    """The four that come with the page, and what they made on their way (assets/models/make_four_ways.py)."""
    data = data_of(setting)
    found = {kind: file.get() for kind, file in files_of(setting.data).items()}
    ways: dict[str, Way] = {kind: one.network for kind, one in found.items() if one is not None}
    below = edge(data.law)
    with np.load(MODELS / f"four_ways_{setting.data}.npz") as kept_of_it:
        steps: list[int] = kept_of_it["step"].tolist()
        made = {kind: kept_of_it[kind].astype(np.float32) for kind in KINDS}
    marks = tuple(
        marked(step, {kind: xy[k] for kind, xy in made.items()}, data.law, below) for k, step in enumerate(steps)
    )
    return Four("", data, setting, state="done", step=steps[-1], milestones=marks, ways=ways)


def look(id: str, setting: Setting) -> Four:
    """The run as it stands, if it is one on these data; else what is there before anyone trains."""
    run = the_trainer().view(id, Four)
    return run if run is not None and run.data.key == (setting.data, setting.word) else base(setting)


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
    return view if view.ways else base(view.setting)


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
