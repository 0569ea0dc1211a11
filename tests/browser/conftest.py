"""What the browser tests share: a Streamlit server on a free port, one Chromium, and pages that must stay silent."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    TimeoutError,
    expect,
    sync_playwright,
)

ROOT = Path(__file__).parents[2]
DEMO = Path(__file__).parent / "apps" / "timeline_app.py"
SILENT = (
    "favicon",
    "ERR_INTERNET_DISCONNECTED",
    "ERR_NAME_NOT_RESOLVED",
    "ERR_CONNECTION",
    "/_stcore/health",  # on a deep link Streamlit first looks for its server below the page's path,
    "/_stcore/host-config",  # then at the root
)  # no network, no fault of ours


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(script: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A server that shows one script; returns it, ready, with its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    options = ["--server.headless", "true", "--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [*command, *options], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return server, address
        except OSError:
            time.sleep(0.1)
    server.terminate()
    raise RuntimeError(f"The server for {script.name} did not start.")


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    """Start a server for a script, once a session; returns its address."""
    servers: dict[Path, tuple[subprocess.Popen[bytes], str]] = {}

    def serve_script(script: Path) -> str:
        if script not in servers:
            servers[script] = start_server(script)
        return servers[script][1]

    yield serve_script
    for server, _ in servers.values():
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture(scope="session")
def app_url(serve: Callable[[Path], str]) -> str:
    """The address of the whole app."""
    return serve(ROOT / "app.py")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the session: the one named in CHROMIUM, or one that is installed, or Playwright's."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Pool:
    """Pages that are lent to one test after the other.

    A page that has shown the app shows it again at a third of the work: the browser has its code compiled. Between two
    tests a page goes blank, and forgets what it was told to keep and to listen to.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.contexts: dict[str, BrowserContext] = {}
        self.idle: dict[str, list[Page]] = {}

    def take(self, options: dict[str, Any]) -> Page:
        """A page in a context of these options."""
        kind = repr(sorted(options.items()))
        if kind not in self.contexts:
            self.contexts[kind] = self.browser.new_context(**options)
        idle = self.idle.setdefault(kind, [])
        return idle.pop() if idle else self.contexts[kind].new_page()

    def give_back(self, options: dict[str, Any], page: Page) -> None:
        """A page that is done with."""
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.unroute_all()
        page.emulate_media(media="null", color_scheme=options.get("color_scheme", "light"))
        page.goto("about:blank")
        self.idle[repr(sorted(options.items()))].append(page)


@pytest.fixture(scope="session")
def pool(browser: Browser) -> Pool:
    """The pages of this session."""
    return Pool(browser)


@contextmanager
def opener(pool: Pool) -> Iterator[Callable[..., Page]]:
    """A function that opens pages; afterwards nothing may stand in their consoles."""
    complaints: list[str] = []
    lent: list[tuple[dict[str, Any], Page, dict[str, Callable[..., None]]]] = []

    def complain(message: str) -> None:
        if not any(word in message for word in SILENT):
            complaints.append(message)

    def hear_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            complain(f"{message.text} {message.location.get('url', '')}")

    def open_one(
        url: str,
        *,
        width: int = 1280,
        height: int = 900,
        listen: Mapping[str, Callable[..., None]] | None = None,
        **context_options: Any,
    ) -> Page:
        page = pool.take(context_options)
        heard = {"console": hear_console, "pageerror": lambda error: complain(str(error)), **(listen or {})}
        for event, hear in heard.items():
            page.on(event, hear)  # type: ignore[call-overload]  # one overload an event
        lent.append((context_options, page, heard))
        page.set_viewport_size({"width": width, "height": height})
        page.goto(url)
        wait_until_idle(page)
        return page

    yield open_one
    for options, page, heard in lent:
        for event, hear in heard.items():
            page.remove_listener(event, hear)
        pool.give_back(options, page)
    assert complaints == []


@pytest.fixture
def open_page(pool: Pool) -> Iterator[Callable[..., Page]]:
    """Open pages that live as long as one test."""
    with opener(pool) as open_one:
        yield open_one


@pytest.fixture(scope="module")
def open_shared_page(pool: Pool) -> Iterator[Callable[..., Page]]:
    """Open pages that all tests of a module look at."""
    with opener(pool) as open_one:
        yield open_one


def wait_until_idle(page: Page) -> None:
    """Wait until the script has run and everything it showed stands."""
    page.locator("[data-testid=stApp][data-test-connection-state=CONNECTED]").wait_for(timeout=30_000)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=30_000)


def open_more(page: Page) -> None:
    """Open the box of the controls that are seldom changed; a press is lost if a run draws the button anew under it."""
    box = page.get_by_test_id("stPopoverBody")
    for _press in range(3):
        wait_until_idle(page)
        page.locator(".st-key-more button").first.click()
        with suppress(TimeoutError):
            box.wait_for(timeout=3_000)
            return
    expect(box).to_be_visible()


@pytest.fixture
def show(serve: Callable[[Path], str], open_page: Callable[..., Page]) -> Callable[..., tuple[Page, Locator]]:
    """Open a scene of the timeline's demo; returns the page and the root of its timeline, drawn."""

    def show_scene(query: str, **options: Any) -> tuple[Page, Locator]:
        page = open_page(f"{serve(DEMO)}/?{query}", **options)
        root = page.locator(".timeline[data-t]")
        expect(root).to_have_count(1)
        return page, root

    return show_scene
