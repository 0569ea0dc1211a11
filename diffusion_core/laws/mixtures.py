r"""Data whose diffusion is known exactly: no network, no training, no approximation.

With x_t = sqrt(abar) x_0 + sqrt(1 - abar) eps, abar = alpha_bar_t, and data x_0 ~ sum_k pi_k N(m_k, C_k),
where every C_k may be singular:

    S_k    = abar C_k + (1 - abar) I                                 covariance of x_t in component k
    q_t(x) = sum_k pi_k N(x; sqrt(abar) m_k, S_k)                    the density of x_t
    r_k(x) = pi_k N(x; sqrt(abar) m_k, S_k) / q_t(x)                 the component, given x_t (responsibility)
    mu_k   = m_k + sqrt(abar) C_k S_k^-1 (x - sqrt(abar) m_k)        E[x_0 | x_t, k]
    Gam_k  = (1 - abar) C_k S_k^-1                                   Cov[x_0 | x_t, k], the same for every x_t
    score  = grad log q_t(x) = -sum_k r_k S_k^-1 (x - sqrt(abar) m_k)
    eps*   = E[eps | x_t] = -sqrt(1 - abar) score                    what a perfect network predicts (Tweedie)
    x0_hat = E[x_0 | x_t] = sum_k r_k mu_k
    Cov[x_0 | x_t] = sum_k r_k (Gam_k + (mu_k - x0_hat)(mu_k - x0_hat)^T)
    q(x_s | x_t)   = sum_k r_k N(x_s; c_t x_t + c_0 mu_k, beta_tilde I + c_0^2 Gam_k)

A finite data set {y_i} is the mixture with pi_i = 1/n and C_i = 0: r becomes w_i = softmax over i of
(sqrt(abar) x . y_i - abar |y_i|^2 / 2) / (1 - abar), which is one matrix product.

C_k = U_k diag(lambda) U_k^T is taken apart once; then S_k^-1 is a division at every t. Everything is computed in
float64 and through logsumexp; results take the dtype and the device of x_t. Log-densities are in nats.

Sources: Ho et al. 2020 (arXiv:2006.11239) eqs. 4-7 for the process; Efron 2011 ("Tweedie's formula") for eps* and
the covariance; Karras et al. 2022 (arXiv:2206.00364) app. B.3 for the ideal denoiser of a finite data set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.law import (
    Denoiser,
    as_float64,
    check_all_finite,
    check_draw,
    check_points,
    denoiser_of,
    in_float64,
    levels,
)
from diffusion_core.laws.quadrature import LOG_2PI, kl_by_quadrature, mean_log_ratio, tv_by_crossings
from diffusion_core.posterior import transition
from diffusion_core.schedule import NoiseSchedule

__all__ = ["GaussianMixture"]


# ------------------------------------------------------------------------------------------------ Gaussian mixtures
@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """x_0 ~ sum_k pi_k N(m_k, C_k), and everything the diffusion of it implies, exactly.

    weights (..., K) are pi, non-negative, summing to 1; means (..., K, d); covariances (K, d, d), symmetric positive
    semi-definite, zero allowed. Leading axes make one mixture for each row (see ``reverse_conditional``); the
    covariances are common to the rows. Kept in float64.

    The methods take x_t (..., d), a schedule and an integer t in 0..T; without schedule and t they speak of x_0.
    At t = 0 x_t is x_0: eps* is 0, x0_hat is x_t, its covariance 0; density, score and responsibilities exist there
    if no covariance is singular. Where alpha_bar_t = 0, x_t says nothing of x_0: eps* = x_t and x0_hat is the mean.

    Raises BadInput for shapes that do not match, numbers that are not finite, weights or covariances not as above.
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor
    log_weights: Tensor = field(init=False, repr=False)  # (..., K), finite where the weights underflow
    eigenvalues: Tensor = field(init=False, repr=False)  # (K, d), of C_k
    eigenvectors: Tensor = field(init=False, repr=False)  # (K, d, d), columns
    _copies: dict[torch.device, _MixtureOnDevice] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        weights = as_float64("weights", self.weights)
        means = as_float64("means", self.means)
        covariances = as_float64("covariances", self.covariances)
        _check_shapes(weights, means, covariances)
        _check_weights(weights)
        eigenvalues, eigenvectors = _decompose(covariances)
        log_weights = (weights / weights.sum(-1, keepdim=True)).log()
        self._fill(log_weights, means, covariances, eigenvalues, eigenvectors)

    def _fill(self, log_weights: Tensor, means: Tensor, covariances: Tensor, values: Tensor, vectors: Tensor) -> None:
        filled: dict[str, Any] = {"weights": log_weights.exp(), "means": means, "covariances": covariances}
        filled |= {"log_weights": log_weights, "eigenvalues": values, "eigenvectors": vectors, "_copies": {}}
        for name, value in filled.items():
            object.__setattr__(self, name, value)  # the dataclass is frozen for everyone else

    @classmethod
    def _derived(cls, log_weights: Tensor, means: Tensor, values: Tensor, vectors: Tensor) -> GaussianMixture:
        """A mixture that follows from a checked one: nothing to check, the eigenvectors known."""
        mixture = object.__new__(cls)
        mixture._fill(log_weights, means, (vectors * values.unsqueeze(-2)) @ vectors.mT, values, vectors)
        return mixture

    @classmethod
    def isotropic(cls, weights: Any, means: Any, sd: Any) -> GaussianMixture:
        """sum_k pi_k N(m_k, sd_k^2 I): weights (K,), means (K, d), sd a number or (K,), not negative."""
        means = as_float64("means", means)
        sd = as_float64("sd", sd)
        if means.ndim != 2 or sd.ndim > 1 or (sd.ndim == 1 and len(sd) != len(means)):
            raise BadInput(
                "sd must be one number or one for each of the rows of means (K, d); got sd {sd} and means {means}.",
                sd=tuple(sd.shape),
                means=tuple(means.shape),
            )
        if (sd < 0).any():
            raise BadInput("sd must not be negative; got {got:g}.", got=sd.min().item())
        identity = torch.eye(means.shape[1], dtype=torch.float64)
        return cls(as_float64("weights", weights), means, (sd.expand(len(means)) ** 2)[:, None, None] * identity)

    # -------------------------------------------------------------------------- of the data alone
    @property
    def dimension(self) -> int:
        """d."""
        return self.means.shape[-1]

    def mean(self) -> Tensor:
        """E[x_0] = sum_k pi_k m_k, (..., d)."""
        return torch.einsum("...k,...kd->...d", self.weights, self.means)

    def covariance(self) -> Tensor:
        """Cov[x_0] = sum_k pi_k (C_k + (m_k - m)(m_k - m)^T), (..., d, d)."""
        offsets = self.means - self.mean().unsqueeze(-2)
        within = torch.einsum("...k,kde->...de", self.weights, self.covariances)
        return within + (self.weights.unsqueeze(-1) * offsets).mT @ offsets

    @property
    def second_moment(self) -> float:
        """m_2 = E|x_0|^2 / d: what the prior term L_T needs."""
        return self.variance + self._single("second_moment").mean().square().mean().item()

    @property
    def variance(self) -> float:
        """s^2 = tr Cov[x_0] / d, the average variance of a coordinate."""
        return self._single("variance").covariance().diagonal().mean().item()

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n independent draws of x_0, (n, ..., d), float64: one for each row where there are rows."""
        check_draw(n, generator)
        rows, (K, d) = self.weights.shape[:-1], self.means.shape[-2:]
        k = torch.multinomial(self.weights.reshape(-1, K), n, replacement=True, generator=generator)  # (rows, n)
        means = self.means.expand(*rows, K, d).reshape(-1, K, d).gather(1, k.unsqueeze(-1).expand(-1, -1, d))
        z = torch.randn(*k.shape, d, dtype=torch.float64, device=k.device, generator=generator)
        root = self.eigenvectors * self.eigenvalues.sqrt().unsqueeze(-2)  # root root^T = C
        draws = means + (root[k] @ z.unsqueeze(-1)).squeeze(-1)
        return draws.transpose(0, 1).reshape(n, *rows, d)

    # -------------------------------------------------------------------------- of x_t
    def marginal(self, schedule: NoiseSchedule, t: int) -> GaussianMixture:
        """q(x_t) itself, a mixture again: N(sqrt(abar) m_k, S_k)."""
        abar, rest = levels(schedule, t)
        values = abar * self.eigenvalues + rest
        return self._derived(self.log_weights, math.sqrt(abar) * self.means, values, self.eigenvectors)

    def log_prob(self, x_t: Tensor, schedule: NoiseSchedule | None = None, t: int = 0) -> Tensor:
        """log q_t(x_t) in nats, (...); the data's own log-density when schedule and t are left out."""
        x, abar, rest = self._ready(x_t, schedule, t)
        self._need_density(rest)
        return self._observe(x, abar, rest).logits.logsumexp(-1).to(x_t)

    def responsibilities(self, x_t: Tensor, schedule: NoiseSchedule | None = None, t: int = 0) -> Tensor:
        """r_k(x_t) = P(component k | x_t), (..., K)."""
        x, abar, rest = self._ready(x_t, schedule, t)
        self._need_density(rest)
        return self._observe(x, abar, rest).logits.softmax(-1).to(x_t)

    def score(self, x_t: Tensor, schedule: NoiseSchedule | None = None, t: int = 0) -> Tensor:
        """grad log q_t(x_t), (..., d)."""
        x, abar, rest = self._ready(x_t, schedule, t)
        self._need_density(rest)
        return self._score(x, abar, rest).to(x_t)

    def eps(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """eps* = E[eps | x_t], (..., d): the mean-square optimum of every noise-predicting network."""
        x, abar, rest = self._ready(x_t, schedule, t)
        return self._eps(x, abar, rest).to(x_t)

    def x0_mean(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """x0_hat = E[x_0 | x_t], (..., d)."""
        x, abar, rest = self._ready(x_t, schedule, t)
        if rest == 0:
            return x.expand(self._result_shape(x)).to(x_t)
        parts = self._parts(x.device)
        seen = self._observe(x, abar, rest)
        r = seen.logits.softmax(-1)
        pulled = r.unsqueeze(-1) * (math.sqrt(abar) * parts.eigenvalues / seen.variance) * seen.offset
        within = torch.einsum("...ke,kde->...d", pulled, parts.eigenvectors)
        return (torch.einsum("...k,...kd->...d", r, parts.means) + within).to(x_t)

    def x0_covariance(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """Cov[x_0 | x_t], (..., d, d)."""
        x, abar, rest = self._ready(x_t, schedule, t)
        if rest == 0:
            return x.new_zeros(*self._result_shape(x), self.dimension).to(x_t)
        log_r, mu, gamma = self._given_component(x, abar, rest)
        r = log_r.exp()
        vectors = self._parts(x.device).eigenvectors
        within = torch.einsum("...k,kde->...de", r, (vectors * gamma.unsqueeze(-2)) @ vectors.mT)
        offsets = mu - torch.einsum("...k,...kd->...d", r, mu).unsqueeze(-2)
        return (within + (r.unsqueeze(-1) * offsets).mT @ offsets).to(x_t)

    def x0_variance(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """Var[x_0 | x_t] of each coordinate, (..., d): the diagonal of ``x0_covariance``, without the matrix."""
        x, abar, rest = self._ready(x_t, schedule, t)
        if rest == 0:
            return x.new_zeros(self._result_shape(x)).to(x_t)
        log_r, mu, gamma = self._given_component(x, abar, rest)
        r = log_r.exp()
        within = torch.einsum("kde,ke->kd", self._parts(x.device).eigenvectors.square(), gamma)
        offsets = mu - torch.einsum("...k,...kd->...d", r, mu).unsqueeze(-2)
        return torch.einsum("...k,...kd->...d", r, within + offsets.square()).to(x_t)

    def reverse_conditional(self, x_t: Tensor, schedule: NoiseSchedule, t: int, s: int) -> GaussianMixture:
        """The true q(x_s | x_t), s < t: a mixture for each row of x_t.

        For x_t (..., d): weights r (..., K), means c_t x_t + c_0 mu_k (..., K, d), covariances
        beta_tilde I + c_0^2 Gam_k (K, d, d). It is Gaussian only if one component has all the weight: the Gaussian
        p_theta(x_s | x_t) of Ho et al. is a choice that is good for small strides. Its log-density satisfies Bayes'
        identity to rounding: to 1e-11 at its own draws; far from them, where logs are as large as 1e7, to 1e-9.
        """
        step = transition(schedule, t, s)
        x, abar, rest = self._ready(x_t, schedule, t)
        log_r, mu, gamma = self._given_component(x, abar, rest)
        vectors = self._parts(x.device).eigenvectors
        return self._derived(
            log_r, step.c_t * x.unsqueeze(-2) + step.c_0 * mu, step.beta_tilde + step.c_0**2 * gamma, vectors
        )

    def denoiser(self, schedule: NoiseSchedule) -> Denoiser:
        """``model(x_t, t, cond=None)`` returning eps*, in the shape of x_t; t an int or (batch,) integers."""
        return denoiser_of(self._single("denoiser"), schedule)

    # -------------------------------------------------------------------------- how far from noise
    def kl_to_normal(self, schedule: NoiseSchedule, t: int) -> float:
        """KL(q(x_t) || N(0, I)) in nats by quadrature: d = 1 to 1e-9, d = 2 to 1e-6 (absolute).

        Tiny values keep their relative accuracy. Raises BadInput for d > 2, for a singular density (t = 0), and for
        a 2-D density so narrow that the grid would be too large; ``kl_to_normal_mc`` answers all but the second.
        """
        self._need_density(levels(schedule, t)[1])
        return kl_by_quadrature(self._single("kl_to_normal").marginal(schedule, t))

    def kl_to_normal_mc(
        self, schedule: NoiseSchedule, t: int, n: int, generator: torch.Generator
    ) -> tuple[float, float]:
        """KL(q(x_t) || N(0, I)) in nats, any d: the mean of log q_t - log N over n draws, and its standard error."""
        marginal = self._single("kl_to_normal_mc").marginal(schedule, t)
        return mean_log_ratio(marginal.log_prob, marginal.sample(n, generator))

    def tv_to_normal(self, schedule: NoiseSchedule, t: int) -> float:
        """Total variation between q(x_t) and N(0, 1), in [0, 1], d = 1 only: exact but for rounding."""
        self._need_density(levels(schedule, t)[1])
        return tv_by_crossings(self._single("tv_to_normal").marginal(schedule, t))

    # -------------------------------------------------------------------------- inside
    def _single(self, what: str) -> GaussianMixture:
        if self.means.ndim != 2 or self.weights.ndim != 1:
            raise BadInput(
                "{what} is defined for one mixture; this one has rows, its means being {got}.",
                what=what,
                got=tuple(self.means.shape),
            )
        return self

    def _need_density(self, rest: float) -> None:
        if rest == 0 and not (self.eigenvalues > 0).all():
            raise BadInput("The density at t = 0 exists only if no covariance is singular; got a singular covariance.")

    def _ready(self, x_t: Tensor, schedule: NoiseSchedule | None, t: int) -> tuple[Tensor, float, float]:
        abar, rest = levels(schedule, t)
        check_points(x_t)
        if not x_t.ndim or x_t.shape[-1] != self.dimension:
            raise BadInput(
                "x_t must have {d} numbers in its last axis; got the shape {got}.",
                d=self.dimension,
                got=tuple(x_t.shape),
            )
        check_all_finite("x_t", x_t)
        return in_float64(x_t), abar, rest

    def _result_shape(self, x: Tensor) -> tuple[int, ...]:
        return (*torch.broadcast_shapes(x.shape[:-1], self.weights.shape[:-1]), self.dimension)

    def _parts(self, device: torch.device) -> _MixtureOnDevice:
        if device not in self._copies:
            means, vectors = self.means.to(device), self.eigenvectors.to(device)
            self._copies[device] = _MixtureOnDevice(
                log_weights=self.log_weights.to(device),
                means=means,
                rotated_means=torch.einsum("...kd,kde->...ke", means, vectors),
                eigenvalues=self.eigenvalues.to(device),
                eigenvectors=vectors,
            )
        return self._copies[device]

    def _observe(self, x: Tensor, abar: float, rest: float) -> _Seen:
        parts = self._parts(x.device)
        variance = abar * parts.eigenvalues + rest  # (K, d), of S_k
        offset = torch.einsum("...d,kde->...ke", x, parts.eigenvectors) - math.sqrt(abar) * parts.rotated_means
        log_normaliser = parts.log_weights - 0.5 * (variance.log().sum(-1) + self.dimension * LOG_2PI)
        squares = torch.einsum("...ke,ke->...k", offset * offset, 0.5 / variance)
        return _Seen(log_normaliser - squares, offset, variance)

    def _score(self, x: Tensor, abar: float, rest: float) -> Tensor:
        seen = self._observe(x, abar, rest)
        pull = seen.logits.softmax(-1).unsqueeze(-1) * (seen.offset * (1 / seen.variance))
        return -torch.einsum("...ke,kde->...d", pull, self._parts(x.device).eigenvectors)

    def _eps(self, x: Tensor, abar: float, rest: float) -> Tensor:
        if rest == 0:  # x_t = x_0, independent of eps
            return x.new_zeros(self._result_shape(x))
        return -math.sqrt(rest) * self._score(x, abar, rest)

    def _given_component(self, x: Tensor, abar: float, rest: float) -> tuple[Tensor, Tensor, Tensor]:
        """log r (..., K), mu (..., K, d), and the eigenvalues (K, d) of Gam."""
        parts = self._parts(x.device)
        seen = self._observe(x, abar, rest)
        gain = math.sqrt(abar) * parts.eigenvalues / seen.variance
        mu = parts.means + torch.einsum("...ke,kde->...kd", gain * seen.offset, parts.eigenvectors)
        return seen.logits.log_softmax(-1), mu, rest * parts.eigenvalues / seen.variance


@dataclass(frozen=True)
class _MixtureOnDevice:
    log_weights: Tensor  # (..., K)
    means: Tensor  # (..., K, d)
    rotated_means: Tensor  # (..., K, d), U_k^T m_k
    eigenvalues: Tensor  # (K, d)
    eigenvectors: Tensor  # (K, d, d)


@dataclass(frozen=True)
class _Seen:
    """x_t as each component sees it."""

    logits: Tensor  # (..., K), log(pi_k N(x; sqrt(abar) m_k, S_k))
    offset: Tensor  # (..., K, d), U_k^T (x - sqrt(abar) m_k)
    variance: Tensor  # (K, d), eigenvalues of S_k


def _check_shapes(weights: Tensor, means: Tensor, covariances: Tensor) -> None:
    K, d = means.shape[-2:] if means.ndim >= 2 else (0, 0)
    fits = K > 0 and d > 0 and weights.ndim >= 1 and weights.shape[-1] == K and covariances.shape == (K, d, d)
    if not fits or weights.shape[:-1] != means.shape[:-2]:
        raise BadInput(
            "weights, means and covariances must have the shapes (K,), (K, d) and (K, d, d); "
            "got {weights}, {means} and {covariances}.",
            weights=tuple(weights.shape),
            means=tuple(means.shape),
            covariances=tuple(covariances.shape),
        )


def _check_weights(weights: Tensor) -> None:
    if (weights < 0).any():
        raise BadInput("weights must not be negative; got {got:g}.", got=weights.min().item())
    total = weights.sum(-1)
    if (total - 1).abs().max() > 1e-6:
        worst = total.flatten()[(total - 1).abs().argmax()].item()
        raise BadInput("weights must sum to 1 (to 1e-6); got the sum {got:g}.", got=worst)


def _decompose(covariances: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (K, d) and eigenvectors (K, d, d); what is zero but for rounding becomes 0 exactly."""
    scale = covariances.abs().amax((-2, -1)).clamp_min(torch.finfo(torch.float64).tiny)  # (K,)
    skew = (covariances - covariances.mT).abs().amax((-2, -1))
    if (skew > 1e-6 * scale).any():
        raise BadInput(
            "covariances must be symmetric; got a matrix that differs from its transpose by {got:g}.",
            got=skew.max().item(),
        )
    values, vectors = torch.linalg.eigh((covariances + covariances.mT) / 2)
    if (values < -1e-6 * scale[:, None]).any():
        raise BadInput(
            "covariances must be positive semi-definite; got the eigenvalue {got:g}.", got=values.min().item()
        )
    rounding = covariances.shape[-1] * torch.finfo(torch.float64).eps * scale[:, None]
    return torch.where(values <= rounding, 0.0, values), vectors
