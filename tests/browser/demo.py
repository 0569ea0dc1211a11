"""What the demo of the timeline shows and says."""

from collections.abc import Callable

import numpy as np
from playwright.sync_api import Locator, Page, expect

from pages.shared import timeline as tl
from tests.browser.apps import timeline_app as app

Open = Callable[..., Page]
Show = Callable[..., tuple[Page, Locator]]


def read(root: Locator, track: str) -> np.ndarray:
    return np.array(root.evaluate("(root, name) => Array.from(root.timeline.read(name))", track))


def heard(page: Page, text: str) -> None:
    """What Python says that it knows."""
    expect(page.get_by_text(f"Python: {text}", exact=True)).to_be_visible()


def constant(demo: app.Demo, name: str) -> np.ndarray:
    track = demo.tracks[name]
    assert isinstance(track, tl.Constant)
    return track.values
