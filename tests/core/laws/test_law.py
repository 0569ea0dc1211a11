"""What every exact law must obey: derivatives, Bayes' rule, the edges of time, and the denoiser's contract."""

import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from diffusion_core.errors import BadInput
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.posterior import transition
from diffusion_core.schedule import scaled_linear, zero_terminal_snr
from tests.core.laws.examples import (
    BIMODAL,
    PAIRS,
    SCHEDULE,
    TIMES,
    AnyLaw,
    error,
    gen,
    levels,
    noisy,
    normal,
    some_mixture,
)


@pytest.mark.parametrize("law", [some_mixture(), some_mixture(3), FiniteData(normal(7, 3))], ids=["2d", "3d", "finite"])
@pytest.mark.parametrize("t", TIMES)
def test_score_is_the_gradient_of_log_prob(law: AnyLaw, t: int) -> None:
    x = noisy(law, t)[0].requires_grad_()
    (gradient,) = torch.autograd.grad(law.at(SCHEDULE, t).log_prob(x).sum(), x)
    assert error(law.at(SCHEDULE, t).score(x), gradient) < 1e-9
    assert error(-law.at(SCHEDULE, t).eps(x), gradient) > 1e-6  # the score is not just -eps*


@pytest.mark.parametrize("law", [some_mixture(), FiniteData(normal(7, 2))], ids=["mixture", "finite"])
@pytest.mark.parametrize("t", TIMES)
def test_eps_and_x0_are_two_views_of_one_answer(law: AnyLaw, t: int) -> None:
    x, (abar, rest) = noisy(law, t)[0], levels(t)
    eps, x0 = law.at(SCHEDULE, t).eps(x), law.at(SCHEDULE, t).x0_mean(x)
    assert error(math.sqrt(abar) * x0 + math.sqrt(rest) * eps, x) < 1e-10
    assert error(abar * x0 + rest * eps, x) > 1e-6  # without the roots


# --- the reverse step -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", [some_mixture(), FiniteData(normal(5, 2))], ids=["mixture", "finite"])
@pytest.mark.parametrize(("t", "s"), PAIRS)
def test_bayes_identity(law: AnyLaw, t: int, s: int) -> None:
    """log q(x_s|x_t) + log q_t(x_t) = log q(x_t|x_s) + log q_s(x_s)."""
    x_t, pair = noisy(law, t)[0], transition(SCHEDULE, t, s)
    reverse = law.at(SCHEDULE, t).reverse_conditional(x_t, s)
    x_s = reverse.sample(1, gen(5))[0]
    forward = -0.5 * ((x_t - math.sqrt(pair.alpha) * x_s) ** 2 / pair.beta + math.log(2 * math.pi * pair.beta)).sum(-1)
    truth = forward + law.at(SCHEDULE, s).log_prob(x_s) - law.at(SCHEDULE, t).log_prob(x_t)
    assert (reverse.log_prob(x_s) - truth).abs().max() < 1e-9
    sharper = GaussianMixture(  # means right, but the variance that knows x_0
        reverse.log_weights, reverse.means, 0.9 * reverse.eigenvalues, reverse.eigenvectors
    )
    assert (sharper.log_prob(x_s) - truth).abs().max() > 1e-3


def bayes_gap(law: AnyLaw, t: int, s: int, x_t: Tensor, x_s: Tensor, wider: float = 1.0) -> tuple[Tensor, Tensor]:
    """How far log q(x_s|x_t) q_t(x_t) is from log q(x_t|x_s) q_s(x_s), and the largest of the four logs."""
    pair, reverse = transition(SCHEDULE, t, s), law.at(SCHEDULE, t).reverse_conditional(x_t, s)
    values = wider * reverse.eigenvalues
    reverse = GaussianMixture(reverse.log_weights, reverse.means, values, reverse.eigenvectors)
    forward = -0.5 * ((x_t - math.sqrt(pair.alpha) * x_s) ** 2 / pair.beta + math.log(2 * math.pi * pair.beta)).sum(-1)
    backward, at_s, at_t = reverse.log_prob(x_s), law.at(SCHEDULE, s).log_prob(x_s), law.at(SCHEDULE, t).log_prob(x_t)
    return (backward + at_t - forward - at_s).abs(), torch.stack([backward, forward, at_s, at_t]).abs().amax(0)


@pytest.mark.parametrize("seed", range(5))
def test_bayes_identity_keeps_its_digits_beside_thin_ridges(seed: int) -> None:
    """In the plane, eigenvalues from 1e-12 to 10, turned anyhow: 1e-11 at draws; at places anywhere the logs are up to
    1e8, and what is lost is the rounding of the largest."""
    u = torch.rand(4, 3, dtype=torch.float64, generator=gen(seed))
    angle = 2 * math.pi * u[:, 0]
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()], -1), torch.stack([angle.sin(), angle.cos()], -1)], -2)
    covariances = (turn * (10 ** (13 * u[:, None, 1:] - 12))) @ turn.mT
    law = GaussianMixture.of([0.1, 0.4, 0.2, 0.3], 3 * normal(4, 2, seed=seed), covariances)
    for t, s in ((20, 19), (2, 1), (300, 1)):
        x_t = noisy(law, t, n=100)[0]
        x_s = law.at(SCHEDULE, t).reverse_conditional(x_t, s).sample(1, gen(5))[0]
        assert (
            bayes_gap(law, t, s, x_t, x_s=x_s)[0].max()
            < 1e-11
            < bayes_gap(law, t, s, x_t, x_s=x_s, wider=1 + 1e-10)[0].max()
        )
        gap, size = bayes_gap(law, t, s, x_t, x_s=3 * normal(100, 2, seed=9))
        assert (gap < 1e-13 * size).all() and size.max() > 1e3


