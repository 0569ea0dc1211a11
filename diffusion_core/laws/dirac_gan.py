r"""The smallest GAN: all data at 0, the generator a point theta, the discriminator a slope, d(x) = psi x.

.. math::
    L_D = \mathrm{softplus}(\psi\theta) + \ln2 + \tfrac\gamma2\psi^2, \qquad
    L_G = \mathrm{softplus}(-\psi\theta) \quad\text{or, saturating,}\quad -\mathrm{softplus}(\psi\theta),

with one equilibrium, :math:`\theta=\psi=0`. In continuous time the flow along both gradients has there, for either
loss, the Jacobian

.. math::
    J = \begin{pmatrix} 0 & \tfrac12 \\ -\tfrac12 & -\gamma \end{pmatrix}, \qquad
    \lambda = -\tfrac\gamma2 \pm \tfrac12\sqrt{\gamma^2-1},

so without R1 it neither comes nearer nor goes away, to first order. Steps of size h decide: at once (simultaneous),
:math:`|1+h\lambda| = \sqrt{1+h^2/4} > 1`; in turn (alternating), exactly 1.

Farther from 0 the losses differ. The saturating one keeps :math:`r^2 = \theta^2+\psi^2` in continuous time. With the
non-saturating one :math:`\tfrac{d}{dt}r^2 = -2\theta\psi\tanh(\theta\psi/2)`, on a circle :math:`-r^4/8` in the mean,
against :math:`+h\,r^2/4` from simultaneous steps: a limit cycle of radius :math:`\sqrt{2h}`. Alternating steps lack
that push, and r falls like :math:`\sqrt{8/(hn)}`.

Momentum m is heavy-ball's, each gradient added to m times the sum before it.

References:
    Mescheder, Geiger, Nowozin 2018, "Which training methods for GANs do actually converge?", sections 2 and 4.
    Gidel et al. 2019 (negative momentum).
"""

import cmath
import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from diffusion_core.errors import check_between, check_one_of, check_whole

__all__ = ["DiracGan", "creeping_radius", "cycle_radius", "eigenvalues"]


def eigenvalues(gamma: float) -> tuple[complex, complex]:
    r""":math:`-\gamma/2 \pm \sqrt{\gamma^2-1}/2`, of the flow in continuous time at the equilibrium."""
    root = cmath.sqrt(gamma * gamma - 1)
    return (-gamma + root) / 2, (-gamma - root) / 2


def cycle_radius(h: float) -> float:
    r""":math:`\sqrt{2h}`: where simultaneous steps of the non-saturating loss end, without R1 and momentum, to first
    order in h."""
    return math.sqrt(2 * h)


def creeping_radius(h: float, n: int) -> float:
    r""":math:`\sqrt{8/(hn)}`: how near alternating steps of the non-saturating loss have come after many, n."""
    return math.sqrt(8 / (h * n))


@dataclass(frozen=True)
class DiracGan:
    r"""How it is trained.

    Args:
        h: the size of a step, of both.
        gamma: :math:`\gamma`, the weight of R1.
        momentum: m; negative ones are allowed.
        turns: both at once, or the discriminator first.
        loss: the generator's.

    Raises:
        BadInput: a number outside its range, or no such name.
    """

    h: float = 0.1
    gamma: float = 0.0
    momentum: float = 0.0
    turns: Literal["simultaneous", "alternating"] = "simultaneous"
    loss: Literal["non_saturating", "saturating"] = "non_saturating"

    def __post_init__(self) -> None:
        check_between("h", self.h, 0, 10)
        check_between("gamma", self.gamma, 0, 100)
        check_between("momentum", self.momentum, -0.99, 0.99)
        check_one_of("turns", self.turns, ("simultaneous", "alternating"))
        check_one_of("loss", self.loss, ("non_saturating", "saturating"))

    def pull(self, theta: float, psi: float) -> tuple[float, float]:
        """Where each wants to go: minus the slope of its own loss."""
        fake = theta * psi
        of_generator = _sigmoid(-fake) if self.loss == "non_saturating" else _sigmoid(fake)
        return of_generator * psi, -_sigmoid(fake) * theta - self.gamma * psi

    def run(self, steps: int, theta: float = 1.0, psi: float = 1.0) -> Tensor:
        """(theta, psi) before the first step and after each, (steps + 1, 2) float64; NaN once it is beyond 1e6.

        Raises:
            BadInput: steps outside 1..1,000,000.
        """
        check_whole("steps", steps, 1, 10**6)
        path, sums = [(theta, psi)], (0.0, 0.0)
        for _ in range(steps):
            if not abs(theta) + abs(psi) < 1e6:
                theta = psi = math.nan
            theta_pull, psi_pull = self.pull(theta, psi)
            psi_sum = self.momentum * sums[1] + psi_pull
            if self.turns == "alternating":
                theta_pull, _ = self.pull(theta, psi + self.h * psi_sum)
            sums = self.momentum * sums[0] + theta_pull, psi_sum
            theta, psi = theta + self.h * sums[0], psi + self.h * sums[1]
            path.append((theta, psi))
        return torch.tensor(path, dtype=torch.float64)

    def step_matrix(self) -> Tensor:
        """One step near the equilibrium, (4, 4) float64, of (theta, psi) and the two sums of momentum: it is linear."""
        m, h, turned = self.momentum, self.h, self.turns == "alternating"
        theta, psi, theta_sum, psi_sum = torch.eye(4, dtype=torch.float64)
        new_psi_sum = m * psi_sum - 0.5 * theta - self.gamma * psi
        new_theta_sum = m * theta_sum + 0.5 * (psi + h * new_psi_sum if turned else psi)
        return torch.stack([theta + h * new_theta_sum, psi + h * new_psi_sum, new_theta_sum, new_psi_sum])

    @property
    def factor(self) -> float:
        r"""The largest :math:`|\lambda|` of a step near the equilibrium: below 1 it gets there, above 1 it leaves."""
        largest: float = torch.linalg.eigvals(self.step_matrix()).abs().max().item()
        return largest


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > 0 else 1 - 1 / (1 + math.exp(x))
