"""Finite data against broadcasting, many digits and brute force; each check rejects a wrong variant."""

import itertools
import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from diffusion_core.errors import BadInput
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.posterior import transition
from diffusion_core.schedule import linear
from tests.core.laws.examples import SCHEDULE, TIMES, error, gen, levels, noisy, normal


def digit_like_points(n: int = 300, d: int = 784) -> Tensor:
    """Mostly -1, some ink; point 1 is point 0 moved by about 1e-4 in all: the near-duplicate."""
    points = torch.rand(n, d, generator=gen(20), dtype=torch.float64)
    points = torch.where(points > 0.8, 10 * points - 9, -1.0)
    points[1] = points[0] + 1e-4 / math.sqrt(d) * normal(d, seed=21)
    return points


def broadcast_x0(points: Tensor, x: Tensor, abar: float, rest: float) -> Tensor:
    logits = -((x[:, None] - math.sqrt(abar) * points) ** 2).sum(-1) / (2 * rest)
    return logits.softmax(-1) @ points


@pytest.mark.parametrize("t", [1, 2, 10, 100, 300, 600, 1000])
def test_the_matrix_product_equals_broadcasting(t: int) -> None:
    points, (abar, rest) = digit_like_points(), levels(t)
    x = math.sqrt(abar) * points[:8] + math.sqrt(rest) * normal(8, 784, seed=22)
    x[7] = math.sqrt(abar) * (points[7] + points[8]) / 2  # exactly between two points
    x0 = broadcast_x0(points, x, abar, rest)
    eps = (x - math.sqrt(abar) * x0) / math.sqrt(rest)
    law = FiniteData(points)
    assert (law.at(SCHEDULE, t).x0_mean(x) - x0).abs().max() < 1e-9
    assert (law.at(SCHEDULE, t).eps(x) - eps).abs().max() < 1e-7
    single = law.at(SCHEDULE, t).eps(x.float())
    assert single.dtype == torch.float32


def test_a_float32_product_would_not_do() -> None:
    """The mutant of the test above: between two points, the same formula in float32 misses by far more than 1e-6."""
    points, (abar, rest) = digit_like_points(), levels(1)
    x = math.sqrt(abar) * (points[2:40] + points[3:41]) / 2
    p, y = points.float(), x.float()
    logits = (math.sqrt(abar) * y @ p.T - 0.5 * abar * p.square().sum(-1)) / rest
    x0 = broadcast_x0(points, x, abar, rest)
    assert ((logits.softmax(-1) @ p).double() - x0).abs().max() > 1e-3
    assert (FiniteData(points).at(SCHEDULE, 1).x0_mean(x) - x0).abs().max() < 1e-6


class LargestTensor(TorchDispatchMode):
    """Remembers the largest tensor that any operation returns."""

    def __init__(self) -> None:
        TorchDispatchMode.__init__(self)
        self.numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.numel = max(self.numel, tensor.numel())
        return result


def test_nothing_of_the_size_batch_times_n_times_d_is_made() -> None:
    points = digit_like_points()
    x = normal(64, 784)
    with LargestTensor() as ours:
        FiniteData(points).at(SCHEDULE, 100).eps(x)
    with LargestTensor() as broadcasting:
        broadcast_x0(points, x[:4], *levels(100))
    assert ours.numel <= points.numel()
    assert broadcasting.numel == 4 * points.numel()


