"""What a mixture may be made of, and its spectral form; each check rejects a wrong variant."""

import math

import pytest
import torch

from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture
from tests.core.laws.examples import gen, normal


def test_weights_are_brought_to_the_sum_of_1() -> None:
    law = GaussianMixture.of([0.25 + 2e-7, 0.75 + 5e-7], [[0.0], [1.0]], torch.ones(2, 1, 1))
    assert abs(law.weights.sum() - 1) < 1e-14 and abs(law.weights[0] - (0.25 + 2e-7) / (1 + 7e-7)) < 1e-14
    rows = GaussianMixture.of([[0.25, 0.5, 0.25 + 5e-7], [0.2, 0.2, 0.6 - 5e-7]], normal(2, 3, 1), torch.ones(3, 1, 1))
    assert (rows.weights.sum(-1) - 1).abs().max() < 1e-14


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_an_eigenvalue_that_is_rounding_is_zero(scale: float) -> None:
    """Rank one and rank two in three dimensions, turned anyhow: the others are 0, whichever side rounding put them."""
    ways = scale**0.5 * normal(200, 3, 2, seed=50)
    covariances = torch.cat([ways[:100, :, :1] @ ways[:100, :, :1].mT, ways[100:] @ ways[100:].mT])
    law = GaussianMixture.of(torch.full((200,), 1 / 200), torch.zeros(200, 3), covariances)
    assert ((law.eigenvalues == 0).sum(-1) == torch.tensor([2] * 100 + [1] * 100)).all()
    assert torch.isfinite(law.sample(500, gen())).all()
    raw = torch.linalg.eigvalsh(covariances)
    assert (raw[:, 0] < 0).any() and (raw[:, 0] > 0).any()  # as they come
    with pytest.raises(BadInput, match="singular"):
        law.log_prob(torch.zeros(3, dtype=torch.float64))


EYE = torch.eye(2).expand(2, 2, 2)


MIXTURES: dict[str, tuple[object, object, object]] = {
    "weights must not be negative; got -0.5": ([-0.5, 1.5], [[0.0, 0], [1, 1]], EYE),
    "weights must sum to 1": ([0.5, 0.6], [[0.0, 0], [1, 1]], EYE),
    r"weights must sum to 1 \(to 1e-6\); got the sum 0.9": ([0.5, 0.4], [[0.0, 0], [1, 1]], EYE),
    r"weights must sum to 1 \(to 1e-6\); got the sum 0.5": (
        [[0.5, 0.5], [0.3, 0.2], [0.6, 0.6]],
        torch.zeros(3, 2, 2),
        EYE,
    ),
    r"shapes .* got \(0,\), \(0, 2\)": (torch.zeros(0), torch.zeros(0, 2), torch.zeros(0, 2, 2)),
    r"shapes .* got \(1,\), \(1, 0\)": ([1.0], torch.zeros(1, 0), torch.zeros(1, 0, 0)),
    "weights must hold finite numbers only": ([math.nan, 1.0], [[0.0, 0], [1, 1]], EYE),
    "means must hold finite numbers only; got NaN or infinity": ([0.5, 0.5], [[0.0, math.inf], [1, 1]], EYE),
    "shapes": ([0.5, 0.5], [[0.0, 0]], EYE),
    r"got \(3,\), \(2, 2\)": ([0.5, 0.25, 0.25], [[0.0, 0], [1, 1]], EYE),
    r"shapes .* got \(1,\), \(1,\) and \(1, 1, 1\)": ([1.0], [0.0], [[[1.0]]]),
    r"shapes .* got \(3, 2\), \(2, 2, 2\)": ([[0.5, 0.5]] * 3, [[[0.0, 0], [1, 1]]] * 2, EYE),
    "covariances must be symmetric; got a matrix that differs from its transpose by 1e-05": (
        [1.0],
        [[0.0, 0]],
        [[[1e-3, 1e-5], [0.0, 1e-3]]],
    ),
    "covariances must be symmetric": ([0.5, 0.5], [[0.0, 0], [1, 1]], EYE + torch.tensor([[0.0, 0.5], [0.0, 0.0]])),
    "positive semi-definite; got the eigenvalue -1": ([0.5, 0.5], [[0.0, 0], [1, 1]], -EYE),
    "means must be an array of numbers; got str": ([0.5, 0.5], "here", EYE),
}


@pytest.mark.parametrize("sentence", MIXTURES)
def test_bad_mixtures(sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        GaussianMixture.of(*MIXTURES[sentence])
    assert GaussianMixture.of([0.5, 0.5], [[0.0, 0], [1, 1]], EYE).dimension == 2  # the right one passes
