"""Every page, for everyone: axe finds nothing, fingers find what they press, a phone shows all, in both languages."""

from collections.abc import Callable
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, Page

from pages import ABOUT, PAGES, START, Lesson
from tests.browser.axe import violations
from tests.browser.stage import check_stage

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
PATHS = {"" if page is START else page.name: page for page in PAGES}
PHONE, DESK = (390, 844), (1440, 900)
LIGHT, DARK = "light", "dark"

# What is pressed and is smaller than a finger. Links in a line of text are as high as their line.
SMALL = """() => [...document.querySelectorAll(
  "button, summary, input, a[href], select, textarea, :has(> [data-testid=stSliderThumbValue])")].flatMap((one) => {
    const { display, visibility } = getComputedStyle(one);
    const beyond = getComputedStyle(one, "::after");
    const more = beyond.content === '""' ? -2 * parseFloat(beyond.top) : 0;
    const aside = one.closest("[data-testid=stSidebar]"); // folded on a phone: it keeps its heights
    const [width, height] = [aside ? 40 : one.offsetWidth + more, one.offsetHeight + more];
    const seen = one.offsetWidth > 1 && visibility !== "hidden" && display !== "inline";
    const pressed = seen && !one.matches("[type=range], [type=file]");
    return pressed && Math.min(width, height) < 40 ? [`${width} x ${height} ${one.outerHTML.slice(0, 150)}`] : [];
  })"""

# Plotly's scales, and how far each stands out from what it is drawn on.
PALE = """() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const ground = light(getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor);
  return [...document.querySelectorAll(".js-plotly-plot :is(.xtick, .ytick, .g-xtitle, .g-ytitle) text")]
    .map((text) => [light(getComputedStyle(text).fill), ground])
    .map(([one, other]) => Math.max(one, other) / Math.min(one, other)).filter((contrast) => contrast < 4.5);
}"""


def turn(page: Page, theme: str, size: tuple[int, int]) -> None:
    """Show the same page in another theme and at another size."""
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of its words
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_function(
        "theme => getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === theme", arg=theme
    )


def unfolded(page: Lesson) -> str:
    """All sections, and of the checks, which are made alike and cost seconds, one."""
    return ",".join(["all", *(f"-{claim.key}" for claim in page.claims[1:])])


# Of the lead, the first slider and the first panel: where each ends.
ENDS = """() => {
  const all = [...document.querySelectorAll('[data-testid^="stBidiComponent"], [data-testid^="stBidiComponent"] *')];
  const root = all.map((one) => one.shadowRoot?.querySelector(".timeline")).find(Boolean);
  const parts = [document.querySelector(".st-key-lead, .st-key-act"), ...[".scrubber", ".panel .frame"].map((part) =>
    root.querySelector(part))];
  return parts.map((part) => part.getBoundingClientRect().bottom);
}"""


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("lang", "folded", "ways"),
    [("en", False, [(DARK, PHONE), (LIGHT, DESK)]), ("zh", True, [(LIGHT, PHONE), (DARK, DESK)])],
)
def test_every_page_is_open_to_all(
    path: str, lang: str, folded: bool, ways: list[tuple[str, tuple[int, int]]], app_url: str, open_page: Open
) -> None:
    """On a phone, too, where nothing is wider than the screen. Folded in one language, unfolded in the other."""
    opened = "" if folded else "&open=" + unfolded(PATHS[path])
    asked: set[str] = set()
    page = open_page(
        f"{app_url}/{path}?lang={lang}{opened}",
        width=390,
        height=844,
        reduced_motion="reduce",
        listen={"request": lambda request: asked.add(urlparse(request.url).netloc)},
    )
    script = "[document.documentElement, document.querySelector('[data-testid=stMainBlockContainer]')]"
    assert max(page.evaluate(f"{script}.map(element => element.scrollWidth)")) <= 390
    assert page.evaluate(SMALL) == []
    if folded:
        assert page.locator("[data-testid=stMain]").evaluate("main => main.scrollHeight") <= 8 * PHONE[1]
    for theme, size in ways:
        turn(page, theme, size)
        assert violations(page) == [], f"{theme}, {size[0]} px"
        assert page.evaluate(PALE) == []
    assert asked <= {urlparse(app_url).netloc, ""}, "About says that no other server is asked; a blob has no server"
    if path in ("ledger", ABOUT.name):
        return  # they have no timeline
    if folded:
        ends = page.evaluate(ENDS)
        assert ends == sorted(ends) and ends[-1] <= DESK[1], "lead, slider and picture on the first screen"
    check_stage(page, han=lang == "zh")


def test_a_page_that_shuts_someone_out_is_found(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        """<html lang="en"><title>Broken</title><main><h1>Broken</h1><img src="data:,">
        <p style="color: #999; background: #fff">pale</p><ul><div><li>astray</li></div></ul><button></button>
        <a href="#" style="display: block; width: 30px; height: 30px">x</a>
        <div data-testid="stApp" style="background: #fff"><svg class="js-plotly-plot">
        <g class="xtick"><text fill="#888">0.5</text></g><g class="ytick"><text fill="#444">1</text></g></svg></div>
        </main></html>"""
    )
    rules = {found.split(" | ")[0] for found in violations(page)}
    assert {"image-alt", "color-contrast", "list", "button-name"} <= rules
    assert len(page.evaluate(SMALL)) == 2
    assert len(page.evaluate(PALE)) == 1
    page.close()