def test_finite_data_is_the_mixture_of_points() -> None:
    points = normal(6, 3)
    finite, mixture = FiniteData(points), GaussianMixture.of([1 / 6] * 6, points, torch.zeros(6, 3, 3))
    other = GaussianMixture.of([1 / 6] * 6, points, 0.01 * torch.eye(3).expand(6, 3, 3))
    for t in TIMES:
        x = noisy(mixture, t)[0]
        for name in ("log_prob", "score", "eps", "x0_mean"):
            got = getattr(finite.at(SCHEDULE, t), name)(x)
            assert error(got, getattr(mixture.at(SCHEDULE, t), name)(x)) < 1e-9
            if name == "log_prob":
                assert error(got, other.at(SCHEDULE, t).log_prob(x)) > 1e-8
        weights = finite.at(SCHEDULE, t).weights(x)
        assert (weights - mixture.at(SCHEDULE, t).responsibilities(x)).abs().max() < 1e-9
    assert error(finite.mean(), mixture.mean()) < 1e-12
    assert abs(finite.variance - mixture.variance) < 1e-12
    assert abs(finite.second_moment - points.square().mean().item()) < 1e-12


# outliers, near-duplicates, a cluster far from the mean, and nothing special
FAR_APART: dict[str, tuple[list[list[float]], list[list[float]]]] = {
    "an outlier": ([[0.0], [1e-3], [1e6]], [[5e-4], [2e-4], [0.9]]),
    "an outlier, and little doubt": ([[0.0], [1e-3], [1e6]], [[-10.0]]),
    # for more than 25 points PyTorch's cdist would multiply matrices
    "an outlier of many": ([[0.0], *([1e4 + 1e-3 * k] for k in range(30))], [[1e4 + 5e-4]]),
    "near-duplicates": ([[0.0, 1.0], [1e-7, 1.0], [2.0, -1.0], [2.0, -3.0]], [[0.0, 1.0], [2.0, -2.0], [1.0, 0.0]]),
    "far from the origin": ([[1e4, 0.3], [1e4 + 1e-3, 0.3], [1e4 - 1, 0.4]], [[1e4, 0.3], [1e4 - 0.5, 0.3]]),
    "a few": ([[-0.9, 0.1], [0.9, 0.4], [0.2, -0.7], [0.25, -0.7]], [[0.1, 0.2], [0.9, 0.4], [0.2, -0.6]]),
}


def in_many_digits(
    points: list[list[float]], row: list[float], alpha_bar: float, noise: float
) -> tuple[float, list[float], list[float]]:
    """log q_t, w and Var[x_0 | x_t] of one row from their definitions, in decimal arithmetic."""
    with localcontext(prec=700):
        y = [[Decimal(v) for v in point] for point in points]
        abar, rest, x = Decimal(alpha_bar), Decimal(noise), [Decimal(v) for v in row]
        squares = [sum((a - abar.sqrt() * b) ** 2 for a, b in zip(x, point, strict=True)) for point in y]
        exponents = [-square / (2 * rest) for square in squares]
        top = max(exponents)
        w = [(e - top).exp() for e in exponents]
        log_q = top + (sum(w, Decimal(0)) / len(w)).ln() - len(x) * (2 * Decimal(math.pi) * rest).ln() / 2
        w = [v / sum(w) for v in w]
        mean = [sum(v * point[i] for v, point in zip(w, y, strict=True)) for i in range(len(x))]
        variance = [sum(v * (p[i] - m) ** 2 for v, p in zip(w, y, strict=True)) for i, m in enumerate(mean)]
        return float(log_q), [float(v) for v in w], [float(v) for v in variance]


@pytest.mark.parametrize("name", FAR_APART)
@pytest.mark.parametrize("t", [1, 40, 300, 1000])
def test_finite_data_in_many_digits(name: str, t: int) -> None:
    points, at = (torch.tensor(part, dtype=torch.float64) for part in FAR_APART[name])
    law, (abar, rest) = FiniteData(points), levels(t)
    x = math.sqrt(abar) * at
    truth = [in_many_digits(points.tolist(), row, abar, rest) for row in x.tolist()]
    log_q, w, variance = (torch.tensor(part, dtype=torch.float64) for part in zip(*truth, strict=True))
    got = law.at(SCHEDULE, t).x0_variance(x)
    assert ((got - variance).abs() <= 1e-10 * variance.amax(-1, keepdim=True) + 1e-300).all()
    assert (law.at(SCHEDULE, t).weights(x) - w).abs().max() < 1e-9
    assert error(law.at(SCHEDULE, t).log_prob(x), log_q) < 1e-9
    centred = points - points.mean(0)
    plain = w @ centred.square() - (w @ centred).square()
    if name in ("an outlier", "near-duplicates") and t == 1:
        assert ((plain - variance).abs() > 1e-3 * variance.amax(-1, keepdim=True)).any()


