"""Lesson: the reverse chain with the exact denoiser, each step opened."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from diffusion_core import (
    FiniteData,
    GaussianMixture,
    ancestral,
    ddim,
    fixed_large,
    fixed_small,
    generated_variance,
    transition,
)
from diffusion_core.claims.reverse import COPIES, LAW, STEP, CopyRun, Run
from diffusion_core.gaussian_law import gaussian_optimal
from diffusion_core.objectives import optimal_for
from diffusion_core.variance import VarianceChoice, learned_range, state_dependent
from pages.shared import controls, exports, lesson, mathml, shell
from pages.shared.i18n import _
from pages.shared.palette import COLORS
from pages.shared.scenes import Scene, density, drawn, pick_scene, schedule_names, schedule_of
from pages.shared.timeline import (
    Affine,
    Constant,
    Field,
    Formula,
    Frames,
    Line,
    Lines,
    Path,
    Probe,
    Scalar,
    Shifted,
)

DATA = ["eight_gaussians", "two_moons", "swiss_roll", "checkerboard", "spiral", "word", "picture", "digits"]
SHOWN = 600
FLOOR_DRAWS = {"digits": 16}  # draws of x_t that the loss floor is averaged over; for points in the plane:
FLOOR_DRAWS_PLANE = 500
SPACINGS = {"iddpm": "iddpm", "trailing": "trailing", "leading": "leading"}


@dataclass(frozen=True)
class Settings:
    """The scalars that make a run: the same ones make the same run."""

    data: str
    word: str
    schedule: str
    T: int
    steps: int
    spacing: str
    sampler: str
    variance: str
    v: float
    eta: float
    seed: int

    @property
    def timesteps(self) -> tuple[int, ...]:
        """t_N > ... > t_1."""
        return schedule_of(self.schedule, self.T).timesteps(self.steps, spacing=self.spacing)


def variance_names() -> dict[str, str]:
    """The variances of DDPM's step by their word in the URL."""
    return {
        "small": "β̃",
        "large": "β",
        "learned": _("learned"),
        "optimal": _("optimal"),
        "state": _("optimal for each x_t"),
    }


def variance_of(settings: Settings, law: FiniteData | GaussianMixture) -> VarianceChoice:
    """The variance asked for; those that are optimal are so for this data."""
    schedule = schedule_of(settings.schedule, settings.T)
    match settings.variance:
        case "large":
            return fixed_large
        case "learned":
            return learned_range(settings.v)
        case "optimal":
            n = FLOOR_DRAWS.get(settings.data, FLOOR_DRAWS_PLANE)
            return optimal_for(law, schedule, settings.timesteps, n, torch.Generator().manual_seed(0))
        case "state":
            return state_dependent(law, schedule)
    return fixed_small


