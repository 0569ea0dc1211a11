"""The prior's term, held to golden numbers."""

import json
import math
from pathlib import Path

import pytest

from diffusion_core import linear
from diffusion_core.claims.settings import gaussian
from diffusion_core.claims.variance import bound as claims

GOLDEN = json.loads((Path(__file__).parents[3] / "reference" / "golden.json").read_text(encoding="utf-8"))

LINEAR = linear(1000)


def test_the_prior_terms_are_the_known_ones() -> None:
    """2.9113e-5 bits a dimension for unit variance, and KL exactly 0."""
    law = gaussian(1.0)
    assert claims.mean_prior(law, LINEAR) / math.log(2) == pytest.approx(GOLDEN["L_T_bits_per_dim"]["linear"]["1.0"])
    assert abs(claims.of_the_marginal(law, LINEAR)) < 1e-12