def test_the_variance_of_finite_data_is_never_negative() -> None:
    """Where all the weight is on points that agree in a coordinate, rounding alone would be left of it."""
    points = normal(60, 3, seed=41)
    points[:, 1] = torch.where(points[:, 1] > 1.8, points[:, 1], 0.3)
    x = noisy(FiniteData(points), 100, n=200)[0]
    spread = FiniteData(points).at(SCHEDULE, 100).x0_variance(x)
    assert spread.min() >= 0 and (spread[:, 1] < 1e-12).any()


def test_the_variance_of_digits_needs_no_differences() -> None:
    """By matrix products only, where no two points are nearly the same: by differences it is some ten times slower."""
    points = digit_like_points()
    points[1] = -points[0]
    law = FiniteData(points)
    for t in (1, 100, 300, 500):
        x = noisy(law, t, n=8)[0]
        w = law.at(SCHEDULE, t).weights(x)
        variance, lost = law.at(SCHEDULE, t)._by_products(w, (points - points.mean(0)).square())
        mean = w @ points
        truth = torch.stack([w[i] @ (points - mean[i]).square() for i in range(8)])
        assert not lost.any() or t == 1
        assert ((variance - truth).abs() < 1e-10 * truth.amax(-1, keepdim=True).clamp_min(1e-20)).all()


def test_at_t_1_one_weight_is_1_and_at_T_they_are_even() -> None:
    points = normal(50, 4)
    law = FiniteData(points)
    assert law.at(SCHEDULE, 1).weights(points).amax(-1).min() > 0.999
    assert (law.at(SCHEDULE, 1).weights(points).argmax(-1) == torch.arange(50)).all()
    last = law.at(SCHEDULE, 1000).weights(noisy(law, 1000)[0])
    assert (last - 1 / 50).abs().max() < 5e-3 < (law.at(SCHEDULE, 200).weights(points) - 1 / 50).abs().max()


def test_the_nearest_point() -> None:
    points = normal(50, 4)
    law = FiniteData(points)
    x = noisy(law, 1000)[0]
    index, distance = law.nearest(x)
    brute = torch.cdist(x, points)
    assert torch.equal(index, brute.argmin(-1))
    assert error(distance, brute.amin(-1)) < 1e-12
    assert law.nearest(points)[1].max() == 0
    assert not torch.equal(index, (x @ points.T).argmax(-1))  # the largest product is not the nearest point


def generate(law: Law, n: int, d: int, seed: int = 0, steps: int = 50) -> Tensor:
    """Ancestral sampling with beta_tilde, noise-free at the end, from posterior coefficients alone."""
    denoise, x = law.denoiser(SCHEDULE), normal(n, d, seed=seed)
    times = [*SCHEDULE.timesteps(steps), 0]
    for i, (t, s) in enumerate(itertools.pairwise(times)):
        pair = transition(SCHEDULE, t, s)
        x0 = (x - pair.sqrt_one_minus_alpha_bar_t * denoise(x, t)) / pair.sqrt_alpha_bar_t
        x = pair.c_0 * x0 + pair.c_t * x + math.sqrt(pair.beta_tilde) * normal(n, d, seed=1000 * seed + i)
    return x


