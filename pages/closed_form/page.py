"""Lesson: the chain of t steps and the one jump, with the same noise and with fresh noise."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from diffusion_core import collapse_noise, q_chain, q_sample
from diffusion_core.claims import closed_form as claims
from pages.shared import controls, figures
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _
from pages.shared.scenes import density, drawn, pick_scene, schedule_names, schedule_of
from pages.shared.timeline import Affine, Constant, Formula, Frames, Probe, Scalar, mathml

DATA = ["eight_gaussians", "two_moons", "swiss_roll", "checkerboard", "spiral", "word", "bimodal", "three_modes"]
SHOWN = 300
POSITIONS = 101


@dataclass(frozen=True)
class Paths:
    """The chain and the noise that it amounts to, at each position; computed in float64, shown in float32."""

    positions: tuple[int, ...]
    x0: np.ndarray  # (n, d)
    chain: np.ndarray  # (P, n, d)
    z_bar: np.ndarray  # (P, n, d)
    largest_difference: np.ndarray  # (P,) |chain - jump|


@st.cache_resource(show_spinner=False, max_entries=16)
def paths(data: str, word: str, schedule_name: str, T: int, seed: int, _x0: np.ndarray) -> Paths:
    """Walk the chain with z_1..z_T, and gather the same noise into one z_bar for each position shown."""
    schedule = schedule_of(schedule_name, T)
    x0 = torch.from_numpy(_x0[:SHOWN]).double()
    z = torch.randn((T, *x0.shape), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    positions = tuple(int(t) for t in np.unique(np.linspace(0, T, min(T + 1, POSITIONS)).round()))
    wanted = set(positions)
    chain, z_bar, difference = [x0], [torch.zeros_like(x0)], [0.0]
    for t, x_t in enumerate(q_chain(schedule, x0, z), 1):
        if t in wanted:
            gathered = collapse_noise(schedule, z, t)
            chain.append(x_t)
            z_bar.append(gathered)
            difference.append(float((x_t - q_sample(schedule, x0, t, gathered)).abs().max()))
    return Paths(
        positions,
        x0.float().numpy(),
        torch.stack(chain).float().numpy(),
        torch.stack(z_bar).float().numpy(),
        np.array(difference),
    )


def formula() -> Formula:
    """Chain, jump and their difference, for the picked point."""
    m = mathml
    x_t = m.sub(m.sym("x"), m.sym("t"))
    a, b = (
        m.sqrt(m.sub(m.bar(m.sym("α")), m.sym("t"))),
        m.sqrt(m.num("1"), m.op("−"), m.sub(m.bar(m.sym("α")), m.sym("t"))),
    )
    x_0, z = m.sub(m.sym("x"), m.num("0")), m.sub(m.bar(m.sym("z")), m.sym("t"))
    lines = (
        (x_t, m.op("="), m.row(a, x_0, m.op("+"), b, z)),
        (
            "",
            m.op("="),
            m.row(
                m.live("a"), m.op("·"), m.paren(m.live("x0")), m.op("+"), m.live("b"), m.op("·"), m.paren(m.live("z"))
            ),
        ),
        (m.text(_("jump")), m.op("="), m.live("jump")),
        (m.text(_("chain")), m.op("="), m.live("chain")),
        (m.text(_("largest difference, all points")), m.op("="), m.live("difference")),
    )
    return Formula(
        m.math(m.rows(*lines)),
        values={
            "a": "a",
            "b": "b",
            "difference": "difference",
            "x0": Probe("x0", 0),
            "z": Probe("z_bar", 0),
            "jump": Probe("jump", 0),
            "chain": Probe("chain", 0),
        },
        title=_("The picked point, first coordinate"),
    )


def code(data: str, word: str, schedule: str, T: int, t: int, seed: int) -> str:
    """The lines that made the picture."""
    law = f"word({word!r})" if data == "word" else f"TOYS[{data!r}]()"
    return f"""import torch
from diffusion_core import SCHEDULES, collapse_noise, q_chain, q_sample
from diffusion_core.data.pictures import word
from diffusion_core.data.toys import TOYS

schedule = SCHEDULES[{schedule!r}]({T})
generator = torch.Generator().manual_seed({seed})
x0 = {law}.sample(300, generator)
t = {max(1, t)}

z = torch.randn((t, *x0.shape), generator=generator, dtype=torch.float64)    # z_1 .. z_t
*_, chain = q_chain(schedule, x0, z)                        # t steps
jump = q_sample(schedule, x0, t, collapse_noise(schedule, z, t))    # one step, the same noise
fresh = q_sample(schedule, x0, t, torch.randn(x0.shape, generator=generator, dtype=torch.float64))

