"""The choices of variance: the optimum by independent routes, its bounds; each check rejects a wrong variant."""

import math

import pytest
import torch

from diffusion_core.errors import BadInput
from diffusion_core.laws.estimates import entropy, loss_floor
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import expectation_nodes
from diffusion_core.laws.variances import optimal_for, state_dependent, state_dependent_diagonal
from diffusion_core.posterior import Transition, transition
from diffusion_core.samplers import ancestral
from diffusion_core.schedule import cosine, linear, zero_terminal_snr
from diffusion_core.variance import fixed_large, fixed_small, learned_range, log_range, optimal, with_last

SCHEDULE = linear(1000)
NOTHING = torch.empty(0)
PAIRS = [(2, 1), (10, 9), (100, 99), (400, 300), (1000, 999), (1000, 1), (250, 1)]


def bimodal(sd: float = 0.1) -> GaussianMixture:
    return GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], sd)


def three_modes() -> GaussianMixture:
    return GaussianMixture.isotropic([0.45, 0.3, 0.25], [[-1.0], [0.3], [1.2]], [0.15, 0.1, 0.2])


def gaussian(variance: float) -> GaussianMixture:
    return GaussianMixture.isotropic([1.0], [[0.4]], math.sqrt(variance))


def close(got: float, expected: float, relative: float = 1e-10) -> bool:
    return abs(got - expected) <= relative * abs(expected)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# --- learned range --------------------------------------------------------------------------------------------------


def is_geometric(mixed: float, pair: Transition, v: float) -> bool:
    return close(mixed, pair.beta**v * pair.beta_tilde ** (1 - v))


@pytest.mark.parametrize("v", [-0.2, 0.0, 0.3, 0.5, 1.0, 1.3])
@pytest.mark.parametrize("t, s", [(2, 1), (10, 9), (600, 200)])
def test_learned_range_mixes_logs(t: int, s: int, v: float) -> None:
    pair = transition(SCHEDULE, t, s)
    got = learned_range(v)(pair, NOTHING)
    assert isinstance(got.value, float)
    assert is_geometric(got.value, pair, v)
    assert close(math.exp(got.log), got.value, 1e-14)
    if v not in (0.0, 1.0):
        assert not is_geometric(v * pair.beta + (1 - v) * pair.beta_tilde, pair, v)  # a linear mix
        assert not is_geometric(learned_range(1 - v)(pair, NOTHING).value, pair, v) or v == 0.5  # the ends swapped


def test_learned_range_takes_a_tensor_or_a_network() -> None:
    pair, x = transition(SCHEDULE, 50, 40), normal(4, 3)
    v = torch.linspace(0, 1, 12, dtype=torch.float64).reshape(4, 3).requires_grad_()
    got = learned_range(v)(pair, x)
    assert got.value.shape == x.shape
    assert is_geometric(got.value[2, 1].item(), pair, v[2, 1].item())
    assert not is_geometric(got.value[2, 1].item(), pair, v[1, 2].item())
    got.log.sum().backward()
    assert torch.allclose(v.grad, torch.full_like(v, math.log(pair.beta / pair.beta_tilde)), rtol=1e-12)
    network = learned_range(lambda pair, x_t: torch.sigmoid(x_t) * pair.t / 50)
    assert torch.allclose(network(pair, x).log, learned_range(torch.sigmoid(x))(pair, x).log, rtol=1e-14)


def test_learned_range_is_finite_at_the_last_step() -> None:
    first, second = transition(SCHEDULE, 1, 0), transition(SCHEDULE, 2, 1)
    low, high = log_range(first)
    equal = linear(2, first.beta, first.beta)
    assert close(math.exp(low), transition(equal, 2, 1).beta_tilde)  # a second step as large as the first
    assert math.isfinite(low) and low < high == math.log(first.beta)
    # Improved DDPM clips with its own second step: 5.45e-5, not far from ours
    assert close(math.exp(low), second.beta_tilde, 0.1)
    assert not close(first.beta, second.beta_tilde, 0.1)
    assert fixed_small(first, NOTHING).log == -math.inf  # what must not be mixed: 0 * -inf is nan
    for v in (0.0, 0.5, 1.0):
        assert math.isfinite(learned_range(v)(first, NOTHING).log)


# --- the optimum, by independent routes -----------------------------------------------------------------------------


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
    return optimal_for(law, SCHEDULE, [pair.t])(pair, NOTHING).value


