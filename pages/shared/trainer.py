"""Training outside the page's script: runs that go on while the page is looked at, reloaded, or closed.

There is one `Trainer` a server. It trains a few runs at once, each in a thread of its own, and lets the others wait in
the order in which they came; a run that is paused keeps what it needs to go on and gives up its place. A page looks at
a run by its id, through a `View` that nothing changes later, and so may look at any time, from any session.

PyTorch lets go of the interpreter's lock inside its operations; between two of its states a run also sleeps a moment,
and on Linux its thread is a nicer one than the pages'.
"""

import copy
import os
import secrets
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import streamlit as st
import torch

from diffusion_core.data.toys import eight_gaussians
from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput
from diffusion_core.files import MODELS
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.samplers import ddim
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.training.checkpoint import load_denoiser, load_training, save_denoiser, save_training
from diffusion_core.training.draws import points
from diffusion_core.training.held_out import errors, unseen
from diffusion_core.training.loop import train
from diffusion_core.training.state import Snapshot, TrainingConfig, TrainingState, check_target, net_config

__all__ = ["MOST_STEPS", "Data", "Milestone", "Trainer", "View", "sampling_times", "the_trainer", "write"]

State = Literal["waiting", "running", "paused", "done", "stopped", "failed"]

MOST_STEPS = 20_000
MILESTONES = 40
SAMPLES = 400
SAMPLING_STEPS = 24
REACH = (-3.5, 3.5)  # x0_hat is held to it: all data here lie within


@dataclass(frozen=True)
class Data:
    """What a run is trained on and compared with: a data set by its name."""

    name: str
    word: str
    law: GaussianMixture

    @property
    def key(self) -> tuple[str, str]:
        """The same for the same data."""
        return self.name, self.word


@dataclass(frozen=True, eq=False)
class Milestone:
    """What is kept of a run at one of its steps.

    Attributes:
        step: how many steps were done.
        loss: of training, in the units of eps, averaged since the milestone before.
        distance: (P,) held-out squared distance from eps* at each of the even times.
        samples: (n, 2) float32.
    """

    step: int
    loss: float
    distance: np.ndarray
    samples: np.ndarray


@dataclass(frozen=True, eq=False)
class View:
    """A run at one moment. ``place`` is that in the queue, 1 being next, 0 if it does not wait."""

    id: str
    data: Data
    config: TrainingConfig
    schedule: NoiseSchedule
    state: State = "waiting"
    step: int = 0
    rows_per_second: float = 0.0
    milestones: tuple[Milestone, ...] = ()
    denoiser: Predictor | None = None  # of the last milestone
    snapshot: Snapshot | None = None
    error: BadInput | None = None
    place: int = 0

    @property
    def alive(self) -> bool:
        return self.state in ("waiting", "running")

    @property
    def key(self) -> tuple[str, int]:
        """The same while the same of it is to be seen: until its next milestone."""
        return self.id, self.milestones[-1].step if self.milestones else 0


# --- what is measured -----------------------------------------------------------------------------------------------


def sampling_times(T: int) -> tuple[int, ...]:
    """T = t_N > ... > t_1 >= 1, closer together near 0 (quadratic, Song et al. 2021, appendix D.2)."""
    return tuple(sorted({max(1, round(T * (k / SAMPLING_STEPS) ** 2)) for k in range(1, SAMPLING_STEPS + 1)}))[::-1]


