"""Toys lie where their formula says, and their law is that of their draws; each check rejects a wrong variant."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from diffusion_core.data.toys import (
    TOYS,
    Dataset,
    bimodal,
    checkerboard,
    eight_gaussians,
    gaussian_1d,
    spiral,
    swiss_roll,
    three_modes,
    two_moons,
)
from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture
from tests.core.laws.examples import gen

Toy = Callable[[], Dataset[GaussianMixture]]
PLANE = [two_moons, swiss_roll, checkerboard, spiral]


def test_every_toy_is_found_by_its_name() -> None:
    for name, make in TOYS.items():
        toy = make()
        assert isinstance(toy, Dataset)
        assert toy.name == name
        assert toy.sample(5, gen()).shape == (5, *toy.shape)
        assert toy.law.dimension == int(np.prod(toy.shape))
        assert len(toy.law.weights) <= 200
        assert toy.law.log_prob(toy.sample(5, gen())).shape == (5,)  # the data's own density exists


@pytest.mark.parametrize("make", PLANE)
def test_curves_and_areas_are_centred_scaled_and_within_the_picture(
    make: Callable[[], Dataset[GaussianMixture]],
) -> None:
    toy = make()
    draws = toy.sample(20_000, gen(1))
    z = draws.mean(0) / draws.std(0) * len(draws) ** 0.5
    assert toy.law.mean().abs().max() < 1e-12 and z.abs().max() < 4.5
    assert abs(toy.law.variance - 1) < 1e-12
    squares = draws.square().mean(-1)  # the same from the draws; a law of standard deviation 1.03 would fail
    se = squares.std().item() / len(draws) ** 0.5
    assert abs(squares.mean().item() - 1) < 4.5 * se < abs(1.03**2 - 1)
    assert (draws.abs() < 3).all(-1).double().mean() > 0.9999


def test_the_toys_lie_where_their_formula_says() -> None:
    """A draw lies within 5 sd of its curve; draws of another toy do not."""
    roll = swiss_roll()
    sd = roll.law.eigenvalues.max().sqrt().item()
    for toy, near in ((roll, True), (spiral(), False)):
        distance = torch.cdist(toy.sample(2000, gen(2)), roll.law.means).amin(-1)
        assert (distance.max().item() < 5 * sd) == near
    radius = eight_gaussians().law.means.norm(dim=-1)
    assert (radius - 2**0.5).abs().max() < 1e-12
    assert abs(eight_gaussians().law.variance - 1.01) < 1e-12


def test_the_beads_make_one_smooth_ribbon() -> None:
    """Along the middle of a curve the density wavers by less than 15 %; with beads half as wide it breaks up."""
    for make in (two_moons, swiss_roll, spiral):
        law = make().law
        half = len(law.means) // 2
        middle = law.means[: half - 2] if make is not swiss_roll else law.means[2:-2]
        between = (middle[1:] + middle[:-1]) / 2

        def waver(mixture: GaussianMixture, middle: Tensor = middle, between: Tensor = between) -> float:
            at, off = mixture.log_prob(middle)[1:-1], mixture.log_prob(between)
            return (off[1:] + off[:-1] - 2 * at).abs().max().item() / 2

        thin = GaussianMixture.of(law.weights, law.means, law.covariances / 4)
        assert waver(law) < 0.15 < waver(thin)


def test_the_checkerboard_has_eight_squares() -> None:
    law = checkerboard().law
    side = 4 * law.means.abs().max().item() / 3.8  # 3.8 of 4 between the outermost beads
    centres = (torch.arange(4, dtype=torch.float64) - 1.5) * side / 2
    grid = torch.cartesian_prod(centres, centres)
    dark = torch.tensor([(i + j) % 2 == 0 for i in range(4) for j in range(4)])
    density = law.log_prob(grid).exp()
    assert density[dark].min() > 20 * density[~dark].max()


def test_the_line() -> None:
    assert abs(bimodal().law.variance - 0.82) < 1e-12
    assert gaussian_1d().law.variance == 0.25 and abs(gaussian_1d(2.0).law.variance - 2) < 1e-12
    assert gaussian_1d(0.0).sample(3, gen()).abs().max() == 0
    three = three_modes()
    draws = three.sample(20_000, gen(3))[:, 0].numpy()

    def cdf(x: NDArray[np.float64], weights: tuple[float, ...]) -> NDArray[np.float64]:
        modes = zip(weights, (-1, 0.3, 1.2), (0.15, 0.1, 0.2), strict=True)
        return np.asarray(sum(w * stats.norm.cdf(x, m, s) for w, m, s in modes))

    assert stats.kstest(draws, lambda x: cdf(x, (0.45, 0.3, 0.25))).pvalue > 1e-4
    assert stats.kstest(draws, lambda x: cdf(x, (0.40, 0.3, 0.30))).pvalue < 1e-4
    for bad in (-1.0, float("nan"), float("inf"), "wide"):
        with pytest.raises(BadInput, match="variance must be a finite number, at least 0"):
            gaussian_1d(bad)  # type: ignore[arg-type]
