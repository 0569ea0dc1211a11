"""Data by name, as a URL or a command names them, and the samples that are shown of them."""

import torch
from torch import Tensor

from diffusion_core.data.digits import digit_labels, digits
from diffusion_core.data.photos import decode_photo
from diffusion_core.data.pictures import picture, word
from diffusion_core.data.toys import TOYS, Dataset
from diffusion_core.errors import BadInput
from diffusion_core.files import DATA
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture

__all__ = ["EXAMPLE_PHOTO", "NAMES", "named", "points", "shown"]

EXAMPLE_PHOTO = DATA / "example_photo.jpg"
NAMES = (*TOYS, "word", "digits", "picture")
CLASSES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 5, 7, 8, 9)  # of the digits shown


def named(name: str, text: str = "DDPM") -> Dataset[Law]:
    """The data set of that name; arguments and errors are those of `points`."""
    return digits() if name == "digits" else points(name, text)


def points(name: str, text: str = "DDPM") -> Dataset[GaussianMixture]:
    """Points on the line or in the plane; ``text`` is the word, where it is "word"; a picture is the example photo.

    Raises:
        BadInput: there is no such data set, or the word cannot be drawn.
    """
    if name == "word":
        return word(text)
    if name == "picture":
        return picture(decode_photo(EXAMPLE_PHOTO.read_bytes()))
    if name not in TOYS:
        raise BadInput("The data must be one of {allowed}; got {got}.", allowed=", ".join(NAMES), got=name)
    return TOYS[name]()


def shown(name: str, text: str = "DDPM", seed: int = 0, n: int = 1000) -> Tensor:
    """What is shown of a data set, (n, d) float32: n draws; of the digits sixteen, each class at least once.

    The photo is one row, the example's pixels.
    """
    if name == "photo":
        return torch.from_numpy(decode_photo(EXAMPLE_PHOTO.read_bytes())).reshape(1, -1)
    generator = torch.Generator().manual_seed(seed)
    if name != "digits":
        return points(name, text).sample(n, generator).flatten(1).float()
    labels = digit_labels()
    alike = [torch.nonzero(labels == k).flatten() for k in CLASSES]
    rows = [int(some[int(torch.randint(len(some), (1,), generator=generator))]) for some in alike]
    return digits().law.points[rows].float()
