"""Networks and runs as files: safetensors, with the configuration as JSON in the header. No pickle anywhere.

A safetensors file is 8 bytes with the length n of a header, n bytes of JSON (each tensor's name, dtype, shape and
place, and a dictionary of strings, ``__metadata__``), then the raw numbers. It holds no code, so a stranger's file can
be wrong, but not harmful: what it says is checked against the network that its configuration describes.

=============== =========================================================== ==================================
kind            tensors                                                     configuration
=============== =========================================================== ==================================
``denoiser``    ``net.*``, float32 or float16; ``beta`` of the schedule     network, what it predicts
``classifier``  ``net.*``, float32 or float16                               network
``autoencoder`` ``net.*``, float32 or float16; the latents' scale           network
``way``         ``net.*``, float32 or float16: a GAN, a VAE or a flow       network
``training``    ``net.*``, ``ema.*``, ``exp_avg.*``, ``exp_avg_sq.*``,      the run's; the step
                float32; ``beta``
``generator``   the same of a GAN, a VAE or a flow; no ``beta``             the run's; the step
=============== =========================================================== ==================================

A file is written aside, flushed to the disk, then renamed: whoever reads it sees the old one or the new one, whole.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import Field, asdict, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput, check_whole
from diffusion_core.nets.autoencoder import Autoencoder, AutoencoderConfig
from diffusion_core.nets.classifier import Classifier, ClassifierConfig
from diffusion_core.nets.gan import GANConfig
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.spline_flow import FlowConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.nets.vae import VAEConfig
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.training.generators import GeneratorConfig, GeneratorNet, GeneratorSnapshot
from diffusion_core.training.state import NetConfig, RunConfig, Snapshot, Stored, TrainingConfig, net_config
from diffusion_core.training.ways import Diffusion, Trained, way_of

__all__ = [
    "load_autoencoder",
    "load_classifier",
    "load_denoiser",
    "load_generator",
    "load_training",
    "load_way",
    "read",
    "save_autoencoder",
    "save_classifier",
    "save_denoiser",
    "save_generator",
    "save_training",
    "save_way",
    "write",
]

FORMAT = "ddpm-alive 1"
NETS: dict[str, type[NetConfig]] = {"mlp": MLPConfig, "unet": UNetConfig}
GENERATORS: dict[str, type[GeneratorNet]] = {"gan": GANConfig, "vae": VAEConfig, "flow": FlowConfig}

Source = str | Path | bytes
Net = TypeVar("Net", bound=nn.Module, covariant=True)


# --- files ----------------------------------------------------------------------------------------------------------


def write(path: str | Path, kind: str, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Writes a file, whole or not at all. The folder must exist."""
    header = {FORMAT: json.dumps({"kind": kind, **config})}  # one entry: safetensors writes several in any order
    data = save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, header)
    path = Path(path)
    aside = path.with_name(f"{path.name}.part")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def read(source: Source, kind: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The configuration and the tensors of a file of that kind, from a path or from its bytes.

    Raises:
        BadInput: no such file, not safetensors, not ours, another kind, numbers that are not finite.
    """
    data = source if isinstance(source, bytes) else _read_bytes(Path(source))
    try:
        tensors = load_tensors(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
        config = json.loads(header.get(FORMAT, "null"))
    except (SafetensorError, ValueError, RecursionError) as error:
        raise BadInput("The file is no safetensors file, or it is cut short or damaged.") from error
    if not isinstance(config, dict):
        raise BadInput("The file is a safetensors file, but not one that this program wrote.")
    if config.get("kind") != kind:
        raise BadInput(
            "The file must be of the kind {expected}; it is of the kind {got}.", expected=kind, got=config.get("kind")
        )
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise BadInput("The tensor {name} in the file holds NaN or infinity.", name=name)
    return config, tensors


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput("The file {path} cannot be read: {why}.", path=path, why=error.strerror) from error


# --- what a network shall be ----------------------------------------------------------------------------------------


def _check_there(tensors: Mapping[str, Tensor], names: Iterable[str]) -> None:
    missing = sorted(set(names) - tensors.keys())
    if missing:
        raise BadInput("The file lacks the tensor {name} ({n} are missing).", name=missing[0], n=len(missing))


def check_tensors(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], dtypes: Iterable[torch.dtype]) -> None:
    """Raises BadInput unless the names and shapes are the expected ones and the dtypes allowed."""
    _check_there(tensors, expected)
    extra = sorted(tensors.keys() - expected.keys())
    if extra:
        raise BadInput(
            "The file holds a tensor that the network has not: {name} ({n} in all).", name=extra[0], n=len(extra)
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise BadInput(
                "The tensor {name} must have the shape {expected}; got {got}.",
                name=name,
                expected=tuple(expected[name].shape),
                got=tuple(tensor.shape),
            )
        if tensor.dtype not in dtypes:
            allowed = " or ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)
            got = str(tensor.dtype).removeprefix("torch.")
            raise BadInput("The tensor {name} must be {allowed}; got {got}.", name=name, allowed=allowed, got=got)


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Made = TypeVar("Made", bound=_Dataclass)


def make(kind: type[Made], values: object) -> Made:
    """A configuration from what JSON says of it; every wrong key and type is BadInput."""
    names = {field.name for field in fields(kind)}
    if not isinstance(values, dict) or not values.keys() <= names:
        raise BadInput("The configuration in the file must have the keys {allowed}.", allowed=", ".join(sorted(names)))
    try:
        return kind(**values)
    except TypeError as error:
        raise BadInput("The configuration in the file holds a value of the wrong kind.") from error


def _net_config(value: object, nets: Mapping[str, type[Made]]) -> Made:
    if not isinstance(value, dict) or value.get("kind") not in nets:
        raise BadInput("The network in the file must be one of {allowed}.", allowed=", ".join(nets))
    return make(nets[value["kind"]], {key: v for key, v in value.items() if key != "kind"})


def _net_values(config: NetConfig | GeneratorNet) -> dict[str, Any]:
    kind = next(name for name, cls in (NETS | GENERATORS).items() if isinstance(config, cls))
    return {"kind": kind, **asdict(config)}


class _Builds(Protocol[Net]):
    def build(self) -> Net: ...


def _skeleton(config: _Builds[nn.Module]) -> nn.Module:
    """The network without its numbers: shapes to compare with, whatever size a stranger's file claims."""
    with torch.device("meta"):
        return config.build()


def _filled(config: _Builds[Net], tensors: Mapping[str, Tensor]) -> Net:
    """The network with the numbers of a file, as float32 on the CPU, without gradients."""
    check_tensors(tensors, _with_prefix("net", _skeleton(config).state_dict()), (torch.float32, torch.float16))
    net = seeded(0, config.build).requires_grad_(False)
    net.load_state_dict(_of_prefix("net", tensors))
    return net


def _numbers(net: nn.Module, dtype: torch.dtype) -> dict[str, Tensor]:
    return _with_prefix("net", {name: tensor.to(dtype) for name, tensor in net.state_dict().items()})


def _with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _of_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")}


def _schedule(config: Mapping[str, Any], tensors: dict[str, Tensor]) -> NoiseSchedule:
    _check_there(tensors, ["beta"])
    return NoiseSchedule(str(config.get("schedule")), tensors.pop("beta"))


# --- a denoiser -----------------------------------------------------------------------------------------------------


def save_denoiser(path: str | Path, denoiser: Predictor, dtype: torch.dtype = torch.float32) -> None:
    """Writes a network that is done, float32 or float16.

    Raises:
        BadInput: the network is none that is trained here.
    """
    config = {
        "net": _net_values(net_config(denoiser)),
        "predicts": denoiser.predicts,
        "schedule": denoiser.schedule.name,
    }
    write(path, "denoiser", config, {"beta": denoiser.schedule.beta, **_numbers(denoiser.net, dtype)})


def load_denoiser(source: Source) -> Predictor:
    """The network in a file, from its path or its bytes, as a float32 denoiser on the CPU, without gradients.

    Raises:
        BadInput: one sentence that says what is wrong.
    """
    config, tensors = read(source, "denoiser")
    schedule = _schedule(config, tensors)
    net = _net_config(config.get("net"), NETS)
    return Predictor(_filled(net, tensors), net, schedule, str(config.get("predicts")))


# --- a judge, an autoencoder ----------------------------------------------------------------------------------------


def save_classifier(path: str | Path, net: Classifier, config: ClassifierConfig, dtype: torch.dtype) -> None:
    """Writes a judge, float32 or float16."""
    write(path, "classifier", {"net": asdict(config)}, _numbers(net, dtype))


def load_classifier(source: Source) -> Classifier:
    """The judge in a file, from its path or its bytes, as float32 on the CPU, without gradients.

    Raises:
        BadInput: one sentence that says what is wrong.
    """
    config, tensors = read(source, "classifier")
    return _filled(make(ClassifierConfig, config.get("net")), tensors)


def save_autoencoder(path: str | Path, net: Autoencoder, dtype: torch.dtype = torch.float32) -> None:
    """Writes an autoencoder with the scale of its latents, float32 or float16."""
    write(path, "autoencoder", {"net": asdict(net.config)}, _numbers(net, dtype))


def load_autoencoder(source: Source) -> Autoencoder:
    """The autoencoder in a file, from its path or its bytes, as float32 on the CPU, without gradients.

    Raises:
        BadInput: one sentence that says what is wrong.
    """
    config, tensors = read(source, "autoencoder")
    net = _filled(make(AutoencoderConfig, config.get("net")), tensors)
    if not bool((net.std > 0).all()):
        raise BadInput("The scale of the latents in the file must be positive; got {got}.", got=net.std.tolist())
    return net


# --- a way to generate ----------------------------------------------------------------------------------------------


def save_way(path: str | Path, way: Trained | Diffusion, dtype: torch.dtype = torch.float32) -> None:
    """Writes a GAN, a VAE, a flow or a diffusion that is done, float32 or float16."""
    if isinstance(way, Diffusion):
        save_denoiser(path, way.denoiser, dtype)
    else:
        write(path, "way", {"net": _net_values(way.net.config)}, _numbers(way.net, dtype))


def load_way(source: Source) -> Trained | Diffusion:
    """The way to generate in a file, from its path or its bytes, as float32 on the CPU, without gradients.

    Raises:
        BadInput: one sentence that says what is wrong.
    """
    try:
        config, tensors = read(source, "way")
    except BadInput as error:
        if error.facts.get("got") != "denoiser":
            raise
        return Diffusion(load_denoiser(source))
    return way_of(_filled(_net_config(config.get("net"), GENERATORS), tensors))


# --- a run ----------------------------------------------------------------------------------------------------------


def save_training(path: str | Path, snapshot: Snapshot) -> None:
    """Writes the run of a denoiser that can go on."""
    config = {**_run_values(snapshot), "schedule": snapshot.schedule.name}
    write(path, "training", config, {"beta": snapshot.schedule.beta, **_run_numbers(snapshot)})


def load_training(source: Source) -> Snapshot:
    """The run of a denoiser in a file, from its path or its bytes.

    Raises:
        BadInput: one sentence that says what is wrong.
    """
    config, tensors = read(source, "training")
    schedule = _schedule(config, tensors)
    run = _run_of(config)
    run_config = make(TrainingConfig, {**run, "net": _net_config(run.get("net"), NETS)})
    return Snapshot(config=run_config, schedule=schedule, **_parts(run_config, config, tensors))


def save_generator(path: str | Path, snapshot: GeneratorSnapshot) -> None:
    """Writes the run of a GAN, a VAE or a flow that can go on."""
    write(path, "generator", _run_values(snapshot), _run_numbers(snapshot))


def load_generator(source: Source) -> GeneratorSnapshot:
    """The run of a GAN, a VAE or a flow in a file, from its path or its bytes.

    Raises:
        BadInput: one sentence that says what is wrong.
    """
    config, tensors = read(source, "generator")
    run = _run_of(config)
    run_config = make(GeneratorConfig, {**run, "net": _net_config(run.get("net"), GENERATORS)})
    return GeneratorSnapshot(config=run_config, **_parts(run_config, config, tensors))


def _run_values(snapshot: Snapshot | GeneratorSnapshot) -> dict[str, Any]:
    run = {field.name: getattr(snapshot.config, field.name) for field in fields(snapshot.config)}
    run["net"] = _net_values(snapshot.config.net)
    return {"run": run, "step": snapshot.step}


def _run_numbers(snapshot: Stored[RunConfig]) -> dict[str, Tensor]:
    parts = {"net": snapshot.net, "ema": snapshot.ema}
    tensors = {name: t for prefix, part in parts.items() for name, t in _with_prefix(prefix, part).items()}
    return {**tensors, **snapshot.moments}


def _run_of(config: Mapping[str, Any]) -> dict[str, Any]:
    run = config.get("run")
    if not isinstance(run, dict):
        raise BadInput("The file says nothing of its run.")
    return run


def _parts(run: RunConfig, config: Mapping[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    """What a run has besides its configuration: the step, the weights, their average, AdamW's averages."""
    step: Any = config.get("step")
    check_whole("step", step, 1, run.steps)
    net = _skeleton(run.net)
    weights, trained = net.state_dict(), dict(net.named_parameters())
    expected = {
        **_with_prefix("net", weights),
        **_with_prefix("ema", weights),
        **_with_prefix("exp_avg", trained),
        **_with_prefix("exp_avg_sq", trained),
    }
    check_tensors(tensors, expected, (torch.float32,))
    moments = {name: t for name, t in tensors.items() if name.startswith("exp_avg")}
    parts = {part: _of_prefix(part, tensors) for part in ("net", "ema")}
    return {"step": step, "moments": moments, **parts}
