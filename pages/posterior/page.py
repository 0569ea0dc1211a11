"""Lesson: what knowing x_0 buys, prior times likelihood, line by line; and the step without x_0, no Gaussian."""

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from diffusion_core import GaussianMixture, Transition, q_sample, q_step, transition
from diffusion_core.claims import posterior as claims
from diffusion_core.data.toys import TOYS
from diffusion_core.laws.negentropy import best_gaussian, count_modes, negentropy
from pages.shared import controls, figures
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _
from pages.shared.palette import COLORS
from pages.shared.scenes import data_names, schedule_names, schedule_of
from pages.shared.timeline import (
    Affine,
    Bell,
    Constant,
    Curve,
    Curves,
    DensityFrames,
    Draggable,
    Formula,
    Frames,
    Handle,
    Line,
    Lines,
    Numbers,
    Panel,
    Plane,
    Points,
    Scalar,
    Track,
    mathml,
)

X_0, X_T = 1.0, -0.5  # what the picture opens with
REACH = 6.0  # the axis of x_s ends there
SIMULATED = 200_000
BAND = 0.04  # half the width of a slice, in standard deviations of x_t
STRIDES = 48  # places of the second slider
GRID = 72  # cells a side of a density in the plane
LINE = 401  # points of a density on the line
ON_THE_LINE, IN_THE_PLANE = ("bimodal", "three_modes"), ("eight_gaussians", "two_moons")


# --- with x_0 -------------------------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False, max_entries=32)
def transitions(name: str, T: int, stride: int) -> tuple[Transition, ...]:
    """(t, s) for t = 2..T, s = t - stride or 1."""
    schedule = schedule_of(name, T)
    return tuple(transition(schedule, t, max(1, t - stride)) for t in range(2, T + 1))


def column(pairs: tuple[Transition, ...], field: str) -> np.ndarray:
    """One coefficient of all transitions."""
    return np.array([getattr(pair, field) for pair in pairs])


def tracks(pairs: tuple[Transition, ...], x_0: float, x_t: float) -> dict[str, Track]:
    """Means and variances of the three bells as functions of x_0 and x_t, and the numbers of the formula."""
    names = ("alpha", "beta", "beta_tilde", "c_0", "c_t", "sqrt_alpha_bar_s", "one_minus_alpha_bar_s")
    c = {name: column(pairs, name) for name in names}
    none, root = 0 * c["alpha"], np.sqrt(c["alpha"])
    by_t, by_0 = root / c["beta"], c["sqrt_alpha_bar_s"] / c["one_minus_alpha_bar_s"]
    return {
        **{name: Scalar(values) for name, values in c.items()},
        "x_0": Draggable(x_0, -3.0, 3.0),
        "x_t": Draggable(x_t, -3.0, 3.0),
        "s": Scalar(column(pairs, "s")),
        "prior": Affine(c["sqrt_alpha_bar_s"], "x_0", none, "x_t"),
        "likelihood": Affine(1 / root, "x_t", none, "x_0"),
        "likelihood_variance": Scalar(c["beta"] / c["alpha"]),
        "mean": Affine(c["c_t"], "x_t", c["c_0"], "x_0"),
        "precision_t": Scalar(c["alpha"] / c["beta"]),
        "precision_0": Scalar(1 / c["one_minus_alpha_bar_s"]),
        "precision": Scalar(1 / c["beta_tilde"]),
        "by_t": Scalar(by_t),
        "by_0": Scalar(by_0),
        "pull": Affine(by_t, "x_t", by_0, "x_0"),
    }


def axis(pairs: tuple[Transition, ...], x_0: float, x_t: float) -> np.ndarray:
    """The domain of x_s at each t, (P, 2): all three bells as far as they lie within REACH, and both handles."""
    root = np.sqrt(column(pairs, "alpha"))
    like, like_sd = x_t / root, np.sqrt(column(pairs, "beta")) / root
    prior, prior_sd = column(pairs, "sqrt_alpha_bar_s") * x_0, np.sqrt(column(pairs, "one_minus_alpha_bar_s"))
    x = np.array([x_0, x_t])
    low = np.minimum.reduce([prior - 3.5 * prior_sd, like - 3.5 * like_sd, np.full_like(root, x.min() - 0.3)])
    high = np.maximum.reduce([prior + 3.5 * prior_sd, like + 3.5 * like_sd, np.full_like(root, x.max() + 0.3)])
    return np.stack([np.maximum(low, -REACH), np.minimum(high, REACH)], 1)


