"""What to predict before *The posterior*."""

import numpy as np

from diffusion_core import linear
from diffusion_core.posterior import transition
from pages.shared.palette import COLORS
from pages.shared.questions.forms import Asked, Choice, Curve, Mistake, Number, Question, Say, Sketch
from pages.shared.typography import significant

GRID = np.linspace(-3, 3, 41)


def bell(mean: float, variance: float) -> np.ndarray:
    """A Gaussian over the grid, its peak at 1."""
    return np.exp(-((GRID - mean) ** 2) / (2 * variance))


def narrower(rng: np.random.Generator) -> Asked:
    """The variance of a product."""
    prior, likelihood = (round(float(one), 2) for one in rng.uniform(0.2, 1.5, 2))
    truth = prior * likelihood / (prior + likelihood)
    mistakes = (
        Mistake(Say("that is their sum; what adds up are the precisions, one over the variance."), prior + likelihood),
        Mistake(
            Say("that is their mean; knowing two things, one knows more than from either."), (prior + likelihood) / 2
        ),
        Mistake(Say("that is the sum of the precisions; the variance is one over it."), 1 / prior + 1 / likelihood),
    )
    return Asked(
        Say(
            "The prior has the variance {prior}, the likelihood, over x_s, the variance {likelihood}. Which variance "
            "has the posterior?",
            prior=str(prior),
            likelihood=str(likelihood),
        ),
        Number(truth, within=0.04 * (prior + likelihood), mistakes=mistakes, high=3.0),
        Say(
            "1 / (1/{prior} + 1/{likelihood}) = {value}, less than either.",
            prior=str(prior),
            likelihood=str(likelihood),
            value=significant(truth),
        ),
    )


def product(rng: np.random.Generator) -> Asked:
    """The bell that two bells make."""
    m, n = -float(rng.uniform(0.6, 1.4)), float(rng.uniform(0.6, 1.4))
    v, u = (float(one) for one in rng.uniform(0.15, 1.0, 2))
    variance = v * u / (v + u)
    mean = (m / v + n / u) * variance
    shown = Sketch(
        (-3, 3),
        (0, 1.1),
        {"prior": bell(m, v), "likelihood": bell(n, u)},
        colors={"prior": COLORS["x0"], "likelihood": COLORS["x_t"]},
    )
    mistakes = (
        Mistake(Say("its peak lies halfway; it lies nearer to the narrower bell."), bell((m + n) / 2, variance)),
        Mistake(
            Say("that is the product as it stands; a density is scaled anew, here to the height 1."),
            bell(m, v) * bell(n, u),
        ),
        Mistake(Say("it is as wide as both variances together; it is narrower than either."), bell(mean, v + u)),
    )
    return Asked(
        Say(
            "Prior and likelihood over x_s are shown, each with its peak at 1. Draw the posterior, its peak at 1, too."
        ),
        Curve(shown, bell(mean, variance), within=0.15, mistakes=mistakes),
        Say(
            "The precisions add, to the variance {variance}; the mean {mean} is the one weighted by them.",
            variance=significant(variance),
            mean=significant(mean),
        ),
    )


def moved(rng: np.random.Generator) -> Asked:
    """What happens to it when x_0 moves."""
    t = int(rng.integers(200, 900))
    stride = int(rng.integers(50, min(t, 300)))
    pair = transition(linear(1000), t, t - stride)
    by = significant(pair.c_0)
    wrong = (
        (Say("x_t pulls, too; the start has only the weight c_0."), Say("It moves by 1, and is as wide as before.")),
        (Say("its variance β̃ depends on neither x_0 nor x_t."), Say("It moves by {by}, and gets wider.", by=by)),
        (Say("the start counts, with the weight c_0."), Say("It stays: x_t alone decides.")),
    )
    return Asked(
        Say(
            "t = {t}, s = {s}, linear schedule, T = 1000. x_0 moves by 1 to the right. What does the posterior over "
            "x_s do?",
            t=str(t),
            s=str(t - stride),
        ),
        Choice.shuffled(Say("It moves by {by}, and is as wide as before.", by=by), wrong, rng),
        Say(
            "μ̃ = c_t x_t + c_0 x_0 with c_0 = {by}; β̃ = {variance} knows neither.",
            by=by,
            variance=significant(pair.beta_tilde),
        ),
    )


QUESTIONS = (Question("narrower", narrower), Question("product", product), Question("moved", moved))
