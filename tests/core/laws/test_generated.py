"""The exact law of Gaussian samples against golden numbers, closed forms, matrices, and Monte Carlo.

Monte Carlo: chi-square, two-sided, with pinned seeds and a false alarm rate of 1e-4 each.
"""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy import linalg, optimize, stats
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.generated import (
    GeneratedLaw,
    gaussian_optimal,
    gaussian_optimal_full,
    generated_law,
    generated_law_ddim,
    generated_variance,
    generated_variance_ddim,
    path_kl,
)
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.posterior import Transition, transition
from diffusion_core.samplers import ancestral, ddim
from diffusion_core.schedule import NoiseSchedule, cosine, linear, scaled_linear, sigmoid
from diffusion_core.variance import (
    NOTHING,
    Variance,
    VarianceChoice,
    fixed_large,
    fixed_small,
    learned_range,
    with_last,
)
from tests.core.laws.examples import SCHEDULE, close

GOLDEN = json.loads((Path(__file__).parents[2] / "reference" / "golden.json").read_text())["gen_var_over_data_var"]
CHOICES: dict[str, Callable[[float], VarianceChoice]] = {
    "beta": lambda lam: fixed_large,
    "btilde": lambda lam: fixed_small,
    "opt": gaussian_optimal,
}


def neighbours(pair: Transition, x_t: Tensor) -> Variance:
    """A mistake of published code: the step's own beta in place of the stride's."""
    value = SCHEDULE.beta[pair.t].item()
    return Variance(value, math.log(value))


# --- golden numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", GOLDEN)
def test_golden_numbers(key: str) -> None:
    lam = float(key.split("|")[1].removeprefix("s2="))
    for steps, row in GOLDEN[key].items():
        timesteps = SCHEDULE.timesteps(int(steps), "iddpm")
        for name, choice in CHOICES.items():
            assert close(generated_variance(SCHEDULE, timesteps, choice(lam), lam) / lam, row[name])
        assert close(generated_variance_ddim(SCHEDULE, timesteps, lam) / lam, row["ddim"])
        # wrong variants
        trailing = SCHEDULE.timesteps(int(steps), "trailing")
        if steps != "1000":
            assert not close(generated_variance(SCHEDULE, trailing, fixed_large, lam) / lam, row["beta"], 1e-6)
            assert not close(generated_variance(SCHEDULE, timesteps, neighbours, lam) / lam, row["beta"], 1e-6)
        noisy = generated_variance(SCHEDULE, timesteps, fixed_large, lam, noisy_last=True) / lam
        assert not close(noisy, row["beta"], 1e-6)


def test_a_long_noise_free_last_step_spoils_the_optimum() -> None:
    timesteps = SCHEDULE.timesteps(5, "trailing")
    assert round(generated_variance(SCHEDULE, timesteps, gaussian_optimal(1.0), 1.0), 3) == 0.659
    assert close(generated_variance(SCHEDULE, timesteps, gaussian_optimal(1.0), 1.0, noisy_last=True), 1.0)


def spectrum() -> Tensor:
    """32 x 32 frequencies, power 1 / (1 + f^2)^1.5, average variance 1/4: an 'image' whose law is known."""
    f = torch.fft.fftfreq(32, dtype=torch.float64) * 32
    power: Tensor = (1 + f[:, None] ** 2 + f**2) ** -1.5
    return (power / power.mean() / 4).flatten()


PATH_KL_BITS = {
    10: (232, 1.10, 0.38),
    25: (82, 0.57, 0.15),
    50: (32, 0.32, 0.074),
    100: (12, 0.17, 0.037),
    200: (4.5, 0.088, 0.018),
    400: (2.2, 0.046, 0.0095),
    1000: (0.60, 0.018, 0.0036),
}


