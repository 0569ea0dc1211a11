r"""From the bound to the simple loss, in numbers: what each step of a chain contributes at each line.

With :math:`V_t` what nobody knows of x_0, and the *excess* :math:`E\|\hat x_\theta-\hat x_0\|^2` what this denoiser
does not know besides, in nats on the line:

.. math::
    -E\ln p_\theta(x_{t-1}|x_t) &= \tfrac12\ln2\pi\sigma^2
        + \frac{\tilde\beta + c_0^2(V_t+\text{excess})}{2\sigma^2} \\
    E\ln q(x_t|x_{t-1}) &= -\tfrac12\ln2\pi e\,\beta_t, \quad
    E\ln q(x_t|x_0) = -\tfrac12\ln2\pi e(1-\bar\alpha_t), \quad
    E\ln q(x_{t-1}|x_t,x_0) = -\tfrac12\ln2\pi e\,\tilde\beta_t \\
    L_{t-1} &= \underbrace{\tfrac12\Big[\frac{\tilde\beta}{\sigma^2}-1+\ln\frac{\sigma^2}{\tilde\beta}\Big]}_{\text{no
        network in it}} + \underbrace{\frac{\beta^2}{2\sigma^2\alpha(1-\bar\alpha_t)}}_{w_t}\,
        E\|\epsilon-\epsilon_\theta\|^2

References:
    Ho, Jain, Abbeel 2020, eq. 3, 5, 8, 12 and 14, and appendix A.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from diffusion_core.forward import forward_kl
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.paths import Chain
from diffusion_core.laws.quadrature import expectation_nodes
from diffusion_core.objectives import LOG_2PI, decoder_term, simple_weight, vlb_term
from diffusion_core.posterior import Transition
from diffusion_core.variance import Variance

__all__ = ["Derivation", "StepNumbers", "derivation"]


@dataclass(frozen=True)
class StepNumbers:
    """One step (t, t - 1) of a chain on the line: its pair and variance, V_t, the denoiser's excess."""

    pair: Transition
    variance: Variance
    V_t: float
    excess: float

    @property
    def back(self) -> float:
        r""":math:`-E\ln p_\theta(x_{t-1}|x_t)`."""
        spread = self.pair.beta_tilde + self.pair.c_0**2 * (self.V_t + self.excess)
        return float(0.5 * (LOG_2PI + self.variance.log) + spread / (2 * self.variance.value))

    @property
    def forth(self) -> float:
        r""":math:`E\ln q(x_t|x_{t-1})`."""
        return _mean_log(self.pair.beta)

    @property
    def jump(self) -> float:
        r""":math:`E\ln q(x_t|x_0)`."""
        return _mean_log(self.pair.one_minus_alpha_bar_t)

    @property
    def term(self) -> float:
        """L_{t-1}; at s = 0 L_0, a density as decoder."""
        return self._term(self.V_t, self.excess)

    @property
    def constant(self) -> float:
        """What of it no network can change."""
        return self._term(0.0, 0.0)

    @property
    def weight(self) -> float:
        r""":math:`w_t`: what the bound weighs the squared error of eps with."""
        return float(simple_weight(self.pair, self.variance))

    @property
    def floor(self) -> float:
        r""":math:`\ell_t`: of that error, what nobody can remove."""
        return self.pair.alpha_bar_t / self.pair.one_minus_alpha_bar_t * self.V_t

    @property
    def distance(self) -> float:
        r""":math:`E\|\epsilon_\theta-\epsilon^*\|^2`: what this denoiser has still to learn."""
        return self.pair.alpha_bar_t / self.pair.one_minus_alpha_bar_t * self.excess

    @property
    def error(self) -> float:
        r""":math:`E\|\epsilon-\epsilon_\theta\|^2`."""
        return self.floor + self.distance

    @property
    def square(self) -> float:
        """The squared part of the term: weight times error."""
        return self.weight * self.error

    def _term(self, V_t: float, excess: float) -> float:
        if self.pair.s == 0:
            return float(decoder_term(self.variance, V_t, excess))
        return float(vlb_term(self.pair, self.variance, V_t, excess))


@dataclass(frozen=True)
class Derivation:
    """All steps, from T down to 1.

    Attributes:
        steps: the numbers of each.
        L_T: the prior's term.
    """

    steps: tuple[StepNumbers, ...]
    L_T: float

    @property
    def prior(self) -> float:
        r""":math:`-E\ln p(x_T)`."""
        return self.L_T - self.steps[0].jump

    @cached_property
    def bound(self) -> float:
        """L_T + sum L_{t-1} + L_0."""
        return self.L_T + math.fsum(step.term for step in self.steps)

    @cached_property
    def simple(self) -> float:
        """L_simple: the mean over t of the squared error of eps."""
        return math.fsum(step.error for step in self.steps) / len(self.steps)


def derivation(law: GaussianMixture, chain: Chain) -> Derivation:
    """The numbers of a chain, for data on the line, by quadrature over x_t.

    Raises:
        BadInput: as `expectation_nodes`.
    """
    steps = []
    for pair in chain.pairs:
        now = law.at(chain.schedule, pair.t)
        x, weights = expectation_nodes(now)
        wrong = chain.denoiser(x, pair.t) - now.eps(x)
        noise_to_signal = pair.one_minus_alpha_bar_t / pair.alpha_bar_t
        excess, V_t = noise_to_signal * (weights @ wrong.square()[:, 0]), weights @ now.x0_variance(x)[:, 0]
        steps.append(StepNumbers(pair, chain.variance(pair, x), V_t.item(), excess.item()))
    return Derivation(tuple(steps), forward_kl(chain.schedule, law.second_moment, chain.schedule.T))


def _mean_log(variance: float) -> float:
    """The mean of ln N(x; m, variance) over itself."""
    return -0.5 * (LOG_2PI + 1 + math.log(variance))
