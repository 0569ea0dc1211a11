r"""What is minimised, how low it can go, and what it says of the likelihood. In nats a dimension; / ln 2 for bits.

.. math::
    L_{simple} &= E\,\|\epsilon - \hat\epsilon(x_t, t)\|^2/d \ \ge\ \ell_t
        = \frac{\bar\alpha_t}{1-\bar\alpha_t}V_t, \qquad V_t = \tfrac1d E\,\mathrm{tr}\,\mathrm{Cov}[x_0|x_t] \\
    L_T &= \tfrac1d E\,KL\big(q(x_T|x_0)\|N(0,I)\big) \qquad\text{(forward.forward_kl)} \\
    L_{t-1} &= \tfrac12\Big[\frac{\tilde\beta}{\sigma^2}-1+\ln\frac{\sigma^2}{\tilde\beta}\Big]
        + \frac{c_0^2}{2\sigma^2}\Big(V_t + \tfrac1dE\|\hat x_\theta-\hat x_0\|^2\Big) \\
    L_0 &= \tfrac12\ln 2\pi\sigma^2 + \frac{1}{2\sigma^2}\Big(V_1 + \tfrac1dE\|\hat x_\theta-\hat x_0\|^2\Big)
        \qquad\text{(a density as decoder)}

The bound :math:`-\ln p(x_0) \le L_T + \sum L_{t-1} + L_0` (Ho et al. 2020, eq. 5) pays above the entropy of the data
the *gap* (their eq. 16), one KL for each step, which knows nothing of x_0:

.. math::
    KL\big(q(x_T)\|N(0,I)\big) + \sum E\,KL\big(q(x_s|x_t)\|p(x_s|x_t)\big), \qquad
    KL = \tfrac12\Big[\ln\frac{\sigma^2}{\beta} + \frac{\sigma^{*2}}{\sigma^2} - 1\Big] - \big[H(q_s)-H(q_t)\big],

with :math:`\sigma^{*2} = \tilde\beta + c_0^2V_t` and H the entropy of x_t a dimension.

References:
    Ho, Jain, Abbeel 2020, eq. 5, 12, 14 and 16. Nichol, Dhariwal 2021, eq. 16 (hybrid). Kingma et al. 2021,
    "Variational Diffusion Models" (the weights in SNR). Bao et al. 2022, "Analytic-DPM" (loss and optimal variance).
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from diffusion_core.denoisers import Model
from diffusion_core.errors import BadInput, check_floating, check_rows, check_same_shape
from diffusion_core.forward import q_sample
from diffusion_core.parameterization import EPS, Target
from diffusion_core.posterior import Transition
from diffusion_core.schedule import NoiseSchedule, pick
from diffusion_core.variance import Variance

__all__ = ["decoder_term", "hybrid_loss", "simple_loss", "simple_weight", "vlb_loss", "vlb_term"]


# --- the simple loss, and its floor ---------------------------------------------------------------------------------

LOG_2PI = math.log(2 * math.pi)


def simple_loss(
    model: Model,
    schedule: NoiseSchedule,
    x0: Tensor,
    t: int | Tensor,
    eps: Tensor,
    *,
    cond: Tensor | None = None,
    target: Target = EPS,
) -> Tensor:
    r""":math:`\|\epsilon-\hat\epsilon(x_t, t)\|^2/d` of each row; its mean is :math:`L_{simple}` (Ho 2020, eq. 14).

    Args:
        model: (x_t, t, cond) -> eps, or what `target` names, shape of x_t. Where it answers on another device than that
            of the data, the loss is there.
        x0, eps: (batch, ...) data and the noise that it gets.
        t: an integer in 1..T, or (batch,) of them.
        cond: what the model is told besides, or None.
        target: what the model predicts. With another one than `EPS` the loss is in its units.

    Returns:
        (batch,), differentiable.

    Raises:
        BadInput: t out of range, shapes that differ, numbers that are whole or not finite, an empty batch.
    """
    check_rows("x0", x0)
    answer = model(q_sample(schedule, x0, t, eps, low=1), t, cond)
    check_same_shape("the denoiser's eps" if target is EPS else f"the predicted {target.name}", answer, "x0", x0)
    return row_errors(answer, target.of(schedule, x0, eps, t).to(answer.device))


def row_errors(answer: Tensor, truth: Tensor) -> Tensor:
    """The mean squared error of each row, (batch,)."""
    return _rows_of(functional.mse_loss(answer, truth, reduction="none"))


def _rows_of(values: Tensor) -> Tensor:
    """The mean of each row, (batch,); of a batch of numbers these themselves, and none of an empty one."""
    return values.reshape(len(values), math.prod(values.shape[1:])).mean(1)


# --- the bound ------------------------------------------------------------------------------------------------------


def vlb_term(
    transition: Transition, variance: Variance, V_t: float | Tensor, network_excess: float | Tensor = 0.0
) -> float | Tensor:
    r""":math:`L_{t-1}` for s >= 1 (Ho et al. 2020, eq. 8, in the mean over x_0 and x_t).

    .. math:: \tfrac12\Big[\frac{\tilde\beta}{\sigma^2}-1+\ln\frac{\sigma^2}{\tilde\beta}\Big]
              + \frac{c_0^2}{2\sigma^2}(V_t + \text{excess})

    At the best variance and mean it is :math:`\tfrac12\ln(\sigma^{*2}/\tilde\beta)`.

    Args:
        variance: :math:`\sigma^2`; with tensors the term is that of each place.
        V_t: `x0_uncertainty`, or Var[x_0 | x_t] at each place.
        network_excess: :math:`E\|\hat x_\theta-\hat x_0\|^2/d`, the network's error in x_0 above the best.

    Raises:
        BadInput: s = 0, which is `decoder_term`'s.
    """
    if transition.s == 0:
        raise BadInput("s must be at least 1 here (s = 0 is the decoder's term); got 0.")
    ratio = transition.beta_tilde / variance.value
    return (
        0.5 * (ratio - 1 + variance.log - math.log(transition.beta_tilde))
        + 0.5 * transition.c_0**2 * (V_t + network_excess) / variance.value
    )


def decoder_term(variance: Variance, V_t: float | Tensor, network_excess: float | Tensor = 0.0) -> float | Tensor:
    r""":math:`L_0 = \tfrac12\ln 2\pi\sigma^2 + (V_t+\text{excess})/(2\sigma^2)`, with the density
    N(x_0; x0_hat, sigma^2 I) as decoder; least at :math:`\sigma^2 = V_t`. Infinite where sigma^2 is 0 (beta-tilde).

    Ho et al. 2020, eq. 13, integrate that density over the cell of a grey level: bits of images, not of densities.
    """
    if isinstance(variance.value, float) and variance.value == 0:
        return math.inf
    return 0.5 * (LOG_2PI + variance.log) + 0.5 * (V_t + network_excess) / variance.value


def simple_weight(transition: Transition, variance: Variance) -> float | Tensor:
    r""":math:`\frac{\beta^2}{2\sigma^2\alpha(1-\bar\alpha_t)}`: what the bound weighs the squared error of eps with
    (Ho et al. 2020, eq. 12). :math:`L_{simple}` puts 1 in its place. Infinite where sigma^2 is 0.

    Raises:
        BadInput: alpha is 0 (zero terminal SNR), where eps says nothing of x_0.
    """
    _check_alpha(transition.t, transition.alpha)
    if isinstance(variance.value, float) and variance.value == 0:
        return math.inf
    scale = transition.beta**2 / (transition.alpha * transition.one_minus_alpha_bar_t)
    return 0.5 * scale / variance.value


def _check_alpha(t: int, alpha: float) -> None:
    if alpha == 0:
        raise BadInput("alpha is 0 at t = {t}, where eps says nothing of x_0.", t=t)


# --- a learned variance ---------------------------------------------------------------------------------------------


def vlb_loss(eps_hat: Tensor, v: Tensor, schedule: NoiseSchedule, t: int | Tensor, eps: Tensor) -> Tensor:
    r""":math:`L_{t-1}`, or :math:`L_0` where t = 1, of a network that predicts eps and v; it trains v alone.

    :math:`KL\big(N(\tilde\mu,\tilde\beta)\,\|\,N(\mathrm{sg}(\mu_\theta),\sigma^2)\big)` with
    :math:`\ln\sigma^2 = v\ln\beta_t+(1-v)\ln\tilde\beta_t`, where
    :math:`(\tilde\mu-\mu_\theta)^2 = \frac{\beta_t^2}{\alpha_t(1-\bar\alpha_t)}(\epsilon-\hat\epsilon)^2` and sg stops
    the gradient. The decoder is a density, and at t = 1 the range is that of `variance.log_range`.

    Where :math:`\alpha_t = 0` (zero terminal SNR) that factor is infinite: an error of eps says nothing of x_0. The
    term itself is finite, :math:`c_0 = \sqrt{\bar\alpha_s}` and :math:`c_t = 0`, but in the error of x_0, which only a
    network that predicts x_0 or v has: `vlb_term`.

    Args:
        eps_hat, v, eps: (batch, ...) the network's two outputs, and the noise that was added.
        t: an integer in 1..T, or (batch,) of them; s = t - 1.

    Returns:
        (batch,) in nats a dimension.

    Raises:
        BadInput: t out of range, shapes that differ, whole numbers, alpha_t = 0.
    """
    for name, given in (("eps", eps), ("v", v), ("eps_hat", eps_hat)):
        check_floating(name, given)
        check_same_shape(name, given, "eps", eps)
    index = schedule.index(t, eps, low=1)
    if bool((torch.as_tensor(index) == schedule.T).any()):
        _check_alpha(schedule.T, schedule.alpha[-1].item())
    tables = (schedule.log_range_low, schedule.beta.log(), schedule.beta_tilde)
    log_low, log_beta, beta_tilde = (pick(table, index, eps) for table in tables)
    of_eps = schedule.beta.square() / (schedule.alpha * schedule.one_minus_alpha_bar)
    error = pick(of_eps, index, eps) * (eps - eps_hat.detach()).square()

    log_variance = v * log_beta + (1 - v) * log_low
    inverse = torch.exp(-log_variance)
    kl = 0.5 * (beta_tilde * inverse - 1 + log_variance - log_low + error * inverse)
    decoder = 0.5 * (LOG_2PI + log_variance + error * inverse)
    first = torch.as_tensor(index == 1, device=eps.device).reshape(-1, *[1] * (eps.ndim - 1))
    return _rows_of(torch.where(first, decoder, kl))


def hybrid_loss(
    eps_hat: Tensor, v: Tensor, schedule: NoiseSchedule, t: int | Tensor, eps: Tensor, vlb_weight: float = 1e-3
) -> Tensor:
    r""":math:`L_{hybrid} = L_{simple} + \lambda L_{vlb}` (Nichol, Dhariwal 2021, eq. 16), a 0-d tensor.

    :math:`L_{vlb}` is the sum over t; for t drawn evenly from 1..T it is T times the mean of `vlb_loss`, so that the
    default weighs one term with T / 1000. Nats here; their code measures this part in bits. Arguments and errors are
    those of `vlb_loss`; an empty batch is BadInput, too.
    """
    check_rows("eps", eps)
    of_v = vlb_weight * schedule.T * vlb_loss(eps_hat, v, schedule, t=t, eps=eps).mean()
    return (eps - eps_hat).square().mean() + of_v
