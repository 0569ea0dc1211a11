"""The bar of a lesson's timeline while one reads on, and where its keys lead."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SCROLL = "(main, to) => { main.scrollTop = to; }"


def test_the_bar_stays_in_sight(app_url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{app_url}/add_noise?lang=en&t=300", height=720)
    main, slider = page.get_by_test_id("stMain"), page.get_by_role("slider", name="Timestep t")
    root = page.locator(".timeline[data-t]").filter(has=page.get_by_role("slider", name="Timestep t"))
    for width, scheme in ((1280, "light"), (390, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 720})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
        main.evaluate(SCROLL, 0)
        expect(root).not_to_have_class("docked")
        length = main.evaluate("main => main.scrollHeight")
        main.evaluate(SCROLL, length)
        page.wait_for_function("root => root.classList.contains('docked')", arg=root.element_handle())
        box = slider.bounding_box()
        header = page.get_by_test_id("stHeader").bounding_box()
        assert box and header and header["height"] <= box["y"] < 200 and box["x"] + box["width"] <= width
        assert main.evaluate("main => main.scrollHeight") == length, "nothing moves below"
        bar = root.locator(".controls").bounding_box()
        assert bar
        shot = np.asarray(Image.open(io.BytesIO(root.locator(".controls").screenshot())).convert("RGB"))
        rim = shot[2:-2, 2:12].reshape(-1, 3)
        assert len(np.unique(rim, axis=0)) == 1, "what scrolls below it is not seen through it"
    page.keyboard.press("ArrowRight")
    expect(root).to_have_attribute("data-t", "301")
    page.emulate_media(color_scheme="null")


def test_a_remote_goes_from_stop_to_stop_and_a_play_halts_there(app_url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{app_url}/add_noise?lang=en&t=300&stops=0,350,500,1000")
    root = page.locator(".timeline[data-t]").filter(has=page.get_by_role("slider", name="Timestep t"))
    expect(root).to_have_attribute("data-t", "300")
    for key, t in (("PageDown", 350), ("PageDown", 500), ("PageUp", 350), ("PageUp", 0), ("End", 1000)):
        page.keyboard.press(key)
        expect(root).to_have_attribute("data-t", str(t))
    page.get_by_role("button", name="More").first.click()
    page.get_by_role("spinbutton", name="Seed").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")  # the seed's, not the slider's
    expect(root).to_have_attribute("data-t", "1000")
    page.keyboard.press("Escape")
    root.evaluate("root => root.timeline.draw(300)")
    root.get_by_label("Speed").select_option("4")
    root.get_by_role("button", name="Play", exact=True).click()
    expect(root.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(root).to_have_attribute("data-t", "350")
    page.wait_for_url("**t=350**")
