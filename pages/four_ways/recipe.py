"""Four ways to generate, trained side by side on the same data, and asked how many of their samples lie outside."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffusion_core import GaussianMixture, cosine
from diffusion_core.data.named import points as dataset
from diffusion_core.nets.initial import seeded
from diffusion_core.training.draws import points
from diffusion_core.training.generators import GeneratorConfig, GeneratorState, train_generator
from diffusion_core.training.loop import train
from diffusion_core.training.recipes import flow_config, gan_config, vae_config, velocity_config
from diffusion_core.training.recipes import untrained as untrained_denoiser
from diffusion_core.training.state import TrainingConfig, TrainingState
from diffusion_core.training.ways import Diffusion, Way, way_of

KINDS = ("gan", "vae", "flow", "diffusion")
Config = GeneratorConfig | TrainingConfig
CONFIGS: dict[str, Callable[[int, int], Config]] = {
    "gan": gan_config,
    "vae": vae_config,
    "flow": flow_config,
    "diffusion": velocity_config,
}
STEPS = {"gan": 6, "vae": 12, "flow": 5, "diffusion": 12}  # a round, in which the four take about the same time
States = Mapping[str, GeneratorState | TrainingState]


@dataclass(frozen=True)
class Setting:
    """Points in the plane, and how long is learned: the steps of VAE and diffusion, of which the others have a part."""

    data: str = "eight_gaussians"
    word: str = ""
    steps: int = 6000
    seed: int = 0

    @property
    def law(self) -> GaussianMixture:
        """The density of the data, known exactly."""
        return dataset(self.data, self.word).law

    def config(self, kind: str) -> Config:
        """How one of the four is trained."""
        return CONFIGS[kind](self.steps * STEPS[kind] // STEPS["vae"], self.seed)


def states(s: Setting, resume: Mapping[str, Any] | None = None) -> Iterator[States]:
    """Trains the four, a round of each in turn, and yields where they stand; ``resume`` has their snapshots."""

    def run(kind: str) -> Iterator[GeneratorState | TrainingState]:
        config, before = s.config(kind), None if resume is None else resume[kind]
        if isinstance(config, TrainingConfig):
            return train(config, points(s.law), cosine(1000), STEPS[kind], resume=before)
        return train_generator(config, points(s.law), STEPS[kind], resume=before)

    for together in zip(*map(run, KINDS), strict=True):
        yield dict(zip(KINDS, together, strict=True))


def way_of_state(state: GeneratorState | TrainingState) -> Way:
    """What generates: the averaged network of a run."""
    return Diffusion(state.denoiser) if isinstance(state, TrainingState) else state.way


def untrained(s: Setting) -> dict[str, Way]:
    """The four before their first step."""

    def way(config: Config) -> Way:
        if isinstance(config, TrainingConfig):
            return Diffusion(untrained_denoiser(config))
        return way_of(seeded(s.seed, config.net.build).requires_grad_(False))

    return {kind: way(s.config(kind)) for kind in KINDS}


def edge(law: GaussianMixture) -> float:
    """The ln p that 1% of the data are below."""
    return law.log_prob(law.sample(20_000, torch.Generator().manual_seed(0))).quantile(0.01).item()


def outside(law: GaussianMixture, x: Tensor, below: float) -> float:
    """The share of x, (n, 2), where ln p is below the edge."""
    return (law.log_prob(x.double()) < below).double().mean().item()


def main(**today: Any) -> None:
    """Train, and say ten times on the way how many of 1,000 samples of each lie outside."""
    s = Setting(**today)
    law, below, rounds = s.law, edge(s.law), s.steps // STEPS["vae"]
    for k, together in enumerate(states(s), 1):
        if k % max(1, rounds // 10) == 0:
            ways = {kind: way_of_state(state) for kind, state in together.items()}
            drawn = {kind: way.sample(1000, torch.Generator().manual_seed(1)) for kind, way in ways.items()}
            said = "  ".join(f"{kind} {100 * outside(law, x, below):5.1f} %" for kind, x in drawn.items())
            print(f"step {k * STEPS['vae']:6d}, outside: {said}")
