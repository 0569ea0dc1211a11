r"""Two networks against each other: a generator G(z) makes points, a discriminator d(x) says how real one looks.

With d the logit, so that :math:`D = \sigma(d)` is the probability of "real", and :math:`z\sim N(0, I)`:

.. math::
    L_D &= E\,\mathrm{softplus}(-d(x)) + E\,\mathrm{softplus}(d(G(z))) + \tfrac\gamma2 E\|\nabla d(x)\|^2 \\
    L_G &= E\,\mathrm{softplus}(-d(G(z))) \qquad \text{(non-saturating)}

The first line is :math:`-E\ln D(x) - E\ln(1-D(G(z)))`, and R1, the penalty on the slope at the data. In the plain
game G would lower :math:`\ln(1-D(G(z)))`, whose slope in d, :math:`-\sigma(d)`, is lost where D knows the fakes (d far
below 0); the non-saturating loss has :math:`-\sigma(-d)`, which is :math:`e^{-d}` times as much: the same direction at
every point.

G is a function and no density: where it folds, the change of variables has no meaning, and :math:`\ln q(x)` is not to
be had.

References:
    Goodfellow et al. 2014 (the game; section 3 for the non-saturating loss). Mescheder, Geiger, Nowozin 2018 (R1, and
    why Adam's first average is left out, beta_1 = 0).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from diffusion_core.errors import check_between, check_whole
from diffusion_core.nets.dense import check_points, dense, frozen

__all__ = ["GAN", "GANConfig", "non_saturating", "r1", "real_or_fake", "saturating"]


def real_or_fake(real: Tensor, fake: Tensor) -> Tensor:
    r"""The discriminator's loss of its logits (n,) and (m,): :math:`2\ln2` where it knows nothing, d = 0."""
    return softplus(-real).mean() + softplus(fake).mean()


def r1(real: Tensor, x: Tensor) -> Tensor:
    r""":math:`E\|\nabla d(x)\|^2` of logits (n,) that were made of x (n, d), differentiable once more."""
    (slope,) = torch.autograd.grad(real.sum(), x, create_graph=True)
    return slope.square().sum(1).mean()


def non_saturating(fake: Tensor) -> Tensor:
    r""":math:`-\ln D`, (n,): the generator's loss of the logits of its points."""
    return softplus(-fake)


def saturating(fake: Tensor) -> Tensor:
    r""":math:`\ln(1-D)`, (n,): what the generator would lower in the plain game; not used to train."""
    return -softplus(fake)


class GAN(nn.Module):
    """The networks of `GANConfig`: ``generator`` z (n, d) -> x (n, d); ``discriminator`` x (n, d) -> logit (n, 1)."""

    def __init__(self, config: "GANConfig") -> None:
        super().__init__()
        hidden, leaky = config.depth * [config.width], partial(nn.LeakyReLU, 0.2)
        self.config = config
        self.generator = dense([config.dimension, *hidden, config.dimension], leaky)
        self.discriminator = dense([config.dimension, *hidden, 1], leaky)

    def logit(self, x: Tensor) -> Tensor:
        """d(x), (n, d) -> (n,): above 0 where D thinks it real."""
        logits: Tensor = self.discriminator(x)
        return logits[:, 0]

    def turns(self, x: Tensor, z: Tensor) -> Iterator[dict[str, Tensor]]:
        """The losses of one step, the first to be lowered: the discriminator's turn, then the generator's.

        The generator meets the discriminator as its turn has left it: the optimizer steps between the two.

        Args:
            x: (n, d) of the data.
            z: (n, d) of N(0, I).
        """
        fake = self.generator(z)
        x = x.detach().requires_grad_(self.config.gamma > 0)
        real, seen = self.logit(x), self.logit(fake.detach())
        loss = real_or_fake(real, seen)
        parts = {"d_real": real.mean(), "d_fake": seen.mean()}
        if self.config.gamma == 0:
            yield {"discriminator": loss, **parts}
        else:
            slope = r1(real, x)
            yield {"discriminator": loss + 0.5 * self.config.gamma * slope, **parts, "slope": slope}
        with frozen(self.discriminator):
            yield {"generator": non_saturating(self.logit(fake)).mean()}


@dataclass(frozen=True)
class GANConfig:
    r"""What a `GAN` is made from.

    Args:
        dimension: of one point, and of z.
        width: of the hidden layers of both networks.
        depth: how many there are in each.
        gamma: :math:`\gamma`, the weight of R1; 0 leaves it out.

    Raises:
        BadInput: a number outside its range.
    """

    dimension: int = 2
    width: int = 128
    depth: int = 3
    gamma: float = 0.1

    def __post_init__(self) -> None:
        check_whole("dimension", self.dimension, 1, 4096)
        check_whole("width", self.width, 1, 4096)
        check_whole("depth", self.depth, 1, 64)
        check_between("gamma", self.gamma, 0, 1000)

    def check_data(self, shape: tuple[int, ...]) -> None:
        """Raises BadInput unless the networks take data of this shape, without the batch."""
        check_points(self.dimension, shape)

    def build(self) -> GAN:
        """New networks, their weights from PyTorch's global generator: call it through `seeded`."""
        return GAN(self)
