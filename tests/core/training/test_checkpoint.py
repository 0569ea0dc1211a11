"""Files: what goes in comes out; what is wrong is one sentence; what is half written is never seen."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from diffusion_core.data.toys import eight_gaussians
from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.schedule import cosine, from_beta, linear
from diffusion_core.training import checkpoint
from diffusion_core.training.checkpoint import load_denoiser, load_training, read, save_denoiser, save_training, write
from diffusion_core.training.draws import points
from diffusion_core.training.loop import train
from diffusion_core.training.state import TrainingConfig

CONFIG = TrainingConfig(MLPConfig(2, 16, depth=2), steps=6, batch=8, warmup=2)
DATA = points(eight_gaussians().law)
UNET = UNetConfig(widths=(8, 16), heads=2, classes=None)


def predictor(config: Any = CONFIG.net, predicts: str = "v") -> Predictor:
    torch.manual_seed(0)
    net = config.build()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return Predictor(net, config, cosine(50), predicts)


@pytest.mark.parametrize("config", [CONFIG.net, UNET, replace(UNET, classes=4, learned_variance=True)])
def test_a_denoiser_comes_back(tmp_path: Path, config: Any) -> None:
    before = predictor(config, "eps")
    x = torch.randn(3, 2) if config is CONFIG.net else torch.randn(3, 1, 8, 8)
    path = tmp_path / "a.safetensors"
    for dtype, error in ((torch.float32, 0.0), (torch.float16, 2e-2)):
        save_denoiser(path, before, dtype)
        for source in (path, str(path), path.read_bytes()):
            after = load_denoiser(source)
            assert (after(x, 7) - before(x, 7)).abs().max() <= error
            assert after.config == config and after.predicts == "eps" and after.schedule.name == "cosine"
            assert torch.equal(after.schedule.beta, before.schedule.beta)
        assert path.stat().st_size < 5_000 + sum(p.numel() for p in before.net.parameters()) * dtype.itemsize * 1.2
    assert not torch.equal(after(x, 7), before(x, 7))  # float16 is not float32
    assert not any(p.requires_grad for p in after.net.parameters())


def test_a_run_comes_back_and_goes_on(tmp_path: Path) -> None:
    schedule = from_beta([0.1, 0.2, 0.3], "my own")
    states = [state.snapshot() for state in train(CONFIG, DATA, schedule, every=3)]
    save_training(tmp_path / "run", states[0])
    loaded = load_training(tmp_path / "run")
    assert loaded.config == CONFIG and loaded.step == 3 and loaded.schedule.name == "my own"
    x = torch.randn(4, 2)
    assert torch.equal(loaded.denoiser(x, 2), states[0].denoiser(x, 2))
    assert not torch.equal(loaded.denoiser(x, 2), states[1].denoiser(x, 2))
    *_, end = train(loaded.config, DATA, loaded.schedule, resume=loaded)
    assert all(torch.equal(w, states[1].net[name]) for name, w in end.net.state_dict().items())
    assert not all(torch.equal(w, states[1].net[name]) for name, w in loaded.net.items())


def test_no_pickle_is_read_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("pickle")

    for name in ("load", "loads", "dump", "dumps", "Unpickler", "Pickler"):
        monkeypatch.setattr(pickle, name, refuse)
    save_denoiser(tmp_path / "a", predictor())
    load_denoiser(tmp_path / "a")
    monkeypatch.undo()
    torch.save({"a": torch.zeros(1)}, tmp_path / "pickled")
    with pytest.raises(BadInput, match="no safetensors file"):
        load_denoiser(tmp_path / "pickled")


# --- wrong files ----------------------------------------------------------------------------------------------------


def parts(tmp_path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    save_denoiser(tmp_path / "good", predictor())
    return read(tmp_path / "good", "denoiser")


def refused(tmp_path: Path, config: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    write(tmp_path / "bad", "denoiser", config, tensors)
    with pytest.raises(BadInput) as error:
        load_denoiser(tmp_path / "bad")
    return str(error.value)


def test_the_parts_make_a_good_file(tmp_path: Path) -> None:
    write(tmp_path / "same", "denoiser", *parts(tmp_path))
    assert (tmp_path / "same").read_bytes() == (tmp_path / "good").read_bytes()


def test_wrong_tensors_are_one_sentence(tmp_path: Path) -> None:
    config, tensors = parts(tmp_path)
    name = "net.first.weight"

    def changed(value: Tensor) -> str:
        return refused(tmp_path, config, {**tensors, name: value})

    good = tensors[name]
    assert changed(good[:3]) == "The tensor net.first.weight must have the shape (16, 2); got (3, 2)."
    assert changed(good.double()) == "The tensor net.first.weight must be float32 or float16; got float64."
    assert changed(good.int()) == "The tensor net.first.weight must be float32 or float16; got int32."
    for value in (float("nan"), float("inf")):
        poisoned = good.clone()
        poisoned[1, 1] = value
        assert changed(poisoned) == "The tensor net.first.weight in the file holds NaN or infinity."
    without = {key: t for key, t in tensors.items() if key != name}
    assert refused(tmp_path, config, without) == "The file lacks the tensor net.first.weight (1 are missing)."
    more = {**tensors, "net.more": torch.zeros(1)}
    assert refused(tmp_path, config, more) == "The file holds a tensor that the network has not: net.more (1 in all)."
    no_beta = {key: t for key, t in tensors.items() if key != "beta"}
    assert "lacks the tensor beta" in refused(tmp_path, config, no_beta)
    assert "beta[2] must lie between 0 and 1" in refused(
        tmp_path, config, {**tensors, "beta": torch.tensor([0.0, 0.5, 2.0, 0.5])}
    )


def test_wrong_configurations_are_one_sentence(tmp_path: Path) -> None:
    config, tensors = parts(tmp_path)

    def with_net(**changes: object) -> str:
        return refused(tmp_path, {**config, "net": {**config["net"], **changes}}, tensors)

    assert with_net(kind="transformer") == "The network in the file must be one of mlp, unet."
    assert with_net(colour=3).startswith("The configuration in the file must have the keys ")
    assert with_net(width="wide") == "width must be an integer from 1 to 4096; got wide."
    assert with_net(width=4096) != with_net(width=17)  # both are refused, and no 4096-wide network is built
    assert with_net(width=10**12) == "width must be an integer from 1 to 4096; got 1000000000000."
    assert refused(tmp_path, {**config, "predicts": "score"}, tensors).startswith("predicts must be one of")
    assert refused(tmp_path, {**config, "net": None}, tensors) == "The network in the file must be one of mlp, unet."
    unet = {**config, "net": {"kind": "unet", "widths": [[1]], "attention": [True]}}
    assert "a width must be an integer" in refused(tmp_path, unet, tensors)
    unet = {**config, "net": {"kind": "unet", "widths": 5}}
    assert refused(tmp_path, unet, tensors) == "The configuration in the file holds a value of the wrong kind."


def test_other_files_are_one_sentence(tmp_path: Path) -> None:
    save_denoiser(tmp_path / "good", predictor())
    good = (tmp_path / "good").read_bytes()
    save_training(tmp_path / "run", next(train(CONFIG, DATA, linear(), every=3)).snapshot())
    broken = "The file is no safetensors file, or it is cut short or damaged."
    foreign = "The file is a safetensors file, but not one that this program wrote."
    cases: list[tuple[bytes, str]] = [(good[:n], broken) for n in (0, 7, 8, 100, len(good) // 2, len(good) - 1)]
    cases += [
        (b"\xff" * 8 + good[8:], broken),
        (good + b"0", broken),
        (save({"a": torch.zeros(2)}), foreign),
        (save({"a": torch.zeros(2)}, {checkpoint.FORMAT: "[1]"}), foreign),
        (save({"a": torch.zeros(2)}, {checkpoint.FORMAT: "{"}), broken),
        (save({"a": torch.zeros(2)}, {checkpoint.FORMAT: "[" * 10**5}), broken),
        (
            save({"a": torch.zeros(2)}, {checkpoint.FORMAT: "{}"}),
            "The file must be of the kind denoiser; it is of the kind None.",
        ),
        ((tmp_path / "run").read_bytes(), "The file must be of the kind denoiser; it is of the kind training."),
    ]
    for data, sentence in cases:
        with pytest.raises(BadInput) as error:
            load_denoiser(data)
        assert str(error.value) == sentence
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        load_denoiser(tmp_path / "missing")
    load_denoiser(good)


def test_wrong_runs_are_one_sentence(tmp_path: Path) -> None:
    save_training(tmp_path / "run", next(train(CONFIG, DATA, linear(), every=3)).snapshot())
    config, tensors = read(tmp_path / "run", "training")

    def refused_run(config: dict[str, Any], tensors: dict[str, Tensor]) -> str:
        write(tmp_path / "bad", "training", config, tensors)
        with pytest.raises(BadInput) as error:
            load_training(tmp_path / "bad")
        return str(error.value)

    assert refused_run({**config, "step": 7}, tensors) == "step must be an integer from 1 to 6; got 7."
    assert refused_run({**config, "run": 3}, tensors) == "The file says nothing of its run."
    assert "batch must be an integer" in refused_run({**config, "run": {**config["run"], "batch": 0}}, tensors)
    assert "wrong kind" in refused_run({**config, "run": {**config["run"], "lr": "fast"}}, tensors)
    no_moment = {name: t for name, t in tensors.items() if name != "exp_avg.first.bias"}
    assert "lacks the tensor exp_avg.first.bias" in refused_run(config, no_moment)
    write(tmp_path / "good", "training", config, tensors)
    assert load_training(tmp_path / "good").step == 3


# --- a stop at any moment -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_stop_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    path = tmp_path / "a"
    save_denoiser(path, predictor(predicts="x0"))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, at, stop)
    with pytest.raises(KeyboardInterrupt):
        save_denoiser(path, predictor(predicts="v"))
    assert load_denoiser(path).predicts == "x0"
    monkeypatch.undo()
    save_denoiser(path, predictor(predicts="v"))
    assert load_denoiser(path).predicts == "v"
    assert os.listdir(tmp_path) == ["a"]


def test_the_new_file_is_flushed_before_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, swap = os.fsync, os.replace

    def spied_fsync(fd: int) -> None:
        calls.append("fsync")
        fsync(fd)

    def spied_replace(a: str, b: str) -> None:
        calls.append("replace")
        swap(a, b)

    monkeypatch.setattr(os, "fsync", spied_fsync)
    monkeypatch.setattr(os, "replace", spied_replace)
    save_denoiser(tmp_path / "a", predictor())
    assert calls == ["fsync", "replace"] and calls != ["replace", "fsync"]


def test_the_header_is_json(tmp_path: Path) -> None:
    save_denoiser(tmp_path / "a", predictor())
    data = (tmp_path / "a").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    config = json.loads(header[checkpoint.FORMAT])
    assert config["kind"] == "denoiser" and config["predicts"] == "v"
