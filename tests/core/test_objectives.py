"""Losses and the terms of the bound by independent routes; each check rejects a wrong variant.

Monte Carlo: pinned seeds, |z| < 4.5 (false alarm rate 7e-6 each).
"""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from diffusion_core.errors import BadInput
from diffusion_core.forward import q_sample
from diffusion_core.laws.bounds import vlb, vlb_gap
from diffusion_core.laws.estimates import entropy, loss_floor, x0_uncertainty
from diffusion_core.laws.variances import optimal_for
from diffusion_core.objectives import decoder_term, hybrid_loss, simple_loss, simple_weight, vlb_loss, vlb_term
from diffusion_core.parameterization import EPS, X0, Target, V
from diffusion_core.posterior import q_posterior, transition
from diffusion_core.schedule import cosine, linear, zero_terminal_snr
from diffusion_core.variance import NOTHING, Variance, fixed_large, fixed_small, learned_range, log_range
from tests.core.laws.examples import BIMODAL, SCHEDULE, UNEVEN, Z, close, gaussian, gen, normal


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_simple_loss(dtype: torch.dtype) -> None:
    n = 50_000
    x0, eps = UNEVEN.sample(n, gen(3)).to(dtype), normal(n, 1, seed=4).to(dtype)
    t = torch.randint(1, 1001, (n,), generator=gen(5))
    for denoiser in (UNEVEN.denoiser(SCHEDULE), lambda x, t, cond: 0.5 * x):
        rows = torch.cat(
            [simple_loss(denoiser, SCHEDULE, x0[i : i + 1], int(t[i]), eps=eps[i : i + 1]) for i in range(9)]
        )
        together = simple_loss(denoiser, SCHEDULE, x0[:9], t[:9], eps=eps[:9])
        assert together.dtype == dtype and together.shape == (9,)
        assert torch.allclose(together, rows, rtol=1e-4)
        assert not torch.allclose(together, rows.flip(0), rtol=1e-3)
    at = simple_loss(UNEVEN.denoiser(SCHEDULE), SCHEDULE, x0, 200, eps=eps).mean().item()
    se = (eps - UNEVEN.at(SCHEDULE, 200).eps(q_sample(SCHEDULE, x0, 200, eps))).square().std().item() / math.sqrt(n)
    assert abs(at - loss_floor(UNEVEN, SCHEDULE, 200).value) < Z * se
    assert abs(at - loss_floor(UNEVEN, SCHEDULE, 260).value) > Z * se


def test_simple_loss_has_a_gradient() -> None:
    weight = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    x0, eps = normal(20, 3), normal(20, 3, seed=1)
    simple_loss(lambda x, t, cond: weight * x, SCHEDULE, x0, 100, eps=eps).mean().backward()
    x_t = q_sample(SCHEDULE, x0, 100, eps)
    assert weight.grad is not None
    assert close(weight.grad.item(), (2 * (0.3 * x_t - eps) * x_t).mean().item())


