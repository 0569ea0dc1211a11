"""Lesson: beta, beta-tilde, learned or optimal: which variance, for how many steps, and who says so."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
import torch

from diffusion_core import (
    GaussianMixture,
    ancestral,
    ddim,
    fixed_large,
    fixed_small,
    generated_variance,
    generated_variance_ddim,
    transition,
    transitions,
)
from diffusion_core.claims import network as claims_network
from diffusion_core.claims import variance as claims
from diffusion_core.data.toys import gaussian_1d
from diffusion_core.denoisers import Denoiser
from diffusion_core.forward import q_sample
from diffusion_core.laws.bounds import loss_floor, x0_uncertainty
from diffusion_core.laws.densities import GeneratedDensity, generated_density_ddim
from diffusion_core.laws.generated import gaussian_optimal, path_kl
from diffusion_core.objectives import vlb_term
from diffusion_core.variance import (
    VarianceChoice,
    learned_range,
    log_range,
    optimal,
    place_in_range,
    state_dependent,
    state_dependent_diagonal,
    with_last,
)
from pages.shared import controls, figures, shell
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _, language
from pages.shared.lesson_old import timeline
from pages.shared.palette import COLORS
from pages.shared.scenes import data_names, density, drawn, law_of, scene, schedule_names, schedule_of
from pages.shared.timeline import Formula, Frames, Histogram, Line, Lines, Mixture, Scalar, mathml

T = 1000
SHOWN = 1_200  # samples in a histogram
POSITIONS = 40  # steps of a run that are shown
NOTHING = torch.empty(0)  # stands for x_t where a choice does not look at it
COLOR = {
    "large": COLORS["beta"],
    "small": COLORS["beta_tilde"],
    "learned": COLORS["x0_hat"],
    "optimal": COLORS["eps"],
    "ddim": COLORS["x_t"],
    "state": COLORS["mu_tilde"],
}
SPACINGS = {"iddpm": "iddpm", "trailing": "trailing", "leading": "leading"}
CURVE = tuple(int(n) for n in np.unique(np.geomspace(2, T, 26).round()))
SAMPLED = (2, 5, 10, 20, 50, 100)  # numbers of steps that the samplers are run with
SIDE_BY_SIDE = (5, 10, 20, 50, 100, 1000)
CLOUDS = ("eight_gaussians", "two_moons", "bimodal", "three_modes")
PEAK_STEPS = ("5", "10", "20", "50")
POWER = (2.4, 1.0, 4.0, 0.1)  # a of f^-a: natural images have 2 to 2.4


def names() -> dict[str, str]:
    """What the reader calls each choice."""
    return {
        "large": "β",
        "small": "β̃",
        "learned": _("learned"),
        "optimal": _("optimal"),
        "ddim": "DDIM",
        "state": _("optimal for each x_t"),
    }


@dataclass(frozen=True)
class Settings:
    """The scalars that make the picture."""

    data_variance: float
    steps: int
    v: float
    schedule: str
    spacing: str
    noisy_last: bool
    seed: int

    def timesteps(self, steps: int | None = None) -> tuple[int, ...]:
        """t_N > ... > t_1."""
        return schedule_of(self.schedule, T).timesteps(steps or self.steps, spacing=self.spacing)

    @property
    def choices(self) -> dict[str, VarianceChoice]:
        """The four variances, by name."""
        return {
            "large": fixed_large,
            "small": fixed_small,
            "learned": learned_range(self.v),
            "optimal": gaussian_optimal(self.data_variance),
        }


def denoiser_of(s: Settings) -> Denoiser:
    """eps* of Gaussian data: `GaussianMixture.denoiser`'s, but so cheap that a thousand steps do not wait for it."""
    schedule = schedule_of(s.schedule, T)
    v = schedule.one_minus_alpha_bar + schedule.alpha_bar * s.data_variance
    slope = schedule.sqrt_one_minus_alpha_bar / v

    def eps_star(x_t: torch.Tensor, t: int | torch.Tensor, cond: torch.Tensor | None = None) -> torch.Tensor:
        return schedule.at(slope, t, x_t) * x_t

    return eps_star


