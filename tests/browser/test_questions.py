"""A question is answered by hand or by keys, marked, and the truth is drawn beside the answer."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pages.posterior.questions import QUESTIONS
from tests.browser.conftest import wait_until_idle

pytestmark = pytest.mark.browser

# Where numbers of the board's axes lie on the screen; and what a path shows, in those numbers.
PLACE = """(board, [x, y, [x0, x1], [y0, y1]]) => {
  const box = board.getBoundingClientRect();
  const at = [42 + (x - x0) / (x1 - x0) * 430, 300 - 26 - (y - y0) / (y1 - y0) * 266];
  return [box.left + at[0] / 480 * box.width, box.top + at[1] / 300 * box.height];
}"""
HEIGHTS = r"path => path.getAttribute('d').match(/[\d.]+ [\d.]+/g).map((pair) => (274 - pair.split(' ')[1]) / 266)"


def test_a_curve_is_drawn_and_the_truth_beside_it(app_url: str, open_page: Callable[..., Page]) -> None:
    asked = next(one for one in QUESTIONS if one.name == "product").make(0)
    page = open_page(f"{app_url}/posterior?lang=en&ask=product&t=300")
    board = page.get_by_role("slider", name="Draw the curve")
    button = page.get_by_role("button", name="Answer", exact=True)
    expect(button).to_be_disabled()
    board.scroll_into_view_if_needed()
    wait_until_idle(page)
    xs = np.linspace(-3, 3, 41)
    for k, (x, y) in enumerate(zip(xs, asked.form.truth, strict=True)):
        left, top = board.evaluate(PLACE, [float(x), float(y), [-3, 3], [0, 1.1]])
        page.mouse.move(left, top)
        if k == 0:
            page.mouse.down()
    page.mouse.up()
    button.click()
    expect(page.get_by_text("Right. The precisions add")).to_be_visible()
    for kind in ("true", "yours"):
        heights = page.locator(f"path.{kind}").evaluate(HEIGHTS)
        np.testing.assert_allclose(1.1 * np.array(heights), asked.form.truth, atol=0.02)
    assert page.locator("polygon.band").count() == 1
    assert "t=300" in page.url, "the page's slider stands where it stood"
    page.get_by_role("button", name="Other numbers").click()
    expect(button).to_be_disabled()
    expect(page.get_by_text("Right. The precisions add")).to_have_count(0)
    for key in ("ArrowUp", "ArrowRight", "ArrowUp", "ArrowUp"):
        board.press(key)
    board_now = board.get_attribute("aria-valuetext")
    assert board_now and board_now.startswith("x = 0.150, y = 0.")
    button.click()
    expect(page.get_by_text("Not this time.", exact=False)).to_be_visible()
    assert "t=300" in page.url
