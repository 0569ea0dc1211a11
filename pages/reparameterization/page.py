"""Lesson: z = mu + sigma eps, what it does for a gradient, and why DDPM's training can do without."""

import numpy as np
import streamlit as st
import torch

from diffusion_core.claims import reparameterization as claims
from diffusion_core.reparameterization import cosine_variances, gradient_variances
from pages.shared import controls
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _
from pages.shared.palette import COLORS
from pages.shared.scenes import schedule_of
from pages.shared.timeline import (
    Affine,
    Bell,
    Constant,
    Curves,
    Draggable,
    Formula,
    Handle,
    Histogram,
    Numbers,
    Panel,
    Plane,
    Points,
    Probe,
    Product,
    Scalar,
    Track,
    mathml,
)

SIGMAS = tuple(round(0.2 + 0.05 * k, 2) for k in range(37))  # 0.2 .. 2
DRAWS = 2_000
DEFAULT_MU, DEFAULT_SIGMA = 1.0, 0.5
PATHWISE, SCORE = COLORS["eps"], COLORS["beta"]


def tracks(mu: float, seed: int) -> dict[str, Track]:
    """z and both estimates of the gradient of E[z^2] by mu, all made in the browser of mu, sigma and fixed eps."""
    eps = torch.randn(DRAWS, generator=torch.Generator().manual_seed(seed)).numpy()
    none, sigma, one = np.zeros_like(eps), np.array(SIGMAS), np.ones(len(SIGMAS))
    return {
        "mu": Draggable(mu),
        "sigma": Scalar(sigma),
        "sigma2": Scalar(sigma**2),
        "zero": Scalar(0 * one),
        "one": Scalar(one),
        "eps": Constant(eps),
        "across": Affine(one, np.stack([eps, none], 1), sigma, np.stack([none, eps], 1)),  # (eps, sigma eps)
        "up": Product("mu", np.stack([none, none + 1], 1)),
        "pair": Affine(one, "across", one, "up"),  # (eps, z)
        "z": Affine(one, "mu", sigma, "eps"),
        "z2": Product("z", "z"),
        "exact": Affine(2 * one, "mu", 0 * one, "one"),
        "pathwise": Affine(2 * one, "z", 0 * one, "one"),
        "slope": Affine(1 / sigma, "eps", 0 * one, "one"),  # of ln N(z; mu, sigma^2) by mu
        "score": Product("z2", "slope"),
        "mu2": Product("mu", "mu"),
        "mu4": Product("mu2", "mu2"),
        "var_pathwise": Scalar(4 * sigma**2),
        "var_far": Affine(sigma**-2, "mu4", 14 * one, "mu2"),
        "var_score": Affine(one, "var_far", 15 * one, "sigma2"),
        "ratio": Affine(sigma**-2 / 4, "var_score", 0 * one, "one"),
    }


def formula() -> Formula:
    """z for the picked draw, and its derivatives."""
    m = mathml
    z, mu, sigma, eps, eq = m.sym("z"), m.sym("μ"), m.sym("σ"), m.sym("ε"), m.op("=")

    def by(what: str) -> str:
        return m.frac(m.row(m.op("∂"), z), m.row(m.op("∂"), what))

    numbers = (m.live("mu"), m.op("+"), m.live("sigma"), m.op("·"), m.paren(m.live("eps")), eq, m.live("z"))
    lines = (
        (z, eq, m.row(mu, m.op("+"), sigma, eps)),
        ("", eq, m.row(*numbers)),
        (by(mu), eq, m.num("1")),
        (by(sigma), eq, m.row(eps, eq, m.live("eps"))),
    )
    return Formula(
        m.math(m.rows(*lines)),
        values={"mu": "mu", "sigma": "sigma", "eps": Probe("eps"), "z": Probe("z")},
        title=_("The picked draw"),
    )


def panels() -> list[Panel]:
    """The same eps carried to z; the bell that mu moves; both estimates over one axis, always in one row, as wide."""
    bells = (
        Bell("mu", "sigma2", _("N(μ, σ²)"), COLORS["x_t"]),
        Bell("zero", "one", _("N(0, 1), where ε comes from"), COLORS["eps"], dash=True),
    )
    return [
        Plane((Points("pair", size=4.0),), title=_("Across: ε, which stays. Up: z"), domain=(-5.0, 5.0), weight=1.5),
        Curves(
            bells,
            title=_("Drag μ (each bell with its peak at 1)"),
            domain=(-6.0, 6.0),
            handles=(Handle("mu", "μ", COLORS["x0"]),),
            weight=2.3,
        ),
        *(
            Histogram(
                track,
                title,
                bins=60,
                domain=(-12.0, 12.0),
                component=0,
                weight=1.3,
                mark="exact",
                color=color,
            )
            for track, title, color in (
                ("pathwise", _("Pathwise: 2z"), PATHWISE),
                ("score", _("Score-function estimator: z² ε/σ"), SCORE),
            )
        ),
        Numbers(
            (
                (_("exact gradient 2μ (the line)"), "exact", None),
                (_("variance, pathwise"), "var_pathwise", PATHWISE),
                (_("variance, score-function estimator"), "var_score", SCORE),
                (_("their ratio"), "ratio", None),
            ),
            title=_("One estimate of ∂E[z²]/∂μ"),
        ),
        formula(),
    ]


