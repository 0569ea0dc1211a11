"""The same formulas in the installed diffusers: does it take the same steps, and where does it not?

Its t counts from 0, so our t is its t - 1; its tables are float32, whose 1 - alpha_bar is off by 1.7e-4 at the first
step. Hence what is allowed depends on t: 1e-3 up to t = 10, 1e-4 below 100, 1e-5 from there on. Only steps into
s >= 1 are compared: what is done in the last one is a convention.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from diffusion_core.denoisers import PREDICTION_TYPES
from diffusion_core.errors import BadInput
from diffusion_core.parameterization import TARGETS
from diffusion_core.posterior import transition, transitions
from diffusion_core.reverse import DDIMMean, reverse_step
from diffusion_core.samplers import ddim
from diffusion_core.schedule import NoiseSchedule, cosine, linear, scaled_linear, sigmoid, zero_terminal_snr
from diffusion_core.variance import Variance, VarianceChoice, fixed_large, fixed_small, learned_range

__all__ = ["Agreement", "compare", "tolerance"]

SPACINGS = {"iddpm": "linspace", "trailing": "trailing", "leading": "leading"}  # ours -> theirs
V = 0.3  # a network's v, between beta-tilde (0) and beta (1)
STEPS = 10


@dataclass(frozen=True)
class Agreement:
    """One row: how far the two are apart, as a share of what is allowed."""

    setting: str
    compared: str
    error: float
    allowed: float

    @property
    def verdict(self) -> Literal["agrees", "differs", "not a number"]:
        if math.isnan(self.error):
            return "not a number"
        return "agrees" if self.error <= self.allowed else "differs"


def tolerance(t: int) -> float:
    """What float32 tables may be off by at our t."""
    return 1e-3 if t <= 10 else 1e-4 if t < 100 else 1e-5


def compare() -> tuple[Agreement, ...]:
    """Every row. Imports diffusers, which takes seconds.

    Raises:
        BadInput: diffusers is not installed.
    """
    try:
        import diffusers
    except ImportError as error:
        raise BadInput("diffusers is not installed; pip install diffusers==0.42.1 brings it.") from error
    rows = (_schedules, _spacings, _variances, _ddim, _predictions)
    return tuple(row for of in rows for row in of(diffusers))


def _schedules(diffusers: Any) -> Iterator[Agreement]:
    stable = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    rows = (
        (linear(), {"beta_schedule": "linear"}),
        (scaled_linear(), stable),
        (cosine(), {"beta_schedule": "squaredcos_cap_v2"}),
        (sigmoid(), {"beta_schedule": "sigmoid"}),
    )
    for ours, arguments in rows:
        theirs = diffusers.DDPMScheduler(1000, **arguments).betas.double()
        error = ((theirs - ours.beta[1:]).abs() / ours.beta[1:]).max()
        yield Agreement(f'beta_schedule="{arguments["beta_schedule"]}"', "β", float(error), 2e-5)
    theirs = diffusers.DDIMScheduler(1000, rescale_betas_zero_snr=True, **stable).alphas_cumprod.double()
    error = (theirs - zero_terminal_snr(scaled_linear()).alpha_bar[1:]).abs().max()
    yield Agreement("rescale_betas_zero_snr=True", "ᾱ", float(error), 1e-5)


NUMBERS = (5, 10, 50, 1000)  # of steps; where n does not divide T, `NoiseSchedule.timesteps` says what differs


def _spacings(diffusers: Any) -> Iterator[Agreement]:
    for ours, theirs in SPACINGS.items():
        scheduler = diffusers.DDPMScheduler(1000, timestep_spacing=theirs)
        wrong = 0
        for n in NUMBERS:
            scheduler.set_timesteps(n)
            wrong += [t - 1 for t in linear().timesteps(n, ours)] != scheduler.timesteps.tolist()
        yield Agreement(f'timestep_spacing="{theirs}", n = {", ".join(map(str, NUMBERS))}', "t", float(wrong), 0.0)


def learned(pair: object, x_t: Tensor) -> Variance:
    """The network's output is the variance itself."""
    return Variance(V, math.log(V))


