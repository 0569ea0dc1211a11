"""Predict the noise: a small network learns it, and is laid beside the best that any network can do."""

from dataclasses import dataclass
from typing import Any

from diffusion_core import SCHEDULES, GaussianMixture, NoiseSchedule
from diffusion_core.data.named import named
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.training.draws import points
from diffusion_core.training.held_out import errors, mean_floor, unseen
from diffusion_core.training.loop import train
from diffusion_core.training.state import TrainingConfig

LIGHT = 16  # components; the floor of a law with more of them is worked out more coarsely


@dataclass(frozen=True)
class Setting:
    """Points in the plane, how they are noised, and a network that learns from them."""

    data: str = "eight_gaussians"
    word: str = ""
    schedule: str = "linear"
    T: int = 1000
    width: int = 128
    predicts: str = "eps"
    steps: int = 4000
    lr: float = 0.002
    seed: int = 0

    @property
    def law(self) -> GaussianMixture:
        """The density of the data, known exactly."""
        law = named(self.data, self.word).law
        assert isinstance(law, GaussianMixture)
        return law

    @property
    def tables(self) -> NoiseSchedule:
        """The schedule."""
        return SCHEDULES[self.schedule](self.T)

    @property
    def config(self) -> TrainingConfig:
        """The network, and how it is trained."""
        net = MLPConfig(2, self.width)
        return TrainingConfig(net, predicts=self.predicts, steps=self.steps, lr=self.lr, seed=self.seed)


def floor(law: GaussianMixture, schedule: NoiseSchedule) -> float:
    """The mean over t of the loss that nobody can remove."""
    n, parts = (4096, 128) if len(law.weights) <= LIGHT else (256, 64)
    return mean_floor(law, schedule, n, parts)


def main(**today: Any) -> None:
    """Train, and measure on new draws ten times on the way: E |eps_theta - eps*|^2 / d is still to be learned."""
    s = Setting(**today)
    law, schedule = s.law, s.tables
    new, least = unseen(law, schedule), floor(law, schedule)
    for state in train(s.config, points(law), schedule, every=max(1, s.steps // 10)):
        above = float(errors(state.denoiser, new).distance.mean())
        print(f"step {state.step:6d}: loss {least + above:.4f}, {above / least:.1%} above the floor {least:.4f}")
