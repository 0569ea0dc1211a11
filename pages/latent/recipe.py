"""Why latents: a scene is encoded and noised; a network that works on latents alone goes back from other noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core import NoiseSchedule, cosine, ddim, q_sample
from diffusion_core.data.captions import parse
from diffusion_core.data.reading import read
from diffusion_core.data.scenes import draw
from diffusion_core.denoisers import Guided, Predictor
from diffusion_core.files import MODELS
from diffusion_core.nets.autoencoder import Autoencoder, psnr
from diffusion_core.nets.text import tokenize
from diffusion_core.reverse import ReverseStep
from diffusion_core.training.checkpoint import load_autoencoder, load_denoiser

GUIDANCE = 3.0
PROMPT = "a large red star at the top left"


def scene(prompt: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A scene of the prompt and its noise, (1, 3, 32, 32) each."""
    x0 = draw([parse(prompt)], generator)
    return x0, torch.randn(x0.shape, generator=generator)


@dataclass(frozen=True, eq=False)
class Start:
    """A scene, its latent (1, 4, 8, 8), the noise of both, and the noise that the way back begins with."""

    x0: Tensor
    eps: Tensor
    z0: Tensor
    eps_z: Tensor
    z_T: Tensor


@torch.no_grad()
def start(prompt: str, seed: int, autoencoder: Autoencoder) -> Start:
    """All of it, of one seed."""
    generator = torch.Generator().manual_seed(seed)
    x0, eps = scene(prompt, generator)
    z0 = autoencoder.encode(x0)  # variance 1
    eps_z, z_T = torch.randn(z0.shape, generator=generator), torch.randn(z0.shape, generator=generator)
    return Start(x0, eps, z0, eps_z, z_T=z_T)


def out(schedule: NoiseSchedule, x0: Tensor, eps: Tensor, positions: Sequence[int]) -> Tensor:
    """The article's own formula, of pixels or of latents, at each of the positions: (P, ...)."""
    n = len(positions)
    return q_sample(schedule, x0.expand(n, -1, -1, -1), torch.tensor(positions), eps.expand(n, -1, -1, -1))


@torch.no_grad()
def back(network: Predictor, prompt: str, z_T: Tensor, timesteps: Sequence[int]) -> list[ReverseStep]:
    """DDIM in latents, guided by the words; a latent is never clipped."""
    return list(ddim(Guided(network, tokenize([prompt]), GUIDANCE), network.schedule, z_T, timesteps))


def main(prompt: str = PROMPT, steps: int = 25, seed: int = 0, there_and_back: bool = True) -> None:
    """What the latent keeps, how both ways out lose it, and what the way back makes of other noise."""
    autoencoder = load_autoencoder(MODELS / "shapes_autoencoder.safetensors")
    schedule = cosine(1000)
    timesteps = schedule.timesteps(steps, spacing="trailing")
    one = start(prompt, seed, autoencoder)
    again = psnr(one.x0, autoencoder.decode(one.z0))
    print(f"{one.x0.numel()} numbers become {one.z0.numel()}; decoded again: {again:.1f} dB")
    positions = (0, *reversed(timesteps))
    x, z = out(schedule, one.x0, one.eps, positions), out(schedule, one.z0, one.eps_z, positions)
    for t, x_t, z_t in zip(positions, x, z, strict=True):
        print(f"t = {t:4d}: deviation of x_t {x_t.std():.2f}, of z_t {z_t.std():.2f}")

    if there_and_back:
        network = load_denoiser(MODELS / "shapes_unet.safetensors")
        last = back(network, prompt, one.z_T, timesteps)[-1]
        picture = autoencoder.decode(last.x_s).clamp(-1, 1)  # (1, 3, 32, 32)
        print("made:", [f"{seen.thing} {seen.place}" for seen in read(picture[0]).things])
