"""axe-core on a page that is open: what WCAG 2.2 AA asks for and a program can see."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

__all__ = ["violations"]

FILE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const moving = document.getAnimations().map((one) => one.finished.catch(() => {}));
  await Promise.race([Promise.all(moving), new Promise((done) => setTimeout(done, 1000))]);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, html, any, all, none }) =>
      [id, target.flat().join(" "), html.slice(0, 120), [...any, ...all, ...none][0]?.message].join(" | ")));
}"""


def violations(page: Page) -> list[str]:
    """Each violation: its rule, where, what stands there, and what is wrong. There are no exceptions."""
    if not FILE.is_file():
        pytest.fail("axe-core is not installed: `npm ci` in the project's folder brings it.", pytrace=False)
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(FILE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN)
    return found
