"""The posterior in Chromium: what is dragged, the axis that fits, what follows; and the step without x_0."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from diffusion_core import linear, q_posterior, transition
from tests.browser.conftest import open_more, wait_until_idle
from tests.browser.test_lessons import query, read

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


def timeline(page: Page, slider: str = "Timestep t") -> Locator:
    """The root of the timeline with that slider."""
    root = page.locator(".timeline[data-t]").filter(has=page.get_by_role("slider", name=slider))
    expect(root).to_have_count(1)
    return root


def mean_of(x_0: float, x_t: float) -> float:
    """The posterior's, from t = 400 to s = 300."""
    at, start = (torch.tensor(value, dtype=torch.float64) for value in (x_t, x_0))
    return float(q_posterior(linear(1000), at, start, t=400, s=300)[0])


def shown_mean(root: Locator) -> float:
    return float(root.locator("mn[data-name=mean]").get_attribute("data-value") or "nan")


def axis(root: Locator) -> tuple[float, float]:
    low, high = root.evaluate("root => Array.from(root.timeline.numbers(0).domain)")
    return low, high


def fitting(x_0: float, x_t: float, reach: float = 6.0) -> tuple[float, float]:
    """Prior and likelihood, 3.5 deviations to each side, and both handles; the posterior lies between."""
    pair = transition(linear(1000), 400, 300)
    bells = [
        (pair.sqrt_alpha_bar_s * x_0, pair.sqrt_one_minus_alpha_bar_s),
        (x_t / pair.alpha**0.5, (pair.beta / pair.alpha) ** 0.5),
    ]
    low = min(*(m - 3.5 * sd for m, sd in bells), x_0 - 0.3, x_t - 0.3)
    high = max(*(m + 3.5 * sd for m, sd in bells), x_0 + 0.3, x_t + 0.3)
    return max(low, -reach), min(high, reach)


def test_the_posterior_follows_what_is_dragged(app_url: str, open_page: Open) -> None:
    """Drag x_t: bells and formula follow at once; when it is let go, the URL, the slider, and the axis that fits."""
    url = f"{app_url}/posterior?lang=en&t=400&stride=100&x_0=1.2&x_t=0.4&open=derivation"
    page = open_page(url, height=1400)
    root = timeline(page)
    expect(root).to_have_attribute("data-t", "400")
    assert abs(shown_mean(root) - mean_of(1.2, 0.4)) < 1e-9
    low, high = axis(root)
    assert np.allclose((low, high), fitting(1.2, 0.4), atol=1e-9)
    box = root.locator(".curves .frame").bounding_box()
    assert box

    def at(value: float) -> float:
        return box["x"] + 14 + (value - low) / (high - low) * (box["width"] - 28)

    y = box["y"] + box["height"] - 14
    page.mouse.move(at(0.4), y)
    page.mouse.down()
    page.mouse.move(at(-2.5), y, steps=4)
    moved = float(read(root, "x_t")[0])
    assert abs(moved + 2.5) < 0.05
    assert abs(shown_mean(root) - mean_of(1.2, moved)) < 1e-9, "while the hand still holds it"
    assert abs(shown_mean(root) - mean_of(1.2, 0.4)) > 0.1
    assert query(page)["x_t"] == "0.4"
    assert axis(root) == (low, high), "the axis does not run away from the hand"
    page.mouse.up()
    expect(page).to_have_url(re.compile(rf"[?&]x_t={re.escape(str(moved))}(&|$)"))
    wait_until_idle(page)
    open_more(page)
    expect(page.get_by_role("slider", name="x t")).to_have_attribute("aria-valuetext", f"{moved:.2f}")
    page.keyboard.press("Escape")
    assert abs(shown_mean(root) - mean_of(1.2, moved)) < 1e-9
    assert np.allclose(axis(root), fitting(1.2, moved), atol=1e-9)
    assert not np.allclose(axis(root), (low, high), atol=0.1)
    expect(root).to_have_attribute("data-t", "400")
    seen = root.evaluate("root => root.querySelector('.curves canvas').toDataURL()")
    page.reload()
    wait_until_idle(page)
    expect(root).to_have_attribute("data-t", "400")
    assert root.evaluate("root => root.querySelector('.curves canvas').toDataURL()") == seen


def test_what_is_open_follows_the_slider(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/posterior?lang=en&t=3&stride=1&open=derivation")
    says = page.get_by_text("At t = 3, s = 2 the prior has")
    expect(says).to_be_visible()
    page.get_by_role("slider", name="Timestep t").press("ArrowLeft")
    expect(page.get_by_text("At t = 2, s = 1 the prior has 54.5%")).to_be_visible()
    expect(says).to_have_count(0)


def test_the_true_step_splits_in_two(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/posterior?lang=en&k=5")
    root = timeline(page, "Stride k")
    peaks = root.locator(".numbers .entry", has_text="number of peaks").locator(".value")
    expect(peaks).to_have_text("1")
    slider = root.get_by_role("slider", name="Stride k")
    slider.press("End")
    expect(root).to_have_attribute("data-t", "299")
    expect(peaks).to_have_text("2")
    expect(page).to_have_url(re.compile(r"[?&]k=299(&|$)"))
