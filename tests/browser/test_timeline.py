"""The timeline as it is drawn: the numbers of its panels are the core's, at each t and on each screen."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator, expect

from diffusion_core import linear, q_sample
from pages.shared import timeline as tl
from tests.browser.apps import timeline_app as app
from tests.browser.conftest import DEMO
from tests.browser.demo import Open, Show, constant, heard, read
from tests.timeline.golden import cell_means, core_law

pytestmark = pytest.mark.browser

SCHEDULE = linear(T=app.T)

TIMES = (0, 500)  # that the panels are wired to the right numbers; the numbers of other t are compared under node


@pytest.fixture(scope="module")
def scene(serve: Callable[[Path], str], open_shared_page: Open) -> Callable[[str], Locator]:
    """The root of a scene's timeline on a page that the tests share; none of them lets Python hear of anything."""
    roots: dict[str, Locator] = {}

    def shared_scene(name: str) -> Locator:
        if name not in roots:
            roots[name] = open_shared_page(f"{serve(DEMO)}/?scene={name}").locator(".timeline[data-t]")
            expect(roots[name]).to_have_count(1)
        return roots[name]

    return shared_scene


def draw(root: Locator, position: int) -> None:
    root.evaluate("(root, p) => root.timeline.draw(p)", position)
    expect(root).to_have_attribute("data-position", str(position))


def numbers(root: Locator, panel: int) -> dict[str, np.ndarray]:
    """The numbers that a panel drew last."""
    script = "(root, i) => Object.entries(root.timeline.numbers(i)).map(([name, v]) => [name, Array.from(v)])"
    return {name: np.array(values) for name, values in root.evaluate(script, panel)}


def test_points_density_and_field_are_the_cores(scene: Callable[[str], Locator]) -> None:
    root = scene("points")
    demo, law = app.points(), app.mixture()
    x0, eps = (torch.from_numpy(constant(demo, name)) for name in ("x0", "eps"))
    edges = np.linspace(-3, 3, 97)
    centres = (np.arange(17) + 0.5) * 6 / 17 - 3
    grid = torch.from_numpy(np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2))
    for t in TIMES:
        draw(root, t)
        drawn, plane = read(root, "x_t"), numbers(root, 0)
        expected = q_sample(SCHEDULE, x0, t, eps).numpy().ravel()
        np.testing.assert_allclose(drawn, expected, atol=1e-6, rtol=0)
        density = cell_means(law, t, edges).ravel()
        np.testing.assert_allclose(plane["density"], density, atol=1e-6, rtol=0)
        if t > 0:
            field = core_law(law).at(SCHEDULE, t).eps(grid).numpy().ravel()
            np.testing.assert_allclose(plane["field"], field, atol=1e-6, rtol=1e-6)
            assert np.abs(plane["field"] - np.roll(field, 1)).max() > 1e-3
        wrong = q_sample(SCHEDULE, x0, max(1, t) - 1 if t else 1, eps).numpy().ravel()  # the table off by one
        assert np.abs(drawn - wrong).max() > 1e-6
        assert np.abs(plane["density"] - cell_means(law, t, edges + 0.01).ravel()).max() > 1e-6


def test_path_is_the_way_of_the_picked_point(scene: Callable[[str], Locator]) -> None:
    root = scene("points")
    demo = app.points()
    signal = app.alpha_bar()[:, None]
    way = np.sqrt(signal) * constant(demo, "x0")[0] + np.sqrt(1 - signal) * constant(demo, "eps")[0]
    np.testing.assert_allclose(numbers(root, 0)["path"], way.ravel(), atol=1e-6, rtol=0)
    assert np.abs(numbers(root, 0)["path"] - way[::-1].ravel()).max() > 0.1


