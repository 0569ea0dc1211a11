"""The article's reverse process: one step, a whole run, and what the exact denoiser of a finite data set returns.

x_s = c_t x_t + c_0 x0_hat + sigma z,   1/beta_tilde = alpha/beta + 1/(1 - alpha_bar_s)    (Ho et al. 2020, eq. 7)
p(x_{0:T}) = p(x_T) prod p(x_{t-1} | x_t),   p(x_T) = N(0, I)                              (Ho et al. 2020, eq. 1)
eps* = E[eps | x_t]:   E[(eps - eps*) eps*] = 0,   E[eps*^2] = 1 - l_t < 1
E[x_s | x_t] = c_t x_t + c_0 E[x_0 | x_t],   Var[x_s | x_t] = beta_tilde + c_0^2 Var[x_0 | x_t]
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, chi_square, estimated_mean_z, identity, second_moment_z, z_of_mean
from diffusion_core.data.digits import digits
from diffusion_core.data.toys import bimodal
from diffusion_core.forward import q_sample
from diffusion_core.laws.estimates import loss_floor
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.generated import generated_variance
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import expectation_nodes, log_normal
from diffusion_core.posterior import Transition, transition, transitions
from diffusion_core.reverse import reverse_step
from diffusion_core.samplers import ancestral
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import VarianceChoice, fixed_large, fixed_small

__all__ = ["BEST_GUESS", "CLAIMS", "COPIES", "JOINT", "LAW", "MEAN", "MORE", "PLUG_IN", "STEP", "Moment", "Run"]


@dataclass(frozen=True)
class Run:
    """N strided steps for Gaussian data of variance ``data_variance``."""

    schedule: NoiseSchedule
    timesteps: tuple[int, ...]
    variance: VarianceChoice
    data_variance: float = 0.25
    n: int = 20_000


def gaussian(data_variance: float) -> GaussianMixture:
    """N(0, data_variance), as a mixture of one."""
    return GaussianMixture.of([1.0], [[0.0]], [[[data_variance]]])


# --- one step -------------------------------------------------------------------------------------------------------

StepFn = Callable[[NoiseSchedule, Tensor, Tensor, Tensor, int, int], Tensor]


def posterior_step(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, s: int) -> Tensor:
    """`reverse_step` with beta-tilde: mu-tilde from eps, plus the root of beta-tilde times z."""
    pair = transition(schedule, t, s)
    return reverse_step(pair, x_t, eps, fixed_small(pair, x_t), z).x_s


def neighbours_beta(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, s: int) -> Tensor:
    """The table's beta_t for a stride longer than one."""
    beta = float(schedule.beta[t])
    mean = (x_t - beta / float(schedule.sqrt_one_minus_alpha_bar[t]) * eps) / math.sqrt(1 - beta)
    tilde = beta * float(schedule.one_minus_alpha_bar[s] / schedule.one_minus_alpha_bar[t])
    return mean + math.sqrt(tilde) * z


def variance_as_deviation(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, s: int) -> Tensor:
    """beta-tilde times z, without the root."""
    pair = transition(schedule, t, s)
    return posterior_step(schedule, x_t, eps, torch.zeros_like(z), t, s) + pair.beta_tilde * z


def beta_for_beta_tilde(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, s: int) -> Tensor:
    """The article's misprint: beta where beta-tilde belongs."""
    pair = transition(schedule, t, s)
    return posterior_step(schedule, x_t, eps, torch.zeros_like(z), t, s) + math.sqrt(pair.beta) * z