def test_sampling_with_the_exact_optimum_returns_training_points() -> None:
    points = normal(30, 8, seed=30)
    law = FiniteData(points)
    index, distance = law.nearest(generate(law, 100, 8))
    assert distance.max() < 1e-9
    assert len(set(index.tolist())) > 10  # not always the same one
    spread = GaussianMixture.isotropic([1 / 30] * 30, points, 0.05)
    assert law.nearest(generate(spread, 100, 8))[1].min() > 1e-3


def test_denoiser_takes_images() -> None:
    law = FiniteData(digit_like_points())
    denoise = law.denoiser(SCHEDULE)
    x = normal(3, 784)
    flat = denoise(x, 300)
    for shape in [(3, 28, 28, 1), (3, 1, 28, 28), (3, 28, 28)]:
        assert torch.equal(denoise(x.reshape(shape), 300), flat.reshape(shape))
        now = law.at(SCHEDULE, 300)
        assert torch.equal(now.x0_mean(x.reshape(shape)).reshape(3, 784), now.x0_mean(x))
    assert not torch.equal(denoise(x.reshape(3, 28, 28).mT, 300), flat.reshape(3, 28, 28))


def test_one_point_and_one_step() -> None:
    law, schedule = FiniteData(torch.tensor([[2.0, -1.0]])), linear(T=1)
    x = normal(5, 2)
    assert torch.equal(law.at(schedule, 1).x0_mean(x), law.points.expand(5, 2))
    assert law.variance == 0
    assert error(law.at(schedule, 1).x0_mean(x), x) > 0.1


def test_finite_data_refuse_what_they_have_no_answer_for() -> None:
    law, x = FiniteData(normal(5, 2)), normal(3, 2, seed=1)
    start, now = law.at(SCHEDULE, 0), law.at(SCHEDULE, 100)
    for ask in (start.log_prob, start.weights, start.score):
        with pytest.raises(BadInput, match="at t = 0 finite data have no density"):
            ask(x)
    for ask in (now.log_prob, now.weights, now.eps, now.x0_mean, now.x0_variance):
        with pytest.raises(BadInput, match="x_t must hold finite numbers only"):
            ask(x / 0)
    with pytest.raises(BadInput, match="x_t must hold finite numbers only"):
        law.nearest(x * math.nan)
    with pytest.raises(BadInput, match="x_t must be a tensor of floating-point numbers"):
        now.eps(x.long())
    with pytest.raises(BadInput, match="x_t must be a tensor of floating-point numbers"):
        law.nearest(x.long())
    with pytest.raises(BadInput, match="n must be an integer of at least 1; got 0"):
        law.sample(0, gen())


def test_points_are_kept_as_they_come_but_for_whole_numbers() -> None:
    rows: Any = [[0, 1], [2, 3]]
    for points, dtype in (
        (rows, torch.float64),
        (torch.tensor(rows), torch.float64),
        (normal(2, 2).float(), torch.float32),
    ):
        law = FiniteData(points)
        assert law.points.dtype == dtype and law.centres.dtype == law.mean().dtype == torch.float64
        assert torch.equal(law.points.double(), torch.as_tensor(points).double())


@pytest.mark.parametrize(
    ("sentence", "call"),
    [
        ("points must have the shape", lambda: FiniteData(torch.zeros(3))),
        ("points must have the shape", lambda: FiniteData(torch.zeros(0, 3))),
        ("points must hold finite numbers only", lambda: FiniteData(torch.tensor([[math.nan]]))),
        ("points must be an array of numbers; got str", lambda: FiniteData("here")),  # type: ignore[arg-type]
        ("t must be", lambda: FiniteData(torch.zeros(1, 3)).at(SCHEDULE, 1001)),
        (
            "too large to write out",
            lambda: FiniteData(torch.zeros(100, 784)).at(SCHEDULE, 5).reverse_conditional(torch.zeros(784), 4),
        ),
    ],
)
def test_bad_arguments(sentence: str, call: Callable[[], object]) -> None:
    with pytest.raises(BadInput, match=sentence):
        call()
