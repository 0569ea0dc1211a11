"""The timeline under a hand: keys, clicks, drags, what Python hears of them, and where the slider stays."""

import re

import numpy as np
import pytest
from playwright.sync_api import Position, expect

from tests.browser.apps import timeline_app as app
from tests.browser.demo import Show, constant, heard, read

pytestmark = pytest.mark.browser

# Faster than any hand, and on a busy machine still within the time that the timeline waits before it reports.
QUICKLY = """(slider, places) => places.forEach((place) => {
  slider.value = place;
  slider.dispatchEvent(new Event("input"));
  slider.dispatchEvent(new Event("change"));
})"""


def test_a_handle_is_dragged_at_once_and_python_hears_when_it_is_let_go(show: Show) -> None:
    page, root = show("scene=curves&t=0")
    frame = root.locator(".curves .frame").first
    box = frame.bounding_box()
    assert box is not None

    def at(value: float) -> float:  # the domain is (-4, 4) at sigma = 0, and the axis ends 14 pixels before the frame
        return box["x"] + 14 + (value + 4) / 8 * (box["width"] - 28)

    y = box["y"] + box["height"] - 12
    page.mouse.move(at(-3), y)
    page.mouse.down()
    page.mouse.move(at(2), y)
    page.mouse.up()
    assert read(root, "mu")[0] == 1, "nothing is there to take hold of"
    page.mouse.move(at(1), y)
    page.mouse.down()
    page.mouse.move(at(-1.5), y, steps=5)
    assert abs(read(root, "mu")[0] + 1.5) < 0.03
    assert read(root, "shifted")[0] == read(root, "mu")[0]
    assert np.abs(read(root, "square") - read(root, "mu")[0] ** 2).max() < 1e-12, (
        "what depends on it is worked out anew"
    )
    expect(root.locator(".numbers .value")).to_have_text(re.compile("^−1"))
    expect(page.get_by_text("Dropped")).to_have_count(0)
    page.mouse.up()
    expect(page.get_by_text(f"Dropped: {read(root, 'mu')[0]:g}")).to_be_visible()


def test_keyboard_moves_over_all_positions(show: Show) -> None:
    page, root = show("scene=points")
    slider = page.get_by_label("Timestep t").and_(page.get_by_role("slider"))
    slider.evaluate(QUICKLY, [1000, 999, 0, 101, 1])
    heard(page, "t=1 position=1 pick=None heard=1")  # five quick moves, one report
    slider.focus()
    slider.press("Space")
    expect(root.get_by_role("button", name="Pause")).to_be_visible()
    expect(root).not_to_have_attribute("data-t", "1")
    slider.press("Space")
    expect(root.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.get_by_role("button", name="One step forward").click()
    t = int(root.get_attribute("data-t") or "0")
    heard(page, f"t={t} position={t} pick=None heard=3")
    expect(root.locator("[aria-live=polite]")).to_have_text(f"t = {t}")
    for key, t in (("End", 1000), ("ArrowLeft", 999), ("Home", 0), ("ArrowRight", 1), ("PageDown", 101), ("PageUp", 1)):
        slider.press(key)
        expect(root).to_have_attribute("data-t", str(t))
        expect(slider).to_have_attribute("aria-valuetext", f"t = {t}")
    assert len(root.evaluate("root => root.timeline.positions")) == 1001


def test_keys_need_no_focus_and_leave_to_others_what_is_theirs(show: Show) -> None:
    page, root = show("scene=points")
    assert page.evaluate("document.activeElement === document.body")
    for key, t in (("End", 1000), ("PageUp", 900), ("ArrowLeft", 899), ("Home", 0), ("PageDown", 100)):
        page.keyboard.press(key)
        expect(root).to_have_attribute("data-t", str(t))
    page.keyboard.press("Control+ArrowRight")
    page.get_by_role("button", name="Half the noise").focus()
    page.keyboard.press("Space")  # it presses the button
    expect(root.locator("mn[data-name=eps]")).not_to_have_attribute(
        "data-value", str(constant(app.points(), "eps")[0, 0])
    )
    expect(root).to_have_attribute("data-t", "100")
    page.keyboard.press("ArrowRight")
    expect(root).to_have_attribute("data-t", "101")
    page.keyboard.press("?")
    expect(root.get_by_role("dialog", name="Keys")).to_contain_text("Play or pause")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(root.get_by_role("dialog")).to_have_count(0)
    expect(root).to_have_attribute("data-t", "101")


def test_the_focus_stays_where_it_is(show: Show) -> None:
    """Over 200 moves, new data and the reruns that follow."""
    page, root = show("scene=points")
    focused = "root => root.querySelector(':focus')?.className || root.querySelector(':focus')?.type"
    root.get_by_role("slider").focus()
    for _ in range(200):
        page.keyboard.press("ArrowRight")
    expect(root).to_have_attribute("data-t", "450")
    expect(page.get_by_text("Python: t=450 position=450")).to_be_visible()
    assert root.evaluate(focused) == "range"
    root.locator(".frame.pickable").last.focus()
    page.get_by_role("button", name="Half the noise").evaluate("button => button.click()")
    expect(root.locator("mn[data-name=eps]")).to_have_attribute(
        "data-value", str(np.float32(0.5 * constant(app.points(), "eps")[0, 0]).item())
    )
    assert root.evaluate(focused) == "frame pickable", "the frame was built anew"


def test_a_swipe_over_the_page_that_begins_on_the_slider_does_not_move_it(show: Show) -> None:
    page, root = show("scene=points", width=390, height=700, has_touch=True)
    touch = page.context.new_cdp_session(page)
    box = page.get_by_role("slider").bounding_box()
    assert box is not None
    x, y = box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2

    def swipe(dx: float, dy: float) -> str | None:
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for share in np.linspace(0, 1, 8):
            point = {"x": x + share * dx, "y": y + share * dy}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        return root.get_attribute("data-t")

    for dx, dy in ((0, -90), (20, 90)):
        assert swipe(dx, dy) == "250"
        page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
    assert 780 < int(swipe(-3, -5) or 0) < 850, "a tap is no swipe"
    assert 450 < int(swipe(-0.3 * box["width"], 6) or 0) < 550


def test_python_hears_when_the_hand_lets_go(show: Show) -> None:
    page, root = show("scene=points")
    box = page.get_by_role("slider").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, y)
    page.mouse.down()
    for share in np.linspace(0.3, 0.8, 12):
        page.mouse.move(box["x"] + box["width"] * share, y)
    t = int(root.get_attribute("data-t") or "0")
    assert t > 700, "drawn while it is dragged"
    heard(page, "t=250 position=250 pick=None heard=0")
    page.mouse.up()
    heard(page, f"t={t} position={t} pick=None heard=1")


