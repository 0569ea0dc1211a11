"""Text and guidance: four pictures out of four noises and one prompt, and what the words do at each step."""

from collections.abc import Iterator
from pathlib import Path

import torch

from diffusion_core import ancestral, ddim, fixed_small
from diffusion_core.data.captions import words_of
from diffusion_core.data.reading import read
from diffusion_core.denoisers import Denoiser, Predictor
from diffusion_core.files import MODELS
from diffusion_core.nets.text import tokenize
from diffusion_core.nets.watched import WatchedGuidance
from diffusion_core.reverse import ReverseStep
from diffusion_core.training.checkpoint import load_autoencoder, load_denoiser
from diffusion_core.training.recipes import latent_config, untrained

PICTURES = 4
PROMPT = "a blue star above a large green square"


def sample(
    network: Predictor, denoiser: Denoiser, *, steps: int, sampler: str, eta: float, seed: int
) -> Iterator[ReverseStep]:
    """The chain from z_T to z_0; the same seed starts from the same z_T, whatever the prompt and the scale."""
    schedule, generator = network.schedule, torch.Generator().manual_seed(seed)
    z_T = torch.randn((PICTURES, 4, 8, 8), generator=generator)
    timesteps = schedule.timesteps(min(steps, schedule.T), spacing="trailing")
    if sampler == "ddpm":
        return ancestral(denoiser, schedule, z_T, timesteps, variance=fixed_small, generator=generator)
    return ddim(denoiser, schedule, z_T, timesteps, eta=eta, generator=generator)


@torch.no_grad()
def main(
    prompt: str = PROMPT,
    w: float = 3.0,
    steps: int = 20,
    sampler: str = "ddim",
    eta: float = 0.0,
    seed: int = 0,
    weights: str | Path | None = MODELS / "shapes_unet.safetensors",
) -> None:
    """How large both answers are at each step, what the words got of the attention, and what is seen in the end.

    ``weights``: of a network that reads; None: one that was never trained.
    """
    network = load_denoiser(weights) if weights else untrained(latent_config())
    autoencoder = load_autoencoder(MODELS / "shapes_autoencoder.safetensors")
    denoiser = WatchedGuidance(network, tokenize([prompt] * PICTURES), w)  # eps + w (eps given the words - eps)
    for step in sample(network, denoiser, steps=steps, sampler=sampler, eta=eta, seed=seed):
        call = denoiser.calls[-1]
        plain, delta = (x.square().mean() ** 0.5 for x in (call.eps_uncond, call.eps_cond - call.eps_uncond))
        print(f"t = {step.t:4d}: RMS of eps {plain:.3f}, of the difference {delta:.3f}")

    words = ["(start)", *words_of(prompt)]
    for word, share in zip(words, call.words.mean((0, 2, 3)), strict=False):  # (4, words, 8, 8), of the last step
        print(f"{word:10s} gets {100 * share:.1f} % of the attention")
    for picture in autoencoder.decode(step.x_s).clamp(-1, 1):  # (4, 3, 32, 32)
        print([f"{seen.thing} {seen.place}" for seen in read(picture).things], "on", read(picture).ground)
