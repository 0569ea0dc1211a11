"""z = mu + sigma eps in Chromium: what is drawn is what the core computes; mu is dragged and slid."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from diffusion_core.reparameterization import gradient_variances, pathwise_gradients, score_function_gradients
from tests.browser.conftest import open_more, wait_until_idle
from tests.browser.test_lessons import query, read, timeline

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


def test_the_same_eps_moves_with_mu_and_sigma(app_url: str, open_page: Open) -> None:
    root = timeline(open_page(f"{app_url}/reparameterization?lang=en&mu=-1.5&sigma=0.8&seed=3"))
    eps = torch.randn(2_000, generator=torch.Generator().manual_seed(3)).double()
    for position, sigma in ((0, 0.2), (12, 0.8), (36, 2.0)):
        root.evaluate("(root, p) => root.timeline.draw(p)", position)
        assert np.abs(read(root, "z") - (-1.5 + sigma * eps).numpy()).max() < 1e-6
        pathwise, score = pathwise_gradients(-1.5, sigma, eps), score_function_gradients(-1.5, sigma, eps)
        assert np.abs(read(root, "pathwise") - pathwise[:, 0].numpy()).max() < 1e-5
        assert np.abs(read(root, "score") - score[:, 0].numpy()).max() < 1e-4
        assert np.abs(read(root, "score") - pathwise[:, 0].numpy()).max() > 1
        by_mu, _by_sigma = gradient_variances(-1.5, sigma)
        assert abs(read(root, "var_pathwise")[0] - by_mu[0]) < 1e-9
        assert abs(read(root, "var_score")[0] - by_mu[1]) < 1e-9
        assert abs(read(root, "ratio")[0] - by_mu[1] / by_mu[0]) < 1e-9


def drag(page: Page, root: Locator, start: float, end: float) -> None:
    """Take hold of the axis of the bells, which goes from -6 to 6, at one place, and let go at another."""
    box = root.locator(".curves .frame").first.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] - 12
    x = [box["x"] + 14 + (value + 6) / 12 * (box["width"] - 28) for value in (start, end)]
    page.mouse.move(x[0], y)
    page.mouse.down()
    page.mouse.move(x[1], y, steps=5)
    page.mouse.up()


def test_mu_is_one_number_for_the_hand_and_for_the_slider(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/reparameterization?lang=en&open=noisier", height=1400)
    root = timeline(page)
    slider = page.get_by_role("slider", name="μ")
    drag(page, root, 1.0, -1.5)
    moved = read(root, "mu")[0]
    assert abs(moved + 1.5) < 0.05
    expect(slider).to_have_attribute("aria-valuetext", f"{moved:.2f}")
    expect(page.get_by_text(f"at μ = −{-moved:.2f}, σ = 0.500:")).to_be_visible()
    assert float(query(page)["mu"]) == moved
    open_more(page)
    page.locator(".st-key-roll_seed button").first.click()
    expect(page).to_have_url(re.compile("seed=1"))
    wait_until_idle(page)
    assert read(root, "mu")[0] == moved == float(query(page)["mu"]), "the slider still said what the hand had left"
    slider.press("ArrowRight")
    expect(page.get_by_text(f"at μ = −{-moved - 0.01:.2f}, σ = 0.500:")).to_be_visible()
    assert abs(read(root, "mu")[0] - moved - 0.01) < 1e-9


def test_mu_stays_where_its_slider_can_follow(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/reparameterization?lang=en", height=1400)
    root = timeline(page)
    drag(page, root, 1.0, 4.0)
    assert read(root, "mu")[0] == 2
    expect(page.get_by_role("slider", name="μ")).to_have_attribute("aria-valuetext", "2.00")
