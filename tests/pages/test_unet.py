"""Inside the network, both networks: odd links, weights that are missing, code, and the overview against its units."""

from pathlib import Path

import pytest

from diffusion_core.claims.anatomy import CLAIMS
from diffusion_core.claims.text import ATTENTION
from diffusion_core.nets.anatomy import plan
from diffusion_core.nets.stable_diffusion import TEXT, miniature, units
from diffusion_core.training.recipes import latent_config
from pages.shared import networks
from pages.shared.i18n import read_parts
from pages.unet import overview
from tests.pages.opening import light_of, open_page, run_code, words

OWN = miniature(plan(latent_config().net, 8, 8))  # type: ignore[arg-type]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("block", ["first", "down_0_0", "up_0_0_attention", "down_1_0_words", "middle_words", "last"])
def test_the_network_that_reads_opens_at_each_block(block: str, lang: str) -> None:
    app = open_page("unet", lang=lang, net="text", block=block, head="2")
    assert app.get("bidi_component")
    assert not app.warning and not app.error
    shown = words(app)
    assert all(part in shown for part in read_parts(lang, "unet/text").values())
    assert all(read_parts(lang, "unet")[part] in shown for part in ("formula", "stable_diffusion"))
    assert read_parts(lang, "unet/text")["formula"] not in words(open_page("unet", lang=lang))


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
        return open_page("unet", lang="en", net="text", **url).get("bidi_component")[-1].proto.bytes

    first = blob()
    assert first == blob()
    for other in ({"prompt": "a green star above a large blue square"}, {"seed": "1"}, {"head": "1"}):
        assert blob(**other) != first


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_without_weights_an_untrained_network_is_shown(
    lang: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(networks, "MODELS", tmp_path)
    app = open_page("unet", lang=lang, net="text")
    assert len(app.info) == 2  # the network, the autoencoder
    assert not app.error and app.get("bidi_component")
    assert len(open_page("unet", lang=lang).info) == 1


def test_weights_that_are_damaged_give_one_sentence_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for file in (networks.SHAPES, networks.AUTOENCODER):
        (tmp_path / file).write_bytes(b"no weights")
    monkeypatch.setattr(networks, "MODELS", tmp_path)
    app = open_page("unet", lang="en", net="text")
    assert len(app.error) == 2 and not app.info
    assert app.get("bidi_component")


def test_the_code_for_text_runs_as_it_stands(tmp_path: Path) -> None:
    printed = run_code(open_page("unet", lang="en", net="text", block="middle_words"))
    assert "text                   (20, 96)" in printed
    assert printed.count("most at:") == 6


def test_each_mistake_turns_its_light_red_with_text() -> None:
    claims = [*CLAIMS, ATTENTION]
    app = open_page("unet", lang="en", net="text")
    assert all(light_of(app, claim.says) for claim in claims)
    app = open_page("unet", lang="en", net="text", **{f"try_{claim.key}": "1" for claim in claims})
    assert not any(light_of(app, claim.says) for claim in claims)


# --- the overview -----------------------------------------------------------------------------------------------------


def test_the_overview_draws_each_part_and_says_its_shape() -> None:
    for own, other, text in ((units(), OWN, TEXT), (OWN, units(), (20, 96))):
        figure = overview.overview(own, other, text, "", lambda english: english)
        said = list(figure.data[0].text)
        parts = [part for unit in own for part in unit.parts if part.name != "norm"]
        drawn = [part for part in parts if part.name != "text"]
        assert len(said) == len(drawn) + 1  # a text in each
        for part in drawn:
            assert any(overview.times(part.shape) in line and f"{part.parameters:,}" in line for line in said)
        corners = [(box.x0, box.y0) for box in figure.layout.shapes if box.type == "rect"]
        assert len(set(corners)) == len(corners) == len(said), "one part hides another"


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
    rows = overview.table(OWN, (4, 8, 8), (20, 96), lambda english: english).splitlines()
    assert "859,520,964" in rows[-2] and "2,552,868" in rows[-2]
    for row, size in zip(rows[5:9], ("320 × 64 × 64", "640 × 32 × 32", "1280 × 16 × 16", "1280 × 8 × 8"), strict=True):
        assert size in row and "blocks: 2 down, 3 up" in row
    assert "attention" not in rows[8] and "attention" in rows[9]
