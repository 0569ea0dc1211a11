"""Negentropy against quadrature, closed forms and a known expansion; modes against SciPy's peaks."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import integrate, signal, stats

from diffusion_core import GaussianMixture
from diffusion_core.data.toys import Dataset, bimodal, eight_gaussians, three_modes, two_moons
from diffusion_core.errors import BadInput
from diffusion_core.laws.negentropy import best_gaussian, count_modes, negentropy
from tests.core.laws.examples import SCHEDULE


def look_back(law: GaussianMixture, x_t: list[float], t: int, s: int) -> GaussianMixture:
    return law.at(SCHEDULE, t).reverse_conditional(torch.tensor(x_t, dtype=torch.float64), s)


def by_scipy(q: GaussianMixture) -> float:
    """The integral of q ln(q / g), adaptive; independent of the code but for the means and variances."""
    w, m, v = q.weights.numpy(), q.means[:, 0].numpy(), q.covariances[:, 0, 0].numpy()
    mean = w @ m
    sd = math.sqrt(w @ (v + (m - mean) ** 2))

    def integrand(x: float) -> float:
        density = float(w @ stats.norm.pdf(x, m, np.sqrt(v)))
        return density * (math.log(density) - stats.norm.logpdf(x, mean, sd)) if density > 0 else 0.0

    edges = np.sort(np.concatenate([m - 9 * np.sqrt(v), m, m + 9 * np.sqrt(v)]))
    area, _error = integrate.quad(integrand, edges[0], edges[-1], points=edges[1:-1], limit=500, epsabs=1e-12)
    return float(area)


@pytest.mark.parametrize(("t", "s", "x_t"), [(300, 200, 0.0), (300, 1, 0.4), (500, 250, -0.7), (250, 1, 0.0)])
def test_on_the_line_against_adaptive_quadrature(t: int, s: int, x_t: float) -> None:
    for data in (bimodal, three_modes):
        q = look_back(data().law, [x_t], t, s)
        assert negentropy(q) == pytest.approx(by_scipy(q), rel=1e-6)
        assert negentropy(q) != pytest.approx(by_scipy(q.at(SCHEDULE, 30)), rel=1e-2)


def test_the_figures_of_the_two_peaked_data() -> None:
    """x_t = 0, strides 1, 100 and 249: nats and peaks."""
    law = bimodal().law
    expected = {(300, 299): (6.54e-11, 1), (300, 200): (9.93e-3, 2), (250, 1): (1.50, 2)}
    for (t, s), (nats, modes) in expected.items():
        q = look_back(law, [0.0], t, s)
        assert negentropy(q) == pytest.approx(nats, rel=2e-3)
        assert count_modes(q) == modes


def test_in_the_plane_it_is_the_integral_over_a_finer_grid_and_adds_over_axes() -> None:
    line = look_back(bimodal().law, [0.3], 300, 100)
    w = torch.outer(line.weights, line.weights).flatten()
    means = torch.cartesian_prod(line.means[:, 0], line.means[:, 0])
    variance = line.covariances[:, 0, 0]
    pairs = torch.cartesian_prod(variance, variance)
    product = GaussianMixture.of(w, means, torch.diag_embed(pairs))
    assert negentropy(product) == pytest.approx(2 * negentropy(line), abs=1e-5)
    turned = torch.tensor([[2.0, 0.5], [-1.0, 3.0]], dtype=torch.float64)
    moved = GaussianMixture.of(w, means @ turned.T + 5, turned @ torch.diag_embed(pairs) @ turned.T)
    assert negentropy(moved) == pytest.approx(negentropy(product), abs=1e-5)
    assert abs(negentropy(product) - negentropy(line)) > 1e-2


@pytest.mark.parametrize("data", [eight_gaussians, two_moons])
@pytest.mark.parametrize("s", [1, 150])
def test_in_the_plane_against_monte_carlo(data: Callable[[], Dataset[GaussianMixture]], s: int) -> None:
    """z-test of the mean log ratio over 20,000 draws; one false alarm in 1e4."""
    q = look_back(data().law, [0.3, 0.2], 300, s)
    x = q.sample(20_000, torch.Generator().manual_seed(3))
    ratio = q.log_prob(x) - best_gaussian(q).log_prob(x)
    error = ratio.std().item() / math.sqrt(len(x))
    assert abs(ratio.mean().item() - negentropy(q)) < 3.9 * error
    assert abs(ratio.mean().item() - 1.3 * negentropy(q)) > 3.9 * error


def test_a_gaussian_has_none_and_skewness_gives_the_leading_term() -> None:
    one = GaussianMixture.isotropic([1.0], [[0.7]], 0.3)
    assert abs(negentropy(one)) < 1e-12
    q = look_back(bimodal().law, [0.6], 300, 298)
    x = torch.linspace(-4, 4, 40_001, dtype=torch.float64)[:, None]
    density = q.log_prob(x).exp()[:, 0] if q.log_prob(x).ndim > 1 else q.log_prob(x).exp()
    z = (x[:, 0] - q.mean()) / q.variance**0.5
    skewness = torch.trapezoid(density * z**3, x[:, 0]).item()
    assert negentropy(q) == pytest.approx(skewness**2 / 12, rel=0.05)
    assert negentropy(q) != pytest.approx(skewness**2 / 6, rel=0.05)


@pytest.mark.parametrize("s", [290, 200, 100, 1])
@pytest.mark.parametrize("x_t", [-0.8, 0.0, 0.5])
def test_modes_against_peaks_on_a_grid(s: int, x_t: float) -> None:
    for data in (bimodal, three_modes):
        q = look_back(data().law, [x_t], 300, s)
        density = q.log_prob(torch.linspace(-3, 3, 60_001, dtype=torch.float64)[:, None]).exp().numpy()
        assert count_modes(q) == len(signal.find_peaks(density)[0])


def test_bad_input_is_one_sentence() -> None:
    flat = GaussianMixture.of(torch.tensor([1.0]), torch.zeros(1, 2), torch.zeros(1, 2, 2))
    with pytest.raises(BadInput, match="without width"):
        negentropy(flat)
    with pytest.raises(BadInput, match="1 or 2 dimensions"):
        negentropy(GaussianMixture.of(torch.tensor([1.0]), torch.zeros(1, 3), torch.eye(3)[None]))
    with pytest.raises(BadInput, match="too narrow"):
        negentropy(GaussianMixture.isotropic([0.5, 0.5], [[0.0, 0.0], [9.0, 1.0]], [1e-3, 1.0]))
    with pytest.raises(BadInput, match="1 dimension"):
        count_modes(eight_gaussians().law)
    with pytest.raises(BadInput, match="without width"):
        count_modes(GaussianMixture.isotropic([1.0], [[0.0]], 0.0))
    with pytest.raises(BadInput, match=r"too narrow for counting modes: 8e\+10 places times components"):
        count_modes(GaussianMixture.isotropic([0.5, 0.5], [[-1.0], [1.0]], 1e-9))
    assert count_modes(GaussianMixture.isotropic([0.5, 0.5], [[-1.0], [1.0]], 1e-4)) == 2
