"""The ledger in Chromium: lights go on as they are computed, and the report that is taken away says the same."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import wait_until_idle

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
WRONG = ("E5", "E21", "E23", "E28", "E31", "E33")


def test_one_light_then_all_that_are_shown_then_the_report(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/ledger?lang=en&verdict=wrong&seed=2")
    expect(page.locator("[class*=st-key-entry_]")).to_have_count(len(WRONG))
    page.locator(".st-key-head_E23").get_by_role("button", name="Check").click()
    expect(page.locator(".st-key-head_E23")).to_contain_text("green")
    expect(page.locator(".st-key-head_E5")).to_contain_text("not run")
    page.get_by_role("button", name="Check all that are shown").click()
    for key in WRONG:
        expect(page.locator(f".st-key-head_{key}")).to_contain_text("green", timeout=60_000)
    wait_until_idle(page)
    with page.expect_download() as taken:
        page.get_by_text("Report (JSON)").click()
    report = json.loads(Path(taken.value.path()).read_text(encoding="utf-8"))
    assert (report["seed"], report["green"], report["red"]) == (2, len(WRONG), 0)
    assert [entry["key"] for entry in report["entries"] if entry["green"]] == list(WRONG)


def test_indices_are_set_as_indices(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/ledger?lang=zh&verdict=true")
    article = page.locator(".st-key-entry_E2 .ledger-article")
    expect(article.locator("sub").first).to_have_text("t")
    expect(article).to_have_text("q(xt | xt−1) = N(xt; √(1 − βt) xt−1, βt I)")
