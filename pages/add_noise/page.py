"""Lesson: what a noising step does, and when the result is noise."""

import numpy as np
import streamlit as st
import torch

from diffusion_core import NoiseSchedule, forward_kl
from diffusion_core.claims.forward import IS_NOISE, ONE_STEP, VARIANCE_MAP, OneStep, WholeWay
from pages.shared import controls, figures, lesson, mathml
from pages.shared.i18n import _
from pages.shared.palette import COLORS
from pages.shared.scenes import (
    Scene,
    data_names,
    density,
    drawn,
    pick_scene,
    pixel_histogram,
    schedule_names,
    schedule_of,
    terminal_kl,
)
from pages.shared.timeline import Affine, Constant, Formula, Line, Lines, Probe, Scalar

NOT_NOISE = 0.01  # nats a dimension, x_0 known: from here on a picture can be seen in x_T
FIELDS = ("x0", "eps", "x_t")


def formula(scene: Scene) -> Formula:
    """x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps, with the numbers at this t, for the element picked."""
    m = mathml
    x_t, x_0 = m.sub(m.sym("x"), m.sym("t")), m.sub(m.sym("x"), m.num("0"))
    alpha_bar = m.sub(m.bar(m.sym("α")), m.sym("t"))
    symbols = (
        m.sqrt(alpha_bar),
        m.op("·"),
        x_0,
        m.op("+"),
        m.sqrt(m.num("1"), m.op("−"), alpha_bar),
        m.op("·"),
        m.sym("ε"),
    )
    numbers = (m.live("a"), m.op("·"), m.paren(m.live("x0")), m.op("+"), m.live("b"), m.op("·"), m.paren(m.live("eps")))
    lines = (
        (x_t, m.op("="), m.row(*symbols)),
        ("", m.op("="), m.row(*numbers)),
        ("", m.op("="), m.live("x_t")),
    )
    probes = {field: Probe(field, 0) for field in FIELDS}
    return Formula(
        m.math(m.rows(*lines)), values={"a": "a", "b": "b", **probes}, title=_("The picked element, at this t")
    )


def code(scene: Scene, schedule: str, T: int, t: int, seed: int) -> str:
    """The lines that made the picture."""
    start = {
        "digits": "x0 = digits().sample(16, generator)                # 16 of the 10,000",
        "photo": "x0 = torch.from_numpy(decode_photo(open('assets/data/example_photo.jpg', 'rb').read())).double()",
        "picture": "photo = decode_photo(open('assets/data/example_photo.jpg', 'rb').read())\n"
        "x0 = picture(photo).sample(1000, generator)",
        "word": f"x0 = word({scene.word!r}).sample(1000, generator)",
    }.get(scene.name, f"x0 = TOYS[{scene.name!r}]().sample(1000, generator)")
    return f"""import torch
from diffusion_core import SCHEDULES, q_sample
from diffusion_core.data.digits import digits
from diffusion_core.data.photos import decode_photo
from diffusion_core.data.pictures import picture, word
from diffusion_core.data.toys import TOYS

schedule = SCHEDULES[{schedule!r}]({T})
generator = torch.Generator().manual_seed({seed})
{start}
eps = torch.randn(x0.shape, generator=generator, dtype=torch.float64)

t = {t}
x_t = q_sample(schedule, x0, t, eps)          # sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps

print(f"alpha_bar_{{t}} = {{schedule.alpha_bar[t]:.6g}}, SNR = {{schedule.snr[t]:.6g}}")
print(f"variance of x_0 {{x0.var():.3f}}, of x_t {{x_t.var():.3f}}")
"""


def schedule_table(scene: Scene, tables: dict[str, NoiseSchedule], chosen: str) -> str:
    """Where each schedule ends: what is left of the signal, and how far x_T is from noise for this data."""
    second_moment = float(np.mean(scene.x0.astype(float) ** 2))
    lines = [
        "| " + _("Schedule") + r" | $\bar\alpha_T$ | $\sqrt{\bar\alpha_T}$ | $\mathrm{SNR}_T$ "
        r"| $\mathrm{KL}\big(q(x_T)\,\Vert\,N(0,I)\big)$ |",
        "|---|---|---|---|---|",
    ]
    exact = True
    for key, s in tables.items():
        kl, exact = terminal_kl(scene.name, scene.word, key, s.T, second_moment, scene.law)
        label = f"**{schedule_names()[key]}**" if key == chosen else schedule_names()[key]
        ends = (float(s.alpha_bar[-1]), float(s.sqrt_alpha_bar[-1]), float(s.snr[-1]), kl)
        lines.append(f"| {label} | " + " | ".join(map(lesson.significant, ends)) + " |")
    how = (
        _("KL in nats, exact, by quadrature of the density of $x_T$.")
        if exact
        else _(
            "An upper bound of the KL, in nats a pixel: the mean of the KL with $x_0$ known, "
            "$\\mathrm{KL}(q(x_T\\mid x_0)\\,\\Vert\\,N(0,I))$, over the pictures shown."
        )
    )
    return "\n".join(lines) + f"\n\n{how}"