def formula() -> Formula:
    """The square completed: precisions add, pulls add, their quotient is the mean."""
    m = mathml
    eq, plus, times, minus = m.op("="), m.op("+"), m.op("·"), m.op("−")
    x_t, x_0 = m.sub(m.sym("x"), m.sym("t")), m.sub(m.sym("x"), m.num("0"))
    ab_s, alpha, beta = m.sub(m.bar(m.sym("α")), m.sym("s")), m.sym("α"), m.sym("β")
    rest, tilde, mu = m.row(m.num("1"), minus, ab_s), m.tilde(m.sym("β")), m.tilde(m.sym("μ"))

    def of(factor: str, value: str) -> str:
        return m.row(m.live(factor), times, m.paren(m.live(value)))

    lines = (
        (m.frac(m.num("1"), tilde), eq, m.row(m.frac(alpha, beta), plus, m.frac(m.num("1"), rest))),
        ("", eq, m.row(m.live("precision_t"), plus, m.live("precision_0"), eq, m.live("precision"))),
        (m.frac(mu, tilde), eq, m.row(m.frac(m.sqrt(alpha), beta), x_t, plus, m.frac(m.sqrt(ab_s), rest), x_0)),
        ("", eq, m.row(of("by_t", "x_t"), plus, of("by_0", "x_0"), eq, m.live("pull"))),
        (tilde, eq, m.live("beta_tilde")),
        (mu, eq, m.row(of("c_t", "x_t"), plus, of("c_0", "x_0"), eq, m.live("mean"))),
    )
    names = ("precision_t", "precision_0", "precision", "by_t", "by_0", "pull", "beta_tilde", "c_t", "c_0", "mean")
    return Formula(
        m.math(m.rows(*lines)),
        values={name: name for name in (*names, "x_t", "x_0")},
        title=_("The square completed, with the numbers at this t"),
    )


def panels(pairs: tuple[Transition, ...], x_0: float, x_t: float) -> list[Panel]:
    """Three bells with their two handles; both variances; the formula."""
    bells = (
        Bell("prior", "one_minus_alpha_bar_s", _("prior q(x_s | x_0)"), COLORS["x0"]),
        Bell("likelihood", "likelihood_variance", _("likelihood of x_t, as a function of x_s"), COLORS["x_t"]),
        Bell("mean", "beta_tilde", _("posterior q(x_s | x_t, x_0)"), COLORS["mu_tilde"]),
    )
    handles = (Handle("x_0", "x_0", COLORS["x0"]), Handle("x_t", "x_t", COLORS["x_t"]))
    title = _("Prior × likelihood ∝ posterior, over x_s; each with its peak at 1. Drag x_0 and x_t")
    return [
        Curves(bells, title, domain=axis(pairs, x_0, x_t), handles=handles, weight=2.9),
        Lines(
            (
                Line("beta", _("β, variance of the noising"), COLORS["beta"]),
                Line("beta_tilde", _("β̃, variance of the posterior"), COLORS["beta_tilde"], dash=True),
            ),
            title=_("Knowing x_0 narrows the step"),
            weight=1.4,
        ),
        formula(),
    ]