def check_step(step: StepFn, setting: Run, seed: int) -> list[Trial]:
    """Each step against Bayes' rule in precisions, which shares no line with the code: prior times likelihood."""
    schedule, generator = setting.schedule, torch.Generator().manual_seed(seed)
    got, expected = [], []
    for pair in transitions(schedule, setting.timesteps):
        t, s = pair.t, pair.s
        x_t, eps, z = torch.randn((3, 16), generator=generator, dtype=torch.float64)
        alpha_bar_t, alpha_bar_s = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[s])
        alpha = alpha_bar_t / alpha_bar_s
        x0_hat = (x_t - math.sqrt(1 - alpha_bar_t) * eps) / math.sqrt(alpha_bar_t)
        got.append(step(schedule, x_t, eps, z, t, s))
        if s == 0:  # the posterior is the point x_0 itself
            expected.append(x0_hat)
            continue
        precision = alpha / (1 - alpha) + 1 / (1 - alpha_bar_s)
        mean = (math.sqrt(alpha) / (1 - alpha) * x_t + math.sqrt(alpha_bar_s) / (1 - alpha_bar_s) * x0_hat) / precision
        expected.append(mean + z / math.sqrt(precision))
    return [identity(torch.stack(got), torch.stack(expected), tolerance=1e-9)]


STEP = Claim(
    key="E25",
    says="A step draws from prior × likelihood: mean μ̃ and variance β̃ of the stride from t to s.",
    check=check_step,
    truth=posterior_step,
    mistakes={
        "the neighbour's β for a long stride": neighbours_beta,
        "variance used as deviation": variance_as_deviation,
        "β for β̃ (the article's misprint)": beta_for_beta_tilde,
    },
    setting=Run(linear(1000), linear(1000).timesteps(10, spacing="trailing"), fixed_small),
)


# --- a whole run ----------------------------------------------------------------------------------------------------


def ancestral_run(setting: Run, generator: torch.Generator) -> Tensor:
    """x_0 of the sampler itself."""
    denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
    x = torch.randn((setting.n, 1), generator=generator, dtype=torch.float64)
    for step in ancestral(denoiser, setting.schedule, x, setting.timesteps, setting.variance, generator):
        x = step.x_s
    return x


def run_of(step: StepFn) -> Callable[[Run, torch.Generator], Tensor]:
    """x_0 of a run made of one kind of step."""

    def run(setting: Run, generator: torch.Generator) -> Tensor:
        denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
        x = torch.randn((setting.n, 1), generator=generator, dtype=torch.float64)
        for pair in transitions(setting.schedule, setting.timesteps):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype)
            noise = z if pair.s else torch.zeros_like(z)
            x = step(setting.schedule, x, denoiser(x, pair.t), noise, pair.t, pair.s)
        return x

    return run


def without_noise(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, s: int) -> Tensor:
    """The mean of DDPM with its noise left out, taken for DDIM."""
    return posterior_step(schedule, x_t, eps, torch.zeros_like(z), t, s)


def noisy_to_the_end(setting: Run, generator: torch.Generator) -> Tensor:
    """One more draw of the first step's noise at the very end."""
    x = ancestral_run(setting, generator)
    pair = transition(setting.schedule, setting.timesteps[-1], 0)
    return x + math.sqrt(pair.beta) * torch.randn(x.shape, generator=generator, dtype=x.dtype)


def check_law(run: Callable[[Run, torch.Generator], Tensor], setting: Run, seed: int) -> list[Trial]:
    """Generated samples of Gaussian data are Gaussian; their variance is the exact recursion's."""
    x = run(setting, torch.Generator().manual_seed(seed))
    expected = generated_variance(setting.schedule, setting.timesteps, setting.variance, setting.data_variance)
    return [z_of_mean(x, 0.0, expected), chi_square(x, 0.0, expected)]


LAW = Claim(
    key="E31",
    says="For Gaussian data, the generated variance is exactly what theory says for this number of steps.",
    check=check_law,
    truth=ancestral_run,
    mistakes={
        "the neighbour's β for a long stride": run_of(neighbours_beta),
        "noise added in the last step": noisy_to_the_end,
        "“η = 0” as DDPM without its noise": run_of(without_noise),
        "variance used as deviation": run_of(variance_as_deviation),
    },
    setting=Run(linear(1000), linear(1000).timesteps(10, spacing="trailing"), fixed_large),
)


