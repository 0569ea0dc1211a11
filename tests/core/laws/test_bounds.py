"""The bound in two forms, its prior, its error; each check rejects a wrong variant.

Monte Carlo: pinned seeds, |z| < 4.5 (false alarm rate 7e-6 each).
"""

import itertools
import math

import pytest
import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.forward import forward_kl
from diffusion_core.laws.bounds import Bound, vlb, vlb_gap
from diffusion_core.laws.estimates import Estimate, entropy, loss_floor, x0_uncertainty
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.variances import optimal_for, state_dependent
from diffusion_core.objectives import decoder_term, vlb_term
from diffusion_core.posterior import Transition, transition
from diffusion_core.schedule import NoiseSchedule, cosine, from_beta, linear, sigmoid
from diffusion_core.variance import (
    NOTHING,
    Variance,
    VarianceChoice,
    fixed_large,
    fixed_small,
    learned_range,
    optimal,
    with_last,
)
from tests.core.laws.examples import (
    BIMODAL,
    FIVE,
    SCHEDULE,
    UNEVEN,
    Z,
    close,
    finite,
    gaussian,
    gen,
    normal,
    on_a_grid,
    plane,
)


@pytest.mark.parametrize("law", [BIMODAL, UNEVEN, gaussian(0.25, 0.5), gaussian(4.0, -1.0)])
@pytest.mark.parametrize("schedule", [linear(1000), cosine(1000), sigmoid(50)])
def test_two_forms_of_the_bound_agree(schedule: NoiseSchedule, law: GaussianMixture) -> None:
    data = entropy(law, schedule, 0).value
    for steps, spacing in ((1, "trailing"), (3, "iddpm"), (10, "leading")):
        timesteps = schedule.timesteps(steps, spacing)
        best = optimal_for(law, schedule, timesteps)
        states = state_dependent(law, schedule)
        for choice in (fixed_large, with_last(fixed_small, best), best, learned_range(0.4), states):
            terms, gaps = vlb(law, schedule, timesteps, choice), vlb_gap(law, schedule, timesteps, choice)
            assert abs(terms.total - gaps.total - data) < 1e-10 * max(1.0, abs(terms.total))
            assert len(terms.steps) == len(gaps.steps) == steps
            assert terms.standard_error == gaps.standard_error == 0  # by quadrature
            assert all(gap > -1e-10 for gap in gaps.steps)  # each is a KL
            assert abs(terms.total - gaps.total) > 1e-3  # the entropy forgotten
            assert terms.steps[0] != pytest.approx(gaps.steps[0], rel=1e-6)  # no term is the same
            assert close(terms.bits * math.log(2), terms.total)


def test_the_bound_is_least_at_the_optimum() -> None:
    timesteps = SCHEDULE.timesteps(10)
    best = optimal_for(BIMODAL, SCHEDULE, timesteps)
    least = vlb(BIMODAL, SCHEDULE, timesteps, best).steps
    assert all(a > b for a, b in zip(vlb(BIMODAL, SCHEDULE, timesteps, fixed_large).steps, least, strict=True))
    for factor in (0.9, 1.1):
        scaled = vlb(BIMODAL, SCHEDULE, timesteps, times(best, factor)).steps
        assert all(a > b for a, b in zip(scaled, least, strict=True))
    better = vlb(BIMODAL, SCHEDULE, timesteps, state_dependent(BIMODAL, SCHEDULE)).steps
    assert all(a < b + 1e-12 for a, b in zip(better, least, strict=True))  # unless it sees x_t
    assert sum(better) < sum(least) - 0.1
    for term, t, s in zip(least, timesteps, [*timesteps[1:], 0], strict=True):
        pair = transition(SCHEDULE, t, s)
        sigma2 = best(pair, NOTHING).value
        expected = math.log(sigma2 / pair.beta_tilde) / 2 if s > 0 else math.log(2 * math.pi * math.e * sigma2) / 2
        assert close(term, expected, 1e-9)


def times(choice: VarianceChoice, factor: float) -> VarianceChoice:
    def scaled(pair: Transition, x: Tensor) -> Variance:
        chosen = choice(pair, x)
        return Variance(factor * chosen.value, chosen.log + math.log(factor))

    return scaled


VDM = {10: 458.5, 25: 104.7, 50: 32.9, 100: 13.49, 1000: 4.368}


