"""The symbols of the course: explained before they are used, each with a card where it is used."""

import json
import re

import pytest

from pages import LESSONS, START
from pages.shared import controls
from pages.shared.helps import HELPS
from pages.shared.i18n import read_parts
from pages.shared.symbols import SYMBOLS, used
from tests.pages.opening import ROOT, elements, open_page

AT_HOME = {  # deep dives that explain a symbol themselves, before the core path does
    ("reparameterization", r"\sigma"),
    ("latent", r"z_t"),
    ("loss", r"p_\theta"),
}
NOT_THE_WAY = ("article",)  # the fine print quotes the article, symbols and all


def early(lesson: str, lang: str) -> list[tuple[str, str]]:
    """Which symbols a lesson's prose uses before the core path, or the lesson itself, has explained them."""
    names = [one.name for one in LESSONS]
    at = names.index(lesson) if lesson in names else -1
    known = {one.name for one in LESSONS[: at + 1] if not one.deep} | {lesson}
    return [
        (part, symbol.tex)
        for part, text in read_parts(lang, lesson).items()
        for symbol in used(text)
        if part not in NOT_THE_WAY and symbol.lesson not in known and (lesson, symbol.tex) not in AT_HOME
    ]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("lesson", [START.name, *(one.name for one in LESSONS)])
def test_nothing_is_used_before_the_core_path_has_explained_it(lesson: str, lang: str) -> None:
    assert early(lesson, lang) == []


def test_what_is_used_too_early_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    too_soon = {"lead": r"The network's $\varepsilon_\theta$, with $\tilde{\mu}$ and $\hat x_0$."}
    monkeypatch.setattr("tests.pages.test_symbols.read_parts", lambda *_: too_soon)
    assert [tex for _part, tex in early("add_noise", "en")] == [r"\varepsilon_\theta", r"\hat x_0"]
    assert not early("sampling", "en")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"$\sqrt{\bar\alpha_t}\,x_0$", [r"x_0", r"\bar\alpha_t"]),
        (r"$\hat x_0$ and $x_T$", [r"\hat x_0"]),
        (r"$$\beta_{t|s}=1-\alpha_{t|s}$$", [r"\alpha_{t|s}", r"\beta_{t|s}"]),
        (r"$\tilde\beta_t$, $\varepsilon^*$", [r"\tilde\beta", r"\varepsilon^*"]),
        ("beta_t and x_0 outside of a formula", []),
    ],
)
def test_which_symbols_a_text_has(text: str, found: list[str]) -> None:
    assert [symbol.tex for symbol in used(text)] == found


def test_each_symbol_is_found_in_the_lesson_that_explains_it() -> None:
    for symbol in SYMBOLS:
        said = "\n".join(read_parts("en", symbol.lesson).values())
        assert symbol in used(said), symbol.tex


def test_patterns_are_the_same_in_a_browser() -> None:
    """Only what both languages of regular expressions read alike."""
    assert not [one.tex for one in SYMBOLS if re.search(r"\(\?[^:!=<]|\(\?<[^!=]|\\[AZzG]", one.pattern)]


def test_a_lesson_has_its_cards_and_start_has_none() -> None:
    def cards(page: str) -> list[str]:
        sent = [one.proto.json for one in open_page(page, lang="zh").get("bidi_component")]
        return [text for text in sent if '"symbols"' in text]

    (card,) = map(json.loads, cards("posterior"))
    mean = next(one for one in card["symbols"] if one["says"].startswith("后验均值"))
    assert (mean["link"], mean["where"], mean["track"]) == ("posterior?lang=zh", "后验分布", "mean")
    assert "<math>" in mean["mathml"] and not cards("start")


def test_each_control_of_a_picture_has_its_line_of_help() -> None:
    asked = set()
    for path in (ROOT / "pages").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'controls\.(?:choice|integer|number|text)\(\s*"(\w+)"', source))
        asked |= set(re.findall(r'page\.held\("(\w+)"', source))
    sections = {"k", "from", "seen", "cloud", "n", "peaks", "state", "power", "s", "w_exact", "verdict", "calibrate"}
    sections |= {"drawn", "hidden", "parts", "snr"}
    assert asked - sections <= set(HELPS) and len(asked & set(HELPS)) > 20
    label = next(one for one in elements(open_page("add_noise", lang="zh"), "selectbox") if one.label == "噪声调度")
    assert label.help == "每一步加多少噪声。"
    assert not hasattr(controls, "HELPS")
