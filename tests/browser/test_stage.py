"""The stage of a lesson: what is on it stands in the URL, and Python's script hears nothing of it."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from diffusion_core import cosine, linear
from diffusion_core.data.named import shown
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


AXES = """(root, i) => {
  const {read} = root.timeline, panel = [...root.querySelectorAll(".panel")][i];
  return {x_t: [...read("x_t", i % 2)], box: panel.getBoundingClientRect().toJSON(), numbers: root.timeline.numbers(i)};
}"""


def test_two_settings_stand_beside_each_other_under_one_slider(app_url: str, open_page: Callable[..., Page]) -> None:
    """The same noise, the same width, one scale; mates leave and enter the stage together."""
    opened = Opened(app_url, open_page, "add_noise", beside="schedule:cosine", data="bimodal", t=150)
    root, page, t = opened.root, opened.page, 151
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**t=151**")
    first, second = root.evaluate(AXES, 0), root.evaluate(AXES, 1)
    (a, b), (c, d) = [(s.sqrt_alpha_bar[t].item(), s.sqrt_one_minus_alpha_bar[t].item()) for s in (linear(), cosine())]
    x0 = recipe_x0("bimodal")
    noise = (np.array(first["x_t"]) - a * x0) / b
    np.testing.assert_allclose(second["x_t"], c * x0 + d * noise, atol=1e-5)
    assert first["box"]["width"] == second["box"]["width"] and first["box"]["top"] == second["box"]["top"]
    heights = [max(one["numbers"]["heights"]) for one in (first, second)]
    assert heights[1] > 1.2 * heights[0], "the same scale for both is a question"
    assert [tallest(root, i) / heights[i] for i in (0, 1)] == pytest.approx(
        [tallest(root, 0) / heights[0]] * 2, rel=0.03
    )
    root.get_by_role("button", name="Stage view").click()
    page.wait_for_url("**view=stage**")
    staged = page.locator("dialog.theatre .panel:visible")
    before = staged.count()
    assert before % 2 == 0
    staged.nth(0).hover()
    staged.nth(0).get_by_role("button", name="This panel alone").click()
    expect(staged).to_have_count(2)
    assert set(opened.runs) == {PART}, f"something else than the ear ran: {opened.runs}"


def recipe_x0(data: str) -> np.ndarray:
    """What the page shows at t = 0."""
    return shown(data, "DDPM", 0).numpy().ravel()


def tallest(root: Locator, i: int) -> float:
    """The height of the histogram's tallest bar in pixels: the first row in which its colour stands."""
    return float(root.locator(".panel canvas").nth(i).evaluate(TALLEST))


TALLEST = """canvas => {
  const {width, height} = canvas, data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const orange = (i) => data[i + 3] > 60 && data[i] > 1.4 * data[i + 2] && data[i] > 150;
  const rows = [];
  for (let i = 0; i < width * height; i++) if (orange(4 * i)) rows.push(Math.floor(i / width));
  return rows.at(-1) - rows[0];
}"""