@pytest.mark.parametrize("steps", VDM)
def test_beta_tilde_pays_the_snr_lost_times_what_is_unknown(steps: int) -> None:
    law, timesteps = gaussian(0.25), SCHEDULE.timesteps(steps)
    terms = vlb(law, SCHEDULE, timesteps, fixed_small)
    assert math.isinf(terms.steps[-1]) and terms.steps[-1] > 0  # its decoder has no width
    assert abs(sum(terms.steps[:-1]) / VDM[steps] - 1) < 1e-3
    for term, (t, s) in zip(terms.steps, itertools.pairwise(timesteps), strict=False):
        lost = (SCHEDULE.snr[s] - SCHEDULE.snr[t]).item()
        assert abs(term - 0.5 * lost * x0_uncertainty(law, SCHEDULE, t).value) < 1e-10 * max(1.0, term)
        assert s > 500 or not close(term, 0.5 * lost * x0_uncertainty(law, SCHEDULE, s).value, 1e-4)
    best = vlb(law, SCHEDULE, timesteps, optimal_for(law, SCHEDULE, timesteps))
    snr = SCHEDULE.snr
    expected = 0.5 * math.log((1 + 0.25 * snr[1].item()) / (1 + 0.25 * snr[1000].item()))
    assert close(sum(best.steps[:-1]), expected)  # whatever the number of steps
    assert abs(expected - 3.9122) < 5e-5


def test_prior_in_bits() -> None:
    for schedule, m2, bits in (
        (SCHEDULE, 1.0, 2.9112945420345267e-05),
        (SCHEDULE, 0.25, 7.278676963921929e-06),
        (cosine(1000), 1.0, 1.7519849502153845e-09),
    ):
        bound = vlb(gaussian(m2), schedule, schedule.timesteps(3), fixed_large)
        assert close(bound.prior / math.log(2), bits, 1e-6)
        assert close(bound.prior, forward_kl(schedule, m2, 1000))
        assert not close(bound.prior, bits, 1e-6)  # nats are not bits
    # E KL(q(x_T|x_0) || p) and KL(q(x_T) || p) are two numbers
    assert vlb_gap(gaussian(1.0), SCHEDULE, [1000, 1], fixed_large).prior < 1e-12
    assert close(Bound(0.5, (0.25, math.log(2) - 0.75)).bits, 1.0)


def test_a_step_without_variance_has_an_infinite_gap() -> None:
    timesteps = SCHEDULE.timesteps(3)
    gaps = vlb_gap(BIMODAL, SCHEDULE, timesteps, lambda pair, x: Variance(0.0, -math.inf))
    assert gaps.steps == (math.inf,) * 3 and gaps.total == math.inf
    one = vlb_gap(BIMODAL, SCHEDULE, timesteps, lambda pair, x: fixed_small(pair, x))
    assert [math.isinf(step) for step in one.steps] == [False, False, True]


# --- draws ------------------------------------------------------------------------------------------------------------


def test_the_bound_by_monte_carlo() -> None:
    timesteps = SCHEDULE.timesteps(6)
    got = vlb(plane(), SCHEDULE, timesteps, learned_range(0.6), n=4_000, generator=gen(8))
    sides = [vlb(law, SCHEDULE, timesteps, learned_range(0.6)).total for law in (BIMODAL, gaussian(0.25, 0.2))]
    assert 0 < got.standard_error < 0.2
    assert abs(got.total - sum(sides) / 2) < Z * got.standard_error
    assert abs(got.total - sides[0]) > Z * got.standard_error


def test_the_line_of_finite_data() -> None:
    points = finite([-0.9], [0.9], [0.95], [3.0])
    thin = GaussianMixture.isotropic([0.25] * 4, points.points, 0.0)  # the same law: t >= 1 has a density
    timesteps = [400, 100, 30]
    choices = [fixed_large, state_dependent(points, SCHEDULE)]
    for t in timesteps:
        assert close(loss_floor(points, SCHEDULE, t).value, loss_floor(thin, SCHEDULE, t).value)
        assert not close(loss_floor(points, SCHEDULE, t).value, loss_floor(BIMODAL, SCHEDULE, t).value, 1e-2)
        assert close(entropy(points, SCHEDULE, t).value, entropy(thin, SCHEDULE, t).value)
    for choice in choices:
        got, expected = vlb(points, SCHEDULE, timesteps, choice), vlb(thin, SCHEDULE, timesteps, choice)
        assert got.standard_error == 0 and close(got.total, expected.total)
    nearly = torch.tensor([[0.0, 0.0], [0.0, 1e-3], [1e6, 0.0]], dtype=torch.float64)  # no line
    assert x0_uncertainty(FiniteData(nearly), SCHEDULE, 400, n=100, generator=gen()).value > 1e-8
    assert x0_uncertainty(FiniteData(torch.zeros(5, 3)), SCHEDULE, 10) == Estimate(0.0)


