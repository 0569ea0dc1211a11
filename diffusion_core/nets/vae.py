r"""A variational autoencoder for points: an encoder that says where z may be, a decoder that says where x may be.

.. math::
    p(z) = N(0, I), \qquad p_\theta(x|z) = N(\mathrm{dec}(z),\ s^2I), \qquad
    q_\phi(z|x) = N(\mu(x),\ \mathrm{diag}\,\sigma^2(x)),

with one learned number :math:`\ln s` for all x. Trained is the lower bound on :math:`\ln p_\theta(x)`, in nats,

.. math::
    \mathrm{ELBO}(x) = \underbrace{E_{q_\phi(z|x)}\ln N(x;\mathrm{dec}(z), s^2I)}_{\text{reconstruction}}
        - \underbrace{\tfrac12\sum_i\big(\mu_i^2+\sigma_i^2-1-\ln\sigma_i^2\big)}_{\text{rate}}
        = \ln p_\theta(x) - KL\big(q_\phi(z|x)\,\|\,p_\theta(z|x)\big),

a sum over the coordinates, not a mean. The reconstruction is drawn once a row, with z = mu + sigma eps.
A sample of the model is dec(z) + s eps: the decoder's mean alone lies on a surface, and is another law.

Where s starts near the deviation of the data, the decoder has nothing to say that is worth a nat, and stays silent
(posterior collapse: rate 0): :math:`\ln s` starts at -1.5.

References:
    Kingma, Welling 2014 (the bound, appendix B for the rate). Rybkin, Daniilidis, Levine 2021 (one learned s).
    Lucas et al. 2019 (why it collapses).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diffusion_core.errors import check_between, check_whole
from diffusion_core.nets.dense import check_points, dense
from diffusion_core.objectives import LOG_2PI

__all__ = ["VAE", "VAEConfig", "rate", "reconstruction"]


def reconstruction(x: Tensor, decoded: Tensor, log_s: Tensor) -> Tensor:
    r""":math:`\ln N(x;\ \mathrm{decoded},\ s^2I)` in nats, (n,)."""
    rest = ((x - decoded) * torch.exp(-log_s)).square().sum(-1)
    return -0.5 * rest - x.shape[-1] * (log_s + 0.5 * LOG_2PI)


def rate(mu: Tensor, log_variance: Tensor) -> Tensor:
    r""":math:`KL\big(N(\mu, \mathrm{diag}\,\sigma^2)\,\|\,N(0, I)\big)` in nats, (n,)."""
    return 0.5 * (mu.square() + log_variance.exp() - 1 - log_variance).sum(-1)


class VAE(nn.Module):
    """The networks of `VAEConfig`: ``encoder`` x (n, d) -> (n, 2 d), ``decoder`` z (n, d) -> (n, d), and ``log_s``."""

    def __init__(self, config: "VAEConfig") -> None:
        super().__init__()
        hidden, self.config = config.depth * [config.width], config
        self.encoder = dense([config.dimension, *hidden, 2 * config.dimension], nn.SiLU)
        self.decoder = dense([config.dimension, *hidden, config.dimension], nn.SiLU)
        self.log_s = nn.Parameter(torch.tensor(config.log_s))

    @property
    def s(self) -> float:
        """The deviation of the decoder's noise."""
        return math.exp(self.log_s.item())

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the log-variance of q(z | x), each (n, d)."""
        mu, log_variance = self.encoder(x).chunk(2, dim=-1)
        return mu, log_variance

    def bound(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """The two parts of the ELBO, each (n,), z drawn with eps (n, d): reconstruction less rate is the bound."""
        mu, log_variance = self.moments(x)
        z = mu + (0.5 * log_variance).exp() * eps
        return reconstruction(x, self.decoder(z), self.log_s), rate(mu, log_variance)

    def turns(self, x: Tensor, z: Tensor) -> Iterator[dict[str, Tensor]]:
        """The loss of one step, to be lowered, and its parts: x (n, d) of the data, z (n, d) of N(0, I)."""
        found, price = (part.mean() for part in self.bound(x, z))
        yield {"loss": price - found, "reconstruction": found, "rate": price}


@dataclass(frozen=True)
class VAEConfig:
    r"""What a `VAE` is made from.

    Args:
        dimension: of one point, and of z.
        width: of the hidden layers of both networks.
        depth: how many there are in each.
        log_s: where :math:`\ln s` starts.

    Raises:
        BadInput: a number outside its range.
    """

    dimension: int = 2
    width: int = 128
    depth: int = 3
    log_s: float = -1.5

    def __post_init__(self) -> None:
        check_whole("dimension", self.dimension, 1, 4096)
        check_whole("width", self.width, 1, 4096)
        check_whole("depth", self.depth, 1, 64)
        check_between("log_s", self.log_s, -10, 10)

    def check_data(self, shape: tuple[int, ...]) -> None:
        """Raises BadInput unless the networks take data of this shape, without the batch."""
        check_points(self.dimension, shape)

    def build(self) -> VAE:
        """New networks, their weights from PyTorch's global generator: call it through `seeded`."""
        return VAE(self)
