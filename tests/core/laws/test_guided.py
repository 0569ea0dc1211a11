"""Guidance with exact scores: the identity at each t, the two scales where the end is known, and the law between."""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from diffusion_core.denoisers import Guided
from diffusion_core.errors import BadInput
from diffusion_core.laws import guided as guidance
from diffusion_core.laws.guided import LabelledMixture, guided_law, three_bumps, two_bumps, two_halves
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.samplers import ddim
from diffusion_core.schedule import NoiseSchedule, cosine, linear

SCHEDULE = cosine(1000)
STEPS = SCHEDULE.timesteps(400, spacing="trailing")
SHARP = LabelledMixture(GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 0.1), (0, 1))


def test_classes_sum_to_one() -> None:
    law, x = two_halves(), torch.randn(20, 2, dtype=torch.float64)
    for t in (0, 1, 300, 1000):
        total = torch.stack([law.at(SCHEDULE, t).log_class(x, c).exp() for c in (0, 1)]).sum(0)
        assert (total - 1).abs().max() < 1e-12
    # class 0 is the upper half: y up
    assert law.log_class(torch.tensor([[0.0, 1.2]], dtype=torch.float64), 0).exp() > 0.99


def test_the_plane_is_what_is_said_of_it() -> None:
    law = two_halves()
    centres = law.mixture.means
    assert torch.allclose(centres.norm(dim=1), torch.full((8,), 1.2, dtype=torch.float64), rtol=1e-14)
    sides = (centres - centres.roll(1, 0)).norm(dim=1)  # a regular octagon
    assert torch.allclose(sides, torch.full((8,), 2 * 1.2 * math.sin(math.pi / 8), dtype=torch.float64), rtol=1e-14)
    assert [int(y < 0) for y in centres[:, 1]] == list(law.labels)  # class 0 is the upper half
    assert torch.allclose(centres[:4].sum(0)[0], torch.zeros((), dtype=torch.float64), atol=1e-14)
    assert torch.allclose(law.mixture.weights, torch.full((8,), 1 / 8, dtype=torch.float64), rtol=1e-14)
    assert torch.allclose(law.mixture.covariances, 0.32**2 * torch.eye(2, dtype=torch.float64), rtol=1e-14)


def test_the_line_is_what_is_said_of_it() -> None:
    for law, centres in ((two_bumps(), [-0.7, 0.7]), (three_bumps(), [-1.4, 0.0, 1.4])):
        mixture, K = law.mixture, len(centres)
        assert law.labels == tuple(range(K)) and mixture.means[:, 0].tolist() == centres
        assert torch.allclose(mixture.weights, torch.full((K,), 1 / K, dtype=torch.float64), rtol=1e-14)
        assert torch.allclose(mixture.covariances, torch.full((K, 1, 1), 0.36, dtype=torch.float64), rtol=1e-14)


def test_the_denoiser_answers_each_row_by_its_class() -> None:
    law, x = two_halves(), torch.randn(6, 2, dtype=torch.float64)
    denoiser, cond = law.denoiser(SCHEDULE), torch.tensor([0, 1, 0, 1, 1, 0])
    eps = denoiser(x, 300, cond)
    for i, c in enumerate(cond.tolist()):
        assert torch.allclose(eps[i], law.given(c).at(SCHEDULE, 300).eps(x[i]), atol=1e-12)
    assert torch.allclose(denoiser(x, 300), law.mixture.at(SCHEDULE, 300).eps(x), atol=1e-12)
    t = torch.tensor([300, 5, 700, 1, 2, 900])
    rows = torch.stack([denoiser(x[i : i + 1], int(t[i]), cond[i : i + 1])[0] for i in range(6)])
    assert torch.equal(denoiser(x, t, cond), rows) and not torch.equal(eps, rows)


def test_without_and_with_the_condition_the_end_is_known() -> None:
    for w, mean, variance in ((0.0, 0.0, 0.85), (1.0, 0.7, 0.36)):
        law = guided_law(two_bumps(), 1, w, SCHEDULE, timesteps=STEPS, n=501)
        assert law.largest_gap < 2e-3  # 400 steps, not infinitely many
        assert abs(torch.trapezoid(law.x * law.tilted_density, law.x) - mean) < 1e-3
        spread = torch.trapezoid((law.x - mean) ** 2 * law.tilted_density, law.x).item()
        assert abs(spread - variance) < 2e-3
    normal = stats.norm(0.7, 0.6).cdf(law.x.numpy())
    assert abs(normal - law.tilted.numpy()).max() < 1e-4 and abs(normal - law.made.numpy()).max() < 2e-3


