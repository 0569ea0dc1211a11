"""What the URL says of how a timeline is played."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.opening import open_page


def head_of(app: AppTest) -> dict[str, Any]:
    """What the first timeline of a page shows first."""
    sent = next(one.proto.bytes for one in app.get("bidi_component") if one.proto.bytes)
    head: dict[str, Any] = json.loads(sent[4 : 4 + int.from_bytes(sent[:4], "little")])
    return head


def test_the_stops_are_values_of_the_slider() -> None:
    assert head_of(open_page("add_noise", stops="1000,0,250.4,250"))["view"]["stops"] == [0, 250, 1000]
    assert head_of(open_page("sampling", stops="0,1000", N="4"))["view"]["stops"] == [0, 4], "in playing order"
    assert head_of(open_page("add_noise"))["view"]["stops"] == []


def test_the_url_opens_the_stage_with_its_panels_covered() -> None:
    assert head_of(open_page("add_noise"))["view"] == {"stage": False, "panels": [], "cover": False, "stops": []}
    view = head_of(open_page("add_noise", view="stage", panels="2,0", cover="1", stops="7"))["view"]
    assert view == {"stage": True, "panels": [2, 0], "cover": True, "stops": [7]}


@pytest.mark.parametrize(
    ("name", "value"), [("view", "full"), ("panels", "4"), ("panels", "0.5"), ("panels", "a"), ("cover", "yes")]
)
def test_a_bad_view_gets_one_sentence(name: str, value: str) -> None:
    app = open_page("add_noise", **{name: value})
    (said,) = [one.value for one in app.warning]
    assert said.startswith(f"{name} in the URL is '{value}'")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("stops", ["now", "0,2000", "-1", "1;2", ",", "nan", "0," * 200])
def test_bad_stops_get_one_sentence(stops: str, lang: str) -> None:
    app = open_page("add_noise", lang=lang, stops=stops)
    (said,) = [one.value for one in app.warning]
    assert said.startswith({"en": "stops in the URL is", "zh": "URL 中的 stops"}[lang])
    assert head_of(app)["view"]["stops"] == []
