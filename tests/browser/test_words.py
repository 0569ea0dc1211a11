"""What is said of a picture is what is shown: the numbers in words are those of the core, in both languages."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import wait_until_idle

pytestmark = pytest.mark.browser


def read(root: Locator, track: str) -> np.ndarray:
    return np.array(root.evaluate("(root, name) => Array.from(root.timeline.read(name))", track))


def numbers(text: str) -> list[float]:
    return [float(one.replace("−", "-")) for one in re.findall(r"−?\d+(?:\.\d+)?", text)]


@pytest.mark.parametrize(
    ("lang", "root_word", "said_t"),
    [("en", "root of alpha bar sub t", "At t ="), ("zh", "根号 alpha 横杠 下标 t", "t =")],
)
def test_the_words_are_what_is_shown(
    lang: str, root_word: str, said_t: str, app_url: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{app_url}/add_noise?lang={lang}&t=300")
    root = page.locator(".timeline[data-t]").first
    expect(root).to_have_attribute("data-t", "300")
    said = root.locator(".said")
    expect(said.first).to_be_hidden()
    page.keyboard.press("d")
    expect(said).to_have_count(4)
    for key, t in ((None, 300), ("PageDown", 400)):
        if key:
            page.keyboard.press(key)
        expect(said.first).to_contain_text(f"t = {t}")
        x_t = read(root, "x_t")
        sheet, bars, lines, formula = said.all_text_contents()
        assert numbers(sheet)[1:6] == pytest.approx([16, 28, 28, x_t.mean(), x_t.std()], rel=1e-3, abs=1e-3)
        assert numbers(sheet)[-1] == pytest.approx(x_t[int(root.evaluate("root => root.timeline.pick"))], rel=1e-3)
        heights = np.array(root.evaluate("root => Array.from(root.timeline.numbers(1).heights)"))
        assert numbers(bars)[1:5] == pytest.approx([x_t.size, x_t.mean(), x_t.std(), heights.max()], rel=1e-3, abs=1e-3)
        shown = [float(text) for text in root.locator(".lines .value").all_text_contents()]
        assert [numbers(lines)[1], numbers(lines)[-1]] == shown and sum(shown) == pytest.approx(1, abs=1e-3)
        result = root.locator("mn[data-name=x_t]").get_attribute("data-value")
        assert abs(numbers(formula)[-1]) == pytest.approx(abs(float(result or "nan")), rel=1e-3)
        assert said_t in formula and root_word in formula
    math = root.locator(".formula math")
    assert formula.endswith(math.get_attribute("aria-label") or "nothing")
    canvas = root.locator("canvas[role=img]").first
    assert (
        root.evaluate(
            "(root, id) => root.querySelector('#' + id).textContent", canvas.get_attribute("aria-describedby")
        )
        == sheet
    )
    page.keyboard.press("d")
    expect(said.first).to_be_hidden()
    wait_until_idle(page)