def _variances(diffusers: Any) -> Iterator[Agreement]:
    ours: dict[str, tuple[VarianceChoice, float | None]] = {  # type -> our choice, and what the network says
        "fixed_small": (fixed_small, None),
        "fixed_small_log": (fixed_small, None),
        "fixed_large": (fixed_large, None),
        "fixed_large_log": (fixed_large, None),
        "learned": (learned, V),
        "learned_range": (learned_range(V), 2 * V - 1),
    }
    for name, (choose, said) in ours.items():
        shares = [
            share
            for spacing in SPACINGS
            for n in (STEPS, 1000)
            for share in _step_shares(diffusers, name, choose=choose, said=said, spacing=spacing, n=n)
        ]
        worst = math.nan if any(map(math.isnan, shares)) else max(shares)
        yield Agreement(f'variance_type="{name}"', "x_s", worst, 1.0)


def _step_shares(
    diffusers: Any, name: str, choose: VarianceChoice, said: float | None, spacing: str, n: int
) -> Iterator[float]:
    """Errors of a few steps of a run with the same noise, each as a share of what is allowed at its t."""
    schedule = linear()
    theirs = diffusers.DDPMScheduler(1000, variance_type=name, timestep_spacing=SPACINGS[spacing], clip_sample=False)
    theirs.set_timesteps(n)
    times = schedule.timesteps(n, spacing)
    for k in {0, 1, n // 2, n - 2}:
        t, s = times[k], times[k + 1]
        x_t, eps = (_normal(seed) for seed in (1, 2))
        pair = transition(schedule, t, s)
        output = eps if said is None else torch.cat([eps, torch.full_like(eps, said)], 1)
        after = theirs.step(output, t - 1, x_t, generator=torch.Generator().manual_seed(3)).prev_sample
        yield _share(reverse_step(pair, x_t, eps, choose(pair, x_t), noise=_normal(3)).x_s, after, t)


def _ddim(diffusers: Any) -> Iterator[Agreement]:
    schedule: NoiseSchedule = linear()
    for eta in (0.0, 0.5, 1.0):
        shares = []
        for spacing in ("trailing", "leading"):  # its s is t - T / n, which is not linspace's
            theirs = diffusers.DDIMScheduler(1000, timestep_spacing=spacing, clip_sample=False)
            theirs.set_timesteps(STEPS)
            generator = torch.Generator().manual_seed(4)
            times = schedule.timesteps(STEPS, spacing)
            for step in ddim(_wave, schedule, _normal(1), times, eta=eta, generator=generator):
                out = theirs.step(step.eps_hat, step.t - 1, step.x_t, eta, variance_noise=step.noise).prev_sample
                shares.append(_share(step.x_s, out, step.t))
        yield Agreement(f"DDIMScheduler, eta={eta:g}", "x_s", max(shares), 1.0)


def _predictions(diffusers: Any) -> Iterator[Agreement]:
    """A step of DDIM, and the data that it guesses, from one output of a network."""
    schedule = linear()
    times = schedule.timesteps(STEPS, "trailing")
    for kind, name in PREDICTION_TYPES.items():
        theirs = diffusers.DDIMScheduler(1000, timestep_spacing="trailing", clip_sample=False, prediction_type=kind)
        theirs.set_timesteps(STEPS)
        target, shares = TARGETS[name], []
        for pair in transitions(schedule, times)[:-1]:
            x_t, x0, eps = (_normal(seed) for seed in (1, 2, 3))
            for output in (target.from_x0(schedule, x_t, x0, pair.t), target.from_eps(schedule, x_t, eps, pair.t)):
                after = theirs.step(output, pair.t - 1, x_t)
                eps_hat, x0_hat = (way(schedule, x_t, output, pair.t) for way in (target.eps, target.x0))
                step = reverse_step(pair, x_t, eps_hat, Variance(0.0, -math.inf), mean_rule=DDIMMean())
                shares.append(_share(step.x_s, after.prev_sample, pair.t))
                shares.append(_share(x0_hat, after.pred_original_sample, pair.t))
        yield Agreement(f'prediction_type="{kind}"', "x_s, x̂₀", max(shares), 1.0)


def _wave(x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
    """What stands for a network."""
    return torch.sin(x_t) + t / 2000


def _share(ours: Tensor, theirs: Tensor, t: int) -> float:
    return float(((ours - theirs).abs() / (1 + theirs.abs())).max()) / tolerance(t)


def _normal(seed: int) -> Tensor:
    return torch.randn((8, 4), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
