"""The ledger: the article's 42 statements in its own order, each with a verdict, what is right, and its claims.

A statement is quoted in the article's symbols. The verdict judges the statement; the claims check what is right.
"""

from diffusion_core.claims import (
    absent,
    anatomy,
    autoencoder,
    closed_form,
    forward,
    guidance,
    latent,
    network,
    posterior,
    reparameterization,
    reverse,
    spacing,
    text,
    training,
    variance,
)
from diffusion_core.claims.check import Entry

__all__ = ["ENTRIES", "SECTIONS"]

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
        (forward.ONE_STEP,),
    ),
    Entry(
        "E3",
        "β ∈ (0, 1); in practice it increases with t.",
        "loose",
        "Growing βₜ is a choice, not a need. The law of x_T depends on the product of the 1 − βₜ alone, in any order; "
        "and the signal-to-noise ratio falls at every step, whatever the order.",
        (forward.ORDER,),
    ),
    Entry(
        "E4",
        "As T → ∞, x_T is pure Gaussian noise.",
        "loose",
        "Only if ᾱ_T → 0, that is (for βₜ < 1) if Σβₜ = ∞. With βₜ = 1/(t + 1)² it stays above 1/2 for ever; and with "
        "β from 0.0001 to 0.02, T = 100 leaves ᾱ_T = 0.36. At a finite T it is exact only if ᾱ_T = 0, or if the data "
        "are N(0, I) already.",
        (forward.IS_NOISE, forward.DISTANCE, spacing.SPREAD),
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
        (
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
        (reparameterization.DRAW,),
    ),
    Entry(
        "E7",
        "z is still random, Gaussian with mean μ_θ and variance σ_θ²; the whole sampling lets gradients through.",
        "true",
        "∂z/∂μ = 1 and ∂z/∂σ = ε.",
        (reparameterization.FLOW,),
    ),
)

CLOSED_FORM = (
    Entry(
        "E8",
        "Let αₜ = 1 − βₜ and ᾱₜ = α₁ α₂ ⋯ αₜ.",
        "true",
        "A definition, to which ᾱ₀ = 1 belongs. Near t = 1 a computer must not form 1 − ᾱₜ as a difference: in "
        "float32 that costs four of seven digits, where β₁ = 0.0001.",
        (forward.ALPHA_BAR,),
    ),
    Entry(
        "E9",
        "xₜ = √αₜ xₜ₋₁ + √(1 − αₜ) zₜ, zₜ ~ N(0, I)",
        "loose",
        "The same as E2, if the zₜ are independent of x₀ and of each other. The article does not say so, and what "
        "follows needs it.",
        (closed_form.INDEPENDENCE,),
    ),
    Entry(
        "E10",
        "= √αₜ (√αₜ₋₁ xₜ₋₂ + √(1 − αₜ₋₁) zₜ₋₁) + √(1 − αₜ) zₜ",
        "true",
        "The step before, put in.",
        (closed_form.TWO_STEPS,),
    ),
    Entry(
        "E11",
        "= √ᾱₜ x₀ + √(1 − ᾱₜ) z̄",
        "loose",
        "True in distribution; and point by point if z̄ is made of the chain's own z₁ … zₜ. That z̄ is another "
        "variable at each t: it should be called z̄ₜ.",
        (closed_form.SAME_NOISE, closed_form.FRESH_NOISE, closed_form.RATE, closed_form.CORRELATION),
    ),
    Entry(
        "E12",
        "Gaussians add: N(0, σ₁² I) + N(0, σ₂² I) ~ N(0, (σ₁² + σ₂²) I)",
        "loose",
        "What is added are independent variables. Without independence the sum may have another variance (z₂ = z₁: "
        "(σ₁ + σ₂)²) and another shape; and the average of two densities is a mixture, not Gaussian if σ₁ ≠ σ₂.",
        (closed_form.ADDITIVITY,),
    ),
    Entry(
        "E13",
        "αₜ (1 − αₜ₋₁) + (1 − αₜ) = 1 − αₜ αₜ₋₁",
        "true",
        "An identity.",
        (closed_form.ALGEBRA,),
    ),
    Entry(
        "E14",
        "The factor √(1 − β) guarantees that x_T ~ N(0, 1) as T → ∞, that is, convergence to variance 1.",
        "loose",
        "√(1 − β) is the one factor that leaves variance 1 as it is: v_T − 1 = ᾱ_T (s² − 1). Convergence needs Σβₜ = "
        "∞ besides, and the Gaussian shape comes from ᾱ_T → 0, not from the variance. N(0, 1) should read N(0, I).",
        (forward.VARIANCE_MAP,),
    ),
)

