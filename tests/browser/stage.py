"""What is measured of a stage."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

SIDE = 200  # CSS pixels of the smallest panel: the side of a square as large
DIGITS, HAN = 18, 28  # CSS pixels of type, at least
MEASURE = """dialog => {
  const shown = (element) => element.checkVisibility();
  const size = (element) => parseFloat(getComputedStyle(element).fontSize);
  const text = (selector) => [...dialog.querySelectorAll(selector)].filter(shown).map(size);
  const panels = [...dialog.querySelectorAll(".panel")].filter(shown);
  const over = [dialog, ...panels, ...dialog.querySelectorAll(".formula .frame")].filter(shown).filter(
    (e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1);
  const outside = panels.filter((panel) => {
    const { left, top, right, bottom } = panel.getBoundingClientRect();
    return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight;
  });
  const pictures = panels.filter((panel) => !panel.matches(".formula, .numbers"));
  const drawn = [...dialog.querySelectorAll(".panel h3, .entry, .captions span")].map((e) => e.textContent);
  return {
    raw: drawn.filter((text) => /[_^]/.test(text)),
    box: [dialog.getBoundingClientRect().width, dialog.getBoundingClientRect().height],
    scrolls: over.map((e) => e.className),
    outside: outside.map((e) => e.className),
    sides: pictures.map((panel) => {
      const { width, height } = panel.querySelector(".frame").getBoundingClientRect();
      return Math.sqrt(width * height);
    }),
    words: text(".panel h3, .legend .entry, .numbers .entry, .captions span"),
    digits: [...text("mn[data-name], .ends span, .number, output.value"), 0.8 * size(dialog.firstElementChild)],
    formulas: [dialog.querySelectorAll(".formula").length, panels.filter((p) => p.matches(".formula")).length],
  };
}"""


@dataclass(frozen=True)
class Stage:
    """The numbers of a stage: raw symbols in its words, its size, what scrolls or lies outside, how large all is."""

    raw: list[str]
    box: list[float]
    scrolls: list[str]
    outside: list[str]
    sides: list[float]
    words: list[float]
    digits: list[float]
    formulas: list[int]


def measured(page: Page) -> Stage:
    """The stage that is open."""
    dialog = page.locator("dialog.theatre")
    expect(dialog).to_have_count(1)
    numbers: dict[str, Any] = dialog.evaluate(MEASURE)
    return Stage(**numbers)


def check_stage(page: Page, *, han: bool) -> None:
    """Everything fits on 1280 x 720 and can be read from the last row."""
    page.set_viewport_size({"width": 1280, "height": 720})
    page.keyboard.press("s")
    stage = measured(page)
    assert stage.raw == [], "symbols are set as mathematics"
    assert stage.box == [1280, 720]
    assert stage.scrolls == [] and stage.outside == []
    assert stage.sides and min(stage.sides) >= SIDE
    assert stage.formulas[0] == stage.formulas[1], "the formula is there, where there is one"
    assert min(stage.digits) >= DIGITS
    assert min(stage.words) >= (HAN if han else DIGITS)
    page.keyboard.press("Escape")
    expect(page.locator("dialog.theatre")).to_have_count(0)
