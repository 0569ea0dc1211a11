"""Every page, in both languages, with odd URLs: no exception, all its parts, and code that runs as it stands."""

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import pages
from diffusion_core.claims import AnyClaim, Outcome
from diffusion_core.claims.ledger import ENTRIES
from pages.shared import checks
from pages.shared.i18n import read_parts
from pages.shared.typography import typeset
from tests.pages.opening import ROOT, blobs, elements, lacking, light_of, open_page, raw_symbols, run_code

PAGES = tuple(page.name for page in pages.PAGES)
CLAIMS = {lesson.name: lesson.claims for lesson in pages.LESSONS if lesson.claims}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("page", PAGES)
def test_page_has_all_its_parts(page: str, lang: str) -> None:
    app = open_page(page, lang=lang, open="all")
    later = ["gone", "guessed", "back"] if page == "start" else []  # its other acts
    assert lacking(app, read_parts(lang, page)) == later
    assert "question" in lacking(app, read_parts({"en": "zh", "zh": "en"}[lang], page))
    assert raw_symbols(app) == []


def test_a_symbol_as_it_was_typed_is_found() -> None:
    def page() -> None:
        import streamlit as st

        st.markdown("$x_t$, `x_t`, SNR, file_name, [x](http://a_b)")
        st.slider("x̂_0 of x_T", 0, 1)
        st.plotly_chart({"data": [{"name": "p(c)^w"}], "layout": {"title": {"text": "x<sub>t</sub>"}}})

    app = AppTest.from_function(page).run()
    assert raw_symbols(app) == ["x̂_0 of x_T", "p(c)^w"]


@pytest.mark.parametrize(
    ("page", "url", "sentence"),
    [
        ("add_noise", {"T": "0"}, "T in the URL is '0'; it must be a whole number from 1 to 4000."),
        ("add_noise", {"T": "ten"}, "T in the URL is 'ten'"),
        ("add_noise", {"schedule": "quadratic"}, "schedule in the URL is 'quadratic'; it must be one of: linear"),
        ("add_noise", {"data": "../etc"}, "data in the URL is '../etc'"),
        ("add_noise", {"t": "1001"}, "t in the URL is '1001'; it must be a whole number from 0 to 1000."),
        ("add_noise", {"open": "one two"}, "open in the URL is 'one two'; it must be names of sections, with commas"),
        ("reparameterization", {"mu": "3"}, "mu in the URL is '3'; it must be a number from -2.0 to 2.0."),
        ("reparameterization", {"sigma": "0"}, "sigma in the URL is '0'; it must be a number from 0.2 to 2"),
        ("closed_form", {"seed": "-1"}, "seed in the URL is '-1'"),
        ("loss", {"mistake": "1"}, "mistake in the URL is '1'; it must be a number from 0.0 to 0.16."),
        ("posterior", {"x_t": "9"}, "x_t in the URL is '9'; it must be a number from -3.0 to 3.0."),
        ("posterior", {"stride": "0"}, "stride in the URL is '0'; it must be a whole number from 1 to 999."),
        ("posterior", {"k": "300"}, "k in the URL is '300'; it must be a whole number from 1 to 299."),
        ("sampling", {"N": "100000"}, "N in the URL is '100000'"),
        ("sampling", {"sampler": "ddim", "eta": "nan"}, "eta in the URL is 'nan'"),
        ("sampling", {"schedule": "zero_terminal_snr"}, "schedule in the URL is 'zero_terminal_snr'"),
        ("sampling", {"spacing": ""}, "spacing in the URL is ''"),
        (
            "sampling",
            {"denoiser": "oracle"},
            "denoiser in the URL is 'oracle'; it must be one of: exact, network,",
        ),
        ("unet", {"block": "top"}, "block in the URL is 'top'; it must be one of: first, down_0_0"),
        ("variance", {"s2": "0"}, "s2 in the URL is '0'; it must be a number from 0.01 to 4.0."),
        ("variance", {"peaks": "1000"}, "peaks in the URL is '1000'; it must be one of: 5, 10, 20, 50."),
        (
            "training",
            {"run": "0123456789ab"},
            "run in the URL is '0123456789ab'; there is no such run here",
        ),
        ("four_ways", {"u": "-0.5"}, "u in the URL is '-0.5'; it must be a number from 0 to 1."),
        ("training", {"lr": "1000"}, "lr in the URL is '1000'; it must be one of: 0.0001"),
        ("training", {"steps": "20001"}, "steps in the URL is '20001'"),
        ("training", {"schedule": "zero_terminal_snr"}, "schedule in the URL is 'zero_terminal_snr'"),
    ],
)
def test_a_value_that_is_not_allowed_gives_one_sentence(page: str, url: dict[str, str], sentence: str) -> None:
    app = open_page(page, lang="en", **url)
    warnings = [w.value for w in app.warning if " in the URL is " in w.value]
    assert len(warnings) == 1
    assert warnings[0].startswith(sentence)
    assert ("Shown instead: " in warnings[0]) == (not {"open", "run"} & set(url))  # these have no usual value
    assert not [w for box in app.get("popover") for w in box.get("warning")], "said where it is seen"


