"""What a teacher says is checked field by field: what is not as it must be is told to nobody."""

import json
from typing import Any

import pytest

from pages.shared.classroom.bounds import Refused
from pages.shared.classroom.state import Shown, read_query, read_state
from tests.pages.classroom.asgi import LESSONS, SHOWN, STATE

SCRIPT = "<script>alert(1)</script>"


def test_a_state_is_taken_as_it_is() -> None:
    state = read_state(json.loads(json.dumps(STATE)), LESSONS)
    assert (state.lesson, state.query) == ("add_noise", "data=digits&T=500")
    assert state.shown == {"add_noise": Shown(300, 300, 4, handles={"x_0": -1.5}, playing=False, speed=1)}
    assert read_state({"lesson": "", "query": "", "shown": {}}, LESSONS).shown == {}


@pytest.mark.parametrize(
    "query", ["", "prompt=a+blue+star&w=3", "beside=schedule%3Acosine", "word=%E6%89%A9%E6%95%A3", "seed="]
)
def test_a_query_is_written_as_a_url_has_it(query: str) -> None:
    assert read_query(query) == query


def test_a_script_in_a_query_is_letters() -> None:
    assert "<" not in read_query(f"prompt={SCRIPT}")


@pytest.mark.parametrize(
    "query",
    [
        None,
        "a",
        "=1",
        "lang=zh",
        "class=ABC234",
        "embed=true",
        "view=stage",
        "a.b=1",
        f"{SCRIPT}=1",
        "a=%00",
        "a=1\n",
        "a=" + "x" * 401,
        "&".join(f"a{i}=1" for i in range(31)),
    ],
)
def test_another_query_is_refused(query: Any) -> None:
    with pytest.raises(Refused) as caught:
        read_query(query)
    assert (caught.value.status, caught.value.word) == (400, "field")


def shown(**other: Any) -> dict[str, Any]:
    return {**STATE, "shown": {"add_noise": {**SHOWN, **other}}}


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        {},
        {**STATE, "more": 1},
        {**STATE, "lesson": "../secret"},
        {**STATE, "lesson": ["add_noise"]},
        {**STATE, "lesson": None},
        {**STATE, "shown": []},
        {**STATE, "shown": {SCRIPT: SHOWN}},
        {**STATE, "shown": {f"k{i}": SHOWN for i in range(13)}},
        shown(t="300"),
        shown(t=True),
        shown(t=None),
        shown(t=float("nan")),
        shown(t=float("inf")),
        shown(t=10**400),
        shown(position=-1),
        shown(position=1.5),
        shown(position=True),
        shown(pick="4"),
        shown(handles={"x 0": 1}),
        shown(handles={"x_0": SCRIPT}),
        shown(handles={f"h{i}": 1 for i in range(13)}),
        shown(playing=1),
        shown(speed=100),
        shown(speed=0),
        shown(html=SCRIPT),
    ],
)
def test_another_state_is_refused(state: Any) -> None:
    with pytest.raises(Refused) as caught:
        read_state(state, LESSONS)
    assert caught.value.word == "field"