def ratios(s: Settings, steps: int) -> dict[str, float]:
    """Generated over true variance, exact, for each choice and for DDIM."""
    schedule, timesteps = schedule_of(s.schedule, T), s.timesteps(steps)
    made = {
        name: generated_variance(schedule, timesteps, choice, s.data_variance, s.noisy_last)
        for name, choice in s.choices.items()
    }
    made["ddim"] = generated_variance_ddim(schedule, timesteps, s.data_variance)
    return {name: variance / s.data_variance for name, variance in made.items()}


# --- the answer -----------------------------------------------------------------------------------------------------


def spread(ratio: float) -> str:
    """A ratio of variances in words."""
    percent = 100 * abs(ratio - 1)
    if percent < 0.1:
        return "**" + _("exact to 0.1%") + "**"
    if ratio >= 2:
        return "**" + _("{ratio} times as spread as the data").format(ratio=lesson.significant(ratio)) + "**"
    words = _("{percent} too spread") if ratio > 1 else _("{percent} too narrow")
    return "**" + words.format(percent=f"{percent:.{0 if percent >= 10 else 1}f}%") + "**"


def answer(s: Settings) -> str:
    """One sentence, worked out."""
    found = ratios(s, s.steps)
    text = _(
        "At N = {steps} and data variance {variance}, β makes samples {large}, β̃ {small}; "
        "the optimal variance {optimal}."
    ).format(
        steps=s.steps,
        variance=f"{s.data_variance:g}",
        **{name: spread(found[name]) for name in ("large", "small", "optimal")},
    )
    text += " " + _("The learned mix with v = {v}: {learned}; DDIM, without noise: {ddim}.").format(
        v=f"{s.v:g}", learned=spread(found["learned"]), ddim=spread(found["ddim"])
    )
    if abs(found["optimal"] - 1) > 0.01 and not s.noisy_last:
        text += " " + _("What the optimum lacks is the noise of the last step, which is left out.")
    return text


# --- the picture ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Runs:
    """The steps shown of runs with the same noise; position k shows the step from positions[k] to s."""

    positions: tuple[int, ...]
    s: np.ndarray  # (P,)
    x: dict[str, np.ndarray]  # (P, n, 1) x_s, float32
    variance: dict[str, np.ndarray]  # (P,) sigma^2
    alpha_bar_t: np.ndarray  # (P,)
    alpha_bar_s: np.ndarray  # (P,)
    floor: np.ndarray  # (P,) l_t


@st.cache_resource(show_spinner=False, max_entries=16)
def runs(s: Settings) -> Runs:
    """Run each sampler from the same x_T, with the same z."""
    schedule, timesteps = schedule_of(s.schedule, T), s.timesteps()
    law, denoiser = gaussian_1d(s.data_variance).law, denoiser_of(s)
    kept = set(np.linspace(0, s.steps - 1, min(s.steps, POSITIONS)).round().astype(int).tolist())
    x_T = torch.randn((SHOWN, 1), generator=torch.Generator().manual_seed(s.seed), dtype=torch.float64)
    frames: dict[str, np.ndarray] = {}
    for name in ("large", "small", "optimal", "ddim"):
        generator = torch.Generator().manual_seed(s.seed + 1)
        if name == "ddim":
            steps = ddim(denoiser, schedule, x_T, timesteps)
        else:
            steps = ancestral(denoiser, schedule, x_T, timesteps, s.choices[name], generator, noisy_last=s.noisy_last)
        frames[name] = torch.stack([step.x_s for k, step in enumerate(steps) if k in kept]).float().numpy()
    pairs = [pair for k, pair in enumerate(transitions(schedule, timesteps)) if k in kept]
    return Runs(
        tuple(pair.t for pair in pairs),
        np.array([pair.s for pair in pairs]),
        frames,
        {name: np.array([choice(pair, NOTHING).value for pair in pairs]) for name, choice in s.choices.items()},
        np.array([pair.alpha_bar_t for pair in pairs]),
        np.array([pair.alpha_bar_s for pair in pairs]),
        np.array([loss_floor(law, schedule, pair.t).value for pair in pairs]),
    )