@st.cache_data(show_spinner=False, max_entries=32)
def simulate(
    name: str, T: int, t: int, s: int, x_0: float, x_t: float, seed: int
) -> tuple[np.ndarray, float, np.ndarray]:
    """3,000 of the simulated (x_s, x_t) from x_0; half the width of the slice at x_t; the x_s of all within it."""
    schedule = schedule_of(name, T)
    e1, e2 = torch.randn((2, SIMULATED), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x_s = q_sample(schedule, torch.full_like(e1, x_0), s, e1)
    seen = q_step(schedule, x_s, s, t, e2)
    half = BAND * float(schedule.sqrt_one_minus_alpha_bar[t])
    return (
        torch.stack([x_s, seen], 1)[:3_000].numpy(),
        half,
        x_s[(seen - x_t).abs() < half].numpy(),
    )


@dataclass(frozen=True)
class ArticleLine:
    """One line of the article's derivation: its title, the formula, and what is to be said of it at this t."""

    title: str
    latex: str
    says: str


def derivation(pair: Transition, x_0: float, x_t: float) -> list[ArticleLine]:
    """The article's lines in their order, for the pair (t, s) in place of (t, t - 1), with the numbers at this t."""
    n = lesson.significant
    p = pair
    mean = p.c_t * x_t + p.c_0 * x_0
    like = _density(x_t, math.sqrt(p.alpha) * mean, p.beta)
    prior = _density(mean, p.sqrt_alpha_bar_s * x_0, p.one_minus_alpha_bar_s)
    evidence = _density(x_t, p.sqrt_alpha_bar_t * x_0, p.one_minus_alpha_bar_t)
    A = p.alpha / p.beta + 1 / p.one_minus_alpha_bar_s
    B = 2 * math.sqrt(p.alpha) / p.beta * x_t + 2 * p.sqrt_alpha_bar_s / p.one_minus_alpha_bar_s * x_0
    z = (x_t - p.sqrt_alpha_bar_t * x_0) / p.sqrt_one_minus_alpha_bar_t
    return [
        ArticleLine(
            _("Bayes' rule"),
            r"q(x_s\mid x_t,x_0)=\frac{q(x_t\mid x_s,x_0)\;q(x_s\mid x_0)}{q(x_t\mid x_0)}",
            _(
                "True. Said nowhere, but used: $q(x_t\\mid x_s,x_0)=q(x_t\\mid x_s)$, the Markov property. At "
                "$x_s=\\tilde\\mu$ here: {like} × {prior} / {evidence} = {posterior}."
            ).format(
                like=n(like),
                prior=n(prior),
                evidence=n(evidence),
                posterior=n(1 / math.sqrt(2 * math.pi * p.beta_tilde)),
            ),
        ),
        ArticleLine(
            _("The exponents gathered: “=” should be “∝”"),
            r"\exp\!\Big(-\tfrac12\big(A\,x_s^2-B\,x_s+C\big)\Big),\quad A=\frac{\alpha}{\beta}+\frac1{1-\bar\alpha_s},"
            r"\quad B=\frac{2\sqrt{\alpha}}{\beta}x_t+\frac{2\sqrt{\bar\alpha_s}}{1-\bar\alpha_s}x_0",
            _(
                "The article writes “=”. Here $A$ = {A}, $B$ = {B}, $C=\\tilde\\mu^2/\\tilde\\beta$ = {C}, and "
                "what is printed integrates to $\\sqrt{{2\\pi\\tilde\\beta}}$ = {integral}, not to 1. So it is a "
                "“∝”; or $C$ must hold $\\ln(2\\pi\\tilde\\beta)$ as well."
            ).format(A=n(A), B=n(B), C=n(mean**2 / p.beta_tilde), integral=n(math.sqrt(2 * math.pi * p.beta_tilde))),
        ),
        ArticleLine(
            _("The square completed"),
            r"A\,x_s^2-B\,x_s=A\Big(x_s-\frac{B}{2A}\Big)^2-\frac{B^2}{4A}",
            _("So the variance is $1/A$ = {variance}, and the mean is $B/(2A)$ = {mean}.").format(
                variance=n(1 / A), mean=n(B / (2 * A))
            ),
        ),
        ArticleLine(
            _("The variance, and a misprint"),
            r"\tilde\beta=\frac1A=\frac{1-\bar\alpha_s}{1-\bar\alpha_t}\,\beta",
            _(
                "The article prints $\\beta_t$ on the left, in place of $\\tilde\\beta_t$: then $\\beta_t$ would "
                "be 0. Here $\\beta$ = {beta} and $\\tilde\\beta$ = {tilde}, a ratio of {ratio}. To tell them "
                "apart in samples takes about {draws} draws."
            ).format(
                beta=n(p.beta),
                tilde=n(p.beta_tilde),
                ratio=n(p.beta_tilde / p.beta),
                draws=n(claims.draws_to_tell(p)),
            ),
        ),
        ArticleLine(
            _("The mean"),
            r"\tilde\mu=\underbrace{\frac{\sqrt{\alpha}\,(1-\bar\alpha_s)}{1-\bar\alpha_t}}_{c_t}x_t"
            r"+\underbrace{\frac{\sqrt{\bar\alpha_s}\,\beta}{1-\bar\alpha_t}}_{c_0}x_0",
            _(
                "True. Here $c_t$ = {c_t}, $c_0$ = {c_0}. It is no weighted average: the two add up to {total}, "
                "less than 1 for every $s\\ge1$, since $x_s$ is a shrunk $x_0$ with noise in it."
            ).format(c_t=n(p.c_t), c_0=n(p.c_0), total=n(p.c_t + p.c_0)),
        ),
        ArticleLine(
            _("At t = 1"),
            r"\bar\alpha_0=1:\qquad \tilde\beta_1=0,\qquad \tilde\mu_1=x_0",
            _(
                "The article says nothing of it. Its $1/(1-\\bar\\alpha_0)$ is 1/0: the prior is the point $x_0$ "
                "itself, and so is the posterior. With the variance $\\tilde\\beta$ the last step then adds no noise; "
                "with any other, that is a convention."
            ),
        ),
        ArticleLine(
            _("$x_0$ from the noise"),
            r"x_0=\frac{1}{\sqrt{\bar\alpha_t}}\big(x_t-\sqrt{1-\bar\alpha_t}\,\bar z_t\big)",
            _(
                "True for the $\\bar z_t$ that made this $x_t$: here {z}. A model predicts another one, and its "
                "error comes out multiplied by $1/\\sqrt{{\\mathrm{{SNR}}_t}}$ = {gain}."
            ).format(z=n(z), gain=n(p.sqrt_one_minus_alpha_bar_t / p.sqrt_alpha_bar_t)),
        ),
        ArticleLine(
            _("The mean from the noise"),
            r"\tilde\mu=\frac1{\sqrt{\alpha}}\Big(x_t-\frac{\beta}{\sqrt{1-\bar\alpha_t}}\,\bar z_t\Big)",
            _("True for every $t$, $t=1$ too. Here {mean}, the same number as above.").format(
                mean=n((x_t - p.beta / p.sqrt_one_minus_alpha_bar_t * z) / math.sqrt(p.alpha))
            ),
        ),
    ]


def _density(x: float, mean: float, variance: float) -> float:
    return math.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


# --- without x_0 ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Widening:
    """q(x_s | x_t) for longer and longer strides k = t - s; (P,) numbers, and what the picture draws."""

    strides: tuple[int, ...]
    kl: np.ndarray  # to the best Gaussian, nats
    modes: np.ndarray  # on the line only, else 0
    sd: np.ndarray  # root of the average variance of a coordinate
    exact: np.ndarray  # (P, LINE) or (P, GRID, GRID)
    best: np.ndarray  # (P, LINE), or ellipses (P, n, 2)
    domain: np.ndarray  # (P, 2)


def strides_of(t: int) -> tuple[int, ...]:
    """1 .. t - 1, at most STRIDES of them."""
    return tuple(int(k) for k in np.unique(np.linspace(1, t - 1, min(t - 1, STRIDES)).round()))


@st.cache_resource(show_spinner=False, max_entries=32)
def widening(data: str, name: str, T: int, t: int, x_t: tuple[float, ...]) -> Widening:
    """Look back from x_t over longer and longer strides."""
    law, schedule = TOYS[data]().law, schedule_of(name, T)
    here, strides = torch.tensor(x_t, dtype=torch.float64), strides_of(t)
    looks = [law.at(schedule, t).reverse_conditional(here, t - k) for k in strides]
    drawn = [(on_the_line if len(x_t) == 1 else in_the_plane)(q) for q in looks]
    return Widening(
        strides,
        kl=np.maximum([negentropy(q) for q in looks], 1e-16),
        modes=np.array([count_modes(q) if len(x_t) == 1 else 0 for q in looks]),
        sd=np.array([q.variance for q in looks]) ** 0.5,
        exact=np.stack([exact for exact, _best, _domain in drawn]),
        best=np.stack([best for _exact, best, _domain in drawn]),
        domain=np.stack([domain for _exact, _best, domain in drawn]),
    )


def one_draw(data: str, name: str, T: int, t: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One x_0 of the data and the x_t that noise makes of it, (d,) each."""
    generator = torch.Generator().manual_seed(seed)
    x_0 = TOYS[data]().sample(1, generator)[0]
    eps = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype)
    return x_0, q_sample(schedule_of(name, T), x_0, t, eps)


Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]


def on_the_line(q: GaussianMixture) -> Drawn:
    """The density and the best Gaussian's, at LINE places, and their ends."""
    shown, sd = q.weights > 1e-4, q.covariances[:, 0, 0].sqrt()
    low, high = (q.means[:, 0] - 4 * sd)[shown].min().item(), (q.means[:, 0] + 4 * sd)[shown].max().item()
    x = torch.linspace(low, high, LINE, dtype=torch.float64)[:, None]
    return q.log_prob(x).exp().numpy(), best_gaussian(q).log_prob(x).exp().numpy(), np.array([low, high])


def in_the_plane(q: GaussianMixture) -> Drawn:
    """The density over [-3, 3]^2, and the ellipses of the best Gaussian at one and two standard deviations."""
    centres = (torch.arange(GRID, dtype=torch.float64) + 0.5) * 6 / GRID - 3
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    best = best_gaussian(q)
    root = torch.linalg.cholesky(best.covariances[0]).numpy()
    ellipses = best.means.numpy() + circles() @ root.T
    return q.log_prob(torch.stack([x, y], -1)).exp().numpy(), ellipses, np.array([-3.0, 3.0])


def circles() -> np.ndarray:
    """Points on the circles of radius 1 and 2, (3 * 60, 2), evenly spaced along both."""
    rings = [(radius, 60 * radius) for radius in (1, 2)]
    angle = np.concatenate([2 * np.pi * np.arange(n) / n for _radius, n in rings])
    radius = np.concatenate([np.full(n, r) for r, n in rings])
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)


def second_panels(w: Widening) -> list[Panel]:
    """The exact density with the best Gaussian; their KL over the stride; the numbers."""
    rows = [
        (_("s = t − k"), "s", None),
        (_("KL to the best Gaussian, nats"), "kl", COLORS["mu_tilde"]),
        (_("its standard deviation"), "sd", None),
        (_("√β̃, if x_0 were known"), "sd_known", COLORS["beta_tilde"]),
    ]
    shown: list[Panel] = []
    if w.exact.ndim == 2:
        rows.insert(2, (_("number of peaks"), "modes", None))
        shown.append(
            Curves(
                (
                    Curve(w.exact, _("exact q(x_s | x_t)"), COLORS["mu_tilde"]),
                    Curve(w.best, _("the best Gaussian"), COLORS["beta_tilde"], dash=True),
                ),
                _("Where x_s was, x_t being known and x_0 not"),
                domain=w.domain,
                weight=2.4,
            )
        )
    else:
        layers = (
            DensityFrames(w.exact),
            Points("best", color=COLORS["beta_tilde"], size=3.0, label=_("the best Gaussian, 1 and 2 deviations")),
            Points("known", color=COLORS["mu_tilde"], size=3.0, label=_("posterior with x_0 known")),
            Points("here", color=COLORS["x_t"], size=11.0, opacity=1.0, label="x_t"),
            Points("start", color=COLORS["x0"], size=11.0, opacity=1.0, label="x_0"),
        )
        shown.append(Plane(layers, _("Where x_s was, x_t being known and x_0 not"), weight=2.0))
    shown.append(Lines((Line("kl", "KL", COLORS["mu_tilde"]),), _("KL to the best Gaussian"), log_y=True, weight=1.4))
    shown.append(Numbers(rows))
    return shown


def second_tracks(w: Widening, pairs: list[Transition], x_t: np.ndarray, x_0: np.ndarray) -> dict[str, Track]:
    """The numbers over the stride; in the plane, the ellipses too."""
    beta_tilde = np.array([pair.beta_tilde for pair in pairs])
    steps = np.array([pair.s for pair in pairs])
    scalars = {"s": steps, "kl": w.kl, "modes": w.modes, "sd": w.sd, "sd_known": beta_tilde**0.5}
    shown: dict[str, Track] = {name: Scalar(values) for name, values in scalars.items()}
    if w.exact.ndim == 2:
        return shown
    means = np.array([pair.c_t * x_t + pair.c_0 * x_0 for pair in pairs])
    known = means[:, None] + beta_tilde[:, None, None] ** 0.5 * circles()
    return shown | {
        "best": Frames(w.best),
        "known": Frames(known),
        "here": Constant(x_t[None]),
        "start": Constant(x_0[None]),
    }


def code(name: str, T: int, t: int, s: int, x_0: float, x_t: float, seed: int) -> str:
    """The lines that made the picture."""
    return f"""import torch
from diffusion_core import SCHEDULES, q_posterior, q_sample, q_step
from diffusion_core.data.toys import bimodal
from diffusion_core.laws.negentropy import count_modes, negentropy

schedule, t, s, x_0, x_t = SCHEDULES[{name!r}]({T}), {t}, {s}, {x_0}, {x_t}
mean, variance = q_posterior(schedule, torch.tensor(x_t).double(), torch.tensor(x_0).double(), t, s)
print(f"posterior: mean {{mean:.4f}}, variance {{variance:.4g}}")

# the same by simulation: walk from x_0 to x_s to x_t, and keep what came near x_t
e1, e2 = torch.randn((2, {SIMULATED}), generator=torch.Generator().manual_seed({seed}), dtype=torch.float64)
x_s = q_sample(schedule, torch.full_like(e1, x_0), s, e1)
near = (q_step(schedule, x_s, s, t, e2) - x_t).abs() < {BAND} * schedule.sqrt_one_minus_alpha_bar[t]
print(f"simulated: {{int(near.sum())}} of {SIMULATED} in the slice, mean {{x_s[near].mean():.4f}}, ", end="")
print(f"variance {{x_s[near].var():.4g}}")

# without x_0
q = bimodal().law.at(schedule, t).reverse_conditional(torch.tensor([x_t]).double(), s)
print(f"without x_0: {{count_modes(q)}} peak(s), {{negentropy(q):.3g}} nats from the best Gaussian")
"""


prose = lesson.open_lesson("posterior")
with lesson.picture_first() as picture:
    top = st.columns([3, 2, 2, 3])
    with top[0]:
        schedules = {key: label for key, label in schedule_names().items() if key != "zero_terminal_snr"}
        name = controls.choice("schedule", _("Schedule"), schedules, "linear")
    with top[1]:
        T = controls.integer("T", "T", 1000, 10, 2000)
    with top[2]:
        stride = controls.integer("stride", _("Stride t − s"), min(100, T - 1), 1, T - 1)
    with top[3]:
        seed = controls.seed()
    low = st.columns(2)
    with low[0]:
        x_0 = controls.number("x_0", "$x_0$", X_0, -3.0, 3.0, 0.01)
    with low[1]:
        x_t = controls.number("x_t", "$x_t$", X_T, -3.0, 3.0, 0.01)

schedule = schedule_of(name, T)
pairs = transitions(name, T, stride)
with picture:
    state = lesson.show_timeline(
        key="posterior",
        positions=range(2, T + 1),
        tracks=tracks(pairs, x_0, x_t),
        panels=panels(pairs, x_0, x_t),
        t=2 * T // 5,
        handles={"x_0": X_0, "x_t": X_T},
    )
st.markdown(prose["picture"])
t = int(state.t)
pair = pairs[t - 2]
st.markdown(
    _("At t = {t}, s = {s} the prior has **{share}%** of the precision, the likelihood the rest.").format(
        t=t, s=pair.s, share=lesson.significant(100 * claims.prior_share(pair))
    )
)

st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])
for line in derivation(pair, x_0, x_t):
    with st.expander(line.title):
        st.latex(line.latex)
        st.markdown(line.says)

