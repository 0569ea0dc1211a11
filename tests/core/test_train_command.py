"""The commands: they train, go on after a kill at any moment, say what is wrong, and judge what is shipped."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion_core import evaluate, train
from diffusion_core.data.toys import eight_gaussians, two_moons
from diffusion_core.denoisers import Predictor
from diffusion_core.nets.classifier import Classifier, ClassifierConfig, train_classifier
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.spline_flow import FlowConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.schedule import cosine, linear
from diffusion_core.training import draws, judges
from diffusion_core.training import loop as training
from diffusion_core.training.checkpoint import (
    load_classifier,
    load_denoiser,
    load_generator,
    load_training,
    load_way,
    save_classifier,
    save_denoiser,
    save_generator,
    save_training,
)
from diffusion_core.training.generators import train_generator
from diffusion_core.training.recipes import digit_images, digits_config, points_config
from diffusion_core.training.state import Snapshot, TrainingConfig

ROOT = Path(__file__).parents[2]
TINY = ["points", "--width", "16", "--batch", "16", "--steps", "60", "--every", "5"]


def run(out: Path, *more: str) -> None:
    train.main([*TINY, "--out", str(out), *more])


def test_the_command_trains_and_resumes(tmp_path: Path) -> None:
    run(tmp_path / "a")
    assert isinstance(load_denoiser(tmp_path / "a").config, MLPConfig)
    resume = ["points", "--resume", str(tmp_path / "a.run")]
    train.main([*resume, "--out", str(tmp_path / "b")])  # nothing is left to do: the network is written
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    run(tmp_path / "c", "--seed", "1")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()
    assert load_training(tmp_path / "a.run").step == 60


def test_the_same_command_with_resume_behind_it_goes_on(tmp_path: Path) -> None:
    said = ["--lr", "0.003", "--seed", "2", "--predicts", "v", "--schedule", "zero_terminal_snr", "--T", "50"]
    run(tmp_path / "whole", *said)
    *_, early = train_to(tmp_path / "whole.run", 25)
    save_training(tmp_path / "half.run", early)
    run(tmp_path / "half", *said, "--resume", str(tmp_path / "half.run"))
    assert (tmp_path / "half").read_bytes() == (tmp_path / "whole").read_bytes()
    run(tmp_path / "half", *said, "--resume", str(tmp_path / "half.run"))  # and once more: it is done
    assert (tmp_path / "half").read_bytes() == (tmp_path / "whole").read_bytes()
    assert load_training(tmp_path / "half.run").step == 60


def test_another_way_to_generate_is_trained_and_goes_on(tmp_path: Path) -> None:
    said = ["flow", "--data", "two_moons", "--steps", "6", "--batch", "8", "--every", "3", "--seed", "1"]
    train.main([*said, "--out", str(tmp_path / "a")])
    law = two_moons().law
    half = next(train_generator(load_generator(tmp_path / "a.run").config, draws.points(law), 3)).snapshot()
    assert half.step == 3 and half.config.net == FlowConfig() and half.config.seed == 1
    save_generator(tmp_path / "half.run", half)
    train.main([*said, "--out", str(tmp_path / "b"), "--resume", str(tmp_path / "half.run")])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert load_way(tmp_path / "a").kind == "flow"
    for wrong in (["gan", *said[1:]], [*said, "--lr", "0.5"]):
        with pytest.raises(SystemExit, match=r"^train: The run in the checkpoint has (network = flow|lr = 0\.002)"):
            train.main([*wrong, "--out", str(tmp_path / "c"), "--resume", str(tmp_path / "half.run")])


def train_to(file: Path, step: int) -> list[Snapshot]:
    """The snapshots of the run in a file, from its beginning to a step."""
    whole = load_training(file)
    states = training.train(whole.config, draws.points(eight_gaussians().law), whole.schedule, every=5)
    return [state.snapshot() for _, state in zip(range(step // 5), states, strict=False)]


@pytest.mark.parametrize(
    ("options", "has", "got"),
    [
        (["--steps", "70"], "steps = 60", "steps = 70"),
        (["--width", "32", "--batch", "8"], "batch = 16, width = 16", "batch = 8, width = 32"),
        (["--lr", "0.1"], "lr = 0.002", "lr = 0.1"),
        (["--seed", "1"], "seed = 0", "seed = 1"),
        (["--predicts", "x0"], "predicts = eps", "predicts = x0"),
        (["--learned-variance"], "learned_variance = False", "learned_variance = True"),
        (["--schedule", "cosine"], "schedule = linear", "schedule = cosine"),
        (["--schedule", "linear", "--T", "100"], "T = 1000", "T = 100"),
    ],
)
def test_another_value_is_refused_by_name(tmp_path: Path, options: list[str], has: str, got: str) -> None:
    file = tmp_path / "a.run"
    config = replace(points_config(width=16, steps=60), batch=16)
    save_training(file, next(training.train(config, draws.points(eight_gaussians().law), linear(), 1)).snapshot())
    before = file.read_bytes()
    with pytest.raises(SystemExit) as error:
        run(tmp_path / "a", *options, "--resume", str(file))
    assert str(error.value) == (
        f"train: The run in the checkpoint has {has}, and goes on with nothing else; got {got}."
    )
    assert file.read_bytes() == before and not (tmp_path / "a").exists()


def test_the_width_of_a_u_net_is_that_of_its_first_level(tmp_path: Path) -> None:
    config = replace(digits_config(steps=2, width=8), batch=2)
    data = draws.images(torch.zeros(2, 1, 28, 28), torch.zeros(2).long())
    save_training(tmp_path / "a.run", next(training.train(config, data, cosine(), 1)).snapshot())
    same = ["digits", "--width", "8", "--resume", str(tmp_path / "a.run"), "--schedule", "cosine", "--batch", "2"]
    train.main([*same, "--steps", "2", "--out", str(tmp_path / "a")])
    with pytest.raises(SystemExit, match="train: The run in the checkpoint has width = 8, and goes on"):
        train.main(["digits", "--width", "16", "--resume", str(tmp_path / "a.run"), "--out", str(tmp_path / "a")])


def test_options_reach_the_run(tmp_path: Path) -> None:
    run(tmp_path / "a", "--predicts", "v", "--schedule", "cosine", "--T", "50", "--data", "bimodal", "--fp16")
    denoiser = load_denoiser(tmp_path / "a")
    assert (denoiser.predicts, denoiser.schedule.name, denoiser.schedule.T) == ("v", "cosine", 50)
    assert denoiser.config == MLPConfig(1, 16)
    run(tmp_path / "b", "--learned-variance")
    assert load_denoiser(tmp_path / "b").config.learned_variance and not denoiser.config.learned_variance


def test_what_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a checkpoint")
    for more, sentence in (
        (["--steps", "0"], "train: steps must be an integer from 1 to 100000000; got 0."),
        (["--resume", str(tmp_path / "text")], "train: The file is no safetensors file"),
        (["--device", "abacus"], "train: device must be one that PyTorch finds on this computer; got abacus."),
        (["--out", str(tmp_path / "no" / "a")], "of the file to write does not exist."),
        (["--lr", "100"], "Try a lower learning rate than 100."),
        (["--schedule", "zero_terminal_snr"], "train: alpha_bar is 0 at t = 1000 of the schedule zero_terminal_snr("),
        (["--schedule", "zero_terminal_snr", "--learned-variance"], "x0 or v there, without a learned variance."),
    ):
        with pytest.raises(SystemExit) as error:
            run(tmp_path / "a", *more)
        assert sentence in str(error.value)
    assert not (tmp_path / "a").exists()
    run(tmp_path / "a", "--schedule", "zero_terminal_snr", "--predicts", "v")
    with pytest.raises(SystemExit, match="train: The file is no safetensors file"):
        train.main(["points", "--resume", str(tmp_path / "text"), "--out", str(tmp_path / "a")])
    with pytest.raises(SystemExit, match=r"evaluate: The file .* cannot be read"):
        evaluate.main(["points", str(tmp_path / "missing")])


# The children are forked, so that PyTorch is imported once. Killed children leave what they had finished.
KILL = """
import os, random, signal, sys, time
import torch
torch.set_num_threads(1)
from diffusion_core import train
from diffusion_core.training.checkpoint import load_training