def draw_samples(denoiser: Predictor, schedule: NoiseSchedule) -> list[torch.Tensor]:
    """x_s after each step of DDIM without noise, from the same x_T at every milestone; float32."""
    x_T = torch.randn((SAMPLES, 2), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return [step.x_s for step in ddim(denoiser, schedule, x_T, sampling_times(schedule.T), clip=REACH)]


def milestone_steps(steps: int) -> frozenset[int]:
    """At most 40 steps, close together where the network learns fast; the last one is the end."""
    return frozenset(max(1, round(steps * (k / MILESTONES) ** 2)) for k in range(1, MILESTONES + 1))


class Recorder:
    """Turns the states of one run into milestones."""

    def __init__(self, data: Data, schedule: NoiseSchedule, steps: int) -> None:
        self.draws = unseen(data.law, schedule)
        self.due = sorted(milestone_steps(steps))
        self.losses: list[float] = []

    def record(self, state: TrainingState) -> Milestone | None:
        """A milestone where one is due."""
        self.losses.append(state.eps_loss)
        if not self.due or state.step < self.due[0]:
            return None
        self.due = [step for step in self.due if step > state.step]
        loss, self.losses = float(np.mean(self.losses)), []
        distance = errors(state.denoiser, self.draws).distance.mean(1).numpy()
        samples = draw_samples(state.denoiser, state.schedule)[-1].numpy()
        return Milestone(state.step, loss, distance, samples)


# --- the runs -------------------------------------------------------------------------------------------------------


class Trainer:
    """All runs of a server. Every method may be called from any thread.

    Args:
        at_once: how many runs train at the same time.
        waiting: how many may wait for that.
        kept: how many runs are remembered; the one looked at longest ago goes first.
    """

    def __init__(self, at_once: int = 2, waiting: int = 20, kept: int = 32) -> None:
        self.at_once, self.waiting, self.kept = at_once, waiting, kept
        self.views: OrderedDict[str, View] = OrderedDict()
        self.queue: list[str] = []
        self.threads: dict[str, threading.Thread] = {}
        self.wishes: dict[str, State] = {}  # what a running run shall become
        self.lock = threading.RLock()

    def start(self, data: Data, config: TrainingConfig, schedule: NoiseSchedule) -> str:
        """A new run; returns its id. Raises BadInput where it is too long, too many wait, or nothing can be learned."""
        if config.steps > MOST_STEPS:
            raise BadInput(
                "A run on this page may have at most {most} steps; got {got}.", most=MOST_STEPS, got=config.steps
            )
        check_target(config, schedule)
        return self._add(View(secrets.token_hex(6), data, config, schedule))

    def load(self, data: Data, content: bytes) -> str:
        """A run from a file, paused where it stood; a network alone is a run that is done. Raises BadInput."""
        return self._add(replace(read_file(data, content), id=secrets.token_hex(6)))

    def view(self, id: str) -> View | None:
        """The run as it stands; None if there is no such run (any more)."""
        with self.lock:
            if id not in self.views:
                return None
            self.views.move_to_end(id)
            place = self.queue.index(id) + 1 if id in self.queue else 0
            return replace(self.views[id], place=place)

    def pause(self, id: str) -> None:
        """Stop for now: it keeps what it needs to go on, and lets the next one have its place."""
        self._end(id, "paused")

    def stop(self, id: str) -> None:
        """Stop for good."""
        self._end(id, "stopped")

    def resume(self, id: str) -> None:
        """Let a paused run go on, after those that wait."""
        with self.lock:
            if id in self.views and self.views[id].state == "paused":
                self._check_queue()
                self.views[id] = replace(self.views[id], state="waiting")
                self.queue.append(id)
                self._fill()

    def forget(self, id: str) -> None:
        """Stop it and drop it."""
        self.stop(id)
        with self.lock:
            self.views.pop(id, None)

    # ---------------------------------------------------------------------------- inside
    def _add(self, view: View) -> str:
        with self.lock:
            if view.state == "waiting":
                self._check_queue()
                self.queue.append(view.id)
            self.views[view.id] = view
            idle = [id for id, one in self.views.items() if not one.alive and id != view.id]
            for id in idle[: max(0, len(self.views) - self.kept)]:
                del self.views[id]
            self._fill()
        return view.id

    def _check_queue(self) -> None:
        if len(self.queue) >= self.waiting:
            raise BadInput("{n} runs wait already; please try again in a minute.", n=len(self.queue))

    def _fill(self) -> None:
        """Start those that may start. The lock is held."""
        while self.queue and len(self.threads) < self.at_once:
            id = self.queue.pop(0)
            self._update(id, state="running")
            self.threads[id] = threading.Thread(target=self._work, args=(self.views[id],), daemon=True)
            self.threads[id].start()

    def _end(self, id: str, state: State) -> None:
        with self.lock:
            thread = self.threads.get(id)
            if thread is not None:
                self.wishes[id] = state
            elif id in self.views and self.views[id].state in ("waiting", "paused"):
                self.queue = [other for other in self.queue if other != id]
                self._update(id, state=state)
        if thread is not None:
            thread.join(5)  # it looks up after every few steps

    def _update(self, id: str, **changes: object) -> None:
        with self.lock:
            if id in self.views:
                self.views[id] = replace(self.views[id], **changes)  # type: ignore[arg-type]

    def _work(self, view: View) -> None:
        """A run, in its own thread."""
        changes: dict[str, object] = {"state": "failed"}
        try:
            _be_modest()
            changes = self._train(view)
        except BadInput as error:
            changes = {"state": "failed", "error": error}
        finally:
            with self.lock:
                del self.threads[view.id]
                self.wishes.pop(view.id, None)
                self._update(view.id, **changes)
                self._fill()

    def _train(self, view: View) -> dict[str, object]:
        """Trains to the end, or to what is wished; returns how the run stands then."""
        config, every = view.config, 5
        recorder = Recorder(view.data, view.schedule, config.steps)
        milestones = list(view.milestones)
        for state in train(config, points(view.data.law), view.schedule, every, resume=view.snapshot):
            milestone = recorder.record(state)
            changes: dict[str, object] = {"step": state.step, "rows_per_second": state.rows_per_second}
            if milestone is not None:
                milestones.append(milestone)
                net = copy.deepcopy(state.ema)
                denoiser = Predictor(net, config.net, view.schedule, config.predicts)
                changes |= {"milestones": tuple(milestones), "denoiser": denoiser, "snapshot": state.snapshot()}
            wish = self.wishes.get(view.id)
            if wish is not None:
                return {**changes, "state": wish, "snapshot": state.snapshot()}
            self._update(view.id, **changes)
            time.sleep(0.001)
        return {"state": "done"}


@st.cache_resource(show_spinner=False)
def the_trainer() -> Trainer:
    """All runs of this server."""
    return Trainer()


def _be_modest() -> None:
    torch.set_num_threads(1)
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)  # of this thread alone