def test_new_data_keep_the_place_and_another_t_moves_it(show: Show) -> None:
    page, root = show("scene=points")
    page.get_by_role("slider").press("End")
    heard(page, "t=1000 position=1000 pick=None heard=1")
    root.evaluate("root => { root.seen = true; }")
    before = read(root, "x_t")
    page.get_by_role("button", name="Half the noise").click()
    demo = app.points()
    half = np.sqrt(app.alpha_bar()[-1]) * constant(demo, "x0") + 0.5 * np.sqrt(1 - app.alpha_bar()[-1]) * constant(
        demo, "eps"
    )
    expect(root.locator("mn[data-name=eps]")).to_have_attribute(
        "data-value", str(np.float32(0.5 * constant(demo, "eps")[0, 0]).item())
    )
    np.testing.assert_allclose(read(root, "x_t"), half.ravel(), atol=1e-6)
    assert np.abs(before - half.ravel()).max() > 0.1
    expect(root).to_have_attribute("data-t", "1000")
    assert root.evaluate("root => root.seen"), "the same element, not a new one"
    page.get_by_role("button", name="t = 250 again").click()
    expect(root).to_have_attribute("data-t", "250")
    heard(page, "t=250 position=250 pick=None heard=2")


def test_other_positions_start_from_the_t_asked_for(show: Show) -> None:
    page, root = show("scene=points")
    slider = page.get_by_role("slider")
    slider.evaluate(QUICKLY, [1000, 999])
    heard(page, "t=999 position=999 pick=None heard=1")
    page.get_by_role("button", name="Every t twice").click()
    expect(root).to_have_attribute("data-position", "499")  # 0, 2, ..., 2000: of 998 and 1000 the first
    expect(root).to_have_attribute("data-t", "998")
    expect(page.get_by_text("Python: t=998 position=499")).to_be_visible()
    slider.press("ArrowRight")
    expect(page.get_by_text("Python: t=1000 position=500")).to_be_visible()


def test_a_click_picks_the_nearest_point(show: Show) -> None:
    page, root = show("scene=points&t=0", height=1200)
    xy = read(root, "x_t").reshape(-1, 2)
    target = np.array([1.6, 0.1])
    nearest = int(np.argmin(((xy - target) ** 2).sum(1)))
    box = root.locator(".plane .frame").bounding_box()
    assert box is not None
    place: Position = {"x": (target[0] + 3) / 6 * box["width"], "y": (3 - target[1]) / 6 * box["height"]}
    root.locator(".plane .frame").click(position=place)
    picked = int(root.evaluate("root => root.timeline.pick"))
    assert np.hypot(*(xy[picked] - target)) < np.hypot(*(xy[nearest] - target)) + 0.02  # a pixel is 0.02 wide
    assert picked != 0
    heard(page, f"t=0 position=0 pick={picked} heard=1")
    expect(root.locator("mn[data-name=x_t]")).to_have_attribute("data-value", str(xy[picked, 0].item()))


def test_a_click_in_a_histogram_picks_the_nearest_value(show: Show) -> None:
    page, root = show("scene=points&t=0")
    frame = root.locator(".histogram .frame")
    box = frame.bounding_box()
    assert box is not None
    frame.click(position={"x": 46 + (box["width"] - 60) * (1.1 + 4) / 8, "y": 50})
    first = read(root, "x_t")[::2]
    picked = int(root.evaluate("root => root.timeline.pick"))
    a_pixel = 8 / (box["width"] - 60)
    assert abs(first[picked] - 1.1) <= np.abs(first - 1.1).min() + a_pixel
    heard(page, f"t=0 position=0 pick={picked} heard=1")


def test_a_click_picks_a_pixel_and_arrow_keys_its_neighbours(show: Show) -> None:
    page, root = show("scene=pictures&t=0")
    frame = root.locator(".images .frame").first
    box = frame.bounding_box()
    assert box is not None
    side = box["width"] / (4 * 30 - 2)
    frame.click(position={"x": side * (30 + 5.5), "y": side * (60 + 7.5)})  # picture 9, row 7, column 5
    element = 9 * 784 + 7 * 28 + 5
    heard(page, f"t=0 position=0 pick={element} heard=1")
    x_t = read(root, "x_t")
    expect(root.locator("mn[data-name=x_t]")).to_have_attribute("data-value", str(x_t[element].item()))
    frame.press("ArrowDown")
    heard(page, f"t=0 position=0 pick={element + 28} heard=2")
