"""Inside the network: what one of its blocks makes of a noisy picture, and where it looks."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core import q_sample
from diffusion_core.data.captions import parse, words_of
from diffusion_core.data.scenes import draw
from diffusion_core.denoisers import Predictor
from diffusion_core.files import MODELS
from diffusion_core.nets.anatomy import measure, places_seen
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.text import tokenize
from diffusion_core.nets.unet import UNet
from diffusion_core.parameterization import x0_from_eps
from diffusion_core.training.checkpoint import load_autoencoder, load_denoiser
from diffusion_core.training.recipes import (
    digit_images,
    digits_config,
    latent_config,
    untrained,
    untrained_autoencoder,
)

FILES = {"digits": "digits_unet.safetensors", "text": "shapes_unet.safetensors"}
CONFIGS = {"digits": digits_config, "text": latent_config}
PROMPT = "a blue star above a large green square"


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture at each of some times, what the network answers, and what each of its blocks says."""

    x_t: Tensor
    eps_hat: Tensor
    x0_hat: Tensor
    maps: dict[str, Tensor]


def digit(label: int, seed: int) -> tuple[Tensor, Tensor]:
    """A digit that the network has never seen, (1, 1, 28, 28), and what the network is told: its label."""
    images, classes = digit_images(held_out=True)
    some = images[classes == label]
    return some[seed % len(some)][None], torch.tensor([label])


@torch.no_grad()
def scene(prompt: str, seed: int, autoencoder: Autoencoder) -> tuple[Tensor, Tensor]:
    """The latent of a scene drawn for the prompt, (1, 4, 8, 8), and what the network is told: the prompt."""
    return autoencoder.encode(draw([parse(prompt)], torch.Generator().manual_seed(seed))), tokenize([prompt])


@torch.no_grad()
def look(network: Predictor, x0: Tensor, told: Tensor, *, seed: int, times: tuple[int, ...]) -> Seen:
    """Run the network once, with the same noise at all the times, as one batch."""
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed)).expand(len(times), -1, -1, -1)
    t, maps = torch.tensor(times), dict[str, Tensor]()
    x_t = q_sample(network.schedule, x0.expand(eps.shape), t, eps)
    eps_hat = network(x_t, t, told.expand(len(times), *told.shape[1:]), maps)
    return Seen(x_t, eps_hat, x0_from_eps(network.schedule, x_t, eps_hat, t), maps)


def main(
    net: str = "digits",
    label: int = 3,
    prompt: str = PROMPT,
    seed: int = 0,
    block: str = "middle_attention",
    trained: bool = True,
    encoded: bool = True,
) -> None:
    """The parts of the network; then, at six times, how large the maps of one block are, and where it looks."""
    network = load_denoiser(MODELS / FILES[net]) if trained else untrained(CONFIGS[net]())
    if net == "digits":
        x0, told = digit(label, seed)
    else:
        path = MODELS / "shapes_autoencoder.safetensors"
        x0, told = scene(prompt, seed, load_autoencoder(path) if encoded else untrained_autoencoder())

    assert isinstance(network.net, UNet)
    for part in measure(network.net, *x0.shape[2:]):  # one run of the module, on one picture
        print(f"{part.name:22s} {part.shape!s:14s} {part.parameters:9,} {part.multiply_adds:12,}")

    times, words = (1, 200, 400, 600, 800, 1000), ["(start)", *words_of(prompt)]
    maps = look(network, x0, told, seed=seed, times=times).maps
    for k, t in enumerate(times):
        h = maps[block][k]  # (channels, H, W)
        print(f"t = {t:4d}: {tuple(h.shape)}, RMS {h.square().mean().sqrt():.3f}")
        if f"{block}_weights" in maps:
            weights = maps[f"{block}_weights"][k]  # (heads, H W, places or words)
            print("          seen by each head:", places_seen(weights).tolist())
            if block.endswith("words"):
                print("          most at:", words[int(weights.mean((0, 1)).argmax())])