st.header(_("By simulation"), anchor="simulation")
cloud, half, inside = simulate(name, T, t, pair.s, x_0, x_t, seed)
st.markdown(
    _(
        "{all} walks from $x_0$ = {x_0} to $x_s$ and on to $x_t$, s = {s}, t = {t}; {inside} of them came within "
        "{half} of $x_t$ = {x_t}. Their $x_s$ are draws from the posterior."
    ).format(
        all=f"{SIMULATED:,}",
        inside=f"{len(inside):,}",
        x_0=lesson.significant(x_0),
        x_t=lesson.significant(x_t),
        s=pair.s,
        t=t,
        half=lesson.significant(half),
    )
)
if len(inside) < 300:
    st.info(_("So few, because from this $x_0$ the forward process hardly ever comes to this $x_t$. Drag it closer."))
mean = pair.c_t * x_t + pair.c_0 * x_0
curves = {
    _("posterior N(μ̃, β̃)"): (mean, pair.beta_tilde),
    _("the misprint: N(μ̃, β)"): (mean, pair.beta),
}
left, right = st.columns(2)
with left:
    st.markdown("**" + _("Simulated pairs, and the slice at the chosen $x_t$") + "**")
    st.plotly_chart(figures.slice_cloud(cloud, (x_t - half, x_t + half)), key="slice_cloud")
