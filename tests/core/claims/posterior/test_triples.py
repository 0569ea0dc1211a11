"""Triples are enough of them: what the power of the regression's check is."""

import numpy as np

from diffusion_core.claims.posterior import triples
from diffusion_core.claims.settings import Pair
from diffusion_core.posterior import transition
from diffusion_core.schedule import linear


def test_so_many_draws_tell_beta_from_beta_tilde() -> None:
    """At the level of the claims: power about .99 with the draws that the posterior's page asks for, not with half."""
    pair = transition(linear(1000), 10, 9)
    claim, n = triples.REGRESSION, triples.draws_to_tell(pair)
    misprint = "β for β̃ (the article's misprint)"

    def power(draws: int) -> float:
        setting = Pair(linear(1000), 10, 9, n=draws)
        return float(np.mean([not claim.run(misprint, setting, seed).passed for seed in range(200)]))

    assert 0.97 < power(n) <= 1
    assert power(n // 2) < 0.9