# --- copies ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CopyRun:
    """``n`` samples in N steps, from ``per_class`` digits of each kind."""

    schedule: NoiseSchedule
    timesteps: tuple[int, ...]
    per_class: int = 30
    n: int = 16


def fitted_gaussian(points: Tensor) -> GaussianMixture:
    """One Gaussian with the digits' mean and covariance: a model that generalizes."""
    centred = points - points.mean(0)
    covariance = centred.T @ centred / len(points)
    return GaussianMixture.of([1.0], points.mean(0)[None], covariance[None])


def check_copies(make_law: Callable[[Tensor], Law], setting: CopyRun, seed: int) -> list[Trial]:
    """The largest distance from a sample to the nearest training point."""
    some = digits(setting.per_class).law.points.double()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((setting.n, some.shape[1]), generator=generator, dtype=torch.float64)
    denoiser = make_law(some).denoiser(setting.schedule)
    for step in ancestral(denoiser, setting.schedule, x, setting.timesteps, fixed_small, generator):
        x = step.x_s
    distance = torch.cdist(x, some).min(1).values
    return [Trial("largest distance to a training point", float(distance.max()), tolerance=1e-3, n=setting.n)]


COPIES = Claim(
    key="E28",
    says="The exact denoiser of a finite data set returns its points: a perfect fit copies.",
    check=check_copies,
    truth=FiniteData,
    mistakes={"one Gaussian fitted to the digits": fitted_gaussian},
    setting=CopyRun(linear(1000), linear(1000).timesteps(25)),
)

# --- the density of a path ------------------------------------------------------------------------------------------

LogJoint = Callable[[Run, Tensor], Tensor]


def log_steps(setting: Run, path: Tensor) -> Tensor:
    """sum ln p(x_s | x_t) over a path (N + 1, n), x_T first."""
    denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
    total = torch.zeros(path.shape[1], dtype=path.dtype)
    for pair, x_t, x_s in zip(transitions(setting.schedule, setting.timesteps), path[:-1], path[1:], strict=True):
        variance = setting.variance(pair, x_t)
        mean = reverse_step(pair, x_t[:, None], denoiser(x_t[:, None], pair.t), variance).mean[:, 0]
        total += log_normal(x_s, mean, float(variance.value))
    return total


def forward_factors(setting: Run, path: Tensor) -> Tensor:
    """The density of the same path under q: it starts at the data."""
    total = log_normal(path[-1], 0.0, setting.data_variance)
    for pair, x_t, x_s in zip(transitions(setting.schedule, setting.timesteps), path[:-1], path[1:], strict=True):
        total = total + log_normal(x_t, math.sqrt(pair.alpha) * x_s, pair.beta)
    return total


def marginal_of_q(setting: Run) -> float:
    """Var[x_T] under q: not quite 1."""
    alpha_bar = float(setting.schedule.alpha_bar[setting.timesteps[0]])
    return 1 + alpha_bar * (setting.data_variance - 1)


