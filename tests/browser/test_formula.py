"""Mathematics that can be read: it is drawn with the font that is shipped, and no mark touches its letter."""

import io
import urllib.request
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page

from pages.shared.timeline.formula import mathml
from tests.browser.conftest import wait_until_idle

pytestmark = pytest.mark.browser

MARKED = (r"\bar\alpha_t", r"\tilde\beta", r"\hat x_0", r"\hat\varepsilon", r"\bar z_t", r"\tilde\mu")
INK = 60  # of 255: how much darker than the paper a pixel is that is seen


def gap(shot: bytes) -> int:
    """Rows of nothing but paper between a mark and its letter."""
    grey = np.asarray(Image.open(io.BytesIO(shot)).convert("L")).astype(int)
    (inked,) = np.nonzero((grey.max() - grey > INK).any(axis=1))
    return int(np.diff(inked).max()) - 1


def marked(formula: Locator, latex: str, size: int, family: str) -> Locator:
    """A letter with its mark, drawn where the lesson's formula stands."""
    script = """(frame, [mathml, size, family]) => {
      frame.innerHTML = mathml;
      Object.assign(frame.querySelector("math").style, { fontSize: `${size}px`, fontFamily: family });
    }"""
    formula.evaluate(script, [mathml(latex), size, family])
    return formula.locator("mover")


def test_the_font_comes_once_and_marks_stand_clear(app_url: str, open_page: Callable[..., Page]) -> None:
    asked: list[str] = []
    listen = {"request": lambda request: asked.append(request.url)}
    page = open_page(f"{app_url}/closed_form?lang=en&t=30", listen=listen)
    loaded = "[...document.fonts].some(f => f.family.includes('STIX Two Math') && f.status === 'loaded')"
    page.wait_for_function(loaded)
    page.get_by_test_id("stSidebarNav").get_by_text("Add noise", exact=True).click()
    page.wait_for_url("**/add_noise**")
    wait_until_idle(page)
    assert [url for url in asked if "/fonts/" in url] == [f"{app_url}/fonts/stix-two-math.woff2"]
    formula = page.locator(".formula .frame")
    for size in (24, 40):
        gaps = {
            family: min(gap(marked(formula, latex, size, family).screenshot()) for latex in MARKED)
            for family in ("", "serif")
        }
        assert gaps[""] >= size / 8 > gaps["serif"], f"{size} px: {gaps}, without the font less"


def test_the_browser_may_keep_the_font(app_url: str) -> None:
    with urllib.request.urlopen(f"{app_url}/fonts/stix-two-math.woff2") as answer:
        assert answer.headers["Content-Type"] == "font/woff2"
        assert answer.headers["Cache-Control"] == "public, max-age=86400"
        assert answer.read(4) == b"wOF2"
