"""Text and guidance: odd prompts, four pictures, attention, a network that is missing, damaged, untrained or yours."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from diffusion_core import cosine, ddim
from diffusion_core.claims import text
from diffusion_core.claims.text import ATTENTION, CAPTION, Text, colours_swapped, two_things
from diffusion_core.data.captions import HELD_OUT, Caption, parse
from diffusion_core.data.scenes import SIDE, captioned_shapes, draw
from diffusion_core.denoisers import Guided, Predictor
from diffusion_core.errors import BadInput
from diffusion_core.files import MODELS
from diffusion_core.nets.text import TextConfig, tokenize
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.training.checkpoint import load_autoencoder, save_denoiser
from pages.guidance import runs
from pages.guidance.exact import LINE, exact_guidance, where_it_ends
from pages.guidance.exact import SCALES as SCALES_EXACT
from pages.guidance.figures import heat
from pages.guidance.runs import DEFAULT, Asked
from pages.shared import weights
from pages.shared.weights import Model
from tests.pages.opening import ROOT, blobs, elements, open_page, run_code, run_source
from tests.pages.opening import tracks as first_of
from tests.pages.tiny import SMALL, small

NAME = "a small red star on the left"


def page(**url: str) -> AppTest:
    return open_page("guidance", lang="en", **{"N": "3", **url})


def tracks(app: AppTest) -> dict[str, np.ndarray]:
    """Of the run, where there is one; else of exact guidance."""
    return first_of(app, 0)


def said(app: AppTest) -> list[str]:
    return [one.value for one in elements(app, "error", "info", "warning") if "ejected by" not in one.value]


def sheets(app: AppTest) -> str:
    return "\n".join(one.proto.body for one in app.get("html"))


# --- prompts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        (
            "a red dog",
            "The prompt has words that the model never saw: dog. It knows these, in just this form: a, and, small,",
        ),
        ("star " * 2000, "The prompt must have at most 19 words; got 2000."),
        (
            "two red stars",
            "The prompt has words that the model never saw: two, stars. It knows these, in just this form",
        ),
        ("x" * 10_000, "The prompt has words that the model never saw: xxxxxxxxxxxxxxxxxxxx. It knows"),
        (
            "<script>alert(1)</script>",
            "The prompt has words that the model never saw: <script>alert, 1, </script>. It knows",
        ),
        ("红色的星", "The prompt has words that the model never saw: 红色的星. It knows"),
    ],
)
def test_a_prompt_that_cannot_be_read_gives_one_sentence_and_the_default(
    prompt: str, sentence: str, models: Path
) -> None:
    app = page(prompt=prompt)
    assert [one.startswith(sentence) for one in said(app)] == [True]
    assert np.array_equal(tracks(app)["z"], tracks(page())["z"])
    assert not said(page(prompt=NAME))


@pytest.mark.parametrize("prompt", ["", "   ", " ... "])
def test_without_words_both_eps_are_the_same(prompt: str, models: Path) -> None:
    app = page(prompt=prompt)
    shown = tracks(app)
    assert np.abs(shown["delta"]).max() < 1e-10 and np.abs(shown["angle"]).max() < 0.1
    assert np.abs(tracks(page())["delta"]).max() > 1e-6
    notes = said(page(prompt=prompt, open="read_back"))
    assert notes == ["There are no words: each picture is one of all that the network has learned."]


def test_a_prompt_that_cannot_be_judged_is_drawn_and_what_is_seen_is_said(models: Path) -> None:
    app = page(prompt="large blue", open="read_back")
    assert said(app) == ["A prompt that can be judged names one or two shapes; this one names 0."]
    assert sum(sheets(app).count(f"<div>{ground} ground") for ground in ("light", "dark")) == 4
    assert "✓" not in sheets(app) and "✗" not in sheets(app)
    judged = sheets(page(prompt=NAME, open="read_back"))
    assert judged.count("✓") + judged.count("✗") == 4 * 5  # number, shape, colour, size, place


def test_an_example_is_taken_into_the_url_and_a_prompt_of_ones_own_is_none(models: Path) -> None:
    app = page()
    examples = next(group for group in elements(app, "button_group") if group.key == "example")
    assert examples.value == [DEFAULT.prompt] or examples.value == DEFAULT.prompt
    examples.set_value([NAME] if isinstance(examples.value, list) else NAME).run()
    assert not app.exception
    assert app.query_params["prompt"] in (NAME, [NAME])
    assert app.text_input(key="url_prompt").value == NAME
    app.text_input(key="url_prompt").set_value("a pink ring").run()
    assert not app.session_state["example"]


def test_the_examples_hold_pairs_that_never_met_in_training() -> None:
    app = page(N="2")
    labels = [
        str(option) for group in elements(app, "button_group") if group.key == "example" for option in group.options
    ]
    marked = {label.removesuffix(" ✦") for label in labels if label.endswith("✦")}
    assert len(marked) == 3
    captions = [label.removesuffix(" ✦") for label in labels if label.startswith("a")]
    assert all(parse(caption).is_held_out == (caption in marked) for caption in captions)
    assert all(any(HELD_OUT[t.shape] == t.colour for t in parse(label).things) for label in marked)


# --- the picture ----------------------------------------------------------------------------------------------------


def test_the_four_pictures_are_those_of_the_sampler(models: Path) -> None:
    network, autoencoder = small(), load_autoencoder(MODELS / weights.AUTOENCODER.file)
    asked = Asked(NAME, w=2.5, steps=3, seed=4)
    app = page(prompt=NAME, w="2.5", seed="4")
    z_T = torch.randn((4, 4, 8, 8), generator=torch.Generator().manual_seed(4))
    timesteps = network.schedule.timesteps(3, spacing="trailing")

    def ends(w: float) -> np.ndarray:
        guided = Guided(network, tokenize([NAME] * 4), w)
        *_, last = ddim(guided, network.schedule, z_T, timesteps)
        picture = (autoencoder.decode(last.x_s).clamp(-1, 1) + 1) * 127.5
        return picture.permute(0, 2, 3, 1).reshape(-1).numpy()

    shown = tracks(app)["x0_hat"][-1].astype(float)
    assert np.abs(shown - ends(2.5)).max() <= 1.01
    assert np.abs(shown - ends(1.0)).max() > 3
    grid = runs.grid(asked, Model("test", network), Model("test", autoencoder)).pictures
    for scale, pictures in zip(runs.SCALES, grid, strict=True):
        assert np.abs(pictures.reshape(-1) - ends(scale)).max() <= 1.01
        assert np.abs(pictures.reshape(-1) - ends(scale + 2)).max() > 1.01


def test_the_numbers_of_guidance_fit_together(models: Path) -> None:
    shown = tracks(page(prompt=NAME, w="4", sampler="ddpm", picture="2"))
    square = shown["plain"] + 2 * 4 * shown["cross"] + 16 * shown["delta"]
    assert np.abs(square - shown["guided"]).max() < 1e-10
    assert np.abs(shown["plain"] + 4 * shown["cross"] + 16 * shown["delta"] - shown["guided"]).max() > 1e-6


def test_heat_is_where_the_attention_is() -> None:
    picture = np.full((1, SIDE, SIDE, 3), 200, np.uint8)
    attention = np.zeros((1, 2, 8, 8), np.float32)
    attention[0, 1, :, :4] = 0.5
    hot = heat(picture, attention, SIDE, 0.5).astype(int)
    redness = hot[..., 0] - hot[..., 2]
    assert redness[0, 1, :, :12].min() > 100 and np.abs(redness[0, 1, :, 20:]).max() == 0
    assert np.abs(redness[0, 0]).max() == 0
    assert heat(picture, attention, 16, 0.5).shape == (1, 2, 16, 16, 3)


@pytest.mark.parametrize("url", [{"N": "50"}, {"N": "50", "prompt": "a " * 19}, {"N": "20", "prompt": "a " * 19}])
def test_what_travels_stays_below_three_megabytes(url: dict[str, str], models: Path) -> None:
    assert 500_000 < len(blobs(page(**url))[0]) < 3_000_000


def test_the_shipped_run_is_shown_for_its_own_weights_and_settings_only(models: Path) -> None:
    coder, model = weights.AUTOENCODER.get(), weights.SHAPES.get()
    assert coder is not None and model is not None
    made = runs.run(DEFAULT, model, coder)
    grid = runs.Grid(("test",), np.zeros((6, 4, SIDE, SIDE, 3), np.uint8))
    runs.save_shipped(models / runs.RUN, model.key, made, grid)
    kept = runs.shipped_run(DEFAULT, model.key)
    assert kept is not None and kept.positions == made.positions and kept.words == made.words
    assert np.array_equal(kept.guided, made.guided)
    assert np.abs(kept.attention - made.attention).max() < 1e-3
    assert runs.shipped_run(replace(DEFAULT, seed=1), model.key) is None
    assert runs.shipped_run(DEFAULT, "other weights") is None
    assert runs.shipped_grid(replace(DEFAULT, w=7.0), model.key) is not None
    assert runs.shipped_grid(replace(DEFAULT, eta=0.5), model.key) is None


def test_the_recipe_prints_the_sizes_that_the_page_shows(models: Path) -> None:
    """The RMS of eps without words and of what the words change, of the chain of all four pictures."""
    app = page(prompt=NAME, w="2", seed="1", open="code")
    code = app.code[-1].value.replace("seed=1", f"seed=1, weights={str(models / weights.SHAPES.file)!r}")
    printed = run_source(code)
    pattern = r"t = +(\d+): RMS of eps ([\d.]+), of the difference ([\d.]+)"
    lines = re.findall(pattern, printed)
    assert len(lines) == 3
    squares = [tracks(page(prompt=NAME, w="2", seed="1", picture=str(k))) for k in range(1, 5)]
    for k, (_t, *sizes) in enumerate(lines):
        for name, size in zip(("plain", "delta"), sizes, strict=True):
            assert f"{np.mean([one[name][k] for one in squares]) ** 0.5:.3f}" == size
    assert lines != re.findall(pattern, run_source(code.replace("seed=1", "seed=2")))


# --- networks that are not as they should be ------------------------------------------------------------------------


def test_a_network_that_is_missing_or_damaged_is_said_and_an_untrained_one_shown(models: Path, tmp_path: Path) -> None:
    good = (models / weights.SHAPES.file).read_bytes()
    (models / weights.SHAPES.file).unlink()
    app = page(open="code")
    assert said(app)[:1] == [
        "The trained network is not installed (assets/models/shapes_unet.safetensors is missing); "
        "an untrained one is shown."
    ]
    assert np.abs(tracks(app)["delta"]).max() == 0  # it answers v = 0 to everything
    (tmp_path / "elsewhere").mkdir()
    assert "of the attention" in run_code(app, tmp_path / "elsewhere")
    (models / weights.SHAPES.file).write_bytes(good[: len(good) // 2])
    assert said(page())[:1] == ["The file is no safetensors file, or it is cut short or damaged."]
    save_denoiser(models / weights.SHAPES.file, Predictor(UNetConfig().build(), UNetConfig(), cosine(1000)))
    assert said(page())[:1] == ["The network reads no text: it was trained without."]
    (models / weights.SHAPES.file).write_bytes(good)
    assert not said(page())


def test_without_the_decoder_one_sentence_and_no_picture(models: Path) -> None:
    (models / weights.AUTOENCODER.file).unlink()
    app = page()
    assert said(app) == [
        "The decoder is not installed (assets/models/shapes_autoencoder.safetensors is missing): "
        "no picture can be made."
    ]
    assert not blobs(app)
    assert "made" in tracks(page(open="exact"))  # that of exact guidance stands


@pytest.mark.parametrize("spread", [1e20])
def test_answers_that_are_not_finite_are_one_sentence(spread: float, models: Path) -> None:
    save_denoiser(models / weights.SHAPES.file, small(spread))
    assert said(page())[:1] == ["This network answers with numbers that are not finite."]


def test_a_file_must_hold_a_network_that_reads_these_words_on_these_latents(tmp_path: Path) -> None:
    def bytes_of(config: UNetConfig) -> bytes:
        save_denoiser(tmp_path / "one", Predictor(config.build(), config, cosine(1000)))
        return (tmp_path / "one").read_bytes()

    assert weights.model_of_file(bytes_of(SMALL)).network.config == SMALL
    for config, sentence in (
        (replace(SMALL, text=TextConfig(16, 1, 2, vocabulary=9)), "must know"),
        (replace(SMALL, channels=3), "shape"),
        (replace(SMALL, text=None), "reads no text"),
        (replace(SMALL, widths=(8,) * 5, attention=(True,) * 5), "divisible by 16"),
    ):
        with pytest.raises(BadInput, match=sentence):
            weights.model_of_file(bytes_of(config))


def test_the_score_is_shown_only_where_it_was_measured(models: Path) -> None:
    assert not any("honest score" in one.value for one in page(open="read_back").markdown)
    row = {"number": 100.0, "shape": 96.2, "colour": 99.0, "all": 95.5}
    score = {"samples": 500, "steps": 20, "guidance": 3.0, "one": row, "held_out": row, "two": row}
    (models / runs.SCORE).write_text(json.dumps(score))
    table = next(one.value for one in page(open="read_back").markdown if one.value.startswith("|  |"))
    assert table.count("96.2%") == 3 and table.count("**95.5%**") == 3


# --- exact ------------------------------------------------------------------------------------------------------------


def test_exact_guidance_is_the_density_at_w_0_and_1_and_another_law_beyond() -> None:
    """600 points each: z of the mean of |y| against points drawn from the density; at w = 3 far off."""
    exact = exact_guidance()

    def z(k: int) -> float:
        made, drawn = exact.made[k, :, 1], exact.drawn[k, :, 1]
        error = np.sqrt((made.var() + drawn.var()) / len(made))
        return float(abs(made.mean() - drawn.mean()) / error)

    scales = list(SCALES_EXACT)
    assert z(scales.index(0)) < 4 and z(scales.index(1)) < 4
    assert (
        z(scales.index(3)) > 10 and exact.made[scales.index(3), :, 1].std() < exact.drawn[scales.index(3), :, 1].std()
    )
    assert exact.gap[scales.index(1)] < 0.01 < 0.3 < exact.gap[scales.index(3)]
    line = np.linspace(*LINE, exact.made_line.shape[1])
    for densities in (exact.made_line, exact.tilted_line):
        assert np.abs(np.trapezoid(densities, line, axis=1) - 1).max() < 0.01


def test_the_scale_of_exact_guidance_is_in_the_url(models: Path) -> None:
    app = page(w_exact="9", open="exact")
    assert [w.value[:25] for w in app.warning] == ["w_exact in the URL is '9'"]
    app = page(w_exact="6.5", open="exact")
    assert not app.warning
    shown = next(m.value for m in app.markdown if "on the line, w = 6.5" in m.value)
    assert shown == where_it_ends(exact_guidance(), 6.5) != where_it_ends(exact_guidance(), 6.0)


# --- claims ---------------------------------------------------------------------------------------------------------


def test_the_captions_of_the_claim_can_tell_the_colours_apart() -> None:
    for caption in two_things(40, 3):
        swapped = colours_swapped(caption)
        assert swapped != caption and sorted(str(swapped).split()) == sorted(str(caption).split())
        assert len({thing.shape for thing in caption.things}) == 2


def test_the_caption_is_recovered_from_true_pictures_and_not_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the network that draws what it is told: the check itself is right, and each mistake is noticed."""

    others = torch.Generator().manual_seed(99)

    def drawn(
        _net: object,
        _coder: object,
        captions: list[Caption],
        *,
        steps: int,
        guidance: float,
        generator: torch.Generator,
    ) -> torch.Tensor:
        return draw(captions, generator) if guidance else captioned_shapes(len(captions), others)[0]

    monkeypatch.setattr(text, "generate_shapes", drawn)
    setting = Text(small())
    for seed in range(3):
        assert CAPTION.run(setting=setting, seed=seed).passed
        for mistake in CAPTION.mistakes:
            assert not CAPTION.run(mistake, setting, seed).passed, mistake


