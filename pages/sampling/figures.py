"""The living picture of a run: the chain, the guess of its end, the variances, and each step opened."""

from dataclasses import replace

import numpy as np
import torch

from diffusion_core.laws.finite import FiniteData
from pages.sampling import networks
from pages.sampling.runs import Chain, Run, chain_of, field_of
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS
from pages.shared.scenes import density, drawn
from pages.shared.timeline.formula import formula
from pages.shared.typography import significant

SHOWN = 600


@kept
def picture(run: Run) -> tl.Picture:
    """All of it.

    Raises:
        BadInput: few steps over a long schedule, in the float32 of a network.
    """
    chain = chain_of(run, count(run))
    seen = tracks(run, chain)
    return packed(chain.positions, seen, [*clouds(run, chain), *lines(run, chain), opened(run)])


def count(run: Run) -> int:
    """How many samples are shown."""
    return len(run.scene.x0) if run.scene.kind == "images" else SHOWN


# --- tracks ---------------------------------------------------------------------------------------------------------


def tracks(run: Run, chain: Chain) -> dict[str, tl.Track]:
    """The numbers of each step; x_s is made of them again in the browser, beside the one stored."""
    inverse = np.divide(1, chain.eps_scale, out=np.zeros_like(chain.eps_scale), where=chain.eps_scale > 0)
    eps_from_x0_hat = tl.Affine(inverse, "x_t", -inverse / chain.x0_hat_scale, "x0_hat")
    partner = "eps" if chain.partner == "eps_used" and not run.clips else chain.partner
    made: dict[str, tl.Track] = {
        "x_t": tl.Frames(chain.x),
        "x0_hat": tl.Frames(chain.x0_hat),
        # made of x0_hat: the other way round, float32 would be multiplied by 1 / sqrt(alpha_bar_t)
        "eps": tl.Frames(chain.eps_hat) if run.clips else eps_from_x0_hat,
        "z": tl.Frames(chain.noise),
        "scale": tl.Scalar(chain.x0_hat_scale),
        "rest": tl.Scalar(chain.eps_scale),
        "first": tl.Scalar(chain.first),
        "second": tl.Scalar(chain.second),
        "mean": tl.Affine(chain.first, partner, chain.second, "x0_hat"),
        "stored": tl.Shifted("x_t", 1),
        **decimals(chain),
        **noise_tracks(run, chain),
    }
    if run.clips:  # eps again, from the clipped x0_hat
        made["eps_used"] = eps_from_x0_hat
    if chain.eps_star is not None:
        made["eps_star"] = tl.Frames(chain.eps_star)
    if isinstance(run.law, FiniteData):
        made["nearest"] = tl.Constant(nearest(run, chain)[0])
    return made


def noise_tracks(run: Run, chain: Chain) -> dict[str, tl.Track]:
    """sigma, and x_s = mean + sigma z: one sigma a step, or where the variance looks at x_t one for each number."""
    one = np.ones(len(chain.positions))
    if not run.looks_at_x_t:
        return {"sigma": tl.Scalar(chain.sigma), "x_s": tl.Affine(one, "mean", chain.sigma, "z")}
    return {
        "sigma": tl.Frames(np.broadcast_to(chain.sigma, chain.noise.shape).astype(np.float32)),
        "sigma_z": tl.Frames((chain.sigma * chain.noise).astype(np.float32)),
        "x_s": tl.Affine(one, "mean", one, "sigma_z"),
    }


def decimals(chain: Chain) -> dict[str, tl.Track]:
    """How many decimals the formula's numbers have at each position, so that it is right as printed.

    Results have 3 and their parts 5; what is multiplied by 1 / sqrt(alpha_bar_t) has so many more as that takes away.
    At t = 0, where no step begins, no number is shown.
    """
    lost = np.ceil(np.log10(chain.x0_hat_scale)).astype(int)
    counts = {"few": np.full_like(lost, 3), "some": np.full_like(lost, 5), "many": np.maximum(5, 4 + lost)}
    for values in counts.values():
        values[-1] = -1
    return {name: tl.Scalar(values) for name, values in counts.items()}


# --- panels ---------------------------------------------------------------------------------------------------------


def clouds(run: Run, chain: Chain) -> list[tl.Panel]:
    """x_t and the guess of its end: pictures, or points over their exact density and among the field."""
    scene = run.scene
    if scene.kind == "images":
        star = [drawn(scene, "eps_star", _("ε*, the exact one"), value_range=(-3.0, 3.0))] if run.network else []
        return [
            drawn(scene, "x_t", "x_t"),
            drawn(scene, "x0_hat", _("x̂₀, the guess of the end")),
            drawn(scene, "eps", _("ε̂, the noise predicted"), value_range=(-3.0, 3.0)),
            *star,
            drawn(scene, "nearest", _("Nearest training digit to x_0")),
        ]
    at = list(chain.positions)
    a, v = run.schedule.sqrt_alpha_bar.numpy()[at], run.schedule.one_minus_alpha_bar.numpy()[at]
    law, data = density(scene, a, v), density(scene, np.ones_like(a), np.zeros_like(a))
    field = [tl.Field(law, color=COLORS["eps"])] if law else []
    title = _("x_t, its exact density, and the noise ε̂ (arrows)")
    if run.network:
        field.append(tl.Field(field_of(run), color=COLORS["x_t"]))
        title = _("x_t, its exact density, ε* (green) and ε_θ (orange)")
    guess = _("x̂₀, the guess of the end, on the data; the picked point’s step")
    ends = drawn(scene, "x0_hat", guess, density=data, color=COLORS["x0_hat"])
    assert isinstance(ends, tl.Plane)  # as is everything here that is no picture
    step = tl.Step(x_t="x_t", x0_hat="x0_hat", mean="mean", x_s="x_s", sigma="sigma")
    return [
        drawn(scene, "x_t", title, density=law, layers=(*field, tl.Path("x_t"))),
        replace(ends, layers=(*ends.layers, step)),
    ]