@pytest.mark.parametrize("target", [EPS, X0, V])
def test_the_simple_loss_of_another_target_is_in_its_units(target: Target) -> None:
    x0, eps = normal(6, 2), normal(6, 2, seed=1)
    t = torch.tensor([1, 2, 50, 400, 990, 1000])
    told: list[object] = []

    def says(x: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        told.append(cond)
        return torch.sin(x)

    cond = torch.arange(6)
    rows = simple_loss(says, SCHEDULE, x0, t, eps=eps, cond=cond, target=target)
    assert told == [cond]
    signal, noise = SCHEDULE.sqrt_alpha_bar[t][:, None], SCHEDULE.sqrt_one_minus_alpha_bar[t][:, None]
    x_t = signal * x0 + noise * eps
    truth = {"eps": eps, "x0": x0, "v": signal * eps - noise * x0}
    losses = {name: (torch.sin(x_t) - y).square().mean(1) for name, y in truth.items()}
    assert torch.allclose(rows, losses.pop(target.name), rtol=1e-10)
    assert not any(torch.allclose(rows, other, rtol=1e-3) for other in losses.values())


# --- the weights of the simple loss ---------------------------------------------------------------------------------

WEIGHTS = {1: (0.500, math.inf), 2: (0.273, 0.600), 10: (0.0737, 0.0864), 100: (0.0101, 0.0103), 1000: (0.0102, 0.0102)}


@pytest.mark.parametrize("t", WEIGHTS)
def test_weights_of_the_simple_loss(t: int) -> None:
    pair = transition(SCHEDULE, t, t - 1)
    large, small = (float(simple_weight(pair, choice(pair, NOTHING))) for choice in (fixed_large, fixed_small))
    assert abs(large - WEIGHTS[t][0]) < 6e-4 * max(0.2, large) / 0.5
    assert small == WEIGHTS[t][1] or abs(small - WEIGHTS[t][1]) < 5e-4
    if t > 1:
        ratio = (SCHEDULE.snr[t - 1] / SCHEDULE.snr[t] - 1).item() / 2
        assert abs(small - ratio) < 1e-10 * max(1, SCHEDULE.snr[t - 1].item() / SCHEDULE.snr[t].item())
        assert not close(large, ratio, 1e-7)


@pytest.mark.parametrize("t, s", [(2, 1), (50, 49), (800, 300)])
def test_a_network_pays_the_weight_for_its_error_in_eps(t: int, s: int) -> None:
    pair, in_eps = transition(SCHEDULE, t, s), 0.07
    in_x0 = in_eps * pair.one_minus_alpha_bar_t / pair.alpha_bar_t
    for choice in (fixed_small, fixed_large):
        variance = choice(pair, NOTHING)
        paid = float(vlb_term(pair, variance, 0.2, in_x0) - vlb_term(pair, variance, 0.2))
        weight = float(simple_weight(pair, variance))
        assert close(paid, weight * in_eps, 1e-8)
        assert not close(paid, weight * in_x0, 1e-6)
    first = transition(SCHEDULE, 1, 0)
    variance = fixed_large(first, NOTHING)
    paid = float(decoder_term(variance, 1e-4, 1e-5) - decoder_term(variance, 1e-4))
    assert close(paid, float(simple_weight(first, variance)) * 1e-5 * SCHEDULE.snr[1].item(), 1e-8)


# --- a learned variance ---------------------------------------------------------------------------------------------


def slow_vlb(eps_hat: Tensor, v: Tensor, t: int, x0: Tensor, eps: Tensor) -> Tensor:
    """Means and variances written out; torch.distributions for the rest."""
    pair = transition(SCHEDULE, t, t - 1)
    x_t = q_sample(SCHEDULE, x0, t, eps)
    x0_hat = (x_t - pair.sqrt_one_minus_alpha_bar_t * eps_hat) / pair.sqrt_alpha_bar_t
    low, high = log_range(pair)
    model = Normal(pair.c_0 * x0_hat + pair.c_t * x_t, torch.exp((v * high + (1 - v) * low) / 2))
    if t == 1:
        surprise: Tensor = -model.log_prob(x0)
        return surprise.flatten(1).mean(1)
    mean, variance = q_posterior(SCHEDULE, x_t, x0, t=t, s=t - 1)
    kl: Tensor = kl_divergence(Normal(mean, variance.sqrt().expand(mean.shape)), model)
    return kl.flatten(1).mean(1)


def network_outputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x0, eps = normal(5, 2, 3), normal(5, 2, 3, seed=1)
    return eps + 0.3 * normal(5, 2, 3, seed=2), torch.sigmoid(normal(5, 2, 3, seed=3)), x0, eps


@pytest.mark.parametrize("t", [1, 2, 30, 1000])
def test_the_learned_term_is_a_kl_of_gaussians(t: int) -> None:
    eps_hat, v, x0, eps = network_outputs()
    got = vlb_loss(eps_hat, v, SCHEDULE, t, eps=eps)
    assert got.shape == (5,)
    expected = slow_vlb(eps_hat, v, t, x0=x0, eps=eps)
    assert torch.allclose(got, expected, rtol=1e-8, atol=1e-14)
    assert not torch.allclose(got, slow_vlb(eps_hat, 1 - v, t, x0=x0, eps=eps), rtol=1e-8, atol=1e-14)
    assert not torch.allclose(got, slow_vlb(eps, v, t, x0=x0, eps=eps), rtol=1e-8, atol=1e-14)


def test_a_batch_of_timesteps_is_each_row_alone() -> None:
    eps_hat, v, _x0, eps = network_outputs()
    t = torch.tensor([1, 2, 30, 1000, 1])
    got = vlb_loss(eps_hat, v, SCHEDULE, t, eps=eps)
    alone = [vlb_loss(eps_hat[i : i + 1], v[i : i + 1], SCHEDULE, int(t[i]), eps=eps[i : i + 1]) for i in range(5)]
    assert torch.allclose(got, torch.cat(alone), rtol=1e-12)
    assert not torch.allclose(got, vlb_loss(eps_hat, v, SCHEDULE, t.flip(0), eps=eps), rtol=1e-3)
    single = vlb_loss(eps_hat.float(), v.float(), SCHEDULE, t, eps=eps.float())
    assert single.dtype == torch.float32
    assert torch.allclose(single, got.float(), rtol=1e-3)


def test_the_hybrid_loss_trains_the_mean_by_the_simple_loss_alone() -> None:
    eps_hat, v, _x0, eps = network_outputs()
    eps_hat, v = eps_hat.requires_grad_(), v.detach().requires_grad_()
    t = torch.tensor([1, 2, 30, 1000, 500])
    loss = hybrid_loss(eps_hat, v, SCHEDULE, t, eps=eps)
    loss.backward()
    assert eps_hat.grad is not None and v.grad is not None
    assert torch.allclose(eps_hat.grad, 2 * (eps_hat - eps).detach() / eps.numel(), rtol=1e-12)
    assert torch.isfinite(v.grad).all() and (v.grad != 0).all()

    def of_v(v: Tensor) -> Tensor:
        return vlb_loss(eps_hat.detach(), v, SCHEDULE, t, eps=eps).mean()  # lambda T = 1

    assert torch.autograd.gradcheck(of_v, v.detach().requires_grad_())
    assert close(loss.item(), (eps - eps_hat).square().mean().item() + of_v(v).item(), 1e-12)
    assert close(
        hybrid_loss(eps_hat, v, SCHEDULE, t, eps=eps, vlb_weight=0.0).item(), (eps - eps_hat).square().mean().item()
    )


@pytest.mark.parametrize("T", [1, 2, 50, 4000])
def test_the_hybrid_loss_weighs_the_bound_by_its_number_of_terms(T: int) -> None:
    """L_vlb is a sum over t = 1..T: a mean over rows stands for a T-th of it."""
    eps_hat, v, _x0, eps = network_outputs()
    schedule, t = linear(T), torch.tensor([1, 1, (T + 1) // 2, T, T])
    simple, bound = (eps - eps_hat).square().mean().item(), vlb_loss(eps_hat, v, schedule, t, eps=eps).mean().item()
    got = hybrid_loss(eps_hat, v, schedule, t, eps=eps).item()
    assert abs(got - simple - 1e-3 * T * bound) < 1e-12 * max(1.0, abs(T * bound))
    assert abs(got - simple - bound) > 1e-3 * abs(bound)  # what it is at T = 1000 alone


@pytest.mark.parametrize("t", [2, 20, 300])
def test_the_learned_term_falls_to_the_exact_one(t: int) -> None:
    """Its mean, with the exact denoiser, is `vlb_term`; and the best constant v makes the optimal variance."""
    n, pair = 100_000, transition(SCHEDULE, t, t - 1)
    x0, eps = BIMODAL.sample(n, gen(1)), normal(n, 1, seed=2)
    eps_hat = BIMODAL.at(SCHEDULE, t).eps(q_sample(SCHEDULE, x0, t, eps))
    left = x0_uncertainty(BIMODAL, SCHEDULE, t).value
    got = vlb_loss(eps_hat, torch.full_like(eps, 0.3), SCHEDULE, t, eps=eps)
    se = got.std().item() / math.sqrt(n)
    at_v = float(vlb_term(pair, learned_range(0.3)(pair, NOTHING), left))
    assert abs(got.mean().item() - at_v) < Z * se
    linear_mix = 0.3 * pair.beta + 0.7 * pair.beta_tilde
    mixed = float(vlb_term(pair, Variance(linear_mix, math.log(linear_mix)), left))
    assert t > 2 or abs(got.mean().item() - mixed) > Z * se
    low, high = log_range(pair)
    best = (optimal_for(BIMODAL, SCHEDULE, [t])(pair, NOTHING).log - low) / (high - low)
    terms = [vlb_term(pair, learned_range(v)(pair, NOTHING), left) for v in (best - 0.01, best, best + 0.01)]
    assert terms[1] < min(terms[0], terms[2])


# --- zero terminal SNR ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("T", [2, 10])
def test_the_term_at_pure_noise_is_finite_in_x0_and_not_to_be_had_in_eps(T: int) -> None:
    """q(x_s|x_T, x_0) = N(sqrt(alpha_bar_s) x_0, 1 - alpha_bar_s); its mean errs by sqrt(alpha_bar_s) (x_0 - x0_hat)"""
    blind, law = zero_terminal_snr(linear(T)), gaussian(0.25)
    pair = transition(blind, T, T - 1)
    assert pair.c_t == 0 and close(pair.c_0, blind.sqrt_alpha_bar[T - 1].item())
    variance, excess = learned_range(0.4)(pair, NOTHING), 0.3  # x0_hat is off by sqrt(.3); V_T = .25: x_T says nothing
    truth = Normal(normal(400_000, seed=3) * 0.5 * pair.c_0, math.sqrt(pair.beta_tilde))
    model = Normal(torch.full((400_000,), pair.c_0 * math.sqrt(excess)).double(), math.sqrt(variance.value))
    rows: Tensor = kl_divergence(truth, model)
    got = float(vlb_term(pair, variance, x0_uncertainty(law, blind, T).value, excess))
    without = float(vlb_term(pair, variance, 0.25))
    assert abs(got - rows.mean().item()) < Z * rows.std().item() / math.sqrt(len(rows))
    assert abs(without - rows.mean().item()) > Z * rows.std().item() / math.sqrt(len(rows))
    timesteps = blind.timesteps(T)
    for choice in (fixed_large, learned_range(0.4)):
        terms, gaps = vlb(law, blind, timesteps, choice), vlb_gap(law, blind, timesteps, choice)
        assert abs(terms.total - gaps.total - entropy(law, blind, 0).value) < 1e-10 * max(1.0, abs(terms.total))

    eps_hat, v, _x0, eps = network_outputs()
    for t in (T, torch.tensor([1, T, 1, 1, 1])):
        for loss in (vlb_loss, hybrid_loss):
            with pytest.raises(BadInput, match=rf"^alpha is 0 at t = {T}, where eps says nothing of x_0\.$"):
                loss(eps_hat, v, blind, t, eps=eps)
    assert torch.isfinite(vlb_loss(eps_hat, v, blind, T - 1, eps=eps)).all()
    assert torch.isfinite(vlb_loss(eps_hat, v, linear(T), T, eps=eps)).all()


# --- bad input ------------------------------------------------------------------------------------------------------


def test_bad_input_is_one_clear_sentence() -> None:
    first = transition(SCHEDULE, 1, 0)
    with pytest.raises(BadInput, match="s must be at least 1 here"):
        vlb_term(first, fixed_large(first, NOTHING), 0.1)
    blind = zero_terminal_snr(cosine(10))
    pair = transition(blind, 10, 9)
    with pytest.raises(BadInput, match="alpha is 0 at t = 10"):
        simple_weight(pair, fixed_large(pair, NOTHING))
    eps_hat, v, x0, eps = network_outputs()
    with pytest.raises(BadInput, match="v must have the shape of eps"):
        vlb_loss(eps_hat, v[..., :1], SCHEDULE, 5, eps=eps)
    with pytest.raises(BadInput, match="t must be an integer from 1 to 1000; got 0"):
        hybrid_loss(eps_hat, v, SCHEDULE, 0, eps=eps)
    with pytest.raises(BadInput, match="t must be an integer from 1"):
        simple_loss(lambda x, t, cond: x, SCHEDULE, x0, 0, eps=eps)
    with pytest.raises(BadInput, match="denoiser's eps must have the shape"):
        simple_loss(lambda x, t, cond: x[:1], SCHEDULE, x0, 5, eps=eps)
    with pytest.raises(BadInput, match="the predicted v must have the shape of x0"):
        simple_loss(lambda x, t, cond: x[:1], SCHEDULE, x0, 5, eps=eps, target=V)