def check_joint(log_joint: LogJoint, setting: Run, seed: int) -> list[Trial]:
    """A product of conditionals against the density of the one Gaussian that a linear chain is.

    Its mean is 0 and its covariance M M^T, where column j of M holds what one unit of noise in step j does to the path.
    """
    denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
    pairs = transitions(setting.schedule, setting.timesteps)
    size = len(pairs) + 1
    state, rows = torch.eye(size, dtype=torch.float64)[:1].T, []  # response of x_T to each of the noises
    rows.append(state[:, 0])
    for k, pair in enumerate(pairs, 1):
        variance = setting.variance(pair, state)
        state = reverse_step(pair, state, denoiser(state, pair.t), variance).mean
        state = state + math.sqrt(float(variance.value)) * torch.eye(size, dtype=torch.float64)[k][:, None]
        rows.append(state[:, 0])
    covariance = torch.stack(rows) @ torch.stack(rows).T
    path = torch.randn((size, 32), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    whole = torch.distributions.MultivariateNormal(torch.zeros(size, dtype=torch.float64), covariance)
    return [identity(log_joint(setting, path), whole.log_prob(path.T))]


JOINT = Claim(
    key="E17",
    says="A path's density is p(x_T) ∏ p(x_{t−1} | x_t), and its first factor is N(0, I).",
    check=check_joint,
    truth=lambda setting, path: log_normal(path[0], 0.0, 1.0) + log_steps(setting, path),
    mistakes={
        "p(x_T) left out": log_steps,
        "q(x_T) in place of N(0, I)": lambda setting, path: (
            log_normal(path[0], 0.0, marginal_of_q(setting)) + log_steps(setting, path)
        ),
        "the forward factors q(x_t | x_{t−1})": forward_factors,
    },
    setting=Run(linear(1000), linear(1000).timesteps(5), fixed_large),
)

# --- the noise that is predicted ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """``n`` pairs of x_0 and x_t of the two-peaked data at one t."""

    schedule: NoiseSchedule
    t: int
    n: int = 20_000


Guess = Callable[[Moment, Tensor, Tensor], Tensor]


def best_guess(setting: Moment, x_t: Tensor, eps: Tensor) -> Tensor:
    """eps* = E[eps | x_t]."""
    return bimodal().law.at(setting.schedule, setting.t).eps(x_t)


def nearest_peak(setting: Moment, x_t: Tensor, eps: Tensor) -> Tensor:
    """The noise if x_0 were the peak on x_t's side."""
    schedule, t = setting.schedule, setting.t
    return (x_t - float(schedule.sqrt_alpha_bar[t]) * 0.9 * x_t.sign()) / float(schedule.sqrt_one_minus_alpha_bar[t])


def check_guess(guess: Guess, setting: Moment, seed: int) -> list[Trial]:
    """What is left of eps has nothing in common with the guess, whose size is the exact one."""
    generator = torch.Generator().manual_seed(seed)
    x0 = bimodal().law.sample(setting.n, generator)
    eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    guessed = guess(setting, q_sample(setting.schedule, x0, setting.t, eps), eps)
    floor = loss_floor(bimodal().law, setting.schedule, setting.t).value
    return [estimated_mean_z((eps - guessed) * guessed), second_moment_z(guessed, 1 - floor)]


BEST_GUESS = Claim(
    key="E28b",
    says="The best network returns ε* = E[ε | x_t]: shorter than ε, and what is missing is orthogonal to it.",
    check=check_guess,
    truth=best_guess,
    mistakes={
        "ε* = ε: the noise itself is recovered": lambda setting, x_t, eps: eps,
        "ε* times 0.9": lambda setting, x_t, eps: 0.9 * best_guess(setting, x_t, eps),
        "the noise from the nearest peak": nearest_peak,
    },
    setting=Moment(linear(1000), t=300),
)


@dataclass(frozen=True)
class Stride:
    """From t to s, for the two-peaked data."""

    schedule: NoiseSchedule
    t: int
    s: int


PlugIn = Callable[[Transition, Stride, Tensor], tuple[Tensor, Tensor]]


def mean_and_variance(pair: Transition, setting: Stride, x_t: Tensor) -> tuple[Tensor, Tensor]:
    """c_t x_t + c_0 E[x_0 | x_t], and beta_tilde + c_0^2 Var[x_0 | x_t]."""
    now = bimodal().law.at(setting.schedule, setting.t)
    return pair.c_t * x_t + pair.c_0 * now.x0_mean(x_t), pair.beta_tilde + pair.c_0**2 * now.x0_variance(x_t)


def guess_taken_for_x0(pair: Transition, setting: Stride, x_t: Tensor) -> tuple[Tensor, Tensor]:
    """The variance as if the guess were x_0 itself."""
    mean, variance = mean_and_variance(pair, setting, x_t)
    return mean, torch.full_like(variance, pair.beta_tilde)


def likeliest_x0(pair: Transition, setting: Stride, x_t: Tensor) -> tuple[Tensor, Tensor]:
    """The likelier peak in place of the mean."""
    _mean, variance = mean_and_variance(pair, setting, x_t)
    return pair.c_t * x_t + pair.c_0 * 0.9 * x_t.sign(), variance


def check_plug_in(plug_in: PlugIn, setting: Stride, seed: int) -> list[Trial]:
    """Mean and variance of q(x_s | x_t) by quadrature of q(x_t | x_s) q(x_s), at random x_t."""
    pair = transition(setting.schedule, setting.t, setting.s)
    x_t = 1.5 * torch.randn((32, 1), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    nodes, weights = expectation_nodes(bimodal().law.at(setting.schedule, setting.s))
    joint = weights * log_normal(x_t, math.sqrt(pair.alpha) * nodes.T, pair.beta).exp()  # (32, nodes)
    posterior = joint / joint.sum(1, keepdim=True)
    mean = posterior @ nodes
    variance = posterior @ nodes.square() - mean.square()
    got_mean, got_variance = plug_in(pair, setting, x_t)
    return [identity(got_mean, mean), identity(got_variance, variance)]


PLUG_IN = Claim(
    key="E28c",
    says="With E[x₀ | x_t] for x₀, μ̃ is the exact mean of x_{t−1}; its variance is larger than β̃.",
    check=check_plug_in,
    truth=mean_and_variance,
    mistakes={
        "variance β̃, as if x₀ were known": guess_taken_for_x0,
        "the likeliest x₀ in place of the mean": likeliest_x0,
    },
    setting=Stride(linear(1000), t=300, s=250),
)

# --- the mean in terms of eps ---------------------------------------------------------------------------------------

MeanOf = Callable[[Transition, Tensor, Tensor], Tensor]


def mean_from_eps(pair: Transition, x_t: Tensor, eps: Tensor) -> Tensor:
    """(x_t - beta / sqrt(1 - alpha_bar_t) eps) / sqrt(alpha)."""
    return (x_t - pair.beta / pair.sqrt_one_minus_alpha_bar_t * eps) / math.sqrt(pair.alpha)


def check_mean(mean_of: MeanOf, setting: NoiseSchedule, seed: int) -> list[Trial]:
    """The formula in eps against the sampler's own mean, for strides of 1 and of 50."""
    generator = torch.Generator().manual_seed(seed)
    got, expected = [], []
    for stride in (1, 50):
        for t in range(stride, setting.T + 1, 50):
            pair = transition(setting, t, t - stride)
            x_t, eps = torch.randn((2, 8), generator=generator, dtype=torch.float64)
            got.append(mean_of(pair, x_t, eps))
            expected.append(reverse_step(pair, x_t, eps, fixed_small(pair, x_t)).mean)
    return [identity(torch.stack(got), torch.stack(expected))]


MEAN = Claim(
    key="E29",
    says="μ_θ = (x_t − β_t / √(1 − ᾱ_t) z_θ) / √α_t is μ̃ with the predicted noise put in, at every t.",
    check=check_mean,
    truth=mean_from_eps,
    mistakes={
        "1 − ᾱ_t without its root": lambda pair, x_t, eps: (
            (x_t - pair.beta / pair.one_minus_alpha_bar_t * eps) / math.sqrt(pair.alpha)
        ),
        "√β_t in place of β_t / √(1 − ᾱ_t)": lambda pair, x_t, eps: (
            (x_t - math.sqrt(pair.beta) * eps) / math.sqrt(pair.alpha)
        ),
        "α_t without its root": lambda pair, x_t, eps: (
            (x_t - pair.beta / pair.sqrt_one_minus_alpha_bar_t * eps) / pair.alpha
        ),
    },
    setting=linear(1000),
)

CLAIMS: Sequence[Claim] = (STEP, LAW, COPIES)  # of the lesson
MORE: Sequence[Claim] = (JOINT, BEST_GUESS, PLUG_IN, MEAN)  # of the ledger
