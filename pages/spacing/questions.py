"""What to predict before *Which timesteps?*"""

import numpy as np

from diffusion_core import scaled_linear
from pages.shared.questions.forms import Asked, Choice, Mistake, Number, Question, Say
from pages.shared.typography import significant


def largest(rng: np.random.Generator) -> Asked:
    """Where a leading chain begins."""
    n = int(rng.choice([4, 5, 8, 10, 20]))
    schedule = scaled_linear(1000)
    mistakes = (
        Mistake(Say("that is T: trailing begins there, leading does not."), 1000.0),
        Mistake(Say("that is one stride; leading counts on from 1."), 1000.0 / n),
        Mistake(Say("that would be the last but one."), float(schedule.timesteps(n, spacing="leading")[1])),
    )
    truth = float(schedule.timesteps(n, spacing="leading")[0])
    return Asked(
        Say("T = 1000, N = {n} timesteps, leading. Which is the largest?", n=str(n)),
        Number(truth, within=2.0, mistakes=mistakes, high=1000.0),
        Say("1 + {k} · {stride} = {value}: never T.", k=str(n - 1), stride=str(1000 // n), value=f"{truth:g}"),
    )


def listed(rng: np.random.Generator) -> Asked:
    """Which list is trailing."""
    n, T = int(rng.choice([4, 5])), int(rng.choice([100, 200, 400, 1000]))
    schedule = scaled_linear(T)

    def words(name: str) -> Say:
        return Say("{list}", list=", ".join(map(str, schedule.timesteps(n, spacing=name))))

    wrong = (
        (Say("that is leading: it counts up from 1, and leaves T out."), words("leading")),
        (Say("that is iddpm: from T to 1, both ends kept."), words("iddpm")),
    )
    return Asked(
        Say("T = {T}, N = {n}. Which list is trailing?", T=str(T), n=str(n)),
        Choice.shuffled(words("trailing"), wrong, rng),
        Say("Counted down from T in even strides of T/N = {stride}.", stride=f"{T / n:g}"),
    )


def left(rng: np.random.Generator) -> Asked:
    """How much signal there is at the first timestep."""
    n = int(rng.choice([3, 4, 5, 6]))
    schedule = scaled_linear(1000)
    t = schedule.timesteps(n, spacing="leading")[0]
    a = float(schedule.alpha_bar[t])
    mistakes = (
        Mistake(Say("that is ᾱ, the square of the share."), a),
        Mistake(Say("that is the share at T; this chain begins earlier."), float(schedule.sqrt_alpha_bar[-1])),
    )
    return Asked(
        Say(
            "Stable Diffusion’s schedule, leading, N = {n}: the chain begins at t = {t}, where ᾱ_t = {a}. "
            "Which share of x_0’s amplitude should be in x_t there, and is missing in pure noise?",
            n=str(n),
            t=str(t),
            a=significant(a, 3),
        ),
        Number(a**0.5, within=0.02, mistakes=mistakes),
        Say("√ᾱ_t = {value}.", value=significant(a**0.5)),
    )


QUESTIONS = (Question("largest", largest), Question("listed", listed), Question("left", left))