@pytest.mark.parametrize(("name", "panel", "component"), [("points", 1, 0), ("pictures", 2, None)])
def test_histogram_and_its_exact_curve(
    scene: Callable[[str], Locator], name: str, panel: int, component: int | None
) -> None:
    root = scene(name)
    histogram = app.SCENES[name]().panels[panel]
    assert isinstance(histogram, tl.Histogram) and histogram.density is not None
    width, edges = 8 / 60, np.linspace(-4, 4, 61)
    for t in TIMES[1:]:  # at t = 0 a grey level is an atom, and one on an edge may go to either side
        draw(root, t)
        values = read(root, "x_t")
        if component is not None:
            values = values.reshape(-1, 2)[:, component]
        drawn = numbers(root, panel)
        assert abs(drawn["heights"].sum() * width - np.mean(np.abs(values) < 4)) < 1e-9
        inside = np.abs((values + 4) / width % 1 - 0.5) < 0.4999  # a value on an edge may go to either side
        counts = np.histogram(values[inside], edges)[0] / len(values) / width
        assert np.abs(drawn["heights"] - counts).sum() * width <= np.mean(~inside) + 1e-9
        windows = [cell_means(histogram.density, t, x + np.array([-width / 2, width / 2]))[0] for x in edges]
        np.testing.assert_allclose(drawn["curve"][::4], windows, atol=1e-6, rtol=0)
        assert np.abs(drawn["curve"][4::4] - windows[:-1]).max() > 1e-3


def test_pictures_are_the_pixels_of_x_t(scene: Callable[[str], Locator]) -> None:
    root = scene("pictures")
    demo = app.pictures()
    x0, eps = (torch.from_numpy(constant(demo, name)) for name in ("x0", "eps"))
    pixels = "canvas => Array.from(canvas.getContext('2d').getImageData(30, 60, 28, 28).data)"  # row 2, column 1
    seen = []
    for t in (0, 300, 1000):
        draw(root, t)
        x_t = q_sample(SCHEDULE, x0, t, eps).numpy()
        expected = np.floor(np.clip((x_t[9] + 1) * 127.5, 0, 255) + 0.5)
        shown = np.array(root.locator(".images canvas").first.evaluate(pixels)).reshape(-1, 4)
        assert np.abs(shown[:, 0] - expected).max() <= 1 and np.mean(shown[:, 0] == expected) > 0.99
        assert (shown[:, :3] == shown[:, :1]).all() and (shown[:, 3] == 255).all()
        guess = demo.tracks["guess"]
        assert isinstance(guess, tl.Frames)
        np.testing.assert_allclose(read(root, "guess"), guess.values[t].ravel() / 127.5 - 1, atol=1e-6)
        later = q_sample(SCHEDULE, x0, min(t + 1, app.T), eps).numpy().ravel()
        np.testing.assert_allclose(read(root, "next"), later, atol=1e-6, rtol=0)
        seen.append(shown[:, 0])
    assert np.abs(seen[0] - seen[2]).mean() > 20, "another t must be another picture"


def test_a_photo_keeps_its_channels_apart(show: Show) -> None:
    _, root = show("scene=photo&t=400")
    demo = app.photo()
    x_t = q_sample(SCHEDULE, torch.from_numpy(constant(demo, "x0")), 400, torch.from_numpy(constant(demo, "eps")))
    expected = np.clip((x_t.numpy().reshape(512, 512, 3)[100:110, 200:210] + 1) * 127.5, 0, 255)
    pixels = "canvas => Array.from(canvas.getContext('2d').getImageData(200, 100, 10, 10).data)"
    shown = np.array(root.locator(".images canvas").evaluate(pixels)).reshape(10, 10, 4)[..., :3]
    assert np.abs(shown - expected).max() <= 1
    assert np.abs(shown[..., ::-1] - expected).max() > 1


