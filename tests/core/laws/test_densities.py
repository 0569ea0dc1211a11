"""Propagated densities against the tables, closed forms and Monte Carlo; each check rejects a wrong variant.

Monte Carlo: pinned seeds, a false alarm rate of 1e-4 each. KS judges the shape; the variance has a z-test of its own.
"""

import math
from functools import cache

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.bounds import vlb_gap
from diffusion_core.laws.densities import GeneratedDensity, generated_density, generated_density_ddim
from diffusion_core.laws.generated import gaussian_optimal, generated_law, generated_law_ddim
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.variances import optimal_for, state_dependent
from diffusion_core.samplers import ancestral, ddim
from diffusion_core.schedule import NoiseSchedule, cosine, linear
from diffusion_core.variance import Variance, VarianceChoice, fixed_large, fixed_small, learned_range, with_last
from tests.core.laws.examples import BIMODAL, SCHEDULE, UNEVEN, gaussian


def choices(law: GaussianMixture, steps: int) -> dict[str, VarianceChoice]:
    best = optimal_for(law, SCHEDULE, SCHEDULE.timesteps(steps))
    return {"beta": fixed_large, "btilde": with_last(fixed_small, best), "opt": best}


# --- the table ------------------------------------------------------------------------------------------------------

# steps: choice: VLB gap, KL(data || generated), TV, W1, variance (to the digits given)
TABLE = {
    10: {
        "beta": ("1.108", ".882", ".570", ".228", ".845"),
        "btilde": ("164.0", "2.486", ".428", ".084", ".700"),
        "opt": (".802", ".386", ".356", ".117", ".749"),
    },
    20: {
        "beta": (".727", ".318", ".322", ".082", ".829"),
        "btilde": ("37.0", ".641", ".300", ".037", ".788"),
        "opt": (".246", ".015", ".048", ".013", ".801"),
    },
    50: {
        "beta": (".349", ".058", ".126", ".024", ".822"),
        "btilde": ("17.4", ".149", ".169", ".024", ".808"),
        "opt": (".079", ".0009", ".012", ".003", ".815"),
    },
}


def agrees(got: float, printed: str) -> bool:
    """To half a unit of the last digit, or one where it was cut."""
    return abs(got - float(printed)) <= 0.75 * 0.1 ** len(printed.split(".")[1])


@cache
def made(steps: int) -> dict[str, GeneratedDensity]:
    """What each choice makes of the bimodal data: seconds of work, that two tests look at."""
    timesteps = SCHEDULE.timesteps(steps)
    return {
        name: generated_density(BIMODAL, SCHEDULE, timesteps, choice, noisy_last=True)
        for name, choice in choices(BIMODAL, steps).items()
    }


@pytest.mark.parametrize("steps", TABLE)
def test_the_table_of_the_bimodal_data(steps: int) -> None:
    timesteps = SCHEDULE.timesteps(steps)
    for name, choice in choices(BIMODAL, steps).items():
        got = made(steps)[name]
        gap = vlb_gap(BIMODAL, SCHEDULE, timesteps, choice).total
        found = (gap, got.kl, got.tv, got.w1, got.variance)
        assert all(agrees(*pair) for pair in zip(found, TABLE[steps][name], strict=True))
        assert abs(got.mass - 1) < 1e-9 and abs(got.mean) < 1e-9
        assert got.kl <= gap  # the data processing inequality
        others = [row for other, row in TABLE[steps].items() if other != name]
        assert not any(agrees(got.kl, row[1]) or agrees(gap, row[0]) for row in others)


def test_a_better_bound_need_not_be_a_better_sampler() -> None:
    laws = made(10)
    assert min(laws, key=lambda name: laws[name].w1) == "btilde"
    assert min(laws, key=lambda name: laws[name].kl) == min(laws, key=lambda name: laws[name].tv) == "opt"
    assert max(laws, key=lambda name: laws[name].kl) == "btilde"


