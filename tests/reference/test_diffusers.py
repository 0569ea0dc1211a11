"""diffusers as the oracle: its schedulers take the same steps.

Its t counts from 0 (`ADAPTER`), and its tables are float32, whose 1 - alpha_bar is off by 1.7e-4 at the first step:
hence 1e-3 at t <= 10 and 1e-5 from t = 100 on; in between 1e-4.
"""

from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from diffusion_core.posterior import transition
from diffusion_core.reverse import reverse_step
from diffusion_core.samplers import ddim
from diffusion_core.schedule import NoiseSchedule, cosine, from_beta, linear, scaled_linear, sigmoid, zero_terminal_snr
from diffusion_core.variance import VarianceChoice, fixed_large, fixed_small

SPACINGS = {"iddpm": "linspace", "trailing": "trailing", "leading": "leading"}
CHOICES = {"fixed_small": fixed_small, "fixed_large": fixed_large}


def adapter(t: int) -> int:
    """Our t = 1..T is their 0..T - 1."""
    return t - 1


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def tolerance(t: int) -> float:
    return 1e-3 if t <= 10 else 1e-4 if t < 100 else 1e-5


def near(a: Tensor, b: Tensor, t: int) -> bool:
    return bool(((a - b).abs() <= tolerance(t) * (1 + b.abs())).all())


# --- schedules and spacings -------------------------------------------------------------------------------------------