def test_formula_and_curves_show_the_numbers_at_t(scene: Callable[[str], Locator]) -> None:
    root = scene("points")
    draw(root, 500)
    signal = app.alpha_bar()[500]
    values = {
        name: float(root.locator(f"mn[data-name={name}]").get_attribute("data-value") or "nan") for name in app.PROBED
    }
    assert abs(values["a"] - np.sqrt(signal)) < 1e-12 < abs(values["a"] - np.sqrt(app.alpha_bar()[499]))
    assert abs(values["x_t"] - (values["a"] * values["x0"] + values["b"] * values["eps"])) < 1e-12
    assert abs(values["x_t"] - read(root, "x_t")[0]) < 1e-12
    assert abs(numbers(root, 2)["signal ᾱ_t"][0] - signal) < 1e-12
    assert abs(numbers(root, 3)["second coordinate"][0] - read(root, "x_t")[1]) < 1e-12
    expect(root.locator("mn[data-name=a]")).to_have_text(f"{np.sqrt(signal):#.4g}")
    draw(root, 1000)
    expect(root.locator(".lines .value").first).to_have_text("4.036×10⁻⁵")  # alpha_bar_1000, DDPM section 4
    minus = root.locator("mn[data-name=x_t]").text_content() or ""
    assert "-" not in minus, "a minus sign is not a hyphen"


def test_curves_over_x_are_their_formulas(scene: Callable[[str], Locator]) -> None:
    root = scene("curves")
    demo = app.curves()
    stored = demo.panels[1]
    assert isinstance(stored, tl.Curves) and isinstance(stored.series[0], tl.Curve)
    for position in (0, 3, 8):
        draw(root, position)
        sigma = app.SIGMAS[position]
        expect(root).to_have_attribute("data-t", str(sigma).removesuffix(".0"))
        x = np.linspace(-4 - sigma, 4 + sigma, 401)
        drawn = numbers(root, 0)
        bell = np.exp(-((x - 1 - sigma / 2) ** 2) / (2 * (sigma**2 + 0.01)))
        np.testing.assert_allclose(drawn["bell"], bell, atol=1e-6, rtol=0)
        assert np.abs(drawn["bell"] - np.sqrt(bell)).max() > 1e-3, "not the standard deviation for the variance"
        z = 1 + sigma * constant(demo, "eps")
        np.testing.assert_allclose(read(root, "z"), z, atol=1e-6)
        np.testing.assert_allclose(read(root, "square"), z**2, atol=1e-5)
        np.testing.assert_allclose(read(root, "scaled"), (1 + sigma / 2) * z, atol=1e-5)
        assert drawn["spike"].sum() == 1 and abs(x[drawn["spike"].argmax()] - 1) < 0.03
        np.testing.assert_allclose(numbers(root, 1)["stored"], stored.series[0].values[position], atol=1e-6)


def test_a_slider_of_another_quantity(show: Show) -> None:
    page, root = show("scene=curves&t=1")
    slider = page.get_by_role("slider")
    slider.press("ArrowRight")
    expect(root).to_have_attribute("data-t", "1.25")
    heard(page, "t=1.25 position=5 pick=None heard=1")
    slider.press("End")
    heard(page, "t=2 position=8 pick=None heard=2")


def test_stored_frames_and_positions_that_repeat(show: Show) -> None:
    page, root = show("scene=there_and_back&t=0")
    demo = app.there_and_back()
    walk, plane = demo.tracks["walk"], demo.panels[0]
    assert isinstance(walk, tl.Frames) and isinstance(plane, tl.Plane)
    density, field = plane.layers[0], plane.layers[1]
    assert isinstance(density, tl.DensityFrames) and isinstance(field, tl.Field)
    for position in (3, 17):
        draw(root, position)
        expect(root).to_have_attribute("data-t", "3")
        np.testing.assert_allclose(read(root, "walk"), walk.values[position].ravel(), atol=1e-6)
        drawn = numbers(root, 0)
        np.testing.assert_allclose(drawn["density"], density.values[position].ravel(), atol=1e-6)
        np.testing.assert_allclose(drawn["field"], np.asarray(field.source)[position].ravel(), atol=1e-6)
    slider = page.get_by_label("Timestep t").and_(page.get_by_role("slider"))
    slider.press("ArrowRight")
    heard(page, "t=2 position=18 pick=None heard=2")  # t and the place: two values sent
    slider.press("Home")
    heard(page, "t=0 position=0 pick=None heard=3")