with right:
    st.markdown("**" + _("$x_s$ inside the slice") + "**")
    st.plotly_chart(figures.slice_histogram(inside, curves), key="slice_histogram")

st.header(_("Without $x_0$"), anchor="without")
st.markdown(
    _(
        "A sampler does not know $x_0$. What it should draw from is $q(x_s\\mid x_t)$, an average of posteriors over "
        "all $x_0$ that $x_t$ may have come from. For a short stride it is nearly one Gaussian; as the stride grows, "
        "one peak may become several. That is why a Gaussian step must be small. Slide $k=t-s$."
    )
)
second = st.container(key="second_picture")
with st.container(key="second_controls", border=True):
    columns = st.columns([3, 2, 4])
    with columns[0]:
        labels = {key: data_names()[key] for key in (*ON_THE_LINE, *IN_THE_PLANE)}
        data = controls.choice("data", _("Data"), labels, "bimodal")
    with columns[1]:
        t_from = controls.integer("from", _("From t"), max(3, 3 * T // 10), 3, T)
    with columns[2]:
        if data in ON_THE_LINE:
            here, start = (
                np.array([controls.number("seen", _("$x_t$, seen at that t"), 0.0, -3.0, 3.0, 0.01)]),
                np.zeros(1),
            )
        else:
            start, here = (values.numpy() for values in one_draw(data, name, T, t_from, seed))
            st.markdown(_("$x_0$ is one draw of the data, $x_t$ is $x_0$ with noise; another seed draws another."))

w = widening(data, name, T, t_from, tuple(here.tolist()))
looks = [transition(schedule, t_from, t_from - k) for k in w.strides]
with second:
    lesson.show_timeline(
        key="without",
        positions=w.strides,
        tracks=second_tracks(w, looks, here, start),
        panels=second_panels(w),
        t=w.strides[len(w.strides) // 2],
        name="k",
        label=_("Stride k"),
    )

walk, one = claims.Walk(schedule), claims.Pair(schedule, t, pair.s)
needed = claims.draws_to_tell(pair)
note = None
if needed > one.n:
    note = _(
        "For this t and stride β and β̃ are so close that only {needed} draws would tell them apart; here are {n}. "
        "The identities above need none."
    ).format(needed=lesson.significant(needed), n=f"{one.n:,}")
where = (name, T, t, pair.s)
lesson.check(
    prose,
    [
        lesson.Checked(claims.BAYES, one, where),
        lesson.Checked(claims.MARKOV, one, where),
        lesson.Checked(claims.PROPORTIONAL, one, where),
        lesson.Checked(claims.SQUARE, one, where),
        lesson.Checked(claims.PRECISION, walk, (name, T)),
        lesson.Checked(claims.MEAN, walk, (name, T)),
        lesson.Checked(claims.REGRESSION, one, where, note),
        lesson.Checked(claims.AMPLIFICATION, walk, (name, T)),
        lesson.Checked(claims.FROM_NOISE, walk, (name, T)),
        lesson.Checked(claims.CUBE),
        lesson.Checked(claims.MODES),
    ],
)
lesson.show_code(code(name, T, t, pair.s, x_0, x_t, seed), "posterior")
lesson.article(prose)