@pytest.mark.parametrize("t, s", PAIRS)
@pytest.mark.parametrize("law", [bimodal(), three_modes(), gaussian(0.25), gaussian(4.0)])
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
        wrong["the neighbour's"] = optimal(lambda _: floor)(neighbour, NOTHING).value
    if t == 2 and s == 1:  # alpha_bar is nearly 1
        del wrong["the loss itself as weight"]
    rejected = {name for name, value in wrong.items() if not close(value, true)}
    assert rejected == set(wrong)


@pytest.mark.parametrize("lam", [0.0001, 0.25, 1.0, 4.0])
def test_gaussian_data_have_beta_times_v_s_over_v_t(lam: float) -> None:
    for t, s in PAIRS:
        pair = transition(SCHEDULE, t, s)
        v_t, v_s = (1 - a + a * lam for a in (pair.alpha_bar_t, pair.alpha_bar_s))
        got = from_loss(gaussian(lam), pair)
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
        assert close(from_loss(gaussian(1.0), pair), pair.beta)
        assert close(from_loss(gaussian(0.0), pair), pair.beta_tilde)
        assert not close(from_loss(gaussian(0.99), pair), pair.beta)
        assert not close(from_loss(gaussian(1e-4), pair), pair.beta_tilde, 1e-12)


def test_the_optimum_at_the_last_step_is_what_is_left_of_x0() -> None:
    pair = transition(SCHEDULE, 1, 0)
    x, weights = expectation_nodes(bimodal().at(SCHEDULE, 1))
    left = (weights @ bimodal().at(SCHEDULE, 1).x0_variance(x)[:, 0]).item()
    assert close(from_loss(bimodal(), pair), left)
    assert not close(pair.beta, left, 1e-3)


def test_a_table_serves_as_a_floor() -> None:
    table = [0.0] + [0.1 + 0.5 / t for t in range(1, 1001)]
    pair = transition(SCHEDULE, 300, 200)
    got = optimal(table)(pair, NOTHING).value
    assert close(got, optimal(lambda t: 0.1 + 0.5 / t)(pair, NOTHING).value, 1e-14)
    assert not close(got, optimal(table[1:])(pair, NOTHING).value)  # off by one


# --- bounds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", [bimodal(), bimodal(0.3), three_modes(), gaussian(0.1), gaussian(4.0)])
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
        weight = (from_loss(gaussian(4.0), pair) - pair.beta_tilde) / (pair.beta - pair.beta_tilde)
        digits = 4 if expected == 1.0002 else 2
        assert round(weight, digits) == expected
        narrow = (from_loss(gaussian(0.25), pair) - pair.beta_tilde) / (pair.beta - pair.beta_tilde)
        assert 0.249 < narrow < 1


def test_between_two_modes_the_true_variance_leaves_the_range() -> None:
    law, pair = bimodal(), transition(SCHEDULE, 100, 99)
    choice = state_dependent(law, SCHEDULE)

    def share(x: float) -> float:
        return choice(pair, torch.tensor([[x]], dtype=torch.float64)).value.item() / pair.beta

    assert round(share(0.0), 3) == 1.104
    assert share(0.9) < 1  # beside a mode it does not
    assert law.variance < 1  # although its average does not


@pytest.mark.parametrize("t, excess", [(2, 4.5e-5), (100, 7.6e-4), (300, 1.65e-3)])
def test_entropy_may_fall_with_t_for_wide_data(t: int, excess: float) -> None:
    def drop(law: GaussianMixture) -> float:
        return entropy(law, SCHEDULE, t - 1).value - entropy(law, SCHEDULE, t).value

    assert close(drop(gaussian(4.0)), excess, 0.02)
    assert drop(gaussian(0.25)) < 0  # what s^2 <= 1 guarantees
    assert drop(bimodal()) < 0


# --- state dependent ------------------------------------------------------------------------------------------------


def plane() -> GaussianMixture:
    root = 0.4 * normal(3, 2, 2, seed=1)
    return GaussianMixture.of([0.2, 0.5, 0.3], normal(3, 2, seed=2), root @ root.mT)


