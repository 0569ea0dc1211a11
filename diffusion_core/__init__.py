"""DDPM with every intermediate in the open: the mathematics of this project, and nothing else.

Time is the paper's: t runs over 0..T, tables are T + 1 long, alpha_bar[0] = 1. Every transition is a pair (t, s) with
s < t. A denoiser is any callable ``model(x_t, t)`` that returns the predicted eps. Nothing draws hidden randomness.
"""

from diffusion_core.data import digit_labels, digits
from diffusion_core.errors import BadInput
from diffusion_core.exact import FiniteData, GaussianMixture
from diffusion_core.forward import collapse_noise, forward_kl, q_chain, q_sample, q_step
from diffusion_core.gaussian_law import generated_variance, generated_variance_ddim
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
from diffusion_core.posterior import Transition, q_posterior, transition
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
from diffusion_core.variance import Variance, fixed_large, fixed_small

__all__ = [
    "SCHEDULES",
    "BadInput",
    "FiniteData",
    "GaussianMixture",
    "NoiseSchedule",
    "ReverseStep",
    "Transition",
    "Variance",
    "ancestral",
    "collapse_noise",
    "cosine",
    "ddim",
    "digit_labels",
    "digits",
    "eps_from_score",
    "eps_from_v",
    "eps_from_x0",
    "fixed_large",
    "fixed_small",
    "forward_kl",
    "from_beta",
    "generated_variance",
    "generated_variance_ddim",
    "inverse_square",
    "linear",
    "q_chain",
    "q_posterior",
    "q_sample",
    "q_step",
    "reverse_step",
    "scaled_linear",
    "score_from_eps",
    "sigmoid",
    "transition",
    "v_from_eps",
    "v_from_x0",
    "x0_from_eps",
    "x0_from_v",
    "zero_terminal_snr",
]
