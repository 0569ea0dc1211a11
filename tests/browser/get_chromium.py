"""Print the path of a Chromium: the one named in CHROMIUM, one installed, Playwright's, or the system's package.

Nothing is fetched if a browser is there already. If none can be had, one sentence says what to do.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def installed() -> str | None:
    """A browser that this machine has."""
    named = os.environ.get("CHROMIUM")
    if named and Path(named).exists():
        return named
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (str(MAC) if MAC.exists() else None)


def playwrights() -> str | None:
    """Playwright's own browser, fetched if it can be."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not Path(path).exists():
        quietly([sys.executable, "-m", "playwright", "install", "chromium"])
    return path if Path(path).exists() else None


def packaged() -> str | None:
    """The system's package, if we may install one."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return None
    quietly(["apt-get", "update", "-q"])
    quietly(["apt-get", "install", "-y", "-q", "chromium"])
    return shutil.which("chromium")


def quietly(command: list[str]) -> None:
    """Run a command whose success is judged by what it leaves behind."""
    subprocess.run(command, stdout=sys.stderr, stderr=sys.stderr, check=False, timeout=600)


if __name__ == "__main__":
    path = installed() or playwrights() or packaged()
    if path is None:
        sys.exit(
            "No Chromium was found, and none could be installed: install one, or name one with CHROMIUM=/its/path."
        )
    print(path)
