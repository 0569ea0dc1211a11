r"""A finite data set, whose diffusion is known exactly.

A data set :math:`\{y_i\}` is the mixture with weights 1/n and no width. With :math:`\bar\alpha = \bar\alpha_t`, what
x_t says of x_0 is

.. math::
    w_i = P(x_0 = y_i|x_t) = \mathrm{softmax}_i
        \frac{\sqrt{\bar\alpha}\;x_t\cdot y_i - \bar\alpha\|y_i\|^2/2}{1-\bar\alpha},

one matrix product. Its exact denoiser gives back the data: the one that generalizes is another.

References:
    Karras et al. 2022 (arXiv:2206.00364), appendix B.3: the ideal denoiser of a finite data set.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from diffusion_core.errors import BadInput, check_finite, check_floating
from diffusion_core.laws.law import CHUNK, Law, Noised, as_float64, check_draw, flatten, in_float64
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.objectives import LOG_2PI
from diffusion_core.posterior import transition
from diffusion_core.schedule import NoiseSchedule

__all__ = ["FiniteData", "NoisedPoints"]

MOST_EXPONENT = 2e7  # float64 keeps 8 digits behind the point of an exponent as large
LIGHT = 1e-30  # of the second heaviest weight: points that have less do not add to a variance
ONE_BY_ONE = "donot_use_mm_for_euclid_dist"  # how cdist keeps its digits


@dataclass(frozen=True, eq=False)
class FiniteData(Law):
    r"""x_0 drawn uniformly from the rows of points: the law that a training set IS, and its exact denoiser.

    Sampling with it returns training points (the memorisation theorem): :math:`\hat x_0 = \sum_i w_iy_i`, and as t -> 0
    one weight becomes 1. Places may be (..., d) or end in any axes that multiply to d, such as (batch, 28, 28, 1).

    Args:
        points: (n, d), a tensor, an array or lists; they go to the device of x_t once.

    Raises:
        BadInput: points that are not (n, d) or not finite.
    """

    points: Tensor

    def __post_init__(self) -> None:
        points = self.points if isinstance(self.points, Tensor) else as_float64("points", self.points)
        if points.ndim != 2 or not points.numel():
            raise BadInput("points must have the shape (n, d), n and d at least 1; got {got}.", got=tuple(points.shape))
        if not points.is_floating_point():
            points = points.double()
        check_finite("points", points)
        object.__setattr__(self, "points", points)

    # --- of the data alone ------------------------------------------------------------------------------------------

    @property
    def dimension(self) -> int:
        """d."""
        return self.points.shape[1]

    @property
    def centres(self) -> Tensor:
        """(n, d), float64: the points."""
        return self.points.double()

    def mean(self) -> Tensor:
        """The average point, (d,), float64."""
        return self._parts(self.points.device).centre

    @property
    def variance(self) -> float:
        r""":math:`s^2`, the average variance of a coordinate (divisor n: the points are the law)."""
        return 2 * self._parts(self.points.device).half_squares.mean().item() / self.dimension

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n draws of x_0: rows of points, (n, d), float64.

        Raises:
            BadInput: n is not a positive integer, or generator no `torch.Generator`.
        """
        check_draw(n, generator)
        index = torch.randint(len(self.points), (n,), device=generator.device, generator=generator)
        return self.points[index.to(self.points.device)].double()

    def nearest(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The index of the nearest point, (...), and its Euclidean distance in float64, (...).

        Raises:
            BadInput: x of another dimension, of whole numbers or not finite.
        """
        rows = self._rows(x)
        parts = self._parts(rows.device)
        flat = (rows - parts.centre).reshape(-1, self.dimension)
        index = torch.cat([(p @ parts.centred.T - parts.half_squares).argmax(-1) for p in self._split(flat)])
        distance = (flat - parts.centred[index]).norm(dim=-1)  # of the winner alone, without cancellation
        return index.reshape(rows.shape[:-1]).to(x.device), distance.reshape(rows.shape[:-1])

    def at(self, schedule: NoiseSchedule, t: int) -> "NoisedPoints":
        """What is known at t, an integer in 0..T.

        Raises:
            BadInput: t out of range.
        """
        schedule.check_t(t)
        alpha_bar, noise = schedule.alpha_bar[t].item(), schedule.one_minus_alpha_bar[t].item()
        return NoisedPoints(self, schedule, t, alpha_bar=alpha_bar, noise=noise)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _rows(self, x: Tensor) -> Tensor:
        check_floating("x_t", x)
        rows = in_float64(flatten(x, self.dimension))
        check_finite("x_t", rows)
        return rows

    def _split(self, flat: Tensor) -> tuple[Tensor, ...]:
        """Batches of rows whose (rows, n) weights fit into one chunk."""
        return torch.split(flat, max(1, CHUNK // len(self.points)))

    def _parts(self, device: torch.device) -> "_PointsOnDevice":
        if device not in self._copies:
            centred = self.points.to(device=device, dtype=torch.float64, copy=True)
            centre = centred.mean(0)
            centred -= centre
            half_squares = 0.5 * torch.einsum("nd,nd->n", centred, centred)
            self._copies[device] = _PointsOnDevice(
                points=self.points.to(device),
                centre=centre,
                centred=centred,
                half_squares=half_squares,
                largest_half_square=half_squares.max().item(),
            )
        return self._copies[device]

    @cached_property
    def _copies(self) -> "dict[torch.device, _PointsOnDevice]":
        return {}


@dataclass(frozen=True)
class _PointsOnDevice:
    points: Tensor  # (n, d), as they came
    centre: Tensor  # (d,)
    centred: Tensor  # (n, d), points - centre
    half_squares: Tensor  # (n,), |points - centre|^2 / 2
    largest_half_square: float


@dataclass(frozen=True, eq=False)
class NoisedPoints(Noised):
    r"""What is known of noised points, and what x_t says of the point behind it.

    The weights are a float64 matrix product of centred points: no (batch, n, d) array, and no float32 product, whose
    rounding, divided by 1 - alpha_bar, is many units of exponent at t = 1. Where the points are so far apart that even
    float64 products would lose digits, the distances are taken one by one.

    Args:
        law: of x_0.
        schedule, t: how it was noised.
        alpha_bar, noise: :math:`\bar\alpha` and :math:`1-\bar\alpha`.

    Raises:
        BadInput: (every method) places of another dimension, of whole numbers or not finite; (`log_prob`, `score` and
            `weights`) t = 0.
    """

    law: FiniteData
    schedule: NoiseSchedule
    t: int
    alpha_bar: float
    noise: float

    def log_prob(self, x: Tensor) -> Tensor:
        r""":math:`\ln\frac1n\sum_i N(x;\ \sqrt{\bar\alpha}\,y_i,\ (1-\bar\alpha)I)` in nats, (...), t >= 1."""
        self._need_noise()
        rows, d = self.law._rows(x), self.law.dimension
        seen = [self._logits(part) for part in self.law._split(rows.reshape(-1, d))]
        evidence = torch.cat([logits.logsumexp(-1) + constant for logits, constant in seen])
        normaliser = math.log(len(self.law.points)) + 0.5 * d * (LOG_2PI + math.log(self.noise))
        return (evidence - normaliser).reshape(rows.shape[:-1]).to(x)

    def weights(self, x: Tensor) -> Tensor:
        r""":math:`w_i = P(x_0 = y_i|x_t)`, (..., n), t >= 1."""
        self._need_noise()
        return self._weights(self.law._rows(x)).to(x)

    def score(self, x: Tensor) -> Tensor:
        r""":math:`\nabla\ln q_t = -\epsilon^*/\sqrt{1-\bar\alpha}`, in the shape of x, t >= 1."""
        self._need_noise()
        return (self._eps(self.law._rows(x)) / -math.sqrt(self.noise)).reshape(x.shape).to(x)

    def eps(self, x: Tensor) -> Tensor:
        r""":math:`\epsilon^* = (x_t-\sqrt{\bar\alpha}\,\hat x_0)/\sqrt{1-\bar\alpha}`, in the shape of x."""
        return self._eps(self.law._rows(x)).reshape(x.shape).to(x)

    def x0_mean(self, x: Tensor) -> Tensor:
        r""":math:`\hat x_0 = E[x_0|x_t] = \sum_i w_iy_i`, in the shape of x."""
        return self._x0(self.law._rows(x)).reshape(x.shape).to(x)

    def x0_variance(self, x: Tensor) -> Tensor:
        r""":math:`\mathrm{Var}[x_0|x_t] = \sum_i w_i(y_i-\hat x_0)^2` of each coordinate, in the shape of x.

        About the heaviest point of each row, whose own weight then adds nothing: by matrix products, and where those
        lose digits (points much nearer to each other than to their mean) by differences. Each variance is right to
        1e-10 of itself or of the largest of its row.
        """
        rows, points = self.law._rows(x), self.law.points
        if self.noise == 0:
            return torch.zeros_like(x)
        squares = self.law._parts(rows.device).centred.square()
        parts = []
        for flat in self.law._split(rows.reshape(-1, self.law.dimension)):
            w = self._weights(flat)
            variance, lost = self._by_products(w, squares)
            for some in torch.split(lost.any(-1).nonzero()[:, 0], max(1, CHUNK // points.numel())):
                columns = lost[some].any(0).nonzero()[:, 0]
                variance[some[:, None], columns] = self._by_differences(w[some], columns)
            parts.append(variance)
        return torch.cat(parts).reshape(x.shape).to(x)

    def reverse_conditional(self, x: Tensor, s: int) -> GaussianMixture:
        r"""The true :math:`q(x_s|x_t) = \sum_i w_i N(c_tx_t + c_0y_i,\ \tilde\beta I)`, s < t: a mixture for each row.

        It writes out (rows, n, d) means and (n, d, d) vectors, so it is for small sets. (A draw needs none of it: draw
        i from `weights`, then :math:`N(c_tx_t + c_0y_i, \tilde\beta I)`.)

        Raises:
            BadInput: not 0 <= s < t; too many numbers to write out.
        """
        step = transition(self.schedule, self.t, s)
        rows, points = self.law._rows(x), self.law.points
        (n, d), count = points.shape, rows.numel() // self.law.dimension
        if n * d * max(d, count) > 8 * CHUNK:
            raise BadInput(
                "The mixture q(x_s | x_t) of {n} points of {d} numbers for {count} rows is too large to write out; "
                "at most {limit} numbers are allowed.",
                n=n,
                d=d,
                count=count,
                limit=8 * CHUNK,
            )
        logits, _ = self._logits(rows.reshape(-1, d))
        return GaussianMixture(
            log_weights=logits.log_softmax(-1).reshape(*rows.shape[:-1], n),
            means=step.c_t * rows.unsqueeze(-2) + step.c_0 * points.to(rows),
            eigenvalues=rows.new_full((n, d), step.beta_tilde),
            eigenvectors=torch.eye(d, dtype=rows.dtype, device=rows.device).expand(n, d, d),
        )

    # --- inside: rows (..., d) are float64, and looked at -----------------------------------------------------------

    def _need_noise(self) -> None:
        if self.noise == 0:
            raise BadInput("t must be at least 1 here: at t = 0 finite data have no density; got t = 0.")

    def _logits(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(rows, n) and (rows,), whose sum is -|x - sqrt(alpha_bar) y_i|^2 / 2 (1 - alpha_bar); rows (rows, d)."""
        parts, signal, noise = self.law._parts(rows.device), math.sqrt(self.alpha_bar), self.noise
        scale = self.alpha_bar / noise
        if scale * parts.largest_half_square > MOST_EXPONENT:
            distance = torch.cdist(rows, signal * parts.points.double(), compute_mode=ONE_BY_ONE)
            return distance.square() / (-2 * noise), rows.new_zeros(len(rows))
        offset = rows - signal * parts.centre
        logits = torch.addmm(parts.half_squares, offset, parts.centred.T, alpha=signal / noise, beta=-scale)
        return logits, offset.square().sum(-1) / (-2 * noise)

    def _weights(self, rows: Tensor) -> Tensor:
        logits, _ = self._logits(rows.reshape(-1, self.law.dimension))
        return logits.softmax(-1).reshape(*rows.shape[:-1], len(self.law.points))

    def _x0(self, rows: Tensor) -> Tensor:
        if self.noise == 0:
            return rows
        parts = self.law._parts(rows.device)
        flat = self.law._split(rows.reshape(-1, self.law.dimension))
        x0 = torch.cat([torch.addmm(parts.centre, self._weights(p), parts.centred) for p in flat])
        return x0.reshape(rows.shape)

    def _eps(self, rows: Tensor) -> Tensor:
        if self.noise == 0:  # x_t = x_0, independent of eps
            return torch.zeros_like(rows)
        return (rows - math.sqrt(self.alpha_bar) * self._x0(rows)) / math.sqrt(self.noise)

    def _by_products(self, w: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
        """The variance under weights (rows, n) of each coordinate, (rows, d), and where too few of its digits are left.

        With y from the heaviest point: sum w y^2 - (sum w y)^2, where the first is at least max w of the difference.
        """
        centred, heaviest = self.law._parts(w.device).centred, w.argmax(-1, keepdim=True)
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
        points = self.law._parts(w.device).points
        top = points[heavy.indices[:, 0, None, None], columns].double()  # (rows, 1, columns)
        offset = points[kept[:, None], columns].double() - top
        w = w[:, None, kept]
        return (w @ offset.square() - (w @ offset).square())[:, 0]
