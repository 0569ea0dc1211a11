"""The ledger's page: filter, one check, all checks, the report, calibration, the library; in both languages."""

import html
import re
import sys

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Markdown

from diffusion_core.claims import SECTIONS, autoencoder
from diffusion_core.claims.check import Outcome, Trial
from diffusion_core.claims.report import SECTION_NAMES, VERDICTS
from diffusion_core.errors import BadInput
from pages.ledger.texts import VERDICT_COLORS, with_indices
from pages.shared.i18n import catalogue
from pages.shared.typography import typeset
from tests.pages.opening import open_page

ENTRIES = [entry for entries in SECTIONS.values() for entry in entries]
N = sum(bool(entry.claims) for entry in ENTRIES)


def open_ledger(lang: str = "en", **url: str) -> AppTest:
    return open_page("ledger", lang=lang, **url)


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def texts(app: AppTest) -> list[str]:
    return [m.value for m in app.markdown]


def details(app: AppTest) -> list[str]:
    """The claims whose lights are on in entries that are open, as they are unfolded."""
    return [one.label for one in app.expander if one.label.startswith(("✓ ", "✗ "))]


def bare(text: str) -> str:
    """Without tags and without the signs that make an index."""
    text = html.unescape(re.sub("</?sub>", "", text))
    return re.sub(r"_(\w)", r"\1", re.sub(r"_\{([^}]*)\}", r"\1", text)).translate(str.maketrans("₀₁₂₋₊ₜₛ", "012−+ts"))


def counted(shown: int, green: int, red: int = 0) -> str:
    """What stands above the entries once some were checked."""
    return (
        f"Of the {shown} shown, {green} are green, {red} red and {shown - green - red} not checked yet (seed 0). "
        "41 of the 43 statements can be checked; 2 are definitions."
    )


def lines(app: AppTest) -> list[str]:
    """The line of each entry: key, verdict, what the article says."""
    return [one.label for one in app.expander if one.label.startswith("**E")]


def lights(app: AppTest) -> dict[str, str]:
    """The lights that are on, in words, by the entry's key."""
    rows = {
        block.proto.id.split("entry_")[-1]: block for block in app.get("flex_container") if isinstance(block, Block)
    }
    children = {key: row.children.values() for key, row in rows.items() if re.fullmatch("E\\d+", key)}
    return {key: child.value for key, row in children.items() for child in row if isinstance(child, Markdown)}


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_all_entries_are_a_line_with_verdict_and_sentence_and_no_light_yet(lang: str) -> None:
    app = open_ledger(lang)
    translate = catalogue(lang).gettext
    for entry, line in zip(ENTRIES, lines(app), strict=True):
        judged = f"**{translate('the article')}{translate(': ').strip()}** {translate(VERDICTS[entry.verdict])}"
        start = f"**{entry.key}** :{VERDICT_COLORS[entry.verdict]}-badge[{judged}] "
        assert line.startswith(start)
        assert unescaped(line.removeprefix(start)) == typeset(translate(entry.article))
    assert r"$p_{θ}$($X_{0:T}$) = p($x_{T}$)" in lines(app)[17] and "_T" not in unescaped("".join(lines(app)))
    assert [s.value for s in app.subheader] == [translate(name) for name in SECTION_NAMES.values()]
    assert not lights(app) and not app.success and not app.error
    assert not app.get("html") and not [b for b in app.button if b.label == translate("Check")]  # nothing is unfolded


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_open_entry_says_what_is_right(lang: str) -> None:
    """One by the URL, or all of them."""
    app = open_ledger(lang, open="all")
    translate = catalogue(lang).gettext
    for entry, element in zip(ENTRIES, app.get("html"), strict=True):
        assert bare(re.sub("</?p[^>]*>", "", element.proto.body)) == bare(translate(entry.correct))
    assert len([b for b in app.button if b.label == translate("Check")]) == N
    assert len(app.caption) == len(ENTRIES) - N
    (only,) = open_ledger(lang, open="E17").get("html")
    assert bare(re.sub("</?p[^>]*>", "", only.proto.body)) == bare(translate(ENTRIES[17].correct))


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_url_chooses_a_verdict(verdict: str) -> None:
    app = open_ledger(verdict=verdict)
    wanted = [entry.key for entry in ENTRIES if entry.verdict == verdict]
    assert [line.split("**")[1] for line in lines(app)] == wanted
    assert 0 < len(wanted) < 43


@pytest.mark.parametrize(
    ("lang", "light"), [("en", "**what is right:** ✓ green"), ("zh", "**更正后的论断：** ✓ 通过检验")]
)
def test_one_entry_is_checked_alone(lang: str, light: str) -> None:
    app = open_ledger(lang, seed="3", open="E3")
    app.button(key="run_E3").click().run()
    assert not app.exception
    assert lights(app) == {"E3": f":green[{light}]"}
    assert len(details(app)) == 1
    translate = catalogue(lang).gettext
    assert any(translate("betas drawn anew, some twice") in text for text in texts(app))
    assert len(app.info) == 1  # the others were not checked
    app.number_input(key="url_seed").set_value(4).run()
    assert not lights(app)  # another seed, nothing checked yet