@pytest.mark.parametrize(
    ("page", "before", "after"),
    [
        ("add_noise", "Start", "Jump to any t"),
        ("sampling", "Why this loss?", "Which variance?"),
        ("ledger", "Text and guidance", None),
    ],
)
def test_a_lesson_ends_with_the_ways_to_its_neighbours(page: str, before: str, after: str | None) -> None:
    app = open_page(page, lang="en")
    links = [(link.proto.label, link.proto.query_string) for link in app.get("page_link")]
    assert links[-2 if after else -1 :] == [(title, "lang=en") for title in (before, after) if title]


def test_from_start_to_end_the_neighbours_are_the_list() -> None:
    walked, here = [], pages.START
    while True:
        walked.append(here.name)
        before, after = pages.neighbours(here.name)
        assert (before.name if before else None) == (walked[-2] if len(walked) > 1 else None)
        if after is None:
            break
        here = after
    assert walked == [pages.START.name, *(lesson.name for lesson in pages.LESSONS)]
    core = [lesson.name for lesson in pages.LESSONS if not lesson.deep]
    assert core == ["add_noise", "closed_form", "posterior", "training", "sampling", "guidance"]


def test_a_language_that_is_not_there_is_said() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["lang"] = "fr"
    app.run()
    assert [w.value for w in app.warning] == ["lang in the URL is 'fr'; it must be one of: en, zh."]
    assert app.title[0].value == "From noise to data, and back"


def test_the_same_sentence_in_chinese() -> None:
    app = open_page("add_noise", lang="zh", T="0")
    assert any("URL" in w.value and "1" in w.value and "4000" in w.value and "must" not in w.value for w in app.warning)


@pytest.mark.parametrize(
    ("page", "url"),
    [
        ("add_noise", {"T": "1", "t": "1"}),
        ("add_noise", {"T": "1", "schedule": "zero_terminal_snr", "t": "0"}),
        ("add_noise", {"data": "bimodal", "schedule": "inverse_square"}),
        ("add_noise", {"data": "word", "word": "扩散"}),
        ("add_noise", {"data": "photo"}),
        ("add_noise", {"data": "picture", "pick": "17"}),
        ("add_noise", {"data": "eight_gaussians", "pick": "9999999"}),
        ("sampling", {"data": "picture", "N": "5"}),
        ("reparameterization", {"mu": "0", "sigma": "2"}),
        ("reparameterization", {"mu": "-1.37", "sigma": "0.2", "seed": "7"}),
        ("closed_form", {"T": "1", "data": "three_modes"}),
        ("closed_form", {"T": "7", "t": "3", "schedule": "cosine"}),
        ("posterior", {"T": "10", "t": "2", "stride": "9", "schedule": "cosine"}),
        ("posterior", {"t": "1000", "stride": "999", "x_0": "-3", "x_t": "3"}),
        ("posterior", {"t": "2", "stride": "1", "data": "three_modes", "from": "3", "seen": "-2.5"}),
        ("posterior", {"data": "two_moons", "from": "1000", "schedule": "inverse_square"}),
        ("sampling", {"N": "1"}),
        ("sampling", {"T": "1", "N": "1"}),
        ("sampling", {"data": "digits", "N": "3", "sampler": "ddim", "eta": "1.0"}),
        ("sampling", {"data": "two_moons", "variance": "large", "N": "5", "spacing": "leading"}),
        ("sampling", {"variance": "learned", "v": "1.25", "N": "6"}),
        ("sampling", {"variance": "optimal", "data": "digits", "N": "4"}),
        ("sampling", {"variance": "state", "data": "spiral", "N": "7"}),
        ("sampling", {"denoiser": "network", "variance": "optimal", "N": "1"}),
        (
            "sampling",
            {"data": "digits", "denoiser": "network", "N": "3", "label": "7", "w": "0", "variance": "optimal"},
        ),
        ("sampling", {"data": "two_moons", "denoiser": "network", "N": "3"}),
        ("unet", {"block": "first", "label": "0", "head": "4"}),
        ("unet", {"block": "up_0_0", "t": "1", "seed": "2147483647"}),
        ("variance", {"N": "2", "s2": "4", "v": "-0.25", "last": "noisy", "spacing": "trailing"}),
        ("variance", {"N": "1000", "s2": "0.01", "cloud": "three_modes", "schedule": "inverse_square"}),
        ("four_ways", {"data": "word", "word": "扩散", "way": "round", "u": "-1", "steps": "300", "pick": "299"}),
        ("training", {"T": "2", "data": "word", "word": "扩散", "steps": "1", "predicts": "v"}),
        ("training", {"t": "1000", "step": "5", "width": "8"}),
    ],
)
def test_edges_open(page: str, url: dict[str, str]) -> None:
    app = open_page(page, lang="en", **url)
    assert app.get("bidi_component"), "no picture"


