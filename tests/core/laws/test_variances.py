"""Variances that know the law: the optimum by independent routes, its bounds; each check rejects a wrong variant."""

import math

import pytest
import torch
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.estimates import entropy, loss_floor
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import expectation_nodes
from diffusion_core.laws.variances import optimal_for, state_dependent, state_dependent_diagonal
from diffusion_core.posterior import Transition, transition
from diffusion_core.samplers import ancestral
from diffusion_core.variance import NOTHING, VarianceChoice, fixed_large, fixed_small, learned_range, optimal, with_last
from tests.core.laws.examples import (
    BIMODAL,
    SCHEDULE,
    UNEVEN,
    AnyLaw,
    close,
    gaussian,
    gen,
    normal,
)

PAIRS = [(2, 1), (10, 9), (100, 99), (400, 300), (1000, 999), (1000, 1), (250, 1)]


def from_reverse_conditional(law: GaussianMixture, pair: Transition) -> float:
    """E Var[x_s | x_t] from the true reverse mixture, component by component."""
    x, weights = expectation_nodes(law.at(SCHEDULE, pair.t))
    return (weights @ law.at(SCHEDULE, pair.t).reverse_conditional(x, pair.s).covariance()[:, 0, 0]).item()


def from_score(law: GaussianMixture, pair: Transition) -> float:
    """Analytic-DPM's theorem 1 at lambda^2 = beta_tilde: it knows the score, and no covariance."""
    x, weights = expectation_nodes(law.at(SCHEDULE, pair.t))
    left = 1 - pair.one_minus_alpha_bar_t * (weights @ law.at(SCHEDULE, pair.t).score(x).square()[:, 0]).item()
    stretch = math.sqrt(pair.one_minus_alpha_bar_t / pair.alpha)
    shrink = math.sqrt(pair.one_minus_alpha_bar_s - pair.beta_tilde)
    return pair.beta_tilde + (stretch - shrink) ** 2 * left


def from_total_variance(law: GaussianMixture, pair: Transition) -> float:
    """Var[x_s] - Var(E[x_s | x_t])."""
    x, weights = expectation_nodes(law.at(SCHEDULE, pair.t))
    mean = (pair.c_t * x + pair.c_0 * law.at(SCHEDULE, pair.t).x0_mean(x))[:, 0]
    centre = weights @ mean
    whole = pair.one_minus_alpha_bar_s + pair.alpha_bar_s * law.variance
    return whole - (weights @ (mean - centre).square()).item()


def from_loss(law: GaussianMixture, pair: Transition) -> float:
    return float(optimal_for(law, SCHEDULE, [pair.t])(pair, NOTHING).value)


@pytest.mark.parametrize("t, s", PAIRS)
@pytest.mark.parametrize("law", [BIMODAL, UNEVEN, gaussian(0.25, 0.4), gaussian(4.0, 0.4)])
def test_the_loss_curve_is_the_optimal_variance(law: GaussianMixture, t: int, s: int) -> None:
    pair = transition(SCHEDULE, t, s)
    true = from_reverse_conditional(law, pair)
    assert close(from_loss(law, pair), true)
    # the other two are differences, whose terms are larger than they are
    assert abs(from_score(law, pair) - true) < 1e-10 * pair.beta
    assert abs(from_total_variance(law, pair) - true) < 1e-10

    floor = loss_floor(law, SCHEDULE, t).value
    gap = pair.beta - pair.beta_tilde
    neighbour = transition(SCHEDULE, t, t - 1)
    wrong = {
        "the loss itself as weight": pair.beta_tilde + floor * gap,
        "without c_0^2": pair.beta_tilde + floor / pair.alpha_bar_t * pair.one_minus_alpha_bar_t,
        "beta": pair.beta,
        "beta-tilde": pair.beta_tilde,
    }
    if s != t - 1:
        wrong["the neighbour's"] = float(optimal(lambda _: floor)(neighbour, NOTHING).value)
    if t == 2 and s == 1:  # alpha_bar is nearly 1
        del wrong["the loss itself as weight"]
    rejected = {name for name, value in wrong.items() if not close(value, true)}
    assert rejected == set(wrong)


