r"""A judge of digits: which class does a picture show?

Three convolutions, each halving the picture, then one linear layer; trained on the digits alone, shifted by up to two
pixels, with the cross-entropy :math:`-\ln p(y|x)`. It knows nothing of the network that it judges.

References:
    LeCun et al. 1998 (the architecture's shape). Salimans et al. 2016, section 4 (a classifier that judges samples).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diffusion_core.errors import check_whole
from diffusion_core.nets.initial import seeded

__all__ = ["Classifier", "ClassifierConfig", "ClassifierState", "train_classifier"]


class Classifier(nn.Module):
    """The network of `ClassifierConfig`: (batch, 1, 28, 28) in [-1, 1] -> (batch, classes), log-odds."""

    def __init__(self, config: "ClassifierConfig") -> None:
        super().__init__()
        w = config.width
        self.convolutions = nn.Sequential(
            *(nn.Conv2d(1, w, 3, padding=1), nn.SiLU(), nn.MaxPool2d(2)),  # (w, 14, 14)
            *(nn.Conv2d(w, 2 * w, 3, padding=1), nn.SiLU(), nn.MaxPool2d(2)),  # (2 w, 7, 7)
            *(nn.Conv2d(2 * w, 4 * w, 3, padding=1), nn.SiLU(), nn.MaxPool2d(2)),  # (4 w, 3, 3)
        )
        self.last = nn.Linear(36 * w, config.classes)

    def forward(self, x: Tensor) -> Tensor:
        log_odds: Tensor = self.last(self.convolutions(x).flatten(1))
        return log_odds


@dataclass(frozen=True)
class ClassifierConfig:
    """What a `Classifier` is made from: the width of its first layer, and how many classes there are."""

    width: int = 24
    classes: int = 10

    def __post_init__(self) -> None:
        check_whole("width", self.width, 1, 1024)
        check_whole("classes", self.classes, 2, 10_000)

    def build(self) -> Classifier:
        """A new network, its weights from PyTorch's global generator: call it through `seeded`."""
        return Classifier(self)


@dataclass(frozen=True, eq=False)
class ClassifierState:
    """Where the training stands: steps done and to do, the last loss in nats, and the living network."""

    step: int
    steps: int
    loss: float
    net: Classifier


def train_classifier(
    config: ClassifierConfig, images: Tensor, labels: Tensor, epochs: int = 12, batch: int = 64, seed: int = 0
) -> Iterator[ClassifierState]:
    """AdamW at 3e-3 with cosine decay; yields after each step.

    Args:
        images: (N, 1, 28, 28) in [-1, 1].
        labels: (N,) integers.

    Raises:
        BadInput: no epochs, or fewer pictures than a batch holds.
    """
    check_whole("epochs", epochs, 1, 10_000)
    check_whole("batch", batch, 1, len(images))
    net = seeded(seed, config.build)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.05, fused=True)
    steps = epochs * (len(images) // batch)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    step = 0
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        for rows in order[: len(order) // batch * batch].split(batch):
            down, right = torch.randint(-2, 3, (2,), generator=generator).tolist()
            x = images[rows].roll((down, right), (2, 3))  # the border is empty
            loss = nn.functional.cross_entropy(net(x), labels[rows])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            decay.step()
            step += 1
            yield ClassifierState(step, steps, loss.item(), net)
