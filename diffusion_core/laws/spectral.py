"""From the usual parts of a mixture to its spectral form: weights, means and covariances, looked at and taken apart."""

import torch
from torch import Tensor

from diffusion_core.errors import BadInput

__all__ = ["check_shapes", "decompose", "log_weights_of"]


def check_shapes(weights: Tensor, means: Tensor, covariances: Tensor) -> None:
    K, d = means.shape[-2:] if means.ndim >= 2 else (0, 0)
    fits = K > 0 and d > 0 and weights.ndim >= 1 and weights.shape[-1] == K and covariances.shape == (K, d, d)
    if not fits or weights.shape[:-1] != means.shape[:-2]:
        raise BadInput(
            "weights, means and covariances must have the shapes (K,), (K, d) and (K, d, d); "
            "got {weights}, {means} and {covariances}.",
            weights=tuple(weights.shape),
            means=tuple(means.shape),
            covariances=tuple(covariances.shape),
        )


def log_weights_of(weights: Tensor) -> Tensor:
    """Their logs, brought to the sum of 1."""
    if (weights < 0).any():
        raise BadInput("weights must not be negative; got {got:g}.", got=weights.min().item())
    total = weights.sum(-1)
    if (total - 1).abs().max() > 1e-6:
        worst = total.flatten()[(total - 1).abs().argmax()].item()
        raise BadInput("weights must sum to 1 (to 1e-6); got the sum {got:g}.", got=worst)
    return (weights / total.unsqueeze(-1)).log()


def decompose(covariances: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (K, d) and eigenvectors (K, d, d); what is zero but for rounding becomes 0 exactly."""
    scale = covariances.abs().amax((-2, -1)).clamp_min(torch.finfo(torch.float64).tiny)  # (K,)
    skew = (covariances - covariances.mT).abs().amax((-2, -1))
    if (skew > 1e-6 * scale).any():
        raise BadInput(
            "covariances must be symmetric; got a matrix that differs from its transpose by {got:g}.",
            got=skew.max().item(),
        )
    values, vectors = torch.linalg.eigh((covariances + covariances.mT) / 2)
    if (values < -1e-6 * scale[:, None]).any():
        raise BadInput(
            "covariances must be positive semi-definite; got the eigenvalue {got:g}.", got=values.min().item()
        )
    rounding = covariances.shape[-1] * torch.finfo(torch.float64).eps * scale[:, None]
    return torch.where(values <= rounding, 0.0, values), vectors
