"""What to predict before *Text and guidance*."""

import numpy as np

from pages.shared.palette import COLORS
from pages.shared.questions.forms import Asked, Mistake, Number, Point, Question, Say, Sketch
from pages.shared.typography import significant


def beyond(rng: np.random.Generator) -> Asked:
    """The guided noise, one number of it."""
    without, given = (round(float(one), 2) for one in rng.uniform(-1, 1, 2))
    w = float(rng.choice([1.5, 2.0, 3.0, 5.0]))
    mistakes = (
        Mistake(
            Say("that begins at the conditional one; w = 1 would then not give it back."), given + w * (given - without)
        ),
        Mistake(Say("that multiplies the conditional one, and forgets the other."), w * given),
        Mistake(Say("there the two have changed places."), given + w * (without - given)),
    )
    truth = without + w * (given - without)
    return Asked(
        Say(
            "ε̂ without words is {a}, with words {b}. What is it with guidance w = {w}?",
            a=str(without),
            b=str(given),
            w=f"{w:g}",
        ),
        Number(truth, within=0.05, mistakes=mistakes, low=-10.0, high=10.0),
        Say(
            "{a} + {w} · ({b} − {a}) = {value}.", a=f"({without})", b=f"({given})", w=f"{w:g}", value=significant(truth)
        ),
    )


def place(rng: np.random.Generator) -> Asked:
    """The guided noise in the plane."""
    without, given = rng.uniform(-0.9, 0.9, (2, 2))
    w = float(rng.choice([0.5, 1.5, 2.0, 3.0]))
    mistakes = (
        Mistake(
            Say("that begins at the conditional one; w = 1 would then not give it back."), given + w * (given - without)
        ),
        Mistake(Say("that goes away from the words: the two have changed places."), given + w * (without - given)),
    )
    shown = Sketch(
        (-4.9, 4.9),
        (-3, 3),
        points={"without words": without[None], "with words": given[None]},
        colors={"without words": COLORS["eps"], "with words": COLORS["x0"]},
    )
    return Asked(
        Say("ε̂ without and with words are shown. Drag the point to where guidance with w = {w} leads.", w=f"{w:g}"),
        Point(shown, without + w * (given - without), within=0.25, mistakes=mistakes),
        Say("From the one without words {w} times the way to the one with words.", w=f"{w:g}"),
    )


def narrower(rng: np.random.Generator) -> Asked:
    """How narrow guided samples are, exactly, for Gaussian laws."""
    variance, w = round(float(rng.uniform(0.3, 0.8)), 2), float(rng.choice([2.0, 3.0]))
    tilt = 1 / (w / variance + 1 - w)
    mistakes = (
        Mistake(Say("that is the class itself, w = 1."), variance),
        Mistake(Say("that is the law p(x) p(c | x)^w, which guided samples do not follow."), tilt),
    )
    truth = variance**w
    return Asked(
        Say(
            "All data N(0, 1), those of the class N(0, {variance}). DDIM in many steps, guided with w = {w}, from pure "
            "noise: which variance have the samples?",
            variance=str(variance),
            w=f"{w:g}",
        ),
        Number(truth, within=0.02, mistakes=mistakes),
        Say("B^w A^(1−w) with A = 1, B = {variance}: {value}.", variance=str(variance), value=significant(truth)),
    )


QUESTIONS = (Question("beyond", beyond), Question("place", place), Question("narrower", narrower))
