"""Statements E15 to E33: the reverse process, and the three steps of inference."""

from diffusion_core.claims import anatomy, network, text
from diffusion_core.claims.check import Entry
from diffusion_core.claims.posterior import bayes, coefficients, from_noise, triples, without_x0
from diffusion_core.claims.reverse import copies, guess, path, run, step
from diffusion_core.claims.variance import ddim_table, learned, peaks, spreads

__all__ = ["REVERSE", "SUMMARY"]

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
        claims=(anatomy.SHAPES, anatomy.PARAMETERS, anatomy.WORK, anatomy.ATTENTION, text.ATTENTION),
    ),
    Entry(
        "E17",
        "p_θ(X_{0:T}) = p(x_T) ∏ p_θ(xₜ₋₁ | xₜ)",
        "loose",
        "Right, once it is said that p(x_T) = N(0, I). The true q(x_T) differs from it; that difference is an error "
        "of its own (E40).",
        claims=(path.JOINT,),
    ),
    Entry(
        "E18",
        "p_θ(xₜ₋₁ | xₜ) = N(xₜ₋₁; μ_θ(xₜ, t), Σ_θ(xₜ, t))",
        "loose",
        "A choice of model. The true q(xₜ₋₁ | xₜ) is not Gaussian unless x₀ is; its KL divergence to the best Gaussian "
        "falls with the third power of a short stride, with the fourth where its skewness vanishes. That is why the "
        "steps are small.",
        claims=(without_x0.CUBE, without_x0.MODES),
    ),
    Entry(
        "E19",
        "q(xₜ₋₁ | xₜ, x₀) = N(xₜ₋₁; μ̃(xₜ, x₀), β̃ₜ I)",
        "true",
        "Given x₀ the reverse step is exactly Gaussian, for any data. It holds for t ≥ 2; at t = 1 it is the point x₀.",
        claims=(bayes.BAYES,),
    ),
    Entry(
        "E20",
        "q(xₜ₋₁ | xₜ, x₀) = q(xₜ | xₜ₋₁, x₀) q(xₜ₋₁ | x₀) / q(xₜ | x₀)",
        "true",
        "Bayes' rule. What the article then uses in silence is the Markov property: q(xₜ | xₜ₋₁, x₀) = q(xₜ | xₜ₋₁).",
        claims=(triples.MARKOV,),
    ),
    Entry(
        "E21",
        "= exp(−½ ((αₜ/βₜ + 1/(1 − ᾱₜ₋₁)) xₜ₋₁² − (…) xₜ₋₁ + C(xₜ, x₀)))",
        "wrong",
        "It should be ∝, not =. With C = μ̃²/β̃ₜ the printed function integrates to √(2πβ̃ₜ), which is 0.0387 at t = "
        "10 of the linear schedule, not to 1.",
        claims=(bayes.PROPORTIONAL,),
    ),
    Entry(
        "E22",
        "exp(−(x − μ)² / 2σ²) = exp(−½ (x²/σ² − 2μx/σ² + μ²/σ²))",
        "true",
        "An identity; for vectors x² is ‖x‖².",
        claims=(bayes.SQUARE,),
    ),
    Entry(
        "E23",
        "1/β̃ₜ = αₜ/βₜ + 1/(1 − ᾱₜ₋₁);  βₜ = (1 − ᾱₜ₋₁)/(1 − ᾱₜ) · βₜ",
        "wrong",
        "The first equation is right. In the second, the left side must be β̃ₜ: as printed it forces βₜ = 0.",
        claims=(coefficients.PRECISION,),
    ),
    Entry(
        "E24",
        "2μ̃/β̃ₜ = 2√αₜ/βₜ · xₜ + 2√ᾱₜ₋₁/(1 − ᾱₜ₋₁) · x₀",
        "true",
        "The linear terms compared.",
        claims=(coefficients.MEAN,),
    ),
    Entry(
        "E25",
        "μ̃(xₜ, x₀) = √αₜ (1 − ᾱₜ₋₁)/(1 − ᾱₜ) · xₜ + √ᾱₜ₋₁ βₜ/(1 − ᾱₜ) · x₀",
        "true",
        "Right, though not a weighted mean: for t ≥ 2 the two weights add up to less than 1. At t = 1 they are 0 and "
        "1: it is x₀, and β̃₁ = 0.",
        claims=(step.STEP, triples.REGRESSION),
    ),
    Entry(
        "E26",
        "We know x₀ = (xₜ − √(1 − ᾱₜ) z̄ₜ) / √ᾱₜ.",
        "loose",
        "True of the noise that was really drawn. With a predicted noise its error is multiplied by 1/√SNRₜ: 157 "
        "times at t = 1000 of the linear schedule.",
        claims=(from_noise.AMPLIFICATION,),
    ),
    Entry(
        "E27",
        "μ̃ₜ = (xₜ − βₜ/√(1 − ᾱₜ) · z̄ₜ) / √αₜ",
        "true",
        "x₀ put in; it holds at every t, t = 1 included.",
        claims=(from_noise.FROM_NOISE,),
    ),
    Entry(
        "E28",
        "Here the Gaussian z̄ₜ is the noise predicted by the deep model.",
        "wrong",
        "z̄ₜ is the true noise. The model's best answer is E[z̄ₜ | xₜ], which is shorter. For the mean of the step "
        "that is exactly right; its variance is too small by c₀² Var[x₀ | xₜ]: the whole question of β or β̃. And the"
        " best answer for a finite data set gives back that data set.",
        claims=(guess.BEST_GUESS, guess.PLUG_IN, copies.COPIES),
    ),
    Entry(
        "E29",
        "μ_θ(xₜ, t) = (xₜ − βₜ/√(1 − ᾱₜ) · z_θ(xₜ, t)) / √αₜ",
        "true",
        "Right, as a way to write the mean.",
        claims=(from_noise.MEAN,),
    ),
)

SUMMARY = (
    Entry(
        "E30",
        "Step 1: from xₜ and t predict the noise z_θ(xₜ, t), which gives the mean μ_θ(xₜ, t).",
        "true",
        "Right.",
        claims=(from_noise.STEP_1,),
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
        claims=(run.LAW, spreads.SPREADS, peaks.METRICS, ddim_table.TABLE_1),
    ),
    Entry(
        "E32",
        "In GLIDE the network predicts a trainable variance Σ_θ(xₜ, t).",
        "loose",
        "The idea is Improved DDPM's, which GLIDE inherits: ln σ² = v ln βₜ + (1 − v) ln β̃ₜ, a v for each pixel, not"
        " held to [0, 1].",
        claims=(learned.LEARNED, network.VARIANCE),
    ),
    Entry(
        "E33",
        "Step 3: compute q(xₜ₋₁ | xₜ) and get xₜ₋₁ by reparameterization.",
        "wrong",
        "What is computed is p_θ(xₜ₋₁ | xₜ); q(xₜ₋₁ | xₜ) is unknown. Sampling starts from x_T ~ N(0, I), and its "
        "last step adds no noise.",
        claims=(run.LAST_STEP,),
    ),
)