def formula() -> Formula:
    """The optimum with today's numbers, and the learned mix."""
    m = mathml
    eq, plus, minus, times = m.op("="), m.op("+"), m.op("−"), m.op("·")
    beta, small = m.sym("β"), m.tilde(m.sym("β"))
    best = m.sup(m.sym("σ"), m.row(m.op("*"), m.num("2")))
    weight = m.frac(m.sub(m.sym("ℓ"), m.sym("t")), m.sub(m.bar(m.sym("α")), m.sym("t")))
    numbers = m.row(
        m.live("small"), plus, m.frac(m.live("floor"), m.live("alpha_bar")),
        times, m.paren(m.live("large"), minus, m.live("small")),
    )  # fmt: skip
    mixed = m.row(m.sup(beta, m.sym("v")), times, m.sup(small, m.row(m.num("1"), minus, m.sym("v"))))
    lines = (
        (best, eq, m.row(small, plus, weight, m.paren(beta, minus, small))),
        ("", eq, m.row(numbers, eq, m.live("optimal"))),
        (m.text(_("learned")), eq, m.row(mixed, eq, m.live("learned"))),
    )
    names = ("small", "large", "optimal", "learned", "floor", "alpha_bar")
    return Formula(m.math(m.rows(*lines)), values={name: name for name in names}, title=_("This step's variances"))


BINS = 50


def common_top(made: Runs, reach: float, peak: np.ndarray) -> np.ndarray:
    """(P,) the height of the axis that all histograms share at each position, so that they can be compared."""
    tops = [peak]
    for frames in made.x.values():
        counts = [np.histogram(x, BINS, (-reach, reach))[0].max() for x in frames]
        tops.append(np.array(counts) * BINS / (2 * reach * frames.shape[1]))
    return 1.08 * np.max(tops, axis=0)


def show_picture(s: Settings) -> None:
    """The chain of each choice beside the true density, and the variances over t."""
    made, label = runs(s), names()
    reach = 3.4 * max(1.0, *(math.sqrt(float((x**2).mean())) for frames in made.x.values() for x in frames))
    truth = Mixture(
        np.ones(1), np.zeros((1, 1)), np.array([s.data_variance]), np.sqrt(made.alpha_bar_s), 1 - made.alpha_bar_s
    )
    true_variance = 1 + made.alpha_bar_s * (s.data_variance - 1)
    top = common_top(made, reach, 1 / np.sqrt(2 * math.pi * true_variance))
    shown = ("large", "small", "learned", "optimal")
    relative = {name: made.variance[name] / made.variance["large"] for name in shown}
    lesson.show_timeline(
        key="variance",
        positions=made.positions,
        tracks={
            **{f"x_{name}": Frames(frames) for name, frames in made.x.items()},
            **{name: Scalar(made.variance[name]) for name in shown},
            "alpha_bar": Scalar(made.alpha_bar_t),
            "floor": Scalar(made.floor),
        },
        panels=[
            *(
                Histogram(
                    f"x_{name}",
                    _("x_s, {name}").format(name=label[name]),
                    bins=BINS,
                    domain=(-reach, reach),
                    density=truth,
                    color=COLOR[name],
                    top=top,
                )
                for name in made.x
            ),
            Lines(
                tuple(Line(name, label[name], COLOR[name], dash=name == "small") for name in shown),
                title=_("σ² of the step from t to s"),
                log_y=True,
                weight=2.2,
            ),
            Lines(
                tuple(Line(relative[name], label[name], COLOR[name], dash=name == "small") for name in shown),
                title=_("the same, in units of β"),
                weight=2.2,
            ),
            formula(),
        ],
        t=1,
    )


# --- how many steps -------------------------------------------------------------------------------------------------


@st.cache_data(show_spinner=False, max_entries=64)
def curves(s: Settings) -> dict[str, list[float]]:
    """Generated over true variance for each number of steps of CURVE."""
    rows = [ratios(s, steps) for steps in CURVE]
    return {name: [row[name] for row in rows] for name in rows[0]}