# --- the run that is there before anyone trains ---------------------------------------------------------------------

SHIPPED = "points_eight_gaussians"
SHIPPED_CONFIG = TrainingConfig(MLPConfig(2, 128), steps=8000)


def shipped_data() -> Data:
    """What it was trained on."""
    return Data("eight_gaussians", "", eight_gaussians().law)


def shipped_schedule() -> NoiseSchedule:
    """Its noise."""
    return linear(1000)


def shipped() -> View:
    """The run whose weights come with the page."""
    denoiser = load_denoiser(MODELS / f"{SHIPPED}.safetensors")
    with np.load(MODELS / f"{SHIPPED}_run.npz") as kept:
        rows = zip(kept["step"].tolist(), kept["loss"].tolist(), kept["distance"], kept["samples"], strict=True)
        milestones = tuple(Milestone(step, loss, distance, xy.astype(np.float32)) for step, loss, distance, xy in rows)
    return View(
        "",
        shipped_data(),
        SHIPPED_CONFIG,
        denoiser.schedule,
        state="done",
        step=milestones[-1].step,
        milestones=milestones,
        denoiser=denoiser,
    )


# --- files ----------------------------------------------------------------------------------------------------------


def read_file(data: Data, content: bytes) -> View:
    """What a file of this program holds, to be compared with the data; raises BadInput in one sentence."""
    try:
        snapshot = load_training(content)
    except BadInput as error:
        if error.facts.get("got") != "denoiser":
            raise
        denoiser = load_denoiser(content)
        config = TrainingConfig(net_config(denoiser), denoiser.predicts, steps=1)
        _check_net(config)
        return _whole(View("", data, config, denoiser.schedule, state="done", denoiser=denoiser))
    config = snapshot.config
    _check_net(config)
    check_target(config, snapshot.schedule)
    if config.steps > MOST_STEPS or config.batch > 4096:
        raise BadInput(
            "A run on this page may have at most {most} steps of 4096 rows; the file's has {got} of {batch}.",
            most=MOST_STEPS,
            got=config.steps,
            batch=config.batch,
        )
    state: State = "paused" if snapshot.step < config.steps else "done"
    view = View("", data, config, snapshot.schedule, state=state, step=snapshot.step, snapshot=snapshot)
    return _whole(replace(view, denoiser=snapshot.denoiser))


def _check_net(config: TrainingConfig) -> None:
    if not isinstance(config.net, MLPConfig) or config.net.dimension != 2:
        raise BadInput("The file must hold a network for points in the plane; it holds another one.")


def _whole(view: View) -> View:
    """With the one milestone that a file is."""
    assert view.denoiser is not None
    distance = errors(view.denoiser, unseen(view.data.law, view.schedule)).distance.mean(1).numpy()
    samples = draw_samples(view.denoiser, view.schedule)[-1].numpy()
    return replace(view, milestones=(Milestone(max(1, view.step), float("nan"), distance, samples),))


def write(view: View, kind: Literal["network", "run"]) -> bytes:
    """A file of the run: all that it needs to go on, or the averaged network alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.safetensors"
        if kind == "run":
            assert view.snapshot is not None
            save_training(path, view.snapshot)
        else:
            assert view.denoiser is not None
            save_denoiser(path, view.denoiser)
        return path.read_bytes()
