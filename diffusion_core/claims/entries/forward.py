"""Statements E1 to E14: the forward process and its two properties."""

from diffusion_core.claims import closed_form, forward, reparameterization, spacing
from diffusion_core.claims.check import Entry

__all__ = ["CLOSED_FORM", "FORWARD", "REPARAMETERIZATION"]

FORWARD = (
    Entry(
        "E1",
        "Given a real image x₀ ~ q(x), the forward process adds Gaussian noise to it T times.",
        "definition",
        "It defines x₀ and the chain. The data's law is better called q(x₀): the letter q stands for every law of the"
        " forward process.",
    ),
    Entry(
        "E2",
        "q(xₜ | xₜ₋₁) = N(xₜ; √(1 − βₜ) xₜ₋₁, βₜ I)",
        "true",
        "The step defines the process. βₜ is a variance: the noise is multiplied by √βₜ.",
        claims=(forward.ONE_STEP,),
    ),
    Entry(
        "E3",
        "β ∈ (0, 1); in practice it increases with t.",
        "loose",
        "Growing βₜ is a choice, not a need. The law of x_T depends on the product of the 1 − βₜ alone, in any order; "
        "and the signal-to-noise ratio falls at every step, whatever the order.",
        claims=(forward.ORDER,),
    ),
    Entry(
        "E4",
        "As T → ∞, x_T is pure Gaussian noise.",
        "loose",
        "Only if ᾱ_T → 0, that is (for βₜ < 1) if Σβₜ = ∞. With βₜ = 1/(t + 1)² it stays above 1/2 for ever; and with "
        "β from 0.0001 to 0.02, T = 100 leaves ᾱ_T = 0.36. At a finite T it is exact only if ᾱ_T = 0, or if the data "
        "are N(0, I) already.",
        claims=(forward.IS_NOISE, forward.DISTANCE, spacing.SPREAD),
    ),
)

REPARAMETERIZATION = (
    Entry(
        "E5",
        "A random sample lets no gradient through; reparameterization is needed to make it differentiable.",
        "wrong",
        "Gradients exist without it: the score-function estimator (REINFORCE) is unbiased, too; which of the two is "
        "noisier depends on the function. And DDPM's training does not need it for back-propagation: xₜ does not depend"
        " on θ. It serves to draw xₜ in one jump, and to name ε as the target. Variational autoencoders and learned "
        "schedules use it; a plain autoencoder draws nothing.",
        claims=(
            reparameterization.UNBIASED,
            reparameterization.VARIANCES,
            reparameterization.NOISIER,
            reparameterization.DETACH,
        ),
    ),
    Entry(
        "E6",
        "z = μ_θ + σ_θ ⊙ ε, ε ~ N(0, 1)",
        "loose",
        "Right; with ⊙ the noise is a vector, ε ~ N(0, I).",
        claims=(reparameterization.DRAW,),
    ),
    Entry(
        "E7",
        "z is still random, Gaussian with mean μ_θ and variance σ_θ²; the whole sampling lets gradients through.",
        "true",
        "∂z/∂μ = 1 and ∂z/∂σ = ε.",
        claims=(reparameterization.FLOW,),
    ),
)

CLOSED_FORM = (
    Entry(
        "E8",
        "Let αₜ = 1 − βₜ and ᾱₜ = α₁ α₂ ⋯ αₜ.",
        "true",
        "A definition, to which ᾱ₀ = 1 belongs. Near t = 1 a computer must not form 1 − ᾱₜ as a difference: in "
        "float32 that costs four of seven digits, where β₁ = 0.0001.",
        claims=(forward.ALPHA_BAR,),
    ),
    Entry(
        "E9",
        "xₜ = √αₜ xₜ₋₁ + √(1 − αₜ) zₜ, zₜ ~ N(0, I)",
        "loose",
        "The same as E2, if the zₜ are independent of x₀ and of each other. The article does not say so, and what "
        "follows needs it.",
        claims=(closed_form.INDEPENDENCE,),
    ),
    Entry(
        "E10",
        "= √αₜ (√αₜ₋₁ xₜ₋₂ + √(1 − αₜ₋₁) zₜ₋₁) + √(1 − αₜ) zₜ",
        "true",
        "The step before, put in.",
        claims=(closed_form.TWO_STEPS,),
    ),
    Entry(
        "E11",
        "= √ᾱₜ x₀ + √(1 − ᾱₜ) z̄",
        "loose",
        "True in distribution; and point by point if z̄ is made of the chain's own z₁ … zₜ. That z̄ is another "
        "variable at each t: it should be called z̄ₜ.",
        claims=(closed_form.SAME_NOISE, closed_form.FRESH_NOISE, closed_form.RATE, closed_form.CORRELATION),
    ),
    Entry(
        "E12",
        "Gaussians add: N(0, σ₁² I) + N(0, σ₂² I) ~ N(0, (σ₁² + σ₂²) I)",
        "loose",
        "What is added are independent variables. Without independence the sum may have another variance (z₂ = z₁: "
        "(σ₁ + σ₂)²) and another shape; and the average of two densities is a mixture, not Gaussian if σ₁ ≠ σ₂.",
        claims=(closed_form.ADDITIVITY,),
    ),
    Entry(
        "E13",
        "αₜ (1 − αₜ₋₁) + (1 − αₜ) = 1 − αₜ αₜ₋₁",
        "true",
        "An identity.",
        claims=(closed_form.ALGEBRA,),
    ),
    Entry(
        "E14",
        "The factor √(1 − β) guarantees that x_T ~ N(0, 1) as T → ∞, that is, convergence to variance 1.",
        "loose",
        "√(1 − β) is the one factor that leaves variance 1 as it is: v_T − 1 = ᾱ_T (s² − 1). Convergence needs Σβₜ = "
        "∞ besides, and the Gaussian shape comes from ᾱ_T → 0, not from the variance. N(0, 1) should read N(0, I).",
        claims=(forward.VARIANCE_MAP,),
    ),
)
