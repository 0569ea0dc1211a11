"""What to predict before *Why this loss?*"""

import math

import numpy as np

from diffusion_core.data.toys import gaussian_1d
from diffusion_core.laws.information import area, floor_over, mean_loss
from diffusion_core.levels import SHAPES, between
from diffusion_core.objectives import simple_weight
from diffusion_core.posterior import transition
from diffusion_core.variance import NOTHING, fixed_large
from pages.loss.recipe import ENDS
from pages.shared.questions.forms import Asked, Choice, Mistake, Number, Question, Say
from pages.shared.typography import significant

CLOSE = 0.03  # of the value


def weight(rng: np.random.Generator) -> Asked:
    """The weight of a step in the bound."""
    T = int(rng.integers(6, 12))
    t = int(rng.integers(2, T - 1))
    pair = transition(between("log_snr", ENDS, T), t, t - 1)
    truth = float(simple_weight(pair, fixed_large(pair, NOTHING)))
    mistakes = (
        Mistake(Say("the ½ is left out: the exponent of a Gaussian has it."), 2 * truth),
        Mistake(Say("α_t is left out; ε enters the mean over √α_t."), truth * pair.alpha),
        Mistake(Say("1 is the weight of the simple loss."), 1.0),
    )
    return Asked(
        Say(
            "σ_t² = β_t = {beta}, so α_t = {alpha}; 1 − ᾱ_t = {noise}. With which weight does the bound take the "
            "squared error of ε?",
            beta=f"{pair.beta:.4f}",
            alpha=f"{pair.alpha:.4f}",
            noise=f"{pair.one_minus_alpha_bar_t:.4f}",
        ),
        Number(truth, within=CLOSE * truth, mistakes=mistakes, high=10.0),
        Say("β² / (2 σ² α (1 − ᾱ_t)) = {value}.", value=significant(truth)),
    )


def limit(rng: np.random.Generator) -> Asked:
    """The bound of Gaussian data in the limit of many steps."""
    variance, high, low = round(float(rng.uniform(0.2, 2)), 2), int(rng.integers(50, 500)), 0.01
    truth = area(floor_over(gaussian_1d(variance).law, (high, low)), SHAPES["log_snr"])
    mistakes = (
        Mistake(Say("the ½ is left out: a term is half of the drop of the SNR times V."), 2 * truth),
        Mistake(
            Say("that is ½ ln of the ratio of the SNRs alone, as if nothing were ever known of x_0."),
            0.5 * math.log(high / low),
        ),
    )
    return Asked(
        Say(
            "Data N(0, {variance}), the exact denoiser, σ² = β̃. The SNR falls from {high} to {low} in very many steps. "
            "How many nats are all L_s together, from t = 2 on? (½ ∫ V dSNR, V = λ / (1 + λ SNR), λ the variance.)",
            variance=str(variance),
            high=str(high),
            low=str(low),
        ),
        Number(truth, within=CLOSE * truth, mistakes=mistakes, high=10.0),
        Say("½ ln of (1 + λ SNR) at the first over that at the last SNR: {value}.", value=significant(truth)),
    )


def moves(rng: np.random.Generator) -> Asked:
    """Which number another schedule between the same ends moves."""
    first, second = (list(SHAPES)[int(k)] for k in rng.permutation(len(SHAPES))[:2])
    variance = round(float(rng.uniform(0.2, 2)), 2)
    floor = floor_over(gaussian_1d(variance).law, ENDS)
    bounds, losses = ([of(floor, SHAPES[name]) for name in (first, second)] for of in (area, mean_loss))
    still, moved = abs(bounds[0] - bounds[1]) < 1e-9, abs(losses[0] - losses[1]) > 1e-3
    assert still and moved
    names = {"log_snr": Say("even in ln SNR"), "cosine": Say("cosine"), "linear_vp": Say("linear β")}
    only = Say("the bound is an area over the SNR, which does not know how one walked; the simple loss draws t evenly.")
    wrong = [(only, Say("the bound alone")), (only, Say("both")), (only, Say("neither"))]
    return Asked(
        Say(
            "Data N(0, {variance}), the exact denoiser, very many steps, the same first and last SNR. The schedule was "
            "“{first}”, and becomes “{second}”. Which number moves?",
            variance=str(variance),
            first=names[first],
            second=names[second],
        ),
        Choice.shuffled(Say("the simple loss alone"), wrong, rng),
        Say(
            "the bound stays at {bound}; the simple loss goes from {before} to {after}.",
            bound=significant(bounds[0], 4),
            before=significant(losses[0]),
            after=significant(losses[1]),
        ),
    )


QUESTIONS = (Question("weight", weight), Question("limit", limit), Question("moves", moves))