def brightness(root: Locator) -> float:
    """Mean brightness of what the plane shows."""
    script = """canvas => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let sum = 0;
        for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
        return sum / data.length / 0.75;
    }"""
    return float(root.locator(".plane canvas").evaluate(script))


def contrast(root: Locator) -> float:
    """Of the numbers at a chart's axis of y against the page, by WCAG's definition."""
    shot = (
        np.asarray(Image.open(io.BytesIO(root.locator(".histogram canvas").screenshot())).convert("RGB"))[:, :34] / 255
    )
    linear_light = np.where(shot <= 0.04045, shot / 12.92, ((shot + 0.055) / 1.055) ** 2.4)
    luminance = linear_light @ [0.2126, 0.7152, 0.0722]
    return float((luminance.max() + 0.05) / (luminance.min() + 0.05))


def test_light_and_dark_follow_the_page(show: Show) -> None:
    _, light = show("scene=points", color_scheme="light")
    _, dark = show("scene=points", color_scheme="dark")
    assert not light.evaluate("root => root.classList.contains('dark')")
    assert dark.evaluate("root => root.classList.contains('dark')")
    for root in (light, dark):
        assert contrast(root) >= 4.5, "the numbers at the axes"
    assert brightness(light) > 150
    assert brightness(dark) < 120


@pytest.mark.parametrize("scene", ["points", "pictures", "photo", "there_and_back"])
def test_a_phone_shows_it_whole(show: Show, scene: str) -> None:
    page, root = show(f"scene={scene}", width=390, height=800, has_touch=True)
    sizes = page.get_by_test_id("stMain").evaluate("main => [main.scrollWidth, main.clientWidth]")
    assert sizes[0] <= sizes[1] == 390
    for panel in root.locator(".panel").all():
        box = panel.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    for control in [*root.locator(":is(.buttons, .tools, .corner) button:visible").all(), page.get_by_role("slider")]:
        box = control.bounding_box()
        assert box is not None and box["height"] >= 40 and box["width"] >= 40
    slider = page.get_by_role("slider").bounding_box()
    assert slider is not None and slider["width"] > 340, "the slider has a row of its own"


def test_canvases_are_labelled_and_crisp(show: Show) -> None:
    _, root = show("scene=points", device_scale_factor=2)
    names = [canvas.get_attribute("aria-label") for canvas in root.locator("canvas[role=img]").all()]
    assert names == [panel.title for panel in app.points().panels[:3]]
    ratio = root.locator(".plane canvas").evaluate("canvas => canvas.width / canvas.clientWidth")
    assert abs(ratio - 2) < 0.01


def test_a_play_stops_at_the_end_and_starts_over(show: Show) -> None:
    page, root = show("scene=there_and_back&t=0")
    root.locator(".speed").select_option("4")
    page.get_by_role("button", name="Play").click()
    heard(page, "t=0 position=20 pick=None heard=1")  # the place alone: t is 0 again
    page.get_by_role("button", name="Play").click()
    expect(root).not_to_have_attribute("data-position", "20")


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_it_plays_by_itself_unless_motion_is_unwelcome(show: Show, motion: str, moves: bool) -> None:
    _, root = show("scene=points&autoplay=1", reduced_motion=motion)
    if moves:
        expect(root.get_by_role("button", name="Pause")).to_be_visible()
        expect(root).not_to_have_attribute("data-t", "250")
    else:
        expect(root.get_by_role("button", name="Play")).to_be_visible()
        expect(root).to_have_attribute("data-t", "250")


def test_a_damaged_blob_is_one_sentence(serve: Callable[[Path], str], open_page: Open) -> None:
    page = open_page(f"{serve(DEMO)}/?scene=damaged")
    alert = page.locator(".timeline").get_by_role("alert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("arrived damaged; reload the page.")
    expect(page.locator(".timeline canvas")).to_have_count(0)