def code(mu: float, sigma: float, seed: int) -> str:
    """The lines that made the picture."""
    return f"""import torch
from diffusion_core.reparameterization import gradient_variances, pathwise_gradients, score_function_gradients

mu, sigma = {mu}, {sigma}
eps = torch.randn(100_000, generator=torch.Generator().manual_seed({seed}), dtype=torch.float64)
z = mu + sigma * eps                                   # a draw from N(mu, sigma^2)

print(f"exact gradient of E[z^2] by mu: {{2 * mu}}")
estimates = pathwise_gradients(mu, sigma, eps), score_function_gradients(mu, sigma, eps)
for name, g, variance in zip(("pathwise", "score function"), estimates, gradient_variances(mu, sigma)[0]):
    print(f"{{name:15}} mean {{g[:, 0].mean():.3f}}, variance {{g[:, 0].var():.2f}}, exactly {{variance:.2f}}")
"""


def noisier(mu: float, sigma: float) -> str:
    """The variances of both estimators for three functions."""
    n = lesson.significant
    rows = {
        "$z^2$": gradient_variances(mu, sigma)[0],
        r"$\cos z$": cosine_variances(mu, sigma, 1),
        r"$\cos 10z$": cosine_variances(mu, sigma, 10),
    }
    head = [r"$f$", _("pathwise"), _("score-function estimator"), _("their ratio")]
    body = "\n".join(f"| {f} | {n(p)} | {n(s)} | {n(s / p)} |" for f, (p, s) in rows.items())
    where = _("The variance of one estimate of $\\partial\\,\\mathbb E[f(z)]/\\partial\\mu$ at μ = {mu}, σ = {sigma}:")
    return f"{where.format(mu=n(mu), sigma=n(sigma))}\n\n| {' | '.join(head)} |\n|:--|--:|--:|--:|\n{body}"


@st.cache_data(show_spinner=False, max_entries=64)
def detached(seed: int) -> list[tuple[int, int, float]]:
    """DDPM, a learned schedule, a learned encoder: numbers in the gradient, how many differ with x_t detached, and the
    largest difference."""
    setting = claims.Training(schedule_of("linear", 1000), t=500)
    rows = []
    for noising in (claims.DETACH.truth, *claims.DETACH.mistakes.values()):
        whole, cut = (claims.loss_gradients(noising, setting, seed, detach) for detach in (False, True))
        rows.append((whole.numel(), int((whole != cut).sum()), float((whole - cut).abs().max())))
    return rows


prose = lesson.open_lesson("reparameterization")
with lesson.picture_first() as picture:
    columns = st.columns([3, 1])
    with columns[0]:
        mu = controls.number("mu", "μ", DEFAULT_MU, -2.0, 2.0, 0.01)
    with columns[1]:
        seed = controls.seed()

with picture:
    state = lesson.show_timeline(
        key="reparameterization",
        positions=SIGMAS,
        tracks=tracks(mu, seed),
        panels=panels(),
        t=DEFAULT_SIGMA,
        name="sigma",
        label=_("Standard deviation σ"),
        handles={"mu": DEFAULT_MU},
    )
st.markdown(prose["picture"])

st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])
st.markdown(noisier(mu, state.t))
names = (
    _("DDPM: x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε"),
    _("a schedule that is learned"),
    _("an encoder that is learned (VAE): x_t from its output"),
)
st.markdown("**" + _("The gradient of the loss, with $x_t$ and with $x_t$ detached") + "**")
line = _("{what}: {differ} of {count} numbers differ, by {largest} at most")
st.markdown(
    "\n".join(
        "- "
        + line.format(
            what=lesson.typeset(name), differ=f"**{differ}**", count=count, largest=lesson.significant(largest)
        )
        for name, (count, differ, largest) in zip(names, detached(seed), strict=True)
    )
)

setting = claims.Draw(mu, state.t)
ratio = gradient_variances(mu, state.t)[0]
lesson.check(
    prose,
    [
        lesson.Checked(claims.DRAW, setting, (mu, state.t)),
        lesson.Checked(claims.FLOW, setting, (mu, state.t)),
        lesson.Checked(claims.UNBIASED, claims.Draw(mu, state.t, n=100_000), (mu, state.t)),
        lesson.Checked(
            claims.VARIANCES,
            setting,
            (mu, state.t),
            _("At μ = {mu}, σ = {sigma} the ratio of the variances is {ratio}.").format(
                mu=lesson.significant(mu),
                sigma=lesson.significant(state.t),
                ratio=lesson.significant(ratio[1] / ratio[0]),
            ),
        ),
        lesson.Checked(claims.NOISIER, None, ()),
        lesson.Checked(claims.DETACH, None, ()),
    ],
)
lesson.show_code(code(mu, state.t, seed), "reparameterization")
lesson.article(prose)
