"""A chain's likelihood, and the KL of its paths: against closed forms, draws, and the bound that knows neither."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from diffusion_core.data.toys import bimodal, eight_gaussians, gaussian_1d, three_modes
from diffusion_core.errors import BadInput
from diffusion_core.laws.bounds import vlb
from diffusion_core.laws.derivation import derivation
from diffusion_core.laws.generated import generated_variance
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.paths import Chain, bent, draw_paths, likelihood
from diffusion_core.laws.quadrature import log_normal
from diffusion_core.laws.variances import optimal_for
from diffusion_core.levels import between
from diffusion_core.variance import VarianceChoice, fixed_large, fixed_small, with_last

SCHEDULE = between("log_snr", (100.0, 1e-3), 4)
T = SCHEDULE.T


def chain(law: GaussianMixture, mistake: float = 0.0, choice: VarianceChoice = fixed_large) -> Chain:
    """With the best decoder."""
    best = optimal_for(law, SCHEDULE, range(T, 0, -1))
    return Chain(SCHEDULE, bent(law, SCHEDULE, mistake), with_last(choice, best))


def test_gaussian_data_have_a_gaussian_model() -> None:
    """Its variance is that of the samples, known in closed form; and the gap is the bound less what is left."""
    law = gaussian_1d(0.25).law
    model = chain(law)
    g = generated_variance(SCHEDULE, range(T, 0, -1), model.variance, 0.25, noisy_last=True)
    known = likelihood(law, model)
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    torch.testing.assert_close(known.log_prob(x), log_normal(x, 0.0, g), rtol=0, atol=1e-9)
    assert known.negative_log == pytest.approx(0.5 * math.log(2 * math.pi * g) + 0.125 / g, abs=1e-9)
    assert known.kl == pytest.approx(0.5 * (0.25 / g - 1 - math.log(0.25 / g)), abs=1e-9)
    bound = vlb(law, SCHEDULE, range(T, 0, -1), model.variance).total
    assert known.gap == pytest.approx(bound - known.negative_log, abs=1e-9)
    assert known.gap > 1e-2


@pytest.mark.parametrize("mistake", [0.0, 0.15])
def test_likelihood_and_gap_make_the_bound(mistake: float) -> None:
    """Two integrals over a grid against the terms; no gap is negative, and none may be left out."""
    law = three_modes().law
    for choice in (fixed_large, fixed_small):
        model = chain(law, mistake, choice)
        known, bound = likelihood(law, model), derivation(law, model).bound
        assert known.negative_log + known.gap == pytest.approx(bound, abs=1e-8)
        assert len(known.gaps) == T and min(known.gaps) > 0 and known.gap > 0.1


def test_paths_average_to_the_likelihood_and_to_the_bound() -> None:
    """40,000 paths; both z below 3.5, false alarms 1e-3; the mean of the logs is no estimate of the log of the mean."""
    law = bimodal().law
    model = chain(law)
    known, generator = likelihood(law, model), torch.Generator().manual_seed(0)
    one = torch.full((40_000,), 0.9, dtype=torch.float64)
    weight = draw_paths(model, one, generator).log_weight
    exact = known.log_prob(one[:1]).exp().item()
    z = (weight.exp().mean() - exact) / (weight.exp().std() / 200)
    assert abs(z) < 3.5
    assert (weight.mean().exp() - exact) / (weight.exp().std() / 200) < -5
    drawn = -draw_paths(model, law.sample(40_000, generator)[:, 0], generator).log_weight
    assert abs(drawn.mean() - derivation(law, model).bound) < 3.5 * drawn.std() / 200


def test_on_every_path_the_terms_add_up() -> None:
    law = bimodal().law
    paths = draw_paths(chain(law, 0.2), torch.linspace(-1, 1, 50).double(), torch.Generator().manual_seed(1))
    assert paths.terms.shape == (T + 1, 50)
    torch.testing.assert_close(paths.terms.sum(0), -paths.log_weight, rtol=0, atol=1e-11)
    moved = replace(paths, jump=paths.jump.roll(1, 0))
    assert (moved.terms.sum(0) + moved.log_weight).abs().max() > 0.1


def test_what_cannot_be_followed_is_said() -> None:
    plane, law = eight_gaussians().law, bimodal().law
    narrow = between("log_snr", (1e6, 1e-3), 4)
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: likelihood(plane, chain(law)), "Paths are followed for d = 1; got d = 2."),
        (
            lambda: likelihood(law, Chain(narrow, law.denoiser(narrow), fixed_large)),
            "A step or the data are too narrow for the grid",
        ),
        (lambda: likelihood(law, chain(law, 3.0)), "The density of x_s leaves the grid at s = "),
        (
            lambda: draw_paths(
                Chain(SCHEDULE, bent(law, SCHEDULE, 0), fixed_small), torch.zeros(2).double(), _seeded()
            ),
            "The variance must be one positive number at t = 1",
        ),
    ]
    for call, says in cases:
        with pytest.raises(BadInput) as error:
            call()
        assert says in str(error.value)


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)
