"""Inside the network, both networks: odd links, weights that are missing, code, and the overview against its units."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from diffusion_core.claims.anatomy import CLAIMS
from diffusion_core.claims.text import ATTENTION
from diffusion_core.nets.anatomy import plan
from diffusion_core.nets.stable_diffusion import TEXT, miniature, units
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.training.recipes import latent_config
from pages.shared import weights
from pages.shared.i18n import read_parts
from pages.unet import overview, recipe, runs, u
from tests.pages.opening import blobs, lacking, light_of, open_page, run_code, spec_of, tracks, words

OWN = miniature(plan(latent_config().net, 8, 8))  # type: ignore[arg-type]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("block", ["first", "down_0_0", "up_0_0_attention", "down_1_0_words", "middle_words", "last"])
def test_the_network_that_reads_opens_at_each_block(block: str, lang: str) -> None:
    app = open_page("unet", lang=lang, net="text", block=block, head="2", open="all")
    assert app.get("bidi_component")
    assert not app.warning and not app.error
    shown = words(app)
    assert not lacking(app, read_parts(lang, "unet/text"))
    assert all(read_parts(lang, "unet")[part] in shown for part in ("formula", "stable_diffusion"))
    assert read_parts(lang, "unet/text")["formula"] not in words(open_page("unet", lang=lang, open="all"))


@pytest.mark.parametrize("raw", ["clip", "", "Text", "digits,text"])
def test_a_network_that_is_not_there_gives_one_sentence(raw: str) -> None:
    app = open_page("unet", lang="en", net=raw)
    assert [w.value.partition(";")[0] for w in app.warning] == [f"net in the URL is {raw!r}"]
    assert "Shown instead: digits." in app.warning[0].value


def test_a_block_of_the_other_network_gives_one_sentence() -> None:
    app = open_page("unet", lang="en", block="middle_words")
    assert [w.value.partition(";")[0] for w in app.warning] == ["block in the URL is 'middle_words'"]
    assert not open_page("unet", lang="en", net="text", block="middle_words").warning


@pytest.mark.parametrize("prompt", ["", "a red", "a red dog", "a red star " * 400])
def test_a_prompt_that_cannot_be_drawn_gives_one_sentence(prompt: str) -> None:
    app = open_page("unet", lang="en", net="text", prompt=prompt)
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value and len(app.error[0].value) < 600
    assert app.get("bidi_component")


def test_another_network_starts_with_its_own_block() -> None:
    app = open_page("unet", lang="en")
    block = next(box for box in app.selectbox if box.label == "Block")
    assert block.value == "middle_attention"
    app.query_params["net"] = "text"
    app.run()
    assert next(box for box in app.selectbox if box.label == "Block").value == "up_0_0_words"
    assert not app.warning


def test_the_picture_depends_on_prompt_seed_and_head() -> None:
    def blob(**url: str) -> bytes:
        return blobs(open_page("unet", lang="en", net="text", **url))[-1]

    first = blob()
    assert first == blob()
    for other in ({"prompt": "a green star above a large blue square"}, {"seed": "1"}, {"head": "1"}):
        assert blob(**other) != first


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_without_weights_an_untrained_network_is_shown(
    lang: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    app = open_page("unet", lang=lang, net="text")
    assert len(app.info) == 2  # the network, the autoencoder
    assert not app.error and app.get("bidi_component")
    assert len(open_page("unet", lang=lang).info) == 1


def test_a_network_that_is_missing_is_opened_untrained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trained = open_page("unet", lang="en")
    assert not trained.info
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    app = open_page("unet", lang="en")
    assert len(app.info) == 1
    assert app.info[0].value.endswith("is missing); an untrained one is shown.")
    assert tracks(app)["eps"].std() == 0  # it answers 0
    assert tracks(trained)["eps"].std() > 0


def test_weights_that_are_damaged_give_one_sentence_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for one in (weights.SHAPES, weights.AUTOENCODER):
        (tmp_path / one.file).write_bytes(b"no weights")
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    app = open_page("unet", lang="en", net="text")
    assert len(app.error) == 2 and not app.info
    assert app.get("bidi_component")


def test_the_code_for_text_runs_as_it_stands() -> None:
    printed = run_code(open_page("unet", lang="en", net="text", block="middle_words", open="code"))
    assert "text                   (20, 96)" in printed
    assert printed.count("most at:") == 6


def test_without_weights_the_code_takes_untrained_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    app = open_page("unet", lang="en", net="text", block="last", open="code")
    assert "trained=False" in app.code[-1].value and "encoded=False" in app.code[-1].value
    assert run_code(app).endswith("RMS 0.000")  # an untrained network answers 0


@pytest.mark.parametrize("block", ["down_0_0", "middle_attention"])
def test_the_recipe_prints_what_the_page_shows(block: str) -> None:
    """The RMS of the maps at six times; of another seed they are others."""
    app = open_page("unet", lang="en", block=block, seed="5", open="code")
    shown = tracks(app)["maps"]
    spec = next(panel for panel in spec_of(app)["panels"] if panel.get("track") == "maps")
    low, high = spec["value_range"]
    printed = {int(t): float(rms) for t, rms in re.findall(r"t = +(\d+): \(.*\), RMS ([\d.]+)", run_code(app))}
    assert list(printed) == [1, 200, 400, 600, 800, 1000]
    for t, rms in printed.items():
        maps = low + (high - low) / 255 * shown[runs.TIMES.index(t)]
        inside = (shown[runs.TIMES.index(t)] > 0) & (shown[runs.TIMES.index(t)] < 255)
        assert inside.mean() > 0.95
        assert float(np.sqrt((maps**2).mean())) == pytest.approx(rms, rel=0.05)
    other = run_code(open_page("unet", lang="en", block=block, seed="6", open="code"))
    assert other != run_code(app)


def test_the_recipe_sees_the_numbers_of_the_page_to_rounding() -> None:
    """The page asks for 51 times at once, the reader for one: the same maps, and other ones with other noise."""
    asked = runs.Asked(net="text", label=3, prompt=recipe.PROMPT, seed=2, block="up_0_0_words")
    model, coder = weights.SHAPES.get(), weights.AUTOENCODER.get()
    assert model is not None and coder is not None
    seen = runs.look(asked, model, coder)
    x0, told = recipe.scene(recipe.PROMPT, 2, coder.network)
    alone = recipe.look(model.network, x0, told, seed=2, times=(400,))
    k = runs.TIMES.index(400)
    assert np.abs(alone.maps["up_0_0_words"][0].numpy() - seen.maps[k]).max() < 1e-4
    assert np.abs(alone.eps_hat[0].numpy() - seen.eps_hat[k]).max() < 1e-4
    other = recipe.look(model.network, x0, told, seed=3, times=(400,))
    assert np.abs(other.maps["up_0_0_words"][0].numpy() - seen.maps[k]).max() > 1e-2


def test_each_mistake_turns_its_light_red_with_text() -> None:
    claims = [*CLAIMS, ATTENTION]
    unfolded = ",".join(claim.key for claim in claims)
    app = open_page("unet", lang="en", net="text", open=unfolded)
    assert all(light_of(app, claim.says) for claim in claims)
    app = open_page("unet", lang="en", net="text", **{f"try_{claim.key}": "1" for claim in claims})  # open by that
    assert not any(light_of(app, claim.says, mistaken=True) for claim in claims)


# --- the overview -----------------------------------------------------------------------------------------------------


def test_the_overview_draws_each_part_and_says_its_shape() -> None:
    for own, other, text in ((units(), OWN, TEXT), (OWN, units(), (20, 96))):
        mine, beside = overview.Net("", own, text), overview.Net("", other, text)
        figure = overview.overview(mine, beside, lambda english: english)
        said = list(figure.data[0].text)
        parts = [part for unit in own for part in unit.parts if part.name != "norm"]
        drawn = [part for part in parts if part.name != "text"]
        assert len(said) == len(drawn) + 1  # a text in each
        for part in drawn:
            assert any(overview.times(part.shape) in line and f"{part.parameters:,}" in line for line in said)
        corners = [(box.x0, box.y0) for box in figure.layout.shapes if box.type == "rect"]
        assert len(set(corners)) == len(corners) == len(said), "one part hides another"


def test_a_part_and_its_counterpart_stand_at_the_same_place_of_both() -> None:
    real, mine = overview.Net("", units(), TEXT), overview.Net("", OWN, (20, 96))
    for net, beside in ((real, mine), (mine, real)):
        other = {(box.path, box.row, box.kind): box.part for box in reversed(overview.layout(beside, net))}
        for box in overview.layout(net, beside)[:-2]:
            assert box.other == other.get((box.path, box.row, box.kind))
    widths = {box.wide for box in overview.layout(real, mine) if box.path != "top"}
    assert widths == {1.0, 2.0}, "the middle is as wide as two stacks"


def test_the_u_has_its_skips_at_the_last_part_of_each_stage() -> None:
    boxes = u.layout(plan(latent_config().net, 8, 8))  # type: ignore[arg-type]
    assert [box.part.name for box, _x in u.skips(boxes)] == ["down_0_0_words", "down_1_0_words"]
    assert boxes[-1].part.name == "text" and boxes[-1].y < min(box.y for box in boxes[:-1])
    inner = boxes[:-1]
    assert all(a.x + a.wide / 2 < b.x - b.wide / 2 for a, b in pairwise(inner)), "one part hides another"
    digits = u.layout(plan(UNetConfig(), 28, 28))
    assert [box.part.name for box, _x in u.skips(digits)] == ["down_0_0", "down_1_0_attention"]


def test_the_miniature_keeps_every_number() -> None:
    parts = plan(latent_config().net, 8, 8)  # type: ignore[arg-type]
    mine = [part for unit in OWN for part in unit.parts]
    assert [(p.shape, p.parameters, p.multiply_adds) for p in mine] == [
        (p.shape, p.parameters, p.multiply_adds) for p in parts
    ]
    stacks = [[part.name for part in unit.parts] for unit in OWN if unit.path in ("down", "up")]
    assert stacks.count(["residual", "attention", "words"]) == 4
    assert [p.name for u in OWN if u.path == "middle" for p in u.parts] == [
        "residual",
        "attention",
        "words",
        "residual",
    ]


def test_the_table_has_the_public_numbers() -> None:
    rows = overview.side_by_side(OWN, (4, 8, 8), (20, 96), lambda english: english).splitlines()
    assert "859,520,964" in rows[-2] and "2,552,868" in rows[-2]
    for row, size in zip(rows[5:9], ("320 × 64 × 64", "640 × 32 × 32", "1280 × 16 × 16", "1280 × 8 × 8"), strict=True):
        assert size in row and "blocks: 2 down, 3 up" in row
    assert "attention" not in rows[8] and "attention" in rows[9]