REVERSE = (
    Entry(
        "E15",
        "The reverse process is the denoising inference process of diffusion.",
        "definition",
        "A matter of names. In variational terms q, the forward process, is the inference model, and p_θ generates.",
    ),
    Entry(
        "E16",
        "A deep model (today mostly U-Net + attention) predicts the reverse distribution p_θ.",
        "loose",
        "What the network puts out is no distribution, but the noise (and v, where the variance is learned); p_θ "
        "follows from it. U-Net and attention are a choice, and transformers do it as well: the mathematics asks only "
        "for a function of xₜ and t in the shape of xₜ. What this project’s U-Net is made of is checked here.",
        (anatomy.SHAPES, anatomy.PARAMETERS, anatomy.WORK, anatomy.ATTENTION, text.ATTENTION),
    ),
    Entry(
        "E17",
        "p_θ(X_{0:T}) = p(x_T) ∏ p_θ(xₜ₋₁ | xₜ)",
        "loose",
        "Right, once it is said that p(x_T) = N(0, I). The true q(x_T) differs from it; that difference is an error "
        "of its own (E40).",
        (reverse.JOINT,),
    ),
    Entry(
        "E18",
        "p_θ(xₜ₋₁ | xₜ) = N(xₜ₋₁; μ_θ(xₜ, t), Σ_θ(xₜ, t))",
        "loose",
        "A choice of model. The true q(xₜ₋₁ | xₜ) is not Gaussian unless x₀ is; its KL divergence to the best Gaussian "
        "falls with the third power of a short stride, with the fourth where its skewness vanishes. That is why the "
        "steps are small.",
        (posterior.CUBE, posterior.MODES),
    ),
    Entry(
        "E19",
        "q(xₜ₋₁ | xₜ, x₀) = N(xₜ₋₁; μ̃(xₜ, x₀), β̃ₜ I)",
        "true",
        "Given x₀ the reverse step is exactly Gaussian, for any data. It holds for t ≥ 2; at t = 1 it is the point x₀.",
        (posterior.BAYES,),
    ),
    Entry(
        "E20",
        "q(xₜ₋₁ | xₜ, x₀) = q(xₜ | xₜ₋₁, x₀) q(xₜ₋₁ | x₀) / q(xₜ | x₀)",
        "true",
        "Bayes' rule. What the article then uses in silence is the Markov property: q(xₜ | xₜ₋₁, x₀) = q(xₜ | xₜ₋₁).",
        (posterior.MARKOV,),
    ),
    Entry(
        "E21",
        "= exp(−½ ((αₜ/βₜ + 1/(1 − ᾱₜ₋₁)) xₜ₋₁² − (…) xₜ₋₁ + C(xₜ, x₀)))",
        "wrong",
        "It should be ∝, not =. With C = μ̃²/β̃ₜ the printed function integrates to √(2πβ̃ₜ), which is 0.0387 at t = "
        "10 of the linear schedule, not to 1.",
        (posterior.PROPORTIONAL,),
    ),
    Entry(
        "E22",
        "exp(−(x − μ)² / 2σ²) = exp(−½ (x²/σ² − 2μx/σ² + μ²/σ²))",
        "true",
        "An identity; for vectors x² is ‖x‖².",
        (posterior.SQUARE,),
    ),
    Entry(
        "E23",
        "1/β̃ₜ = αₜ/βₜ + 1/(1 − ᾱₜ₋₁);  βₜ = (1 − ᾱₜ₋₁)/(1 − ᾱₜ) · βₜ",
        "wrong",
        "The first equation is right. In the second, the left side must be β̃ₜ: as printed it forces βₜ = 0.",
        (posterior.PRECISION,),
    ),
    Entry(
        "E24",
        "2μ̃/β̃ₜ = 2√αₜ/βₜ · xₜ + 2√ᾱₜ₋₁/(1 − ᾱₜ₋₁) · x₀",
        "true",
        "The linear terms compared.",
        (posterior.MEAN,),
    ),
    Entry(
        "E25",
        "μ̃(xₜ, x₀) = √αₜ (1 − ᾱₜ₋₁)/(1 − ᾱₜ) · xₜ + √ᾱₜ₋₁ βₜ/(1 − ᾱₜ) · x₀",
        "true",
        "Right, though not a weighted mean: for t ≥ 2 the two weights add up to less than 1. At t = 1 they are 0 and "
        "1: it is x₀, and β̃₁ = 0.",
        (reverse.STEP, posterior.REGRESSION),
    ),
    Entry(
        "E26",
        "We know x₀ = (xₜ − √(1 − ᾱₜ) z̄ₜ) / √ᾱₜ.",
        "loose",
        "True of the noise that was really drawn. With a predicted noise its error is multiplied by 1/√SNRₜ: 157 "
        "times at t = 1000 of the linear schedule.",
        (posterior.AMPLIFICATION,),
    ),
    Entry(
        "E27",
        "μ̃ₜ = (xₜ − βₜ/√(1 − ᾱₜ) · z̄ₜ) / √αₜ",
        "true",
        "x₀ put in; it holds at every t, t = 1 included.",
        (posterior.FROM_NOISE,),
    ),
    Entry(
        "E28",
        "Here the Gaussian z̄ₜ is the noise predicted by the deep model.",
        "wrong",
        "z̄ₜ is the true noise. The model's best answer is E[z̄ₜ | xₜ], which is shorter. For the mean of the step "
        "that is exactly right; its variance is too small by c₀² Var[x₀ | xₜ]: the whole question of β or β̃. And the"
        " best answer for a finite data set gives back that data set.",
        (reverse.BEST_GUESS, reverse.PLUG_IN, reverse.COPIES),
    ),
    Entry(
        "E29",
        "μ_θ(xₜ, t) = (xₜ − βₜ/√(1 − ᾱₜ) · z_θ(xₜ, t)) / √αₜ",
        "true",
        "Right, as a way to write the mean.",
        (reverse.MEAN,),
    ),
)