def test_more_guidance_leaves_the_tilted_law_behind() -> None:
    gaps = [guided_law(two_bumps(), 1, w, SCHEDULE, timesteps=STEPS, n=501) for w in (1.0, 2.0, 4.0, 8.0)]
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
        return guided_law(
            two_bumps(), 1, w, SCHEDULE, timesteps=SCHEDULE.timesteps(steps, "trailing"), n=501
        ).largest_gap

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


def samples(law: LabelledMixture, w: float, schedule: NoiseSchedule, timesteps: Sequence[int], n: int) -> Tensor:
    """n draws of N(0, 1), taken along by DDIM, rising."""
    x_T = torch.randn(n, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    guided = Guided(law.denoiser(schedule), torch.ones(n, dtype=torch.long), w)
    *_, last = ddim(guided, schedule, x_T, timesteps)
    return last.x_s[:, 0].sort()[0]


def kolmogorov(x: Tensor, places: Tensor, F: Tensor) -> float:
    """The p-value of samples x under the distribution function with the values F at these places."""
    return float(stats.ks_1samp(x.numpy(), lambda at: np.interp(at, places.numpy(), F.numpy(), left=0, right=1)).pvalue)


def carried_as_if_rising(
    x: Tensor, law: LabelledMixture, w: float, schedule: NoiseSchedule, steps: Sequence[int]
) -> Tensor:
    """The mistake: the u-quantile of x_T arrives at the u-quantile of what is made."""
    x_T = torch.linspace(-5.5, 5.5, 2001, dtype=torch.float64)[:, None]
    guided = Guided(law.denoiser(schedule), torch.ones(2001, dtype=torch.long), w)
    *_, last = ddim(guided, schedule, x_T, steps)
    return torch.from_numpy(np.interp(x, last.x_s[:, 0].sort()[0], torch.special.ndtr(x_T[:, 0]), left=0, right=1))


LEVEL = 1e-3 / 74  # Bonferroni over all settings below


@pytest.mark.parametrize("law", [two_bumps(), SHARP], ids=["two bumps", "sharp"])
def test_the_law_made_is_that_of_samples_at_every_scale_and_number_of_steps(law: LabelledMixture) -> None:
    """Kolmogorov-Smirnov, 20,000 draws; false alarms: 1e-3 for both laws and all settings together, seed pinned."""
    schedule = linear(1000) if law is SHARP else SCHEDULE
    for w, steps in [*itertools.product((0.0, 1.0, 2.0, 3.0, 5.0, 8.0), (1, 2, 3, 5, 10)), (2.0, 50), (8.0, 50)]:
        timesteps = schedule.timesteps(steps, "trailing")
        found = guided_law(law, 1, w, schedule, timesteps=timesteps, n=1001)
        assert (found.x.diff() > 0).all() and (found.made.diff() >= 0).all() and (found.made_density >= 0).all()
        assert abs(torch.trapezoid(found.made_density, found.x) - 1) < 1e-9
        assert kolmogorov(samples(law, w, schedule, timesteps, n=20_000), found.x, found.made) > LEVEL, (w, steps)


@pytest.mark.parametrize("law, schedule, w, steps", [(two_bumps(), linear(1000), 3.0, 3), (SHARP, SCHEDULE, 5.0, 3)])
def test_where_the_map_folds(law: LabelledMixture, schedule: NoiseSchedule, w: float, steps: int) -> None:
    """200,000 draws at level 1e-3, seed pinned; as if the map rose, and the tilted law, are rejected."""
    timesteps = schedule.timesteps(steps, "trailing")
    found, x = guided_law(law, 1, w, schedule, timesteps=timesteps), samples(law, w, schedule, timesteps, n=200_000)
    assert kolmogorov(x, found.x, found.made) > 1e-3
    assert kolmogorov(x, found.x, carried_as_if_rising(found.x, law, w, schedule, steps=timesteps)) < 1e-9
    assert kolmogorov(x, found.x, found.tilted) < 1e-9


def test_the_density_sums_all_branches() -> None:
    """At x: the sum of phi(z) / |f'(z)| over all z with f(z) = x, by bisection; one branch alone is too little."""
    law, schedule, timesteps = two_bumps(), linear(1000), (1000, 667, 333)
    denoiser = law.denoiser(schedule)

    def f(z: Tensor) -> Tensor:
        *_, last = ddim(Guided(denoiser, torch.ones(len(z)).long(), 3.0), schedule, z[:, None], timesteps)
        return last.x_s[:, 0]

    found = guided_law(law, 1, 3.0, schedule, timesteps=timesteps)
    z = torch.linspace(-6, 6, 3001, dtype=torch.float64)
    branches = []
    for x in (1.41, 1.43, 1.45, 1.47):
        above = f(z) > x
        at = (above[1:] != above[:-1]).nonzero()[:, 0]
        low, high, rising = z[at], z[at + 1], above[at + 1]
        for _ in range(50):
            middle = (low + high) / 2
            right = (f(middle) > x) == rising
            low, high = torch.where(right, low, middle), torch.where(right, middle, high)
        root = low.requires_grad_()
        (slope,) = torch.autograd.grad(f(root).sum(), root)
        parts = torch.exp(-(root**2) / 2) / math.sqrt(2 * math.pi) / slope.abs()
        got = float(np.interp(x, found.x, found.made_density))
        assert got == pytest.approx(parts.sum().item(), rel=1e-2)
        assert all(got != pytest.approx(part, rel=1e-2) for part in parts.tolist())
        branches.append(len(parts))
    assert branches == [2, 2, 2, 2]


def test_when_a_guided_step_stops_rising() -> None:
    """The slope of one step, 300 -> 100 and 300 -> 1, as guided_law's docstring has it, against autograd."""
    law, schedule = two_bumps(), linear(1000)
    x = torch.linspace(-6, 6, 2001, dtype=torch.float64)[:, None].requires_grad_()
    least: dict[int, list[float]] = {100: [], 1: []}
    for s, w in itertools.product((100, 1), (1.0, 2.0, 3.0, 5.0)):
        step, _last = ddim(Guided(law.denoiser(schedule), torch.ones(2001).long(), w), schedule, x, (300, s))
        (slope,) = torch.autograd.grad(step.x_s.sum(), x)
        sigma_t, sigma_s = (float(schedule.snr[at]) ** -0.5 for at in (300, s))
        rho, (V, V_c) = (
            sigma_s / sigma_t,
            (part.at(schedule, 300).x0_variance(x) for part in (law.mixture, law.given(1))),
        )
        formula = rho + (1 - rho) * ((1 - w) * V + w * V_c) / sigma_t**2
        scale = float((schedule.alpha_bar[s] / schedule.alpha_bar[300]).sqrt())
        assert torch.allclose(slope, scale * formula, rtol=1e-9, atol=1e-12)
        least[s].append(slope.min().item())
    assert least[100] == pytest.approx([0.622, 0.392, 0.162, -0.297], abs=1e-3)
    assert least[1] == pytest.approx([0.314, -0.018, -0.349, -1.012], abs=1e-3)


def test_a_class_has_the_weights_that_its_components_have_in_the_data() -> None:
    """p(x) = sum_c p(c) p(x | c) with components of unequal weight: equal weights within a class do not add up."""
    weights, means = torch.tensor([0.1, 0.5, 0.4], dtype=torch.float64), [[-1.0], [0.5], [2.0]]
    law = LabelledMixture(GaussianMixture.isotropic(weights, means, 0.4), (0, 0, 1))
    x = torch.linspace(-3, 4, 50, dtype=torch.float64)[:, None]
    together = (0.6 * law.given(0).log_prob(x).exp() + 0.4 * law.given(1).log_prob(x).exp()).log()
    assert torch.allclose(together, law.mixture.log_prob(x), rtol=1e-12)
    assert law.given(0).mean().item() == pytest.approx((0.1 * -1.0 + 0.5 * 0.5) / 0.6)


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
        (followed,) = torch.autograd.grad(law.at(SCHEDULE, t).log_tilted(at, 1, w).sum(), at)
        assert ((true - followed).abs().max() < 1e-6) == same


def test_mass_that_lies_evenly_on_intervals() -> None:
    """P(X <= x) from its definition, one place at a time; some ends are places, some intervals lie between two."""
    generator = torch.Generator().manual_seed(0)
    x = torch.linspace(-1, 4, 41, dtype=torch.float64)
    low = torch.cat([4 * torch.rand(30, generator=generator) - 0.9, torch.tensor([-1.0, 0.5, 1.01])]).double()
    high = low + torch.cat([0.9 * torch.rand(30, generator=generator), torch.tensor([1.0, 0.25, 0.02])]).double()
    mass = torch.rand(33, generator=generator).double()
    mass /= mass.sum()
    expected = [
        sum(m * min(max((at - a) / (b - a), 0.0), 1.0) for a, b, m in zip(low, high, mass, strict=True)) for at in x
    ]
    found = guidance._distribution(x, low, high, mass)
    assert (found - torch.stack(expected)).abs().max() < 1e-14
    assert found[0] == 0 and abs(found[-1] - 1) < 1e-14


@pytest.mark.parametrize("f", [torch.sin, torch.cos, lambda x: 3 * x.square(), lambda x: -(x**3) + 2 * x])
def test_cells_are_halved_until_the_map_is_straight_on_each(f: Callable[[Tensor], Tensor]) -> None:
    nodes = torch.linspace(-guidance.REACH, guidance.REACH, 7, dtype=torch.float64)
    ends, images = guidance._straight_cells(f, nodes)
    ends, order = ends.sort(0)  # no cell is turned around
    images = images[order[:, 0]]
    assert torch.equal(order[:, 0], order[:, 1]) and torch.equal(images, f(ends))
    assert torch.equal(ends[1:, 0], ends[:-1, 1]) and ends[0, 0] == nodes[0] and ends[-1, 1] == nodes[-1]
    mass = torch.special.ndtr(ends).diff()[:, 0]
    off = (f(ends.mean(-1)) - images.mean(-1)).abs() / images.diff()[:, 0].abs()
    assert ((off < guidance.BENT) | (mass < guidance.LEAST)).all() and mass[0] > 1e-9  # the tail is not cut small
    assert 6 < len(ends) < 2000


def test_both_laws_are_laws_and_few_cells_are_enough() -> None:
    timesteps = SCHEDULE.timesteps(5, "trailing")
    fine, coarse = (guided_law(two_bumps(), 1, 3.0, SCHEDULE, timesteps=timesteps, n=n) for n in (2001, 2))
    for law in (fine, coarse):
        for F, density in ((law.made, law.made_density), (law.tilted, law.tilted_density)):
            assert F[0] == 0 and F[-1] == pytest.approx(1, abs=1e-14)
            assert torch.trapezoid(density, law.x).item() == pytest.approx(1, abs=1e-13)
    at_the_same = torch.from_numpy(np.interp(fine.x, coarse.x, coarse.made))
    assert (at_the_same - fine.made).abs().max() < 0.02  # one cell to begin with, halved where the map bends


def test_a_thin_class_is_looked_at_finely() -> None:
    """At w = 1 the tilted law is the class, here narrower than the even grid."""
    thin = LabelledMixture(GaussianMixture.isotropic([0.5, 0.5], [[-0.9], [0.9]], 2e-4), (0, 1))
    found = guided_law(thin, 1, 1.0, SCHEDULE, timesteps=(1000, 500, 1), n=101)
    assert abs(stats.norm(0.9, 2e-4).cdf(found.x.numpy()) - found.tilted.numpy()).max() < 1e-4


def test_wrong_laws_are_one_sentence() -> None:
    mixture = GaussianMixture.isotropic([0.5, 0.5], [[-1.0], [1.0]], 0.5)
    with pytest.raises(BadInput, match="labels must hold one class for each of the 2 components"):
        LabelledMixture(mixture, (0,))
    with pytest.raises(BadInput, match=r"c must be one of the classes \[0, 1\]; got 2"):
        LabelledMixture(mixture, (0, 1)).given(2)
    with pytest.raises(BadInput, match=r"cond must hold classes of \[0, 1\]; got 2"):
        two_bumps().denoiser(SCHEDULE)(torch.zeros(2, 1, dtype=torch.float64), 10, torch.tensor([0, 2]))
    with pytest.raises(BadInput, match="on the line only; got d = 2"):
        guided_law(two_halves(), 0, 1.0, SCHEDULE, timesteps=STEPS)
    with pytest.raises(BadInput, match="n must be an integer of at least 2; got 1"):
        guided_law(two_bumps(), 0, 1.0, SCHEDULE, timesteps=STEPS, n=1)


def test_more_folds_than_cells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    three = LabelledMixture(GaussianMixture.isotropic([1 / 3] * 3, [[-1.5], [0.0], [1.5]], 0.1), (0, 1, 2))
    timesteps = SCHEDULE.timesteps(5, "trailing")
    assert len(guided_law(three, 1, 8.0, SCHEDULE, timesteps=timesteps, n=501).x) > 3000
    monkeypatch.setattr(guidance, "MOST", 2000)
    with pytest.raises(BadInput, match="more than 2000 cells"):
        guided_law(three, 1, 8.0, SCHEDULE, timesteps=timesteps, n=501)
