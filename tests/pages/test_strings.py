"""Nothing is missing in either language, and what is there fits."""

import string
from pathlib import Path

import pytest

from pages import ABOUT, START
from pages.shared.i18n import read_parts
from pages.shared.lesson import PARTS
from tests.pages.messages import catalogue, needed

ROOT = Path(__file__).parents[2]
PROSE = sorted(str(path.parent.relative_to(ROOT / "pages")) for path in (ROOT / "pages").rglob("en.md"))


def test_every_string_is_translated() -> None:
    have = {m.id: m.string for m in catalogue("zh") if m.id}
    missing = sorted(m for m in needed() if not have.get(m))
    assert not missing, missing


def test_no_translation_is_left_over_or_fuzzy() -> None:
    zh, used = catalogue("zh"), needed()
    assert not sorted(m.id for m in zh if m.id and m.id not in used)
    assert not [m.id for m in zh if m.id and m.fuzzy]


def fields(text: str) -> set[str]:
    return {name for _literal, name, _spec, _conversion in string.Formatter().parse(text) if name}


def test_translations_keep_the_facts() -> None:
    for message in catalogue("zh"):
        if message.id:
            assert isinstance(message.id, str) and isinstance(message.string, str)  # no plurals here
            assert fields(message.id) == fields(message.string), message.id


def test_a_missing_string_would_be_noticed() -> None:
    assert "no such string" not in {m.id for m in catalogue("zh")}
    assert {"Seed", "Play"} <= needed()


@pytest.mark.parametrize("name", PROSE)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_lesson_has_every_part(name: str, lang: str) -> None:
    prose = read_parts(lang, name)
    if name not in (START.name, ABOUT.name):
        assert tuple(part for part in prose if part in PARTS) == PARTS  # a lesson may have more
        assert len(prose["lead"].splitlines()) == len(prose["say"].splitlines()) == 3
    assert list(prose) == list(read_parts({"en": "zh", "zh": "en"}[lang], name))
    assert all(prose.values())


def test_both_languages_have_the_same_lessons() -> None:
    assert sorted(str(p.parent.relative_to(ROOT / "pages")) for p in (ROOT / "pages").rglob("zh.md")) == PROSE
