"""What to predict before *Predict the noise*."""

import math

import numpy as np
import torch

from diffusion_core import linear
from diffusion_core.data.toys import bimodal, gaussian_1d
from pages.shared.questions.forms import Asked, Curve, Mistake, Number, Question, Say, Sketch
from pages.shared.typography import significant

GRID = np.linspace(-2.5, 2.5, 41)


def floor(rng: np.random.Generator) -> Asked:
    """The least loss that there can be."""
    schedule, variance = linear(1000), round(float(rng.uniform(0.3, 2.5)), 2)
    t = int(rng.integers(100, 500))
    a = float(schedule.alpha_bar[t])
    law = gaussian_1d(variance).law.at(schedule, t)
    unknown = float(law.x0_variance(torch.zeros(1, 1, dtype=torch.float64)).sum())
    mistakes = (
        Mistake(Say("x_t alone does not tell how much of it is noise: some error is left for any network."), 0.0),
        Mistake(Say("that is the error of the guessed x_0; that of ε is ᾱ_t / (1 − ᾱ_t) times it."), unknown),
        Mistake(Say("that is the loss of a network that always answers 0."), 1.0),
    )
    truth = a / (1 - a) * unknown
    return Asked(
        Say(
            "Data N(0, {variance}), ᾱ_t = {a}. What is the least mean square error of ε that any network can reach?",
            variance=str(variance),
            a=f"{a:.3f}",
        ),
        Number(truth, within=0.04, mistakes=mistakes),
        Say(
            "It is the variance of ε if x_t is known: ᾱ_t s² / (ᾱ_t s² + 1 − ᾱ_t) = {value}.", value=significant(truth)
        ),
    )


def guess(rng: np.random.Generator) -> Asked:
    """From the noise to the start."""
    a = round(float(rng.uniform(0.2, 0.6)), 2)
    x_t, eps = (round(float(one), 2) for one in rng.uniform(-1.5, 1.5, 2))
    signal, noise = math.sqrt(a), math.sqrt(1 - a)
    truth = (x_t - noise * eps) / signal
    mistakes = (
        Mistake(
            Say("there the noise was taken away, but what is left was not scaled up by 1/√ᾱ_t."), x_t - noise * eps
        ),
        Mistake(Say("there all of ε was taken away; only √(1 − ᾱ_t) of it is in x_t."), (x_t - eps) / signal),
        Mistake(Say("there the noise was added once more."), (x_t + noise * eps) / signal),
    )
    return Asked(
        Say(
            "x_t = {x_t}, ᾱ_t = {a}, and the network says ε = {eps}. Which start x̂_0 follows?",
            x_t=str(x_t),
            a=str(a),
            eps=str(eps),
        ),
        Number(truth, within=0.06, mistakes=mistakes, low=-4.0, high=4.0),
        Say("x̂_0 = (x_t − √(1 − ᾱ_t) ε) / √ᾱ_t = {value}.", value=significant(truth)),
    )


def answer(rng: np.random.Generator) -> Asked:
    """The best answer, as a function of x_t."""
    schedule, law = linear(1000), bimodal().law
    t = int(rng.integers(150, 380))
    x = torch.from_numpy(GRID)[:, None]
    truth = law.at(schedule, t).eps(x)[:, 0].numpy()
    noise = float(schedule.sqrt_one_minus_alpha_bar[t])
    mistakes = (
        Mistake(Say("that is the score, which points the other way: it is −ε divided by √(1 − ᾱ_t)."), -truth / noise),
        Mistake(Say("that takes all of x_t for noise; but the data are at two peaks."), GRID / noise),
    )
    return Asked(
        Say(
            "Data: two narrow peaks at ±0.9; ᾱ_t = {a}. Draw the best answer ε*(x_t) that a network can give, over "
            "x_t.",
            a=f"{float(schedule.alpha_bar[t]):.2f}",
        ),
        Curve(Sketch((-2.5, 2.5), (-2.5, 2.5)), truth, within=0.45, mistakes=mistakes),
        Say(
            "It is 0 near each peak’s place ±{at}, and in the middle, where both pull alike.",
            at=significant(0.9 * float(schedule.sqrt_alpha_bar[t])),
        ),
    )


QUESTIONS = (Question("floor", floor), Question("guess", guess), Question("answer", answer))