@pytest.mark.parametrize("law", [some_mixture(), FiniteData(normal(7, 2))], ids=["mixture", "finite"])
def test_a_draw_is_its_generators_alone(law: AnyLaw) -> None:
    before = torch.get_rng_state()
    first, again, other = (law.sample(50, gen(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)  # no draw comes from the global generator


# --- the edges of time ------------------------------------------------------------------------------------------------


def test_zero_terminal_snr() -> None:
    schedule = zero_terminal_snr(scaled_linear(T=1000))
    laws: list[AnyLaw] = [some_mixture(), FiniteData(normal(5, 2))]
    for law in laws:
        x = normal(6, 2)
        assert error(law.at(schedule, 1000).eps(x), x) < 1e-12
        assert (law.at(schedule, 1000).x0_mean(x) - law.mean()).abs().max() < 1e-12
        assert error(law.at(schedule, 900).eps(x), x) > 1e-4
        reverse = law.at(schedule, 1000).reverse_conditional(x, 500)
        assert (reverse.log_prob(x) - law.at(schedule, 500).log_prob(x)).abs().max() < 1e-10  # x_T says nothing
    assert (
        some_mixture().at(schedule, 1000).x0_covariance(normal(6, 2)) - some_mixture().covariance()
    ).abs().max() < 1e-12


def test_at_zero_x_t_is_x_0() -> None:
    x = normal(6, 2)
    rows = some_mixture().at(SCHEDULE, 300).reverse_conditional(x[:5], 100)
    assert torch.equal(rows.at(SCHEDULE, 0).x0_mean(x[0]), x[0].expand(5, 2))  # one answer for each row
    assert rows.at(SCHEDULE, 0).x0_mean(x[:, None]).shape == rows.at(SCHEDULE, 1).x0_mean(x[:, None]).shape == (6, 5, 2)
    laws: list[AnyLaw] = [some_mixture(), FiniteData(x)]
    for law in laws:
        assert torch.equal(law.at(SCHEDULE, 0).x0_mean(x), x)
        assert not law.at(SCHEDULE, 0).eps(x).any() and not law.at(SCHEDULE, 0).x0_variance(x).any()
        assert law.at(SCHEDULE, 1).eps(x).any()
        for call in (law.at(SCHEDULE, 0).log_prob, law.at(SCHEDULE, 0).score):
            with pytest.raises(BadInput, match="t = 0"):
                call(x)
    assert not some_mixture().at(SCHEDULE, 0).x0_covariance(x).any()
    truth = 0.5 * (stats.norm.pdf(0.8, 0.9, 0.1) + stats.norm.pdf(0.8, -0.9, 0.1))
    at = torch.tensor([0.8], dtype=torch.float64)
    assert abs(BIMODAL.log_prob(at).exp().item() / truth - 1) < 1e-12
    assert abs(BIMODAL.at(SCHEDULE, 1).log_prob(at).exp().item() / truth - 1) > 1e-4


# --- the denoiser contract --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", [some_mixture(), FiniteData(normal(7, 2))], ids=["mixture", "finite"])
def test_denoiser_contract(law: AnyLaw) -> None:
    denoise = law.denoiser(SCHEDULE)
    x = normal(4, 2)
    assert error(denoise(x, 100), law.at(SCHEDULE, 100).eps(x)) < 1e-14
    assert denoise(x.float(), 100, cond=None).dtype == torch.float32
    mixed = denoise(x, torch.tensor([1, 500, 1, 1000]))
    for row, t in enumerate((1, 500, 1, 1000)):
        assert error(mixed[row], law.at(SCHEDULE, t).eps(x[row])) < 1e-12
    assert error(mixed[1], law.at(SCHEDULE, 1).eps(x[1])) > 1e-3
    assert torch.equal(denoise(x, torch.tensor(100)), denoise(x, 100))
    for wrong in (torch.tensor([[1], [2], [3], [4]]), torch.tensor([1.0, 2.0, 3.0, 4.0])):
        got = rf"{wrong.dtype} of the shape \({', '.join(map(str, wrong.shape))}"
        with pytest.raises(BadInput, match=rf"^t must be an integer or one integer for each row .*; got {got}"):
            denoise(x, wrong)
    for no_places in (x.long(), x.tolist()):
        with pytest.raises(BadInput, match="x_t must be a tensor of floating-point numbers"):
            denoise(no_places, 100)  # type: ignore[arg-type]
    for bad in (torch.tensor([1, 2]), torch.tensor([1.0, 2.0, 3.0, 4.0]), -1, 1001, 1.5, True):
        with pytest.raises(BadInput, match=r"^t must be"):
            denoise(x, bad)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="last axes of x_t must multiply to 2"):
        denoise(normal(4, 3), 100)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_device_follows_the_data() -> None:
    laws: list[AnyLaw] = [some_mixture(), FiniteData(normal(7, 2))]
    for law in laws:
        x = normal(4, 2)
        there = law.denoiser(SCHEDULE)(x.cuda(), 100)
        assert there.device.type == "cuda"
        assert error(there.cpu(), law.at(SCHEDULE, 100).eps(x)) < 1e-12
        reverse = law.at(SCHEDULE, 100).reverse_conditional(x.cuda(), 50)
        draws = reverse.sample(2, torch.Generator("cuda").manual_seed(0))
        assert draws.shape == (2, 4, 2) and draws.device.type == "cuda"
        assert (
            error(reverse.log_prob(x.cuda()).cpu(), law.at(SCHEDULE, 100).reverse_conditional(x, 50).log_prob(x)) < 1e-9
        )
