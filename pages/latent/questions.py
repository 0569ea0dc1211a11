"""What to predict before *Why latents?*"""

import numpy as np

from diffusion_core import scaled_linear
from pages.shared.palette import COLORS
from pages.shared.questions.forms import Asked, Choice, Mistake, Number, Question, Say, Sketch
from pages.shared.typography import significant


def fewer(rng: np.random.Generator) -> Asked:
    """How many times fewer numbers."""
    side, factor, channels = int(rng.choice([32, 64, 256, 512])), int(rng.choice([4, 8])), int(rng.choice([2, 4, 8]))
    truth = 3 * factor**2 / channels
    mistakes = (
        Mistake(Say("that counts the side once; a picture has two."), 3 * factor / channels),
        Mistake(Say("that counts places, not numbers: colours and channels matter, too."), float(factor**2)),
    )
    return Asked(
        Say(
            "A picture of {side} × {side} × 3 numbers becomes latents of {small} × {small} × {channels}. "
            "How many times fewer numbers?",
            side=str(side),
            small=str(side // factor),
            channels=str(channels),
        ),
        Number(truth, within=0.04 * truth, mistakes=mistakes, high=100.0),
        Say("{factor}² · 3 / {channels} = {value}.", factor=str(factor), channels=str(channels), value=f"{truth:g}"),
    )


def scale(rng: np.random.Generator) -> Asked:
    """What latents that are not scaled do to the SNR."""
    deviation = round(float(rng.choice([0.3, 0.5, 2.0, 3.0, 5.49])), 2)
    truth = deviation**2
    mistakes = (
        Mistake(Say("that is the factor of the amplitude; the SNR is one of variances."), deviation),
        Mistake(Say("the other way round: wider data stand out more from the noise."), 1 / deviation**2),
        Mistake(Say("the schedule is the same, but the signal in it is not."), 1.0),
    )
    return Asked(
        Say(
            "Latents of standard deviation {deviation} are noised as if it were 1. By which factor is their SNR at "
            "each t another one than for latents of variance 1?",
            deviation=str(deviation),
        ),
        Number(truth, within=0.04 * truth, mistakes=mistakes, high=40.0),
        Say("SNR = s² ᾱ_t / (1 − ᾱ_t): the factor is s² = {value}.", value=significant(truth)),
    )


def unscaled(rng: np.random.Generator) -> Asked:
    """Which curve is the variance of z_t for unscaled latents."""
    deviation = float(rng.choice([0.3, 2.0, 3.0]))
    a = scaled_linear(1000).alpha_bar.numpy()[::20]

    def sketch(values: np.ndarray) -> Sketch:
        return Sketch((0, 1000), (0, 1.1 * max(deviation**2, 1.0)), {"": values}, colors={"": COLORS["x_t"]})

    wrong = (
        (Say("that has the signal alone; the noise 1 − ᾱ_t comes on top."), sketch(deviation**2 * a)),
        (Say("that begins at s; the variance is s²."), sketch(1 + a * (deviation - 1))),
        (Say("that is so for s = 1 only."), sketch(np.ones_like(a))),
    )
    return Asked(
        Say(
            "z_0 has the standard deviation {s}. Which curve is the variance of z_t over t, for Stable Diffusion’s "
            "schedule?",
            s=f"{deviation:g}",
        ),
        Choice.shuffled(sketch(1 + a * (deviation**2 - 1)), wrong, rng),
        Say("Var z_t = 1 + ᾱ_t (s² − 1): from {begin} to nearly 1.", begin=significant(deviation**2)),
    )


QUESTIONS = (Question("fewer", fewer), Question("scale", scale), Question("unscaled", unscaled))
