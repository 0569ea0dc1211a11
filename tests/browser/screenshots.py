"""Screenshots of every page, wide and narrow, light and dark, in both languages.

make screenshots                                       the few that the README shows, into assets/screenshots
python -m tests.browser.screenshots --all FOLDER       all of them
"""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal, get_args

from playwright.sync_api import Browser, Page, sync_playwright

from pages import LESSONS
from tests.browser.conftest import ROOT, start_server

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
PAGES = {"": "start", **{lesson.name: lesson.name for lesson in LESSONS}}
SHOWN: list[tuple[str, str, Theme, str]] = [  # the README's: path, query, theme, language
    ("add_noise", "t=180", "light", "en"),
    ("sampling", "data=two_moons&t=360", "dark", "en"),
    ("closed_form", "t=200", "light", "zh"),
    ("guidance", "t=400", "light", "en"),
    ("unet", "net=text&t=400", "dark", "zh"),
]


@contextmanager
def server() -> Iterator[str]:
    """The app on a free port."""
    process, url = start_server(ROOT / "app.py")
    try:
        yield url
    finally:
        process.terminate()
        process.wait(10)


def settle(page: Page) -> None:
    """Wait until the script has run and the picture stands."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    page.wait_for_timeout(1500)


@dataclass(frozen=True)
class Shot:
    """Where a picture goes, in which colours, how many pixels wide."""

    file: Path
    theme: Theme
    width: int


def shoot(browser: Browser, address: str, shot: Shot, *, full: bool) -> None:
    """One picture of a page; of all of it, or of what a window shows."""
    page = browser.new_page(
        viewport={"width": shot.width, "height": 900},
        color_scheme=shot.theme,
        device_scale_factor=1,
        reduced_motion="reduce",
    )
    page.goto(address)
    settle(page)
    if full:
        height = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
        page.set_viewport_size({"width": shot.width, "height": min(9000, int(height) + 80)})
        page.wait_for_timeout(700)
    shot.file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=shot.file)
    page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", metavar="FOLDER", type=Path)
    parser.add_argument("--pages", default=",".join(PAGES.values()))
    arguments = parser.parse_args()
    with server() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM"), args=["--no-sandbox"])
        if arguments.all:
            for (path, name), theme, lang, width in product(PAGES.items(), THEMES, ("en", "zh"), (1440, 390)):
                if name in arguments.pages.split(",") and (theme == "light") == (lang == "en" or width == 390):
                    shot = Shot(arguments.all / f"{name}_{width}_{theme}_{lang}.png", theme, width)
                    shoot(browser, f"{url}/{path}?lang={lang}&", shot, full=True)
        else:
            for path, query, theme, lang in SHOWN:
                shot = Shot(ROOT / "assets" / "screenshots" / f"{path}_{theme}_{lang}.png", theme, 1280)
                shoot(browser, f"{url}/{path}?lang={lang}&{query}", shot, full=False)
        browser.close()


if __name__ == "__main__":
    main()