prose = lesson.open_lesson("add_noise")
with lesson.picture_first() as picture:
    columns = st.columns([3, 3, 2, 3])
    with columns[3]:
        seed = controls.seed()
    with columns[0]:
        scene = pick_scene(list(data_names()), "digits", seed)
    with columns[1]:
        name = controls.choice("schedule", _("Schedule"), schedule_names(), "linear")
    with columns[2]:
        T = controls.integer("T", "T", 1000, 1, 4000)

own = scene.name in ("photo", "picture")
if own and st.session_state.get("add_noise_data", scene.name) != scene.name and "t" in st.query_params:
    controls.remember("t", None, None)  # a picture of one's own opens where it can be seen
    st.session_state.pop("url_t", None)
st.session_state["add_noise_data"] = scene.name

schedule = schedule_of(name, T)
a, b = schedule.sqrt_alpha_bar.numpy(), schedule.sqrt_one_minus_alpha_bar.numpy()
noise_variance = schedule.one_minus_alpha_bar.numpy()
generator = torch.Generator().manual_seed(seed + 1)
eps = torch.randn(scene.x0.shape, generator=generator).numpy()
whole = density(scene, a, noise_variance)
one = density(scene, a, noise_variance, component=0)

panels = [drawn(scene, "x_t", "x_t", density=whole, weight=1.6)]
if scene.kind != "line":
    panels.append(pixel_histogram(scene, "x_t", one, _("Values of x_t and their exact density")))
panels.append(
    Lines(
        (
            Line("alpha_bar", _("signal ᾱ_t"), COLORS["x0"]),
            Line("noise_variance", _("noise 1 − ᾱ_t"), COLORS["eps"]),
        ),
        title=_("How much is left"),
    )
)
panels.append(formula(scene))

with picture:
    second_moment = float(np.mean(scene.x0.astype(float) ** 2))
    if forward_kl(schedule, second_moment, T) > NOT_NOISE:
        kl, exact = terminal_kl(scene.name, scene.word, name, T, second_moment, scene.law)
        away = _("{kl} nats") if exact else _("at most {kl} nats a pixel")
        st.warning(
            _(
                "$x_T$ is not noise yet: $\\sqrt{{\\bar\\alpha_T}}$ = {amplitude} of the signal is left. Its distance "
                "from $N(0,I)$ in the sense of KL is {away}; sampling that starts from $N(0,I)$ starts from another "
                "law."
            ).format(amplitude=lesson.significant(float(a[-1])), away=away.format(kl=lesson.significant(kl))),
            icon=":material/warning:",
        )
    state = lesson.show_timeline(
        key="add_noise",
        positions=range(T + 1),
        tracks={
            "x0": Constant(scene.x0),
            "eps": Constant(eps),
            "x_t": Affine(a, "x0", b, "eps"),
            "a": Scalar(a),
            "b": Scalar(b),
            "alpha_bar": Scalar(schedule.alpha_bar.numpy()),
            "noise_variance": Scalar(noise_variance),
        },
        panels=panels,
        t=T // 4,
    )
st.markdown(prose["picture"])

st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])

st.header(_("Schedules side by side"), anchor="schedules")
tables = {key: schedule_of(key, T) for key in schedule_names()}
labels = schedule_names()
st.html(figures.legend(list(labels.values()), labels[name]))
for column, (field, title, log) in zip(
    st.columns(3), (("beta", "β_t", True), ("alpha_bar", "ᾱ_t", False), ("snr", "SNR_t", True)), strict=True
):
    curves = {labels[key]: getattr(s, field).numpy() for key, s in tables.items()}
    column.plotly_chart(figures.schedule_curves(curves, labels[name], title, log), key=f"schedules_{field}")
st.markdown(schedule_table(scene, tables, name))

t = int(state.t)
lesson.check(
    prose,
    [
        lesson.Checked(ONE_STEP, OneStep(schedule, max(1, t)), (name, T, max(1, t))),
        lesson.Checked(IS_NOISE, WholeWay(schedule), (name, T)),
        lesson.Checked(VARIANCE_MAP, WholeWay(schedule, n=2_000), (name, T)),
    ],
)
lesson.show_code(code(scene, name, T, t, seed), "add_noise")
lesson.article(prose)
