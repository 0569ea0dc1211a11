"""Why latents?: what the page says is what the core computes; weights that are missing, cut or of another shape."""

import shutil
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from diffusion_core import cosine
from diffusion_core.checkpoint import save_autoencoder
from diffusion_core.latents import ancestral_from_noise
from diffusion_core.nets.autoencoder import AutoencoderConfig
from diffusion_core.nets.cost import FED, build, count
from diffusion_core.schedule import scaled_linear
from diffusion_core.shapes import SIDE
from pages.shared import latents, networks
from tests.pages.test_pages import open_page, words

MODELS = networks.MODELS


def bodies(app: AppTest, kind: str) -> str:
    return "\n".join(element.value for element in app.get(kind))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights that a test may spoil."""
    for file in (networks.AUTOENCODER, networks.SHAPES):
        if (MODELS / file).exists():
            shutil.copy(MODELS / file, tmp_path / file)
    monkeypatch.setattr(networks, "MODELS", tmp_path)
    return tmp_path


def test_the_numbers_of_the_scale_and_of_brightness() -> None:
    app = open_page("latent", lang="en")
    text = words(app)
    assert "**0.1411** in place of 0.004682" in text and "**1.1358** in place of 1" in text
    assert "keeps **0.567** of the deviation and **0.176** of the mean" in text
    app = open_page("latent", lang="en", s="1", lam="1")
    law = ancestral_from_noise(scaled_linear(1000), 10.0)
    text = words(app)
    assert "**0.004682** in place of 0.004682" in text and "**1.0000** in place of 1" in text
    assert f"keeps **{float(law.std_ratio):.3f}** of the deviation and **{1 + float(law.bias):.3f}**" in text


def test_the_table_of_costs_is_the_count() -> None:
    app = open_page("latent", lang="en")
    for fed in FED.values():
        work = count(build(fed), fed.shape)
        assert f"|{fed.positions:,}|{work.total:,}|{work.attention:,}|" in words(app)
    # 16 times fewer places: convolutions 16 times, attention's products 256 times cheaper
    pixels, packed = (count(build(FED[name]), FED[name].shape) for name in ("pixels", "packed_4"))
    assert pixels.attention == 256 * packed.attention
    assert 14 < pixels.layers / packed.layers < 16


def test_measuring_is_asked_for_and_says_how_much() -> None:
    app = open_page("latent", lang="en")
    assert "On this machine" not in words(app)
    next(button for button in app.button if button.label == "Measure on this machine").click()
    app.run()
    assert not app.exception and "On this machine a step in pixels takes" in words(app)


def test_pca_at_a_press() -> None:
    app = open_page("latent", lang="en")
    next(button for button in app.button if button.label.startswith("Compare with PCA")).click()
    app.run()
    assert not app.exception and "PCA, 256 numbers" in bodies(app, "html")
    coder = networks.autoencoder()
    assert coder is not None
    found = latents.compressed(0, True, "x", coder)
    sizes = dict(zip(latents.CODE_SIZES, latents.decibels(), strict=True))
    assert found.psnr > sizes[256] + 5  # the network's code of 256 numbers is far better than PCA's
    assert sizes[16] < sizes[256] < sizes[1024]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_scene_that_cannot_be_drawn_is_one_sentence(lang: str) -> None:
    for prompt in ("a zebra", "", "x" * 10_000, "red circle blue star green ring"):
        app = open_page("latent", lang=lang, prompt=prompt)
        assert len(app.error) == 1 and "\n" not in app.error[0].value and len(app.error[0].value) < 600
        assert latent_default in bodies(app, "caption")


latent_default = "a large red star at the top left"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_missing_and_damaged_weights(models: Path, lang: str) -> None:
    (models / networks.SHAPES).unlink(missing_ok=True)
    app = open_page("latent", lang=lang)
    assert len(app.info) == 1 and networks.SHAPES in app.info[0].value and not app.error
    coder = models / networks.AUTOENCODER
    whole = coder.read_bytes()
    coder.write_bytes(whole[: len(whole) // 2])
    app = open_page("latent", lang=lang)
    assert len(app.error) == 1
    save_autoencoder(coder, AutoencoderConfig(8, latent=8).build())
    app = open_page("latent", lang=lang)
    assert len(app.error) == 1 and "8" in app.error[0].value
    coder.unlink()
    app = open_page("latent", lang=lang)
    assert len(app.info) == 2 and not app.error


def test_the_way_begins_with_the_picture_and_ends_in_noise() -> None:
    coder = networks.autoencoder()
    assert coder is not None
    schedule = cosine(1000)
    made = latents.way("a small blue ring on the right", 3, 10, "test", schedule, None, coder)
    assert made.positions == (0, *range(100, 1001, 100)) and made.back is None
    x0 = torch.from_numpy(made.x0).permute(2, 0, 1)[None]
    assert torch.allclose(coder.encode(x0)[0], torch.from_numpy(made.z0), atol=1e-4)
    decoded = torch.from_numpy(made.out[0]).permute(2, 0, 1) / 127.5 - 1
    assert (decoded - x0[0]).square().mean() < 0.01  # t = 0: the picture again
    ends = torch.from_numpy(made.out[-1]).permute(2, 0, 1) / 127.5 - 1
    assert (ends - x0[0]).square().mean() > 0.1
    assert made.out.shape == (11, SIDE, SIDE, 3)
    again = latents.way("a small blue ring on the right", 4, 10, "test", schedule, None, coder)
    assert not (again.x0 == made.x0).all()