SCHEDULES: dict[str, tuple[NoiseSchedule, dict[str, Any]]] = {
    "linear": (linear(), {"beta_schedule": "linear"}),
    "scaled_linear": (
        scaled_linear(),
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    ),
    "cosine": (cosine(), {"beta_schedule": "squaredcos_cap_v2"}),
    "sigmoid": (sigmoid(), {"beta_schedule": "sigmoid"}),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_betas(name: str) -> None:
    schedule, arguments = SCHEDULES[name]
    theirs = DDPMScheduler(1000, **arguments)

    def agrees(ours: NoiseSchedule) -> bool:
        return torch.allclose(ours.beta[1:], theirs.betas.double(), rtol=2e-5, atol=1e-7)

    assert agrees(schedule)
    assert all(not agrees(other) for key, (other, _) in SCHEDULES.items() if key != name)
    assert not agrees(from_beta(schedule.beta[1:].roll(1)))


def test_zero_terminal_snr() -> None:
    arguments = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    theirs = DDIMScheduler(1000, rescale_betas_zero_snr=True, **arguments).alphas_cumprod.double()
    ours = zero_terminal_snr(scaled_linear()).alpha_bar[1:]
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)
    assert not torch.allclose(scaled_linear().alpha_bar[1:], theirs, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("n", [1, 5, 10, 20, 50, 100, 1000])
def test_spacings(spacing: str, n: int) -> None:
    theirs = DDPMScheduler(1000, timestep_spacing=SPACINGS[spacing])
    theirs.set_timesteps(n)
    ours = [adapter(t) for t in linear().timesteps(n, spacing)]
    if spacing == "iddpm" and n == 1:
        assert theirs.timesteps.tolist() == [0]  # one step from t = 1 starts at the data; ours starts at T
        return
    assert ours == theirs.timesteps.tolist()
    assert [t + 1 for t in ours] != theirs.timesteps.tolist()  # without the adapter


@pytest.mark.parametrize("T", [50, 1000])
@pytest.mark.parametrize("spacing", SPACINGS)
def test_spacings_differ_as_said(spacing: str, T: int) -> None:
    """By 1, at halves alone; for trailing only where n does not divide T, and perhaps with t = 0 at the end."""
    theirs = DDPMScheduler(T, timestep_spacing=SPACINGS[spacing])
    moved, longer = set(), set()
    for n in range(2 if spacing == "iddpm" else 1, min(T, 150) + 1):
        theirs.set_timesteps(n)
        ours, other = linear(T).timesteps(n, spacing), [t + 1 for t in theirs.timesteps.tolist()]
        for k, (a, b) in enumerate(zip(ours, other, strict=False)):
            if a != b:
                moved.add(n)
                whole, parts = ((n - k) * T, n) if spacing == "trailing" else ((n - 1 - k) * (T - 1), n - 1)
                assert spacing != "leading" and abs(a - b) == 1 and 2 * whole % parts == 0 != whole % parts
        assert other[n:] in ([], [0]) and (other[n:] == [] or spacing == "trailing")
        longer |= {n} if other[n:] else set()
    assert not any(T % n == 0 for n in longer) and (spacing == "iddpm" or not any(T % n == 0 for n in moved))
    if T == 1000:
        assert min(moved, default=0) == {"iddpm": 27, "trailing": 48, "leading": 0}[spacing]
        assert min(longer, default=0) == {"iddpm": 0, "trailing": 61, "leading": 0}[spacing]


def test_leading_of_stable_diffusion_is_one_later_and_ddim_steps_by_the_floor() -> None:
    later = DDPMScheduler(1000, timestep_spacing="leading", steps_offset=1)
    later.set_timesteps(7)
    assert [t + 1 for t in later.timesteps.tolist()] == [t + 1 for t in linear().timesteps(7, "leading")]
    theirs, x = DDIMScheduler(1000, timestep_spacing="trailing", clip_sample=False), normal(4, seed=1)
    for n, right in ((4, True), (3, False)):
        theirs.set_timesteps(n)
        t, s = linear().timesteps(n, "trailing")[1:3]
        landed = theirs.step(x, adapter(t), x).prev_sample
        assert torch.allclose(landed, ddim_step(t, s, x), rtol=1e-5, atol=1e-7) == right
        assert torch.allclose(landed, ddim_step(t, t - 1000 // n, x), rtol=1e-5, atol=1e-7)


def ddim_step(t: int, s: int, x: Tensor) -> Tensor:
    """x_s from x_t = eps_hat = x, by the formula."""
    a_t, a_s = linear().alpha_bar[t], linear().alpha_bar[s]
    return a_s.sqrt() * (x - (1 - a_t).sqrt() * x) / a_t.sqrt() + (1 - a_s).sqrt() * x


# --- steps ------------------------------------------------------------------------------------------------------------


def ours_and_theirs(
    variance_type: str, spacing: str, n: int, choose: VarianceChoice, k: int
) -> tuple[Tensor, Tensor, int]:
    """The k-th step of each, with the same noise. diffusers adds noise whenever its own t is above 0."""
    schedule, x_t, eps = linear(), normal(8, 4, seed=1), normal(8, 4, seed=2)
    timesteps = [*schedule.timesteps(n, spacing), 0]
    t, s = timesteps[k], timesteps[k + 1]
    theirs = DDPMScheduler(1000, variance_type=variance_type, timestep_spacing=SPACINGS[spacing], clip_sample=False)
    theirs.set_timesteps(n)
    pair = transition(schedule, t, s)
    noise = normal(8, 4, seed=3) if adapter(t) > 0 else None
    step = reverse_step(pair, x_t, eps, choose(pair, x_t), noise=noise)
    generator = torch.Generator().manual_seed(3)
    return step.x_s, theirs.step(eps, adapter(t), x_t, generator=generator).prev_sample, t


@pytest.mark.parametrize("variance_type", CHOICES)
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("n", [10, 50, 1000])
def test_ddpm_step(variance_type: str, spacing: str, n: int) -> None:
    (wrong,) = [choose for name, choose in CHOICES.items() if name != variance_type]
    for k in (0, 1, n // 2, n - 2, n - 1):
        ours, theirs, t = ours_and_theirs(variance_type, spacing, n, choose=CHOICES[variance_type], k=k)
        assert near(ours, theirs, t)
        if n < 1000 and 0 < k < n - 1:  # so far apart that float32 can tell
            ours, theirs, t = ours_and_theirs(variance_type, spacing, n, choose=wrong, k=k)
            assert not near(ours, theirs, t)


def test_published_variances() -> None:
    """diffusers' own test values; the fixed_small variance of a whole chain at its t = 0, 487, 999."""

    def small(t: int, s: int) -> float:
        return float(fixed_small(transition(linear(), t, s), torch.empty(0)).value)

    for t, published in ((0, 0.0), (487, 0.00979), (999, 0.02)):
        assert abs(small(t + 1, t) - published) < 1e-5
        assert t != 487 or abs(small(t + 2, t) - published) > 1e-5


@pytest.mark.parametrize("spacing", ["trailing", "leading"])  # DDIMScheduler's s is t - T / n: not right for linspace
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("clip", [None, (-1.0, 1.0)])
def test_ddim_run(spacing: str, eta: float, clip: tuple[float, float] | None) -> None:
    schedule, n = linear(), 10
    theirs = DDIMScheduler(1000, timestep_spacing=spacing, clip_sample=clip is not None)
    theirs.set_timesteps(n)
    generator = torch.Generator().manual_seed(4)

    def denoiser(x_t: Tensor, t: int) -> Tensor:
        return torch.sin(x_t) + t / 2000

    for step in ddim(
        denoiser,
        schedule,
        normal(8, 4, seed=1),
        schedule.timesteps(n, spacing),
        eta=eta,
        generator=generator,
        clip=clip,
    ):
        eps = denoiser(step.x_t, step.t)
        for again, right in ((True, True), (False, clip is None)):  # eps derived again after clipping (mistake 9)
            out = theirs.step(
                eps, adapter(step.t), step.x_t, eta, use_clipped_model_output=again, variance_noise=step.noise
            )
            if right or step.t > 200:  # near the data the clipped eps weighs too little for float32
                assert near(step.x_s, out.prev_sample, step.t) == right
        if step.s > 0:
            late = theirs.step(eps, step.t - 100, step.x_t, eta, variance_noise=step.noise)
            assert not near(step.x_s, late.prev_sample, step.t)


def test_fixed_large_log_is_not_a_number_there() -> None:
    """A variance and its log in one flag (mistake 7): sqrt of a negative log. Ours keeps value and log apart."""
    theirs = DDPMScheduler(1000, variance_type="fixed_large_log", clip_sample=False)
    x = normal(2, 2, seed=1)
    got = theirs.step(x, 500, x, generator=torch.Generator().manual_seed(0)).prev_sample
    pair = transition(linear(), 501, 500)
    ours = reverse_step(pair, x, x, fixed_large(pair, x), noise=normal(2, 2, seed=2)).x_s
    assert torch.isfinite(ours).all()
    assert got.isnan().all()  # when this fails, diffusers has mended it