# --- closed forms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [linear(1000), cosine(1000)])
@pytest.mark.parametrize("lam, mean", [(0.25, 0.5), (1.0, 0.0), (4.0, -1.0)])
@pytest.mark.parametrize("noisy_last", [False, True])
def test_gaussian_data_stay_gaussian(schedule: NoiseSchedule, lam: float, mean: float, noisy_last: bool) -> None:
    law, timesteps = gaussian(lam, mean), schedule.timesteps(8)
    for choice in (fixed_large, with_last(fixed_small, fixed_large), learned_range(0.3), gaussian_optimal(lam)):
        got = generated_density(law, schedule, timesteps, choice, noisy_last=noisy_last)
        expected = generated_law(schedule, timesteps, choice, lam, data_mean=mean, noisy_last=noisy_last)
        assert is_gaussian(got, mean + expected.bias.item(), expected.variance.item())
        assert abs(got.kl - expected.kl) < 1e-6
        assert not is_gaussian(got, mean + expected.bias.item(), 1.001 * expected.variance.item())
        assert not is_gaussian(got, mean + expected.bias.item() + 0.001, expected.variance.item())


def is_gaussian(law: GeneratedDensity, mean: float, variance: float) -> bool:
    """In its moments and in its density, to 1e-6 of the peak."""
    sd = math.sqrt(variance)
    error = (law.density - torch.from_numpy(stats.norm.pdf(law.x.numpy(), mean, sd))).abs().max().item() * sd
    return error < 1e-6 and abs(law.variance / variance - 1) < 1e-6 and abs(law.mean - mean) < 1e-6


@pytest.mark.parametrize("steps", [1, 4, 30])
@pytest.mark.parametrize("lam", [0.25, 4.0])
def test_ddim_of_gaussian_data(lam: float, steps: int) -> None:
    timesteps = SCHEDULE.timesteps(steps)
    got = generated_density_ddim(gaussian(lam, 0.3), SCHEDULE, timesteps)
    expected = generated_law_ddim(SCHEDULE, timesteps, lam, 0.3)
    assert is_gaussian(got, 0.3 + expected.bias.item(), expected.variance.item())
    noisy = generated_law_ddim(SCHEDULE, timesteps, lam, 0.3, eta=0.5)
    assert steps == 1 or not is_gaussian(got, 0.3 + noisy.bias.item(), noisy.variance.item())


def test_summaries_of_two_gaussians() -> None:
    x = torch.linspace(-9, 9, 4001, dtype=torch.float64)
    log_p, log_q = (torch.from_numpy(stats.norm.logpdf(x.numpy(), mean)) for mean in (0.0, 0.7))
    law = GeneratedDensity(x, log_q, log_p)
    assert abs(law.kl - 0.7**2 / 2) < 1e-9
    assert abs(law.tv - (2 * stats.norm.cdf(0.35) - 1)) < 1e-6
    assert abs(law.w1 - 0.7) < 1e-6
    assert abs(law.mean - 0.7) < 1e-9 and abs(law.variance - 1) < 1e-9
    wide = GeneratedDensity(x, torch.from_numpy(stats.norm.logpdf(x.numpy(), 0, 1.2)), log_p)
    forward, backward = (math.log(1.2) + (1 / 1.44 - 1) / 2, -math.log(1.2) + (1.44 - 1) / 2)
    assert abs(wide.kl - forward) < 1e-9 and abs(wide.kl - backward) > 0.005  # data first


def test_one_noisy_step_is_one_convolution() -> None:
    """N = 1, state-dependent noise: the integral by another rule, point by point."""
    choice = state_dependent(BIMODAL, SCHEDULE)
    got = generated_density(BIMODAL, SCHEDULE, [300], choice, noisy_last=True)
    y = torch.linspace(-9, 9, 20_001, dtype=torch.float64)[:, None]
    mean, spread = BIMODAL.at(SCHEDULE, 300).x0_mean(y), BIMODAL.at(SCHEDULE, 300).x0_variance(y)
    weight = torch.exp(-0.5 * y.square()) / math.sqrt(2 * math.pi) * (y[1] - y[0])

    def at(x: Tensor, spread: Tensor) -> Tensor:
        kernel = torch.exp(-0.5 * (x - mean).square() / spread) / (2 * math.pi * spread).sqrt()
        return (weight * kernel).sum(0)

    some = slice(None, None, 97)
    assert (got.density[some] - at(got.x[some], spread)).abs().max() < 1e-9
    assert (got.density[some] - at(got.x[some], spread.mean() * torch.ones_like(spread))).abs().max() > 1e-3