def test_attention_sums_to_one_and_pad_gets_none() -> None:
    setting = Text(small())
    assert ATTENTION.run(setting=setting).passed
    for mistake in ATTENTION.mistakes:
        assert not ATTENTION.run(mistake, setting).passed, mistake


def test_an_untrained_network_does_not_recover_the_caption() -> None:
    assert not CAPTION.run(setting=Text(small(), n=16, steps=2)).passed


# --- your own weights -------------------------------------------------------------------------------------------------


def test_your_own_weights_stay_in_the_session_until_they_are_given_back(models: Path, tmp_path: Path) -> None:
    save_denoiser(tmp_path / "mine", small(0.6))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()  # to go away and to come back
    app.switch_page("pages/guidance/page.py")
    for name, value in {"lang": "en", "N": "3", "open": "code"}.items():
        app.query_params[name] = value
    app.run()
    shipped = tracks(app)["z"]
    app.file_uploader[0].set_value(("broken.safetensors", b"\x00" * 100, "application/octet-stream")).run()
    assert said(app) == ["The file is no safetensors file, or it is cut short or damaged."]
    content = (tmp_path / "mine").read_bytes()
    app.file_uploader[0].set_value(("mine.safetensors", content, "application/octet-stream")).run()
    assert not app.exception and not said(app)
    assert np.abs(tracks(app)["z"][-1].astype(int) - shipped[-1]).max() > 3
    assert "weights='network.safetensors'" in app.code[-1].value
    app.switch_page("pages/unet/page.py").run()
    app.switch_page("pages/guidance/page.py").run()
    app.number_input(key="url_N").set_value(3).run()
    assert np.abs(tracks(app)["z"][-1].astype(int) - shipped[-1]).max() > 3
    next(button for button in app.button if button.label == "The shipped network again").click().run()
    assert np.array_equal(tracks(app)["z"], shipped)
