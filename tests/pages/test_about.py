"""About: what it says of the program, its sources, its licences and privacy is so."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

import diffusion_core
from diffusion_core.files import ASSETS
from pages.about import references, software
from pages.shared.classroom.bounds import Bounds
from pages.shared.i18n import read_parts
from pages.shared.scenes import photo_scene, picture_scene
from pages.shared.trainer import Trainer
from tests.pages.opening import ROOT, open_page, words

CITED = re.compile(
    r"\b(?:van |von )?([A-Z][a-z]+(?:[A-Z][a-z]+)?)"  # LeCun
    r"(?:(?:, | and )[A-Z][a-z]+){0,3}(?: et al\.?| 等人?)?,? \(?((?:19|20)\d\d)\b"
)
NO_AUTHORS = {("Since", 2023)}


def cited(text: str) -> Iterator[tuple[str, int]]:
    """The first authors and the years of what a text cites: Ho et al. 2020; Nichol and Dhariwal (2021)."""
    for name, year in CITED.findall(" ".join(text.split())):
        yield name, int(year)


def test_what_is_cited_is_among_the_sources() -> None:
    files = [*(ROOT / "diffusion_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), *(ROOT / "pages").rglob("*.md")]
    found = {one for file in files for one in cited(file.read_text(encoding="utf-8"))}
    known = {(one.authors[0], one.year) for one in references.references()}
    assert len(found) > 25
    assert sorted(found - known - NO_AUTHORS) == []
    assert ("Nobody", 2020) in set(cited("(Nobody et al. 2020, eq. 1)")) - known


def test_each_source_has_its_address_and_stands_on_the_page() -> None:
    app = open_page("about", lang="en", open="sources")
    shown = words(app)
    entries = references.FILE.read_text(encoding="utf-8").count("\n@") + 1
    assert len(references.references()) == entries == len({one.key for one in references.references()})
    for one in references.references():
        assert one.title in shown and one.where in shown and one.number in shown
        assert not one.number.startswith("arXiv") or re.fullmatch(r"arXiv:\d{4}\.\d{4,5}", one.number)
        assert one.number or one.where or one.address
    ho = next(one for one in references.references() if one.key == "ho2020")
    assert ho.in_markdown() == (
        "Ho, Jain, Abbeel (2020). [Denoising Diffusion Probabilistic Models](https://arxiv.org/abs/2006.11239). "
        "Advances in Neural Information Processing Systems. arXiv:2006.11239"
    )


def test_version_and_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(["git", "-C", tmp_path, *who, *words], capture_output=True, text=True, check=True).stdout

    assert software.commit(tmp_path) == "", "no repository"
    git("init")
    (tmp_path / "file").write_text("one", encoding="utf-8")
    git("add", ".")
    git("commit", "-m", "one")
    software.commit.cache_clear()
    here = git("rev-parse", "HEAD").strip()
    assert software.commit(tmp_path) == here[:12]
    (tmp_path / "inside").mkdir()
    assert software.commit(tmp_path / "inside") == "", "the repository around a copy is not its own"
    (tmp_path / "file").write_text("two", encoding="utf-8")
    software.commit.cache_clear()
    assert software.commit(tmp_path) == f"{here[:12]}-dirty"

    for found, said in (("", "carries no commit"), (here[:12], f"from commit `{here[:12]}`."), ("a-dirty", "changed")):
        monkeypatch.setattr(software, "commit", lambda found=found: found)
        shown = words(open_page("about", lang="en"))
        assert said in shown and f"**{diffusion_core.__version__}**" in shown


def test_licences(tmp_path: Path) -> None:
    app = open_page("about", lang="zh", open="licences")
    (text,) = (block.value for block in app.code)
    assert text.strip() == (ROOT / "LICENSE").read_text(encoding="utf-8").strip()
    assert all(file in words(app) for file in software.own_licences())
    assert "CC BY-SA 3.0" in (ASSETS / "data" / "README.md").read_text(encoding="utf-8")
    font = tmp_path / "assets" / "fonts"
    font.mkdir(parents=True)
    (font / "OFL.txt").write_text("a licence", encoding="utf-8")
    assert software.own_licences(tmp_path / "assets") == ["assets/fonts/OFL.txt"]


def test_the_numbers_of_privacy_are_those_of_the_program() -> None:
    config = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert "gatherUsageStats = false" in config and "disconnectedSessionTTL" not in config
    assert st.get_option("server.disconnectedSessionTTL") == 120
    assert Trainer().kept == 32
    for scene in (photo_scene, picture_scene):
        assert vars(scene)["_info"].max_entries == 8
    bounds = Bounds()
    assert (bounds.kept, bounds.silence, bounds.few) == (600, 3600, 5)
    en = ("two minutes", "last eight", "among the 32", "10 minutes", "60 minutes", "from five on")
    zh = ("两分钟", "八张", "32 次", "10 分钟", "60 分钟", "满五人")
    for lang, numbers in (("en", en), ("zh", zh)):
        assert all(number in read_parts(lang, "about")["privacy"] for number in numbers)


def test_the_commands_for_an_installation_name_what_is_there() -> None:
    for lang in ("en", "zh"):
        offline = read_parts(lang, "about")["offline"]
        assert (ROOT / "requirements.txt").is_file() and offline.count("-r requirements.txt") == 2
        assert "streamlit run app.py" in offline and (ROOT / "app.py").is_file()
    one, other = (
        re.findall(r"```sh\n(.*?)```", read_parts(lang, "about")["offline"], re.DOTALL) for lang in ("en", "zh")
    )
    assert one == other


def test_it_is_no_lesson() -> None:
    app = open_page("about", lang="en")
    assert not app.get("page_link") and not app.get("bidi_component")
    assert [one.proto.expanded for one in app.get("expander")].count(True) == 2