@st.cache_data(show_spinner=False, max_entries=64)
def sampled(s: Settings, n: int = 2_000) -> dict[str, tuple[list[int], list[float], list[float]]]:
    """(N, ratio, two standard errors) of the variance of n samples, from the samplers themselves."""
    schedule, denoiser = schedule_of(s.schedule, T), denoiser_of(s)
    generator = torch.Generator().manual_seed(s.seed)
    found: dict[str, tuple[list[int], list[float], list[float]]] = {}
    for name in (*s.choices, "ddim"):
        values = []
        for steps in SAMPLED:
            x = torch.randn((n, 1), generator=generator, dtype=torch.float64)
            timesteps = s.timesteps(steps)
            if name == "ddim":
                *_rest, last = ddim(denoiser, schedule, x, timesteps)
            else:
                *_rest, last = ancestral(
                    denoiser, schedule, x, timesteps, s.choices[name], generator, noisy_last=s.noisy_last
                )
            values.append(last.x_s.square().mean().item() / s.data_variance)
        found[name] = (list(SAMPLED), values, [2 * math.sqrt(2 / n) * value for value in values])
    return found


@st.cache_resource(show_spinner=False, max_entries=16)
def loss_curve(name: str, schedule_name: str, n: int = 200) -> list[float]:
    """l_t at t = 0..T (0 at t = 0): by quadrature on the line, from n draws in the plane."""
    schedule, law = schedule_of(schedule_name, T), law_of(name, "")
    generator = torch.Generator().manual_seed(0)
    return [0.0, *(loss_floor(law, schedule, t, n, generator).value for t in range(1, T + 1))]


