"""The shell in Chromium: a copied link opens at its part, paper, a frame of another page, Streamlit's words."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import wait_until_idle

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
KEPT = {"permissions": ["clipboard-read", "clipboard-write"]}


def in_view(part: Locator) -> None:
    """Below the header, in the upper half of the screen, and it stays there."""
    part.page.wait_for_function(
        "([part, most]) => { const { top } = part.getBoundingClientRect(); return top > 60 && top < most; }",
        arg=[part.element_handle(), 450],
    )


@pytest.mark.parametrize(
    ("path", "touched", "name"),
    [
        ("closed_form?lang=en", ".st-key-open_rate summary", "rate"),
        ("closed_form?lang=en", ".st-key-open_E12 summary", "E12"),
        ("ledger?lang=zh&verdict=wrong", ".st-key-entry_E31 summary", "E31"),
    ],
)
def test_a_copied_link_opens_at_the_part_that_was_touched_last(
    path: str, touched: str, name: str, app_url: str, open_page: Open
) -> None:
    page = open_page(f"{app_url}/{path}", **KEPT)
    page.locator(touched).click()
    wait_until_idle(page)
    page.locator(".foot button").first.click()
    expect(page.locator(".foot [role=status]")).to_contain_text(f"#{name}")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith(f"#{name}")
    page.goto("about:blank")
    page.goto(link)
    in_view(page.locator(f".st-key-open_{name}"))


def test_where_nothing_was_touched_the_page_opens_at_its_top_and_scrolling_runs_nothing(
    app_url: str, open_page: Open
) -> None:
    page = open_page(f"{app_url}/closed_form?lang=en#elsewhere", **KEPT)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollTop") == 0
    page.evaluate(
        "() => { window.runs = 0; new MutationObserver(() => window.runs++).observe("
        "document.querySelector('[data-testid=stApp]'), { attributeFilter: ['data-test-script-state'] }); }"
    )
    main.evaluate("main => main.scrollTo(0, 900)")
    page.evaluate("() => { location.hash = 'check'; }")
    in_view(page.locator("#check"))
    assert page.evaluate("window.runs") == 0 and sent == []


def test_what_is_printed_is_the_page_without_its_shell(app_url: str, open_page: Open) -> None:
    """The button opens the page once more, all unfolded, in light colours though the screen is dark, and prints it."""
    page = open_page(f"{app_url}/reparameterization?lang=zh", color_scheme="dark")
    page.context.add_init_script("window.print = () => { document.body.dataset.printed = 'yes'; }")
    with page.expect_popup() as opened:
        page.locator(".foot button").last.click()
    paper = opened.value
    paper.locator("body[data-printed]").wait_for(state="attached", timeout=60_000)
    paper.emulate_media(media="print")
    expect(paper.get_by_role("heading", level=1)).to_be_visible()
    for gone in ("stSidebar", "stHeader", "stDownloadButton"):
        assert not any(one.is_visible() for one in paper.get_by_test_id(gone).all()), gone
    assert paper.locator("[data-testid=stMain] details:not([open])").count() == 0 and paper.locator("pre").count() > 0
    app = paper.get_by_test_id("stApp").evaluate("app => [getComputedStyle(app).colorScheme, app.scrollHeight]")
    assert app[0] == "light" and app[1] > 2_000, "the whole page is laid out, not one screen of it"
    inked = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    assert all(canvas.evaluate(inked) for canvas in paper.locator(".timeline canvas").all())
    paper.close()


def test_in_a_frame_there_is_the_picture_and_its_formula_alone(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/posterior?lang=zh&embed=true&t=300&open=one%20two")
    expect(page.locator(".timeline[data-t='300'] math").first).to_be_visible()
    page.wait_for_function("() => !document.querySelector('[data-testid=stSidebar]').checkVisibility()")
    shown = page.evaluate(
        "() => [...document.querySelectorAll('[data-testid=stMain] :is(h1, h2, p, button, input, summary)')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.textContent)"
    )
    assert len(shown) == 1 and "one two" in shown[0], "what is wrong with the address, and nothing else"
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollHeight") < 1_100


def test_streamlits_and_plotlys_words_follow_the_language(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/add_noise?lang=zh&data=photo&open=schedules")
    chart = page.get_by_test_id("stPlotlyChart").first
    expect(page).to_have_title("加噪 · DDPM 动起来")
    expect(page.get_by_test_id("stFileUploader")).to_contain_text(re.compile("上传.*每个文件不超过 5MB"))
    expect(chart.locator(".modebar-btn").first).to_have_attribute("data-title", "下载图像（PNG）")
    page.get_by_test_id("stMainMenuButton").click()
    expect(page.get_by_test_id("stMainMenuList")).to_contain_text(re.compile("浅色.*深色.*打印"))
    page.keyboard.press("Escape")
    page.get_by_test_id("stSidebar").get_by_text("English", exact=True).click()
    expect(page).to_have_title("Add noise · DDPM, alive")
    expect(page.get_by_test_id("stFileUploader")).to_contain_text(re.compile("Upload.*5MB per file"))
    expect(chart.locator(".modebar-btn").first).to_have_attribute("aria-label", "Download plot as a PNG")


def test_the_header_cuts_nothing_off_a_chinese_title(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/variance?lang=zh&t=300")
    title, header = page.get_by_role("heading", level=1), page.get_by_test_id("stHeader")
    as_it_is = title.screenshot()
    header.evaluate("header => { header.style.visibility = 'hidden'; }")
    assert title.screenshot() == as_it_is
    header.evaluate("header => { header.style.visibility = ''; header.style.height = '5rem'; }")
    assert title.screenshot() != as_it_is, "a header that is higher would cut it"
