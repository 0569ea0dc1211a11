"""The numbers of each line: against the bound of the exact denoiser, and against one another."""

import math

import pytest

from diffusion_core.data.toys import bimodal, three_modes
from diffusion_core.laws.bounds import vlb
from diffusion_core.laws.derivation import derivation
from diffusion_core.laws.estimates import entropy, loss_floor
from diffusion_core.laws.paths import Chain, bent
from diffusion_core.laws.variances import optimal_for
from diffusion_core.levels import between
from diffusion_core.variance import fixed_large, fixed_small, with_last

SCHEDULE = between("log_snr", (100.0, 1e-3), 5)
STEPS = range(5, 0, -1)


@pytest.mark.parametrize("choice", [fixed_large, fixed_small])
def test_with_the_exact_denoiser_these_are_the_terms_of_the_bound(choice: object) -> None:
    law = three_modes().law
    variance = with_last(choice, optimal_for(law, SCHEDULE, STEPS))  # type: ignore[arg-type]
    found = derivation(law, Chain(SCHEDULE, law.denoiser(SCHEDULE), variance))
    known = vlb(law, SCHEDULE, STEPS, variance)
    assert known.prior == found.L_T
    assert [step.term for step in found.steps] == pytest.approx(list(known.steps), abs=1e-11)
    assert found.bound == pytest.approx(known.total, abs=1e-11)
    assert [step.floor for step in found.steps] == pytest.approx([loss_floor(law, SCHEDULE, t).value for t in STEPS])
    assert max(step.distance for step in found.steps) < 1e-20


def test_every_line_has_the_same_sum() -> None:
    """Chains, Bayes, telescoped, two Gaussians, the noise; and each without one of its pieces has another."""
    law = bimodal().law
    best = optimal_for(law, SCHEDULE, STEPS)
    found = derivation(law, Chain(SCHEDULE, bent(law, SCHEDULE, 0.1), with_last(fixed_large, best)))
    steps = found.steps
    chains = [found.prior, *(step.back + step.forth for step in steps)]
    jumps = [step.jump - (later.jump if later else 0.0) for step, later in zip(steps, [*steps[1:], None], strict=True)]
    bayes = [found.prior, *(step.term for step in steps), *jumps]
    gaussians = [found.L_T, *(step.constant for step in steps), *(step.square for step in steps)]
    noise = [found.L_T, *(step.constant + step.weight * (step.floor + step.distance) for step in steps)]
    for line in (chains, bayes, gaussians, noise):
        assert math.fsum(line) == pytest.approx(found.bound, abs=1e-11)
        assert abs(math.fsum(line[1:]) - found.bound) > 1e-5
    assert found.simple == pytest.approx(math.fsum(step.error for step in steps) / 5)
    assert found.bound > entropy(law, SCHEDULE, 0).value


def test_the_mistake_is_what_is_still_to_be_learned() -> None:
    """E (a sin 3x)^2 = a^2 (1 - E cos 6x) / 2, in closed form for a mixture; it moves the squares and no constant."""
    law, a = bimodal().law, 0.1
    variance = with_last(fixed_large, optimal_for(law, SCHEDULE, STEPS))
    exact, wrong = (derivation(law, Chain(SCHEDULE, bent(law, SCHEDULE, m), variance)) for m in (0.0, a))
    for step, other in zip(wrong.steps, exact.steps, strict=True):
        now = law.at(SCHEDULE, step.pair.t)
        cosine = (now.weights * (-18 * now.eigenvalues[:, 0]).exp() * (6 * now.means[:, 0]).cos()).sum().item()
        assert step.distance == pytest.approx(a * a * (1 - cosine) / 2, rel=1e-9)
        assert step.constant == other.constant
        assert step.square - other.square == pytest.approx(step.weight * step.distance, rel=1e-9)