@st.cache_resource(show_spinner=False, max_entries=8)
def clouds(name: str, schedule_name: str, seed: int, n: int = 400) -> dict[str, np.ndarray]:
    """x_0 for each number of steps of SIDE_BY_SIDE, (6, n, d) float32, from one x_T and one row of noise."""
    schedule, law = schedule_of(schedule_name, T), law_of(name, "")
    assert isinstance(law, GaussianMixture)
    denoiser = law.denoiser(schedule)
    x_T = torch.randn((n, law.dimension), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    best = optimal(loss_curve(name, schedule_name))
    found: dict[str, np.ndarray] = {}
    for kind, choice in {"large": fixed_large, "small": fixed_small, "optimal": best, "ddim": None}.items():
        ends = []
        for steps in SIDE_BY_SIDE:
            generator = torch.Generator().manual_seed(seed + 1)
            timesteps = schedule.timesteps(steps)
            if choice is None:
                *_rest, last = ddim(denoiser, schedule, x_T, timesteps)
            else:
                *_rest, last = ancestral(denoiser, schedule, x_T, timesteps, choice, generator)
            ends.append(last.x_s)
        found[kind] = torch.stack(ends).float().numpy()
    return found


def show_clouds(s: Settings) -> None:
    """The same noise through each choice, the slider being the number of steps."""
    labels = data_names()
    name = controls.choice("cloud", _("Data"), {key: labels[key] for key in CLOUDS}, CLOUDS[0], pills=True)
    with st.spinner(_("Sampling …")):
        found = clouds(name, s.schedule, s.seed)
    label, data = names(), scene(name, "", 0)
    flat = np.zeros(len(SIDE_BY_SIDE))
    law = density(data, flat + 1, flat)
    bound = controls.bind("n", 10, controls.parse_integer("n", *SIDE_BY_SIDE[:: len(SIDE_BY_SIDE) - 1]))

    def remember() -> None:
        st.session_state[bound] = int(st.session_state["clouds"]["t"])
        controls.remember("n", st.session_state[bound], 10)

    timeline(
        key="clouds",
        positions=SIDE_BY_SIDE,
        t=st.session_state[bound],
        labels={**lesson.timeline_labels(), "timestep": _("Number of steps N")},
        on_change=remember,
        tracks={kind: Frames(frames) for kind, frames in found.items()},
        panels=[drawn(data, kind, label[kind], density=law, color=COLOR[kind]) for kind in found],
    )


# --- beta-tilde / beta, and where neither is right ------------------------------------------------------------------


@st.cache_data(show_spinner=False, max_entries=16)
def beta_ratios(schedule_name: str) -> dict[str, tuple[list[float], list[float]]]:
    """beta-tilde / beta over t / T, for three T."""
    found = {}
    for steps in (100, 1000, 4000):
        schedule = schedule_of(schedule_name, steps)
        t = np.unique(np.geomspace(1, steps, 200).round().astype(int))
        noise = schedule.one_minus_alpha_bar.numpy()
        found[f"T = {steps}"] = ((t / steps).tolist(), (noise[t - 1] / noise[t]).tolist())
    return found


@st.cache_data(show_spinner=False)
def spread_map(schedule_name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """x, t, where Var[x_{t-1} | x_t] lies between beta-tilde (0) and beta (1), its ratio to beta, that at (0, 100)."""
    law, schedule = claims.two_peaks(), schedule_of(schedule_name, T)
    choice = state_dependent(law, schedule)
    x = torch.linspace(-2.2, 2.2, 141, dtype=torch.float64)[:, None]
    t = np.unique(np.geomspace(2, T, 110).round().astype(int))
    place, ratio = [], []
    for one in t.tolist():
        pair = transition(schedule, one, one - 1)
        true = torch.as_tensor(choice(pair, x).value)[:, 0]
        log_density = law.log_prob(x, schedule, one)
        seen = torch.where(log_density > log_density.max() - 12, 1.0, math.nan)  # one in 10^5
        place.append(((true - pair.beta_tilde) / (pair.beta - pair.beta_tilde) * seen).numpy())
        ratio.append((true / pair.beta * seen).numpy())
    pair = transition(schedule, 100, 99)
    between = float(torch.as_tensor(choice(pair, torch.zeros(1, 1, dtype=torch.float64)).value)) / pair.beta
    return x[:, 0].numpy(), t, np.array(place), np.array(ratio), between


# --- what a network learns ------------------------------------------------------------------------------------------


@st.cache_data(show_spinner=False)
def learned_places() -> dict[str, np.ndarray]:
    """v over t on new draws: of the network, of the exact variance at each x_t, of the best one that knows only t."""
    network, law = claims_network.shipped_learned(), claims_network.VARIANCE.setting
    schedule, generator = network.schedule, torch.Generator().manual_seed(0)
    exact = state_dependent_diagonal(law, schedule)
    levels = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    t = np.unique(np.geomspace(1, schedule.T, 60).round().astype(int))
    rows = []
    for one in t.tolist():
        pair = transition(schedule, one, one - 1)
        x0 = law.sample(1_000, generator)
        x_t = q_sample(schedule, x0, one, torch.randn(x0.shape, generator=generator, dtype=x0.dtype))
        with torch.no_grad():
            v = network.eps_and_v(x_t.float(), one)[1]
        assert v is not None
        true = torch.as_tensor(exact(pair, x_t).value)
        places = (v.double(), torch.as_tensor(place_in_range(pair, true.log())))
        best = float(place_in_range(pair, math.log(true.mean())))
        low, high = log_range(pair)
        rows.append([*(torch.quantile(part, levels) for part in places), best, math.exp(low - high)])
    columns = [torch.stack([torch.as_tensor(part) for part in column]).numpy().T for column in zip(*rows, strict=True)]
    return dict(zip(("t", "network", "exact", "best", "ratio"), (t, *columns), strict=True))


# --- the bound, and the samples -------------------------------------------------------------------------------------


@st.cache_data(show_spinner=False, max_entries=64)
def bound(s: Settings) -> tuple[dict[str, tuple[list[int], list[float]]], dict[str, float]]:
    """L_{t-1} in bits for s >= 1, and the whole gap above the data's entropy in bits, for each choice."""
    schedule, law = schedule_of(s.schedule, T), gaussian_1d(s.data_variance).law
    timesteps = s.timesteps()
    spread_left = [x0_uncertainty(law, schedule, t).value for t in timesteps]
    terms, gaps = {}, {}
    for name, choice in s.choices.items():
        bits = [
            float(vlb_term(pair := transition(schedule, t, to), choice(pair, NOTHING), left)) / math.log(2)
            for t, to, left in zip(timesteps[:-1], timesteps[1:], spread_left[:-1], strict=True)
        ]
        terms[name] = (list(timesteps[:-1]), bits)
        decoder = with_last(choice, s.choices["optimal"])
        gaps[name] = path_kl(schedule, timesteps, decoder, s.data_variance).item() / math.log(2)
    return terms, gaps


@st.cache_resource(show_spinner=False)
def peaks_state(steps: int) -> tuple[float, GeneratedDensity]:
    """Gap and density with the variance that looks at x_t: a few seconds."""
    schedule = claims.METRICS.setting[0]
    choice = state_dependent(claims.two_peaks(), schedule)
    return claims.gap_and_density(schedule, schedule.timesteps(steps), choice)


def peaks_table(found: dict[str, tuple[float, GeneratedDensity]], ddim_density: GeneratedDensity) -> str:
    """A row a choice, the best of each column in bold."""
    label = names()
    rows = {name: [gap, d.kl, d.tv, d.w1] for name, (gap, d) in found.items()}
    rows["ddim"] = [math.inf, ddim_density.kl, ddim_density.tv, ddim_density.w1]
    variances = {**{name: d.variance for name, (_gap, d) in found.items()}, "ddim": ddim_density.variance}
    best = [min(row[k] for row in rows.values()) for k in range(4)]
    heads = (_("Variance of the step"), _("bound's gap, nats"), "KL", "TV", "W₁", _("variance of samples"))
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, row in rows.items():
        cells = [lesson.significant(value) if value < math.inf else "—" for value in row]
        cells = [f"**{cell}**" if value == top else cell for cell, value, top in zip(cells, row, best, strict=True)]
        lines.append(f"| {label[name]} | " + " | ".join(cells) + f" | {lesson.significant(variances[name])} |")
    return "\n".join(lines)


def show_peaks() -> None:
    """Two peaks: what the bound says, and what the samples are."""
    left, right = st.columns(2)
    with left:
        options = dict(zip(PEAK_STEPS, PEAK_STEPS, strict=True))
        steps = int(controls.choice("peaks", _("Number of steps N"), options, "10", pills=True))
    with right:
        state = controls.choice(
            "state",
            _("A variance for each x_t"),
            {"no": _("leave it out"), "yes": _("add it (some seconds)")},
            "no",
            pills=True,
        )
    law, schedule = claims.two_peaks(), claims.METRICS.setting[0]
    with st.spinner(_("Following the exact densities …")):
        found = dict(claims.peaks_by_choice(schedule, steps))
        if state == "yes":
            found["state"] = peaks_state(steps)
        last = generated_density_ddim(law, schedule, schedule.timesteps(steps))
    label = names()
    densities = {**{name: d for name, (_gap, d) in found.items()}, "ddim": last}
    lines = {label[name]: (d.x.numpy()[::4], d.density.numpy()[::4]) for name, d in densities.items()}
    x = np.linspace(-1.9, 1.9, 400)
    data = law.log_prob(torch.from_numpy(x)[:, None]).exp().numpy()
    colors = {label[name]: COLOR[name] for name in densities}
    st.plotly_chart(figures.densities(lines, (x, data), colors, _), key="peaks_chart")
    st.markdown(peaks_table(found, last))


# --- DDIM's table 1 -------------------------------------------------------------------------------------------------


@st.cache_data(show_spinner=False, max_entries=64)
def table_1(exponent: float, mean_variance: float) -> dict[int, list[float]]:
    """S -> the distance for each eta, then for sigma-hat."""
    schedule = schedule_of("linear", T)
    return {
        steps: claims.table_1(
            claims.of_ddim, schedule, schedule.timesteps(steps, spacing="leading"), (exponent,), mean_variance
        )[0]
        for steps in claims.PAPER_TABLE_1
    }


@st.cache_data(show_spinner=False, max_entries=64)
def order_begins(mean_variance: float) -> float:
    """The exponent from which on the order at S = 10 is the paper's; infinite where there is none up to 4."""
    schedule = schedule_of("linear", T)
    rows = claims.table_1(
        claims.of_ddim, schedule, schedule.timesteps(10, spacing="leading"), mean_variance=mean_variance
    )
    return claims.turn([claims.order(row) for row in rows], claims.order(claims.PAPER_TABLE_1[10]))


def order_sentence(mean_variance: float) -> str:
    """Which spectra have the paper's order at ten steps."""
    begins, s2 = order_begins(mean_variance), f"{mean_variance:g}"
    if begins == math.inf:
        return _("At mean variance s² = {s2}, no power up to f⁻⁴ has the paper's order at S = 10.").format(s2=s2)
    if begins == claims.EXPONENTS[0]:
        return _("At mean variance s² = {s2}, every power from f⁻¹ on has the paper's order at S = 10.").format(s2=s2)
    return _("At mean variance s² = {s2}, the paper's order at S = 10 begins at a = {a}.").format(
        s2=s2, a=f"{begins:g}"
    )


def show_table_1(mean_variance: float) -> None:
    """Two charts and, for each S, whether the order is the paper's; the spectrum's power has a control."""
    exponent = controls.number("power", _("a of the power f⁻ᵃ"), *POWER)
    st.markdown(order_sentence(mean_variance))
    here = table_1(exponent, mean_variance)
    rows = (*(f"η = {eta:g}" for eta in claims.ETAS), _("σ̂ (DDPM with β)"))
    titles = (_("here: W₂² a dimension, exact"), _("the paper: FID, CIFAR-10"))
    tables: tuple[Mapping[int, Sequence[float]], ...] = (here, claims.PAPER_TABLE_1)
    for column, table, title, key in zip(st.columns(2), tables, titles, ("here", "paper"), strict=True):
        curves = {row: [values[k] for values in table.values()] for k, row in enumerate(rows)}
        column.plotly_chart(figures.table_1(list(table), curves, title), key=f"table_1_{key}")
    short = (*(f"η {eta:g}" for eta in claims.ETAS), "σ̂")
    lines = []
    for steps, values in here.items():
        mine, paper = claims.order(values), claims.order(claims.PAPER_TABLE_1[steps])
        order = " < ".join(short[k] for k in mine)
        verdict = (
            ":green[✓] " + _("the paper's order")
            if mine == paper
            else ":orange[≠] " + _("the paper: {order}").format(order=" < ".join(short[k] for k in paper))
        )
        lines.append(f"- S = {steps}: {order} · {verdict}")
    st.markdown("\n".join(lines))


def code(s: Settings) -> str:
    """The lines that made the picture."""
    return f"""import torch
from diffusion_core import SCHEDULES, ancestral, fixed_large, fixed_small, generated_variance
from diffusion_core.data.toys import gaussian_1d
from diffusion_core.laws.generated import gaussian_optimal
from diffusion_core.variance import learned_range

data_variance, noisy_last = {s.data_variance}, {s.noisy_last}
schedule = SCHEDULES[{s.schedule!r}]({T})
timesteps = schedule.timesteps({s.steps}, spacing={s.spacing!r})
denoiser = gaussian_1d(data_variance).law.denoiser(schedule)            # exact: no training error
choices = {{
    "beta": fixed_large,
    "beta_tilde": fixed_small,
    "learned": learned_range({s.v}),                                    # beta^v beta_tilde^(1 - v)
    "optimal": gaussian_optimal(data_variance),                         # from the loss curve
}}
for name, variance in choices.items():
    generator = torch.Generator().manual_seed({s.seed})                 # the same noise for each
    x = torch.randn((20_000, 1), generator=generator, dtype=torch.float64)
    for step in ancestral(denoiser, schedule, x, timesteps, variance, generator, noisy_last=noisy_last):
        x = step.x_s
    exact = generated_variance(schedule, timesteps, variance, data_variance, noisy_last)
    print(f"{{name:10}} samples / data: {{x.var() / data_variance:.3f}}, exact {{exact / data_variance:.3f}}")
"""


# --- the page -------------------------------------------------------------------------------------------------------

prose = lesson.open_lesson("variance")
told = st.container(key="answer")
with lesson.picture_first() as picture:
    top = st.columns([3, 2, 3, 3])
    with top[0]:
        data_variance = controls.number("s2", _("Data variance s²"), 0.25, 0.01, 4.0, 0.01)
    with top[1]:
        steps = controls.integer("N", _("Steps N"), 10, 2, T)
    with top[2]:
        v = controls.number("v", _("v of the learned variance"), 0.5, -0.25, 1.25, 0.05)
    with top[3]:
        seed = controls.seed()
    low = st.columns([3, 3, 3])
    with low[0]:
        schedules = {key: label for key, label in schedule_names().items() if key != "zero_terminal_snr"}
        schedule_name = controls.choice("schedule", _("Schedule"), schedules, "linear")
    with low[1]:
        spacing = controls.choice("spacing", _("Spacing"), SPACINGS, "iddpm", pills=True)
    with low[2]:
        last_step = controls.choice(
            "last", _("Last step"), {"quiet": _("no noise"), "noisy": _("with noise")}, "quiet", pills=True
        )
for name, options, default in (
    ("cloud", CLOUDS, CLOUDS[0]),
    ("peaks", PEAK_STEPS, "10"),
    ("state", ("no", "yes"), "no"),
):
    controls.bind(name, default, controls.parse_choice(name, options))  # below: their notes stand with the others
controls.bind("power", POWER[0], controls.parse_number("power", *POWER[1:3]))

settings = Settings(data_variance, steps, v, schedule_name, spacing, last_step == "noisy", seed)
told.info(answer(settings), icon=":material/balance:")
with picture:
    show_picture(settings)
st.markdown(prose["picture"])

st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])

