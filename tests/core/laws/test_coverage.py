"""What is said of samples that are known to be right, too narrow, or to lack a mode; how deep a pass lies."""

import math

import pytest
import torch
from scipy import stats

from diffusion_core.data.toys import eight_gaussians, two_moons
from diffusion_core.laws.coverage import Reference, bridge_level
from diffusion_core.laws.mixtures import GaussianMixture

LAW = eight_gaussians().law
REFERENCE = Reference(LAW, n=40_000)
SAMPLES = LAW.sample(8000, torch.Generator().manual_seed(7))


def test_of_the_truth_all_is_0_or_as_rare_as_it_should_be() -> None:
    """Shares within 4.9 sd: one false alarm in a million."""
    found = REFERENCE.coverage(SAMPLES)
    assert abs(found.quality) < 0.06 and abs(found.quality_median) < 0.06  # sd of ln p about 1: 4 errors of 8,000
    for share, expected in ((found.outside_99, 0.01), (found.outside_999, 0.001)):
        assert stats.binomtest(round(share * 8000), 8000, expected).pvalue > 1e-6
    assert stats.binomtest(round(found.outside_99 * 8000), 8000, 0.02).pvalue < 1e-6
    assert found.caught == found.nearest == found.parts == 8
    assert found.shares_kl < 5 * 7 / (2 * 8000)


def test_the_reference_is_of_the_law() -> None:
    """The entropy of far-apart beads has a formula; 1 % of new draws lie below the cut for 99 %."""
    entropy = math.log(8) + 1 + math.log(2 * math.pi * 0.01)
    assert REFERENCE.entropy == pytest.approx(entropy, abs=0.02)
    assert (REFERENCE.log_probs.diff() >= 0).all() and REFERENCE.cut(0.999) < REFERENCE.cut(0.99) < -REFERENCE.entropy


def test_a_lost_mode_and_strays_are_counted() -> None:
    part = REFERENCE.coverage(SAMPLES[(SAMPLES - LAW.means[0]).norm(dim=1) > 0.5])
    assert part.caught == part.nearest == 7 and part.shares_kl == pytest.approx(math.log(8 / 7), abs=0.01)
    blurred = SAMPLES + 0.45 * torch.randn(SAMPLES.shape, generator=torch.Generator().manual_seed(1))
    strays = REFERENCE.coverage(blurred)
    assert strays.nearest == 8 and strays.caught == 0  # near every centre, and yet of no mode
    assert strays.outside_999 > 0.5 and strays.quality < -3


def test_too_narrow_a_model_has_a_quality_above_the_truth() -> None:
    law = GaussianMixture.isotropic(LAW.weights, LAW.means, 0.05)
    narrow = REFERENCE.coverage(law.sample(2000, torch.Generator().manual_seed(2)))
    assert narrow.quality > 0.5 and narrow.quality_median > 0.3 and narrow.caught == 8


def test_beads_in_a_row_make_an_arc() -> None:
    moons = Reference(two_moons().law, n=10_000)
    assert moons.part.bincount().tolist() == [4] * 16
    assert torch.allclose(moons.weights, torch.full((16,), 1 / 16, dtype=torch.float64))
    assert moons.coverage(moons.law.sample(4000, torch.Generator().manual_seed(3))).caught == 16


def test_the_lowest_pass_between_two_peaks_lies_halfway() -> None:
    two = GaussianMixture.isotropic([0.5, 0.5], [[-1.0, 0.0], [1.0, 0.0]], 0.4)
    x, y = torch.linspace(-2, 2, 81, dtype=torch.float64), torch.linspace(-1, 1, 41, dtype=torch.float64)
    height = two.log_prob(torch.cartesian_prod(x, y)).reshape(81, 41)
    found = bridge_level(height, [(20, 20), (60, 20)])
    assert found == pytest.approx(two.log_prob(torch.zeros(1, 2).double()).item(), abs=1e-12)
    assert bridge_level(height, [(20, 20), (22, 20)]) > found + 0.5
    walled = height.clone()
    walled[40] = -50.0
    assert bridge_level(walled, [(20, 20), (60, 20)]) == -50
