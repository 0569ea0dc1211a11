"""Four ways to generate: what each run costs on one core, and what comes of it.

    python tests/benchmarks/bench_four_ways.py [SEEDS] [short]

The promise: at the steps of the page, each is trained in at most 30 s of one core. With "short" the runs have the steps
of the recipes whose scores are known from elsewhere (2,000, 2,000, 1,500, 2,500), printed beside them; eight Gaussians.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository's root: run as a plain file

from diffusion_core.data.toys import TOYS
from diffusion_core.laws.coverage import Reference
from diffusion_core.schedule import cosine
from diffusion_core.training.draws import points
from diffusion_core.training.generators import train_generator
from diffusion_core.training.loop import train
from diffusion_core.training.recipes import flow_config, gan_config, vae_config, velocity_config
from diffusion_core.training.scores import score
from diffusion_core.training.ways import Diffusion, Way

SHORT = {"gan": 2000, "vae": 2000, "flow": 1500, "diffusion": 2500}
KNOWN = {  # mean and spread over five seeds: outside the 99 % region in %, KL_h(p || q), KL(p || q)
    "gan": "14.3 ± 0.7, .332 ± .017, none",
    "vae": "35.8 ± 1.0, .544 ± .021, .679 ± .021",
    "flow": "2.3 ± 0.2, .013 ± .003, .015 ± .004",
    "diffusion": "6.1 ± 0.5, .057 ± .006, .065 ± .006",
}


def run(kind: str, seed: int, steps: dict[str, int]) -> Way:
    """Trains one."""
    given = (steps[kind], seed) if kind in steps else ()
    draws = points(TOYS["eight_gaussians"]().law)
    if kind == "diffusion":
        *_states, last = train(velocity_config(*given), draws, cosine(1000), 500)
        return Diffusion(last.denoiser, 50)
    configs: dict[str, Callable[..., Any]] = {"gan": gan_config, "vae": vae_config, "flow": flow_config}
    *_others, end = train_generator(configs[kind](*given), draws, 500)
    return end.way


def main() -> None:
    """A line for each way."""
    torch.set_num_threads(1)
    seeds = int(next((word for word in sys.argv[1:] if word.isdigit()), 1))
    steps = SHORT if "short" in sys.argv else {}
    reference = Reference(TOYS["eight_gaussians"]().law)
    for kind in SHORT:
        seconds, scores = [], []
        for seed in range(seeds):
            start = time.process_time()
            way = run(kind, seed, steps)
            seconds.append(time.process_time() - start)
            scores.append(score(way, reference, seed))
        means = {name: statistics.mean(one[name] for one in scores) for name in scores[0]}
        kl = means.get("kl", float("nan"))
        told = f"outside {100 * means['outside_99']:.1f} %, KL_h {means['kl_h']:.3f}, KL {kl:.3f}"
        print(f"{kind:10} {statistics.mean(seconds):5.1f} s of one core; {told}", flush=True)
        if steps:
            print(f"{'':10} known:              outside, KL_h, KL: {KNOWN[kind]}")


if __name__ == "__main__":
    main()
