"""What to predict before *Reparameterize*."""

import numpy as np

from pages.shared.questions.forms import Asked, Choice, Mistake, Number, Question, Say
from pages.shared.typography import significant


def slope(rng: np.random.Generator) -> Asked:
    """How far z moves when sigma does."""
    mu, sigma = round(float(rng.uniform(0.5, 1.5)), 2), round(float(rng.uniform(0.4, 1.2)), 2)
    eps = round(float(rng.choice([-1, 1]) * rng.uniform(0.7, 2.0)), 2)
    mistakes = (
        Mistake(Say("that is how far σ moved; z moves ε times as far."), 0.1),
        Mistake(Say("that is a tenth of z; the mean μ does not move."), 0.1 * (mu + sigma * eps)),
        Mistake(Say("that is a tenth of σ ε; the slope of z by σ is ε alone."), 0.1 * sigma * eps),
    )
    return Asked(
        Say(
            "μ = {mu}, σ = {sigma}, and ε = {eps} was drawn. σ grows by 0.1, ε stays. By how much does z move?",
            mu=str(mu),
            sigma=str(sigma),
            eps=str(eps),
        ),
        Number(0.1 * eps, within=0.01, mistakes=mistakes, low=-1.0),
        Say(
            "z = μ + σ ε has the slope ε by σ: it moves by 0.1 · {eps} = {by}.", eps=str(eps), by=significant(0.1 * eps)
        ),
    )


def draw(rng: np.random.Generator) -> Asked:
    """How a draw is written."""
    mu, sigma = round(float(rng.uniform(0.3, 2)), 1), float(rng.choice([0.5, 1.2, 1.5, 2.0, 3.0]))
    variance = significant(sigma**2)
    facts = {"mu": f"{mu:g}", "sigma": f"{sigma:g}", "variance": variance}
    wrong = (
        (Say("the factor of ε is the standard deviation, not the variance."), Say("{mu} + {variance} ε", **facts)),
        (Say("there ε gets the standard deviation of the mean’s place."), Say("{sigma} + {mu} ε", **facts)),
        (Say("there the mean is scaled, too."), Say("{sigma} · ({mu} + ε)", **facts)),
    )
    return Asked(
        Say("ε ~ N(0, 1). Which of these is a draw from N({mu}, {variance})?", mu=facts["mu"], variance=variance),
        Choice.shuffled(Say("{mu} + {sigma} ε", **facts), wrong, rng),
        Say("z = μ + σ ε with σ = √{variance} = {sigma}.", variance=variance, sigma=facts["sigma"]),
    )


def gradient(rng: np.random.Generator) -> Asked:
    """The gradient of E z^2."""
    mu, sigma = round(float(rng.uniform(0.4, 2)), 2), round(float(rng.uniform(0.4, 2)), 2)
    mistakes = (
        Mistake(Say("that is the slope by μ; asked for is the one by σ."), 2 * mu),
        Mistake(Say("that is the expectation itself, μ² + σ²."), mu**2 + sigma**2),
        Mistake(Say("that is σ²; its slope is 2σ."), sigma**2),
    )
    return Asked(
        Say("z ~ N({mu}, {variance}). What is the slope of E z² by σ?", mu=str(mu), variance=f"{sigma:g}²"),
        Number(2 * sigma, within=0.05, mistakes=mistakes, high=5.0),
        Say("E z² = μ² + σ², so its slope by σ is 2σ = {value}.", value=significant(2 * sigma)),
    )


QUESTIONS = (Question("slope", slope), Question("draw", draw), Question("gradient", gradient))
