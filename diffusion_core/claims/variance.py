r"""Which variance: what the article says of beta, beta-tilde and a learned one, and what the likelihood bound adds.

sigma*^2 = beta_tilde + (l_t / alpha_bar_t)(beta - beta_tilde)                       (the loss curve is the optimum)
g_0 = lam^2 [alpha_bar_N / v_N^2 + sum sigma_k^2 alpha_bar_{k-1} / v_{k-1}^2]        (generated variance, Gaussian data)
bound = L_T + sum L_{t-1} + L_0 = H(x_0) + gap                                       (Ho et al. 2020, eq. 5 and 16)
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from diffusion_core.claims.check import Claim, Trial, chi_square, identity
from diffusion_core.claims.reverse import gaussian, posterior_step
from diffusion_core.data.toys import bimodal
from diffusion_core.forward import forward_kl
from diffusion_core.laws.bounds import vlb, vlb_gap
from diffusion_core.laws.densities import GeneratedDensity, generated_density
from diffusion_core.laws.estimates import entropy, loss_floor
from diffusion_core.laws.generated import (
    GeneratedLaw,
    gaussian_optimal,
    generated_law,
    generated_law_ddim,
    generated_variance,
)
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.quadrature import expectation_nodes, kl_to_normal
from diffusion_core.laws.variances import optimal_for, state_dependent
from diffusion_core.objectives import decoder_term
from diffusion_core.posterior import Transition, transition, transitions
from diffusion_core.samplers import ancestral
from diffusion_core.schedule import SCHEDULES, NoiseSchedule, linear
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

__all__ = [
    "BETWEEN_MODES",
    "BOUND",
    "CLAIMS",
    "DECODER",
    "ETAS",
    "EXPONENTS",
    "LAST_STEP",
    "LEARNED",
    "MEAN_FROM_NOISE",
    "METRICS",
    "MORE",
    "PAPER_TABLE_1",
    "PRIOR",
    "ROUTES",
    "SAMPLES",
    "SPREADS",
    "TABLE_1",
    "EveryRun",
    "Ranks",
    "Steps",
    "Told",
    "all_spreads",
    "gap_and_density",
    "of_ddim",
    "order",
    "peaks_by_choice",
    "power_law",
    "table_1",
    "turn",
    "two_peaks",
]


@dataclass(frozen=True)
class Steps:
    """N strided steps of a schedule, for Gaussian data of one variance."""

    schedule: NoiseSchedule
    timesteps: tuple[int, ...]
    data_variance: float = 0.25
    n: int = 20_000


TEN = Steps(linear(1000), linear(1000).timesteps(10))


def two_peaks() -> GaussianMixture:
    """Peaks at -0.9 and 0.9, sd 0.1."""
    return bimodal().law


# --- step 1: the mean -----------------------------------------------------------------------------------------------

MeanFn = Callable[[NoiseSchedule, int, Tensor, Tensor], Tensor]


def mean_of_article(schedule: NoiseSchedule, t: int, x_t: Tensor, eps: Tensor) -> Tensor:
    """(x_t - beta_t / sqrt(1 - alpha_bar_t) eps) / sqrt(alpha_t)."""
    beta, rest = schedule.beta[t].item(), schedule.sqrt_one_minus_alpha_bar[t].item()
    return (x_t - beta / rest * eps) / math.sqrt(1 - beta)


def without_root(schedule: NoiseSchedule, t: int, x_t: Tensor, eps: Tensor) -> Tensor:
    """beta_t / (1 - alpha_bar_t)."""
    beta, rest = schedule.beta[t].item(), schedule.one_minus_alpha_bar[t].item()
    return (x_t - beta / rest * eps) / math.sqrt(1 - beta)


def with_alpha_bar(schedule: NoiseSchedule, t: int, x_t: Tensor, eps: Tensor) -> Tensor:
    """sqrt(alpha_bar_t) for sqrt(alpha_t)."""
    beta, rest = schedule.beta[t].item(), schedule.sqrt_one_minus_alpha_bar[t].item()
    return (x_t - beta / rest * eps) / schedule.sqrt_alpha_bar[t].item()


def check_mean(mean: MeanFn, setting: NoiseSchedule, seed: int) -> list[Trial]:
    """The article's mean against a step without its noise, at every t."""
    generator = torch.Generator().manual_seed(seed)
    got, expected = [], []
    for t in range(1, setting.T + 1, 7):
        x_t, eps = torch.randn((2, 4), generator=generator, dtype=torch.float64)
        got.append(mean(setting, t, x_t, eps))
        expected.append(posterior_step(setting, x_t, eps, torch.zeros_like(x_t), t, t - 1))
    return [identity(torch.stack(got), torch.stack(expected))]