def lines(run: Run, chain: Chain) -> list[tl.Panel]:
    """The variance of each step; with a network, how far its answer is from the exact one."""
    # at t = 0 there is no step
    used = (chain.sigma**2).reshape(len(chain.positions), -1).mean(1)
    beta, beta_tilde, used = (np.append(values[:-1], np.nan) for values in (chain.beta, chain.beta_tilde, used))
    variances = tl.Lines(
        (
            tl.Line(beta, "β", COLORS["beta"]),
            tl.Line(beta_tilde, "β̃", COLORS["beta_tilde"], dash=True),
            tl.Line(used, _("σ² used, on average") if run.looks_at_x_t else _("σ² used"), COLORS["eps"]),
        ),
        title=_("Variance of the step"),
    )
    if chain.eps_star is None:
        return [variances]
    gap = np.square(chain.eps_hat - chain.eps_star).mean((1, 2))
    gap[-1] = np.nan
    far = tl.Line(gap, "‖ε_θ − ε*‖² / d", COLORS["x0_hat"])
    two = (
        ("ε_θ", tl.Probe("eps", decimals="some"), COLORS["x_t"]),
        ("ε*", tl.Probe("eps_star", decimals="some"), COLORS["eps"]),
    )
    return [
        variances,
        tl.Lines((far,), title=_("How far ε_θ is from ε*"), log_y=True),
        tl.Numbers(two, title=_("Predicted noise, for what you picked")),
    ]


# --- the step opened ------------------------------------------------------------------------------------------------

GUESS = r"\frac{x_t-\sqrt{1-\bar\alpha_t}\,\hat\varepsilon}{\sqrt{\bar\alpha_t}}"
GUESS_NOW = r"\live{scale}\cdot(\live{x_t_long}-\live{rest}\cdot(\live{eps_long}))"
AGAIN = r"\hat\varepsilon' &=& \frac{x_t-\sqrt{\bar\alpha_t}\,\hat x_0}{\sqrt{1-\bar\alpha_t}} = \live{eps_used} \\"
DDPM = r"\tilde\mu &=& c_t\,x_t+c_0\,\hat x_0"
DDIM = r"\mu &=& \sqrt{1-\bar\alpha_s-\sigma^2}\,%s+\sqrt{\bar\alpha_s}\,\hat x_0"


def opened(run: Run) -> tl.Formula:
    """Each intermediate of the step, its place in the formula, its number."""
    ddim, clips = run.settings.sampler == "ddim", run.clips
    partner = "x_t" if not ddim else "eps_used" if clips else "eps"
    mean = DDIM % (r"\hat\varepsilon'" if clips else r"\hat\varepsilon") if ddim else DDPM
    stored = _("stored")
    symbol = r"\mu" if ddim else r"\tilde\mu"
    guess, guess_now = (rf"\text{{clip}}({part},-1,1)" if clips else part for part in (GUESS, GUESS_NOW))
    latex = rf"""\hat x_0 &=& {guess} \\
        &=& {guess_now} = \live{{x0_hat}} \\
        {AGAIN if clips and ddim else ""}
        {mean} \\
        &=& \live{{first}}\cdot(\live{{{partner}}})+\live{{second}}\cdot(\live{{x0_hat}}) = \live{{mean}} \\
        x_s &=& {symbol}+\sigma z \\
        &=& \live{{mean}}+\live{{sigma}}\cdot(\live{{z}}) = \live{{x_s}} \\
        \text{{{stored} }}x_s &=& \live{{stored}}"""
    results = ["x0_hat", "mean", "x_s", "stored", *(["eps_used"] if clips and ddim else [])]
    values: dict[str, str | tl.Probe] = {
        **{name: tl.Probe(name, decimals="few") for name in results},
        **{name: tl.Probe(name, decimals="some") for name in ("x_t", "eps", "z", "scale", "first", "second", "sigma")},
        **{f"{name}_long": tl.Probe(name, decimals="many") for name in ("x_t", "eps")},
        "rest": tl.Probe("rest", decimals="many"),
    }
    return formula(latex, values, _("The step opened, for what you picked (recomputed in your browser)"))


# --- copies ---------------------------------------------------------------------------------------------------------


def nearest(run: Run, chain: Chain) -> tuple[np.ndarray, str]:
    """The nearest training digit to each sample, and what the distances say."""
    assert isinstance(run.law, FiniteData)
    x_0 = torch.from_numpy(chain.x[-1])
    if not run.network:
        index, distance = run.law.nearest(x_0.double())
        sentence = _(
            "Largest distance from a sample to its nearest training digit: {distance}. The exact denoiser copies: "
            "E[x₀ | x_t] is a weighted mean of the training digits, and as t falls all the weight goes to one."
        ).format(distance=significant(float(distance.max())))
        return run.law.points[index].float().numpy(), sentence
    known, real = networks.training_digits()
    index, distance = known.nearest(x_0)
    sentence = _(
        "Distance from a sample to its nearest training digit: from {low} to {high}. Real digits that the network has "
        "never seen are at {real} (median). The exact denoiser would copy: distance 0."
    ).format(low=significant(float(distance.min())), high=significant(float(distance.max())), real=significant(real))
    return known.points[index].numpy(), sentence


@kept
def said_of_copies(run: Run) -> str | None:
    """What the distances of digits to the training digits say; of points nothing."""
    return nearest(run, chain_of(run, count(run)))[1] if isinstance(run.law, FiniteData) else None