run_file, command = sys.argv[1], sys.argv[2:]
chance = random.Random(0)
seen = lambda: os.stat(run_file).st_mtime_ns if os.path.exists(run_file) else 0
for kill in [True] * 20 + [False]:
    before = seen()
    arguments = ["points", "--every", "5", "--resume", run_file] if before else command
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        train.main([*arguments, "--out", run_file.removesuffix(".run")])
        os._exit(0)
    if kill:
        deadline = time.monotonic() + 20
        while seen() == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03))  # two or three steps, and the writing of a checkpoint or two
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(load_training(run_file).step)  # whole, whenever the kill came
"""


@pytest.mark.slow
def test_kills_lose_no_checkpoint_and_change_nothing(tmp_path: Path) -> None:
    long = [*TINY, "--steps", "400"]
    train.main([*long, "--every", "400", "--out", str(tmp_path / "whole")])
    printed = subprocess.run(
        [sys.executable, "-c", KILL, str(tmp_path / "killed.run"), *long],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    steps = [int(step) for step in printed.split()]
    assert len(steps) == 21 and steps == sorted(steps) and steps[-1] == 400
    assert len(set(steps)) > 10  # most kills came while it trained
    assert (tmp_path / "killed").read_bytes() == (tmp_path / "whole").read_bytes()
    train.main([*long, "--every", "400", "--out", str(tmp_path / "other"), "--batch", "17"])
    assert (tmp_path / "other").read_bytes() != (tmp_path / "whole").read_bytes()


LAUNCH = "--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no --main_process_port 0"


@pytest.mark.slow
def test_accelerate_runs_the_same_program(tmp_path: Path) -> None:
    """Two processes, each with its own draws: together they are one run with gradients averaged over both."""
    pytest.importorskip("accelerate")
    command = ["points", "--width", "16", "--batch", "32", "--steps", "10", "--every", "5"]
    launch = [sys.executable, "-m", "accelerate.commands.launch", *LAUNCH.split(), "-m", "diffusion_core.train"]
    done = subprocess.run(
        [*launch, *command, "--out", str(tmp_path / "two")],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    train.main([*command, "--out", str(tmp_path / "one")])
    two, one = (load_training(tmp_path / f"{name}.run") for name in ("two", "one"))
    assert two.step == one.step == 10 and two.config == one.config
    expected = _two_ranks_in_one_process(two.config)
    assert all(torch.allclose(w, expected[name], atol=1e-5) for name, w in two.net.items())
    assert not all(torch.allclose(w, one.net[name], atol=1e-5) for name, w in two.net.items())


def _two_ranks_in_one_process(config: TrainingConfig) -> dict[str, Tensor]:
    """The weights of a run whose batches are those of both ranks, one after the other."""
    draw = training._draw

    def both(config: Any, sample: Any, schedule: Any, generator: torch.Generator) -> training.Batch:
        first = generator.initial_seed()
        halves = []
        for rank in range(2):
            generator.manual_seed(first + 1_000_003 * rank)
            halves.append(draw(replace(config, batch=config.batch // 2), sample, schedule, generator))
        a, b = halves
        return training.Batch(torch.cat([a.x0, b.x0]), None, torch.cat([a.t, b.t]), torch.cat([a.eps, b.eps]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_draw", both)
        data = draws.points(eight_gaussians().law)
        *_, state = training.train(replace(config, batch=2 * config.batch), data, linear())
    return dict(state.net.state_dict())


# --- what judges ----------------------------------------------------------------------------------------------------


class Exact(torch.nn.Module):
    """The best denoiser of the eight Gaussians, with an error of a known size."""

    def __init__(self, error: float) -> None:
        super().__init__()
        self.star, self.error = eight_gaussians().law.denoiser(linear()), error

    def forward(self, x: Tensor, t: int, cond: None = None) -> Tensor:
        return self.star(x, t) + self.error


def test_points_are_judged_by_their_distance_from_the_floor() -> None:
    law = eight_gaussians().law
    for error in (0.0, 0.05):
        report = judges.judge_points(Predictor(Exact(error), MLPConfig(), linear()), law, 1000, 50)
        assert abs(report.above_floor - error**2) < 1e-6
        # 100,000 numbers of spread below 1; 4 sd, one false alarm in 16,000, the seed is fixed
        assert abs(report.loss - report.floor - report.above_floor) < 4 / 100_000**0.5
        assert abs(report.floor - 0.199605) < 0.002 and abs(report.percent - 100 * error**2 / report.floor) < 0.01


def test_copies_are_found_and_new_digits_are_not() -> None:
    known, _ = digit_images()
    real, _ = digit_images(held_out=True)
    assert len(known) == 9000 and len(real) == 1000 and known.shape[1:] == (1, 28, 28)
    copies = known[::900] + 0.001
    assert judges.nearest_distance(copies, known).max() < 0.1
    distance = judges.nearest_distance(real[::100], known)
    reference = (real[::100, None] - known[None, :]).flatten(2).norm(dim=2).min(1).values
    assert torch.allclose(distance.float(), reference, atol=1e-3) and distance.min() > 1


def test_a_classifier_learns_and_comes_back(tmp_path: Path) -> None:
    images, labels = digit_images()
    keep = labels < 2
    config = ClassifierConfig(width=4, classes=2)
    *_, state = train_classifier(config, images[keep][::2], labels[keep][::2], epochs=4)
    real, real_labels = digit_images(held_out=True)
    shown = real_labels < 2
    assert judges.accuracy(state.net, real[shown], real_labels[shown]) > 0.97
    assert judges.accuracy(state.net, real[shown], 1 - real_labels[shown]) < 0.03
    save_classifier(tmp_path / "judge", state.net, config, torch.float32)
    assert torch.equal(load_classifier(tmp_path / "judge")(real[:5]), state.net(real[:5]))
    assert not torch.equal(load_classifier(tmp_path / "judge")(real[:5]), Classifier(config)(real[:5]))


def test_the_held_out_loss_is_over_1_to_T_evenly() -> None:
    """Ten rows, T = 5: each t twice, none at 0, and no row without its own noise."""
    seen: list[Tensor] = []
    schedule = linear(5)

    class Watched(torch.nn.Module):
        def forward(self, x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
            seen.append(t)
            return (x - schedule.at(schedule.sqrt_alpha_bar, t, x) * 0.5) / schedule.at(
                schedule.sqrt_one_minus_alpha_bar, t, x, low=1
            )  # the exact one of data that are 0.5

    net = Predictor(Watched(), UNetConfig(), schedule)
    labels, generator = torch.arange(10), torch.Generator().manual_seed(0)
    loss = judges._held_out_loss(net, torch.full((10, 1, 4, 4), 0.5), labels, generator)
    assert sorted(torch.cat(seen).tolist()) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert loss < 1e-6 < judges._held_out_loss(net, torch.full((10, 1, 4, 4), 0.4), labels, generator)


def test_a_copy_is_nearer_than_one_held_out_digit_in_a_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out distances 1..1000, samples' distances 0.5, 10.5, 11.5, ...: those below 10.99, the 1 % quantile."""
    ours = torch.tensor([0.5, *(10.5 + k for k in range(19))])
    answers = iter([ours, torch.arange(1, 1001).float()])
    monkeypatch.setattr(judges, "nearest_distance", lambda *_: next(answers))
    monkeypatch.setattr(judges, "generate", lambda _, labels, **rest: torch.zeros(len(labels), 1, 28, 28))
    monkeypatch.setattr(judges, "_held_out_loss", lambda *_: 0.0)
    net = Predictor(torch.nn.Identity(), UNetConfig(), linear())
    report = judges.judge_digits(net, lambda x: torch.eye(10)[torch.arange(len(x)) % 10], 20)
    assert report.copies_percent == 10 and report.real_nearest == 500 and report.right_percent == 100


def test_digits_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An untrained network: its digits are noise, which no judge takes for the class asked for."""
    config = UNetConfig(widths=(8, 16), heads=2)
    save_denoiser(tmp_path / "net", Predictor(config.build(), config, linear()))
    judge = ClassifierConfig(width=2)
    save_classifier(tmp_path / "judge", judge.build(), judge, torch.float32)
    small = ["--samples", "20", "--steps", "2", "--guidance", "1", "--judge", str(tmp_path / "judge")]
    evaluate.main(["digits", str(tmp_path / "net"), *small])
    report = json.loads(capsys.readouterr().out)
    assert report["samples"] == 20 and report["right_percent"] < 50 and report["copies_percent"] == 0
    assert abs(report["held_out_loss"] - 1) < 0.02  # it answers 0: E|eps|^2/d, 784,000 numbers
    assert abs(report["real_ink"] - 0.13) < 0.01 and report["nearest"] > report["real_nearest"]