MEAN_FROM_NOISE = Claim(
    key="E30",
    says="Step 1: the predicted noise gives the posterior's mean, with x̂₀ in place of x₀.",
    check=check_mean,
    truth=mean_of_article,
    mistakes={"1 − ᾱ without its root": without_root, "ᾱ_t for α_t": with_alpha_bar},
    setting=linear(1000),
)


# --- step 2: beta or beta-tilde -------------------------------------------------------------------------------------

SPACINGS = ("iddpm", "trailing", "leading")
LAST = {False: "no noise", True: "noise"}  # in the last step
NOISE = 0.1  # alpha_bar of the first timestep, up to which the start is as good as noise


@dataclass(frozen=True)
class EveryRun:
    """All runs of N = 1..T steps, with every schedule and every spacing, for Gaussian data of one variance."""

    T: int = 1000
    data_variance: float = 0.25


@cache
def strides(T: int, spacing: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """t and s of the steps of all runs of N = 1..T, one run after the other, and where each run begins."""
    schedule = linear(T)
    t = np.fromiter(chain.from_iterable(schedule.timesteps(n, spacing) for n in range(1, T + 1)), dtype=np.int32)
    begin = np.cumsum(np.arange(T))
    s = np.append(t[1:], 0)
    s[begin[1:] - 1] = 0
    return t, s, begin


@cache
def all_spreads(
    name: str, spacing: str, T: int, data_variance: float
) -> tuple[np.ndarray, dict[tuple[str, bool], np.ndarray]]:
    """alpha_bar at the first timestep, and generated over true variance, for each N = 1..T.

    By the closed form at the top, which shares no line with the core's recursion. Keys: (choice, noise in the last
    step).
    """
    schedule = SCHEDULES[name](T)
    log, alpha_bar, noise = (
        table.numpy() for table in (schedule.log_alpha_bar, schedule.alpha_bar, schedule.one_minus_alpha_bar)
    )
    weight = alpha_bar / (1 + alpha_bar * (data_variance - 1)) ** 2
    t, s, begin = strides(T, spacing)
    large = -np.expm1(log[t] - log[s]) * weight[s]
    small = large * noise[s] / noise[t]
    start = weight[t[begin]]

    def ratio(added: np.ndarray) -> np.ndarray:
        return data_variance * (start + np.add.reduceat(added, begin))

    quiet, narrow = ratio(np.where(s > 0, large, 0.0)), ratio(small)
    ratios = {("β", False): quiet, ("β", True): ratio(large), ("β̃", False): narrow, ("β̃", True): narrow}
    return alpha_bar[t[begin]], ratios


SpreadOf = Callable[[Steps, VarianceChoice, bool], float]


def by_recursion(setting: Steps, choice: VarianceChoice, noisy_last: bool) -> float:
    """The core's recursion."""
    return generated_variance(setting.schedule, setting.timesteps, choice, setting.data_variance, noisy_last)


def with_neighbours_beta(setting: Steps, choice: VarianceChoice, noisy_last: bool) -> float:
    """The table's beta_t, whatever the stride."""

    def neighbour(pair: Transition, x_t: Tensor) -> Variance:
        return choice(transition(setting.schedule, pair.t, pair.t - 1), x_t)

    return by_recursion(setting, neighbour, noisy_last)


def exchanged(setting: Steps, choice: VarianceChoice, noisy_last: bool) -> float:
    """beta where beta-tilde was asked for, and the other way round."""
    return by_recursion(setting, fixed_small if choice is fixed_large else fixed_large, noisy_last)


@dataclass(frozen=True)
class Told:
    """What is said of all runs: on which side of the data's variance each kind falls, and the variance itself."""

    sides: Mapping[str, str]
    variance_of: SpreadOf = by_recursion


def sides_of(setting: EveryRun) -> dict[str, str]:
    """Kind of run -> "too spread", "too narrow", or "either" where both are found."""
    kinds: dict[str, list[np.ndarray]] = {}
    for name in SCHEDULES:
        for spacing in SPACINGS:
            first, ratios = all_spreads(name, spacing, setting.T, setting.data_variance)
            for noisy, last in LAST.items():
                kinds.setdefault(f"β, {last} in the last step", []).append(ratios["β", noisy])
            for where, mask in (("noise", first <= NOISE), ("elsewhere", first > NOISE)):
                kinds.setdefault(f"β̃, from {where}", []).append(ratios["β̃", False][mask])
    ratios_of = {kind: np.concatenate(found) for kind, found in kinds.items()}
    return {
        kind: "too spread" if (r > 1).all() else "too narrow" if (r < 1).all() else "either"
        for kind, r in ratios_of.items()
    }


def check_spreads(told: Told, setting: EveryRun, seed: int) -> list[Trial]:
    """The sides of all runs; and the closed form that found them against the variant's, at one drawn N each."""
    found, draw = sides_of(setting), random.Random(seed)
    got, expected = [], []
    for name in SCHEDULES:
        schedule = SCHEDULES[name](setting.T)
        for spacing in SPACINGS:
            n = round(min(40, setting.T) ** draw.random())
            run = Steps(schedule, schedule.timesteps(n, spacing), setting.data_variance)
            _first, ratios = all_spreads(name, spacing, setting.T, setting.data_variance)
            for key, choice in (("β", fixed_large), ("β̃", fixed_small)):
                for noisy in LAST:
                    got.append(told.variance_of(run, choice, noisy) / setting.data_variance)
                    expected.append(ratios[key, noisy][n - 1])
    wrong = sum(told.sides[kind] != side for kind, side in found.items())
    runs = 2 * 2 * len(SCHEDULES) * len(SPACINGS) * setting.T
    return [
        Trial("kinds of run on another side", wrong, tolerance=0, n=runs),
        identity(np.array(got), np.array(expected)),
    ]


SIDES = {
    "β, noise in the last step": "too spread",
    "β, no noise in the last step": "either",
    "β̃, from noise": "too narrow",
    "β̃, from elsewhere": "either",
}
SPREADS = Claim(
    key="E31b",
    says="Data of variance 1/4, any schedule, spacing and number of steps: β makes the samples too spread if the last "
    "step has noise, β̃ too narrow if the first x_t is nearly noise (ᾱ_t ≤ 0.1). Otherwise either may happen.",
    check=check_spreads,
    truth=Told(SIDES),
    mistakes={
        "β too spread without noise in the last step, too": Told(
            {**SIDES, "β, no noise in the last step": "too spread"}
        ),
        "β̃ too narrow from any start": Told({**SIDES, "β̃, from elsewhere": "too narrow"}),
        "β and β̃ exchanged": Told(SIDES, exchanged),
        "the neighbour's β for a long stride": Told(SIDES, with_neighbours_beta),
        "noise added in the last step": Told(
            SIDES, lambda setting, choice, noisy_last: by_recursion(setting, with_last(choice, fixed_large), True)
        ),
    },
    setting=EveryRun(),
)


# --- the best variance ----------------------------------------------------------------------------------------------

OptimumOf = Callable[[GaussianMixture, NoiseSchedule, Sequence[int]], VarianceChoice]


def from_loss(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> VarianceChoice:
    """beta_tilde + (l_t / alpha_bar_t)(beta - beta_tilde)."""
    return optimal_for(law, schedule, timesteps)


def loss_as_weight(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> VarianceChoice:
    """The weight is l_t, not l_t / alpha_bar_t."""
    return optimal(lambda t: loss_floor(law, schedule, t).value * schedule.alpha_bar[t].item())


def neighbours_loss(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> VarianceChoice:
    """The loss of s, not of t."""
    before = dict(zip(timesteps, [*timesteps[1:], timesteps[-1]], strict=True))
    return optimal(lambda t: loss_floor(law, schedule, before[t]).value)


def always_large(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> VarianceChoice:
    """beta."""
    return fixed_large


def always_small(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int]) -> VarianceChoice:
    """beta-tilde."""
    return fixed_small


NOT_THE_BEST: dict[str, OptimumOf] = {
    "ℓ_t as weight, not ℓ_t / ᾱ_t": loss_as_weight,
    "the loss of the step before": neighbours_loss,
    "β": always_large,
    "β̃": always_small,
}


def check_routes(optimum: OptimumOf, setting: Steps, seed: int) -> list[Trial]:
    """The loss curve's variance against the law of total variance and the score's second moment, for two peaks."""
    law, schedule = two_peaks(), setting.schedule
    choice = optimum(law, schedule, setting.timesteps)
    got, total, fisher = [], [], []
    for pair in transitions(setting.schedule, setting.timesteps)[:-1]:
        now = law.at(schedule, pair.t)
        x, weights = expectation_nodes(now)
        mean = pair.c_t * x + pair.c_0 * now.x0_mean(x)
        second = pair.alpha_bar_s * law.second_moment + pair.one_minus_alpha_bar_s
        score = (weights @ now.score(x).square()).item()
        w = (1 - pair.one_minus_alpha_bar_t * score) / pair.alpha_bar_t
        got.append(float(choice(pair, NOTHING).value))
        total.append(second - (weights @ mean.square()).item())
        fisher.append(pair.beta_tilde + w * (pair.beta - pair.beta_tilde))
    return [identity(np.array(got), np.array(route)) for route in (total, fisher)]


ROUTES = Claim(
    key="E41",
    says="The best variance is β̃ + (ℓ_t / ᾱ_t)(β − β̃): the loss curve gives it, and two other routes agree.",
    check=check_routes,
    truth=from_loss,
    mistakes=NOT_THE_BEST,
    setting=TEN,
)


def check_samples(optimum: OptimumOf, setting: Steps, seed: int) -> list[Trial]:
    """Samples of the real sampler have the data's variance."""
    law = gaussian(setting.data_variance)
    generator = torch.Generator().manual_seed(seed)
    choice = optimum(law, setting.schedule, setting.timesteps)
    x = torch.randn((setting.n, 1), generator=generator, dtype=torch.float64)
    decoder = with_last(choice, gaussian_optimal(setting.data_variance))  # beta-tilde has no noise there
    for step in ancestral(
        law.denoiser(setting.schedule), setting.schedule, x, setting.timesteps, decoder, generator, noisy_last=True
    ):
        x = step.x_s
    return [chi_square(x, 0.0, setting.data_variance)]


SAMPLES = Claim(
    key="E41b",
    says="For Gaussian data, ten steps with the best variance are enough: the samples have the data's variance.",
    check=check_samples,
    truth=from_loss,
    mistakes=NOT_THE_BEST,
    setting=TEN,
)


ChoiceOf = Callable[[GaussianMixture, NoiseSchedule], VarianceChoice]


def clamped(law: GaussianMixture, schedule: NoiseSchedule) -> VarianceChoice:
    """The true variance, held to [beta-tilde, beta]."""
    true = state_dependent(law, schedule)

    def choose(pair: Transition, x_t: Tensor) -> Variance:
        value = torch.as_tensor(true(pair, x_t).value).clamp(pair.beta_tilde, pair.beta)
        return Variance(value, value.log())

    return choose


def of_the_average(law: GaussianMixture, schedule: NoiseSchedule) -> VarianceChoice:
    """The best variance that knows only t."""
    return optimal(lambda t: loss_floor(law, schedule, t).value)


def check_between_modes(
    make: Callable[..., VarianceChoice], setting: tuple[NoiseSchedule, int], seed: int
) -> list[Trial]:
    """Var[x_{t-1} | x_t] of the exact reverse conditional, between the peaks and on them."""
    schedule, t = setting
    law, pair = two_peaks(), transition(schedule, t, t - 1)
    peak = 0.9 * pair.sqrt_alpha_bar_t
    x = torch.tensor([[0.0], [0.5 * peak], [peak], [-peak]], dtype=torch.float64)
    got = torch.as_tensor(make(law, schedule)(pair, x).value).reshape(-1).expand(len(x))
    now = law.at(schedule, t)
    true = torch.stack([now.reverse_conditional(row, t - 1).covariance()[0, 0] for row in x])
    return [
        identity(got / pair.beta, true / pair.beta),
        Trial("true variance between the peaks / β, below 1", min(0.0, (true[0] / pair.beta).item() - 1), tolerance=0),
    ]


BETWEEN_MODES = Claim(
    key="E41c",
    says="Between two peaks the true variance of x_{t−1} given x_t is larger than β.",
    check=check_between_modes,
    truth=state_dependent,
    mistakes={"held to [β̃, β]": clamped, "one variance for all x_t": of_the_average},
    setting=(linear(1000), 100),
)


# --- the learned variance -------------------------------------------------------------------------------------------


def by_log(v: float) -> VarianceChoice:
    """Logs mixed: the core's."""
    return learned_range(v)


def by_variance(v: float) -> VarianceChoice:
    """Variances mixed."""
    return lambda pair, x_t: Variance(v * pair.beta + (1 - v) * pair.beta_tilde, math.nan)


def by_the_other_end(v: float) -> VarianceChoice:
    """v and 1 - v exchanged."""
    return learned_range(1 - v)


def as_deviation(v: float) -> VarianceChoice:
    """The deviation in the variance's place."""

    def choose(pair: Transition, x_t: Tensor) -> Variance:
        log = 0.5 * float(learned_range(v)(pair, x_t).log)
        return Variance(math.exp(log), log)

    return choose


def check_learned(make: Callable[[float], VarianceChoice], setting: Steps, seed: int) -> list[Trial]:
    """beta^v beta_tilde^(1 - v), for v inside and outside of [0, 1]."""
    got, expected = [], []
    for v in (-0.2, 0.0, 0.3, 0.5, 1.0, 1.2):
        for pair in transitions(setting.schedule, setting.timesteps)[:-1]:
            got.append(float(make(v)(pair, NOTHING).value) / pair.beta)
            expected.append((pair.beta_tilde / pair.beta) ** (1 - v))
    return [identity(np.array(got), np.array(expected))]


LEARNED = Claim(
    key="E32",
    says="A learned variance is β^v β̃^(1−v), v from the network: the logs are mixed, and v may leave [0, 1].",
    check=check_learned,
    truth=by_log,
    mistakes={
        "the variances mixed, not their logs": by_variance,
        "v and 1 − v exchanged": by_the_other_end,
        "deviation for variance": as_deviation,
    },
    setting=TEN,
)


# --- step 3: the draw -----------------------------------------------------------------------------------------------


def end_of_run(noisy_last: bool, last: VarianceChoice = fixed_large) -> Callable[[Steps, int], tuple[Tensor, Tensor]]:
    """x_1 and x_0 of a run, of Gaussian data."""

    def run(setting: Steps, seed: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        denoiser = gaussian(setting.data_variance).denoiser(setting.schedule)
        x_T = torch.randn((64, 1), generator=generator, dtype=torch.float64)
        choice = with_last(fixed_small, last)
        *_, step = ancestral(denoiser, setting.schedule, x_T, setting.timesteps, choice, generator, None, noisy_last)
        return step.x_t, step.x_s

    return run


def check_last_step(run: Callable[[Steps, int], tuple[Tensor, Tensor]], setting: Steps, seed: int) -> list[Trial]:
    """What is returned is E[x_0 | x_1], from the formula for Gaussian data."""
    x_t, x_s = run(setting, seed)
    alpha_bar = setting.schedule.alpha_bar[setting.timesteps[-1]].item()
    lam = setting.data_variance
    return [identity(x_s, math.sqrt(alpha_bar) * lam / (1 + alpha_bar * (lam - 1)) * x_t)]


LAST_STEP = Claim(
    key="E33",
    says="Step 3 draws from p_θ(x_{t−1} | x_t), and the last step draws nothing: it returns x̂₀.",
    check=check_last_step,
    truth=end_of_run(False),
    mistakes={
        "noise of variance β in the last step": end_of_run(True),
        "noise of variance 10⁻⁶ in the last step": end_of_run(True, lambda pair, x_t: Variance(1e-6, math.log(1e-6))),
    },
    setting=TEN,
)


# --- what is best depends on who asks -------------------------------------------------------------------------------


@cache
def peaks_by_choice(schedule: NoiseSchedule, n: int) -> dict[str, tuple[float, GeneratedDensity]]:
    """The bound's gap and the exact density of samples for two peaks, at n steps, the last one with its noise.

    So the model is the same for both. Where beta-tilde is 0, the decoder has the best variance. The names are those of
    `METRICS`: "large", "small", "optimal".
    """
    law, timesteps = two_peaks(), schedule.timesteps(n)
    best = optimal_for(law, schedule, timesteps)
    choices = {"large": fixed_large, "small": with_last(fixed_small, best), "optimal": best}
    return {name: gap_and_density(schedule, timesteps, choice) for name, choice in choices.items()}


def gap_and_density(
    schedule: NoiseSchedule, timesteps: Sequence[int], choice: VarianceChoice
) -> tuple[float, GeneratedDensity]:
    """What the bound pays, in nats, and what comes out, for two peaks."""
    law = two_peaks()
    return (
        vlb_gap(law, schedule, timesteps, choice).total,
        generated_density(law, schedule, timesteps, choice, noisy_last=True),
    )


def check_metrics(winners: Mapping[str, str], setting: tuple[NoiseSchedule, int], seed: int) -> list[Trial]:
    """Who is first by each of four measures; the mass of each density is checked where it is made."""
    results = peaks_by_choice(*setting)
    scores = {
        "bound": {name: gap for name, (gap, _) in results.items()},
        "KL": {name: density.kl for name, (_, density) in results.items()},
        "TV": {name: density.tv for name, (_, density) in results.items()},
        "W1": {name: density.w1 for name, (_, density) in results.items()},
    }
    wrong = [measure for measure, by in scores.items() if min(by, key=by.__getitem__) != winners[measure]]
    below = [name for name, (gap, density) in results.items() if not density.kl <= gap]
    return [
        Trial("measures with another winner", len(wrong), tolerance=0, n=len(scores)),
        Trial("choices whose KL is above the gap of their bound", len(below), tolerance=0, n=len(results)),
    ]


METRICS = Claim(
    key="E31c",
    says="Two peaks, ten steps: the bound, KL and TV prefer the best variance, but W1 prefers β̃.",
    check=check_metrics,
    truth={"bound": "optimal", "KL": "optimal", "TV": "optimal", "W1": "small"},
    mistakes={
        "the better bound has the better samples, by any measure": dict.fromkeys(
            ["bound", "KL", "TV", "W1"], "optimal"
        ),
        "β̃ is best, for its samples are sharpest": dict.fromkeys(["bound", "KL", "TV", "W1"], "small"),
    },
    setting=(linear(1000), 10),
)


# --- DDIM's table 1, in kind ----------------------------------------------------------------------------------------

ETAS = (0.0, 0.2, 0.5, 1.0)
# Song et al. 2021, Table 1: FID on CIFAR-10 for the four eta, then sigma-hat; by number of steps S. There the steps are
# spaced quadratically (appendix D.2), here evenly, as on the paper's other data.
PAPER_TABLE_1 = {
    10: (13.36, 14.04, 16.66, 41.07, 367.43),
    20: (6.84, 7.11, 8.35, 18.36, 133.37),
    50: (4.67, 4.77, 5.25, 8.01, 32.72),
    100: (4.16, 4.25, 4.46, 5.78, 9.99),
    1000: (4.04, 4.09, 4.29, 4.73, 3.17),
}
LawOf = Callable[[NoiseSchedule, Sequence[int], Tensor, float], GeneratedLaw]


EXPONENTS = tuple(round(0.1 * k, 1) for k in range(10, 41))  # a of f^-a, from 1 to 4


def power_law(
    exponents: Sequence[float] = EXPONENTS, mean_variance: float = 0.25, side: int = 32
) -> tuple[Tensor, Tensor]:
    """Spectra of Gaussian "images": variance f^-a at spatial frequency f (f at least 1), their distinct values.

    The power of natural images falls as f^-2 (Field 1987) to f^-2.4 (Tolhurst, Tadmor, Chao 1992).

    Returns:
        Eigenvalues (A, K), and how many of the side x side directions have each (K,); float64.
    """
    k = torch.arange(side, dtype=torch.float64) - side // 2
    f2 = (k[:, None] ** 2 + k**2).clamp(min=1).flatten()
    values, counts = f2.unique(return_counts=True)
    counts = counts.double()
    lam = values ** (-torch.tensor(exponents, dtype=torch.float64)[:, None] / 2)
    return lam * mean_variance * counts.sum() / (lam @ counts)[:, None], counts


def table_1(
    law_of: LawOf,
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    exponents: Sequence[float] = EXPONENTS,
    mean_variance: float = 0.25,
) -> list[list[float]]:
    """A row for each exponent: squared W2 distance a dimension, an exact FID, of DDIM at the four eta and of DDPM with
    beta ("sigma-hat")."""
    lam, counts = power_law(exponents, mean_variance)
    every = lam.flatten()
    laws = [law_of(schedule, timesteps, every, eta) for eta in ETAS]
    laws.append(generated_law(schedule, timesteps, fixed_large, every))
    apart = [law.frechet2.reshape(lam.shape) @ counts for law in laws]
    return (torch.stack(apart, 1) / counts.sum()).tolist()


def of_ddim(schedule: NoiseSchedule, timesteps: Sequence[int], lam: Tensor, eta: float) -> GeneratedLaw:
    """The core's."""
    return generated_law_ddim(schedule, timesteps, lam, eta=eta)


def noise_on_top(schedule: NoiseSchedule, timesteps: Sequence[int], lam: Tensor, eta: float) -> GeneratedLaw:
    """sigma z is added, but the predicted noise is not made shorter for it."""
    g = torch.ones_like(lam)
    for pair in transitions(schedule, timesteps):
        v = pair.one_minus_alpha_bar_t + pair.alpha_bar_t * lam
        signal = pair.sqrt_alpha_bar_s * pair.sqrt_alpha_bar_t * lam
        b = (signal + pair.sqrt_one_minus_alpha_bar_s * pair.sqrt_one_minus_alpha_bar_t) / v
        g = b.square() * g + eta**2 * pair.beta_tilde
    return GeneratedLaw(g, torch.zeros_like(g), lam)


def ddpm_without_noise(schedule: NoiseSchedule, timesteps: Sequence[int], lam: Tensor, eta: float) -> GeneratedLaw:
    """DDPM's mean at every eta, its noise made smaller: not DDIM."""

    def smaller(pair: Transition, x_t: Tensor) -> Variance:
        return Variance(eta**2 * pair.beta_tilde, math.nan)

    return generated_law(schedule, timesteps, smaller, lam)


def order(row: Sequence[float]) -> list[int]:
    """The columns from best to worst."""
    return sorted(range(len(row)), key=row.__getitem__)


def turn(orders: Sequence[Sequence[int]], paper: Sequence[int], exponents: Sequence[float] = EXPONENTS) -> float:
    """The exponent from which on the order is the paper's; infinite where there is none."""
    last_wrong = max((k for k, one in enumerate(orders) if list(one) != list(paper)), default=-1)
    return (*exponents, math.inf)[last_wrong + 1]


@dataclass(frozen=True)
class Ranks:
    """How DDIM is said to run, and the exponent from which on the paper's order at S = 10 is said to hold."""

    law_of: LawOf = of_ddim
    turn: float = 2.3


@cache
def orders(law_of: LawOf, schedule: NoiseSchedule) -> dict[int, list[list[int]]]:
    """S -> the order of the five, for each exponent."""
    return {
        steps: [order(row) for row in table_1(law_of, schedule, schedule.timesteps(steps, spacing="leading"))]
        for steps in PAPER_TABLE_1
    }


def check_table_1(ranks: Ranks, setting: NoiseSchedule, seed: int) -> list[Trial]:
    """The order of the four eta at each S, the first at S = 1000, and where the paper's order at S = 10 begins."""
    found = orders(ranks.law_of, setting)
    eta = sum([k for k in row if k < 4] != [0, 1, 2, 3] for rows in found.values() for row in rows)
    first = sum(row[0] != 4 for row in found[1000])
    begins = turn(found[10], order(PAPER_TABLE_1[10]))
    n = len(EXPONENTS)
    return [
        Trial("spectra and S with another order of η", eta, tolerance=0, n=n * len(found)),
        Trial("spectra where β is not first at S = 1000", first, tolerance=0, n=n),
        Trial("exponent where the order at S = 10 begins, less the one said", begins - ranks.turn, tolerance=0.0, n=n),
    ]


TABLE_1 = Claim(
    key="E31d",
    says="Gaussian “images”, power f⁻ᵃ, mean variance 1/4, a from 1 to 4: as in DDIM's Table 1, less noise is better "
    "at every S, and β is first at S = 1000; its order at S = 10, with β last, begins at a = 2.3.",
    check=check_table_1,
    truth=Ranks(),
    mistakes={
        "noise added on top, the direction not shortened": Ranks(noise_on_top),
        "“η = 0” as DDPM without its noise": Ranks(ddpm_without_noise),
        "the order at S = 10 with any spectrum": Ranks(turn=1.0),
        "the order at S = 10 from f⁻³ on only": Ranks(turn=3.0),
    },
    setting=linear(1000),
)


# --- the bound ------------------------------------------------------------------------------------------------------

TotalOf = Callable[[GaussianMixture, NoiseSchedule, Sequence[int], VarianceChoice], float]


def all_terms(law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int], choice: VarianceChoice) -> float:
    """L_T + sum L_{t-1} + L_0."""
    return vlb(law, schedule, timesteps, choice).total


def without_decoder(
    law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int], choice: VarianceChoice
) -> float:
    """L_0 left out."""
    bound = vlb(law, schedule, timesteps, choice)
    return bound.total - bound.steps[-1]


def marginal_prior(
    law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int], choice: VarianceChoice
) -> float:
    """KL(q(x_T) || p) for L_T, the mean of KL(q(x_T|x_0) || p)."""
    bound = vlb(law, schedule, timesteps, choice)
    return bound.total - bound.prior + kl_to_normal(law.at(schedule, timesteps[0]))


def one_step_more(
    law: GaussianMixture, schedule: NoiseSchedule, timesteps: Sequence[int], choice: VarianceChoice
) -> float:
    """The first step counted twice."""
    bound = vlb(law, schedule, timesteps, choice)
    return bound.total + bound.steps[0]


def check_bound(total: TotalOf, setting: Steps, seed: int) -> list[Trial]:
    """Eq. 5 less eq. 16 is the entropy of the data, for three choices."""
    law, schedule, timesteps = two_peaks(), setting.schedule, setting.timesteps
    best = optimal_for(law, schedule, timesteps)
    choices = (fixed_large, with_last(fixed_small, best), best)
    data = entropy(law, schedule, 0).value
    got = [total(law, schedule, timesteps, choice) for choice in choices]
    expected = [vlb_gap(law, schedule, timesteps, choice).total + data for choice in choices]
    return [identity(np.array(got), np.array(expected))]


BOUND = Claim(
    key="E38",
    says="The bound is the entropy of the data plus one KL a step: its two forms agree, whatever the variance.",
    check=check_bound,
    truth=all_terms,
    mistakes={
        "the decoder's term left out": without_decoder,
        "KL(q(x_T) ‖ p) for L_T": marginal_prior,
        "the first step counted twice": one_step_more,
    },
    setting=TEN,
)


def mean_prior(law: GaussianMixture, schedule: NoiseSchedule) -> float:
    """L_T: the mean over x_0 of KL(q(x_T|x_0) || N(0, I))."""
    return forward_kl(schedule, law.second_moment, schedule.T)


def of_the_marginal(law: GaussianMixture, schedule: NoiseSchedule) -> float:
    """KL(q(x_T) || N(0, I))."""
    return kl_to_normal(law.at(schedule, schedule.T))


def without_log(law: GaussianMixture, schedule: NoiseSchedule) -> float:
    """alpha_bar_T m_2 / 2."""
    return 0.5 * schedule.alpha_bar[-1].item() * law.second_moment


def check_prior(prior: Callable[[GaussianMixture, NoiseSchedule], float], setting: int, seed: int) -> list[Trial]:
    """L_T - KL(q(x_T) || p) is the information that x_T has of x_0, H(x_T) - H(x_T | x_0)."""
    schedule, got, expected = linear(setting), [], []
    for law in (gaussian(1.0), gaussian(0.25), two_peaks()):
        noise = 0.5 * math.log(2 * math.pi * math.e * schedule.one_minus_alpha_bar[-1].item())
        information = entropy(law, schedule, schedule.T).value - noise
        got.append(prior(law, schedule))
        expected.append(kl_to_normal(law.at(schedule, schedule.T)) + information)
    return [identity(np.array(got), np.array(expected))]


PRIOR = Claim(
    key="E40",
    says="L_T is not KL(q(x_T) ‖ N(0, I)): it is larger, by what x_T still knows of x₀.",
    check=check_prior,
    truth=mean_prior,
    mistakes={"one number for both": of_the_marginal, "½ ᾱ_T E[x₀²] alone": without_log},
    setting=1000,
)


def best_decoder(pair: Transition, V: float) -> Variance:
    """V_1 itself, which is the best variance at s = 0."""
    return optimal(lambda t: V * pair.alpha_bar_t / pair.one_minus_alpha_bar_t)(pair, NOTHING)


def clamped_decoder(pair: Transition, V: float) -> Variance:
    """beta-tilde, 0 there, held above 1e-20 as libraries do."""
    return Variance(1e-20, math.log(1e-20))


def large_decoder(pair: Transition, V: float) -> Variance:
    """beta."""
    return fixed_large(pair, NOTHING)


def check_decoder(decoder: Callable[[Transition, float], Variance], setting: NoiseSchedule, seed: int) -> list[Trial]:
    """The least L_0 is the entropy of x_0 given x_1, which is known for Gaussian data."""
    pair, got, expected = transition(setting, 1, 0), [], []
    for lam in (0.01, 0.25, 4.0):
        spread = lam * pair.one_minus_alpha_bar_t / (1 + pair.alpha_bar_t * (lam - 1))
        got.append(float(decoder_term(decoder(pair, spread), spread)))
        expected.append(0.5 * math.log(2 * math.pi * math.e * spread))
    return [
        identity(np.array(got), np.array(expected)),
        Trial("β̃ at t = 1", pair.beta_tilde, tolerance=0),
    ]


DECODER = Claim(
    key="E42",
    says="At t = 1, β̃ is 0 and no density; the best decoder has the variance of x₀ given x₁.",
    check=check_decoder,
    truth=best_decoder,
    mistakes={"β̃ held above 10⁻²⁰": clamped_decoder, "β": large_decoder},
    setting=linear(1000),
)

CLAIMS: Sequence[Claim] = (SPREADS, SAMPLES, ROUTES, BETWEEN_MODES, METRICS, TABLE_1)
MORE: Sequence[Claim] = (MEAN_FROM_NOISE, LEARNED, LAST_STEP, BOUND, PRIOR, DECODER)