SUMMARY = (
    Entry(
        "E30",
        "Step 1: from xₜ and t predict the noise z_θ(xₜ, t), which gives the mean μ_θ(xₜ, t).",
        "true",
        "Right.",
        (variance.MEAN_FROM_NOISE,),
    ),
    Entry(
        "E31",
        "Step 2: DDPM uses an untrained Σ_θ = β̃ₜ, and holds that β̃ₜ = βₜ and β̃ₜ = (1 − ᾱₜ₋₁)/(1 − ᾱₜ) · βₜ give "
        "about the same result.",
        "wrong",
        "Σ = σₜ² I with σₜ² = βₜ or σₜ² = β̃ₜ. After many steps their samples are nearly alike, closer still at N = "
        "4000 than at N = 1000; after few they are not. For data of variance below 1, βₜ with noise in the last step "
        "always makes them too wide, and β̃ₜ from a start that is nearly noise too narrow. The likelihood bound tells "
        "the two apart at any N.",
        (reverse.LAW, variance.SPREADS, variance.METRICS, variance.TABLE_1),
    ),
    Entry(
        "E32",
        "In GLIDE the network predicts a trainable variance Σ_θ(xₜ, t).",
        "loose",
        "The idea is Improved DDPM's, which GLIDE inherits: ln σ² = v ln βₜ + (1 − v) ln β̃ₜ, a v for each pixel, not"
        " held to [0, 1].",
        (variance.LEARNED, network.VARIANCE),
    ),
    Entry(
        "E33",
        "Step 3: compute q(xₜ₋₁ | xₜ) and get xₜ₋₁ by reparameterization.",
        "wrong",
        "What is computed is p_θ(xₜ₋₁ | xₜ); q(xₜ₋₁ | xₜ) is unknown. Sampling starts from x_T ~ N(0, I), and its "
        "last step adds no noise.",
        (variance.LAST_STEP,),
    ),
)

