"""The lesson on training in Chromium: a run is started, paused, found again after a reload, and taken away."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.training.checkpoint import load_denoiser, load_training
from tests.browser.conftest import open_more, wait_until_idle

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
SHIPPED = Path(__file__).parents[2] / "assets" / "models" / "points_eight_gaussians.safetensors"
QUICK = "lang=en&width=16&T=100"


def says(page: Page, text: str, timeout: float = 60_000) -> None:
    expect(page.get_by_test_id("stMarkdown").filter(has_text=text).first).to_be_visible(timeout=timeout)


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=False).filter(has_text=name).click()


def read(page: Page, timeline: int, track: str) -> np.ndarray:
    root = page.locator(".timeline[data-t]").nth(timeline)
    return np.array(root.evaluate("(root, name) => Array.from(root.timeline.read(name))", track))


def test_the_shipped_run_is_there_at_once(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/training?lang=en")
    says(page, "After 8,000 steps the loss on new draws is 0.2")
    expect(page.locator(".timeline[data-t]")).to_have_count(2)
    loss, floor, distance = (read(page, 0, name)[0] for name in ("loss", "floor", "distance"))
    assert 0 < distance < 0.05 * floor
    assert abs(loss - floor - distance) < 0.1 * floor
    expect(page.get_by_role("button", name="Reset")).to_have_count(0)


def test_a_run_goes_on_without_its_page_and_a_reload_finds_it(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/training?{QUICK}&steps=600&data=two_moons")
    button(page, "Train")
    expect(page).to_have_url(re.compile(r"run=[0-9a-f]{12}"))
    says(page, "Two moons · linear (DDPM), T = 100 · predicts ε · width 16 · 600 steps")
    page.reload()
    says(page, "After 600 steps the loss on new draws is")
    wait_until_idle(page)
    other = open_page(page.url)  # another visitor, with the link
    says(other, "After 600 steps the loss on new draws is")
    assert np.array_equal(read(other, 1, "samples"), read(page, 1, "samples"))
    assert "step=" not in page.url
    button(page, "Reset")
    says(page, "After 8,000 steps")
    expect(page).not_to_have_url(re.compile("run="))
    expect(page.get_by_role("button", name="Reset")).to_have_count(0)


def test_pause_take_away_resume(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/training?{QUICK}&steps=4000")
    button(page, "Train")
    says(page, "width 16 · 4,000 steps")
    button(page, "Pause")
    expect(page.get_by_test_id("stProgress")).to_contain_text("paused", timeout=30_000)
    page.get_by_text("Save and load").click()
    with page.expect_download() as run:
        page.get_by_text("The run, to go on from").click()
    snapshot = load_training(Path(run.value.path()).read_bytes())
    assert isinstance(snapshot.config.net, MLPConfig)
    assert 0 < snapshot.step < 4000 and snapshot.config.net.width == 16
    with page.expect_download() as network:
        page.get_by_text("The network (.safetensors)").click()
    assert load_denoiser(Path(network.value.path()).read_bytes()).schedule.T == 100
    button(page, "Resume")
    expect(page.get_by_test_id("stProgress")).not_to_contain_text("paused", timeout=30_000)
    button(page, "Stop")
    expect(page.get_by_role("button", name="Train")).to_be_visible(timeout=30_000)


def test_a_learning_rate_of_100_is_one_sentence(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/training?{QUICK}&lr=100&steps=200")
    button(page, "Train")
    alert = page.get_by_test_id("stAlert").filter(has_text="Training diverged before step")
    expect(alert).to_have_count(1, timeout=30_000)
    expect(page.locator(".timeline[data-t]")).to_have_count(2)


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"\x80\x04K\x01.", "no safetensors file"), (b"", "no safetensors file")]
)
def test_a_bad_file_is_one_sentence_and_the_page_goes_on(
    content: bytes, sentence: str, app_url: str, open_page: Open
) -> None:
    page = open_page(f"{app_url}/training?{QUICK}")
    page.get_by_text("Save and load").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "bad.safetensors", "mimeType": "application/octet-stream", "buffer": content}
    )
    expect(page.get_by_test_id("stAlert").filter(has_text=sentence)).to_have_count(1, timeout=30_000)
    says(page, "After 8,000 steps")


def test_the_visitors_network_is_sampled_with(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/training?{QUICK}&steps=300&data=two_moons")
    button(page, "Train")
    says(page, "After 300 steps the loss on new draws is")
    wait_until_idle(page)
    page.get_by_role("link", name="Sample with this network").click()
    expect(page).to_have_url(re.compile(r"/sampling\?.*run=[0-9a-f]{12}"))
    says(page, "Your network, after 300 steps")
    says(page, "Data of the network: Two moons")
    wait_until_idle(page)
    assert np.abs(read(page, 0, "eps") - read(page, 0, "eps_star")).max() > 0.05
    shown = read(page, 0, "x_t")
    other = open_page(page.url)  # another visitor, with the link
    says(other, "Your network, after 300 steps")
    assert np.array_equal(read(other, 0, "x_t"), shown)
    button(page, "Another network")
    expect(page).not_to_have_url(re.compile("run="))
    button(page, "Back to the network before")
    says(page, "Your network, after 300 steps")

    button(page, "Another network")
    upload = page.locator("input[type=file]")
    upload.set_input_files({"name": "bad.safetensors", "mimeType": "application/octet-stream", "buffer": b"no"})
    expect(page.get_by_test_id("stAlert").filter(has_text="no safetensors file")).to_have_count(1, timeout=30_000)
    upload.set_input_files(SHIPPED)
    expect(page).to_have_url(re.compile("run="))
    open_more(page)
    says(page, "Schedule of the network: linear (DDPM), T = 1000")
