r"""The three ways to generate that are no diffusion, trained by the same loop: GAN, VAE and flow.

What differs is one step's losses, which each network tells itself (its ``turns``): x of the data and z of N(0, I) are
drawn, a loss is lowered, and in a GAN another one after that, when the discriminator has moved. Seeds, averaged
weights, snapshots and resuming are the loop's (`training.loop`).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffusion_core.nets.gan import GANConfig
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.spline_flow import FlowConfig
from diffusion_core.nets.vae import VAEConfig
from diffusion_core.training.draws import DataSampler
from diffusion_core.training.loop import Learner, run
from diffusion_core.training.state import RunConfig, RunState, Stored
from diffusion_core.training.ways import Trained, way_of

__all__ = ["GeneratorConfig", "GeneratorNet", "GeneratorSnapshot", "GeneratorState", "train_generator"]

GeneratorNet = GANConfig | VAEConfig | FlowConfig
"""The networks that are trained here."""


@dataclass(frozen=True)
class GeneratorConfig(RunConfig):
    """All that decides how the run of a GAN, a VAE or a flow goes, besides its data: a network, and `RunConfig`."""

    net: GeneratorNet


@dataclass(frozen=True, eq=False, kw_only=True)
class GeneratorSnapshot(Stored[GeneratorConfig]):
    """The run of a generator, copied."""

    @property
    def way(self) -> Trained:
        """A new network with the averaged weights, to generate with."""
        net = seeded(0, self.config.net.build).requires_grad_(False)
        net.load_state_dict(self.ema)
        return way_of(net)


@dataclass(frozen=True, eq=False, kw_only=True)
class GeneratorState(RunState[GeneratorConfig]):
    """Where the run of a generator stands.

    Attributes:
        losses: means since the last state of what the network's ``turns`` tell, by name.
    """

    losses: dict[str, float]

    @property
    def way(self) -> Trained:
        """The averaged network, to generate with."""
        return way_of(self.ema)

    def snapshot(self) -> GeneratorSnapshot:
        """A copy on the CPU, to save or to resume from."""
        return GeneratorSnapshot(**self.copies())


def train_generator(
    config: GeneratorConfig, sample: DataSampler, every: int = 50, resume: GeneratorSnapshot | None = None
) -> Iterator[GeneratorState]:
    """Trains, and yields its state every few steps; arguments and errors are those of `loop.train`."""
    learner = Learner(config, sample, resume=resume, device=torch.device("cpu"))
    return run(_Generating(config, sample, learner.net), learner, every)


class _Generating:
    """What a GAN, a VAE or a flow does in a step."""

    def __init__(self, config: GeneratorConfig, sample: DataSampler, net: Any) -> None:
        self.config, self.sample, self.net = config, sample, net
        self.told: dict[str, list[Tensor]] = defaultdict(list)  # since the last state

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x, _ = self.sample(self.config.batch, generator)
        return x, torch.randn(x.shape, generator=generator)

    def turns(self, drawn: tuple[Tensor, Tensor]) -> Iterator[Tensor]:
        for losses in self.net.turns(*drawn):
            for name, loss in losses.items():
                self.told[name].append(loss.detach())
            yield next(iter(losses.values()))

    def state(self, facts: dict[str, Any]) -> GeneratorState:
        losses = {name: torch.stack(values).double().mean().item() for name, values in self.told.items()}
        self.told.clear()
        return GeneratorState(loss=next(iter(losses.values())), losses=losses, **facts)
