"""The command that judges: ``python -m diffusion_core.evaluate points|digits|classifier|autoencoder|latent FILE``.

It prints, as JSON, what is recorded beside the shipped networks: `training.judges`.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from diffusion_core.data.toys import TOYS
from diffusion_core.errors import BadInput
from diffusion_core.files import MODELS
from diffusion_core.training.checkpoint import load_autoencoder, load_classifier, load_denoiser
from diffusion_core.training.judges import accuracy, judge_autoencoder, judge_digits, judge_points, judge_shapes
from diffusion_core.training.recipes import digit_images

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and prints one JSON object; a wrong one ends with one sentence."""
    parser = argparse.ArgumentParser(prog="diffusion_core.evaluate", description="Judges a trained network.")
    parser.add_argument("what", choices=["points", "digits", "classifier", "autoencoder", "latent"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", choices=sorted(TOYS), default="eight_gaussians", help="the points it was trained on")
    parser.add_argument("--judge", type=Path, default=MODELS / "digits_classifier.safetensors")
    parser.add_argument("--autoencoder", type=Path, default=MODELS / "shapes_autoencoder.safetensors")
    parser.add_argument("--samples", type=int, help="digits: 1,000; autoencoder: 512; latent: 500 of each kind")
    parser.add_argument("--steps", type=int, help="digits: 50; latent: 20")
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    try:
        print(json.dumps(_report(args), indent=2))
    except BadInput as error:
        raise SystemExit(f"evaluate: {error}") from error


def _report(args: argparse.Namespace) -> dict[str, Any]:
    if args.what == "points":
        return asdict(judge_points(load_denoiser(args.file), TOYS[args.data]().law, seed=args.seed))
    if args.what == "classifier":
        return {"held_out_percent": 100 * accuracy(load_classifier(args.file), *digit_images(held_out=True))}
    if args.what == "autoencoder":
        return asdict(judge_autoencoder(load_autoencoder(args.file), n=_chosen(args.samples, 512), seed=args.seed))
    if args.what == "latent":
        n, steps = _chosen(args.samples, 500), _chosen(args.steps, 20)
        net, autoencoder = load_denoiser(args.file), load_autoencoder(args.autoencoder)
        return asdict(judge_shapes(net, autoencoder, n=n, steps=steps, guidance=args.guidance, seed=args.seed))
    n, steps = _chosen(args.samples, 1000), _chosen(args.steps, 50)
    net, judge = load_denoiser(args.file), load_classifier(args.judge)
    return asdict(judge_digits(net, judge, n=n, steps=steps, guidance=args.guidance, seed=args.seed))


def _chosen(given: int | None, default: int) -> int:
    return default if given is None else given


if __name__ == "__main__":
    main()
