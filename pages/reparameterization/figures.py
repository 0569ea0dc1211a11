"""The picture of *Reparameterize*, and what its sections draw."""

import numpy as np
import streamlit as st
import torch

from diffusion_core.claims import reparameterization as claims
from pages.reparameterization import recipe
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS
from pages.shared.scenes import schedule_of
from pages.shared.timeline.formula import formula
from pages.shared.typography import significant, table, typeset

SIGMAS = tuple(round(0.2 + 0.05 * k, 2) for k in range(37))  # 0.2 .. 2
DRAWS = 2_000
MU, SIGMA = 1.0, 0.5  # what the picture opens with
FAR = 2.0  # mu goes from -FAR to FAR
PATHWISE, SCORE = COLORS["eps"], COLORS["beta"]
FORMULA = r"""z &=& \mu+\sigma\varepsilon \\
    &=& \live{mu}+\live{sigma}\cdot(\live{eps}) = \live{z} \\
    \frac{\partial z}{\partial\mu} &=& 1 \\
    \frac{\partial z}{\partial\sigma} &=& \varepsilon = \live{eps}"""


@kept
def picture(seed: int) -> tl.Picture:
    """The same eps carried to z; the bell that mu moves; both estimates over one axis, always in one row, as wide."""
    values: dict[str, str | tl.Probe] = {"mu": "mu", "sigma": "sigma", "eps": tl.Probe("eps"), "z": tl.Probe("z")}
    panels = [
        tl.Plane(
            (tl.Points("pair", size=4.0),), title=_("Across: ε, which stays. Up: z"), domain=(-5.0, 5.0), weight=1.5
        ),
        bells(),
        estimates("pathwise", _("Pathwise: 2z"), PATHWISE),
        estimates("score", _("Score-function estimator: z² ε/σ"), SCORE),
        numbers(),
        formula(FORMULA, values, _("The picked draw")),
    ]
    tracks = draws(recipe.noise(seed, DRAWS, torch.float32).numpy()) | gradients()
    return packed(SIGMAS, tracks, panels, label=_("Standard deviation σ"))


def draws(eps: np.ndarray) -> dict[str, tl.Track]:
    """z, made in the browser of mu, sigma and fixed eps."""
    none, sigma, one = np.zeros_like(eps), np.array(SIGMAS), np.ones(len(SIGMAS))
    return {
        "mu": tl.Draggable(MU, -FAR, FAR),
        "sigma": tl.Scalar(sigma),
        "sigma2": tl.Scalar(sigma**2),
        "zero": tl.Scalar(0 * one),
        "one": tl.Scalar(one),
        "eps": tl.Constant(eps),
        "across": tl.Affine(one, np.stack([eps, none], 1), sigma, np.stack([none, eps], 1)),  # (eps, sigma eps)
        "up": tl.Product("mu", np.stack([none, none + 1], 1)),
        "pair": tl.Affine(one, "across", one, "up"),  # (eps, z)
        "z": tl.Affine(one, "mu", sigma, "eps"),
    }


def gradients() -> dict[str, tl.Track]:
    """Both estimates of the gradient of E[z^2] by mu, made of z; the exact one, and the exact variances."""
    sigma, one = np.array(SIGMAS), np.ones(len(SIGMAS))
    return {
        "z2": tl.Product("z", "z"),
        "exact": tl.Affine(2 * one, "mu", 0 * one, "one"),
        "pathwise": tl.Affine(2 * one, "z", 0 * one, "one"),
        "slope": tl.Affine(1 / sigma, "eps", 0 * one, "one"),  # of ln N(z; mu, sigma^2) by mu
        "score": tl.Product("z2", "slope"),
        "mu2": tl.Product("mu", "mu"),
        "mu4": tl.Product("mu2", "mu2"),
        "var_pathwise": tl.Scalar(4 * sigma**2),
        "var_far": tl.Affine(sigma**-2, "mu4", 14 * one, "mu2"),
        "var_score": tl.Affine(one, "var_far", 15 * one, "sigma2"),
        "ratio": tl.Affine(sigma**-2 / 4, "var_score", 0 * one, "one"),
    }


def bells() -> tl.Curves:
    """The law of z beside that of eps, with the handle that moves it."""
    series = (
        tl.Bell("mu", "sigma2", _("N(μ, σ²)"), COLORS["x_t"]),
        tl.Bell("zero", "one", _("N(0, 1), where ε comes from"), COLORS["eps"], dash=True),
    )
    handles = (tl.Handle("mu", "μ", COLORS["x0"]),)
    return tl.Curves(
        series, title=_("Drag μ (each bell with its peak at 1)"), domain=(-6.0, 6.0), handles=handles, weight=2.3
    )


def estimates(track: str, title: str, color: str) -> tl.Histogram:
    """One way to the gradient, draw by draw; the line is the exact one."""
    return tl.Histogram(track, title, domain=(-12.0, 12.0), component=0, weight=1.3, mark="exact", color=color)


def numbers() -> tl.Numbers:
    """What one estimate is worth, exactly."""
    rows = (
        (_("exact gradient 2μ (the line)"), "exact", None),
        (_("variance, pathwise"), "var_pathwise", PATHWISE),
        (_("variance, score-function estimator"), "var_score", SCORE),
        (_("their ratio"), "ratio", None),
    )
    return tl.Numbers(rows, title=_("One estimate of ∂E[z²]/∂μ"))


def noisier(mu: float, sigma: float) -> None:
    """The variances of both estimators for three functions."""
    where = _("The variance of one estimate of $\\partial\\,\\mathbb E[f(z)]/\\partial\\mu$ at μ = {mu}, σ = {sigma}:")
    head = ("$f$", _("pathwise"), _("score-function estimator"), _("their ratio"))
    rows = [
        (f"${f}$", *map(significant, (pathwise, score, score / pathwise)))
        for f, (pathwise, score) in recipe.variances(mu, sigma).items()
    ]
    said = where.format(mu=significant(mu), sigma=significant(sigma))
    st.markdown(f"{said}\n\n{table(head, rows, align='lrrr')}")


@kept
def detached(seed: int) -> list[tuple[int, int, float]]:
    """DDPM, a learned schedule, a learned encoder: numbers in the gradient, how many differ with x_t detached, and the
    largest difference."""
    setting = claims.Training(schedule_of("linear", 1000), t=500)
    rows = []
    for noising in (claims.DETACH.truth, *claims.DETACH.mistakes.values()):
        whole, cut = (claims.loss_gradients(noising, setting, seed, detach) for detach in (False, True))
        rows.append((whole.numel(), int((whole != cut).sum()), float((whole - cut).abs().max())))
    return rows


def used(seed: int) -> None:
    """What detaching x_t changes in the gradient of three trainings."""
    names = (
        _("DDPM: x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε"),
        _("a schedule that is learned"),
        _("an encoder that is learned (VAE): x_t from its output"),
    )
    st.markdown("**" + _("The gradient of the loss, with $x_t$ and with $x_t$ detached") + "**")
    line = _("{what}: {differ} of {count} numbers differ, by {largest} at most")
    rows = [
        line.format(what=typeset(name), differ=f"**{differ}**", count=count, largest=significant(largest))
        for name, (count, differ, largest) in zip(names, detached(seed), strict=True)
    ]
    st.markdown("\n".join(f"- {row}" for row in rows))
