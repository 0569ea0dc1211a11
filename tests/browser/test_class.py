"""A class in two tabs: the student's timelines move with the teacher's, and no script runs for that."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import open_more, wait_until_idle
from tests.browser.test_open_to_all import SMALL
from tests.browser.test_release import PART, Opened, values_of

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
# What the screen shows: where it lies, the numbers of the picture to the last bit, what is picked.
SHOWN = "root => [root.dataset.t, [...root.timeline.read('x_t')].join(), root.timeline.pick]"
PHONE = {"width": 390, "height": 844, "has_touch": True}


def say_of(page: Page) -> Locator:
    """What the bar says."""
    return page.locator(".bar [role=status]")


def start(page: Page) -> str:
    """Start a class; returns its code. The dialog with it stays open."""
    page.get_by_role("button", name="Start a class").click()
    code = page.locator(".classroom .large")
    expect(code).to_have_text(re.compile(r"^[A-HJKMNP-Z2-9]{3} [A-HJKMNP-Z2-9]{3}$"))
    return (code.text_content() or "").replace(" ", "")


def same(teacher: Opened, student: Opened) -> None:
    """Both show the same."""
    for _turn in range(30):
        if student.root.evaluate(SHOWN) == teacher.root.evaluate(SHOWN):
            return
        student.page.wait_for_timeout(100)
    assert student.root.evaluate(SHOWN) == teacher.root.evaluate(SHOWN)


def drag(page: Page, slider: Locator, share: float) -> None:
    """Take hold of the slider in the middle, and move in small steps; let go there."""
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + share * box["width"], middle, steps=20)
    page.mouse.up()


def test_a_class_follows_lets_go_and_comes_back(app_url: str, open_page: Open) -> None:
    teacher = Opened(app_url, open_page, "add_noise", data="two_moons", t=100)
    code = start(teacher.page)
    assert violations(teacher.page) == []
    teacher.page.keyboard.press("Escape")
    expect(teacher.page.locator(".classroom dialog")).to_have_count(0)
    assert "class=" not in teacher.page.url
    student = joined(app_url, open_page, code)
    expect(student.root).to_have_attribute("data-t", "100")
    expect(say_of(student.page)).to_have_text("You follow the teacher.")
    expect(teacher.page.locator(".bar .counts")).to_have_text("1 here, 1 of them follow")
    assert violations(student.page) == [] and student.page.evaluate(SMALL) == []
    follows_without_a_run(teacher, student)
    lets_go_and_comes_back(teacher, student)
    goes_to_controls_and_lessons(teacher, student)
    student.page.get_by_role("button", name="Lost here").click()
    expect(teacher.page.locator(".bar .lost")).to_have_text(re.compile("^Lost at Jump to any t, .*: fewer than five$"))
    teacher.page.get_by_role("button", name="Show the code").click()
    teacher.page.get_by_role("button", name="End the class").click()
    for page in (teacher.page, student.page):
        expect(say_of(page)).to_have_text("The class has ended.")
    student.page.wait_for_url(lambda url: "class" not in values_of(url))
    student.page.get_by_role("button", name="Close").click()
    expect(student.page.locator(".bar")).to_have_count(0)


def joined(app_url: str, open_page: Open, code: str) -> Opened:
    """A phone that opened the link: it is where the teacher is, and nothing runs."""
    student = Opened(app_url, open_page, "add_noise", **{"class": code}, browser=PHONE)
    student.page.wait_for_url(lambda url: values_of(url).get("data") == "two_moons")
    student.at_rest()
    return student


def follows_without_a_run(teacher: Opened, student: Opened) -> None:
    """A drag, a key, a pick and a play arrive."""
    drag(teacher.page, teacher.slider, 0.8)
    same(teacher, student)
    teacher.slider.press("ArrowLeft")
    same(teacher, student)
    teacher.root.locator(".pickable").first.click(position={"x": 120, "y": 80})
    same(teacher, student)
    before = student.root.get_attribute("data-t")
    teacher.page.keyboard.press("Home")
    teacher.page.keyboard.press("Space")
    expect(student.root).to_have_class(re.compile("playing"))
    teacher.page.wait_for_timeout(500)
    teacher.page.keyboard.press("Space")
    same(teacher, student)
    assert student.root.get_attribute("data-t") not in ("0", before)
    student.page.wait_for_timeout(700)
    assert student.runs == {}, "a run at the student"
    here = student.root.get_attribute("data-t")
    student.page.locator(".st-key-open_schedules summary").click()
    student.page.wait_for_url(lambda url: values_of(url).get("t") == here)
    expect(say_of(student.page)).to_have_text("You follow the teacher.")
    wait_until_idle(student.page)
    assert set(student.runs) == {PART}, "where a hand asks for something, Python hears where it is"


def lets_go_and_comes_back(teacher: Opened, student: Opened) -> None:
    """With a touch, and with a press; a reload changes nothing."""
    own = student.release()
    expect(say_of(student.page)).to_have_text("You are on your own.")
    expect(teacher.page.locator(".bar .counts")).to_have_text("1 here, 0 of them follow")
    teacher.page.keyboard.press("End")
    student.page.wait_for_timeout(400)
    assert student.root.get_attribute("data-t") == own
    student.page.reload()
    student.at_rest()
    expect(say_of(student.page)).to_have_text("You are on your own.")
    expect(teacher.page.locator(".bar .counts")).to_have_text("1 here, 0 of them follow")
    student.page.get_by_role("button", name="Follow again").click()
    same(teacher, student)
    expect(teacher.page.locator(".bar .counts")).to_have_text("1 here, 1 of them follow")


def goes_to_controls_and_lessons(teacher: Opened, student: Opened) -> None:
    """What the teacher chooses, and where the teacher goes."""
    open_more(teacher.page)
    teacher.page.locator(".st-key-roll_seed button").first.click()
    student.page.wait_for_url(lambda url: values_of(url).get("seed") == "1")
    same(teacher, student)
    teacher.page.keyboard.press("Escape")
    teacher.page.reload()
    teacher.at_rest()
    expect(teacher.page.locator(".bar .counts")).to_have_text("1 here, 1 of them follow")
    teacher.page.get_by_test_id("stSidebarNav").get_by_text("Jump to any t").click()
    student.page.wait_for_url(re.compile("/closed_form"))
    expect(student.page).to_have_url(re.compile("class="))
    expect(student.page.get_by_role("heading", level=1)).to_have_text("Jump to any t")