# --- Monte Carlo ----------------------------------------------------------------------------------------------------


def fits(law: GeneratedDensity, samples: Tensor) -> bool:
    """KS for the shape, and z for the variance."""
    cdf = np.concatenate([[0.0], torch.cumulative_trapezoid(law.density, law.x).numpy()])
    ks = stats.kstest(samples.numpy(), lambda x: np.interp(x, law.x.numpy(), cdf))
    squares = (samples - law.mean).square()
    z = (squares.mean().item() - law.variance) / (squares.std().item() / math.sqrt(len(samples)))
    return bool(ks.pvalue > 1e-4 and abs(z) < stats.norm.isf(5e-5))


@pytest.mark.parametrize("law", [BIMODAL, UNEVEN])
@pytest.mark.parametrize("name", ["beta", "btilde", "state", "ddim"])
def test_samples_have_the_density(name: str, law: GaussianMixture) -> None:
    n, timesteps = 20_000, SCHEDULE.timesteps(7)
    generator = torch.Generator().manual_seed(5)
    x_T = torch.randn(n, 1, dtype=torch.float64, generator=generator)
    laws = {
        "beta": generated_density(law, SCHEDULE, timesteps, fixed_large),
        "btilde": generated_density(law, SCHEDULE, timesteps, fixed_small),
        "state": generated_density(law, SCHEDULE, timesteps, state_dependent(law, SCHEDULE)),
        "ddim": generated_density_ddim(law, SCHEDULE, timesteps),
    }
    choice = {"beta": fixed_large, "btilde": fixed_small, "state": state_dependent(law, SCHEDULE)}
    if name == "ddim":
        *_, last = ddim(law.denoiser(SCHEDULE), SCHEDULE, x_T, timesteps)
    else:
        *_, last = ancestral(
            law.denoiser(SCHEDULE), SCHEDULE, x_T, timesteps, variance=choice[name], generator=generator
        )
    samples = last.x_s[:, 0]
    assert fits(laws[name], samples)
    assert [other for other in laws if other != name and fits(laws[other], samples)] == []
    assert all(abs(each.mass - 1) < 1e-6 for each in laws.values())


# --- bad input ------------------------------------------------------------------------------------------------------


def test_bad_input_is_one_clear_sentence() -> None:
    plane = GaussianMixture.isotropic([1.0], [[0.0, 0.0]], 1.0)

    def with_noise(law: GaussianMixture, timesteps: list[int]) -> GeneratedDensity:
        return generated_density(law, SCHEDULE, timesteps, fixed_large)

    def without(law: GaussianMixture, timesteps: list[int]) -> GeneratedDensity:
        return generated_density_ddim(law, SCHEDULE, timesteps)

    for run in (with_noise, without):
        with pytest.raises(BadInput, match="one dimension; got data of 2"):
            run(plane, [10, 5])
        with pytest.raises(BadInput, match="without width"):
            run(gaussian(0.0), [10, 5])
        with pytest.raises(BadInput, match="at least one timestep"):
            run(BIMODAL, [])
        with pytest.raises(BadInput, match="from high to low"):
            run(BIMODAL, [5, 10])
    with pytest.raises(BadInput, match="too narrow for a grid"):
        generated_density(BIMODAL, SCHEDULE, [100, 50], learned_range(20.0))
    with pytest.raises(BadInput, match="must be positive at t = 100"):
        generated_density(BIMODAL, SCHEDULE, [100, 50], lambda pair, x: Variance(0.0, -math.inf))
