"""The jump in Chromium: chain and jump land on the same points, and what is open follows the slider."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import wait_until_idle
from tests.browser.test_lessons import read, timeline

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


def test_the_slider_writes_the_url_and_the_checks_follow(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/closed_form?lang=en&T=100&t=40&open=E11b,code")
    root = timeline(page)
    check, code = page.locator(".st-key-open_E11b"), page.locator("code").last
    before = check.inner_text()
    assert "p =" in before and "t=40" in code.inner_text()
    slider = page.get_by_role("slider", name="Timestep t")
    slider.focus()
    slider.press("ArrowRight")
    expect(root).to_have_attribute("data-t", "41")
    expect(page).to_have_url(re.compile(r"[?&]t=41(&|$)"))
    expect(code).to_contain_text("t=41")
    expect(check).not_to_have_text(before)
    slider.press("End")
    expect(root).to_have_attribute("data-t", "100")
    expect(page).to_have_url(re.compile(r"[?&]t=100(&|$)"))
    wait_until_idle(page)
    expect(root).to_have_attribute("data-t", "100")


def test_chain_and_jump_land_on_the_same_points(app_url: str, open_page: Open) -> None:
    root = timeline(open_page(f"{app_url}/closed_form?lang=en"))
    for position in (1, 20, 100):
        root.evaluate("(root, p) => root.timeline.draw(p)", position)
        assert np.abs(read(root, "chain") - read(root, "jump")).max() < 1e-6
        assert np.abs(read(root, "chain") - read(root, "fresh")).max() > 0.01