@pytest.mark.parametrize("lam", [0.0001, 0.25, 1.0, 4.0])
def test_gaussian_data_have_beta_times_v_s_over_v_t(lam: float) -> None:
    for t, s in PAIRS:
        pair = transition(SCHEDULE, t, s)
        v_t, v_s = (1 - a + a * lam for a in (pair.alpha_bar_t, pair.alpha_bar_s))
        got = from_loss(gaussian(lam, 0.4), pair)
        assert close(got, pair.beta * v_s / v_t)
        # signed errors, both of second order
        assert abs(pair.beta - got - pair.beta**2 * pair.alpha_bar_s * (1 - lam) / v_t) < 1e-12
        assert close(
            got - pair.beta_tilde, pair.beta**2 * pair.alpha_bar_s * lam / (pair.one_minus_alpha_bar_t * v_t), 1e-6
        )
        assert lam == 1.0 or not close(got, pair.beta * v_t / v_s)


def test_beta_is_right_for_noise_and_beta_tilde_for_a_point() -> None:
    for t, s in PAIRS:
        pair = transition(SCHEDULE, t, s)
        assert close(from_loss(gaussian(1.0, 0.4), pair), pair.beta)
        assert close(from_loss(gaussian(0.0, 0.4), pair), pair.beta_tilde)
        assert not close(from_loss(gaussian(0.99, 0.4), pair), pair.beta)
        assert not close(from_loss(gaussian(1e-4, 0.4), pair), pair.beta_tilde, 1e-12)


def test_the_optimum_at_the_last_step_is_what_is_left_of_x0() -> None:
    pair = transition(SCHEDULE, 1, 0)
    x, weights = expectation_nodes(BIMODAL.at(SCHEDULE, 1))
    left = (weights @ BIMODAL.at(SCHEDULE, 1).x0_variance(x)[:, 0]).item()
    assert close(from_loss(BIMODAL, pair), left)
    assert not close(pair.beta, left, 1e-3)


# --- bounds -----------------------------------------------------------------------------------------------------------


WIDE = GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.3)


@pytest.mark.parametrize("law", [BIMODAL, WIDE, UNEVEN, gaussian(0.1, 0.4), gaussian(4.0, 0.4)])
def test_bounds(law: GaussianMixture) -> None:
    s2 = law.variance
    for t, s in PAIRS:
        pair = transition(SCHEDULE, t, s)
        got = from_loss(law, pair)
        v_t, v_s = (1 - a + a * s2 for a in (pair.alpha_bar_t, pair.alpha_bar_s))
        assert pair.beta_tilde < got < pair.beta / pair.alpha
        assert got <= pair.beta * v_s / v_t * (1 + 1e-12)  # linear estimates are no better
        assert (got <= pair.beta) == (s2 <= 1)


def test_wide_data_leave_the_range() -> None:
    for t, expected in ((2, 1.0002), (100, 1.08), (300, 1.83), (1000, 4.0)):
        pair = transition(SCHEDULE, t, t - 1)
        weight = (from_loss(gaussian(4.0, 0.4), pair) - pair.beta_tilde) / (pair.beta - pair.beta_tilde)
        digits = 4 if expected == 1.0002 else 2
        assert round(weight, digits) == expected
        narrow = (from_loss(gaussian(0.25, 0.4), pair) - pair.beta_tilde) / (pair.beta - pair.beta_tilde)
        assert 0.249 < narrow < 1


def test_between_two_modes_the_true_variance_leaves_the_range() -> None:
    law, pair = BIMODAL, transition(SCHEDULE, 100, 99)
    choice = state_dependent(law, SCHEDULE)

    def share(x: float) -> float:
        return float(choice(pair, torch.tensor([[x]], dtype=torch.float64)).value) / pair.beta

    assert round(share(0.0), 3) == 1.104
    assert share(0.9) < 1  # beside a mode it does not
    assert law.variance < 1  # although its average does not


@pytest.mark.parametrize("t, excess", [(2, 4.5e-5), (100, 7.6e-4), (300, 1.65e-3)])
def test_entropy_may_fall_with_t_for_wide_data(t: int, excess: float) -> None:
    def drop(law: GaussianMixture) -> float:
        return entropy(law, SCHEDULE, t - 1).value - entropy(law, SCHEDULE, t).value

    assert close(drop(gaussian(4.0, 0.4)), excess, 0.02)
    assert drop(gaussian(0.25, 0.4)) < 0  # what s^2 <= 1 guarantees
    assert drop(BIMODAL) < 0


# --- state dependent --------------------------------------------------------------------------------------------------


def ellipses() -> GaussianMixture:
    root = 0.4 * normal(3, 2, 2, seed=1)
    return GaussianMixture.of([0.2, 0.5, 0.3], normal(3, 2, seed=2), root @ root.mT)


