"""The calibration of checks sees power, false alarms and p-values."""

from dataclasses import replace

import numpy as np
import torch
from scipy import stats

from diffusion_core.claims import Claim
from diffusion_core.claims.calibration import calibrate, family, p_values, uniformity
from diffusion_core.claims.check import SHARES, Trial, chi_square, z_of_mean
from diffusion_core.claims.forward import ORDER


def noise(variance: float, setting: int, seed: int) -> list[Trial]:
    r = torch.randn(setting, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return [z_of_mean(r), chi_square(r * variance**0.5)]


def test_calibration_sees_power_false_alarms_and_p_values() -> None:
    seeds = range(200)
    good = Claim("good", "", noise, truth=1.0, mistakes={"twice": 2.0}, setting=500)
    assert calibrate(good, seeds).good
    assert calibrate(good, seeds).uniform.keys() == {"z of the mean", "variance / expected (chi-square)"}
    assert not calibrate(replace(good, mistakes={"hardly": 1.01}), seeds).good  # no power
    too_eager = calibrate(replace(good, alpha=0.2), seeds)
    assert too_eager.good and too_eager.false_alarms > 10  # as many as were stated
    wrong = calibrate(replace(good, truth=1.1), seeds)
    assert not wrong.good
    assert wrong.uniform["z of the mean"] > 1e-3 > wrong.uniform["variance / expected (chi-square)"]


def uniform(power: float, setting: int, seed: int) -> list[Trial]:
    """Two tests whose p-values are uniform at the power 1, and too small above it."""
    p = torch.rand(2, generator=torch.Generator().manual_seed(1000 * seed + setting), dtype=torch.float64)
    return [Trial("p", 0.0, p_value=float(one) ** power) for one in p]


def test_all_claims_together_raise_a_false_alarm_as_seldom_as_was_promised() -> None:
    """As many claims as there are shares, 400 seeds: at each level the rate is that level, and not far below it."""
    seeds = range(400)
    claims = [Claim(f"{k}", "", uniform, truth=1.0, mistakes={}, setting=k) for k in range(1, SHARES + 1)]
    found = [calibrate(one, seeds) for one in claims]
    together = family(found)
    assert len(together.pooled) == 2 * SHARES * len(seeds)
    assert uniformity(together.pooled) > 1e-3
    for level in (0.05, 0.2):
        low, high = together.interval(level)
        assert low < level < 1.5 * high
    alone = np.min([2 * np.min(list(one.p.values()), axis=0) for one in found], axis=0)
    assert np.mean(alone <= 0.05) > 0.5  # each claim at the whole level: what was wrong before
    red = [any(not one.run(seed=seed).passed for one in claims) for seed in np.argsort(together.smallest)[:3].tolist()]
    assert sum(red) == together.alarms()  # the lights say the same
    assert family([*found, calibrate(replace(claims[0], truth=4.0), seeds)]).alarms(0.05) > 60  # a wrong claim is seen
    assert family([calibrate(ORDER, range(2)), *found]).alarms(1.0) == len(seeds)  # one without p-values raises none


def test_a_one_sided_test_may_be_sure_but_not_too_eager() -> None:
    """p near 1 at every seed is no fault of a test whose claim is true on a whole side; p near 0 is."""

    def shifted(by: float, setting: int, seed: int) -> list[Trial]:
        two_sided = z_of_mean(torch.randn(setting, generator=torch.Generator().manual_seed(seed)) + by)
        p = float(stats.norm.cdf(two_sided.value))
        return [Trial("z (one-sided)", two_sided.value, p_value=p, n=setting, one_sided=True)]

    seeds = range(200)
    sure = Claim("sure", "", shifted, truth=0.2, mistakes={"below": -1.0}, setting=500)
    assert calibrate(sure, seeds).good
    assert family([calibrate(sure, seeds)]).pooled.size == 0  # whose p need not be uniform
    assert calibrate(replace(sure, truth=0.0), seeds).good
    assert not calibrate(replace(sure, truth=-0.03), seeds).good
    as_two_sided = replace(sure, check=lambda *a: [replace(trial, one_sided=False) for trial in shifted(*a)])
    assert not calibrate(as_two_sided, seeds).good


def test_tests_of_one_name_are_told_apart() -> None:
    twice = Claim(
        "twice", "", lambda v, s, seed: [*noise(v, s, seed), *noise(v, s, seed + 1)], truth=1.0, mistakes={}, setting=50
    )
    found = p_values(twice.run(seed=seed) for seed in range(3))
    assert [name.endswith("(2)") for name in found] == [False, False, True, True]
    assert all(len(p) == 3 for p in found.values())
    assert uniformity(np.linspace(0.0025, 0.9975, 200)) > 0.99
    assert uniformity(np.linspace(0.0025, 0.9975, 200) ** 2) < 1e-3
