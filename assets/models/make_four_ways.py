"""Trains the four ways to generate that the lesson *Four ways to generate* shows, and judges them over seeds.

python assets/models/make_four_ways.py

For eight Gaussians and two moons it writes, of seed 0, the four networks ({kind}_{data}.safetensors, float16) and what
they made on the way there (four_ways_{data}.npz: 20 steps, 300 samples each); of all seeds the scores, and the modes
that a GAN catches with and without momentum and R1 (four_ways.json), with the height of the lowest pass between the
eight modes of each density of seed 0. One that was stopped goes on where it was.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from diffusion_core.data.toys import TOYS  # noqa: E402
from diffusion_core.laws.coverage import Reference, bridge_level  # noqa: E402
from diffusion_core.schedule import cosine  # noqa: E402
from diffusion_core.training.checkpoint import load_way, save_way  # noqa: E402
from diffusion_core.training.draws import points  # noqa: E402
from diffusion_core.training.generators import train_generator  # noqa: E402
from diffusion_core.training.loop import train  # noqa: E402
from diffusion_core.training.recipes import flow_config, gan_config, vae_config, velocity_config  # noqa: E402
from diffusion_core.training.scores import bound_of, score, score_of_samples  # noqa: E402
from diffusion_core.training.ways import Diffusion, Vae, Way  # noqa: E402

DATA = ("eight_gaussians", "two_moons")
STEPS = {"gan": 3000, "vae": 6000, "flow": 2500, "diffusion": 6000}
ROUND = {"gan": 6, "vae": 12, "flow": 5, "diffusion": 12}  # steps that the four take while the page looks once
SEEDS, COLLAPSE_SEEDS = 3, 4  # more of them go on from what is there
MILESTONES, SAMPLES = 20, 300
COLLAPSE = [(beta1, gamma) for beta1 in (0.9, 0.0) for gamma in (0.0, 0.1)]
COLLAPSE_STEPS = 2000
NUMBERS = HERE / "four_ways.json"


def ways(kind: str, data: str, seed: int) -> Iterator[tuple[int, Way]]:
    """A run, as a way to generate after each round."""
    draws, steps, every = points(TOYS[data]().law), STEPS[kind], ROUND[kind]
    if kind == "diffusion":
        for state in train(velocity_config(steps, seed), draws, cosine(1000), every):
            yield state.step // every, Diffusion(state.denoiser)
    else:
        config = {"gan": gan_config, "vae": vae_config, "flow": flow_config}[kind]
        for other in train_generator(config(steps, seed), draws, every):
            yield other.step // every, other.way


def trained(kind: str, data: str, seed: int) -> tuple[Way, list[np.ndarray]]:
    """The way at the end, and its samples at the milestones."""
    rounds = STEPS["vae"] // ROUND["vae"]
    due = {max(1, math.ceil(rounds * (k / MILESTONES) ** 2)) for k in range(1, MILESTONES + 1)}
    seen = []
    for at, way in ways(kind, data, seed):
        if at in due and seed == 0:
            seen.append(way.sample(SAMPLES, torch.Generator().manual_seed(1)).numpy().astype(np.float16))
    return way, seen


def scores(kind: str, way: Way, reference: Reference, seed: int) -> dict[str, dict[str, float]]:
    """By name: a diffusion is asked 20 and 50 times."""
    if isinstance(way, Diffusion):
        return {f"diffusion_{N}": score(Diffusion(way.denoiser, N), reference, seed) for N in (20, 50)}
    found = score(way, reference, seed)
    if isinstance(way, Vae):
        x = reference.law.sample(1000, torch.Generator().manual_seed(0))
        found |= asdict(bound_of(way.net, way.log_prob(x), x, torch.Generator().manual_seed(seed)))
    return {kind: found}


def keep(numbers: dict[str, Any]) -> None:
    """The numbers so far."""
    NUMBERS.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


def judge(numbers: dict[str, Any], data: str, kind: str, seed: int) -> None:
    """One run: trained, kept where it is the first, and judged."""
    start, reference = time.process_time(), Reference(TOYS[data]().law)
    way, seen = trained(kind, data, seed)
    seconds = round(time.process_time() - start, 1)
    if seed == 0:
        save_way(HERE / f"{kind}_{data}.safetensors", way, torch.float16)
        path = HERE / f"four_ways_{data}.npz"
        before = dict(np.load(path)) if path.exists() else {}
        rounds = sorted({max(1, math.ceil(500 * (k / MILESTONES) ** 2)) for k in range(1, MILESTONES + 1)})
        np.savez_compressed(path, **{**before, "step": 12 * np.array(rounds), kind: np.stack(seen)})
    for name, found in scores(kind, way, reference, seed).items():
        found["train_seconds"] = seconds
        numbers["data"][data].setdefault(name, []).append({k: round(v, 5) for k, v in found.items()})
        print(data, name, seed, numbers["data"][data][name][-1], flush=True)
    keep(numbers)


def collapse(numbers: dict[str, Any], beta1: float, gamma: float, seed: int) -> None:
    """One GAN on eight Gaussians, with or without momentum and R1."""
    law = TOYS["eight_gaussians"]().law
    config = gan_config(COLLAPSE_STEPS, seed, gamma=gamma, beta1=beta1)
    *_, last = train_generator(config, points(law), COLLAPSE_STEPS)
    generator = torch.Generator().manual_seed(seed)
    found = score_of_samples(Reference(law), last.way.sample(20_000, generator), generator)
    row = {"beta1": beta1, "gamma": gamma, "seed": seed, **{k: round(v, 5) for k, v in found.items()}}
    numbers["collapse"]["runs"].append(row)
    print(row, flush=True)
    keep(numbers)


def passes() -> dict[str, float]:
    """ln q at the lowest pass that joins all eight modes, of each way that has a density; of the data, too."""
    law, side = TOYS["eight_gaussians"]().law, 97
    axis = torch.linspace(-2, 2, side, dtype=torch.float64)
    plane = torch.cartesian_prod(axis, axis)
    places = [tuple(((mean + 2) * (side - 1) / 4).round().int().tolist()) for mean in law.means]
    found = {"truth": law.log_prob(plane)}
    for kind in STEPS:
        log_q = load_way(HERE / f"{kind}_eight_gaussians.safetensors").log_prob(plane)
        if log_q is not None:
            found[kind] = log_q
    return {kind: round(bridge_level(log_q.reshape(side, side), places), 3) for kind, log_q in found.items()}


def main() -> None:
    torch.set_num_threads(1)
    numbers: dict[str, Any] = {
        "steps": STEPS,
        "data": {name: {} for name in DATA},
        "collapse": {"steps": COLLAPSE_STEPS, "runs": []},
    }
    if NUMBERS.exists():
        numbers = json.loads(NUMBERS.read_text(encoding="utf-8"))
    for name in DATA:
        if "truth" not in numbers["data"][name]:
            law, generator = TOYS[name]().law, torch.Generator().manual_seed(0)
            found = score_of_samples(Reference(law), law.sample(20_000, generator), generator)
            numbers["data"][name]["truth"] = [{k: round(v, 5) for k, v in found.items()}]
    for work in todo(numbers):
        work()
    if "passes" not in numbers:
        numbers["passes"] = passes()
        keep(numbers)


def todo(numbers: dict[str, Any]) -> Iterator[Callable[[], None]]:
    """What is not there yet: the first seed of everything before the second of anything."""
    for seed in range(max(SEEDS, COLLAPSE_SEEDS)):
        for data in DATA if seed < SEEDS else ():
            for kind in STEPS:
                name = "diffusion_20" if kind == "diffusion" else kind
                if len(numbers["data"][data].get(name, [])) <= seed:
                    yield lambda d=data, k=kind, s=seed: judge(numbers, d, k, s)  # type: ignore[misc]
        for beta1, gamma in COLLAPSE if seed < COLLAPSE_SEEDS else ():
            done = {(row["beta1"], row["gamma"], row["seed"]) for row in numbers["collapse"]["runs"]}
            if (beta1, gamma, seed) not in done:
                yield lambda b=beta1, g=gamma, s=seed: collapse(numbers, b, g, s)  # type: ignore[misc]


if __name__ == "__main__":
    main()
