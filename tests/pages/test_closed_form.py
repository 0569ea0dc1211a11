"""The lesson on the jump: what it draws is what its recipe computes, and what it says of its checks is so."""

import base64
import json
import re

import numpy as np
import pytest
import torch

from diffusion_core import SCHEDULES
from diffusion_core.data.named import shown
from pages.closed_form import recipe
from tests.pages.opening import open_page, run_code, tracks


@pytest.mark.parametrize(
    "url", [{"T": "50", "t": "20"}, {"T": "30", "data": "bimodal", "schedule": "cosine", "seed": "2"}]
)
def test_the_recipe_prints_the_numbers_of_the_picture(url: dict[str, str]) -> None:
    app = open_page("closed_form", lang="en", open="code", **url)
    drawn, T = tracks(app), int(url["T"])
    t = int(url.get("t", T // 5))  # T is small: each t has its place
    x0 = recipe.start(shown(url.get("data", "eight_gaussians"), "", int(url.get("seed", 0))))
    eps = recipe.fresh_noise(x0, int(url.get("seed", 0))).numpy()
    np.testing.assert_array_equal(drawn["eps"], eps)
    schedule = SCHEDULES[url.get("schedule", "linear")](T)
    fresh = schedule.sqrt_alpha_bar[t].item() * x0.numpy() + schedule.sqrt_one_minus_alpha_bar[t].item() * eps
    printed = run_code(app)
    means = f"means {drawn['chain'][t].mean():.3f} and {fresh.mean():.3f}"
    variances = f"variances {drawn['chain'][t].var(ddof=1):.3f} and {fresh.var(ddof=1):.3f}"
    assert means in printed and variances in printed
    assert f"variances {drawn['chain'][t - 1].var(ddof=1):.3f} and" not in printed
    (difference,) = re.findall(r"largest difference (\S+)", printed)
    assert float(difference) == pytest.approx(drawn["difference"][t], rel=0.01)


def test_the_walk_gives_each_timestep_that_is_asked_for() -> None:
    x0 = torch.zeros(4, 2, dtype=torch.float64)
    z = recipe.chain_noise(x0, 10, 0)
    schedule = SCHEDULES["linear"](10)
    whole = list(recipe.walk(schedule, x0, z, range(11)))
    assert [t for t, *_ in whole] == list(range(11))
    few = list(recipe.walk(schedule, x0, z, {3, 7}))
    assert [t for t, *_ in few] == [0, 3, 7]
    for t, x_t, z_bar in few:
        assert torch.equal(x_t, whole[t][1]) and torch.equal(z_bar, whole[t][2])


def heatmap(**url: str) -> np.ndarray:
    """The correlations that the page draws, (t, s)."""
    app = open_page("closed_form", lang="en", open="correlation", **url)
    (chart,) = app.get("plotly_chart")
    z = json.loads(chart.proto.spec)["data"][0]["z"]
    return np.frombuffer(base64.b64decode(z["bdata"]), z["dtype"]).reshape(int(url["T"]), -1)


def test_the_correlations_are_the_articles() -> None:
    drawn, ab = heatmap(schedule="cosine", T="20"), SCHEDULES["cosine"](20).alpha_bar.numpy()[1:]
    for s, t in ((0, 5), (3, 12), (7, 8)):
        exact = np.sqrt(ab[t] * (1 - ab[s]) / (ab[s] * (1 - ab[t])))
        assert abs(drawn[t, s] - exact) < 1e-10 and abs(drawn[s, t] - exact) < 1e-10
        assert abs(drawn[t, s] - exact**2) > 0.01


def test_the_noise_of_a_jump_is_fully_correlated_with_itself_even_at_zero_terminal_snr() -> None:
    z = heatmap(schedule="zero_terminal_snr", T="20")
    assert np.allclose(np.diag(z), 1) and z[-1, 0] == 0


def test_a_mistake_that_cannot_be_told_is_not_called_true() -> None:
    """At t = T the neighbour's step moves the mean by 0.002 deviations: 20,000 draws do not see it."""
    app = open_page("closed_form", lang="en", t="1000", open="E11a,E11b,E11c,E12", try_E11b="5")
    assert any(w.value.startswith("Not rejected: at this setting") for w in app.warning)
    assert len([s for s in app.success if s.value.startswith("Holds")]) == 4  # the truth of all, E11b included
