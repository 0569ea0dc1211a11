"""The claims about the shipped autoencoder hold by a wide margin."""

import pytest

from diffusion_core.claims.autoencoder import LOSES_LESS, SCALED


@pytest.mark.slow
def test_what_the_claims_measure() -> None:
    """Far from what they allow, on both sides: a claim that only just holds would be no claim."""
    mean, variance = SCALED.run(seed=3).trials
    assert mean.value < 0.1
    assert variance.value < 0.1
    assert all(max(t.value for t in SCALED.run(m, seed=3).trials) > 0.4 for m in SCALED.mistakes)
    assert LOSES_LESS.run(seed=3).trials[0].value > 10
    assert all(LOSES_LESS.run(m, seed=3).trials[0].value < -10 for m in LOSES_LESS.mistakes)