TRAINING = (
    Entry(
        "E34",
        "The core of training is to learn the mean squared error between the noise z̄ₜ and z_θ.",
        "true",
        "Yes. What the article leaves to a link: the best prediction is E[z̄ₜ | xₜ], and its loss is a floor ℓₜ that no "
        "network can pass. It is 0 only if ᾱₜ = 0, or if the data are one point.",
        (training.PYTHAGORAS, network.PYTHAGORAS),
    ),
    Entry(
        "E35",
        "The simplified loss is Lₜ = E_{x₀, z̄ₜ} ‖z̄ₜ − z_θ(√ᾱₜ x₀ + √(1 − ᾱₜ) z̄ₜ, t)‖².",
        "loose",
        "The average over t, uniform on 1 … T, is missing. It is the likelihood bound with its weights βₜ² / (2σₜ² αₜ"
        " (1 − ᾱₜ)) replaced by 1, which plays down t = 1 fifty times against t = 100 (σₜ² = βₜ, linear schedule). Any "
        "positive weights have the same minimiser; they matter to a network that is not perfect. Its minimum is not 0; "
        "and as there is no Σ in it, it cannot train a variance.",
        (training.WEIGHT, training.TIME_AVERAGE, training.MINIMISER, network.FLOOR),
    ),
)

LATENT = (
    Entry(
        "E36",
        "Speed-up: diffusion on latents.",
        "true",
        "512 × 512 × 3 pixels become 64 × 64 × 4 latents, a 48th of the numbers; and for a linear encoder with "
        "orthonormal rows the squared error of the reconstruction and that in the latents simply add up.",
        (latent.COUNT, latent.COMMUTES, text.CAPTION, autoencoder.LOSES_LESS),
    ),
    Entry(
        "E37",
        "(Not said:) in the latents the same formulas hold.",
        "loose",
        "The formulas hold for any x₀. But the SNR is the schedule's own, and x_T near N(0, I), only after scaling the "
        "latents to variance 1 (the factor 0.18215 of Stable Diffusion). Unscaled, with deviation 5.49, the last SNR "
        "is 0.141 in place of 0.0047, and x_T has variance 1.136. Even scaled, 0.0047 is not 0: of what all pixels "
        "share, the brightness, much is still in x_T, and is lost where sampling starts from noise.",
        (latent.SCALE, autoencoder.SCALED, latent.BRIGHTNESS),
    ),
)

ABSENT = (
    Entry(
        "E38",
        "(Left out:) where the loss comes from.",
        "loose",
        "−ln p(x₀) ≤ L_T + ΣLₜ₋₁ + L₀. The same bound can be written without x₀: the entropy of the data plus one KL "
        "a step. Both ways give the same number.",
        (variance.BOUND,),
    ),
    Entry(
        "E39",
        "(Left out:) what the predicted noise is.",
        "loose",
        "The score ∇ₓ ln q, up to a factor: E[ε | xₜ] = −√(1 − ᾱₜ) ∇ ln q(xₜ) (Tweedie's formula). So guidance by a "
        "text adds scores: it follows p(xₜ) p(c | xₜ)ʷ at each t, and for w other than 0 and 1 arrives at another law "
        "than p(x) p(c | x)ʷ.",
        (absent.TWEEDIE, network.SCORE, guidance.FOLLOWS, guidance.ENDS, guidance.ARRIVES),
    ),
    Entry(
        "E40",
        "(Left out:) sampling starts from p(x_T), not from q(x_T).",
        "loose",
        "The bound pays L_T for it, which is the KL with x₀ known; the KL of q(x_T) itself is smaller, and 0 for data"
        " that are N(0, I).",
        (variance.PRIOR,),
    ),
    Entry(
        "E41",
        "(Left out:) which variance is right.",
        "loose",
        "The best one is β̃ₜ + wₜ (βₜ − β̃ₜ), wₜ = ℓₜ/ᾱₜ: the loss curve gives the optimal variance. It lies between β̃ₜ"
        " and βₜ if the variance of the data is at most 1.",
        (variance.ROUTES, variance.SAMPLES, variance.BETWEEN_MODES),
    ),
    Entry(
        "E42",
        "(Left out:) the step from x₁ to x₀.",
        "loose",
        "β̃₁ = 0 and ln β̃₁ = −∞: that is no density, so a bound needs a decoder there, and a library that clips the "
        "logarithm must say so. That the last step adds no noise is a convention, for every σ², and no consequence.",
        (variance.DECODER,),
    ),
)

SECTIONS: dict[str, tuple[Entry, ...]] = {
    "forward": FORWARD,
    "reparameterization": REPARAMETERIZATION,
    "closed_form": CLOSED_FORM,
    "reverse": REVERSE,
    "summary": SUMMARY,
    "training": TRAINING,
    "latent": LATENT,
    "absent": ABSENT,
}

ENTRIES: tuple[Entry, ...] = tuple(entry for entries in SECTIONS.values() for entry in entries)
