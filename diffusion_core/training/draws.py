"""What a run draws from: points of a law, images, latents of captioned scenes."""

from collections.abc import Callable

import torch
from torch import Tensor

from diffusion_core.data.scenes import captioned_shapes
from diffusion_core.errors import BadInput, check_rows
from diffusion_core.laws.law import Law
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.text import tokenize

__all__ = ["DataSampler", "images", "latent_scenes", "points"]

DataSampler = Callable[[int, torch.Generator], tuple[Tensor, Tensor | None]]
"""(n, generator) -> n draws of x_0, (n, ...) float32, and their classes (n,) or tokens (n, L), or None."""


# --- data -----------------------------------------------------------------------------------------------------------


def points(law: Law) -> DataSampler:
    """Draws from a law, (n, d) float32, without classes."""
    return lambda n, generator: (law.sample(n, generator).float(), None)


def images(data: Tensor, labels: Tensor | None = None) -> DataSampler:
    """Rows of data (N, C, H, W), float32, with their labels (N,): each draw is even and with replacement.

    Raises:
        BadInput: no rows, or labels for other rows.
    """
    check_rows("data", data)
    if labels is not None and len(labels) != len(data):
        n, got = len(data), len(labels)
        raise BadInput("labels must hold one for each of the {n} rows of data; got {got}.", n=n, got=got)

    def sample(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        index = torch.randint(len(data), (n,), generator=generator)
        return data[index], None if labels is None else labels[index]

    return sample


def latent_scenes(autoencoder: Autoencoder) -> DataSampler:
    """Captioned shapes without end, as latents of mean 0 and variance 1, with the tokens of their captions.

    Six scenes in ten hold two things: whose colour is whose is what is learned last.
    """

    @torch.no_grad()
    def sample(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        pictures, captions = captioned_shapes(n, generator, two=0.6)
        return autoencoder.encode(pictures), tokenize(map(str, captions))

    return sample
