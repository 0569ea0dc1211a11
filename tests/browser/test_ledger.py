"""The ledger in Chromium: lights go on as they are computed, and the report that is taken away says the same."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import wait_until_idle

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
PARTS = ("summary", "> [data-testid=stElementContainer]", "summary p")
WRONG = ("E5", "E21", "E23", "E28", "E31", "E33")


def test_one_light_then_all_that_are_shown_then_the_report(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/ledger?lang=en&verdict=wrong&seed=2&open=E23")
    expect(page.locator("[class*=st-key-entry_]")).to_have_count(len(WRONG))
    page.locator(".st-key-entry_E23").get_by_role("button", name="Check").click()
    expect(page.locator(".st-key-entry_E23")).to_contain_text("what is right: ✓ green")
    expect(page.locator(".st-key-entry_E5")).not_to_contain_text("what is right")
    page.get_by_role("button", name="Check all that are shown").click()
    for key in WRONG:
        expect(page.locator(f".st-key-entry_{key}")).to_contain_text("green", timeout=60_000)
    wait_until_idle(page)
    for width in (1440, 390):  # the light stands in the line, at its end, and covers nothing
        page.set_viewport_size({"width": width, "height": 844})
        for key in ("E5", "E31"):
            line, light, sentence = (page.locator(f".st-key-entry_{key} {part}").bounding_box() for part in PARTS)
            assert line and light and sentence
            assert line["y"] < light["y"] and light["y"] + light["height"] < line["y"] + line["height"] < line["y"] + 60
            assert (
                sentence["x"] + sentence["width"] < light["x"]
                and light["x"] + light["width"] < line["x"] + line["width"]
            )
    with page.expect_download() as taken:
        page.get_by_text("Report (JSON)").click()
    report = json.loads(Path(taken.value.path()).read_text(encoding="utf-8"))
    assert (report["seed"], report["green"], report["red"]) == (2, len(WRONG), 0)
    assert [entry["key"] for entry in report["entries"] if entry["green"]] == list(WRONG)


def test_on_a_phone_an_entry_is_one_line_that_unfolds(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/ledger?lang=zh", width=390, height=844)
    lines = page.locator("[class*=st-key-entry_] summary")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight") < 8 * 844
    heights = lines.evaluate_all("lines => lines.map(line => line.clientHeight)")
    assert len(heights) == 43 and max(heights) == min(heights) < 60
    lines.nth(31).click()
    entry = page.locator(".st-key-entry_E31")
    expect(entry.locator(".ledger-correct sub").first).to_have_text("t")
    assert lines.nth(31).evaluate("line => line.clientHeight") > 1.5 * heights[0]  # the whole statement
    assert parse_qs(urlsplit(page.url).query)["open"] == ["E31"]
