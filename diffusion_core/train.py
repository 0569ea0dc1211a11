"""The command that trains: ``python -m diffusion_core.train WHAT --out FILE``, where WHAT is one of
points, digits, latent (denoisers), gan, vae, flow (other ways to generate points), classifier, autoencoder.

It shows a progress bar and writes a checkpoint every few steps; killed at any moment, it goes on from the last one,
bit for bit, with ``--resume FILE.run`` behind the same command. FILE gets the averaged network when the run is done;
FILE.run is the checkpoint.

With Hugging Face Accelerate installed, ``accelerate launch -m diffusion_core.train ...`` is the same program on many
devices or machines; each process trains on its own draws, and the first one writes.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from diffusion_core.data.scenes import captioned_shapes
from diffusion_core.data.toys import TOYS
from diffusion_core.errors import BadInput
from diffusion_core.files import MODELS
from diffusion_core.nets.autoencoder import AutoencoderConfig, train_autoencoder
from diffusion_core.nets.classifier import ClassifierConfig, train_classifier
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.parameterization import TARGETS
from diffusion_core.schedule import SCHEDULES, NoiseSchedule
from diffusion_core.training.checkpoint import (
    load_autoencoder,
    load_generator,
    load_training,
    save_autoencoder,
    save_classifier,
    save_denoiser,
    save_generator,
    save_training,
    save_way,
)
from diffusion_core.training.draws import DataSampler, images, latent_scenes, points
from diffusion_core.training.generators import GeneratorConfig, train_generator
from diffusion_core.training.loop import train
from diffusion_core.training.recipes import (
    digit_images,
    digits_config,
    flow_config,
    gan_config,
    latent_config,
    points_config,
    vae_config,
)
from diffusion_core.training.state import RunConfig, RunState, Snapshot, Stored, TrainingConfig

__all__ = ["main"]

CONFIGS: dict[str, Callable[..., GeneratorConfig]] = {"gan": gan_config, "vae": vae_config, "flow": flow_config}


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and trains; a wrong one ends with one sentence."""
    args = _parse(arguments)
    try:
        if not args.out.parent.is_dir():
            raise SystemExit(f"train: The folder {args.out.parent} of the file to write does not exist.")
        alone = {"classifier": _run_classifier, "autoencoder": _run_autoencoder, **dict.fromkeys(CONFIGS, _run_way)}
        alone.get(args.what, _run)(args)
    except BadInput as error:
        raise SystemExit(f"train: {error}") from error


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="diffusion_core.train",
        description="Trains a denoiser, another way to generate, the judge of digits, or an autoencoder.",
    )
    parser.add_argument("what", choices=["points", "digits", "latent", *CONFIGS, "classifier", "autoencoder"])
    parser.add_argument("--out", type=Path, required=True, help="the file for the averaged network (safetensors)")
    parser.add_argument("--resume", type=Path, help="go on from this checkpoint (FILE.run), on the same data")
    parser.add_argument("--data", choices=sorted(TOYS), default="eight_gaussians", help="points, gan, vae, flow")
    parser.add_argument(
        "--autoencoder", type=Path, default=MODELS / "shapes_autoencoder.safetensors", help="makes the latents"
    )
    parser.add_argument("--every", type=int, default=100, help="steps between two checkpoints")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 autocast")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    parser.add_argument("--fp16", action="store_true", help="write FILE in float16")
    run = parser.add_argument_group("the run", "what is left out is the shipped network's, or the checkpoint's")
    run.add_argument("--steps", type=int, help="of the optimizer")
    run.add_argument("--width", type=int, help="of the network")
    run.add_argument("--batch", type=int, help="rows a step of each process")
    run.add_argument("--lr", type=float, help="the highest learning rate")
    run.add_argument("--seed", type=int)
    run.add_argument("--predicts", choices=list(TARGETS))
    run.add_argument("--learned-variance", action="store_true", default=None, help="a second output, the hybrid loss")
    run.add_argument("--schedule", choices=sorted(SCHEDULES), help="points: linear, else cosine")
    run.add_argument("--T", type=int)
    return parser.parse_args(arguments)


