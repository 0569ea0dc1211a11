"""Inside the network in Chromium: what is drawn of the words, from one network to the other, the overview by hand."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

from diffusion_core.data.captions import parse
from diffusion_core.data.scenes import draw
from diffusion_core.forward import q_sample
from diffusion_core.nets.text import tokenize
from diffusion_core.training.checkpoint import load_autoencoder, load_denoiser
from pages.shared import weights as shipped
from tests.browser.conftest import wait_until_idle
from tests.browser.test_lessons import query, read, timeline

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
PROMPT = "a blue star above a large green square"


def weights(block: str, seed: int, t: int) -> np.ndarray:
    """How much each place looks at each word, (words, places), the mean over the heads."""
    network, autoencoder = load_denoiser(shipped.SHAPES.path), load_autoencoder(shipped.AUTOENCODER.path)
    maps: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        z0 = autoencoder.encode(draw([parse(PROMPT)], torch.Generator().manual_seed(seed)))
        eps = torch.randn(z0.shape, generator=torch.Generator().manual_seed(seed))
        network(q_sample(network.schedule, z0, t, eps), t, tokenize([PROMPT]), maps)
    return maps[f"{block}_weights"][0].mean(0).T[:9].numpy()


@pytest.mark.skipif(not shipped.SHAPES.path.exists(), reason="the weights are not installed")
@pytest.mark.parametrize(("block", "side"), [("up_0_0_words", 8), ("middle_words", 4)])
def test_the_tiles_of_the_words_are_what_the_core_computes(
    block: str, side: int, app_url: str, open_page: Open
) -> None:
    root = timeline(open_page(f"{app_url}/unet?lang=en&net=text&seed=2&t=400&block={block}"))
    for position, t in ((20, 400), (45, 900)):
        root.evaluate("(root, p) => root.timeline.draw(p)", position)
        tiles = read(root, "looks").reshape(9, 32, 32)[:, :: 32 // side, :: 32 // side].reshape(9, -1)
        expected = weights(block, 2, t)
        top = tiles.max()  # lighter than white is white
        assert np.abs(tiles - np.minimum(expected, top)).max() < top / 200
        assert np.abs(tiles - np.minimum(weights(block, 3, t), top)).max() > top / 20


def test_from_one_network_to_the_other_and_back(app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/unet?lang=en&block=down_1_0_attention")
    timeline(page)
    page.get_by_text("reads text, draws latents", exact=True).click()
    expect(page).to_have_url(re.compile("net=text"))
    wait_until_idle(page)
    expect(page.locator(".timeline")).to_contain_text("128 feature maps, 4 × 4")
    assert query(page)["block"] == "down_1_0_attention"
    expect(page.get_by_role("textbox", name="Prompt")).to_have_value(PROMPT)
    page.get_by_text("draws digits", exact=True).click()
    expect(page.get_by_role("textbox", name="Prompt")).to_have_count(0)
    wait_until_idle(page)
    timeline(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize(("figure", "shape"), [("real", "320 × 64 × 64"), ("small", "64 × 8 × 8")])
def test_a_part_of_the_overview_says_its_shape(figure: str, shape: str, app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/unet?lang=en&open=stable_diffusion")
    plot = page.locator(f".st-key-overview_{figure} .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    wait_until_idle(page)
    box = plot.bounding_box()
    assert box
    x = box["x"] + box["width"] * 1.6 / 10.6  # the second stack of the first row
    expect(plot.locator(".shapelayer path").first).to_be_visible()
    page.mouse.move(x, box["y"] + 96)
    page.mouse.move(x + 1, box["y"] + 97)
    said = plot.locator(".hovertext")
    expect(said).to_contain_text(shape)
    expect(said).to_contain_text("residual block")
    expect(said).to_contain_text({"real": "64 × 8 × 8", "small": "320 × 64 × 64"}[figure])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_with_text_the_page_is_no_wider_than_a_phone(lang: str, app_url: str, open_page: Open) -> None:
    page = open_page(f"{app_url}/unet?lang={lang}&net=text", width=390, height=844, reduced_motion="reduce")
    timeline(page)
    script = "[document.documentElement, document.querySelector('[data-testid=stMainBlockContainer]')]"
    assert max(page.evaluate(f"{script}.map(element => element.scrollWidth)")) <= 390
