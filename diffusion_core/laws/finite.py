r"""A finite data set, whose diffusion is known exactly.

A data set {y_i} is the mixture with weights 1/n and no width. With abar = alpha_bar_t, what x_t says of x_0 is

    w_i = P(x_0 = y_i | x_t) = softmax over i of (sqrt(abar) x . y_i - abar |y_i|^2 / 2) / (1 - abar),

one matrix product. Its exact denoiser gives back the data: the one that generalizes is another.

Source: Karras et al. 2022 (arXiv:2206.00364), app. B.3, the ideal denoiser of a finite data set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

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
    flatten,
    in_float64,
    levels,
)
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import CHUNK, LOG_2PI, mean_log_ratio
from diffusion_core.posterior import transition
from diffusion_core.schedule import NoiseSchedule

__all__ = ["FiniteData"]

MOST_EXPONENT = 2e7  # float64 keeps 8 digits behind the point of an exponent as large
LIGHT = 1e-30  # of the second heaviest weight: points that have less do not add to a variance
_ONE_BY_ONE = "donot_use_mm_for_euclid_dist"


# ------------------------------------------------------------------------------------------------ finite data sets
@dataclass(frozen=True, eq=False)
class FiniteData:
    """x_0 drawn uniformly from the rows of points (n, d): the law that a training set IS, and its exact denoiser.

    Sampling with it returns training points (the memorisation theorem): eps* -> x0_hat = sum_i w_i y_i, and as
    t -> 0 one weight becomes 1. x_t may be (..., d) or end in any axes that multiply to d, such as (batch, 28, 28, 1).
    At t = 0 there is no density; eps* is 0 and x0_hat is x_t. Where alpha_bar_t = 0, x0_hat is the mean.

    The weights are a float64 matrix product of centred points: no (batch, n, d) array, and no float32 product, whose
    rounding, divided by 1 - abar, is many units of exponent at t = 1. Where the points are so far apart that even
    float64 products would lose digits, the distances are taken one by one. The points go to the device of x_t once.

    Raises BadInput for points that are not (n, d) or not finite.
    """

    points: Tensor
    _copies: dict[torch.device, _PointsOnDevice] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        points = self.points if isinstance(self.points, Tensor) else as_float64("points", self.points)
        if points.ndim != 2 or not points.numel():
            raise BadInput("points must have the shape (n, d), n and d at least 1; got {got}.", got=tuple(points.shape))
        if not points.is_floating_point():
            points = points.double()
        check_all_finite("points", points)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "_copies", {})

    # -------------------------------------------------------------------------- of the data alone
    @property
    def dimension(self) -> int:
        """d."""
        return self.points.shape[1]

    def mean(self) -> Tensor:
        """The average point, (d,), float64."""
        return self._parts(self.points.device).centre

    @property
    def variance(self) -> float:
        """s^2 = tr Cov[x_0] / d, the average variance of a coordinate (divisor n: the points are the law)."""
        return 2 * self._parts(self.points.device).half_squares.mean().item() / self.dimension

    @property
    def second_moment(self) -> float:
        """m_2 = E|x_0|^2 / d."""
        return self.variance + self.mean().square().mean().item()

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n draws of x_0: rows of points, (n, d), float64."""
        check_draw(n, generator)
        index = torch.randint(len(self.points), (n,), device=generator.device, generator=generator)
        return self.points[index.to(self.points.device)].double()

    def nearest(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The index of the nearest point, (...), and its Euclidean distance in float64, (...)."""
        rows = self._rows(x)
        parts = self._parts(rows.device)
        flat = (rows - parts.centre).reshape(-1, self.dimension)
        index = torch.cat([(p @ parts.centred.T - parts.half_squares).argmax(-1) for p in self._split(flat)])
        distance = (flat - parts.centred[index]).norm(dim=-1)  # of the winner alone, without cancellation
        return index.reshape(rows.shape[:-1]).to(x.device), distance.reshape(rows.shape[:-1])

    # -------------------------------------------------------------------------- of x_t
    def log_prob(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """log q_t(x_t) = log (1/n) sum_i N(x_t; sqrt(abar) y_i, (1 - abar) I) in nats, (...), t >= 1."""
        rows, abar, rest = self._ready(x_t, schedule, t)
        self._need_noise(rest)
        flat = rows.reshape(-1, self.dimension)
        seen = [self._logits(part, abar, rest) for part in self._split(flat)]
        evidence = torch.cat([logits.logsumexp(-1) + constant for logits, constant in seen])
        normaliser = math.log(len(self.points)) + 0.5 * self.dimension * (LOG_2PI + math.log(rest))
        return (evidence - normaliser).reshape(rows.shape[:-1]).to(x_t)

    def weights(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """w_i(x_t) = P(x_0 = y_i | x_t), (..., n), t >= 1."""
        rows, abar, rest = self._ready(x_t, schedule, t)
        self._need_noise(rest)
        return self._weights(rows, abar, rest).to(x_t)

    def effective_count(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """N_eff = exp(H(w)), in 1..n, (...): among how many points x_t still hesitates, t >= 1."""
        rows, abar, rest = self._ready(x_t, schedule, t)
        self._need_noise(rest)
        flat = rows.reshape(-1, self.dimension)
        weights = (self._weights(part, abar, rest) for part in self._split(flat))
        entropy = torch.cat([torch.special.entr(w).sum(-1) for w in weights])
        return entropy.exp().reshape(rows.shape[:-1]).to(x_t)

    def x0_mean(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """x0_hat = E[x_0 | x_t] = sum_i w_i y_i, in the shape of x_t."""
        rows, abar, rest = self._ready(x_t, schedule, t)
        return self._x0(rows, abar, rest).reshape(x_t.shape).to(x_t)

    def x0_variance(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """Var[x_0 | x_t] of each coordinate, sum_i w_i (y_i - x0_hat)^2, in the shape of x_t.

        About the heaviest point of each row, whose own weight then adds nothing: by matrix products, and where those
        lose digits (points much nearer to each other than to their mean) by differences. Each variance is right to
        1e-10 of itself or of the largest of its row.
        """
        rows, abar, rest = self._ready(x_t, schedule, t)
        if rest == 0:
            return torch.zeros_like(x_t)
        squares = self._parts(rows.device).centred.square()
        parts = []
        for flat in self._split(rows.reshape(-1, self.dimension)):
            w = self._weights(flat, abar, rest)
            variance, lost = self._by_products(w, squares)
            for some in lost.any(-1).nonzero()[:, 0].split(max(1, CHUNK // self.points.numel())):
                columns = lost[some].any(0).nonzero()[:, 0]
                variance[some[:, None], columns] = self._by_differences(w[some], columns)
            parts.append(variance)
        return torch.cat(parts).reshape(x_t.shape).to(x_t)

    def eps(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """eps* = E[eps | x_t] = (x_t - sqrt(abar) x0_hat) / sqrt(1 - abar), in the shape of x_t."""
        rows, abar, rest = self._ready(x_t, schedule, t)
        return self._eps(rows, abar, rest).reshape(x_t.shape).to(x_t)

    def score(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> Tensor:
        """grad log q_t(x_t) = -eps* / sqrt(1 - abar), in the shape of x_t, t >= 1."""
        rows, abar, rest = self._ready(x_t, schedule, t)
        self._need_noise(rest)
        return (self._eps(rows, abar, rest) / -math.sqrt(rest)).reshape(x_t.shape).to(x_t)

    def reverse_conditional(self, x_t: Tensor, schedule: NoiseSchedule, t: int, s: int) -> GaussianMixture:
        """The true q(x_s | x_t) = sum_i w_i N(c_t x_t + c_0 y_i, beta_tilde I), s < t: a mixture for each row.

        It writes out (rows, n, d) means and (n, d, d) covariances, so it is for small sets; BadInput when they are
        too many numbers. (A draw needs none of it: draw i from ``weights``, then N(c_t x_t + c_0 y_i, beta_tilde I).)
        """
        step = transition(schedule, t, s)
        rows, abar, rest = self._ready(x_t, schedule, t)
        (n, d), count = self.points.shape, rows.numel() // self.dimension
        if n * d * max(d, count) > 8 * CHUNK:
            raise BadInput(
                "The mixture q(x_s | x_t) of {n} points of {d} numbers for {count} rows is too large to write out; "
                "at most {limit} numbers are allowed.",
                n=n,
                d=d,
                count=count,
                limit=8 * CHUNK,
            )
        logits, _ = self._logits(rows.reshape(-1, d), abar, rest)
        log_weights = logits.log_softmax(-1).reshape(*rows.shape[:-1], n)
        means = step.c_t * rows.unsqueeze(-2) + step.c_0 * self.points.to(rows)
        values = rows.new_full((n, d), step.beta_tilde)
        identity = torch.eye(d, dtype=rows.dtype, device=rows.device).expand(n, d, d)
        return GaussianMixture._derived(log_weights, means, values, identity)

    def denoiser(self, schedule: NoiseSchedule) -> Denoiser:
        """``model(x_t, t, cond=None)`` returning eps*, in the shape of x_t; t an int or (batch,) integers."""
        return denoiser_of(self, schedule)

    def kl_to_normal_mc(
        self, schedule: NoiseSchedule, t: int, n: int, generator: torch.Generator
    ) -> tuple[float, float]:
        """KL(q(x_t) || N(0, I)) in nats: the mean of log q_t - log N over n draws of x_t, and its standard error."""
        abar, rest = levels(schedule, t)
        self._need_noise(rest)
        x0 = self.sample(n, generator)
        noise = torch.randn(x0.shape, dtype=x0.dtype, device=generator.device, generator=generator).to(x0.device)
        x_t = math.sqrt(abar) * x0 + math.sqrt(rest) * noise
        return mean_log_ratio(lambda x: self.log_prob(x, schedule, t), x_t)

    # -------------------------------------------------------------------------- inside
    def _need_noise(self, rest: float) -> None:
        if rest == 0:
            raise BadInput("t must be at least 1 here: at t = 0 finite data have no density; got t = 0.")

    def _rows(self, x: Tensor) -> Tensor:
        check_points(x)
        rows = in_float64(flatten(x, self.dimension))
        check_all_finite("x_t", rows)
        return rows

    def _ready(self, x_t: Tensor, schedule: NoiseSchedule, t: int) -> tuple[Tensor, float, float]:
        abar, rest = levels(schedule, t)
        return self._rows(x_t), abar, rest

    def _split(self, flat: Tensor) -> tuple[Tensor, ...]:
        """Batches of rows whose (rows, n) weights fit into one chunk."""
        return flat.split(max(1, CHUNK // len(self.points)))

    def _parts(self, device: torch.device) -> _PointsOnDevice:
        if device not in self._copies:
            centred = self.points.to(device=device, dtype=torch.float64, copy=True)
            centre = centred.mean(0)
            centred -= centre
            half_squares = 0.5 * torch.einsum("nd,nd->n", centred, centred)
            largest = half_squares.max().item()
            self._copies[device] = _PointsOnDevice(self.points.to(device), centre, centred, half_squares, largest)
        return self._copies[device]

    def _logits(self, rows: Tensor, abar: float, rest: float) -> tuple[Tensor, Tensor]:
        """(rows, n) and (rows,), whose sum is -|x - sqrt(abar) y_i|^2 / 2 (1 - abar); rows (rows, d)."""
        parts = self._parts(rows.device)
        scale = abar / rest
        if scale * parts.largest_half_square > MOST_EXPONENT:
            distance = torch.cdist(rows, math.sqrt(abar) * parts.points.double(), compute_mode=_ONE_BY_ONE)
            return distance.square() / (-2 * rest), rows.new_zeros(len(rows))
        offset = rows - math.sqrt(abar) * parts.centre
        logits = torch.addmm(parts.half_squares, offset, parts.centred.T, alpha=math.sqrt(abar) / rest, beta=-scale)
        return logits, offset.square().sum(-1) / (-2 * rest)

    def _weights(self, rows: Tensor, abar: float, rest: float) -> Tensor:
        logits, _ = self._logits(rows.reshape(-1, self.dimension), abar, rest)
        return logits.softmax(-1).reshape(*rows.shape[:-1], len(self.points))

    def _by_products(self, w: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
        """The variance under weights (rows, n) of each coordinate, (rows, d), and where too few of its digits are left.

        With y from the heaviest point: sum w y^2 - (sum w y)^2, where the first is at least max w of the difference.
        """
        centred, heaviest = self._parts(w.device).centred, w.argmax(-1, keepdim=True)
        top, others = centred[heaviest[:, 0]], w.scatter(1, heaviest, 0.0)
        mass, first, second = others.sum(-1, keepdim=True), others @ centred, others @ squares
        size = second + mass * top.square()
        variance = (size - 2 * top * first - (first - mass * top).square()).clamp_min(0)  # rounding may go below 0
        kept = variance > 1e-5 * size
        return variance, ~kept & (size > 1e5 * torch.where(kept, variance, 0.0).amax(-1, keepdim=True))

    def _by_differences(self, w: Tensor, columns: Tensor) -> Tensor:
        """The same for some coordinates, (rows, columns), with every difference of two points taken by itself."""
        heavy = w.topk(min(2, w.shape[-1]), -1)
        kept = (w > LIGHT * heavy.values[:, -1:]).any(0).nonzero()[:, 0]
        points = self._parts(w.device).points
        top = points[heavy.indices[:, 0, None, None], columns].double()  # (rows, 1, columns)
        offset = points[kept[:, None], columns].double() - top
        w = w[:, None, kept]
        return (w @ offset.square() - (w @ offset).square())[:, 0]

    def _x0(self, rows: Tensor, abar: float, rest: float) -> Tensor:
        if rest == 0:
            return rows
        parts = self._parts(rows.device)
        flat = self._split(rows.reshape(-1, self.dimension))
        return torch.cat(
            [torch.addmm(parts.centre, self._weights(p, abar, rest), parts.centred) for p in flat]
        ).reshape(rows.shape)

    def _eps(self, rows: Tensor, abar: float, rest: float) -> Tensor:
        if rest == 0:  # x_t = x_0, independent of eps
            return torch.zeros_like(rows)
        return (rows - math.sqrt(abar) * self._x0(rows, abar, rest)) / math.sqrt(rest)


@dataclass(frozen=True)
class _PointsOnDevice:
    points: Tensor  # (n, d), as they came
    centre: Tensor  # (d,)
    centred: Tensor  # (n, d), points - centre
    half_squares: Tensor  # (n,), |points - centre|^2 / 2
    largest_half_square: float
