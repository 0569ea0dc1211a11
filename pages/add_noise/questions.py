"""What to predict before *Add noise*."""

import math

import numpy as np
import torch

from diffusion_core import SCHEDULES, linear, q_sample
from diffusion_core.data.toys import bimodal
from diffusion_core.laws.mixtures import GaussianMixture
from pages.shared.palette import COLORS
from pages.shared.questions.forms import Asked, Choice, Curve, Mistake, Number, Point, Question, Say, Sketch
from pages.shared.typography import significant

PLACES = 41
GRID = np.linspace(-3, 3, 121)
NAMES = {
    "linear": Say("linear (DDPM)"),
    "cosine": Say("cosine (Improved DDPM)"),
    "scaled_linear": Say("scaled linear (Stable Diffusion)"),
}


def factor(rng: np.random.Generator) -> Asked:
    """By what x_0 is multiplied."""
    schedule = linear(1000)
    t = int(rng.integers(50, 700))
    a = float(schedule.alpha_bar[t])
    mistakes = (
        Mistake(Say("that is ᾱ_t, the share of the variance; the factor is its root."), a),
        Mistake(Say("that is the variance of the noise, 1 − ᾱ_t."), 1 - a),
        Mistake(Say("that is what the noise is multiplied by, √(1 − ᾱ_t)."), math.sqrt(1 - a)),
    )
    return Asked(
        Say(
            "At t = {t} of the linear schedule ᾱ_t is {a}. By which number is x_0 multiplied in x_t?",
            t=str(t),
            a=f"{a:.3f}",
        ),
        Number(float(schedule.sqrt_alpha_bar[t]), within=0.02, mistakes=mistakes),
        Say("x_t = √ᾱ_t · x_0 + √(1 − ᾱ_t) · ε: the factor is √ᾱ_t = {a}.", a=significant(math.sqrt(a))),
    )


def density(law: GaussianMixture, scale: float, noise: float) -> np.ndarray:
    """Of scale * x_0 + N(0, noise) on the grid."""
    moved = GaussianMixture.isotropic(
        law.weights.tolist(), (scale * law.means).tolist(), math.sqrt(scale**2 * 0.01 + noise)
    )
    return moved.log_prob(torch.from_numpy(GRID)[:, None]).exp().numpy()


def which(rng: np.random.Generator) -> Asked:
    """Which density is that of x_t."""
    schedule, law = linear(1000), bimodal().law
    t = int(rng.integers(120, 320))
    a = float(schedule.alpha_bar[t])

    def sketch(values: np.ndarray) -> Sketch:
        return Sketch((-3, 3), (0, 1.1 * float(values.max())), curves={"": values})

    right = law.at(schedule, t).log_prob(torch.from_numpy(GRID)[:, None]).exp().numpy()
    wrong = (
        (Say("there the data were not shrunk; their peaks still lie at ±0.9."), sketch(density(law, 1.0, 1 - a))),
        (
            Say("there the noise has the standard deviation 1 − ᾱ_t; that is its variance."),
            sketch(density(law, math.sqrt(a), (1 - a) ** 2)),
        ),
        (Say("there no noise was added; the data were only shrunk."), sketch(density(law, math.sqrt(a), 0.0))),
    )
    return Asked(
        Say(
            "The data have two narrow peaks, at −0.9 and 0.9. Which density is that of x_t where ᾱ_t = {a}?",
            a=f"{a:.2f}",
        ),
        Choice.shuffled(sketch(right), wrong, rng),
        Say(
            "Each peak moves to ±0.9 √ᾱ_t = ±{at}, and gets the variance 0.01 ᾱ_t + (1 − ᾱ_t) = {variance}.",
            at=significant(0.9 * math.sqrt(a)),
            variance=significant(0.01 * a + 1 - a),
        ),
    )


def noise_share(rng: np.random.Generator) -> Asked:
    """How the noise's share grows."""
    name = str(rng.choice(list(NAMES)))
    schedule = SCHEDULES[name](1000)
    noise = schedule.one_minus_alpha_bar.numpy()[np.linspace(0, 1000, PLACES).astype(int)]
    mistakes = (
        Mistake(Say("that is what is left of the data, ᾱ_t; the noise has the rest."), 1 - noise),
        Mistake(Say("that is the factor √(1 − ᾱ_t); its square is asked for."), np.sqrt(noise)),
    )
    return Asked(
        Say(
            "Draw 1 − ᾱ_t, the variance of the noise in x_t, over t = 0 to 1000, for the schedule {name}.",
            name=NAMES[name],
        ),
        Curve(Sketch((0, 1000), (0, 1)), noise, within=0.1, mistakes=mistakes),
        Say(
            "It rises from 0 to {end}, and reaches one half at t = {half}.",
            end=significant(float(noise[-1])),
            half=str(int((schedule.alpha_bar < 0.5).nonzero()[0])),
        ),
    )


def place(rng: np.random.Generator) -> Asked:
    """Where x_t lies."""
    schedule = linear(1000)
    t = int(rng.integers(100, 500))
    a = float(schedule.alpha_bar[t])
    x0, eps = (torch.from_numpy(rng.normal(0, 0.9, (1, 2))) for _k in range(2))
    x_t = q_sample(schedule, x0, t, eps)[0].numpy()
    start, noise = x0[0].numpy(), eps[0].numpy()
    mistakes = (
        Mistake(Say("that is x_0 + ε, where nothing was shrunk."), start + noise),
        Mistake(Say("that takes ᾱ_t and 1 − ᾱ_t for the factors; they are their roots."), a * start + (1 - a) * noise),
        Mistake(
            Say("that takes the noise’s factor for the data, and theirs for the noise."),
            math.sqrt(1 - a) * start + math.sqrt(a) * noise,
        ),
    )
    shown = Sketch(
        (-3.27, 3.27),
        (-2, 2),
        points={"x_0": start[None], "ε": noise[None]},
        colors={"x_0": COLORS["x0"], "ε": COLORS["eps"]},
    )
    return Asked(
        Say("x_0 and its noise ε are shown, and ᾱ_t = {a}. Drag x_t to its place.", a=f"{a:.2f}"),
        Point(shown, x_t, within=0.13, mistakes=mistakes),
        Say(
            "x_t = {data} · x_0 + {noise} · ε.",
            data=significant(math.sqrt(a)),
            noise=significant(math.sqrt(1 - a)),
        ),
    )


QUESTIONS = (
    Question("factor", factor),
    Question("which", which),
    Question("share", noise_share),
    Question("place", place),
)
