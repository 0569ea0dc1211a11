"""What to predict before *Which variance?*"""

import numpy as np

from diffusion_core import fixed_large, fixed_small, gaussian_optimal, generated_variance, linear
from diffusion_core.posterior import transition
from diffusion_core.variance import NOTHING
from pages.shared.questions.forms import Asked, Choice, Mistake, Number, Question, Say
from pages.shared.typography import significant


def smaller(rng: np.random.Generator) -> Asked:
    """Beta-tilde of a stride."""
    t = int(rng.integers(150, 500))
    pair = transition(linear(1000), t, int(rng.integers(40, t // 2)))
    ratio = pair.one_minus_alpha_bar_s / pair.one_minus_alpha_bar_t
    mistakes = (
        Mistake(Say("that is β itself; knowing x_0 narrows the step."), pair.beta),
        Mistake(Say("that is the ratio (1 − ᾱ_s)/(1 − ᾱ_t) alone, without β."), ratio),
        Mistake(Say("that is β divided by the ratio; β̃ is never larger than β."), pair.beta / ratio),
    )
    return Asked(
        Say(
            "A stride with β = {beta}, 1 − ᾱ_t = {noise_t}, 1 − ᾱ_s = {noise_s}. What is β̃?",
            beta=f"{pair.beta:.3f}",
            noise_t=f"{pair.one_minus_alpha_bar_t:.3f}",
            noise_s=f"{pair.one_minus_alpha_bar_s:.3f}",
        ),
        Number(pair.beta_tilde, within=0.02, mistakes=mistakes),
        Say("β̃ = β (1 − ᾱ_s)/(1 − ᾱ_t) = {value}.", value=significant(pair.beta_tilde)),
    )


def best(rng: np.random.Generator) -> Asked:
    """The optimal variance for Gaussian data."""
    variance, t = round(float(rng.uniform(0.2, 0.8)), 2), int(rng.integers(150, 500))
    pair = transition(linear(1000), t, int(rng.integers(30, t // 2)))
    truth = float(np.asarray(gaussian_optimal(variance)(pair, NOTHING).value))
    mistakes = (
        Mistake(Say("that is β̃: right for data that are a single point."), pair.beta_tilde),
        Mistake(Say("that is β: right for data of variance 1."), pair.beta),
    )
    return Asked(
        Say(
            "Data N(0, {variance}); β = {beta}, β̃ = {small}, c_0 = {c0}, Var[x_0 | x_t] = {unknown}. Which σ² is "
            "optimal?",
            variance=str(variance),
            beta=f"{pair.beta:.3f}",
            small=f"{pair.beta_tilde:.3f}",
            c0=f"{pair.c_0:.3f}",
            unknown=f"{(truth - pair.beta_tilde) / pair.c_0**2:.3f}",
        ),
        Number(truth, within=0.01, mistakes=mistakes),
        Say("σ² = β̃ + c_0² Var[x_0 | x_t] = {value}: between the two.", value=significant(truth)),
    )


def nearer(rng: np.random.Generator) -> Asked:
    """Beta or beta-tilde: whose samples are nearer to the data's width?"""
    schedule = linear(1000)
    variance = round(float(rng.choice([0.05, 0.1, 0.3, 0.7, 1.0])), 2)
    timesteps = schedule.timesteps(int(rng.choice([5, 10, 25])))
    small, large = (
        float(generated_variance(schedule, timesteps, one, variance)) / variance for one in (fixed_small, fixed_large)
    )
    best_one = 0 if abs(np.log(small)) < abs(np.log(large)) else 1
    said = (Say("with σ² = β̃"), Say("with σ² = β"))
    why = Say("the ratios of the variances tell: the logarithm nearer to 0 is the nearer one.")
    return Asked(
        Say(
            "Data N(0, {variance}), exact denoiser, linear schedule, T = 1000, N = {N} steps (iddpm), no noise in the "
            "last. With which σ² is the samples’ variance nearer to the data’s?",
            variance=str(variance),
            N=str(len(timesteps)),
        ),
        Choice.shuffled(said[best_one], [(why, said[1 - best_one])], rng),
        Say(
            "β̃ makes {small} times the data’s variance, β {large} times.",
            small=significant(small),
            large=significant(large),
        ),
    )


QUESTIONS = (Question("smaller", smaller), Question("best", best), Question("nearer", nearer))
