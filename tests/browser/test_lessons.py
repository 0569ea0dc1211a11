"""The lessons in Chromium: cold deep links, the picture against the core, uploads, downloads, phones, languages."""

import io
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from playwright.sync_api import Locator, Page, expect

from diffusion_core import linear, q_sample
from pages.shared.scenes import scene
from tests.browser.conftest import ROOT, start_server, wait_until_idle

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


# Of each step: how far x_s and x_t are from the x_s that the sampler stored.
STEPS = """root => root.timeline.positions.slice(0, -1).map((_t, position) => {
  root.timeline.draw(position);
  const [made, before, stored] = ["x_s", "x_t", "stored"].map((name) => root.timeline.read(name));
  const gap = (values) => values.reduce((most, value, i) => Math.max(most, Math.abs(value - stored[i])), 0);
  return [gap(made), gap(before)];
})"""


def timeline(page: Page) -> Locator:
    """The one that the lesson is about; a section may have one of its own."""
    root = page.locator(".timeline[data-t]").first
    expect(root).to_be_attached()
    return root


def read(root: Locator, track: str) -> np.ndarray:
    return np.array(root.evaluate("(root, name) => Array.from(root.timeline.read(name))", track))


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


@pytest.mark.parametrize("path", ["sampling?lang=zh&t=300", "add_noise?lang=zh&t=37"])
def test_a_cold_deep_link_shows_the_lesson_inside_the_shell(path: str, open_page: Open) -> None:
    """The very first request to a fresh server, for each path on a server of its own."""
    server, address = start_server(ROOT / "app.py")
    try:
        page = open_page(f"{address}/{path}")
        root = timeline(page)
        expect(page.get_by_test_id("stSidebarNav")).to_contain_text("前向过程")
        expect(page.get_by_role("heading", level=1)).to_have_text({"s": "采样", "a": "加噪"}[path[0]])
        expect(root).to_have_attribute("data-t", {"s": "300", "a": "37"}[path[0]])
        expect(page.get_by_text("Page not found")).to_have_count(0)
    finally:
        server.terminate()
        server.wait(10)


