"""Reparameterize: z = mu + sigma eps, and two ways to the gradient of an expectation."""

import torch
from torch import Tensor

from diffusion_core.reparameterization import (
    cosine_variances,
    gradient_variances,
    pathwise_gradients,
    score_function_gradients,
)

DRAWS = 100_000


def noise(seed: int, draws: int = DRAWS, dtype: torch.dtype = torch.float64) -> Tensor:
    """The eps of each draw, drawn once: moving mu and sigma moves z, not eps."""
    return torch.randn(draws, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def variances(mu: float, sigma: float) -> dict[str, tuple[float, float]]:
    """Exact variances of one estimate of d/dmu E[f(z)], by f: (pathwise, score function)."""
    return {
        "z^2": gradient_variances(mu, sigma)[0],
        r"\cos z": cosine_variances(mu, sigma, 1),
        r"\cos 10z": cosine_variances(mu, sigma, 10),
    }


def main(mu: float = 1.0, sigma: float = 0.5, seed: int = 0) -> None:
    """Both estimates of the gradient of E[z^2] by mu, from draws and exactly."""
    eps = noise(seed)
    z = mu + sigma * eps  # draws from N(mu, sigma^2)
    print(f"mean of z^2: {(z**2).mean():.3f}, exactly {mu**2 + sigma**2:.3f}")

    print(f"exact gradient of E[z^2] by mu: {2 * mu}")
    estimates = pathwise_gradients(mu, sigma, eps), score_function_gradients(mu, sigma, eps)
    for name, g, variance in zip(("pathwise", "score function"), estimates, variances(mu, sigma)["z^2"], strict=True):
        print(f"{name:15} mean {g[:, 0].mean():.3f}, variance {g[:, 0].var():.2f}, exactly {variance:.2f}")
