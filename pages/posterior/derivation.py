"""The article's derivation of the posterior, a line at a time, with today's numbers in it."""

import math
from dataclasses import dataclass

import streamlit as st

from diffusion_core import Transition
from diffusion_core.claims.posterior.coefficients import prior_share
from diffusion_core.claims.posterior.triples import draws_to_tell
from pages.shared.i18n import _
from pages.shared.typography import significant


@dataclass(frozen=True)
class ArticleLine:
    """One line: its title, the formula, and what is to be said of it, with places for the numbers of `facts`."""

    title: str
    latex: str
    says: str


def article() -> list[ArticleLine]:
    """The article's lines in their order, for the pair (t, s) in place of (t, t - 1)."""
    return [*to_the_variance(), *to_the_mean()]


def to_the_variance() -> list[ArticleLine]:
    """From Bayes' rule by the completed square."""
    return [
        ArticleLine(
            _("Bayes' rule"),
            r"q(x_s\mid x_t,x_0)=\frac{q(x_t\mid x_s,x_0)\;q(x_s\mid x_0)}{q(x_t\mid x_0)}",
            _(
                "True. Said nowhere, but used: $q(x_t\\mid x_s,x_0)=q(x_t\\mid x_s)$, the Markov property. At "
                "$x_s=\\tilde\\mu$ here: {like} × {prior} / {evidence} = {posterior}."
            ),
        ),
        ArticleLine(
            _("The exponents gathered: “=” should be “∝”"),
            r"\exp\!\Big(-\tfrac12\big(A\,x_s^2-B\,x_s+C\big)\Big),"
            r"\quad A=\frac{\alpha_{t|s}}{\beta_{t|s}}+\frac1{1-\bar\alpha_s},"
            r"\quad B=\frac{2\sqrt{\alpha_{t|s}}}{\beta_{t|s}}x_t+\frac{2\sqrt{\bar\alpha_s}}{1-\bar\alpha_s}x_0",
            _(
                "The article writes “=”. Here $A$ = {A}, $B$ = {B}, $C=\\tilde\\mu^2/\\tilde\\beta$ = {C}, and "
                "what is printed integrates to $\\sqrt{{2\\pi\\tilde\\beta}}$ = {integral}, not to 1. So it is a "
                "“∝”; or $C$ must hold $\\ln(2\\pi\\tilde\\beta)$ as well."
            ),
        ),
        ArticleLine(
            _("The square completed"),
            r"A\,x_s^2-B\,x_s=A\Big(x_s-\frac{B}{2A}\Big)^2-\frac{B^2}{4A}",
            _("So the variance is $1/A$ = {variance}, and the mean is $B/(2A)$ = {mean}."),
        ),
        ArticleLine(
            _("The variance, and a misprint"),
            r"\tilde\beta=\frac1A=\frac{1-\bar\alpha_s}{1-\bar\alpha_t}\,\beta_{t|s}",
            _(
                "The article prints $\\beta_t$ on the left, in place of $\\tilde\\beta_t$: then $\\beta_t$ would "
                "be 0. Here $\\beta_{{t|s}}$ = {beta} and $\\tilde\\beta$ = {tilde}, a ratio of {ratio}. To tell them "
                "apart in samples takes about {draws} draws."
            ),
        ),
    ]


def to_the_mean() -> list[ArticleLine]:
    """By x_0, then by the noise."""
    return [
        ArticleLine(
            _("The mean"),
            r"\tilde\mu=\underbrace{\frac{\sqrt{\alpha_{t|s}}\,(1-\bar\alpha_s)}{1-\bar\alpha_t}}_{c_t}x_t"
            r"+\underbrace{\frac{\sqrt{\bar\alpha_s}\,\beta_{t|s}}{1-\bar\alpha_t}}_{c_0}x_0",
            _(
                "True. Here $c_t$ = {c_t}, $c_0$ = {c_0}. It is no weighted average: the two add up to {total}, "
                "less than 1 for every $s\\ge1$, since $x_s$ is a shrunk $x_0$ with noise in it."
            ),
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
            ),
        ),
        ArticleLine(
            _("The mean from the noise"),
            r"\tilde\mu=\frac1{\sqrt{\alpha_{t|s}}}\Big(x_t-\frac{\beta_{t|s}}{\sqrt{1-\bar\alpha_t}}\,\bar z_t\Big)",
            _("True for every $t$, $t=1$ too. Here {mean}, the same number as above."),
        ),
    ]


def facts(p: Transition, x_0: float, x_t: float) -> list[dict[str, float]]:
    """The numbers of each line."""
    mean = p.c_t * x_t + p.c_0 * x_0
    A = p.alpha / p.beta + 1 / p.one_minus_alpha_bar_s
    B = 2 * math.sqrt(p.alpha) / p.beta * x_t + 2 * p.sqrt_alpha_bar_s / p.one_minus_alpha_bar_s * x_0
    z = (x_t - p.sqrt_alpha_bar_t * x_0) / p.sqrt_one_minus_alpha_bar_t
    return [
        {
            "like": _density(x_t, math.sqrt(p.alpha) * mean, p.beta),
            "prior": _density(mean, p.sqrt_alpha_bar_s * x_0, p.one_minus_alpha_bar_s),
            "evidence": _density(x_t, p.sqrt_alpha_bar_t * x_0, p.one_minus_alpha_bar_t),
            "posterior": 1 / math.sqrt(2 * math.pi * p.beta_tilde),
        },
        {"A": A, "B": B, "C": mean**2 / p.beta_tilde, "integral": math.sqrt(2 * math.pi * p.beta_tilde)},
        {"variance": 1 / A, "mean": B / (2 * A)},
        {"beta": p.beta, "tilde": p.beta_tilde, "ratio": p.beta_tilde / p.beta, "draws": draws_to_tell(p)},
        {"c_t": p.c_t, "c_0": p.c_0, "total": p.c_t + p.c_0},
        {},
        {"z": z, "gain": p.sqrt_one_minus_alpha_bar_t / p.sqrt_alpha_bar_t},
        {"mean": (x_t - p.beta / p.sqrt_one_minus_alpha_bar_t * z) / math.sqrt(p.alpha)},
    ]


def _density(x: float, mean: float, variance: float) -> float:
    return math.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


def derivation(pair: Transition, x_0: float, x_t: float) -> None:
    """How much the prior has to say at this t, and each line with its numbers."""
    says = _("At t = {t}, s = {s} the prior has **{share}%** of the precision, the likelihood the rest.")
    st.markdown(says.format(t=pair.t, s=pair.s, share=significant(100 * prior_share(pair))))
    for line, numbers in zip(article(), facts(pair, x_0, x_t), strict=True):
        with st.expander(line.title):
            st.latex(line.latex)
            st.markdown(line.says.format(**{name: significant(value) for name, value in numbers.items()}))
