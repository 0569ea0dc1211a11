"""DDPM with every intermediate in the open: the mathematics of this project, and nothing else.

Time is the paper's: t runs over 0..T, tables are T + 1 long, alpha_bar[0] = 1. Every transition is a pair (t, s) with
s < t. A denoiser is any callable ``model(x_t, t, cond=None)`` that returns the predicted eps. Nothing draws hidden
randomness.
"""

from diffusion_core.data.digits import digit_labels, digits
from diffusion_core.data.scenes import captioned_shapes
from diffusion_core.denoisers import Denoiser, Guided, from_diffusers
from diffusion_core.errors import BadInput
from diffusion_core.forward import collapse_noise, forward_kl, q_chain, q_sample, q_step
from diffusion_core.laws.bounds import vlb, vlb_gap
from diffusion_core.laws.densities import GeneratedDensity, generated_density, generated_density_ddim
from diffusion_core.laws.estimates import entropy, loss_floor
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.generated import (
    GeneratedLaw,
    gaussian_optimal,
    gaussian_optimal_full,
    generated_law,
    generated_law_ddim,
    generated_variance,
    generated_variance_ddim,
)
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.variances import optimal_for, state_dependent, state_dependent_diagonal
from diffusion_core.objectives import decoder_term, hybrid_loss, simple_loss, vlb_term
from diffusion_core.parameterization import (
    eps_from_score,
    eps_from_v,
    eps_from_x0,
    score_from_eps,
    v_from_eps,
    v_from_x0,
    x0_from_eps,
    x0_from_v,
)
from diffusion_core.posterior import Transition, q_posterior, transition, transitions
from diffusion_core.reverse import ReverseStep, reverse_step
from diffusion_core.samplers import ancestral, ddim
from diffusion_core.schedule import (
    SCHEDULES,
    NoiseSchedule,
    cosine,
    from_beta,
    inverse_square,
    linear,
    scaled_linear,
    sigmoid,
    zero_terminal_snr,
)
from diffusion_core.variance import (
    Variance,
    VarianceChoice,
    fixed_large,
    fixed_small,
    learned_range,
    optimal,
    optimal_for_network,
    with_last,
)

__version__ = "1.0.0"

__all__ = [
    "SCHEDULES",
    "BadInput",
    "Denoiser",
    "FiniteData",
    "GaussianMixture",
    "GeneratedDensity",
    "GeneratedLaw",
    "Guided",
    "NoiseSchedule",
    "ReverseStep",
    "Transition",
    "Variance",
    "VarianceChoice",
    "ancestral",
    "captioned_shapes",
    "collapse_noise",
    "cosine",
    "ddim",
    "decoder_term",
    "digit_labels",
    "digits",
    "entropy",
    "eps_from_score",
    "eps_from_v",
    "eps_from_x0",
    "fixed_large",
    "fixed_small",
    "forward_kl",
    "from_beta",
    "from_diffusers",
    "gaussian_optimal",
    "gaussian_optimal_full",
    "generated_density",
    "generated_density_ddim",
    "generated_law",
    "generated_law_ddim",
    "generated_variance",
    "generated_variance_ddim",
    "hybrid_loss",
    "inverse_square",
    "learned_range",
    "linear",
    "loss_floor",
    "optimal",
    "optimal_for",
    "optimal_for_network",
    "q_chain",
    "q_posterior",
    "q_sample",
    "q_step",
    "reverse_step",
    "scaled_linear",
    "score_from_eps",
    "sigmoid",
    "simple_loss",
    "state_dependent",
    "state_dependent_diagonal",
    "transition",
    "transitions",
    "v_from_eps",
    "v_from_x0",
    "vlb",
    "vlb_gap",
    "vlb_term",
    "with_last",
    "x0_from_eps",
    "x0_from_v",
    "zero_terminal_snr",
]
