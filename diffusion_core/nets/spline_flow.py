r"""A normalizing flow of rational-quadratic splines: a bijection f of the plane, with its inverse and its log-det.

.. math::
    \ln q(x) = \ln N(f(x); 0, I) + \ln\Big|\det\frac{\partial f}{\partial x}\Big|, \qquad x = f^{-1}(z),\ z\sim N(0, I).

f is a chain of couplings. Each leaves one coordinate as it is, a, and bends the other, b, by a rising spline whose
knots a small network makes of a; the next one bends the other coordinate. So the Jacobian is triangular, and its
determinant the spline's slope.

The spline goes through knots :math:`(b_k, z_k)` with slopes :math:`\delta_k`, K bins between -B and B; with
:math:`\xi = (b-b_k)/w_k` in bin k of width w, height h and secant :math:`s = h/w`, and
:math:`\sigma = \delta_k+\delta_{k+1}-2s`,

.. math::
    z(b) = z_k + \frac{h\,\big(s\xi^2+\delta_k\xi(1-\xi)\big)}{s+\sigma\xi(1-\xi)}, \qquad
    z'(b) = \frac{s^2\big(\delta_{k+1}\xi^2+2s\xi(1-\xi)+\delta_k(1-\xi)^2\big)}{\big(s+\sigma\xi(1-\xi)\big)^2},

beyond the box the identity, into which it runs with slope 1. The inverse is the root of a quadratic. With the network's
last layer at 0 all bins are alike, and f starts as the identity.

References:
    Durkan, Bekasov, Murray, Papamakarios 2019, "Neural spline flows", section 3, eq. 4-8 and 29. Dinh et al. 2017
    (couplings).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from diffusion_core.errors import check_between, check_whole
from diffusion_core.nets.dense import check_points, dense
from diffusion_core.nets.initial import zero
from diffusion_core.objectives import LOG_2PI

__all__ = ["FlowConfig", "Knots", "SplineFlow"]

LEAST = 1e-3  # of the box: no bin is narrower or lower; and the least slope


@dataclass(frozen=True, eq=False)
class Knots:
    """A rising spline a row: ``table`` (n, 3, K + 1) has where its knots are, b and z, and its slopes there."""

    table: Tensor

    @staticmethod
    def of(raw: Tensor, bins: int, box: float) -> "Knots":
        """From what a network says, (n, 3 K - 1): K widths, K heights, K - 1 slopes inside; at the ends it is 1."""
        parts, slopes = raw[:, : 2 * bins].unflatten(1, (2, bins)), raw[:, None, 2 * bins :]
        shares = torch.lerp(parts.softmax(-1), torch.full_like(parts, 1 / bins), LEAST * bins)
        edges = pad(2 * box * shares.cumsum(-1) - box, (1, 0), value=-box)
        one = math.log(math.expm1(1 - LEAST))  # softplus of it is 1 - LEAST
        return Knots(torch.cat([edges, pad(softplus(slopes + one) + LEAST, (1, 1), value=1.0)], 1))

    def forward(self, b: Tensor) -> tuple[Tensor, Tensor]:
        """z(b) and ln z'(b), each (n,), for b (n,) within the box."""
        (left, right), (low, high), (first, last) = self._bin(b, 0)
        width, height = right - left, high - low
        secant, xi = height / width, (b - left) / width
        rest = 1 - xi
        mix = xi * rest
        bottom = secant + (first + last - 2 * secant) * mix
        z = low + height * (secant * xi.square() + first * mix) / bottom
        top = last * xi.square() + 2 * secant * mix + first * rest.square()
        return z, top.log() + 2 * (secant / bottom).log()

    def inverse(self, z: Tensor) -> Tensor:
        """b(z), (n,), for z (n,) within the box."""
        (left, right), (low, high), (first, last) = self._bin(z, 1)
        width, height, up = right - left, high - low, z - low
        secant = height / width
        bend = first + last - 2 * secant
        a = height * (secant - first) + up * bend
        b = height * first - up * bend
        c = -secant * up
        root = (b.square() - 4 * a * c).clamp(min=0).sqrt()
        return left + width * (2 * c / (-b - root))

    def _bin(self, at: Tensor, line: int) -> tuple[tuple[Tensor, ...], ...]:
        """Of the bin where each row is on that line of the table: the two ends of b, of z, and of the slope."""
        inner = self.table[:, line, 1:-1].detach().contiguous()
        k = torch.searchsorted(inner, at.detach()[:, None], right=True)  # 0..K - 1
        ends = torch.cat([k, k + 1], 1)[:, None].expand(-1, 3, 2)
        return tuple(pair.unbind(1) for pair in self.table.gather(2, ends).unbind(1))


