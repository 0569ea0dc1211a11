"""What the URL says of how a timeline is played."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.opening import open_page


def head_of(app: AppTest) -> dict[str, object]:
    """What the first timeline of a page shows first."""
    sent = next(one.proto.bytes for one in app.get("bidi_component") if one.proto.bytes)
    head: dict[str, object] = json.loads(sent[4 : 4 + int.from_bytes(sent[:4], "little")])
    return head


def test_the_stops_are_values_of_the_slider() -> None:
    assert head_of(open_page("add_noise", stops="1000,0,250.4,250"))["stops"] == [0, 250, 1000]
    assert head_of(open_page("sampling", stops="0,1000", N="4"))["stops"] == [0, 4], "in playing order"
    assert head_of(open_page("add_noise"))["stops"] == []


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("stops", ["now", "0,2000", "-1", "1;2", ",", "nan", "0," * 200])
def test_bad_stops_get_one_sentence(stops: str, lang: str) -> None:
    app = open_page("add_noise", lang=lang, stops=stops)
    (said,) = [one.value for one in app.warning]
    assert said.startswith({"en": "stops in the URL is", "zh": "URL 中的 stops"}[lang])
    assert head_of(app)["stops"] == []
