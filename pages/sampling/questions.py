"""What to predict before *Sample*."""

import math

import numpy as np
import torch

from diffusion_core import fixed_large, fixed_small, generated_variance, linear
from diffusion_core.data.toys import bimodal
from pages.shared.questions.forms import Asked, Choice, Curve, Mistake, Number, Question, Say, Sketch
from pages.shared.typography import significant

GRID = np.linspace(-2.5, 2.5, 41)


def step(rng: np.random.Generator) -> Asked:
    """One step of DDIM."""
    schedule, t = linear(1000), int(rng.integers(400, 700))
    s = int(rng.integers(100, 300))
    x0_hat, eps = (round(float(one), 2) for one in rng.uniform(-1.5, 1.5, 2))
    signal, noise = float(schedule.sqrt_alpha_bar[s]), float(schedule.sqrt_one_minus_alpha_bar[s])
    mistakes = (
        Mistake(Say("that is the guess of the end; the step goes only as far as s."), x0_hat),
        Mistake(Say("that is the guess, scaled, without the noise that x_s still has."), signal * x0_hat),
        Mistake(
            Say("that is x_t: ᾱ of t was taken, where the step ends at s."),
            float(schedule.sqrt_alpha_bar[t]) * x0_hat + float(schedule.sqrt_one_minus_alpha_bar[t]) * eps,
        ),
    )
    return Asked(
        Say(
            "x̂_0 = {x0}, ε̂ = {eps}, ᾱ_t = {a}, ᾱ_s = {b}. Where does a step of DDIM (η = 0) lead to?",
            x0=str(x0_hat),
            eps=str(eps),
            a=f"{float(schedule.alpha_bar[t]):.2f}",
            b=f"{float(schedule.alpha_bar[s]):.2f}",
        ),
        Number(signal * x0_hat + noise * eps, within=0.06, mistakes=mistakes, low=-3.0, high=3.0),
        Say("x_s = √ᾱ_s x̂_0 + √(1 − ᾱ_s) ε̂ = {value}.", value=significant(signal * x0_hat + noise * eps)),
    )


def guess(rng: np.random.Generator) -> Asked:
    """The guess of the end, as a function of x_t."""
    schedule, law = linear(1000), bimodal().law
    t = int(rng.integers(200, 450))
    truth = law.at(schedule, t).x0_mean(torch.from_numpy(GRID)[:, None])[:, 0].numpy()
    a = float(schedule.alpha_bar[t])
    mistakes = (
        Mistake(Say("that only scales x_t up, by 1/√ᾱ_t; no start is as far out."), GRID / math.sqrt(a)),
        Mistake(Say("that is x_t itself."), GRID),
    )
    return Asked(
        Say(
            "Data: two narrow peaks at ±0.9; ᾱ_t = {a}. Draw the exact guess x̂_0 = E[x_0 | x_t] over x_t.", a=f"{a:.2f}"
        ),
        Curve(Sketch((-2.5, 2.5), (-2, 2)), truth, within=0.25, mistakes=mistakes),
        Say(
            "It is an average of the two peaks, weighted by how likely each is: between −0.9 and 0.9 but for their "
            "own width."
        ),
    )


def width(rng: np.random.Generator) -> Asked:
    """Are the samples as wide as the data?"""
    schedule = linear(1000)
    variance = float(rng.choice([0.25, 0.5, 1.0, 2.0]))
    steps = int(rng.choice([5, 10, 20]))
    name, choice = [("β̃", fixed_small), ("β", fixed_large)][int(rng.integers(2))]
    ratio = float(generated_variance(schedule, schedule.timesteps(steps), choice, variance)) / variance
    said = [Say("narrower than the data"), Say("as wide as the data, within 1 %"), Say("wider than the data")]
    right = 0 if ratio < 0.99 else 2 if ratio > 1.01 else 1
    wrong = [(Say("the ratio of the variances tells."), one) for k, one in enumerate(said) if k != right]
    return Asked(
        Say(
            "Data N(0, {variance}), exact denoiser, linear schedule, T = 1000; DDPM with σ² = {name} in N = {N} steps "
            "(iddpm), no noise in the last. The samples are …",
            variance=f"{variance:g}",
            name=name,
            N=str(steps),
        ),
        Choice.shuffled(said[right], wrong, rng),
        Say(
            "Their variance is {ratio} times that of the data: known exactly, without a sample.",
            ratio=significant(ratio),
        ),
    )


QUESTIONS = (Question("step", step), Question("guess", guess), Question("width", width))