@dataclass(frozen=True)
class Chain:
    """Every stored number of a run, float32: position k holds the step from t_k; the last holds x_0."""

    positions: tuple[int, ...]
    x: np.ndarray  # (N + 1, n, d)
    eps_hat: np.ndarray  # (N + 1, n, d), zero at the end
    noise: np.ndarray  # (N + 1, n, d), zero at the end
    x0_hat_scale: np.ndarray  # (N + 1,) 1 / sqrt(alpha_bar_t)
    eps_scale: np.ndarray  # (N + 1,) sqrt(1 - alpha_bar_t)
    first: np.ndarray  # (N + 1,) the mean's coefficient of x_t (DDPM) or eps_hat (DDIM)
    second: np.ndarray  # (N + 1,) the mean's coefficient of x0_hat
    sigma: np.ndarray  # (N + 1,), or (N + 1, n, 1) where each x_t has its own
    beta: np.ndarray
    beta_tilde: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it by name, with x0_hat and the mean worked out."""
        column = (-1, 1, 1)
        x0_hat = self.x0_hat_scale.reshape(column) * (self.x - self.eps_scale.reshape(column) * self.eps_hat)
        return {
            "t": np.array(self.positions),
            **{k: v for k, v in vars(self).items() if k != "positions"},
            "x0_hat": x0_hat,
        }


@st.cache_resource(show_spinner=False, max_entries=16)
def run(settings: Settings, _law: FiniteData | GaussianMixture, _dimension: int, n: int) -> Chain:
    """Sample, and keep what the page shows."""
    schedule = schedule_of(settings.schedule, settings.T)
    generator = torch.Generator().manual_seed(settings.seed)
    x_T = torch.randn((n, _dimension), generator=generator, dtype=torch.float64)
    denoiser = _law.denoiser(schedule)
    if settings.sampler == "ddim":
        steps = ddim(denoiser, schedule, x_T, settings.timesteps, eta=settings.eta, generator=generator)
    else:
        steps = ancestral(denoiser, schedule, x_T, settings.timesteps, variance_of(settings, _law), generator)
    x, eps, noise, sigmas, scalars = [x_T], [], [], [], []
    for step in steps:
        pair = transition(schedule, step.t, step.s)
        sigma = np.sqrt(np.asarray(step.variance))
        first, second = pair.c_t, pair.c_0
        if settings.sampler == "ddim":
            first, second = max(0.0, 1 - pair.alpha_bar_s - float(sigma) ** 2) ** 0.5, pair.sqrt_alpha_bar_s
        scalars.append(
            (
                1 / pair.sqrt_alpha_bar_t,
                pair.sqrt_one_minus_alpha_bar_t,
                first,
                second,
                pair.beta,
                pair.beta_tilde,
            )
        )
        sigmas.append(sigma)
        x.append(step.x_s)
        eps.append(step.eps_hat)
        noise.append(torch.zeros_like(x_T) if step.noise is None else step.noise)
    end = torch.zeros_like(x_T)
    sigmas.append(np.zeros_like(sigmas[-1]))
    scalars.append((1.0, 0.0, 0.0, 1.0, 0.0, 0.0))
    frames = [torch.stack(many).float().numpy() for many in (x, [*eps, end], [*noise, end])]
    scale, rest, first, second, beta, beta_tilde = np.array(scalars).T
    return Chain(
        (*settings.timesteps, 0),
        x=frames[0],
        eps_hat=frames[1],
        noise=frames[2],
        x0_hat_scale=scale,
        eps_scale=rest,
        first=first,
        second=second,
        sigma=np.array(sigmas),
        beta=beta,
        beta_tilde=beta_tilde,
    )


def formula(settings: Settings) -> Formula:
    """The step opened: each intermediate, its place in the formula, its number."""
    m = mathml
    eq, plus, times = m.op("="), m.op("+"), m.op("·")
    x_t, x_s = m.sub(m.sym("x"), m.sym("t")), m.sub(m.sym("x"), m.sym("s"))
    eps, x0 = m.hat(m.sym("ε")), m.sub(m.hat(m.sym("x")), m.num("0"))
    ab_t, ab_s = m.sub(m.bar(m.sym("α")), m.sym("t")), m.sub(m.bar(m.sym("α")), m.sym("s"))
    rest = m.sqrt(m.num("1"), m.op("−"), ab_t)
    if settings.sampler == "ddpm":
        mean, partner = m.tilde(m.sym("μ")), "x_t"
        symbols = m.row(m.sub(m.sym("c"), m.sym("t")), x_t, plus, m.sub(m.sym("c"), m.num("0")), x0)
    else:
        mean, partner = m.sym("μ"), "eps"
        direction = m.sqrt(m.num("1"), m.op("−"), ab_s, m.op("−"), m.sup(m.sym("σ"), m.num("2")))
        symbols = m.row(direction, eps, plus, m.sqrt(ab_s), x0)

    def product(factor: str, value: str) -> str:
        return m.row(m.live(factor), times, m.paren(m.live(value)))

    guess = m.row(m.live("scale"), times, m.paren(m.live("x_t"), m.op("−"), product("rest", "eps")))
    middle = m.row(product("first", partner), plus, product("second", "x0_hat"))
    drawn_now = m.row(m.live("mean"), plus, product("sigma", "z"))
    lines = (
        (x0, eq, m.frac(m.row(x_t, m.op("−"), rest, eps), m.sqrt(ab_t))),
        ("", eq, m.row(guess, eq, m.live("x0_hat"))),
        (mean, eq, symbols),
        ("", eq, m.row(middle, eq, m.live("mean"))),
        (x_s, eq, m.row(mean, plus, m.sym("σ"), m.sym("z"))),
        ("", eq, m.row(drawn_now, eq, m.live("x_s"))),
        (m.text(_("stored")), eq, m.live("stored")),
    )
    names = ("x_t", "eps", "x0_hat", "mean", "z", "x_s", "stored")
    return Formula(
        m.math(m.rows(*lines)),
        values={
            **{name: name for name in ("scale", "rest", "first", "second")},
            "sigma": Probe("sigma", 0) if settings.variance == "state" else "sigma",
            **{name: Probe(name, 0) for name in names},
        },
        title=_("The step opened, for what you picked (recomputed in your browser)"),
    )


def code(s: Settings) -> str:
    """The lines that made the picture."""
    law = {
        "digits": "digits().law",
        "word": f"word({s.word!r}).law",
        "picture": "picture(decode_photo(open('assets/data/example_photo.jpg', 'rb').read())).law",
    }.get(s.data, f"TOYS[{s.data!r}]().law")
    call = (
        f"ddim(denoiser, schedule, x_T, timesteps, eta={s.eta}, generator=generator)"
        if s.sampler == "ddim"
        else "ancestral(denoiser, schedule, x_T, timesteps, variance, generator)"
    )
    draws = FLOOR_DRAWS.get(s.data, FLOOR_DRAWS_PLANE)
    variance = {
        "learned": f"learned_range({s.v})",
        "optimal": f"optimal_for(law, schedule, timesteps, {draws}, torch.Generator().manual_seed(0))",
        "state": "state_dependent(law, schedule)",
    }.get(s.variance, f"fixed_{s.variance}")
    shape = "(16, 784)" if s.data == "digits" else f"({SHOWN}, 2)"
    return f"""import torch
