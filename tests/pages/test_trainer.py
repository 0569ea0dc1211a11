"""Runs outside the page: they wait, pause, go on bit for bit, diverge in one sentence, and survive a file."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from diffusion_core import SCHEDULES, BadInput, linear
from diffusion_core.data.toys import eight_gaussians
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.training.draws import images, points
from diffusion_core.training.loop import train
from diffusion_core.training.state import TrainingConfig
from pages.shared import denoiser_run
from pages.shared.denoiser_run import View, read_file, sampling_times, shipped, shipped_data, write
from pages.shared.trainer import MOST_STEPS, Data, Trainer

DATA: Data = shipped_data()
SCHEDULE = linear(100)


def config(steps: int = 60, **changes: Any) -> TrainingConfig:
    return TrainingConfig(MLPConfig(2, 16), steps=steps, batch=64, warmup=5, **changes)


def see(runs: Trainer, id: str) -> View:
    view = runs.view(id, View)
    assert view is not None
    return view


def wait(runs: Trainer, id: str, until: Callable[[View], bool] = lambda view: not view.alive) -> View:
    for _attempt in range(1200):
        view = see(runs, id)
        if until(view):
            return view
        time.sleep(0.02)
    raise AssertionError("it took too long")


def weights(view: View) -> torch.Tensor:
    assert view.denoiser is not None
    return torch.cat([w.flatten() for w in view.denoiser.net.state_dict().values()])


def test_a_run_learns_and_keeps_its_milestones() -> None:
    runs = Trainer()
    view = wait(runs, runs.start(View("", DATA, config(400, lr=1e-2), SCHEDULE)))
    assert (view.state, view.step, view.milestones[-1].step) == ("done", 400, 400)
    steps = [one.step for one in view.milestones]
    assert steps == sorted(set(steps)) and 20 < len(steps) <= denoiser_run.MILESTONES
    above = [one.distance.mean() for one in view.milestones]
    assert above[-1] < 0.5 * above[0]
    assert above[0] > 0.3  # a run that had learned nothing would be noticed
    assert view.milestones[-1].samples.shape == (denoiser_run.SAMPLES, 2)


def test_paused_and_resumed_is_the_run_that_never_stopped() -> None:
    runs = Trainer()
    whole = wait(runs, runs.start(View("", DATA, config(), SCHEDULE)))
    id = runs.start(View("", DATA, config(), SCHEDULE))
    wait(runs, id, lambda view: view.step >= 10 or not view.alive)
    runs.pause(id)
    paused = see(runs, id)
    assert paused.state == "paused" and 10 <= paused.step < 60
    assert not torch.equal(weights(paused), weights(whole))
    runs.resume(id)
    resumed = wait(runs, id)
    assert resumed.state == "done" and torch.equal(weights(resumed), weights(whole))
    other = wait(runs, runs.start(View("", DATA, config(seed=1), SCHEDULE)))
    assert not torch.equal(weights(other), weights(whole))


def test_few_train_at_once_and_the_others_wait_in_order() -> None:
    runs = Trainer(at_once=1, waiting=2)
    first = runs.start(View("", DATA, config(5_000), SCHEDULE))
    second, third = (runs.start(View("", DATA, config(5_000), SCHEDULE)) for _ in range(2))
    assert [see(runs, id).place for id in (first, second, third)] == [0, 1, 2]
    with pytest.raises(BadInput, match="2 runs wait already"):
        runs.start(View("", DATA, config(), SCHEDULE))
    runs.stop(second)
    assert [(see(runs, id).state, see(runs, id).place) for id in (second, third)] == [("stopped", 0), ("waiting", 1)]
    runs.pause(first)  # it gives its place to the next one
    assert wait(runs, third, lambda view: view.step > 0).state == "running"
    assert see(runs, first).state == "paused"
    runs.forget(third)
    assert runs.view(third, View) is None and not runs.threads


def test_the_run_looked_at_longest_ago_is_forgotten_first_and_never_a_living_one() -> None:
    runs = Trainer(at_once=1, kept=2)
    living = runs.start(View("", DATA, config(5_000), SCHEDULE))
    content = write(shipped(), "network")
    old, new = runs.start(read_file(DATA, content)), runs.start(read_file(DATA, content))
    assert runs.view(old, View) is None
    assert runs.view(new, View) is not None and runs.view(living, View) is not None
    runs.forget(living)


def test_a_learning_rate_of_100_is_one_sentence_and_frees_its_place() -> None:
    runs = Trainer(at_once=1)
    view = wait(runs, runs.start(View("", DATA, config(lr=100.0), SCHEDULE)))
    assert view.state == "failed"
    assert str(view.error).startswith("Training diverged before step")
    assert wait(runs, runs.start(View("", DATA, config(), SCHEDULE))).state == "done"


def test_an_error_in_a_run_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    runs = Trainer(at_once=1)
    with monkeypatch.context() as patched:
        patched.setattr(denoiser_run, "train", lambda *_, **__: 1 / 0)
        view = wait(runs, runs.start(View("", DATA, config(), SCHEDULE)))
    assert view.state == "failed" and view.error is None
    assert wait(runs, runs.start(View("", DATA, config(), SCHEDULE))).state == "done"


def test_a_file_of_a_run_goes_on_to_the_same_network() -> None:
    runs = Trainer()
    id = runs.start(View("", DATA, config(), SCHEDULE))
    wait(runs, id, lambda view: view.step >= 10 or not view.alive)
    runs.pause(id)
    content = write(see(runs, id), "run")
    runs.resume(id)
    whole = wait(runs, id)
    loaded = runs.start(read_file(DATA, content))
    assert see(runs, loaded).state == "paused" and see(runs, loaded).step < 60
    assert not torch.equal(weights(see(runs, loaded)), weights(whole))
    runs.resume(loaded)
    assert torch.equal(weights(wait(runs, loaded)), weights(whole))


def test_a_file_of_a_network_is_a_run_that_is_done() -> None:
    runs = Trainer()
    whole = wait(runs, runs.start(View("", DATA, config(predicts="v"), SCHEDULE)))
    view = see(runs, runs.start(read_file(DATA, write(whole, "network"))))
    assert view.state == "done" and view.config.predicts == "v" and view.snapshot is None
    assert torch.equal(weights(view), weights(whole))
    np.testing.assert_allclose(view.milestones[-1].distance, whole.milestones[-1].distance, rtol=1e-5)


def unet_file() -> bytes:
    small = TrainingConfig(UNetConfig(widths=(8, 16), heads=1, classes=None), steps=1, batch=2)
    state = next(train(small, images(torch.zeros(2, 1, 28, 28)), SCHEDULE, every=1))
    return write(View("", DATA, small, SCHEDULE, snapshot=state.snapshot()), "run")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: b"", "no safetensors file"),
        (lambda: b"\x80\x04K\x01.", "no safetensors file"),  # a pickle
        (lambda: write(shipped(), "network")[:-1000], "cut short or damaged"),
        (unet_file, "must hold a network for points in the plane"),
    ],
)
def test_a_bad_file_is_one_sentence(make: Callable[[], bytes], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        Trainer().start(read_file(DATA, make()))


def blind_file() -> bytes:
    """A run that is to learn eps of pure noise: this program writes none."""
    blind = SCHEDULES["zero_terminal_snr"](20)
    state = next(train(config(predicts="x0"), points(DATA.law), blind, every=1))
    snapshot = replace(state.snapshot(), config=config())
    return write(View("", DATA, config(), blind, snapshot=snapshot), "run")


def test_eps_of_pure_noise_is_one_sentence_and_no_run() -> None:
    runs, blind = Trainer(), SCHEDULES["zero_terminal_snr"](20)
    actions: list[Callable[[], str]] = [
        lambda: runs.start(View("", DATA, config(), blind)),
        lambda: runs.start(read_file(DATA, blind_file())),
    ]
    for action in actions:
        with pytest.raises(BadInput, match="alpha_bar is 0 at t = 20 of the schedule zero_terminal_snr"):
            action()
    assert not runs.views and not runs.threads


def test_a_run_may_not_be_longer_than_allowed() -> None:
    with pytest.raises(BadInput, match="at most 20000 steps"):
        Trainer().start(View("", DATA, config(MOST_STEPS + 1), SCHEDULE))


@pytest.mark.parametrize("T", [2, 3, 10, 1000, 4000])
def test_sampling_times_fall_from_T_to_the_first(T: int) -> None:
    times = sampling_times(T)
    assert times[0] == T and times[-1] >= 1
    assert all(a > b for a, b in pairwise(times))


def test_the_shipped_run_is_within_two_percent_of_the_floor() -> None:
    """Held out, averaged over t: the figure that the project promises; its recorded curve ends there too."""
    from diffusion_core.training.held_out import errors, even_times, floors, held_out

    view = shipped()
    law = eight_gaussians().law
    assert view.denoiser is not None
    new = held_out(law, view.schedule, even_times(1000), n=200, generator=torch.Generator().manual_seed(77))
    floor = floors(law, view.schedule, even_times(1000)).mean()
    ratio = (errors(view.denoiser, new).distance.mean() / floor).item()
    assert 0 < ratio < 0.02
    assert abs(view.milestones[-1].distance.mean() / floor - ratio) < 0.002
    assert view.milestones[10].distance.mean() / floor > 0.02  # the curve shows it come down
