"""A run of a network that predicts noise: what is measured of it, the one that comes with the page, its files."""

import copy
import tempfile
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from diffusion_core.data.toys import eight_gaussians
from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput
from diffusion_core.files import MODELS
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.samplers import ddim
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.training.checkpoint import load_denoiser, load_training, save_denoiser, save_training
from diffusion_core.training.draws import points
from diffusion_core.training.held_out import errors, unseen
from diffusion_core.training.loop import train
from diffusion_core.training.state import TrainingConfig, TrainingState, check_target, net_config
from pages.shared.trainer import MOST_STEPS, Data, Progress, Run, State, milestone_steps

__all__ = ["Milestone", "View", "draw_samples", "read_file", "sampling_times", "shipped", "write"]

MILESTONES = 40
SAMPLES = 400
SAMPLING_STEPS = 24
REACH = (-3.5, 3.5)  # x0_hat is held to it: all data here lie within


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
class View(Run):
    """Such a run at one moment. Its ``denoiser`` is that of the last milestone."""

    config: TrainingConfig
    schedule: NoiseSchedule
    _: KW_ONLY
    denoiser: Predictor | None = None

    @property
    def steps(self) -> int:
        return self.config.steps

    def check(self) -> None:
        check_target(self.config, self.schedule)

    def go_on(self) -> Iterator[Progress]:
        """Every few steps: where it stands, with a milestone where one is due."""
        config, every = self.config, 5
        recorder, milestones = Recorder(self.data, self.schedule, config.steps), list(self.milestones)
        for state in train(config, points(self.data.law), self.schedule, every, resume=self.snapshot):
            milestone = recorder.record(state)
            changes: dict[str, object] = {"step": state.step, "rows_per_second": state.rows_per_second}
            if milestone is not None:
                milestones.append(milestone)
                denoiser = Predictor(copy.deepcopy(state.ema), config.net, self.schedule, config.predicts)
                changes |= {"milestones": tuple(milestones), "denoiser": denoiser, "snapshot": state.snapshot()}
            yield Progress(changes, state.snapshot)


# --- what is measured -----------------------------------------------------------------------------------------------


def sampling_times(T: int) -> tuple[int, ...]:
    """T = t_N > ... > t_1 >= 1, closer together near 0 (quadratic, Song et al. 2021, appendix D.2)."""
    return tuple(sorted({max(1, round(T * (k / SAMPLING_STEPS) ** 2)) for k in range(1, SAMPLING_STEPS + 1)}))[::-1]


def draw_samples(denoiser: Predictor, schedule: NoiseSchedule) -> list[torch.Tensor]:
    """x_s after each step of DDIM without noise, from the same x_T at every milestone; float32."""
    x_T = torch.randn((SAMPLES, 2), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return [step.x_s for step in ddim(denoiser, schedule, x_T, sampling_times(schedule.T), clip=REACH)]


class Recorder:
    """Turns the states of one run into milestones."""

    def __init__(self, data: Data, schedule: NoiseSchedule, steps: int) -> None:
        self.draws = unseen(data.law, schedule)
        self.due = milestone_steps(steps, MILESTONES)
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
