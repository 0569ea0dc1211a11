"""The recipes of what is shipped: the configurations and the data of the networks in assets/models."""

from typing import Any

import torch
from torch import Tensor

from diffusion_core.data.digits import digit_labels, digits
from diffusion_core.denoisers import Predictor
from diffusion_core.nets.autoencoder import Autoencoder, AutoencoderConfig
from diffusion_core.nets.gan import GANConfig
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.spline_flow import FlowConfig
from diffusion_core.nets.text import TextConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.nets.vae import VAEConfig
from diffusion_core.schedule import cosine
from diffusion_core.training.generators import GeneratorConfig
from diffusion_core.training.state import TrainingConfig

__all__ = [
    "digit_images",
    "digits_config",
    "flow_config",
    "gan_config",
    "latent_config",
    "points_config",
    "untrained",
    "untrained_autoencoder",
    "vae_config",
    "velocity_config",
]


def points_config(dimension: int = 2, steps: int = 8000, width: int = 128, seed: int = 0) -> TrainingConfig:
    """The run that made ``points_eight_gaussians``."""
    return TrainingConfig(MLPConfig(dimension, width), steps=steps, batch=512, lr=2e-3, seed=seed)


def digits_config(steps: int = 8000, width: int = 48, seed: int = 0) -> TrainingConfig:
    """The run that made ``digits_unet``."""
    net = UNetConfig(widths=(width, 2 * width))
    return TrainingConfig(net, steps=steps, batch=64, lr=1.5e-3, weight_decay=0.01, seed=seed)


def latent_config(steps: int = 9500, width: int = 64, seed: int = 0) -> TrainingConfig:
    """The run that made ``shapes_unet``."""
    net = UNetConfig(4, (width, 2 * width), attention=(True, True), classes=None, patch=1, text=TextConfig())
    return TrainingConfig(
        net, "v", steps=steps, batch=128, lr=1.2e-3, warmup=300, weight_decay=0.01, ema=0.9995, seed=seed
    )


def gan_config(steps: int = 3000, seed: int = 0, gamma: float = 0.1, beta1: float = 0.0) -> GeneratorConfig:
    """The run that made ``gan_*``: without Adam's first average, which lets the two networks circle."""
    return GeneratorConfig(
        GANConfig(gamma=gamma),
        steps=steps,
        batch=256,
        lr=1e-3,
        beta1=beta1,
        beta2=0.99,
        max_norm=1e9,
        ema=0.995,
        seed=seed,
    )


def vae_config(steps: int = 6000, seed: int = 0) -> GeneratorConfig:
    """The run that made ``vae_*``."""
    return GeneratorConfig(VAEConfig(), steps=steps, batch=256, max_norm=5.0, seed=seed)


def flow_config(steps: int = 2500, seed: int = 0) -> GeneratorConfig:
    """The run that made ``flow_*``."""
    return GeneratorConfig(FlowConfig(), steps=steps, batch=256, max_norm=5.0, seed=seed)


def velocity_config(steps: int = 6000, seed: int = 0) -> TrainingConfig:
    """The run that made ``diffusion_*``, over the schedule `cosine` of 1,000: a small network predicts v there."""
    return TrainingConfig(MLPConfig(2), "v", steps=steps, batch=512, seed=seed)


def untrained(config: TrainingConfig) -> Predictor:
    """The network of a run before its first step, to show where the trained one is missing: its output is 0."""
    net = seeded(config.seed, config.net.build).requires_grad_(False)
    return Predictor(net, config.net, cosine(1000), config.predicts)


def untrained_autoencoder() -> Autoencoder:
    """Latents of a kind, where the trained autoencoder is missing."""
    return seeded(0, AutoencoderConfig().build).requires_grad_(False)


def digit_images(held_out: bool = False) -> tuple[Tensor, Tensor]:
    """The digits, (n, 1, 28, 28) in [-1, 1], and their labels: 9,000 to train with, or each tenth, 1,000, held out."""
    law: Any = digits().law
    last = torch.arange(len(law.points)) % 10 == 9  # they are sorted by label: each class is split alike
    chosen = last if held_out else ~last
    return law.points[chosen].reshape(-1, 1, 28, 28), digit_labels()[chosen]
