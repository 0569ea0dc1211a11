"""Text and guidance in Chromium: an example becomes its picture, its attention moves with t, exact guidance with w."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_more, wait_until_idle
from tests.browser.test_lessons import query, read

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


def test_a_prompt_is_drawn_and_its_attention_moves_with_t(app_url: str, open_page: Open) -> None:
    """An example is pressed: its words stand under their tiles, the URL says so, and the slider moves all of it."""
    page = open_page(f"{app_url}/guidance?lang=en&N=6&w=2", height=1400)
    root = page.locator(".st-key-guidance-picture .timeline[data-t]")
    expect(root.locator(".captions").first).to_contain_text("square")
    open_more(page)
    page.locator(".st-key-example").get_by_text("a pink ring at the top right on a dark ground").click()
    expect(page).to_have_url(re.compile(r"[?&]prompt=a(\+|%20)pink(\+|%20)ring"))
    expect(root.locator(".captions").first).to_have_text("(start)apinkringatthetoprightonadarkground")
    wait_until_idle(page)
    for position in range(7):
        root.evaluate("(root, p) => root.timeline.draw(p)", position)
        one, two, three, total = (read(root, name)[0] for name in ("plain", "cross", "delta", "guided"))
        assert abs(one + 2 * 2 * two + 4 * three - total) < 1e-9
    before, end = read(root, "words"), read(root, "x0_hat")
    root.evaluate("(root, p) => root.timeline.draw(p)", 1)
    assert np.abs(read(root, "words") - before).max() > 0.1
    root.evaluate("(root, p) => root.timeline.draw(p)", 6)
    assert np.abs(read(root, "z") - end).max() < 1 / 100  # at t = 0, z is where x0_hat was
    page.get_by_role("textbox", name="Prompt").fill("a red dog")
    page.get_by_role("textbox", name="Prompt").press("Enter")
    expect(page.get_by_text("words that the model never saw: dog")).to_be_visible()


def test_exact_guidance_moves_with_w(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/guidance?lang=en&N=2&w_exact=1&open=exact")
    root = page.locator(".st-key-exact-picture .timeline[data-t]")
    expect(root).to_have_attribute("data-t", "1")
    at_one = read(root, "made").reshape(-1, 2)
    root.evaluate("(root, p) => root.timeline.draw(p)", 16)
    far, drawn = (read(root, name).reshape(-1, 2) for name in ("made", "drawn"))
    assert far[:, 1].mean() > drawn[:, 1].mean() + 0.3 > at_one[:, 1].mean()


def test_where_both_laws_end_follows_the_scale_and_nothing_else_runs(app_url: str, open_page: Open) -> None:
    """The slider of exact guidance is let go: its section is drawn anew, the first picture stays as it was."""
    page = open_page(f"{app_url}/guidance?lang=en&N=2&open=exact")
    root = page.locator(".st-key-exact-picture .timeline[data-t]")
    expect(page.get_by_text("on the line, w = 3")).to_be_visible()
    slider = root.get_by_role("slider", name="Guidance scale w")
    slider.focus()
    slider.press("ArrowRight")
    expect(page.get_by_text("on the line, w = 3.5")).to_be_visible()
    assert query(page)["w_exact"] == "3.5"
    expect(page.locator(".st-key-guidance-picture .timeline[data-t]")).to_have_count(1)