class Coupling(nn.Module):
    """Bends the coordinate ``bent`` of (n, 2) by a spline that depends on the other."""

    def __init__(self, config: "FlowConfig", bent: int) -> None:
        super().__init__()
        self.bent, self.bins, self.box = bent, config.bins, config.box
        self.conditioner = dense([1, *config.depth * [config.width], 3 * config.bins - 1], nn.SiLU)
        last = self.conditioner[-1]
        assert isinstance(last, nn.Linear)
        zero(last)

    def _knots(self, x: Tensor) -> Knots:
        """The spline of each row."""
        return Knots.of(self.conditioner(x[:, 1 - self.bent, None]), self.bins, self.box)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (n, 2) -> the same with one coordinate bent, and the log of the slope, (n,)."""
        b = x[:, self.bent]
        inside = b.abs() < self.box
        z, log_slope = self._knots(x).forward(torch.where(inside, b, 0.0))
        return self._with(x, torch.where(inside, z, b)), torch.where(inside, log_slope, 0.0)

    def inverse(self, x: Tensor) -> Tensor:
        """The way back, (n, 2) -> (n, 2)."""
        z = x[:, self.bent]
        inside = z.abs() < self.box
        b = self._knots(x).inverse(torch.where(inside, z, 0.0))
        return self._with(x, torch.where(inside, b, z))

    def _with(self, x: Tensor, new: Tensor) -> Tensor:
        return torch.stack([new, x[:, 1]] if self.bent == 0 else [x[:, 0], new], dim=1)


class SplineFlow(nn.Module):
    """The network of `FlowConfig`: f from x (n, 2) to z (n, 2)."""

    def __init__(self, config: "FlowConfig") -> None:
        super().__init__()
        self.config = config
        self.couplings = nn.ModuleList(Coupling(config, (i + 1) % 2) for i in range(config.couplings))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z = f(x), (n, 2), and ln |det df/dx|, (n,)."""
        log_det = torch.zeros_like(x[:, 0])
        for coupling in self.couplings:
            x, log_slope = coupling(x)
            log_det = log_det + log_slope
        return x, log_det

    def log_prob(self, x: Tensor) -> Tensor:
        """ln q(x) in nats, (n,)."""
        z, log_det = self.forward(x)
        return -0.5 * z.square().sum(1) - LOG_2PI + log_det

    def out(self, x: Tensor) -> list[Tensor]:
        """x, then what each coupling makes of it; the last is z."""
        found = [x]
        for coupling in self.couplings:
            found.append(coupling(found[-1])[0])
        return found

    def back(self, z: Tensor) -> list[Tensor]:
        """z, then what the inverse of each coupling makes of it, the last one's first; the last is f^-1(z)."""
        found = [z]
        for coupling in reversed(self.couplings):
            assert isinstance(coupling, Coupling)
            found.append(coupling.inverse(found[-1]))
        return found

    def turns(self, x: Tensor, z: Tensor) -> Iterator[dict[str, Tensor]]:
        """The loss of one step, to be lowered: -E ln q(x), x (n, 2) of the data. z is not looked at, f has its own."""
        yield {"loss": -self.log_prob(x).mean()}


@dataclass(frozen=True)
class FlowConfig:
    """What a `SplineFlow` is made from; its points are in the plane.

    Args:
        couplings: how many; the coordinates take turns.
        width: of the hidden layers of the networks that make the knots.
        depth: how many there are in each.
        bins: K of a spline.
        box: B; beyond it f is the identity.

    Raises:
        BadInput: a number outside its range.
    """

    couplings: int = 4
    width: int = 64
    depth: int = 2
    bins: int = 16
    box: float = 4.0

    def __post_init__(self) -> None:
        check_whole("couplings", self.couplings, 1, 64)
        check_whole("width", self.width, 1, 4096)
        check_whole("depth", self.depth, 1, 64)
        check_whole("bins", self.bins, 2, 256)
        check_between("box", self.box, 0.1, 1000)

    @property
    def dimension(self) -> int:
        """2: each coupling bends one coordinate by the other."""
        return 2

    def check_data(self, shape: tuple[int, ...]) -> None:
        """Raises BadInput unless the network takes data of this shape, without the batch."""
        check_points(self.dimension, shape)

    def build(self) -> SplineFlow:
        """A new network, its weights from PyTorch's global generator: call it through `seeded`."""
        return SplineFlow(self)
