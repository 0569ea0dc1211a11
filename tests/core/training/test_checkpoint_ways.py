"""Ways to generate and their runs as files: what goes in comes out, what is wrong is one sentence."""

from pathlib import Path

import pytest
import torch

from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.schedule import cosine
from diffusion_core.training.checkpoint import (
    load_denoiser,
    load_generator,
    load_training,
    load_way,
    read,
    save_generator,
    save_way,
    write,
)
from diffusion_core.training.generators import GeneratorConfig, train_generator
from diffusion_core.training.ways import Diffusion, Way, way_of
from tests.core.training.examples import DATA
from tests.core.training.test_generators import FLOW_RUN, GAN_RUN, RUNS, VAE_RUN, last, same

MLP = MLPConfig(2, 8, 2)
WAYS = [
    *(way_of(seeded(0, run.net.build)) for run in (GAN_RUN, VAE_RUN, FLOW_RUN)),
    Diffusion(Predictor(seeded(0, MLP.build), MLP, cosine(50), "v")),
]


def drawn(way: Way) -> torch.Tensor:
    z = torch.randn((9, 2), generator=torch.Generator().manual_seed(0))
    return way.path(z, torch.Generator().manual_seed(1))[-1]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way.kind))
def test_a_way_comes_back(tmp_path: Path, way: Way) -> None:
    path = tmp_path / "a.safetensors"
    for dtype, error in ((torch.float32, 0.0), (torch.float16, 2e-2)):
        save_way(path, way, dtype)  # type: ignore[arg-type]
        for source in (path, path.read_bytes()):
            after = load_way(source)
            assert after.kind == way.kind and (drawn(after) - drawn(way)).abs().max() <= error
    net = after.denoiser.net if isinstance(after, Diffusion) else after.net
    assert not any(weight.requires_grad for weight in net.parameters())


@pytest.mark.parametrize("config", RUNS)
def test_a_run_comes_back_and_goes_on(tmp_path: Path, config: GeneratorConfig) -> None:
    save_generator(tmp_path / "run", next(train_generator(config, DATA, 5)).snapshot())
    loaded = load_generator(tmp_path / "run")
    assert (loaded.config, loaded.step) == (config, 5)
    assert same(last(config), last(config, resume=loaded))


def test_what_is_no_such_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a"
    save_way(path, way_of(seeded(0, GAN_RUN.net.build)))
    config, tensors = read(path, "way")
    for load, kind in ((load_denoiser, "denoiser"), (load_training, "training"), (load_generator, "generator")):
        with pytest.raises(BadInput, match=f"must be of the kind {kind}; it is of the kind way"):
            load(path)
    write(path, "way", {"net": {**config["net"], "kind": "mlp"}}, tensors)
    with pytest.raises(BadInput, match="must be one of gan, vae, flow"):
        load_way(path)
    write(path, "way", {"net": {**config["net"], "width": 16}}, tensors)
    with pytest.raises(BadInput, match=r"^The tensor net\."):
        load_way(path)
    write(path, "way", {"net": {**config["net"], "gamma": "much"}}, tensors)
    with pytest.raises(BadInput, match="holds a value of the wrong kind"):
        load_way(path)
    write(path, "generator", {"run": {"net": config["net"]}, "step": 5000}, tensors)
    with pytest.raises(BadInput, match="step must be an integer from 1 to 4000; got 5000"):
        load_generator(path)
