r"""A model of paths on the line, and how far its paths are from those of the noise.

A chain with any denoiser is a joint density of paths,
:math:`p_\theta(x_{0:T}) = N(x_T; 0, 1)\prod_t N(x_{t-1};\ \mu_\theta(x_t),\ \sigma_t^2)`. Three ways to its likelihood:

.. math::
    p_\theta(x_{t-1}) &= \int p_\theta(x_{t-1}|x_t)\,p_\theta(x_t)\,dx_t
        && \text{pushed through the steps, on a grid} \\
    p_\theta(x_0) &= E_{q(x_{1:T}|x_0)}\Big[p(x_T)\prod_t\frac{p_\theta(x_{t-1}|x_t)}{q(x_t|x_{t-1})}\Big]
        && \text{an average over paths of the noise} \\
    -\ln p_\theta(x_0) &\le E_q\Big[-\ln p(x_T) - \sum_t\ln\frac{p_\theta(x_{t-1}|x_t)}{q(x_t|x_{t-1})}\Big]
        && \text{Jensen: the bound}

What the last line gives away is :math:`KL\big(q(x_{1:T}|x_0)\,\|\,p_\theta(x_{1:T}|x_0)\big)`. Seen from x_0 upwards
both are Markov chains, so it is a sum of one KL a step,

.. math:: E\,KL\big(q(x_t|x_{t-1})\,\|\,p_\theta(x_t|x_{t-1})\big), \qquad
          p_\theta(x_t|x_{t-1}) = \frac{p_\theta(x_{t-1}|x_t)\,p_\theta(x_t)}{p_\theta(x_{t-1})},

each an integral over the plane of :math:`(x_{t-1}, x_t)`.

References:
    "Deep unsupervised learning using nonequilibrium thermodynamics" (Sohl-Dickstein and others, 2015), section 2.3 (the
    average over paths, the bound). Ho, Jain, Abbeel 2020, eq. 3 and appendix A. The sum for the gap is derived here.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from diffusion_core.denoisers import Denoiser
from diffusion_core.errors import BadInput
from diffusion_core.forward import q_chain
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import log_normal
from diffusion_core.posterior import Transition, q_posterior, transitions
from diffusion_core.reverse import reverse_step
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.variance import VarianceChoice

__all__ = ["Chain", "Likelihood", "Paths", "bent", "draw_paths", "likelihood"]

REACH, POINTS = 9.0, 641  # of the grid
CELLS = 2  # of it in one standard deviation of any step, at least: the trapezoid rule is then right to 1e-16
LEAK = 1e-6  # of its mass, that may leave the grid


@dataclass(frozen=True, eq=False)
class Chain:
    """A model: all T steps of a schedule, from N(0, 1) down to x_0.

    Args:
        schedule: its steps are taken one by one.
        denoiser: exact or not; on the line.
        variance: of each step, positive at s = 0, too: there it is the decoder's.
    """

    schedule: NoiseSchedule
    denoiser: Denoiser
    variance: VarianceChoice

    @cached_property
    def pairs(self) -> list[Transition]:
        """The steps from T down to 0."""
        return transitions(self.schedule, range(self.schedule.T, 0, -1))

    def log_step(self, pair: Transition, x_s: Tensor, x_t: Tensor) -> Tensor:
        r""":math:`\ln p_\theta(x_s|x_t)` where both broadcast; x_t is the narrower, and asked but once.

        Raises:
            BadInput: a variance that is 0, or looks at x_t.
        """
        variance = self.variance(pair, x_t)
        if not isinstance(variance.value, float) or variance.value <= 0:
            raise BadInput("The variance must be one positive number at t = {t}; got {got}.", t=pair.t, got=variance)
        mean = reverse_step(pair, x_t, self.denoiser(x_t, pair.t), variance).mean
        return log_normal(x_s, mean, variance.value)


def bent(law: GaussianMixture, schedule: NoiseSchedule, mistake: float) -> Denoiser:
    """A denoiser on the line, for x_t of any shape: the exact one plus ``mistake`` * sin(3 x_t)."""
    exact = law.denoiser(schedule)

    def denoiser(x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        return exact(x_t.reshape(-1, 1), t).reshape(x_t.shape) + mistake * torch.sin(3 * x_t)

    return denoiser


@dataclass(frozen=True, eq=False)
class Likelihood:
    r"""What a chain says of data on the line, in nats.

    Attributes:
        chain: which.
        grid: (n,), even places.
        log_p_1: :math:`\ln p_\theta(x_1)` there.
        negative_log: :math:`-E\ln p_\theta(x_0)`.
        kl: :math:`KL(q(x_0)\|p_\theta(x_0))`.
        gaps: :math:`E\,KL(q(x_t|x_{t-1})\|p_\theta(x_t|x_{t-1}))` from t = 1 to T: what the bound gives away.
    """

    chain: Chain
    grid: Tensor
    log_p_1: Tensor
    negative_log: float
    kl: float
    gaps: tuple[float, ...]

    @property
    def gap(self) -> float:
        """Their sum, the KL of the paths given x_0."""
        return sum(self.gaps)

    def log_prob(self, x0: Tensor) -> Tensor:
        r""":math:`\ln p_\theta(x_0)` at (m,) places, in nats."""
        log_joint = self.chain.log_step(self.chain.pairs[-1], x0[:, None], self.grid) + self.log_p_1
        return log_joint.logsumexp(1) + (self.grid[1] - self.grid[0]).log()


def likelihood(law: GaussianMixture, chain: Chain) -> Likelihood:
    """The exact likelihood of a chain for 1-D data with a density, and the KL of its paths, by quadrature on a grid.

    Raises:
        BadInput: data of another dimension; a step too narrow for the grid; a density that leaves it.
    """
    if law.dimension != 1:
        raise BadInput("Paths are followed for d = 1; got d = {d}.", d=law.dimension)
    x = torch.linspace(-REACH, REACH, POINTS, dtype=torch.float64)
    _check_cells(law, chain, (x[1] - x[0]).item())
    log_p, gaps = log_normal(x, 0.0, 1.0), []
    for pair in chain.pairs:
        log_back = chain.log_step(pair, x[:, None], x)  # rows are x_s, columns x_t
        log_joint = log_back + log_p
        log_p_s = log_joint.logsumexp(1) + (x[1] - x[0]).log()
        _check_mass(torch.trapezoid(log_p_s.exp(), x).item(), pair.s)
        gaps.append(_gap(law, chain.schedule, pair, (x, log_joint - log_p_s[:, None])))
        log_p_1, log_p = log_p, log_p_s
    data = law.log_prob(x[:, None])
    negative_log, kl = (torch.trapezoid(data.exp() * less, x).item() for less in (-log_p, data - log_p))
    return Likelihood(chain, x, log_p_1, negative_log=negative_log, kl=kl, gaps=tuple(reversed(gaps)))


def _gap(law: GaussianMixture, schedule: NoiseSchedule, pair: Transition, known: tuple[Tensor, Tensor]) -> float:
    """E KL(q(x_t|x_s) || p(x_t|x_s)): known are the grid and ln p(x_t|x_s), rows x_s."""
    x, log_up = known
    log_q = log_normal(x, pair.alpha**0.5 * x[:, None], pair.beta)
    kl = torch.trapezoid(log_q.exp() * (log_q - log_up), x, dim=1)
    return torch.trapezoid(law.at(schedule, pair.s).log_prob(x[:, None]).exp() * kl, x).item()


def _check_cells(law: GaussianMixture, chain: Chain, cell: float) -> None:
    narrow = law.eigenvalues.min().sqrt().item()
    for pair in chain.pairs:
        value = torch.as_tensor(chain.variance(pair, torch.zeros(1, dtype=torch.float64)).value).max().item()
        narrow = min(narrow, value**0.5, pair.beta**0.5)
    if narrow < CELLS * cell:
        raise BadInput(
            "A step or the data are too narrow for the grid: deviation {got:.2g}, at least {least:.2g}.",
            got=narrow,
            least=CELLS * cell,
        )


def _check_mass(mass: float, s: int) -> None:
    if not abs(mass - 1) < LEAK:
        raise BadInput("The density of x_s leaves the grid at s = {s}: its mass is {mass:.7f}.", s=s, mass=mass)


# --- paths ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Paths:
    """Paths of the noise from x_0, and every log-density along them; (n,), or (T, n) from t = 1 to T.

    Attributes:
        prior: ln p(x_T).
        back: ln p_theta(x_{t-1} | x_t).
        forth: ln q(x_t | x_{t-1}).
        posterior: ln q(x_{t-1} | x_t, x_0) from t = 2 on, (T - 1, n).
        jump: ln q(x_t | x_0).
    """

    prior: Tensor
    back: Tensor
    forth: Tensor
    posterior: Tensor
    jump: Tensor

    @property
    def log_weight(self) -> Tensor:
        r""":math:`\ln p_\theta(x_{0:T})/q(x_{1:T}|x_0)`, (n,): the mean of its exponential is p_theta(x_0)."""
        return self.prior + (self.back - self.forth).sum(0)

    @property
    def terms(self) -> Tensor:
        """The same with its sign turned, as L_T, L_{T-1}, ..., L_1, L_0 of each path, (T + 1, n)."""
        ends = (self.jump[-1] - self.prior)[None], -self.back[:1]
        return torch.cat([ends[0], (self.posterior - self.back[1:]).flip(0), ends[1]])


def draw_paths(chain: Chain, x0: Tensor, generator: torch.Generator) -> Paths:
    """One path of the noise from each of x0, (n,) float64."""
    eps = torch.randn((chain.schedule.T, *x0.shape), generator=generator, dtype=x0.dtype)
    x = [x0, *q_chain(chain.schedule, x0, eps)]
    pairs = chain.pairs[::-1]
    posterior = [q_posterior(chain.schedule, x[pair.t], x0, t=pair.t, s=pair.s) for pair in pairs[1:]]
    return Paths(
        prior=log_normal(x[-1], 0.0, 1.0),
        back=torch.stack([chain.log_step(pair, x[pair.s], x[pair.t]) for pair in pairs]),
        forth=torch.stack([log_normal(x[p.t], p.alpha**0.5 * x[p.s], p.beta) for p in pairs]),
        posterior=torch.stack([log_normal(x[k], mean, var.item()) for k, (mean, var) in enumerate(posterior, 1)]),
        jump=torch.stack([log_normal(x[p.t], p.sqrt_alpha_bar_t * x0, p.one_minus_alpha_bar_t) for p in pairs]),
    )