def _given(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """What was said on the command line."""
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def _config(args: argparse.Namespace) -> TrainingConfig:
    chosen = _given(args, "steps", "width", "seed")
    if args.what == "points":
        config = points_config(TOYS[args.data]().law.dimension, **chosen)
    else:
        config = {"digits": digits_config, "latent": latent_config}[args.what](**chosen)
    net: Any = replace(config.net, **_given(args, "learned_variance"))
    return replace(config, net=net, **_given(args, "batch", "lr", "predicts"))


def _data(args: argparse.Namespace) -> DataSampler:
    if args.what == "points":
        return points(TOYS[args.data]().law)
    return images(*digit_images()) if args.what == "digits" else latent_scenes(load_autoencoder(args.autoencoder))


def _schedule(args: argparse.Namespace) -> NoiseSchedule:
    name = args.schedule or ("linear" if args.what == "points" else "cosine")
    return SCHEDULES[name](1000 if args.T is None else args.T)


def _resume(args: argparse.Namespace) -> Snapshot | None:
    """The run to go on with. What is said again must be what it has: the same command once more is no error."""
    if args.resume is None:
        return None
    snapshot = load_training(args.resume)
    schedule, has = snapshot.schedule, _options(snapshot)
    said = _given(args, *has)
    if "schedule" in said and torch.equal(SCHEDULES[said["schedule"]](schedule.T).beta, schedule.beta):
        said["schedule"] = schedule.name  # the same one, whatever it is called
    _check_said(said, has)
    return snapshot


def _check_said(said: dict[str, Any], has: dict[str, Any]) -> None:
    """Raises BadInput where what is said is not what the run in the checkpoint has."""
    other = [name for name in said if said[name] != has[name]]
    if other:
        raise BadInput(
            "The run in the checkpoint has {has}, and goes on with nothing else; got {got}.",
            has=", ".join(f"{name} = {has[name]}" for name in other),
            got=", ".join(f"{name} = {said[name]}" for name in other),
        )


def _options(snapshot: Snapshot) -> dict[str, Any]:
    """The options that a checkpoint knows, by their names on the command line."""
    config, net = snapshot.config, snapshot.config.net
    return {
        **{name: getattr(config, name) for name in ("steps", "batch", "lr", "seed", "predicts")},
        "width": net.width if isinstance(net, MLPConfig) else net.widths[0],
        "learned_variance": net.learned_variance,
        "schedule": snapshot.schedule.name,
        "T": snapshot.schedule.T,
    }


def _run(args: argparse.Namespace) -> None:
    snapshot = _resume(args)
    config = snapshot.config if snapshot else _config(args)
    schedule = snapshot.schedule if snapshot else _schedule(args)
    device, wrap, rank = _engine(args)
    states = train(
        config,
        _data(args),
        schedule,
        every=args.every,
        resume=snapshot,
        device=device,
        bf16=args.bf16,
        wrap=wrap,
        rank=rank,
    )
    with _bar(config, snapshot, rank) as bar:
        for state in states:
            _show(bar, state)
            snapshot = state.snapshot()
            if rank == 0:
                save_training(_run_file(args), snapshot)
    if rank == 0 and snapshot is not None:
        save_denoiser(args.out, snapshot.denoiser, _dtype(args))


def _run_way(args: argparse.Namespace) -> None:
    snapshot = load_generator(args.resume) if args.resume else None
    if snapshot is None:
        config = replace(CONFIGS[args.what](**_given(args, "steps", "seed")), **_given(args, "batch", "lr"))
    else:
        config = snapshot.config
        has: dict[str, Any] = {name: getattr(config, name) for name in ("steps", "batch", "lr", "seed")}
        _check_said({"network": args.what, **_given(args, *has)}, {"network": snapshot.way.kind, **has})
    with _bar(config, snapshot) as bar:
        for state in train_generator(config, points(TOYS[args.data]().law), args.every, snapshot):
            _show(bar, state)
            snapshot = state.snapshot()
            save_generator(_run_file(args), snapshot)
    if snapshot is not None:
        save_way(args.out, snapshot.way, _dtype(args))


def _bar(config: RunConfig, snapshot: Stored[RunConfig] | None, rank: int = 0) -> "tqdm[Any]":
    return tqdm(total=config.steps, initial=snapshot.step if snapshot else 0, unit="step", disable=rank > 0)


def _show(bar: "tqdm[Any]", state: RunState[RunConfig]) -> None:
    bar.update(state.step - bar.n)
    bar.set_postfix(loss=f"{state.loss:.4f}", rows_per_s=f"{state.rows_per_second:.0f}")


def _run_file(args: argparse.Namespace) -> Path:
    """The checkpoint."""
    path: Path = args.out.with_name(f"{args.out.name}.run")
    return path


def _dtype(args: argparse.Namespace) -> torch.dtype:
    return torch.float16 if args.fp16 else torch.float32


def _run_classifier(args: argparse.Namespace) -> None:
    config = ClassifierConfig()
    with tqdm(unit="step") as bar:
        for state in train_classifier(config, *digit_images(), **_given(args, "seed")):
            bar.total = state.steps
            bar.set_postfix(loss=f"{state.loss:.3f}", refresh=False)
            bar.update()
    save_classifier(args.out, state.net, config, _dtype(args))


def _run_autoencoder(args: argparse.Namespace) -> None:
    config = AutoencoderConfig(**_given(args, "width"))

    def pictures(n: int, generator: torch.Generator) -> Tensor:
        return captioned_shapes(n, generator)[0]

    with tqdm(unit="step") as bar:
        for state in train_autoencoder(
            config, pictures, bf16=args.bf16, **_given(args, "steps", "batch", "lr", "seed")
        ):
            bar.total = state.steps
            bar.set_postfix(error=f"{state.error:.4f}", kl=f"{state.kl:.2f}", refresh=False)
            bar.update()
    save_autoencoder(args.out, state.net, _dtype(args))


def _engine(args: argparse.Namespace) -> tuple[torch.device | str, Callable[[nn.Module], nn.Module], int]:
    """Where to train, what wraps the network, and the number of this process."""
    if "WORLD_SIZE" in os.environ:  # accelerate launch (or torchrun) sets it for each of its processes
        from accelerate import Accelerator

        accelerator = Accelerator(cpu=args.device == "cpu")
        return accelerator.device, accelerator.prepare_model, accelerator.process_index
    return _device(args.device), _compile if args.compile else lambda net: net, 0


def _device(name: str) -> torch.device:
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # each backend has its own way to say no
        raise SystemExit(f"train: device must be one that PyTorch finds on this computer; got {name}.") from error


def _compile(net: nn.Module) -> Any:
    return torch.compile(net)


if __name__ == "__main__":
    main()
