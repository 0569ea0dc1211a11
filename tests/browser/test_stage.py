"""The stage of a lesson: what is on it stands in the URL, and Python's script hears nothing of it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import measured
from tests.browser.test_release import PART, Opened, values_of

pytestmark = pytest.mark.browser

STAGE_URL = ("view", "panels", "cover")


def said(page: Page) -> dict[str, str]:
    return {name: value for name, value in values_of(page.url).items() if name in STAGE_URL}


def test_the_stage_stands_in_the_url_and_runs_no_script(app_url: str, open_page: Callable[..., Page]) -> None:
    opened = Opened(app_url, open_page, "add_noise", t=300)
    page, stage = opened.page, opened.page.locator("dialog.theatre")
    panels = opened.root.locator(".panel")

    def urls(**wanted: str) -> None:
        page.wait_for_url(lambda _url: said(page) == wanted)

    opened.root.get_by_role("button", name="Stage view").click()
    urls(view="stage")
    expect(stage.locator(".panel:visible")).to_have_count(4)
    panels.nth(1).hover()
    panels.nth(1).get_by_role("button", name="Take this panel off the stage").click()
    urls(view="stage", panels="0,2,3")
    expect(stage.locator(".panel:visible")).to_have_count(3)
    seen = measured(page).sides
    opened.page.keyboard.press("ArrowRight")
    page.wait_for_url("**t=301**")
    panels.nth(0).hover()
    panels.nth(0).get_by_role("button", name="This panel alone").click()
    expect(stage.locator(".panel:visible")).to_have_count(1)
    assert measured(page).sides[0] > 1.3 * seen[0]
    page.keyboard.press("Escape")
    expect(stage.locator(".panel:visible")).to_have_count(3)
    assert measured(page).sides == seen
    assert set(opened.runs) == {PART}, f"something else than the ear ran: {opened.runs}"
    page.reload()
    opened.at_rest()
    expect(stage.locator(".panel:visible")).to_have_count(3)
    assert measured(page).sides == seen, "the URL shows the same stage"
    stage.get_by_role("button", name="All panels that fit").click()
    urls(view="stage")
    page.keyboard.press("Escape")
    urls()
    expect(stage).to_have_count(0)
    expect(opened.root).to_have_attribute("data-t", "301")
    assert set(opened.runs) == {PART}, f"something else than the ear ran: {opened.runs}"
    page.go_back()
    urls(view="stage")
    expect(stage).to_have_count(1)


def test_what_is_covered_is_seen_only_when_it_is_asked_for(app_url: str, open_page: Callable[..., Page]) -> None:
    opened = Opened(app_url, open_page, "add_noise", t=300, cover=1)
    page = opened.page
    hidden = """root => [...root.querySelectorAll(".slot, .legend")].filter(
      (e) => getComputedStyle(e).visibility === "hidden").length"""
    assert opened.root.evaluate(hidden) == 8, "four panels"
    opened.root.get_by_role("button", name="Press to see").first.click()
    assert opened.root.evaluate(hidden) == 6
    page.keyboard.press("c")
    page.wait_for_url(lambda _url: said(page) == {})
    assert opened.root.evaluate(hidden) == 0
    page.keyboard.press("c")
    page.wait_for_url(lambda _url: said(page) == {"cover": "1"})
    assert opened.root.evaluate(hidden) == 8
    assert set(opened.runs) == {PART}
