"""Statements E34 to E42: training, diffusion on latents, and what the article leaves out."""

from diffusion_core.claims import absent, autoencoder, guidance, latent, loss, network, text, training
from diffusion_core.claims.check import Entry
from diffusion_core.claims.variance import bound, optimum

__all__ = ["ABSENT", "LATENT", "TRAINING"]

TRAINING = (
    Entry(
        "E34",
        "The core of training is to learn the mean squared error between the noise z̄ₜ and z_θ.",
        "true",
        "Yes. What the article leaves to a link: the best prediction is E[z̄ₜ | xₜ], and its loss is a floor ℓₜ that no "
        "network can pass. It is 0 only if ᾱₜ = 0, or if the data are one point.",
        claims=(training.PYTHAGORAS, network.PYTHAGORAS),
    ),
    Entry(
        "E35",
        "The simplified loss is Lₜ = E_{x₀, z̄ₜ} ‖z̄ₜ − z_θ(√ᾱₜ x₀ + √(1 − ᾱₜ) z̄ₜ, t)‖².",
        "loose",
        "The average over t, uniform on 1 … T, is missing. It is the likelihood bound with its weights βₜ² / (2σₜ² αₜ"
        " (1 − ᾱₜ)) replaced by 1, which plays down t = 1 fifty times against t = 100 (σₜ² = βₜ, linear schedule). Any "
        "positive weights have the same minimiser; they matter to a network that is not perfect. Its minimum is not 0; "
        "and as there is no Σ in it, it cannot train a variance.",
        claims=(training.WEIGHT, training.TIME_AVERAGE, training.MINIMISER, loss.FIVE, network.FLOOR),
    ),
)

LATENT = (
    Entry(
        "E36",
        "Speed-up: diffusion on latents.",
        "true",
        "512 × 512 × 3 pixels become 64 × 64 × 4 latents, a 48th of the numbers; and for a linear encoder with "
        "orthonormal rows the squared error of the reconstruction and that in the latents simply add up.",
        claims=(latent.COUNT, latent.COMMUTES, text.CAPTION, autoencoder.LOSES_LESS),
    ),
    Entry(
        "E37",
        "(Not said:) in the latents the same formulas hold.",
        "loose",
        "The formulas hold for any x₀. But the SNR is the schedule's own, and x_T near N(0, I), only after scaling the "
        "latents to variance 1 (the factor 0.18215 of Stable Diffusion). Unscaled, with deviation 5.49, the last SNR "
        "is 0.141 in place of 0.0047, and x_T has variance 1.136. Even scaled, 0.0047 is not 0: of what all pixels "
        "share, the brightness, much is still in x_T, and is lost where sampling starts from noise.",
        claims=(latent.SCALE, autoencoder.SCALED, latent.BRIGHTNESS),
    ),
)

ABSENT = (
    Entry(
        "E38",
        "(Left out:) where the loss comes from.",
        "loose",
        "−ln p(x₀) ≤ L_T + ΣLₜ₋₁ + L₀ by Jensen, whose gap is the KL of the paths given x₀; Bayes' rule given x₀ makes "
        "the terms, and each but L₀ is a KL of two Gaussians: a constant, and a squared error of ε with a weight. The "
        "same bound can be written without x₀: the entropy of the data plus one KL a step. With σₜ² = β̃ₜ a term is "
        "½ (SNRₜ₋₁ − SNRₜ) Vₜ, and in the limit of many steps their sum depends on the first and the last SNR alone; "
        "the simple loss does not.",
        claims=(bound.BOUND, loss.PATHS, loss.TERMS, loss.STEPS, loss.ENDS),
    ),
    Entry(
        "E39",
        "(Left out:) what the predicted noise is.",
        "loose",
        "The score ∇ₓ ln q, up to a factor: E[ε | xₜ] = −√(1 − ᾱₜ) ∇ ln q(xₜ) (Tweedie's formula). So guidance by a "
        "text adds scores: it follows p(xₜ) p(c | xₜ)ʷ at each t, and for w other than 0 and 1 arrives at another law "
        "than p(x) p(c | x)ʷ.",
        claims=(absent.TWEEDIE, loss.MATCHING, network.SCORE, guidance.FOLLOWS, guidance.ENDS, guidance.ARRIVES),
    ),
    Entry(
        "E40",
        "(Left out:) sampling starts from p(x_T), not from q(x_T).",
        "loose",
        "The bound pays L_T for it, which is the KL with x₀ known; the KL of q(x_T) itself is smaller, and 0 for data"
        " that are N(0, I).",
        claims=(bound.PRIOR,),
    ),
    Entry(
        "E41",
        "(Left out:) which variance is right.",
        "loose",
        "The best one is β̃ₜ + wₜ (βₜ − β̃ₜ), wₜ = ℓₜ/ᾱₜ: the loss curve gives the optimal variance. It lies between β̃ₜ"
        " and βₜ if the variance of the data is at most 1.",
        claims=(optimum.ROUTES, optimum.SAMPLES, optimum.BETWEEN_MODES),
    ),
    Entry(
        "E42",
        "(Left out:) the step from x₁ to x₀.",
        "loose",
        "β̃₁ = 0 and ln β̃₁ = −∞: that is no density, so a bound needs a decoder there, and a library that clips the "
        "logarithm must say so. That the last step adds no noise is a convention, for every σ², and no consequence.",
        claims=(bound.DECODER,),
    ),
)