def test_what_a_lesson_checks_stands_in_the_ledger() -> None:
    listed = {id(claim) for entry in ENTRIES for claim in entry.claims}
    taught = [claim for claims in CLAIMS.values() for claim in claims]
    assert len(taught) > 40 and all(id(claim) in listed for claim in taught)
    assert id(replace(taught[0])) not in listed


@pytest.mark.parametrize("page", CLAIMS)
@pytest.mark.parametrize("url", [{}, {"schedule": "cosine", "data": "word", "word": "SNR", "seed": "3"}])
def test_the_code_shown_runs_as_it_stands(page: str, url: dict[str, str]) -> None:
    assert run_code(open_page(page, lang="en", open="code", steps="300", **url))  # a short training, where there is one


@pytest.mark.parametrize("page", CLAIMS)
def test_each_mistake_is_rejected_at_the_settings_of_the_page(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each claim is asked once, with what the page hands it; its light shows what was found."""
    asked, run_claim = [], checks.run_claim

    def judge(key: str, mistake: str | None, known_by: str, seed: int, _claim: AnyClaim, _setting: Any) -> Outcome:
        assert mistake is None
        asked.append(key)
        assert [name for name in _claim.mistakes if _claim.run(name, _setting, seed).passed] == [], key
        return run_claim(key, None, known_by, seed, _claim=_claim, _setting=_setting)

    monkeypatch.setattr(checks, "run_claim", judge)
    keys = [claim.key for claim in CLAIMS[page]]
    app = open_page(page, lang="en", open=",".join(keys))
    assert all(light_of(app, claim.says) for claim in CLAIMS[page])
    assert sorted(asked) == sorted(keys)


def test_the_mistake_that_is_chosen_is_the_one_that_is_run() -> None:
    (claim, *_others) = CLAIMS["add_noise"]
    for number in range(1, len(claim.mistakes) + 1):
        app = open_page("add_noise", lang="en", **{f"try_{claim.key}": str(number)})
        assert light_of(app, claim.says) and not light_of(app, claim.says, mistaken=True)  # side by side
        chosen = next(control for control in elements(app, "button_group") if control.label == "Try a mistake")
        assert chosen.value == str(number)
        assert chosen.proto.options[number].content == typeset(list(claim.mistakes)[number - 1])


def test_the_schedule_with_a_finite_sum_stays_red_and_warns() -> None:
    from diffusion_core.claims.forward import IS_NOISE

    app = open_page("add_noise", lang="en", schedule="inverse_square", data="bimodal", open="E2,E3,E4,E5,E6")
    assert not light_of(app, IS_NOISE.says)
    assert any("$x_T$ is not noise yet" in w.value and "is 0.00760 nats" in w.value for w in app.warning)
    assert not any("is not noise yet" in w.value for w in open_page("add_noise", lang="en").warning)
    short = open_page("add_noise", lang="en", T="50")  # of pictures only a bound is known
    assert any("at most 0.4" in w.value and "nats a pixel" in w.value for w in short.warning)


def test_the_same_url_shows_the_same_picture_and_another_seed_another() -> None:
    def blob(**url: str) -> bytes:
        return blobs(open_page("sampling", lang="en", **url))[-1]

    assert blob(N="5", seed="4") == blob(N="5", seed="4")
    assert blob(N="5", seed="4") != blob(N="5", seed="5")
