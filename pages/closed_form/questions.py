"""What to predict before *Jump to any t*."""

import math

import numpy as np

from diffusion_core import from_beta
from pages.shared.palette import COLORS
from pages.shared.questions.forms import Asked, Choice, Curve, Mistake, Number, Question, Say, Sketch
from pages.shared.typography import significant

GRID = np.linspace(-3, 3, 121)
COARSE = np.linspace(-3, 3, 41)


def bell(x: np.ndarray, mean: float, variance: float) -> np.ndarray:
    """The density of N(mean, variance)."""
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


def two_steps(rng: np.random.Generator) -> Asked:
    """The variance of the noise after two steps."""
    first, second = (round(float(one), 2) for one in rng.uniform(0.15, 0.6, 2))
    schedule = from_beta([first, second], "two")
    mistakes = (
        Mistake(Say("that is β_1 + β_2; but the second step shrinks the first one’s noise."), first + second),
        Mistake(Say("that is ᾱ_2, what is left of the data."), (1 - first) * (1 - second)),
        Mistake(Say("that is β_1 · β_2; what multiplies is what is left."), first * second),
    )
    return Asked(
        Say(
            "Two steps, β_1 = {first} and β_2 = {second}. Which variance has the noise in x_2, if x_0 is known?",
            first=str(first),
            second=str(second),
        ),
        Number(float(schedule.one_minus_alpha_bar[2]), within=0.02, mistakes=mistakes),
        Say("1 − (1 − β_1)(1 − β_2) = {value}.", value=significant(float(schedule.one_minus_alpha_bar[2]))),
    )


def whose_mistake(rng: np.random.Generator) -> Asked:
    """Which mistake made a picture of x_2."""
    first, second = (float(one) for one in rng.uniform(0.4, 0.6, 2))
    schedule = from_beta([first, second], "two")
    exact = float(schedule.one_minus_alpha_bar[2])
    says = [
        (Say("The noises were added without shrinking the first one: β_1 + β_2."), first + second),
        (
            Say("The standard deviations were added, in place of the variances."),
            (math.sqrt((1 - second) * first) + math.sqrt(second)) ** 2,
        ),
        (Say("Only the second step’s noise is there."), second),
    ]
    made, variance = says.pop(int(rng.integers(len(says))))
    wrong = [(Say("that mistake would give the variance {value}.", value=significant(v)), one) for one, v in says]
    curves = {"exact": bell(GRID, 0, exact), "made": bell(GRID, 0, variance)}
    top = 1.1 * max(float(one.max()) for one in curves.values())
    shown = Sketch((-3, 3), (0, top), curves, colors={"exact": COLORS["x0"], "made": COLORS["x_t"]})
    return Asked(
        Say(
            "x_0 = 0, β_1 = {first}, β_2 = {second}. One curve is the exact density of x_2, the other was made by a "
            "mistake. By which?",
            first=f"{first:.2f}",
            second=f"{second:.2f}",
        ),
        Choice.shuffled(made, wrong, rng, shown),
        Say(
            "Right is the variance {exact}; made was {variance}.",
            exact=significant(exact),
            variance=significant(variance),
        ),
    )


def density(rng: np.random.Generator) -> Asked:
    """The density of x_t from one start."""
    a, start = float(rng.uniform(0.25, 0.7)), float(rng.choice([-1.5, 1.5]))
    truth = bell(COARSE, math.sqrt(a) * start, 1 - a)
    mistakes = (
        Mistake(Say("its mean is the start itself; it is √ᾱ_t times the start."), bell(COARSE, start, 1 - a)),
        Mistake(Say("its mean is ᾱ_t times the start; the factor is the root."), bell(COARSE, a * start, 1 - a)),
        Mistake(
            Say("its standard deviation is 1 − ᾱ_t; that is its variance."),
            bell(COARSE, math.sqrt(a) * start, (1 - a) ** 2),
        ),
    )
    return Asked(
        Say(
            "All points start at x_0 = {start}, and ᾱ_t = {a}. Draw the density of x_t.",
            start=significant(start, 2),
            a=f"{a:.2f}",
        ),
        Curve(Sketch((-3, 3), (0, 1)), truth, within=0.06, mistakes=mistakes),
        Say(
            "x_t ~ N({mean}, {variance}): the mean is √ᾱ_t x_0, the variance 1 − ᾱ_t.",
            mean=significant(math.sqrt(a) * start),
            variance=significant(1 - a),
        ),
    )


QUESTIONS = (Question("two", two_steps), Question("whose", whose_mistake), Question("density", density))
