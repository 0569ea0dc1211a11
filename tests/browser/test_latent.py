"""Why latents?, in the browser: both ways out are the closed form, and what is decoded is the decoder's picture."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Page

from diffusion_core import cosine
from pages.latent import runs
from pages.shared import weights
from tests.browser.test_lessons import read

pytestmark = pytest.mark.browser
PROMPT = "a large red star at the top left"


def test_out_is_the_closed_form_in_pixels_and_in_latents(app_url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{app_url}/latent?lang=en&N=10&t=300&seed=2", height=1400)
    root = page.locator(".st-key-latent-picture .timeline[data-t]")
    root.wait_for()
    model = weights.AUTOENCODER.get()
    assert model is not None
    coder = model.network
    schedule = cosine(1000)
    made = runs.way(PROMPT, 2, 10, net=None, coder=model)
    for t in (300, 700):
        if t != 300:
            slider = root.locator("input[type=range]").first
            slider.focus()
            for _ in range(4):  # positions are 100 apart
                slider.press("ArrowRight")
        assert float(root.get_attribute("data-t") or "nan") == t
        a, b = float(schedule.sqrt_alpha_bar[t]), float(schedule.sqrt_one_minus_alpha_bar[t])
        x_t, z_t, out = (read(root, track) for track in ("x_t", "z_t", "out"))
        assert np.abs(x_t - (a * made.x0 + b * made.eps).reshape(-1)).max() < 1e-5
        assert np.abs(z_t - (a * made.z0 + b * made.eps_z).reshape(-1)).max() < 1e-5
        assert np.abs(z_t - (b * made.z0 + a * made.eps_z).reshape(-1)).max() > 0.1  # the roots exchanged
        with torch.no_grad():
            decoded = coder.decode(torch.from_numpy(z_t.reshape(1, 4, 8, 8)).float())[0].clamp(-1, 1)
        assert np.abs(out - decoded.permute(1, 2, 0).reshape(-1).numpy()).max() < 0.02  # of 256 levels
