"""Why latents?: the way out and back, odd URLs, files that are missing, damaged or of another shape, its numbers."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from diffusion_core import scaled_linear
from diffusion_core.claims import autoencoder, latent
from diffusion_core.claims.autoencoder import linear_code
from diffusion_core.data.scenes import captioned_shapes
from diffusion_core.files import MODELS
from diffusion_core.laws.from_noise import ancestral_from_noise, latent_variance, terminal_snr
from diffusion_core.nets.autoencoder import AutoencoderConfig, psnr
from diffusion_core.nets.cost import FED, build, count
from diffusion_core.training.checkpoint import load_autoencoder, save_autoencoder
from pages.latent import recipe, runs
from pages.shared import weights
from pages.shared.typography import typeset
from tests.pages.opening import blobs, elements, open_page, run_code, spec_of, tracks, words

MISSING_NETWORK = "The network that reads text is not installed (assets/models/shapes_unet.safetensors is missing)"
MISSING_CODER = "The autoencoder is not installed (assets/models/shapes_autoencoder.safetensors is missing)"


def page(**url: str) -> AppTest:
    return open_page("latent", **{"lang": "en", "N": "3", **url})


def said(app: AppTest) -> list[str]:
    return [e.value for e in elements(app, "info", "error", "warning")]


# --- the way --------------------------------------------------------------------------------------------------------


def test_out_and_back_are_shown_and_the_blob_is_small(models: Path) -> None:
    app = page(N="25")
    assert len(blobs(app)[-1]) < 2_000_000
    assert {"x_t", "z_t", "out", "guess", "back_z", "back"} <= set(spec_of(app)["tracks"])
    arrays = tracks(app)
    assert any(values.shape[0] == 26 for values in arrays.values() if values.ndim), "25 steps and the end"


def test_a_scene_that_cannot_be_read_is_one_sentence(models: Path) -> None:
    app = page(prompt="a red dog")
    assert any("dog" in e.value for e in app.error)
    assert app.get("bidi_component")
    assert not any("dog" in e.value for e in page(prompt="a red star").error)


@pytest.mark.parametrize("prompt", ["", "   ", "red", "a " * 5000, "<b>star</b>", "扩散"])
def test_odd_scenes(prompt: str, models: Path) -> None:
    assert page(prompt=prompt).get("bidi_component")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ({"N": "1"}, "N in the URL is '1'; it must be a whole number from 2 to 50."),
        ({"s": "0"}, "s in the URL is '0'; it must be a number from 0.1 to 8.0."),
        ({"lam": "nan"}, "lam in the URL is 'nan'; it must be a number from 0.0 to 4.0."),
        ({"t": "1001"}, "t in the URL is '1001'; it must be a whole number from 0 to 1000."),
    ],
)
def test_a_number_that_is_not_allowed_is_one_sentence(url: dict[str, str], sentence: str, models: Path) -> None:
    notes = [w.value for w in page(open="all", **url).warning if " in the URL is " in w.value]
    assert len(notes) == 1
    assert notes[0].startswith(sentence)


def test_the_recipe_prints_the_deviations_of_what_the_page_shows(models: Path) -> None:
    """At each position, of pixels and of latents, as the browser works them out of the page's tracks."""
    app = page(N="5", seed="3", open="code")
    shown, spec = tracks(app), spec_of(app)
    printed = re.findall(r"t = +(\d+): deviation of x_t ([\d.]+), of z_t ([\d.]+)", run_code(app))
    assert len(printed) == 6

    def deviation(track: str, k: int, a: str = "a", b: str = "b") -> str:
        x0, eps, of = shown[f"{track}.first"], shown[f"{track}.second"], spec["tracks"][track]
        return f"{(shown[of[a]][k] * x0 + shown[of[b]][k] * eps).std(ddof=1):.2f}"

    assert [(x, z) for _t, x, z in printed] == [(deviation("x_t", k), deviation("z_t", k)) for k in range(6)]
    assert [x for _t, x, _z in printed] != [deviation("x_t", k, "b", "a") for k in range(6)], "the roots exchanged"
    assert "made:" in run_code(app)
    (models / weights.SHAPES.file).unlink()
    assert "made:" not in run_code(page(N="5", seed="3", open="code"))


def test_the_way_back_is_the_recipes(models: Path) -> None:
    model, coder = weights.SHAPES.get(), weights.AUTOENCODER.get()
    assert model is not None and coder is not None
    made = runs.way(recipe.PROMPT, 2, 4, net=model, coder=coder)
    assert made.back is not None
    timesteps = model.network.schedule.timesteps(4, spacing="trailing")
    one = recipe.start(recipe.PROMPT, 2, coder.network)
    for k, step in enumerate(recipe.back(model.network, recipe.PROMPT, one.z_T, timesteps)):
        assert np.abs(made.back.z[len(timesteps) - k] - step.x_t[0].numpy()).max() < 1e-6
    assert np.abs(made.back.z[0] - step.x_s[0].numpy()).max() < 1e-6
    assert np.abs(made.back.z[0] - one.z0[0].numpy()).max() > 0.1, "other noise, another picture"


# --- files ----------------------------------------------------------------------------------------------------------


