"""A class on a page, as Python sees it: the code in the URL, the way to the teacher's place, the words."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import attend, classroom
from tests.pages.opening import open_page

SCRIPT = """
import streamlit as st
from pages.shared import attend, shell
page = shell.build_navigation()
attend.foot()
st.text(page.url_path)
"""


def open_foot(**url: str) -> AppTest:
    """The foot of the sidebar, with the name of the page above it."""
    app = AppTest.from_string(SCRIPT, default_timeout=120)
    for name, value in url.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def data_of(app: AppTest) -> dict[str, Any]:
    """What the browser is told."""
    data: dict[str, Any] = json.loads(app.get("bidi_component")[0].proto.json)
    return data


def asked_for(monkeypatch: pytest.MonkeyPatch, place: object) -> None:
    """The browser asks once for a place to go to."""
    asked = [place]
    monkeypatch.setattr(attend, "_mount", lambda _key, door: asked.pop() if asked else None)


def test_the_code_stays_in_the_url_from_lesson_to_lesson() -> None:
    app = open_foot(**{"class": "ABC234"})
    assert data_of(app)["code"] == "ABC234"
    for name in list(app.query_params):
        app.query_params.pop(name)
    app.run()
    assert app.query_params["class"] == "ABC234" and data_of(app)["code"] == "ABC234"
    app.query_params["class"] = "XYZ789"
    app.run()
    assert data_of(app)["code"] == "XYZ789", "another link, another class"
    assert data_of(open_foot())["code"] == "" and "class" not in open_foot().query_params
    assert len(data_of(open_foot(**{"class": "X" * 5000}))["code"]) <= 20


def test_the_way_to_the_teachers_place_keeps_what_is_the_readers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for(monkeypatch, {"lesson": "posterior", "query": "stride=50&word=%E6%89%A9"})
    app = open_foot(lang="zh", T="500", **{"class": "ABC234"})
    assert app.text[-1].value == "posterior"
    assert dict(app.query_params) == {"stride": "50", "word": "扩", "lang": "zh", "class": "ABC234"}


@pytest.mark.parametrize(
    "place",
    [
        "posterior",
        {"lesson": "posterior"},
        {"lesson": "../posterior", "query": ""},
        {"lesson": "posterior", "query": "class=XYZ789"},
        {"lesson": "posterior", "query": "<script>"},
        {"lesson": ["posterior"], "query": ""},
        {"lesson": "posterior", "query": None},
    ],
)
def test_a_place_that_is_none_leads_nowhere(monkeypatch: pytest.MonkeyPatch, place: object) -> None:
    asked_for(monkeypatch, place)
    app = open_foot(T="500")
    assert app.text[-1].value == "" and dict(app.query_params) == {"T": "500"}


def test_every_word_of_the_hub_has_its_sentence_in_both_languages() -> None:
    source = "".join(file.read_text("utf-8") for file in Path(classroom.__file__).parent.glob("*.py"))
    words = {part.split('"')[1] for part in source.split("Refused(")[1:] if '"' in part.split(")")[0]}
    unsaid = {"origin", "type", "json", "secret", "nothing"}  # no page of ours ever hears them
    assert len(words) > 12 and words - unsaid == set(attend.REFUSALS)
    en, zh = (data_of(open_foot(lang=lang)) for lang in ("en", "zh"))
    assert set(en["words"]["refused"]) == set(attend.REFUSALS)
    for said, other in ((en["words"], zh["words"]), (en["words"]["refused"], zh["words"]["refused"])):
        assert all(said[name] != other[name] for name in said)
    assert en["titles"]["posterior"] == "The posterior" and set(en["titles"]) == set(attend.names())


def test_a_timeline_says_which_parameters_of_the_url_are_its_own() -> None:
    app = open_page("posterior")
    sent = next(one.proto.bytes for one in app.get("bidi_component") if one.proto.bytes)
    head = json.loads(sent[4 : 4 + int.from_bytes(sent[:4], "little")])
    assert head["names"] == ["t", "pick", "x_0", "x_t"]