from diffusion_core import SCHEDULES, ancestral, ddim, fixed_large, fixed_small
from diffusion_core import learned_range, optimal_for, state_dependent
from diffusion_core.data import TOYS, decode_photo, digits, picture, word

schedule = SCHEDULES[{s.schedule!r}]({s.T})
generator = torch.Generator().manual_seed({s.seed})
x_T = torch.randn({shape}, generator=generator, dtype=torch.float64)
law = {law}
denoiser = law.denoiser(schedule)                   # exact: E[eps | x_t], by Bayes' rule
timesteps = schedule.timesteps({s.steps}, spacing={s.spacing!r})
variance = {variance}

for step in {call}:
    print(f"t = {{step.t:4d}} -> {{step.s:4d}}: std of x_s {{step.x_s.std():.3f}}, of x0_hat {{step.x0_hat.std():.3f}}")
x_0 = step.x_s
"""


def panels(scene: Scene, chain: Chain, settings: Settings, alpha_bar: np.ndarray) -> list[object]:
    """x_t with its exact density and field, x0_hat, the noise predicted, the variances, the step opened."""
    a, v = np.sqrt(alpha_bar), 1 - alpha_bar
    shown: list[object] = []
    if scene.kind == "images":
        shown += [
            drawn(scene, "x_t", "x_t"),
            drawn(scene, "x0_hat", _("x̂₀, the guess of the end")),
            drawn(scene, "eps", _("ε̂, the noise predicted"), value_range=(-3.0, 3.0)),
            drawn(scene, "nearest", _("Nearest training digit to x_0")),
        ]
    else:
        law = density(scene, a, v)
        field = (Field(law, color=COLORS["eps"]),) if law else ()
        data = density(scene, np.ones_like(a), np.zeros_like(a))
        shown += [
            drawn(
                scene, "x_t", _("x_t, its exact density, and the field ε̂"), density=law, layers=(*field, Path("x_t"))
            ),
            drawn(scene, "x0_hat", _("x̂₀, the guess of the end, on the data"), density=data, color=COLORS["x0_hat"]),
        ]
    shown.append(
        Lines(
            (
                Line("beta", "β", COLORS["beta"]),
                Line("beta_tilde", "β̃", COLORS["beta_tilde"], dash=True),
                Line(
                    "sigma2", _("σ² used, on average") if settings.variance == "state" else _("σ² used"), COLORS["eps"]
                ),
            ),
            title=_("Variance of the step"),
        )
    )
    shown.append(formula(settings))
    return shown


shell.ensure_shell()
prose = lesson.open_lesson("sampling")
with lesson.picture_first() as picture:
    top = st.columns([3, 3, 2, 3])
    with top[3]:
        seed = controls.seed()
    with top[0]:
        scene = pick_scene(DATA, "eight_gaussians", seed)
    with top[1]:
        schedules = {key: label for key, label in schedule_names().items() if key != "zero_terminal_snr"}
        name = controls.choice("schedule", _("Schedule"), schedules, "linear")
    with top[2]:
        T = controls.integer("T", "T", 1000, 1, 4000)
    low = st.columns([3, 3, 2, 3])
    with low[0]:
        sampler = controls.choice("sampler", _("Sampler"), {"ddpm": "DDPM", "ddim": "DDIM"}, "ddpm", pills=True)
    with low[1]:
        if sampler == "ddpm":
            variance = controls.choice("variance", _("Variance"), variance_names(), "small")
            v = (
                controls.number("v", _("v of the learned variance"), 0.5, -0.25, 1.25, 0.05)
                if variance == "learned"
                else 0.5
            )
            eta = 0.0
        else:
            variance, v = "small", 0.5
            eta = controls.number("eta", "η", 0.0, 0.0, 1.0, 0.05)
    with low[2]:
        limit = min(T, 100 if scene.name == "digits" else 250)
        steps = controls.integer("N", _("Steps N"), min(limit, 25 if scene.name == "digits" else 50), 1, limit)
    with low[3]:
        spacing = controls.choice("spacing", _("Spacing"), SPACINGS, "trailing", pills=True)

settings = Settings(scene.name, scene.word, name, T, steps, spacing, sampler, variance, v, eta, seed)
schedule = schedule_of(name, T)
n = len(scene.x0) if scene.kind == "images" else SHOWN
assert scene.law is not None  # a photo is no law to sample from, and is not offered here
chain = run(settings, scene.law, scene.x0.shape[1], n)
alpha_bar = schedule.alpha_bar.numpy()[list(chain.positions)]
tracks = {
    "x_t": Frames(chain.x),
    "eps": Frames(chain.eps_hat),
    "z": Frames(chain.noise),
    "scale": Scalar(chain.x0_hat_scale),
    "rest": Scalar(chain.eps_scale),
    "first": Scalar(chain.first),
    "second": Scalar(chain.second),
    "sigma2": Scalar((chain.sigma**2).reshape(len(chain.positions), -1).mean(1)),
    "beta": Scalar(chain.beta),
    "beta_tilde": Scalar(chain.beta_tilde),
    "x0_hat": Affine(chain.x0_hat_scale, "x_t", -chain.x0_hat_scale * chain.eps_scale, "eps"),
    "mean": Affine(chain.first, "x_t" if sampler == "ddpm" else "eps", chain.second, "x0_hat"),
    "stored": Shifted("x_t", 1),
}
if variance == "state":  # sigma has a number for each point, where the mean has one for each step
    one = np.ones(len(chain.positions))
    tracks["sigma"] = Frames(np.broadcast_to(chain.sigma, chain.noise.shape).astype(np.float32))
    tracks["sigma_z"] = Frames((chain.sigma * chain.noise).astype(np.float32))
    tracks["x_s"] = Affine(one, "mean", one, "sigma_z")
else:
    tracks["sigma"] = Scalar(chain.sigma)
    tracks["x_s"] = Affine(np.ones_like(chain.sigma), "mean", chain.sigma, "z")
distance = None
if isinstance(scene.law, FiniteData):
    index, distance = scene.law.nearest(torch.from_numpy(chain.x[-1]).double())
    tracks["nearest"] = Constant(scene.law.points[index].float().numpy())

with picture:
    state = lesson.show_timeline(
        key="sampling",
        positions=chain.positions,
        tracks=tracks,
        panels=panels(scene, chain, settings, alpha_bar),
        t=2 * T // 5,
    )
    if distance is not None:
        st.info(
            _(
                "Largest distance from a sample to its nearest training digit: {distance}. The exact denoiser copies: "
                "E[x₀ | x_t] is a weighted mean of the training digits, and as t falls all the weight goes to one."
            ).format(distance=lesson.significant(float(distance.max()))),
            icon=":material/content_copy:",
        )
st.markdown(prose["picture"])
picture_size = (scene.height, scene.width) if scene.kind == "images" else None
with st.container(horizontal=True):
    st.download_button(
        _("Animation (GIF)"),
        lambda: exports.gif(chain.x, chain.positions, picture_size),
        "chain.gif",
        "image/gif",
        icon=":material/movie:",
        on_click="ignore",
    )
    st.download_button(
        _("All the numbers (.npz)"),
        lambda: exports.npz(chain.arrays()),
        "chain.npz",
        "application/octet-stream",
        icon=":material/data_array:",
        on_click="ignore",
    )

st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])

few = schedule.timesteps(min(steps, 10), spacing="trailing")  # where the choice of variance shows most
gaussian = {"large": fixed_large, "small": fixed_small, "learned": learned_range(v)}  # for it, both optima are one
law = Run(schedule, few, gaussian.get(variance, gaussian_optimal(Run.data_variance)))
ratio = generated_variance(schedule, few, law.variance, law.data_variance) / law.data_variance
lesson.check(
    prose,
    [
        lesson.Checked(STEP, Run(schedule, settings.timesteps, fixed_small), (name, T, settings.timesteps)),
        lesson.Checked(
            LAW,
            law,
            (name, T, few, variance, v),
            _(
                "{n} steps with {variance}, data of variance 1/4: in theory the samples have {ratio} of its variance."
            ).format(n=len(few), variance=variance_names()[variance], ratio=lesson.significant(ratio)),
        ),
        lesson.Checked(COPIES, CopyRun(schedule, schedule.timesteps(min(T, 25))), (name, T)),
    ],
)
lesson.show_code(code(settings), "sampling")
lesson.article(prose)