@pytest.mark.parametrize("t, s", [(1, 0), (10, 9), (300, 200), (1000, 1)])
@pytest.mark.parametrize("law", [plane(), FiniteData(normal(30, 2, seed=3))])
def test_state_dependent_is_the_true_reverse_variance(law: GaussianMixture | FiniteData, t: int, s: int) -> None:
    pair = transition(SCHEDULE, t, s)
    x = math.sqrt(pair.alpha_bar_t) * law.sample(7, torch.Generator().manual_seed(4))
    x = x + pair.sqrt_one_minus_alpha_bar_t * normal(7, 2, seed=5)
    true = law.at(SCHEDULE, t).reverse_conditional(x, s).covariance().diagonal(dim1=-2, dim2=-1)
    each, mean = state_dependent_diagonal(law, SCHEDULE)(pair, x), state_dependent(law, SCHEDULE)(pair, x)
    assert each.value.shape == (7, 2) and mean.value.shape == (7, 1)
    assert (each.value - true).abs().max() < 1e-10
    assert (mean.value - true.mean(-1, keepdim=True)).abs().max() < 1e-10
    assert torch.equal(mean.log, mean.value.log()) and torch.equal(each.log, each.value.log())
    if s > 0:
        forgotten = pair.beta_tilde + law.at(SCHEDULE, t).x0_variance(x)  # no c_0^2
        assert (forgotten - true).abs().max() > 1e-6


def test_state_dependent_of_images_has_one_number_a_row() -> None:
    law = FiniteData(normal(1000, 196, seed=6))
    x, pair = normal(3, 14, 14, 1, seed=7), transition(SCHEDULE, 700, 600)
    with pytest.raises(BadInput, match="too large"):
        law.at(SCHEDULE, 700).reverse_conditional(x, 600)  # the way that forms (n, d, d)
    each, mean = state_dependent_diagonal(law, SCHEDULE)(pair, x), state_dependent(law, SCHEDULE)(pair, x)
    assert mean.value.shape == (3, 1, 1, 1) and each.value.shape == x.shape
    w = law.at(SCHEDULE, 700).weights(x)
    direct = torch.stack([(w[i] @ (law.points - w[i] @ law.points).square()).reshape(14, 14, 1) for i in range(3)])
    assert (each.value - pair.beta_tilde - pair.c_0**2 * direct).abs().max() < 1e-12
    assert (mean.value.flatten() - each.value.reshape(3, -1).mean(-1)).abs().max() < 1e-14
    assert (each.value - mean.value).abs().max() > 1e-4


@pytest.mark.parametrize(
    "choice",
    [
        learned_range(0.5),
        learned_range(torch.tensor([[0.1, 0.9]])),
        optimal(lambda t: 0.2),
        state_dependent(plane(), SCHEDULE),
        state_dependent_diagonal(plane(), SCHEDULE),
        with_last(fixed_small, fixed_large),
    ],
)
def test_every_choice_samples_without_nan(choice) -> None:
    x, generator = normal(50, 2).float(), torch.Generator().manual_seed(1)
    timesteps = SCHEDULE.timesteps(12)
    steps = list(ancestral(plane().denoiser(SCHEDULE), SCHEDULE, x, timesteps, choice, generator, noisy_last=True))
    assert all(torch.isfinite(step.x_s).all() and step.x_s.dtype == torch.float32 for step in steps)
    assert all((torch.as_tensor(step.variance) > 0).all() for step in steps)


def test_with_last_changes_the_last_step_only() -> None:
    choice = with_last(fixed_small, fixed_large)
    last, other = transition(SCHEDULE, 1, 0), transition(SCHEDULE, 20, 1)
    assert choice(last, NOTHING).value == last.beta != last.beta_tilde
    assert choice(other, NOTHING).value == other.beta_tilde != other.beta


# --- bad input ------------------------------------------------------------------------------------------------------


def test_bad_input_is_one_clear_sentence() -> None:
    pair = transition(SCHEDULE, 5, 4)
    with pytest.raises(BadInput, match=r"v must be a finite number .* got nan"):
        learned_range(math.nan)
    for loss in (-0.1, math.nan, math.inf):
        with pytest.raises(BadInput, match="floor must be a finite number of at least 0 at t = 5"):
            optimal(lambda t, loss=loss: loss)(pair, NOTHING)
    blind = zero_terminal_snr(cosine(10))
    with pytest.raises(BadInput, match="alpha_bar is 0 at t = 10"):
        optimal(lambda t: 0.5)(transition(blind, 10, 9), NOTHING)
    with pytest.raises(BadInput, match="one of the timesteps"):
        optimal_for(gaussian(1.0), SCHEDULE, [10])(pair, NOTHING)
