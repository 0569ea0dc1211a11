"""The density of a path (E17).

p(x_{0:T}) = p(x_T) prod p(x_{t-1} | x_t),   p(x_T) = N(0, I)                              (Ho et al. 2020, eq. 1)
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, identity
from diffusion_core.claims.settings import Run, gaussian
from diffusion_core.laws.quadrature import log_normal
from diffusion_core.posterior import transitions
from diffusion_core.reverse import reverse_step
from diffusion_core.schedule import linear
from diffusion_core.variance import fixed_large

__all__ = ["JOINT"]


LogJoint = Callable[[Run, Tensor], Tensor]


def log_steps(setting: Run, path: Tensor) -> Tensor:
    """sum ln p(x_s | x_t) over a path (N + 1, n), x_T first."""
    denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
    total = torch.zeros(path.shape[1], dtype=path.dtype)
    for pair, x_t, x_s in zip(transitions(setting.schedule, setting.timesteps), path[:-1], path[1:], strict=True):
        variance = setting.variance(pair, x_t)
        mean = reverse_step(pair, x_t[:, None], denoiser(x_t[:, None], pair.t), variance).mean[:, 0]
        total += log_normal(x_s, mean, float(variance.value))
    return total


def forward_factors(setting: Run, path: Tensor) -> Tensor:
    """The density of the same path under q: it starts at the data."""
    total = log_normal(path[-1], 0.0, setting.data_variance)
    for pair, x_t, x_s in zip(transitions(setting.schedule, setting.timesteps), path[:-1], path[1:], strict=True):
        total = total + log_normal(x_t, math.sqrt(pair.alpha) * x_s, pair.beta)
    return total


def marginal_of_q(setting: Run) -> float:
    """Var[x_T] under q: not quite 1."""
    alpha_bar = float(setting.schedule.alpha_bar[setting.timesteps[0]])
    return 1 + alpha_bar * (setting.data_variance - 1)


def check_joint(log_joint: LogJoint, setting: Run, seed: int) -> list[Trial]:
    """A product of conditionals against the density of the one Gaussian that a linear chain is.

    Its mean is 0 and its covariance M M^T, where column j of M holds what one unit of noise in step j does to the path.
    """
    denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
    pairs = transitions(setting.schedule, setting.timesteps)
    size = len(pairs) + 1
    state, rows = torch.eye(size, dtype=torch.float64)[:1].T, []  # response of x_T to each of the noises
    rows.append(state[:, 0])
    for k, pair in enumerate(pairs, 1):
        variance = setting.variance(pair, state)
        state = reverse_step(pair, state, denoiser(state, pair.t), variance).mean
        state = state + math.sqrt(float(variance.value)) * torch.eye(size, dtype=torch.float64)[k][:, None]
        rows.append(state[:, 0])
    covariance = torch.stack(rows) @ torch.stack(rows).T
    path = torch.randn((size, 32), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    whole = torch.distributions.MultivariateNormal(torch.zeros(size, dtype=torch.float64), covariance)
    return [identity(log_joint(setting, path), whole.log_prob(path.T))]


JOINT = Claim(
    key="E17",
    says="A path's density is p(x_T) ∏ p(x_{t−1} | x_t), and its first factor is N(0, I).",
    check=check_joint,
    truth=lambda setting, path: log_normal(path[0], 0.0, 1.0) + log_steps(setting, path),
    mistakes={
        "p(x_T) left out": log_steps,
        "q(x_T) in place of N(0, I)": lambda setting, path: (
            log_normal(path[0], 0.0, marginal_of_q(setting)) + log_steps(setting, path)
        ),
        "the forward factors q(x_t | x_{t−1})": forward_factors,
    },
    setting=Run(linear(1000), linear(1000).timesteps(5), fixed_large),
)
