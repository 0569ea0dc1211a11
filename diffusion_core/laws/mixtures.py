r"""A Gaussian mixture, whose diffusion is a Gaussian mixture again: no network, no training, no approximation.

For data :math:`x_0 \sim \sum_k \pi_k N(m_k, C_k)`, where every :math:`C_k` may be singular, write
:math:`\bar\alpha = \bar\alpha_t` and :math:`o_k = x - \sqrt{\bar\alpha}\,m_k`:

.. math::
    S_k &= \bar\alpha C_k + (1-\bar\alpha)I && \text{covariance of } x_t \text{ in component k} \\
    q_t(x) &= \sum_k \pi_k N(x;\ \sqrt{\bar\alpha}\,m_k,\ S_k) && \text{the density of } x_t \\
    r_k(x) &= \pi_k N(x;\ \sqrt{\bar\alpha}\,m_k,\ S_k)/q_t(x) && \text{the component, given } x_t
        \text{ (responsibility)} \\
    \mu_k &= m_k + \sqrt{\bar\alpha}\,C_kS_k^{-1}o_k && E[x_0|x_t, k] \\
    \Gamma_k &= (1-\bar\alpha)\,C_kS_k^{-1} && \mathrm{Cov}[x_0|x_t, k] \text{, the same for every } x_t \\
    \nabla\ln q_t &= -\sum_k r_k S_k^{-1}o_k && \text{the score} \\
    \epsilon^* &= -\sqrt{1-\bar\alpha}\;\nabla\ln q_t && E[\epsilon|x_t] \text{ (Tweedie)} \\
    \hat x_0 &= \sum_k r_k\mu_k && E[x_0|x_t] \\
    \mathrm{Cov}[x_0|x_t] &= \sum_k r_k\big(\Gamma_k + (\mu_k-\hat x_0)(\mu_k-\hat x_0)^\top\big) \\
    q(x_s|x_t) &= \sum_k r_k N(x_s;\ c_tx_t + c_0\mu_k,\ \tilde\beta I + c_0^2\Gamma_k)

A mixture *is* its spectral form: :math:`C_k = U_k\,\mathrm{diag}(\lambda_k)\,U_k^\top` is taken apart once, and
:math:`S_k^{-1}` is a division at every t.

References:
    Ho, Jain, Abbeel 2020, eq. 4-7 (the process). Efron 2011, "Tweedie's formula" (eps* and the covariance).
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from diffusion_core.denoisers import Denoiser
from diffusion_core.errors import BadInput
from diffusion_core.laws.law import Law, as_float64, check_draw, places_of
from diffusion_core.laws.spectral import check_shapes, decompose, log_weights_of
from diffusion_core.objectives import LOG_2PI
from diffusion_core.posterior import transition
from diffusion_core.schedule import NoiseSchedule

__all__ = ["GaussianMixture", "NoisedMixture"]


@dataclass(frozen=True, eq=False)
class GaussianMixture(Law):
    r""":math:`\sum_k \pi_k N(m_k, C_k)`, float64; made by `of` or `isotropic`, which look at what they get.

    Leading axes make one mixture for each row (see `NoisedMixture.reverse_conditional`); the covariances are common to
    the rows.

    Args:
        log_weights: :math:`\ln\pi_k`, (..., K): finite where the weights underflow.
        means: :math:`m_k`, (..., K, d).
        eigenvalues: :math:`\lambda_k`, (K, d), of :math:`C_k`; 0 is allowed.
        eigenvectors: :math:`U_k`, (K, d, d), columns.
    """

    log_weights: Tensor
    means: Tensor
    eigenvalues: Tensor
    eigenvectors: Tensor

    @staticmethod
    def of(weights: Any, means: Any, covariances: Any) -> "GaussianMixture":
        """A mixture from its usual parts: tensors, arrays or lists.

        Args:
            weights: (..., K), not negative, their sum 1.
            means: (..., K, d).
            covariances: (K, d, d), symmetric positive semi-definite, 0 allowed.

        Raises:
            BadInput: shapes that do not match, numbers that are not finite, weights or covariances not as above.
        """
        weights, means = as_float64("weights", weights), as_float64("means", means)
        covariances = as_float64("covariances", covariances)
        check_shapes(weights, means, covariances)
        return GaussianMixture(log_weights_of(weights), means, *decompose(covariances))

    @staticmethod
    def isotropic(weights: Any, means: Any, sd: Any) -> "GaussianMixture":
        r""":math:`\sum_k \pi_k N(m_k, \mathrm{sd}_k^2 I)`: weights (K,), means (K, d), sd a number or (K,).

        Raises:
            BadInput: as `of`; sd negative, or not one for each mean.
        """
        weights, means, sd = (as_float64(*part) for part in (("weights", weights), ("means", means), ("sd", sd)))
        if means.ndim != 2 or sd.ndim > 1 or (sd.ndim == 1 and len(sd) != len(means)):
            raise BadInput(
                "sd must be one number or one for each of the rows of means (K, d); got sd {sd} and means {means}.",
                sd=tuple(sd.shape),
                means=tuple(means.shape),
            )
        if (sd < 0).any():
            raise BadInput("sd must not be negative; got {got:g}.", got=sd.min().item())
        K, d = means.shape
        vectors = torch.eye(d, dtype=torch.float64).expand(K, d, d)
        check_shapes(weights, means, vectors)
        values = sd.expand(K).square()[:, None].expand(K, d)
        return GaussianMixture(log_weights_of(weights), means, values, vectors)

    # --- its parts --------------------------------------------------------------------------------------------------

    @property
    def dimension(self) -> int:
        """d."""
        return self.means.shape[-1]

    @property
    def centres(self) -> Tensor:
        """(K, d), the means."""
        return self._single("centres").means

    @cached_property
    def weights(self) -> Tensor:
        r""":math:`\pi_k`, (..., K)."""
        return self.log_weights.exp()

    @cached_property
    def covariances(self) -> Tensor:
        r""":math:`C_k`, (K, d, d)."""
        return (self.eigenvectors * self.eigenvalues.unsqueeze(-2)) @ self.eigenvectors.mT

    @cached_property
    def rotated_means(self) -> Tensor:
        r""":math:`U_k^\top m_k`, (..., K, d)."""
        return torch.einsum("...kd,kde->...ke", self.means, self.eigenvectors)

    # --- its moments and draws --------------------------------------------------------------------------------------

    def mean(self) -> Tensor:
        r""":math:`m = \sum_k \pi_k m_k`, (..., d)."""
        return torch.einsum("...k,...kd->...d", self.weights, self.means)

    def covariance(self) -> Tensor:
        r""":math:`\sum_k \pi_k\big(C_k + (m_k-m)(m_k-m)^\top\big)`, (..., d, d)."""
        offsets = self.means - self.mean().unsqueeze(-2)
        within = torch.einsum("...k,kde->...de", self.weights, self.covariances)
        return within + (self.weights.unsqueeze(-1) * offsets).mT @ offsets

    @property
    def variance(self) -> float:
        r""":math:`s^2 = \mathrm{tr\,Cov}/d`, the average variance of a coordinate."""
        return self._single("variance").covariance().diagonal().mean().item()

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n independent draws, (n, ..., d), float64: one for each row where there are rows.

        Raises:
            BadInput: n is not a positive integer, or generator no `torch.Generator`.
        """
        check_draw(n, generator)
        rows, (K, d) = self.weights.shape[:-1], self.means.shape[-2:]
        k = torch.multinomial(self.weights.reshape(-1, K), n, replacement=True, generator=generator)  # (rows, n)
        means = self.means.expand(*rows, K, d).reshape(-1, K, d).gather(1, k.unsqueeze(-1).expand(-1, -1, d))
        z = torch.randn(*k.shape, d, dtype=torch.float64, device=k.device, generator=generator)
        root = self.eigenvectors * self.eigenvalues.sqrt().unsqueeze(-2)  # root root^T = C
        draws = means + (root[k] @ z.unsqueeze(-1)).squeeze(-1)
        return draws.transpose(0, 1).reshape(n, *rows, d)

    # --- its density, at x (..., d) ---------------------------------------------------------------------------------

    def log_prob(self, x: Tensor) -> Tensor:
        """The log-density in nats, (...).

        Raises:
            BadInput: x of another dimension, of whole numbers or not finite; a covariance is singular.
        """
        at = places_of(x, self.dimension)
        q = self.to(at.device)
        q.check_density()
        return q._look(at)[0].logsumexp(-1).to(x)

    def responsibilities(self, x: Tensor) -> Tensor:
        """r_k(x) = P(component k | x), (..., K); errors: as `log_prob`."""
        at = places_of(x, self.dimension)
        q = self.to(at.device)
        q.check_density()
        return q._look(at)[0].softmax(-1).to(x)

    def score(self, x: Tensor) -> Tensor:
        """The gradient of the log-density, (..., d); errors: as `log_prob`."""
        at = places_of(x, self.dimension)
        q = self.to(at.device)
        q.check_density()
        return q._score(at).to(x)

    def check_density(self) -> None:
        """Raises BadInput if a covariance is singular."""
        if not (self.eigenvalues > 0).all():
            raise BadInput("The density at t = 0 exists only if no covariance is singular; got a singular covariance.")

    # --- its diffusion ----------------------------------------------------------------------------------------------

    def at(self, schedule: NoiseSchedule, t: int) -> "NoisedMixture":
        r"""The law of x_t, the mixture of the :math:`N(\sqrt{\bar\alpha}\,m_k, S_k)`, and what x_t says of x_0.

        Raises:
            BadInput: t is not an integer in 0..T.
        """
        schedule.check_t(t)
        alpha_bar, noise = schedule.alpha_bar[t].item(), schedule.one_minus_alpha_bar[t].item()
        signal = math.sqrt(alpha_bar)
        return NoisedMixture(
            log_weights=self.log_weights,
            means=signal * self.means,
            eigenvalues=alpha_bar * self.eigenvalues + noise,
            eigenvectors=self.eigenvectors,
            law=self,
            schedule=schedule,
            t=t,
            signal=signal,
            noise=noise,
        )

    def denoiser(self, schedule: NoiseSchedule) -> Denoiser:
        """See `Law`; for one mixture."""
        return Law.denoiser(self._single("denoiser"), schedule)

    def to(self, device: torch.device) -> "GaussianMixture":
        """The same on another device; kept there, so that it travels once."""
        if device == self.means.device:
            return self
        if device not in self._elsewhere:
            parts = (self.log_weights, self.means, self.eigenvalues, self.eigenvectors)
            self._elsewhere[device] = GaussianMixture(*(part.to(device) for part in parts))
        return self._elsewhere[device]

    # --- inside: places are float64, and looked at ------------------------------------------------------------------

    @cached_property
    def _elsewhere(self) -> "dict[torch.device, GaussianMixture]":
        return {}

    @cached_property
    def _log_heights(self) -> Tensor:
        """ln of each component's density at its mean, times its weight, (..., K)."""
        return self.log_weights - 0.5 * (self.eigenvalues.log().sum(-1) + self.dimension * LOG_2PI)

    def _single(self, what: str) -> "GaussianMixture":
        if self.means.ndim != 2 or self.log_weights.ndim != 1:
            raise BadInput(
                "{what} is defined for one mixture; this one has rows, its means being {got}.",
                what=what,
                got=tuple(self.means.shape),
            )
        return self

    def _look(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x as each component sees it: ln(pi_k N(x; m_k, C_k)), (..., K), and U_k^T (x - m_k), (..., K, d)."""
        offset = torch.einsum("...d,kde->...ke", x, self.eigenvectors) - self.rotated_means
        squares = torch.einsum("...ke,ke->...k", offset * offset, 0.5 / self.eigenvalues)
        return self._log_heights - squares, offset

    def _score(self, x: Tensor) -> Tensor:
        logits, offset = self._look(x)
        pull = logits.softmax(-1).unsqueeze(-1) * (offset * (1 / self.eigenvalues))
        return -torch.einsum("...ke,kde->...d", pull, self.eigenvectors)


@dataclass(frozen=True, eq=False)
class NoisedMixture(GaussianMixture):
    r"""The law of x_t, a mixture itself, and what x_t says of x_0 (see `laws.law.Noised`).

    Args:
        law: of x_0.
        schedule, t: how it was noised.
        signal, noise: :math:`\sqrt{\bar\alpha}` and :math:`1-\bar\alpha`.
    """

    law: GaussianMixture
    schedule: NoiseSchedule
    t: int
    signal: float
    noise: float

    def eps(self, x: Tensor) -> Tensor:
        r""":math:`\epsilon^* = E[\epsilon|x_t]`, (..., d): the mean-square optimum of every network."""
        return self._eps(places_of(x, self.dimension)).to(x)

    def x0_mean(self, x: Tensor) -> Tensor:
        r""":math:`\hat x_0 = E[x_0|x_t]`, (..., d)."""
        at = places_of(x, self.dimension)
        q = self.to(at.device)
        if q.noise == 0:
            return q._in_rows(at).to(x)
        logits, offset = q._look(at)
        r = logits.softmax(-1)
        pulled = r.unsqueeze(-1) * (q.signal * q.law.eigenvalues / q.eigenvalues) * offset
        within = torch.einsum("...ke,kde->...d", pulled, q.eigenvectors)
        return (torch.einsum("...k,...kd->...d", r, q.law.means) + within).to(x)

    def x0_covariance(self, x: Tensor) -> Tensor:
        r""":math:`\mathrm{Cov}[x_0|x_t]`, (..., d, d)."""
        at = places_of(x, self.dimension)
        q = self.to(at.device)
        if q.noise == 0:
            return torch.diag_embed(torch.zeros_like(q._in_rows(at))).to(x)
        log_r, mu, gamma = q._given_component(at)
        r, vectors = log_r.exp(), q.eigenvectors
        within = torch.einsum("...k,kde->...de", r, (vectors * gamma.unsqueeze(-2)) @ vectors.mT)
        offsets = mu - torch.einsum("...k,...kd->...d", r, mu).unsqueeze(-2)
        return (within + (r.unsqueeze(-1) * offsets).mT @ offsets).to(x)

    def x0_variance(self, x: Tensor) -> Tensor:
        r""":math:`\mathrm{Var}[x_0|x_t]` of each coordinate, (..., d): the diagonal, without the matrix."""
        at = places_of(x, self.dimension)
        q = self.to(at.device)
        if q.noise == 0:
            return torch.zeros_like(q._in_rows(at)).to(x)
        log_r, mu, gamma = q._given_component(at)
        r = log_r.exp()
        within = torch.einsum("kde,ke->kd", q.eigenvectors.square(), gamma)
        offsets = mu - torch.einsum("...k,...kd->...d", r, mu).unsqueeze(-2)
        return torch.einsum("...k,...kd->...d", r, within + offsets.square()).to(x)

    def reverse_conditional(self, x: Tensor, s: int) -> GaussianMixture:
        r"""The true q(x_s | x_t), s < t: a mixture for each row of x (..., d).

        Weights r (..., K), means :math:`c_tx_t + c_0\mu_k` (..., K, d), covariances
        :math:`\tilde\beta I + c_0^2\Gamma_k` (K, d, d). It is Gaussian only if one component has all the weight: the
        Gaussian :math:`p_\theta(x_s|x_t)` of Ho et al. is a choice that is good for small strides. Its log-density
        satisfies Bayes' identity to rounding: to 1e-11 at its own draws; far from them, where logs are as large as 1e7,
        to 1e-9.

        Raises:
            BadInput: not 0 <= s < t; x as in `log_prob`.
        """
        step = transition(self.schedule, self.t, s)
        at = places_of(x, self.dimension)
        q = self.to(at.device)
        log_r, mu, gamma = q._given_component(at)
        means, values = step.c_t * at.unsqueeze(-2) + step.c_0 * mu, step.beta_tilde + step.c_0**2 * gamma
        return GaussianMixture(log_r, means, values, q.eigenvectors)

    def to(self, device: torch.device) -> "NoisedMixture":
        """The same on another device."""
        return self if device == self.means.device else self.law.to(device).at(self.schedule, self.t)

    # --- inside -----------------------------------------------------------------------------------------------------

    @cached_property
    def rotated_means(self) -> Tensor:
        r""":math:`\sqrt{\bar\alpha}\,U_k^\top m_k`, (..., K, d)."""
        return self.signal * self.law.rotated_means

    def _in_rows(self, x: Tensor) -> Tensor:
        """x, once for each row of the mixture."""
        return x + x.new_zeros(*self.log_weights.shape[:-1], 1)

    def _eps(self, x: Tensor) -> Tensor:
        if self.noise == 0:  # x_t = x_0, independent of eps
            return torch.zeros_like(self._in_rows(x))
        return -math.sqrt(self.noise) * self.to(x.device)._score(x)

    def _given_component(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ln r (..., K), mu (..., K, d), and the eigenvalues (K, d) of Gamma."""
        logits, offset = self._look(x)
        gain = self.signal * self.law.eigenvalues / self.eigenvalues
        mu = self.law.means + torch.einsum("...ke,kde->...kd", gain * offset, self.eigenvectors)
        return logits.log_softmax(-1), mu, self.noise * self.law.eigenvalues / self.eigenvalues
