r"""Denoising score matching: the target that knows x_0, and the score, have the same best answer.

For any s(x_t), with :math:`\nabla\ln q(x_t|x_0) = -\epsilon/\sqrt{1-\bar\alpha_t}`,

.. math::
    E\|s-\nabla\ln q(x_t|x_0)\|^2 = E\|s-\nabla\ln q(x_t)\|^2 + C_t, \qquad
    C_t = \frac{\ell_t}{1-\bar\alpha_t},

and no s in C_t. The left side needs nothing but draws of :math:`(x_0,\epsilon)`; the right one the density of x_t.

References:
    Vincent 2011, "A connection between score matching and denoising autoencoders", section 4.2. The constant is the
    floor of the loss in other units.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.estimates import loss_floor
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import expectation_nodes, log_normal
from diffusion_core.schedule import NoiseSchedule

__all__ = ["Score", "conditional_loss", "constant", "marginal_loss"]

FAR, STEP = 9.0, 0.1  # of a sum over normal numbers
Score = Callable[[Tensor], Tensor]
"""x_t (..., 1) -> a guess of the score, in its shape."""


def conditional_loss(law: GaussianMixture, schedule: NoiseSchedule, t: int, guess: Score) -> float:
    r""":math:`E\|s-\nabla\ln q(x_t|x_0)\|^2` on the line, by quadrature over x_0 and eps.

    Raises:
        BadInput: data of more than one dimension.
    """
    if law.dimension != 1:
        raise BadInput("The two losses are found by quadrature, for d = 1; got d = {d}.", d=law.dimension)
    eps = torch.arange(-FAR, FAR + STEP / 2, STEP, dtype=torch.float64)
    share = log_normal(eps, 0.0, 1.0).exp() * STEP  # a sum over even steps: for such integrands right to rounding
    x0 = (law.means + law.eigenvalues.sqrt() * eps).flatten()
    of_x0 = (law.weights[:, None] * share).flatten()
    signal, noise = schedule.sqrt_alpha_bar[t], schedule.sqrt_one_minus_alpha_bar[t]
    x_t = signal * x0[:, None] + noise * eps  # rows x_0, columns eps
    squares = (guess(x_t[..., None])[..., 0] + eps / noise).square()
    return (of_x0 @ squares @ share).item()


def marginal_loss(law: GaussianMixture, schedule: NoiseSchedule, t: int, guess: Score) -> float:
    r""":math:`E\|s-\nabla\ln q(x_t)\|^2` on the line, by quadrature over x_t. Errors as `conditional_loss`."""
    now = law.at(schedule, t)
    x, weights = expectation_nodes(now)
    return (weights @ (guess(x) - now.score(x)).square()[:, 0]).item()


def constant(law: GaussianMixture, schedule: NoiseSchedule, t: int) -> float:
    """C_t, what the first loss has above the second, for every guess."""
    return loss_floor(law, schedule, t).value / schedule.one_minus_alpha_bar[t].item()