@pytest.mark.parametrize("choice", [fixed_large, "state"])
def test_the_bound_of_finite_data_has_an_error(choice: VarianceChoice | str) -> None:
    """Against the exact V_t, or 20,000 draws; two errors of the terms are not 0."""
    law, timesteps = FiniteData(FIVE), [300, 80, 40]
    chosen = state_dependent(law, SCHEDULE) if isinstance(choice, str) else choice
    got = vlb(law, SCHEDULE, timesteps, chosen, n=500, generator=gen(1))
    if isinstance(choice, str):
        exact = vlb(law, SCHEDULE, timesteps, chosen, n=20_000, generator=gen(2))
    else:
        pairs = [transition(SCHEDULE, t, s) for t, s in zip(timesteps, [80, 40, 0], strict=True)]
        V = [on_a_grid(FIVE, t) for t in timesteps]
        terms = [float(vlb_term(p, choice(p, NOTHING), v)) for p, v in zip(pairs[:2], V[:2], strict=True)]
        last = float(decoder_term(choice(pairs[2], NOTHING), V[2]))
        exact = Bound(forward_kl(SCHEDULE, law.second_moment, 300), (*terms, last))
    assert 0 < got.standard_error < 3
    assert abs(got.total - exact.total) < Z * math.hypot(got.standard_error, exact.standard_error)
    assert math.isinf(vlb(law, SCHEDULE, timesteps, fixed_small, n=10, generator=gen()).total)
    assert (
        vlb(law, SCHEDULE, [60, 40], fixed_large, n=500, generator=gen(1)).standard_error < 1e-3
    )  # by pairs of points


def test_the_bound_says_what_its_draws_may_have_missed() -> None:
    many = FiniteData(10 * normal(2_100, 3))
    for choice in (state_dependent(many, SCHEDULE), fixed_large):
        wide = with_last(choice, lambda pair, x_t: Variance(1e6, math.log(1e6)))  # so that the last step has no error
        bound = vlb(many, SCHEDULE, [4, 3, 2], wide, n=20, generator=gen())
        assert bound.standard_error > 100 and abs(bound.steps[0]) < 1


def test_the_error_of_a_bound_is_that_of_what_is_unknown() -> None:
    law, pair = FiniteData(normal(100, 3, seed=4)), transition(SCHEDULE, 200, 100)
    spread = x0_uncertainty(law, SCHEDULE, 200, n=500, generator=gen(1))
    bound = vlb(law, SCHEDULE, [200, 100], with_last(fixed_large, fixed_small), n=500, generator=gen(1))
    assert math.isinf(bound.total)
    slope = 0.5 * pair.c_0**2 / pair.beta  # of the term in V_t; the decoder's step, infinite, has no error
    assert bound.standard_error == pytest.approx(slope * spread.standard_error, rel=0.2)  # by other draws


# --- how fast the gap closes ------------------------------------------------------------------------------------------


def gap(law: GaussianMixture, steps: int) -> list[float]:
    """On a grid even in log SNR, from 6 to -4, the decoder left out."""
    alpha_bar = torch.sigmoid(torch.linspace(6, -4, steps, dtype=torch.float64))
    schedule = from_beta(1 - alpha_bar / torch.cat([torch.ones(1), alpha_bar[:-1]]))
    timesteps = schedule.timesteps(steps, "trailing")
    floors = {t: loss_floor(law, schedule, t).value for t in timesteps}
    best = optimal(floors.__getitem__)
    choices = (fixed_large, fixed_small, best, state_dependent(law, schedule))
    return [math.fsum(vlb_gap(law, schedule, timesteps, choice).steps[:-1]) for choice in choices]


def test_only_a_variance_that_sees_x_t_improves_the_rate() -> None:
    law = GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.3)
    slopes = [math.log2(b / a) for a, b in zip(gap(law, 64), gap(law, 128), strict=True)]
    for slope in slopes[:3]:
        assert abs(slope + 1) < 0.05
    assert abs(slopes[3] + 2) < 0.1


def test_bad_input_is_one_clear_sentence() -> None:
    with pytest.raises(BadInput, match="d = 1; got d = 2"):
        vlb_gap(plane(), SCHEDULE, [10], fixed_large)
    with pytest.raises(BadInput, match=r"generator must be a torch\.Generator"):
        vlb(plane(), SCHEDULE, [10], fixed_large)
    for run in (vlb, vlb_gap):
        with pytest.raises(BadInput, match="at least one timestep"):
            run(BIMODAL, SCHEDULE, [], fixed_large)
