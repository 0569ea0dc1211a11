"""What to predict before *Four ways to generate*."""

import math

import numpy as np
import torch

from diffusion_core.laws.dirac_gan import cycle_radius, eigenvalues
from diffusion_core.laws.mixtures import GaussianMixture
from pages.shared.questions.forms import Asked, Choice, Mistake, Number, Question, Say
from pages.shared.typography import significant

GIVEN_UP = {
    "GAN": (Say("any density of its samples"), Say("its G may fold: no change of variables gives a density.")),
    "VAE": (Say("the exact density, for a bound on it"), Say("it has a bound, and the bound has a gap.")),
    "flow": (Say("the free choice of its networks"), Say("each of its layers must be undone.")),
    "diffusion": (Say("the single call of a network"), Say("it asks its network again and again.")),
}


def given_up(rng: np.random.Generator) -> Asked:
    """Who gives up what."""
    kinds = list(GIVEN_UP)
    kind = kinds[int(rng.integers(4))]
    what, why = GIVEN_UP[kind]
    names = {"GAN": Say("a GAN"), "VAE": Say("a VAE"), "flow": Say("a flow"), "diffusion": Say("a diffusion")}
    others = [other for other in kinds if other != kind]
    wrong = [
        (Say("that one gives up another thing: {what}.", what=GIVEN_UP[other][0]), names[other]) for other in others
    ]
    return Asked(
        Say("Which of the four gives up {what}?", what=what),
        Choice.shuffled(names[kind], wrong, rng),
        Say("{name}: {why}", name=names[kind], why=why),
    )


def density(rng: np.random.Generator) -> Asked:
    """How dense the samples of a flow are where it stretches."""
    k = float(rng.choice([2.0, 3.0, 4.0, 0.5]))
    normal = math.exp(GaussianMixture.isotropic([1.0], [[0.0, 0.0]], 1.0).log_prob(torch.zeros(1, 2).double()).item())
    mistakes = (
        Mistake(Say("that is the sign of the log-determinant flipped."), normal / k),
        Mistake(Say("that leaves the determinant out."), normal),
    )
    return Asked(
        Say(
            "A flow takes x to z = 0, where N(z; 0, I) of the plane is 1/(2π) = {normal}. Around x it makes areas {k} "
            "times as large. How dense are its samples at x?",
            normal=significant(normal),
            k=f"{k:g}",
        ),
        Number(normal * k, within=0.02, mistakes=mistakes),
        Say(
            "q(x) = N(f(x); 0, I) · |det ∂f/∂x| = {normal} · {k} = {value}: what is stretched on its way to z was "
            "crowded at x.",
            normal=significant(normal),
            k=f"{k:g}",
            value=significant(normal * k),
        ),
    )


def cycle(rng: np.random.Generator) -> Asked:
    """Where the smallest GAN ends without R1."""
    h = float(rng.choice([0.05, 0.1, 0.2, 0.4]))
    mistakes = (
        Mistake(Say("the finite steps throw it out of there."), 0.0),
        Mistake(Say("that is r²: out with h r²/4 meets in with r⁴/8."), 2 * h),
    )
    truth = cycle_radius(h)
    return Asked(
        Say(
            "The Dirac-GAN, non-saturating, both at once, step size {h}, no R1, no momentum. "
            "At which distance from the goal does it end?",
            h=f"{h:g}",
        ),
        Number(truth, within=0.04, mistakes=mistakes, high=1.5),
        Say("h r²/4 outwards and r⁴/8 inwards are equal at r = √(2h) = {value}.", value=significant(truth)),
    )


def slower(rng: np.random.Generator) -> Asked:
    """Which eigenvalue decides."""
    gamma = float(rng.choice([1.25, 1.5, 1.75, 2.0]))
    first, second = (value.real for value in eigenvalues(gamma))
    mistakes = (
        Mistake(Say("that is the faster of the two: the slower one decides."), second),
        Mistake(Say("that is the middle of the two, −γ/2."), -gamma / 2),
    )
    return Asked(
        Say(
            "The Dirac-GAN with R1, γ = {gamma}, in continuous time: λ = −γ/2 ± ½√(γ² − 1). "
            "Which λ decides how fast it comes to the goal?",
            gamma=f"{gamma:g}",
        ),
        Number(first, within=0.04, mistakes=mistakes, low=-2.0, high=0.0),
        Say(
            "λ = {value}, the one nearer to 0; at γ = 1 both are −0.5, and nothing is quicker.",
            value=significant(first),
        ),
    )


QUESTIONS = (
    Question("given_up", given_up),
    Question("density", density),
    Question("cycle", cycle),
    Question("slower", slower),
)
