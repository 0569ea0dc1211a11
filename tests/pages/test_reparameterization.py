"""The lesson on z = mu + sigma eps: what it draws is what its recipe computes, at the mu and sigma of the URL."""

import re

import numpy as np
import pytest
import torch

from pages.reparameterization import figures, recipe
from pages.shared.typography import significant
from tests.pages.opening import open_page, run_code, tracks, words


def test_the_picture_is_made_of_the_recipes_noise() -> None:
    drawn = tracks(open_page("reparameterization", lang="en", seed="3"))
    np.testing.assert_array_equal(drawn["eps"], recipe.noise(3, figures.DRAWS, torch.float32).numpy())
    assert np.abs(drawn["eps"] - recipe.noise(4, figures.DRAWS, torch.float32).numpy()).max() > 1


@pytest.mark.parametrize(("mu", "sigma"), [(1.0, 0.5), (-1.37, 0.2), (0.0, 2.0)])
def test_the_recipe_prints_the_numbers_of_the_picture(mu: float, sigma: float) -> None:
    app = open_page("reparameterization", lang="en", mu=str(mu), sigma=str(sigma), open="code")
    printed = run_code(app)
    assert f"exact gradient of E[z^2] by mu: {2 * mu}" in printed
    pathwise, score = (float(n) for n in re.findall(r"exactly ([\d.]+)$", printed, re.MULTILINE)[1:])
    drawn, here = tracks(app), figures.SIGMAS.index(sigma)
    assert abs(drawn["var_pathwise"][here] - pathwise) < 0.005
    far = drawn["var_far.a"][here] * mu**4 + drawn["var_far.b"][here] * mu**2
    assert abs(drawn["var_score.a"][here] * far + drawn["var_score.b"][here] * drawn["sigma2"][here] - score) < 0.005
    assert abs(drawn["var_pathwise"][here - 1] - pathwise) > 0.005


def test_the_table_is_that_of_the_chosen_mu_and_sigma() -> None:
    shown = words(open_page("reparameterization", lang="en", mu="-1.2", sigma="0.8", open="noisier"))
    assert "at μ = −1.20, σ = 0.800:" in shown
    for mu, sigma, there in ((-1.2, 0.8, True), (1.0, 0.5, False)):
        for pathwise, score in recipe.variances(mu, sigma).values():
            row = f" | {significant(pathwise)} | {significant(score)} | {significant(score / pathwise)} |"
            assert (row in shown) == there
    assert "at μ" not in words(open_page("reparameterization", lang="en"))


def test_detaching_changes_the_gradient_only_where_something_before_is_learned() -> None:
    shown = words(open_page("reparameterization", lang="en", seed="2", open="used"))
    ddpm, *learned = re.findall(r"\*\*(\d+)\*\* of (\d+) numbers differ", shown)
    assert ddpm[0] == "0"
    assert len(learned) == 2 and all(int(differ) > 0 for differ, _count in learned)
