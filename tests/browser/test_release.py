"""Letting the slider go: the script does not run, the URL says where it lies, and Back goes back."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Page, WebSocket, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pages import LESSONS
from tests.benchmarks.visitors import Visitor
from tests.browser.conftest import open_more, wait_until_idle

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
WHOLE, PART = (
    ForwardMsg.ScriptFinishedStatus.Name(status)
    for status in (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
)
SLIDERS = {  # of another quantity than t
    "loss": ("line", "Line n"),
    "reparameterization": ("sigma", "Standard deviation σ"),
    "spacing": ("N", "Number of steps N"),
    "four_ways": ("u", "Where on the way u"),
}
WITH_SLIDER = [lesson.name for lesson in LESSONS if lesson.name != "ledger"]
# All that is drawn: the pixels, and the numbers in words and formulas.
DRAWN = """root => [
  ...[...root.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()),
  ...[...root.querySelectorAll('[data-value]')].map(number => number.dataset.value),
]"""


class Opened:
    """A lesson in the browser, and the runs that its server has finished since it was opened or last asked."""

    def __init__(
        self, app_url: str, open_page: Open, lesson: str, browser: Mapping[str, Any] | None = None, **url: object
    ) -> None:
        self.parameter, label = SLIDERS.get(lesson, ("t", "Timestep t"))
        self.runs: Counter[str] = Counter()
        parameters = "".join(f"&{name}={value}" for name, value in url.items())
        address = f"{app_url}/{lesson}?lang=en{parameters}"
        self.page = open_page(address, listen={"websocket": self._watch}, **(browser or {}))
        self.slider = self.page.get_by_role("slider", name=label)
        expect(self.slider).to_have_count(1)
        self.root = self.page.locator(".timeline[data-t]").filter(has=self.slider)
        self.at_rest()

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._count)

    def _count(self, frame: Any) -> None:
        message = ForwardMsg.FromString(frame if isinstance(frame, bytes) else frame.encode())
        if message.WhichOneof("type") == "script_finished":
            self.runs[ForwardMsg.ScriptFinishedStatus.Name(message.script_finished)] += 1

    def at_rest(self) -> None:
        """Wait until nothing runs, and forget what ran."""
        wait_until_idle(self.page)
        self.page.wait_for_timeout(700)  # a run that is about to begin
        wait_until_idle(self.page)
        self.runs.clear()

    def release(self) -> str:
        """One step by a key, away from the end; returns where the slider lies once the URL says so."""
        before = self.root.get_attribute("data-t") or ""
        self.slider.press(self.key)
        expect(self.root).not_to_have_attribute("data-t", before)
        here = self.root.get_attribute("data-t") or ""
        self.page.wait_for_url(lambda url: values_of(url).get(self.parameter) == here)
        return here

    @property
    def key(self) -> str:
        """Towards the middle."""
        place = int(self.root.get_attribute("data-position") or "0")
        return "ArrowRight" if 2 * place < self.root.evaluate("root => root.timeline.positions.length") else "ArrowLeft"

    def drawn(self) -> list[str]:
        """All that is seen of the picture."""
        return list(self.root.evaluate(DRAWN))


def values_of(url: str) -> dict[str, str]:
    """The parameters of a URL."""
    return {name: values[0] for name, values in parse_qs(urlparse(url).query).items()}


@pytest.mark.parametrize("lesson", WITH_SLIDER)
def test_a_release_runs_no_script_and_its_url_shows_the_same_picture(
    lesson: str, app_url: str, open_page: Open
) -> None:
    opened = Opened(app_url, open_page, lesson)
    ways = [opened.release() for _ in range(3)]
    opened.page.wait_for_timeout(300)  # a run that would come late
    assert opened.runs[PART] >= len(ways), "the ear hears each"
    assert set(opened.runs) == {PART}, f"something else ran: {opened.runs}"
    seen, start = opened.drawn(), ways[0]
    opened.page.reload()
    opened.at_rest()
    expect(opened.root).to_have_attribute("data-t", ways[-1])
    assert opened.drawn() == seen
    opened.root.evaluate("root => root.timeline.draw(Number(root.dataset.position) + 1)")
    assert opened.drawn() != seen, f"another place is another picture, or {start} cannot be told from it"


def test_a_control_runs_the_script(app_url: str, open_page: Open) -> None:
    """Which the test above would have seen."""
    opened = Opened(app_url, open_page, "add_noise", data="two_moons", t=300)
    here = opened.release()
    opened.page.wait_for_timeout(300)
    assert set(opened.runs) == {PART}
    open_more(opened.page)
    opened.page.locator(".st-key-roll_seed button").first.click()
    opened.page.wait_for_url(lambda url: values_of(url).get("seed") == "1")
    expect(opened.root).to_have_attribute("data-t", here)
    wait_until_idle(opened.page)
    assert opened.runs[WHOLE] >= 1


@pytest.mark.parametrize("lesson", WITH_SLIDER)
def test_20_releases_run_the_script_0_times(lesson: str, app_url: str) -> None:
    """As the browser says them, to each timeline of a lesson: what runs is its ear, and the address keeps its place.

    On all lessons together more than 200; `make bench` counts 150 on each timeline.
    """
    with ThreadPoolExecutor(1) as other:  # Playwright's loop runs in this thread
        runs = other.submit(asyncio.run, releases(urlparse(app_url).port or 0, lesson, 20)).result()
    assert runs and all(whole == [] for whole, _queries in runs.values())
    for queries in (queries for _whole, queries in runs.values()):
        assert len(queries) == 20 and len(set(queries)) > 1, "the address follows"


async def releases(port: int, lesson: str, count: int) -> dict[str, tuple[list[int], list[str]]]:
    """Of each timeline: the releases at which the script ran, and the address after each release."""
    found = {}
    async with Visitor(port) as visitor:
        await visitor.open("")  # the names of the pages
        sent = await visitor.open(lesson, lang="en")
        for key, ear in sent.ears.items():
            whole, queries = [], []
            for number, t in zip(range(count), cycle(sent.places[key]), strict=False):
                answer = await visitor.release(ear, t)
                assert answer.exceptions == []
                whole += [number] if answer.whole else []
                queries.append(visitor.query)
            found[key] = (whole, queries)
    return found


def test_back_goes_to_the_place_before(app_url: str, open_page: Open) -> None:
    opened = Opened(app_url, open_page, "add_noise", data="two_moons", t=100)
    first, second = opened.release(), opened.release()
    assert [first, second] == ["101", "102"]
    for place in ("101", "100"):
        opened.page.go_back()
        expect(opened.page).to_have_url(re.compile(rf"[?&]t={place}(&|$)"))
        expect(opened.root).to_have_attribute("data-t", place)
