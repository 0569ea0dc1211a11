"""Training outside the page's script: runs that go on while the page is looked at, reloaded, or closed.

There is one `Trainer` a server. It trains a few runs at once, each in a thread of its own, and lets the others wait in
the order in which they came; a run that is paused keeps what it needs to go on and gives up its place. A page looks at
a run by its id, through a `Run` that nothing changes later, and so may look at any time, from any session.

What is trained is the run's own matter: a network that predicts noise (`denoiser_run`), or four ways side by side.

PyTorch lets go of the interpreter's lock inside its operations; between two of its states a run also sleeps a moment,
and on Linux its thread is a nicer one than the pages'.
"""

import os
import secrets
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeVar

import streamlit as st
import torch

from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture

__all__ = ["MOST_STEPS", "Data", "Progress", "Run", "State", "Trainer", "milestone_steps", "the_trainer"]

State = Literal["waiting", "running", "paused", "done", "stopped", "failed"]

MOST_STEPS = 20_000


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


class Progress(NamedTuple):
    """How far a run has come: what of it has changed, and how to have all that it needs to go on."""

    changes: Mapping[str, Any]
    snapshot: Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Run(ABC):
    """A run at one moment. ``place`` is that in the queue, 1 being next, 0 if it does not wait.

    Attributes:
        milestones: what is kept of it at some of its steps; each has its ``step``.
        snapshot: what it needs to go on from.
    """

    id: str
    data: Data
    _: KW_ONLY
    state: State = "waiting"
    step: int = 0
    rows_per_second: float = 0.0
    milestones: tuple[Any, ...] = field(default=())
    snapshot: Any = None
    error: BadInput | None = None
    place: int = 0

    @property
    @abstractmethod
    def steps(self) -> int:
        """Where it ends."""

    @abstractmethod
    def check(self) -> None:
        """Raises BadInput where nothing can be learned so."""

    @abstractmethod
    def go_on(self) -> Iterator[Progress]:
        """Train from where it stands to the end; each time that it yields, it can be stopped."""

    @property
    def alive(self) -> bool:
        return self.state in ("waiting", "running")

    @property
    def key(self) -> tuple[str, int]:
        """The same while the same of it is to be seen: until its next milestone."""
        return self.id, self.milestones[-1].step if self.milestones else 0


R = TypeVar("R", bound=Run)


def milestone_steps(steps: int, milestones: int) -> list[int]:
    """At most so many steps, rising, close together where a network learns fast; the last one is the end."""
    return sorted({max(1, round(steps * (k / milestones) ** 2)) for k in range(1, milestones + 1)})


class Trainer:
    """All runs of a server. Every method may be called from any thread.

    Args:
        at_once: how many runs train at the same time.
        waiting: how many may wait for that.
        kept: how many runs are remembered; the one looked at longest ago goes first.
    """

    def __init__(self, at_once: int = 2, waiting: int = 20, kept: int = 32) -> None:
        self.at_once, self.waiting, self.kept = at_once, waiting, kept
        self.views: OrderedDict[str, Run] = OrderedDict()
        self.queue: list[str] = []
        self.threads: dict[str, threading.Thread] = {}
        self.wishes: dict[str, State] = {}  # what a running run shall become
        self.lock = threading.RLock()

    def start(self, run: Run) -> str:
        """A new run, or one that was paused or done elsewhere; returns the id that it gets.

        Raises:
            BadInput: it is too long, too many wait, or nothing can be learned so.
        """
        if run.steps > MOST_STEPS:
            raise BadInput(
                "A run on this page may have at most {most} steps; got {got}.", most=MOST_STEPS, got=run.steps
            )
        run.check()
        return self._add(replace(run, id=secrets.token_hex(6)))

    def view(self, id: str, kind: type[R]) -> R | None:
        """The run as it stands; None if there is no such run (any more), or it is one of another kind."""
        with self.lock:
            run = self.views.get(id)
            if not isinstance(run, kind):
                return None
            self.views.move_to_end(id)
            place = self.queue.index(id) + 1 if id in self.queue else 0
            return replace(run, place=place)

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
    def _add(self, run: Run) -> str:
        with self.lock:
            if run.state == "waiting":
                self._check_queue()
                self.queue.append(run.id)
            self.views[run.id] = run
            idle = [id for id, one in self.views.items() if not one.alive and id != run.id]
            for id in idle[: max(0, len(self.views) - self.kept)]:
                del self.views[id]
            self._fill()
        return run.id

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

    def _update(self, id: str, **changes: Any) -> None:
        with self.lock:
            if id in self.views:
                self.views[id] = replace(self.views[id], **changes)

    def _work(self, run: Run) -> None:
        """A run, in its own thread."""
        changes: dict[str, Any] = {"state": "failed"}
        try:
            _be_modest()
            changes = self._train(run)
        except BadInput as error:
            changes = {"state": "failed", "error": error}
        finally:
            with self.lock:
                del self.threads[run.id]
                self.wishes.pop(run.id, None)
                self._update(run.id, **changes)
                self._fill()

    def _train(self, run: Run) -> dict[str, Any]:
        """Trains to the end, or to what is wished; returns how the run stands then."""
        for changes, snapshot in run.go_on():
            wish = self.wishes.get(run.id)
            if wish is not None:
                return {**changes, "state": wish, "snapshot": snapshot()}
            self._update(run.id, **changes)
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