def test_the_picture_is_what_the_core_computes(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/add_noise?lang=en&data=two_moons&seed=5&t=137")
    root = timeline(page)
    shown = scene("two_moons", "", 5)
    eps = torch.randn(shown.x0.shape, generator=torch.Generator().manual_seed(6))
    schedule = linear(1000)
    for t in (137, 1, 0, 1000, 640):
        root.evaluate("(root, p) => root.timeline.draw(p)", t)
        expected = q_sample(schedule, torch.from_numpy(shown.x0).double(), t, eps.double()).numpy().ravel()
        assert np.abs(read(root, "x_t") - expected).max() < 1e-6
        wrong = (
            q_sample(schedule, torch.from_numpy(shown.x0).double(), max(0, t - 1) or 2, eps.double()).numpy().ravel()
        )
        assert np.abs(read(root, "x_t") - wrong).max() > 1e-6


def test_digits_on_the_page_are_the_digits_noised(app_url: str, open_page: Open) -> None:
    root = timeline(open_page(f"{app_url}/add_noise?lang=en&t=500"))
    shown = scene("digits", "", 0)
    eps = torch.randn(shown.x0.shape, generator=torch.Generator().manual_seed(1))
    expected = q_sample(linear(1000), torch.from_numpy(shown.x0).double(), 500, eps.double()).numpy().ravel()
    assert np.abs(read(root, "x_t") - expected).max() < 1e-6


@pytest.mark.parametrize(
    "url",
    [
        "sampling?N=12",
        "sampling?sampler=ddim&eta=0.5&N=12&data=spiral",
        "sampling?data=digits&N=6",
        "sampling?variance=state&N=8",
        "sampling?denoiser=network&N=8",
        "sampling?data=digits&denoiser=network&N=5",
        "sampling?data=digits&denoiser=network&sampler=ddim&N=5",
    ],
)
def test_each_step_is_recomputed_in_the_browser(url: str, app_url: str, open_page: Open) -> None:
    """x_s made of mean, sigma and z there equals the x_s that the sampler stored: at every step but the resting end."""
    root = timeline(open_page(f"{app_url}/{url}&lang=en"))
    steps = root.evaluate(STEPS)
    assert len(steps) == int(url.partition("N=")[2].partition("&")[0])
    for made, before in steps:
        assert made < 2e-5  # float32 frames, times 157 at t = T
        assert before > 1e-3


def test_the_step_that_is_drawn_is_the_picked_points(app_url: str, open_page: Open) -> None:
    """Where it stands, where it is thought to end, the mean, where it goes; at the end there is no step."""
    root = timeline(open_page(f"{app_url}/sampling?N=12&pick=3&lang=en"))
    numbers = "root => Object.entries(root.timeline.numbers(1)).map(([name, values]) => [name, Array.from(values)])"
    root.evaluate("root => root.timeline.draw(5)")
    drawn = dict(root.evaluate(numbers))
    for part in ("x_t", "x0_hat", "mean", "x_s"):
        points = read(root, part).reshape(-1, 2)
        assert np.array_equal(drawn[f"step.{part}"], points[3]) and not np.allclose(points[3], points[4])
    root.evaluate("root => root.timeline.draw(12)")
    assert not [name for name, _values in root.evaluate(numbers) if name.startswith("step.")]


@pytest.mark.parametrize(
    "url",
    [
        "sampling?N=5&pick=3",
        "sampling?N=5&T=4000&pick=3",  # 1 / sqrt(alpha_bar_T) is 6 x 10^8
        "sampling?N=4&sampler=ddim&eta=0.5&pick=7",
        "sampling?data=digits&denoiser=network&N=4",
    ],
)
def test_the_formula_is_right_as_printed_and_no_step_begins_at_0(url: str, app_url: str, open_page: Open) -> None:
    """What is made of the printed numbers is the printed result, to one in its last digit, at every step."""
    root = timeline(open_page(f"{app_url}/{url}&lang=en"))
    last = int(root.evaluate("root => root.timeline.positions.length")) - 1

    def printed(position: int) -> dict[str, str]:
        root.evaluate("(root, p) => root.timeline.draw(p)", position)
        return dict(
            root.locator("mn[data-name]").evaluate_all("nodes => nodes.map(n => [n.dataset.name, n.textContent])")
        )

    def number(text: str) -> float:
        digits, _times, power = text.replace("−", "-").partition("×10")
        tens: float = 10 ** int(power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")) or 0)
        return float(digits) * tens

    for position in range(last):
        n = {name: number(text) for name, text in printed(position).items()}
        x0_hat = n["scale"] * (n["x_t_long"] - n["rest"] * n["eps_long"])
        if "digits" in url:
            x0_hat = min(1.0, max(-1.0, x0_hat))
        partner = n["eps"] if "ddim" in url else n["x_t"]
        assert abs(x0_hat - n["x0_hat"]) < 1.5e-3
        assert abs(n["first"] * partner + n["second"] * n["x0_hat"] - n["mean"]) < 2e-3
        assert abs(n["mean"] + n["sigma"] * n["z"] - n["x_s"]) < 1.5e-3
        assert abs(n["x_s"] - n["stored"]) < 1.5e-3
    assert set(printed(last).values()) == {"–"}


def test_a_click_picks_a_pixel_and_opens_its_numbers(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/add_noise?lang=en&t=250")
    root = timeline(page)
    canvas = root.locator("canvas").first
    box = canvas.bounding_box()
    assert box
    before = root.locator("[data-value]").evaluate_all("nodes => nodes.map(n => n.dataset.value)")
    canvas.click(position={"x": box["width"] * 0.38, "y": box["height"] * 0.11})
    after = root.locator("[data-value]").evaluate_all("nodes => nodes.map(n => n.dataset.value)")
    assert before != after
    numbers = [float(v) for v in after]
    assert any(abs(numbers[0] * a + numbers[2] * e - x) < 1e-6 for a in numbers for e in numbers for x in numbers)


def test_a_good_photo_is_shown(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/add_noise?lang=en&data=photo&t=0")
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:20], picture[20:] = (255, 0, 0), (0, 0, 255)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    )
    wait_until_idle(page)
    root = timeline(page)
    page.wait_for_function(f"root => root.timeline.read('x_t').length === {picture.size}", arg=root.element_handle())
    root.evaluate("root => root.timeline.draw(0)")
    assert np.abs(read(root, "x_t") - (picture.ravel() / 127.5 - 1)).max() < 1e-6


def half_a_picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()[:4000]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"this is no picture", "The file is"),
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "no picture that can be read"),
        (half_a_picture(), "cut short or damaged"),
    ],
)
def test_a_bad_photo_gives_one_sentence_and_the_page_goes_on(
    content: bytes, sentence: str, app_url: str, open_page: Open
) -> None:
    page = open_page(f"{app_url}/add_noise?lang=en&data=photo")
    page.locator("input[type=file]").set_input_files({"name": "bad.png", "mimeType": "image/png", "buffer": content})
    expect(page.get_by_test_id("stAlert").filter(has_text=sentence)).to_have_count(1, timeout=15_000)
    root = timeline(page)
    root.evaluate("root => root.timeline.draw(300)")
    expect(root).to_have_attribute("data-t", "300")
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_the_language_follows_the_browser_then_the_switch(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/add_noise?data=spiral", locale="zh-CN")
    chosen = page.get_by_test_id("stSelectbox").first.locator("input")
    expect(page.get_by_role("heading", level=1)).to_have_text("加噪")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    english, zh = ("English", "Add noise", "Spiral"), ("简体中文", "加噪", "螺线")
    for lang, title, data in (english, zh, english):
        page.get_by_test_id("stSidebar").get_by_text(lang, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(chosen).to_have_value(data)
    assert query(page) == {"lang": "en", "data": "spiral"}
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_test_id("stSidebarNav").get_by_text("Sample", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sample")


def test_the_link_that_is_copied_shows_the_same_view(app_url: str, open_page: Open) -> None:
    page = open_page(
        f"{app_url}/sampling?data=spiral&N=9&seed=3&t=444",
        locale="en-US",
        permissions=["clipboard-read", "clipboard-write"],
    )
    timeline(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert "lang=en" in link
    other = timeline(open_page(link, locale="zh-CN"))
    assert np.array_equal(read(timeline(page), "x_t"), read(other, "x_t"))


def test_a_mistake_turns_red_beside_the_truth_and_goes_again(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/add_noise?lang=en&open=E2")
    check = page.locator(".st-key-open_E2")
    lights, pictures = check.get_by_test_id("stAlert"), check.get_by_role("img", name="the red line")
    expect(lights).to_have_count(1)
    expect(lights).to_contain_text("Holds")
    check.get_by_text("no shrinking", exact=True).click()
    expect(lights.nth(1)).to_contain_text("Rejected, as it must be, by: z of the mean")
    expect(lights.first).to_contain_text("Holds")
    assert query(page)["try_E2"] == "3"
    for width in (1280, 390):  # beside each other, on a phone one below the other; of one size, in the frame
        page.set_viewport_size({"width": width, "height": 900})
        right, wrong = (pictures.nth(i).bounding_box() for i in (0, 1))
        assert right and wrong
        assert (abs(right["y"] - wrong["y"]) < 60) == (width == 1280) and right["width"] == wrong["width"]
        assert (right["x"] == wrong["x"]) == (width == 390) and 200 < right["width"] < width
    check.get_by_role("radio", name="As it is").click()
    expect(lights).to_have_count(1)


def test_a_run_can_be_taken_away(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/sampling?lang=en&N=4&data=eight_gaussians")
    root = timeline(page)
    with page.expect_download() as numbers:
        page.get_by_text("All the numbers (.npz)").click()
    with np.load(Path(numbers.value.path())) as stored:
        assert stored["t"].tolist() == [1000, 750, 500, 250, 0]
        root.evaluate("root => root.timeline.draw(2)")
        assert np.abs(read(root, "x_t") - stored["x"][2].ravel()).max() < 1e-6
        assert np.abs(read(root, "x0_hat") - stored["x0_hat"][2].ravel()).max() < 1e-5
    with page.expect_download() as animation:
        page.get_by_text("Animation (GIF)").click()
    with Image.open(Path(animation.value.path())) as film:
        assert isinstance(film, GifImageFile) and film.n_frames == 5
        film.seek(0)
        first = np.asarray(film.convert("RGB")).astype(int)
        film.seek(4)
        last = np.asarray(film.convert("RGB")).astype(int)
    assert np.abs(first - last).max() > 50