def both(law: AnyLaw, pair: Transition, x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Value and log of each coordinate's, and of each row's."""
    chosen = [make(law, SCHEDULE)(pair, x) for make in (state_dependent_diagonal, state_dependent)]
    return [(torch.as_tensor(one.value), torch.as_tensor(one.log)) for one in chosen]


@pytest.mark.parametrize("t, s", [(1, 0), (10, 9), (300, 200), (1000, 1)])
@pytest.mark.parametrize("law", [ellipses(), FiniteData(normal(30, 2, seed=3))])
def test_state_dependent_is_the_true_reverse_variance(law: AnyLaw, t: int, s: int) -> None:
    pair = transition(SCHEDULE, t, s)
    x = math.sqrt(pair.alpha_bar_t) * law.sample(7, torch.Generator().manual_seed(4))
    x = x + pair.sqrt_one_minus_alpha_bar_t * normal(7, 2, seed=5)
    true = law.at(SCHEDULE, t).reverse_conditional(x, s).covariance().diagonal(dim1=-2, dim2=-1)
    (each, log_each), (mean, log_mean) = both(law, pair, x)
    assert each.shape == (7, 2) and mean.shape == (7, 1)
    assert (each - true).abs().max() < 1e-10
    assert (mean - true.mean(-1, keepdim=True)).abs().max() < 1e-10
    assert torch.equal(log_mean, mean.log()) and torch.equal(log_each, each.log())
    if s > 0:
        forgotten = pair.beta_tilde + law.at(SCHEDULE, t).x0_variance(x)  # no c_0^2
        assert (forgotten - true).abs().max() > 1e-6


def test_state_dependent_of_images_has_one_number_a_row() -> None:
    law = FiniteData(normal(1000, 196, seed=6))
    x, pair = normal(3, 14, 14, 1, seed=7), transition(SCHEDULE, 700, 600)
    with pytest.raises(BadInput, match="too large"):
        law.at(SCHEDULE, 700).reverse_conditional(x, 600)  # the way that forms (n, d, d)
    (each, _), (mean, _) = both(law, pair, x)
    assert mean.shape == (3, 1, 1, 1) and each.shape == x.shape
    w = law.at(SCHEDULE, 700).weights(x)
    direct = torch.stack([(w[i] @ (law.points - w[i] @ law.points).square()).reshape(14, 14, 1) for i in range(3)])
    assert (each - pair.beta_tilde - pair.c_0**2 * direct).abs().max() < 1e-12
    assert (mean.flatten() - each.reshape(3, -1).mean(-1)).abs().max() < 1e-14
    assert (each - mean).abs().max() > 1e-4


@pytest.mark.parametrize(
    "choice",
    [
        learned_range(0.5),
        learned_range(torch.tensor([[0.1, 0.9]])),
        optimal(lambda t: 0.2),
        state_dependent(ellipses(), SCHEDULE),
        state_dependent_diagonal(ellipses(), SCHEDULE),
        with_last(fixed_small, fixed_large),
    ],
)
def test_every_choice_samples_without_nan(choice: VarianceChoice) -> None:
    x, generator = normal(50, 2).float(), torch.Generator().manual_seed(1)
    timesteps = SCHEDULE.timesteps(12)
    steps = list(
        ancestral(
            ellipses().denoiser(SCHEDULE), SCHEDULE, x, timesteps, variance=choice, generator=generator, noisy_last=True
        )
    )
    assert all(torch.isfinite(step.x_s).all() and step.x_s.dtype == torch.float32 for step in steps)
    assert all((torch.as_tensor(step.variance) > 0).all() for step in steps)


def test_bad_input_is_one_clear_sentence() -> None:
    best = optimal_for(BIMODAL, SCHEDULE, [10])
    with pytest.raises(BadInput, match="timesteps that the optimal variance was made for; got 5"):
        best(transition(SCHEDULE, 5, 4), NOTHING)
    with pytest.raises(BadInput, match=r"generator must be a torch\.Generator"):
        optimal_for(ellipses(), SCHEDULE, [10])
    with pytest.raises(BadInput, match="n must be an integer of at least 2; got 1"):
        optimal_for(ellipses(), SCHEDULE, [10], n=1, generator=gen())
    drawn = optimal_for(ellipses(), SCHEDULE, [10], n=100, generator=gen())
    assert float(drawn(transition(SCHEDULE, 10, 9), NOTHING).value) > 0