print(f"same noise:  largest difference {{(chain - jump).abs().max():.2e}}")
print(f"fresh noise: means {{chain.mean():.3f}} and {{fresh.mean():.3f}}")
print(f"             variances {{chain.var():.3f}} and {{fresh.var():.3f}}")
assert (chain - jump).abs().max() < 1e-10
"""


@st.cache_data(show_spinner=False, max_entries=16)  # half a megabyte a seed
def additivity_samples(seed: int) -> list[np.ndarray]:
    """The independent sum and its two mistakes."""
    z1, z2 = torch.randn((2, 20_000), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    coin = torch.rand(20_000, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    return [f(z1, z2, coin).numpy() for f in (claims.ADDITIVITY.truth, *claims.ADDITIVITY.mistakes.values())]


@st.cache_data(show_spinner=False, max_entries=64)
def errors(seed: int) -> list[np.ndarray]:
    """RMS errors of the truth and of the mistakes."""
    return [claims.rms_errors(f, seed) for f in (claims.RATE.truth, *claims.RATE.mistakes.values())]


prose = lesson.open_lesson("closed_form")
with lesson.picture_first() as picture:
    columns = st.columns([3, 3, 2, 3])
    with columns[3]:
        seed = controls.seed()
    with columns[0]:
        scene = pick_scene(DATA, "eight_gaussians", seed)
    with columns[1]:
        name = controls.choice("schedule", _("Schedule"), schedule_names(), "linear")
    with columns[2]:
        T = controls.integer("T", "T", 1000, 1, 2000)

schedule = schedule_of(name, T)
way = paths(scene.name, scene.word, name, T, seed, scene.x0)
at = list(way.positions)
a, b = schedule.sqrt_alpha_bar.numpy()[at], schedule.sqrt_one_minus_alpha_bar.numpy()[at]
fresh = torch.randn(way.x0.shape, generator=torch.Generator().manual_seed(seed + 10**6)).numpy()
law = density(scene, a, b**2)

with picture:
    state = lesson.show_timeline(
        key="closed_form",
        positions=way.positions,
        tracks={
            "x0": Constant(way.x0),
            "chain": Frames(way.chain),
            "z_bar": Frames(way.z_bar),
            "jump": Affine(a, "x0", b, "z_bar"),
            "eps": Constant(fresh),
            "fresh": Affine(a, "x0", b, "eps"),
            "a": Scalar(a),
            "b": Scalar(b),
            "difference": Scalar(way.largest_difference),
        },
        panels=[
            drawn(scene, "chain", _("Chain of t steps"), density=law),
            drawn(scene, "jump", _("One jump, same noise"), density=law),
            drawn(scene, "fresh", _("One jump, fresh noise"), density=law),
            formula(),
        ],
        t=T // 5,
    )
st.markdown(prose["picture"])

st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])
left, right = st.columns(2)
with left:
    st.markdown("**" + lesson.typeset(_("The noise of the jump is another one at each t: corr(z̄_s, z̄_t)")) + "**")
    rows = [int(t) for t in np.unique(np.linspace(1, T, min(T, 60)).round())]
    ab = schedule.alpha_bar.numpy()[rows]
    ratio = np.sqrt(ab / (1 - ab))
    less, more = np.minimum.outer(ratio, ratio), np.maximum.outer(ratio, ratio)
    correlation = np.divide(less, more, out=np.ones_like(less), where=more > 0)  # of z_bar_T with itself, where 0 / 0
    st.plotly_chart(figures.noise_correlation(rows, correlation, _), key="correlation")
with right:
    st.markdown("**" + _("The error of a mean falls as 1/√n, unless a mistake is in it") + "**")
    labels = [_("As it is"), *map(_, claims.RATE.mistakes)]
    st.plotly_chart(figures.error_rate(claims.COUNTS, dict(zip(labels, errors(seed), strict=True)), _), key="rate")
st.markdown("**" + _("0.6 z₁ + 0.8 z₂ is N(0, 1) if z₁ and z₂ are independent; two ways to miss it") + "**")
labels = [_("independent"), *map(_, claims.ADDITIVITY.mistakes)]
st.plotly_chart(figures.additivity(dict(zip(labels, additivity_samples(seed), strict=True)), _), key="additivity")

t = max(1, int(state.t))
lesson.check(
    prose,
    [
        lesson.Checked(claims.SAME_NOISE, claims.Jump(schedule, t), (name, T, t)),
        lesson.Checked(claims.FRESH_NOISE, claims.Jump(schedule, t, start=30.0), (name, T, t)),
        lesson.Checked(claims.ADDITIVITY, 20_000, ()),
        lesson.Checked(claims.RATE, None, ()),
    ],
)
lesson.show_code(code(scene.name, scene.word, name, T, t, seed), "closed_form")
lesson.article(prose)