@pytest.mark.parametrize("steps", PATH_KL_BITS)
def test_the_likelihood_of_beta_tilde_blows_up_at_few_steps(steps: int) -> None:
    lam = spectrum()
    best = gaussian_optimal(lam)
    for choice, expected in zip((fixed_small, fixed_large, best), PATH_KL_BITS[steps], strict=True):
        timesteps = SCHEDULE.timesteps(steps)
        bits = path_kl(SCHEDULE, timesteps, with_last(choice, best), lam).mean().item() / math.log(2)
        assert close(bits, expected, 0.03)
        other = path_kl(SCHEDULE, SCHEDULE.timesteps(steps // 2), with_last(choice, best), lam).mean().item()
        assert not close(other / math.log(2), expected, 0.03)


def test_the_order_of_ddim_table_1() -> None:
    lam = spectrum()

    def distances(steps: int) -> list[float]:
        timesteps = SCHEDULE.timesteps(steps, "leading")
        laws = [generated_law_ddim(SCHEDULE, timesteps, lam, eta=eta) for eta in (0.0, 0.2, 0.5, 1.0)]
        return [law.frechet2.mean().item() for law in [*laws, generated_law(SCHEDULE, timesteps, fixed_large, lam)]]

    few, many = distances(10), distances(1000)
    assert all(close(*pair, 0.01) for pair in zip(few, (0.0113, 0.0115, 0.0127, 0.0207, 0.0387), strict=True))
    assert all(close(*pair, 0.03) for pair in zip(many, (3.2e-6, 3.4e-6, 4.8e-6, 1.5e-5, 1.3e-6), strict=True))
    assert few == sorted(few)
    assert many[:4] == sorted(many[:4]) and many[4] == min(many)  # beta goes from worst to best


BRIGHTNESS = {1.0: (1.000, -0.0047), 10.0: (0.999, -0.045), 100.0: (0.948, -0.319), 1000.0: (0.567, -0.824)}


@pytest.mark.parametrize("lam", BRIGHTNESS)
def test_a_terminal_snr_above_zero_limits_brightness(lam: float) -> None:
    schedule = scaled_linear(1000)
    timesteps = schedule.timesteps(50)
    law = generated_law(schedule, timesteps, gaussian_optimal(lam), lam, data_mean=1.0, noisy_last=True)
    std, bias = BRIGHTNESS[lam]
    assert abs(law.ratio.sqrt().item() - std) < 6e-4
    assert close(law.bias.item(), bias, 0.01)
    better = generated_law(SCHEDULE, timesteps, gaussian_optimal(lam), lam, data_mean=1.0, noisy_last=True)
    assert not close(better.bias.item(), bias, 0.01)
    if lam == 1000.0:
        assert round(better.ratio.sqrt().item(), 4) == 0.9992


def crossover(steps: int, difference: Callable[[GeneratedLaw, GeneratedLaw], float]) -> float:
    """The data variance above which beta is better than beta-tilde."""
    timesteps = SCHEDULE.timesteps(steps)

    def of(lam: float) -> float:
        large, small = (generated_law(SCHEDULE, timesteps, choice, lam) for choice in (fixed_large, fixed_small))
        return difference(large, small)

    return float(optimize.brentq(of, 1e-4, 0.9, xtol=1e-7))


@pytest.mark.parametrize("steps, w2, kl", [(5, 0.209, 6.4e-4), (10, 0.0957, 5.1e-4), (20, 0.0352, 3.9e-4)])
def test_which_is_better_depends_on_the_data_and_the_metric(steps: int, w2: float, kl: float) -> None:
    assert close(crossover(steps, lambda a, b: (a.frechet2 - b.frechet2).item()), w2, 0.01)
    assert close(crossover(steps, lambda a, b: a.kl - b.kl), kl, 0.02)
    assert not close(crossover(steps + 1, lambda a, b: (a.frechet2 - b.frechet2).item()), w2, 0.01)


# --- closed forms ---------------------------------------------------------------------------------------------------


def boxed(
    schedule: NoiseSchedule, timesteps: Sequence[int], variance: VarianceChoice, lam: float, noisy_last: bool
) -> float:
    """The sum over steps, with no recursion."""

    def v(t: int) -> float:
        return 1 + schedule.alpha_bar[t].item() * (lam - 1)

    start = timesteps[0]
    total = schedule.alpha_bar[start].item() / v(start) ** 2
    for t, s in zip(timesteps, [*timesteps[1:], 0], strict=True):
        if s > 0 or noisy_last:
            sigma2 = float(variance(transition(schedule, t, s), NOTHING).value)
            total += sigma2 * schedule.alpha_bar[s].item() / v(s) ** 2
    return lam**2 * total


@pytest.mark.parametrize("schedule", [linear(1000), cosine(1000), sigmoid(1000), scaled_linear(100)])
@pytest.mark.parametrize("lam", [0.01, 0.25, 1.0, 4.0])
def test_recursion_equals_the_sum(schedule: NoiseSchedule, lam: float) -> None:
    for steps in (1, 2, 7, 50):
        for spacing in ("iddpm", "trailing", "leading"):
            timesteps = schedule.timesteps(steps, spacing)
            for choice in (fixed_large, fixed_small, learned_range(0.4), gaussian_optimal(lam)):
                for noisy_last in (False, True):
                    got = generated_variance(schedule, timesteps, choice, lam, noisy_last=noisy_last)
                    assert close(got, boxed(schedule, timesteps, choice, lam, noisy_last=noisy_last))
                    if steps > 2 and lam != 1:
                        assert not close(
                            got, boxed(schedule, timesteps, choice, 1.01 * lam, noisy_last=noisy_last), 1e-6
                        )
                    if choice is not fixed_small:
                        assert not close(got, boxed(schedule, timesteps, choice, lam, noisy_last=not noisy_last), 1e-6)


@pytest.mark.parametrize("lam", [0.25, 1.0, 4.0])
def test_the_optimum_is_exact_at_any_number_of_steps(lam: float) -> None:
    start = SCHEDULE.alpha_bar[-1].item()
    expected = lam - lam**2 * start**2 * (lam - 1) / (1 + start * (lam - 1)) ** 2
    for steps in (2, 3, 10, 100):
        timesteps = SCHEDULE.timesteps(steps)
        assert close(generated_variance(SCHEDULE, timesteps, gaussian_optimal(lam), lam, noisy_last=True), expected)
        assert abs(expected / lam - 1) < 3e-8
        assert not close(
            generated_variance(SCHEDULE, timesteps, gaussian_optimal(1.1 * lam), lam, noisy_last=True), expected
        )
        assert not close(generated_variance(SCHEDULE, timesteps, fixed_small, lam, noisy_last=True), expected, 0.01)


def test_eta_1_is_ancestral_with_beta_tilde() -> None:
    lam, timesteps = torch.tensor([0.0, 0.3, 1.0, 4.0]), SCHEDULE.timesteps(13)
    a, b = (
        generated_law_ddim(SCHEDULE, timesteps, lam, 0.7, eta=1.0),
        generated_law(SCHEDULE, timesteps, fixed_small, lam, data_mean=0.7),
    )
    assert torch.allclose(a.variance, b.variance, rtol=1e-10, atol=0)
    assert torch.allclose(a.bias, b.bias, rtol=1e-10, atol=0)
    assert not torch.allclose(
        generated_law_ddim(SCHEDULE, timesteps, lam, 0.7, eta=0.99).variance, b.variance, rtol=1e-6
    )


def test_bias_does_not_see_the_variance() -> None:
    lam, mean = torch.tensor([0.25, 1.0, 9.0], dtype=torch.float64), torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    schedule = scaled_linear(1000)
    start = schedule.alpha_bar[-1].item()
    expected = -start * lam / (1 - start + start * lam) * mean
    for choice in (fixed_large, fixed_small):
        law = generated_law(schedule, schedule.timesteps(9), choice, lam, data_mean=mean)
        assert torch.allclose(law.bias, expected, rtol=1e-10, atol=0)
    ddim_bias = generated_law_ddim(schedule, schedule.timesteps(9), lam, mean).bias
    assert not torch.allclose(ddim_bias, expected, rtol=1e-3)  # DDIM's mean is another


def test_one_eigenvalue_at_a_time_is_the_whole_matrix() -> None:
    """The recursion of full 3 x 3 covariances, with matrix inverses, against eigenvalues."""
    root = torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    C, I = root @ root.mT / 3, torch.eye(3, dtype=torch.float64)  # noqa: E741
    lam = torch.linalg.eigvalsh(C)
    timesteps = SCHEDULE.timesteps(6)
    best = gaussian_optimal(lam)
    g = I
    for t, s in zip(timesteps, [*timesteps[1:], 0], strict=True):
        pair = transition(SCHEDULE, t, s)
        S_t = pair.alpha_bar_t * C + pair.one_minus_alpha_bar_t * I
        A = pair.c_t * I + pair.c_0 * pair.sqrt_alpha_bar_t * C @ torch.linalg.inv(S_t)
        spread = pair.beta_tilde * I + pair.c_0**2 * pair.one_minus_alpha_bar_t * C @ torch.linalg.inv(S_t)
        chosen = float(best(pair, NOTHING).value)
        assert close(chosen, (spread.trace() / 3).item())
        g = A @ g @ A.mT + (chosen * I if s > 0 else 0)
    law = generated_law(SCHEDULE, timesteps, best, lam)
    assert torch.allclose(torch.linalg.eigvalsh(g), law.variance.sort().values, rtol=1e-9)
    full = generated_law(SCHEDULE, timesteps, gaussian_optimal_full(lam), lam)
    assert not torch.allclose(full.variance, law.variance, rtol=1e-3)
    assert full.frechet2.sum() < law.frechet2.sum() / 100  # only one variance for each direction is right in all

    def frechet2(a: Tensor, b: Tensor) -> float:
        cross = linalg.sqrtm(a.numpy() @ b.numpy())
        return (a + b).trace().item() - 2 * float(cross.trace().real)

    assert close(frechet2(g, C), law.frechet2.sum().item(), 1e-6)
    assert not close(frechet2(g, 1.01 * C), law.frechet2.sum().item(), 1e-6)


def test_path_kl_of_one_step_is_a_kl() -> None:
    schedule = linear(2, 0.3, 0.4)
    lam, mean = 0.6, 0.5
    total = path_kl(schedule, [1], fixed_large, lam, data_mean=mean).item()
    v = 0.7 * lam + 0.3
    start = 0.5 * (v - 1 - math.log(v) + 0.7 * mean**2)
    ratio = 0.3 * lam / v / 0.3  # sigma* = beta v_0 / v_1
    assert close(total, start + 0.5 * (ratio - 1 - math.log(ratio)))
    assert path_kl(schedule, [1], fixed_small, lam).item() == math.inf
    assert path_kl(schedule, [2, 1], fixed_small, 0.0).item() > 0  # a point is met by a point: finite
    assert path_kl(schedule, [2, 1], fixed_small, 0.0).isfinite()


def test_fewer_steps_cost_one_over_n() -> None:
    def error(steps: int, choice: VarianceChoice) -> float:
        timesteps = SCHEDULE.timesteps(steps, "trailing")
        return abs(generated_variance(SCHEDULE, timesteps, choice, 0.25, noisy_last=True) / 0.25 - 1)

    for choice in (fixed_large, fixed_small):
        slope = math.log2(error(1000, choice) / error(500, choice))
        assert abs(slope + 1) < 0.15
        assert abs(slope + 2) > 0.5 and abs(slope + 0.5) > 0.2


def test_summaries_of_two_gaussians() -> None:
    law = GeneratedLaw(*(torch.tensor(value, dtype=torch.float64) for value in ([2.0, 0.5], [0.3, 0.0], [1.0, 0.5])))
    p = [torch.distributions.Normal(m, v) for m, v in ((0.0, 1.0), (0.0, math.sqrt(0.5)))]
    q = [torch.distributions.Normal(m, v) for m, v in ((0.3, math.sqrt(2.0)), (0.0, math.sqrt(0.5)))]
    expected = sum(torch.distributions.kl_divergence(a, b).item() for a, b in zip(p, q, strict=True))
    backwards = sum(torch.distributions.kl_divergence(b, a).item() for a, b in zip(p, q, strict=True))
    assert close(law.kl, expected, 1e-6)
    assert not close(law.kl, backwards, 1e-2)
    assert close(law.frechet2.sum().item(), (math.sqrt(2) - 1) ** 2 + 0.09)


# --- Monte Carlo ----------------------------------------------------------------------------------------------------


def chi_square_p(samples: Tensor, variance: float) -> float:
    """Two-sided p of sum x^2 / variance, for independent N(0, variance)."""
    statistic = samples.square().sum().item() / variance
    return float(2 * min(stats.chi2.cdf(statistic, len(samples)), stats.chi2.sf(statistic, len(samples))))


@pytest.mark.parametrize("noisy_last", [False, True])
@pytest.mark.parametrize("lam", [0.05, 0.25, 4.0])
@pytest.mark.parametrize("name", ["beta", "btilde", "opt", "ddim"])
def test_samples_have_the_variance(name: str, lam: float, noisy_last: bool) -> None:
    n, timesteps = 20_000, SCHEDULE.timesteps(8)
    law = GaussianMixture.isotropic([1.0], [[0.0]], math.sqrt(lam))
    generator = torch.Generator().manual_seed(11)
    x_T = torch.randn(n, 1, dtype=torch.float64, generator=generator)
    if name == "ddim":
        *_, last = ddim(law.denoiser(SCHEDULE), SCHEDULE, x_T, timesteps)
        expected = generated_variance_ddim(SCHEDULE, timesteps, lam)
    else:
        choice = CHOICES[name](lam)
        *_, last = ancestral(
            law.denoiser(SCHEDULE),
            SCHEDULE,
            x_T,
            timesteps,
            variance=choice,
            generator=generator,
            noisy_last=noisy_last,
        )
        expected = generated_variance(SCHEDULE, timesteps, choice, lam, noisy_last=noisy_last)
    assert chi_square_p(last.x_s[:, 0], expected) > 1e-4
    for other in set(CHOICES) - {name}:
        wrong = generated_variance(SCHEDULE, timesteps, CHOICES[other](lam), lam, noisy_last=noisy_last)
        assert chi_square_p(last.x_s[:, 0], wrong) < 1e-4


# --- bad input ------------------------------------------------------------------------------------------------------


def test_bad_input_is_one_clear_sentence() -> None:
    wrong: list[tuple[Any, str]] = [
        (-0.1, "data_variance must not be negative; got -0.1"),
        ([[1.0]], "data_variance must be one finite number, or one row"),
        (math.nan, "data_variance must be one finite number"),
        ([], "data_variance must be one finite number"),
    ]
    for data_variance, sentence in wrong:
        with pytest.raises(BadInput, match=sentence):
            generated_law(SCHEDULE, [10, 5], fixed_large, data_variance)
    with pytest.raises(BadInput, match="at least one timestep"):
        generated_law(SCHEDULE, [], fixed_large, 1.0)
    with pytest.raises(BadInput, match="from high to low"):
        generated_law(SCHEDULE, [5, 10], fixed_large, 1.0)
    with pytest.raises(BadInput, match=r"eta must be a number from 0 .* got 1.5"):
        generated_law_ddim(SCHEDULE, [10, 5], 1.0, eta=1.5)
