"""The variance lesson in Chromium: its runs, its variances and its row of clouds are the core's, to the float."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from diffusion_core import ancestral, fixed_large, fixed_small, gaussian_optimal, learned_range, linear, transition
from diffusion_core.data.toys import gaussian_1d

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


def picture(page: Page, which: int = 0) -> Locator:
    """The lesson's, or that of the section with the clouds."""
    roots = page.locator(".timeline[data-t]")
    expect(roots).to_have_count(which + 1, timeout=60_000)
    return roots.nth(which)


def read(root: Locator, track: str) -> np.ndarray:
    return np.array(root.evaluate("(root, name) => Array.from(root.timeline.read(name))", track))


def test_the_runs_are_the_samplers(app_url: str, open_page: Open) -> None:
    root = picture(open_page(f"{app_url}/variance?lang=en&N=6&s2=0.5&seed=4&v=0.3"))
    schedule, law = linear(1000), gaussian_1d(0.5).law
    timesteps = schedule.timesteps(6)
    x_T = torch.randn((1200, 1), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    choices = {"large": fixed_large, "small": fixed_small, "optimal": gaussian_optimal(0.5)}
    for name, choice in choices.items():
        generator = torch.Generator().manual_seed(5)
        for k, step in enumerate(
            ancestral(law.denoiser(schedule), schedule, x_T, timesteps, variance=choice, generator=generator)
        ):
            root.evaluate("(root, p) => root.timeline.draw(p)", k)
            expected = step.x_s.numpy().ravel()
            assert np.abs(read(root, f"x_{name}") - expected).max() < 1e-6
            other = read(root, "x_small" if name != "small" else "x_large")
            assert k == 0 or np.abs(other - expected).max() > 1e-3
    for k, t in enumerate(timesteps):
        root.evaluate("(root, p) => root.timeline.draw(p)", k)
        pair = transition(schedule, t, (*timesteps, 0)[k + 1])
        for name, choice in {**choices, "learned": learned_range(0.3)}.items():
            assert read(root, name)[0] == pytest.approx(choice(pair, x_T).value, rel=1e-12)


def test_the_slider_of_the_clouds_is_the_number_of_steps(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/variance?lang=en&n=5")
    root = picture(page, 1)
    expect(root).to_have_attribute("data-t", "5")
    few = read(root, "large")
    slider = page.get_by_role("slider", name="Number of steps N")
    slider.focus()
    slider.press("End")
    expect(root).to_have_attribute("data-t", "1000")
    expect(page).to_have_url(re.compile(r"[?&]n=1000(&|$)"))
    assert np.abs(read(root, "large") - few).max() > 0.1
    # at 1000 steps beta and beta-tilde, given the same noise, are nearly one; at 5 they are not
    gap = np.abs(read(root, "large") - read(root, "small")).mean()
    root.evaluate("root => root.timeline.draw(0)")
    assert gap < 0.5 * np.abs(read(root, "large") - read(root, "small")).mean()
