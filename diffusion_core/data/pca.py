"""The best linear code: principal directions, and what k numbers keep of a picture."""

from collections.abc import Sequence

import torch
from torch import Tensor

from diffusion_core.errors import BadInput, check_rows

__all__ = ["linear_psnr", "pca"]


def pca(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The mean (d,) of the rows x (n, d), and their k directions of largest variance (k, d), orthonormal."""
    check_rows("x", x)
    mean = x.mean(0)
    vectors = torch.linalg.eigh((x - mean).T @ (x - mean)).eigenvectors  # smallest first
    return mean, vectors.T.flip(0)[:k]


def linear_psnr(x: Tensor, mean: Tensor, directions: Tensor, sizes: Sequence[int]) -> list[float]:
    r"""What a linear code of k numbers keeps of pictures, for each k: :math:`10\log_{10}(4/\mathrm{MSE})`, decibels.

    .. math:: \mathrm{MSE}_k = \frac1{nd}\sum\Big(\|x-m\|^2-\sum_{i\le k}(w_i\cdot(x-m))^2\Big), \quad W W^\top = I.

    Args:
        x: (n, d), pictures in [-1, 1].
        mean, directions: m (d,), W (K, d), the most important direction first (`pca`).
        sizes: the k, each from 0 to K.

    Raises:
        BadInput: a k that is out of range.
    """
    if not all(0 <= k <= len(directions) for k in sizes):
        raise BadInput("sizes must lie in 0..{most}; got {got}.", most=len(directions), got=list(sizes))
    centred = (x - mean).double()
    kept = (centred @ directions.double().T).square().mean(0).cumsum(0)  # (K,)
    kept = torch.cat([kept.new_zeros(1), kept])
    mse = (centred.square().sum(1).mean() - kept[list(sizes)]) / x.shape[1]
    return (10 * torch.log10(4 / mse)).tolist()
