"""Guidance with exact scores: the identity at each t, the two scales where the end is known, and the law between."""

import pytest
import torch
from scipy import stats

from diffusion_core.errors import BadInput
from diffusion_core.exact import GaussianMixture
from diffusion_core.guidance import LabelledMixture, guided_law, two_bumps, two_halves
from diffusion_core.nets import Guided
from diffusion_core.samplers import ddim
from diffusion_core.schedule import cosine

SCHEDULE = cosine(1000)
STEPS = SCHEDULE.timesteps(400, spacing="trailing")


def test_classes_sum_to_one() -> None:
    law, x = two_halves(), torch.randn(20, 2, dtype=torch.float64)
    for t in (0, 1, 300, 1000):
        total = sum(law.log_class(x, c, SCHEDULE, t).exp() for c in (0, 1))
        assert (total - 1).abs().max() < 1e-12
    # class 0 is the upper half: y up
    assert law.log_class(torch.tensor([[0.0, 1.2]], dtype=torch.float64), 0).exp() > 0.99


def test_the_denoiser_answers_each_row_by_its_class() -> None:
    law, x = two_halves(), torch.randn(6, 2, dtype=torch.float64)
    denoiser, cond = law.denoiser(SCHEDULE), torch.tensor([0, 1, 0, 1, 1, 0])
    eps = denoiser(x, 300, cond)
    for i, c in enumerate(cond.tolist()):
        assert torch.allclose(eps[i], law.given(c).eps(x[i], SCHEDULE, 300), atol=1e-12)
    assert torch.allclose(denoiser(x, 300), law.mixture.eps(x, SCHEDULE, 300), atol=1e-12)


def test_without_and_with_the_condition_the_end_is_known() -> None:
    for w, mean, variance in ((0.0, 0.0, 0.85), (1.0, 0.7, 0.36)):
        law = guided_law(two_bumps(), 1, w, SCHEDULE, STEPS)
        assert law.largest_gap < 2e-3  # 400 steps, not infinitely many
        assert abs(torch.trapezoid(law.x * law.tilted_density, law.x) - mean) < 1e-3
        spread = torch.trapezoid((law.x - mean) ** 2 * law.tilted_density, law.x).item()
        assert abs(spread - variance) < 2e-3
    normal = stats.norm(0.7, 0.6).cdf(law.x.numpy())
    assert abs(normal - law.tilted.numpy()).max() < 1e-4 and abs(normal - law.made.numpy()).max() < 2e-3


def test_more_guidance_leaves_the_tilted_law_behind() -> None:
    gaps = [guided_law(two_bumps(), 1, w, SCHEDULE, STEPS) for w in (1.0, 2.0, 4.0, 8.0)]
    assert [g.largest_gap for g in gaps] == sorted(g.largest_gap for g in gaps)
    assert gaps[1].largest_gap > 0.2 and gaps[3].largest_gap > 0.8
    assert all(
        abs(torch.trapezoid(density, g.x) - 1) < 0.01 for g in gaps for density in (g.made_density, g.tilted_density)
    )
    four = gaps[2]
    means = [torch.trapezoid(four.x * density, four.x).item() for density in (four.made_density, four.tilted_density)]
    assert means[0] > means[1] + 0.4  # farther away from the other class
    assert four.w1 == pytest.approx(means[0] - means[1], abs=0.02)  # one lies right of the other everywhere


def test_the_gap_is_no_error_of_the_steps() -> None:
    """DDIM's error falls as 1 / steps; where the end is known the gap does, too, and where w = 3 it stays."""

    def gap(w: float, steps: int) -> float:
        return guided_law(two_bumps(), 1, w, SCHEDULE, SCHEDULE.timesteps(steps, "trailing"), n=501).largest_gap

    for w in (0.0, 1.0):
        assert gap(w, 100) / gap(w, 400) == pytest.approx(4, rel=0.1)
    assert gap(3.0, 100) == pytest.approx(gap(3.0, 400), rel=0.02)
    assert gap(3.0, 400) > 100 * gap(1.0, 400)


def test_the_plane_knows_its_ends_too() -> None:
    """The means of guided samples are those of p(x | c) at w = 1, and not at w = 3 (z at 1e-3, seed pinned)."""
    law, generator = two_halves(), torch.Generator().manual_seed(2)
    x_T = torch.randn(2000, 2, dtype=torch.float64, generator=generator)
    true = law.given(0)

    def z_of_means(w: float) -> torch.Tensor:
        guided = Guided(law.denoiser(SCHEDULE), torch.zeros(2000, dtype=torch.long), w)
        *_, last = ddim(guided, SCHEDULE, x_T, SCHEDULE.timesteps(100, spacing="trailing"))
        return (last.x_s.mean(0) - true.mean()) / (true.covariance().diagonal() / 2000).sqrt()

    assert z_of_means(1.0).abs().max() < stats.norm.isf(1e-3 / 4) < z_of_means(3.0).abs().max()


def test_the_law_made_is_that_of_samples() -> None:
    """Kolmogorov-Smirnov at level 1e-3, seed pinned; the tilted law is rejected."""
    law = guided_law(two_bumps(), 1, 3.0, SCHEDULE, SCHEDULE.timesteps(100, spacing="trailing"))
    x_T = torch.randn(3000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    guided = Guided(two_bumps().denoiser(SCHEDULE), torch.ones(3000, dtype=torch.long), 3.0)
    *_, last = ddim(guided, SCHEDULE, x_T, SCHEDULE.timesteps(100, spacing="trailing"))
    x = last.x_s[:, 0].numpy()
    p = [
        stats.kstest(x, stats.rv_histogram((d.numpy()[:-1], law.x.numpy())).cdf).pvalue
        for d in (law.made_density, law.tilted_density)
    ]
    assert p[0] > 1e-3 > p[1]


def test_guided_scores_do_not_belong_to_one_diffusion() -> None:
    """Noising p(x) p(c|x)^w does not give p_t(x) p_t(c|x)^w: their scores differ, but for w = 1."""
    law, t = two_bumps(), 400
    x = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    at = torch.tensor([[-0.5], [0.0], [0.5]], dtype=torch.float64, requires_grad=True)
    signal, noise = float(SCHEDULE.sqrt_alpha_bar[t]), float(SCHEDULE.one_minus_alpha_bar[t])
    for w, same in ((1.0, True), (3.0, False)):
        density = law.log_tilted(x[:, None], 1, w).exp()
        noised = torch.logsumexp(density.log() - (at - signal * x) ** 2 / (2 * noise), 1)
        (true,) = torch.autograd.grad(noised.sum(), at)
        (followed,) = torch.autograd.grad(law.log_tilted(at, 1, w, SCHEDULE, t).sum(), at)
        assert ((true - followed).abs().max() < 1e-6) == same


def test_wrong_laws_are_one_sentence() -> None:
    mixture = GaussianMixture.isotropic([0.5, 0.5], [[-1.0], [1.0]], 0.5)
    with pytest.raises(BadInput, match="labels must hold one class for each of the 2 components"):
        LabelledMixture(mixture, (0,))
    with pytest.raises(BadInput, match=r"c must be one of the classes \[0, 1\]; got 2"):
        LabelledMixture(mixture, (0, 1)).given(2)
    with pytest.raises(BadInput, match=r"cond must hold classes of \[0, 1\]; got 2"):
        two_bumps().denoiser(SCHEDULE)(torch.zeros(2, 1, dtype=torch.float64), 10, torch.tensor([0, 2]))
    with pytest.raises(BadInput, match="on the line only; got d = 2"):
        guided_law(two_halves(), 0, 1.0, SCHEDULE, STEPS)