def test_all_are_checked_and_green_and_the_report_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With outcomes made up: the tests of the core run the claims, and one in the browser presses this for real."""

    def outcome(_key: str, mistake: str | None, *_rest: object, **_more: object) -> Outcome:
        return Outcome((Trial("largest error", float(mistake is not None), tolerance=0.5),), (mistake is not None,))

    monkeypatch.setattr("pages.shared.checks.run_claim", outcome)
    app = press(open_ledger("en"), "Check all that are shown")
    assert [s.value for s in app.success] == [counted(N, N)]
    assert not app.error
    assert lights(app).keys() == {entry.key for entry in ENTRIES if entry.claims}
    for entry in ENTRIES[2:6]:  # true, loose, loose, wrong: what the article says is not called wrong and green
        whose = "our claim:" if entry.verdict == "true" else "what is right:"
        assert lights(app)[entry.key] == f":green[**{whose}** ✓ green]"
    assert not details(app)  # where an entry is folded, its numbers are not drawn
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == ["Report (Markdown)", "Report (JSON)"]


def test_checking_all_that_are_shown_leaves_the_others() -> None:
    app = press(open_ledger("en", verdict="wrong"), "Check all that are shown")
    wrong = sum(entry.verdict == "wrong" for entry in ENTRIES)
    assert [s.value for s in app.success] == [counted(wrong, wrong)]  # of those shown, none is missing
    assert N == 41 and wrong == 6


def test_a_light_that_is_not_green_is_said_in_red(monkeypatch: pytest.MonkeyPatch) -> None:
    red = Outcome((Trial("largest error", 1.0, tolerance=0.0),), (True,))
    monkeypatch.setattr("pages.shared.checks.run_claim", lambda *_, **__: red)
    app = open_ledger("en", open="E3")
    app.button(key="run_E3").click().run()
    assert lights(app) == {"E3": ":red[**what is right:** ✗ red]"}
    assert app.error[0].value == counted(N, 0, red=1)


def test_calibration_of_a_test_and_of_an_identity() -> None:
    app = press(open_ledger("en", calibrate="E35b"), "Run it with 200 seeds")
    assert len(app.get("plotly_chart")) == 1
    assert any("z of the mean: uniform with p = " in text and "of 200 seeds" in text for text in texts(app))
    app = press(open_ledger("en", calibrate="E13"), "Run it with 200 seeds")
    assert not app.get("plotly_chart")
    assert any("no p-values" in info.value for info in app.info)


def test_the_library_is_compared_at_a_press() -> None:
    pytest.importorskip("diffusers")
    app = open_ledger("en", open="library")
    assert not any("fixed_large" in text for text in texts(app))
    press(app, "Compare with the installed diffusers")
    (table,) = [text for text in texts(app) if "| `variance_type" in text]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    assert [row for row in rows if "NaN |" in row] == [row for row in rows if "fixed_large_log" in row]
    assert any("`fixed_large_log` returns NaN" in warning.value for warning in app.warning)


def test_without_the_library_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    st.cache_resource.clear()
    app = press(open_ledger("en", open="library"), "Compare with the installed diffusers")
    assert [w.value for w in app.warning] == ["diffusers is not installed; pip install diffusers==0.42.1 brings it."]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (
            {"verdict": "maybe"},
            "verdict in the URL is 'maybe'; it must be one of: all, true, loose, wrong, definition.",
        ),
        ({"calibrate": "E99"}, "calibrate in the URL is 'E99'; it must be one of: E0a, E0b"),
        ({"seed": "x"}, "seed in the URL is 'x'"),
    ],
)
def test_a_wrong_url_gives_one_sentence(url: dict[str, str], sentence: str) -> None:
    app = open_ledger("en", **url)
    assert [w.value.startswith(sentence) for w in app.warning] == [True]


def test_weights_that_are_missing_are_one_sentence_and_no_light(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other lights of the entry are on as ever."""

    def missing() -> None:
        raise BadInput("The file {path} cannot be read: {why}.", path="shapes", why="No such file or directory")

    monkeypatch.setattr(autoencoder, "shipped", missing)
    st.cache_resource.clear()
    app = open_ledger(open="E37")
    app.button(key="run_E37").click().run()
    assert not app.exception
    assert [e.value for e in app.error] == ["The file shapes cannot be read: No such file or directory."]
    assert any("largest error" in text for text in texts(app))  # E37b needs no weights
    assert lights(app) == {"E37": ":gray[**what is right:** ○ not run]"}


def test_what_was_computed_in_a_lesson_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_ledger("en", seed="77", open="E3,E4")
    app.button(key="run_E3").click().run()
    ran: list[str | None] = []
    monkeypatch.setattr("diffusion_core.claims.check.Claim.run", lambda claim, mistake, *_: ran.append(mistake))
    again = open_ledger("en", seed="77", open="E3,E4")  # another visitor
    again.button(key="run_E3").click().run()
    assert lights(again) == lights(app) == {"E3": ":green[**what is right:** ✓ green]"}
    assert ran == []
    again.button(key="run_E4").click().run()
    assert ran  # this one was not known


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("q(xₜ | xₜ₋₁)", "q(x<sub>t</sub> | x<sub>t−1</sub>)"),
        ("X_{0:T}, Σβₜ < 1", "X<sub>0:T</sub>, Σβ<sub>t</sub> &lt; 1"),
        ("√(2πβ̃ₜ), x_T", "√(2πβ̃<sub>t</sub>), x<sub>T</sub>"),
        ("E_{x₀, z̄ₜ}", "E<sub>x0, z̄t</sub>"),
    ],
)
def test_an_index_stands_below_whatever_it_follows(text: str, shown: str) -> None:
    assert with_indices(text) == shown
