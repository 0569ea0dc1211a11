r"""The symbols of the course: what each is called, what it means, where it is explained; and a card for each.

A lesson's card lists what its prose uses. A press on a name opens it; pointing at a formula, or a tap on it, shows the
cards of its symbols, with their values now where the picture knows them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from diffusion_core.files import ASSETS
from pages.shared.i18n import _, language, parts
from pages.shared.timeline.formula import inline

__all__ = ["SYMBOLS", "Symbol", "card", "used"]

SHELL = ASSETS / "shell"
MATH = re.compile(r"\$\$.+?\$\$|\$[^$]+\$", re.DOTALL)

_card = st.components.v2.component(
    "symbols",
    css=(SHELL / "symbols.css").read_text(encoding="utf-8"),
    js=(SHELL / "symbols.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Symbol:
    r"""A symbol in LaTeX; the pattern that finds it in LaTeX without spaces; the lesson that explains it; its track.

    ``says`` is its name, a colon, and what it means.
    """

    tex: str
    pattern: str
    lesson: str
    says: str
    track: str = ""


def _of(lesson: str, *symbols: tuple[str, str, str] | tuple[str, str, str, str]) -> list[Symbol]:
    return [Symbol(tex, pattern, lesson, says=says, track="".join(track)) for tex, pattern, says, *track in symbols]


SYMBOLS = (
    *_of(
        "add_noise",
        (r"x_0", r"(?<!hat)(?<!hat\{)x_0", "data: a point, a number or a picture before any noise"),
        (r"x_t", r"x_t(?!h)", "noised data: what has become of x₀ after t steps"),
        (r"t", r"(?<![\w\\{])t(?![\w|])", "timestep: how many noising steps have been taken, from 0 to T"),
        (r"T", r"(?<![\w\\])T(?!\w)", "number of noising steps of the whole way"),
        (r"\beta_t", r"(?<!tilde)\\beta_t(?![h|])", "variance of the noise that step t adds"),
        (r"\bar\alpha_t", r"\\bar\\alpha", "signal kept: the product of all 1 − β up to t", "alpha_bar"),
        (r"\varepsilon", r"(?<!hat)\\varepsilon(?![_^])", "noise: independent numbers, each from N(0, 1)"),
        (r"\mathrm{SNR}_t", r"SNR", "signal-to-noise ratio: ᾱ / (1 − ᾱ)"),
    ),
    *_of(
        "closed_form",
        (r"\alpha_t", r"(?<!bar)\\alpha(?!_\{t\|s)", "1 − β of step t: what it keeps of the variance"),
        (r"z_i", r"(?<!bar)(?<![\w\\])z_[i12]", "the noise of one step"),
        (r"\bar z_t", r"\\barz", "all the noise up to t, gathered into one N(0, I)"),
    ),
    *_of(
        "posterior",
        (r"x_s", r"x_s", "the place at an earlier time s < t"),
        (r"\alpha_{t|s}", r"\\alpha_\{t\|s\}", "of the stride from s to t: ᾱ at t over ᾱ at s"),
        (r"\beta_{t|s}", r"(?<!tilde)\\beta_\{t\|s\}", "of the stride: 1 − α; for s = t − 1 it is βₜ"),
        (r"\tilde\mu", r"\\tilde\\mu", "mean of the posterior: of the step back, if x₀ is known", "mean"),
        (r"\tilde\beta", r"\\tilde\\beta", "variance of the posterior", "beta_tilde"),
    ),
    *_of(
        "training",
        (r"\varepsilon_\theta", r"\\varepsilon_\\theta", "the network’s guess of the noise; θ are its weights"),
        (r"\varepsilon^*", r"\\varepsilon\^\*", "the best possible guess: the mean of the noise, given x at t"),
        (r"\ell_t", r"\\ell_t", "floor: the least loss that any network can reach at t", "floor"),
    ),
    *_of(
        "loss",
        (
            r"L_{t-1}",
            r"L_\{t-1\}",
            "a term of the bound: how far, in nats, the model’s step is from that with x₀ known",
        ),
        (r"V_t", r"(?<!\w)V_t", "what is left to know of x₀: its mean variance, given x at t"),
    ),
    *_of(
        "sampling",
        (r"\hat\varepsilon", r"\\hat\\varepsilon", "the denoiser’s guess of the noise"),
        (r"\hat x_0", r"\\hatx_0", "the guess of x₀ that follows from it"),
        (r"c_t,\,c_0", r"(?<!\w)c_[t0]", "weights of x at t and of the guess of x₀ in the mean of the step"),
        (r"\sigma", r"\\sigma(?![\^_])", "standard deviation of the noise that is added", "sigma"),
        (r"p_\theta", r"p_\\theta", "the step back as the sampler takes it"),
    ),
    *_of(
        "four_ways",
        (r"G(z)", r"(?<![\w\\])G(?!\w)", "generator: the network that makes a sample of a latent z"),
        (r"x'", r"(?<!\w)x'", "sample: what a model makes, beside a point x of the data"),
        (r"q_\phi", r"q_\\phi", "encoder of a VAE: where z may be, given x"),
        (r"f(x)", r"(?<!\w)f\(x\)", "flow: an invertible map from data to z"),
        (r"\gamma", r"\\gamma", "weight of R1, the penalty on the slope of the discriminator at the data"),
        (r"\mathrm{KL}_h", r"KL\}_h", "KL of two laws that are both blurred by noise of size h"),
    ),
    *_of(
        "guidance",
        (r"w", r"(?<![\w\\])w(?!\w)", "guidance scale: how strongly the words pull"),
        (r"z_t", r"(?<!bar)(?<!dots,)(?<![\w\\])z_[t0T]", "a latent at t: what the encoder makes of a picture, noised"),
    ),
)


def used(prose: str) -> list[Symbol]:
    """Which of them a text has in its formulas, in the order of the course."""
    tex = re.sub(r"\s|\\,|\\;|\\!|\\big|\\Big", "", " ".join(MATH.findall(prose)))
    return [symbol for symbol in SYMBOLS if re.search(symbol.pattern, tex)]


def card(prose: Mapping[str, str]) -> None:
    """The cards of a lesson, in the sidebar; nothing where its prose has no symbol."""
    shown = used("\n".join(prose.values()))
    if not shown:
        return
    entries = [
        {
            "mathml": inline(symbol.tex),
            "pattern": symbol.pattern,
            "says": _(symbol.says),
            "where": parts(symbol.lesson)["title"],
            "link": f"{symbol.lesson}?lang={language()}",
            "track": symbol.track,
        }
        for symbol in shown
    ]
    words = {"title": _("Symbols"), "now": _("now"), "explained": _("explained in")}
    with st.sidebar:
        _card(key="symbols", data={"symbols": entries, **words})