def test_without_the_network_there_is_no_way_back_and_one_sentence(models: Path) -> None:
    (models / weights.SHAPES.file).unlink()
    app = page()
    assert sum(MISSING_NETWORK in one for one in said(app)) == 1
    spec = spec_of(app)
    assert {"x_t", "z_t", "out"} <= set(spec["tracks"])
    assert "back" not in spec["tracks"]


def test_without_the_autoencoder_what_needs_none_is_shown(models: Path) -> None:
    (models / weights.AUTOENCODER.file).unlink()
    app = page(open="all")
    assert sum(MISSING_CODER in one for one in said(app)) == 1
    assert {name for name in spec_of(app)["tracks"] if "." not in name} == {"x_t"}
    assert "**0.1411** in place of 0.004682" in words(app)
    assert "128 new pictures" not in words(app)


@pytest.mark.parametrize("name", [weights.AUTOENCODER.file, weights.SHAPES.file])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_file_cut_short_is_one_sentence(name: str, lang: str, models: Path) -> None:
    whole = (models / name).read_bytes()
    (models / name).write_bytes(whole[: len(whole) // 2])
    app = page(lang=lang)
    assert len(app.error) == 1
    assert ("file" in app.error[0].value) == (lang == "en")


def test_weights_of_another_shape_are_one_sentence(models: Path) -> None:
    save_autoencoder(models / weights.AUTOENCODER.file, AutoencoderConfig(8, latent=2).build())
    app = page()
    assert [e.value for e in app.error] == ["The autoencoder must make latents of 4 channels; it makes 2."]
    (models / weights.AUTOENCODER.file).write_bytes((MODELS / weights.AUTOENCODER.file).read_bytes())
    (models / weights.SHAPES.file).write_bytes((MODELS / weights.DIGITS.file).read_bytes())
    app = page()
    assert [e.value for e in app.error] == ["The network reads no text: it was trained without."]
    assert app.get("bidi_component"), "the way out needs no network"


# --- numbers --------------------------------------------------------------------------------------------------------


def test_the_table_of_work_is_what_is_counted(models: Path) -> None:
    shown = words(page(open="cost"))
    for name, fed in FED.items():
        work = count(build(fed), fed.shape)
        assert f"| {fed.positions:,} | {work.total:,} | {work.attention:,} |" in shown, name


def test_times_are_measured_at_a_press_only(models: Path) -> None:
    app = page(open="cost")
    assert "On this machine a step" not in words(app)
    next(b for b in app.button if b.label == "Measure on this machine").click().run()
    assert not app.exception
    found = re.search(r"takes ([\d.]+) times a step in latents; packed 4 × 4, ([\d.]+) times", words(app))
    assert found
    assert float(found[1]) > float(found[2])


def test_what_is_lost_is_said_in_decibels(models: Path) -> None:
    shown = words(page(seed="3", open="loss"))
    net = load_autoencoder(MODELS / weights.AUTOENCODER.file)
    x, _captions = captioned_shapes(128, torch.Generator().manual_seed(10_003))
    with torch.no_grad():
        decibels = psnr(x, net.decode(net.encode(x)).clamp(-1, 1))
    assert f"**{decibels:.1f} dB** on 128 new pictures" in shown
    assert decibels > linear_code().psnr(x, [256])[0] + 5


def test_pca_comes_at_a_press(models: Path) -> None:
    app = page(open="loss")
    before = len(app.get("plotly_chart"))
    next(b for b in app.button if b.label.startswith("Compare with PCA")).click().run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == before + 1


@pytest.mark.parametrize("s", ["5.49", "0.5"])
def test_the_scale_in_numbers(s: str, models: Path) -> None:
    shown = words(page(s=s, open="scale"))
    schedule = scaled_linear(1000)
    found = re.search(r"\*\*([\d.]+)\*\* in place of 0.004682, .*\*\*([\d.]+)\*\* in place of 1", shown)
    assert found
    assert float(found[1]) == pytest.approx(terminal_snr(schedule, float(s)), rel=1e-3)
    assert float(found[2]) == pytest.approx(latent_variance(schedule, float(s))[-1].item(), abs=1e-4)


@pytest.mark.parametrize(("lam", "std", "mean"), [("3.0", "0.567", "0.176"), ("2.0", "0.948", "0.681")])
def test_brightness_in_numbers(lam: str, std: str, mean: str, models: Path) -> None:
    """The table of mathematics: contrast .567 and .948, bias -82.4% and -31.9%."""
    assert f"keeps **{std}** of the deviation and **{mean}** of the mean" in words(
        page(lam=lam, open="stable_diffusion")
    )
    made = ancestral_from_noise(scaled_linear(1000), 10 ** float(lam))
    assert f"{float(made.std_ratio):.3f}" == std


def test_the_checks_are_the_lessons(models: Path) -> None:
    offered = [expander.label for expander in page().expander]
    assert all(typeset(claim.says) in offered for claim in (*latent.CLAIMS, *autoencoder.CLAIMS))
    assert np.isfinite(
        [trial.value for claim in (*latent.CLAIMS, *autoencoder.CLAIMS) for trial in claim.run().trials]
    ).all()