st.header(_("How wide are the samples?"), anchor="steps")
st.markdown(prose["steps"])
label = names()
colors = {label[name]: color for name, color in COLOR.items()}
st.plotly_chart(
    figures.generated_variance(
        CURVE,
        {label[name]: values for name, values in curves(replace(settings, steps=0, seed=0)).items()},
        {label[name]: points for name, points in sampled(replace(settings, steps=0)).items()},
        colors,
        steps,
        _,
    ),
    key="steps_chart",
)

st.header(_("The same noise, more and more steps"), anchor="samples")
st.markdown(prose["samples"])
show_clouds(settings)

st.header(_("Where β̃ and β differ"), anchor="ratio")
st.markdown(prose["ratio"])
st.plotly_chart(figures.beta_ratio(beta_ratios(schedule_name), _), key="ratio_chart")

st.header(_("Outside of the range"), anchor="range")
st.markdown(prose["range"])
x, t, place, ratio, between = spread_map(schedule_name)
mark = (0.0, 100.0, _("{ratio} β at x_t = 0, t = 100").format(ratio=f"{between:.3f}"))
st.plotly_chart(figures.place_in_range(x, t, place, ratio, mark, _), key="range_chart")

st.header(_("What a network learns"), anchor="learned")
st.markdown(prose["learned"])
st.plotly_chart(figures.learned_places(**learned_places(), colors=COLOR, _=_), key="learned_chart")
st.page_link(
    shell.page_path("sampling"),
    label=_("Sample with this network"),
    icon=":material/auto_awesome:",
    query_params={"denoiser": "learned", "variance": "learned", "N": "10", "lang": language()},
)

st.header(_("What the bound says"), anchor="bound")
st.markdown(prose["bound"])
terms, gaps = bound(replace(settings, seed=0))
st.plotly_chart(
    figures.bound_terms({label[name]: values for name, values in terms.items()}, colors, _), key="bound_chart"
)
st.markdown(
    _("The whole bound above the entropy of the data, in bits a dimension:")
    + " "
    + " · ".join(f"{label[name]} **{lesson.significant(gap)}**" for name, gap in gaps.items())
)

st.header(_("A better bound, better samples?"), anchor="peaks")
st.markdown(prose["peaks"])
show_peaks()

st.header(_("DDIM's Table 1, without a network"), anchor="table")
st.markdown(prose["table"])
show_table_1(data_variance)

lesson.check(prose, [lesson.Checked(claim) for claim in (*claims.CLAIMS, claims_network.VARIANCE)])
lesson.show_code(code(settings), "variance")
lesson.article(prose)
