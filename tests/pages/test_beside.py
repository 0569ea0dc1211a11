"""A|B: the same lesson with one control at another value beside it; the noise is the same."""

import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from pages.shared import timeline as tl
from tests.pages.opening import open_page

LESSONS = [
    ("add_noise", "schedule:cosine", "x0", "alpha_bar"),
    ("closed_form", "schedule:cosine", "x0", "a"),
    ("posterior", "stride:10", "", "beta_tilde"),
    ("sampling", "sampler:ddim", "", "x_t"),
    ("guidance", "w:0", "", ""),
]


def sides(sent: bytes) -> tuple[dict[str, Any], list[dict[str, np.ndarray]], list[dict[str, Any]]]:
    """What the head says of both, and of each its arrays and its spec."""
    start = 4 + int.from_bytes(sent[:4], "little")
    said = json.loads(sent[4:start])["beside"]
    blobs = [sent[start : start + said["length"]], sent[start + said["length"] :]]
    headers = [json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")]) for blob in blobs]
    return said, [load(blob) for blob in blobs], [json.loads(one["__metadata__"]["spec"]) for one in headers]


def shown(page: str, **url: str) -> bytes:
    """What the first timeline of the page sends."""
    sent: list[bytes] = [one.proto.bytes for one in open_page(page, **url).get("bidi_component")]
    return next(filter(None, sent))


@pytest.mark.parametrize(("page", "beside", "same", "other"), LESSONS, ids=[one[0] for one in LESSONS])
def test_one_thing_is_another_one_and_the_rest_is_not(page: str, beside: str, same: str, other: str) -> None:
    said, (first, second), specs = sides(shown(page, beside=beside))
    assert [one["name"][0] for one in said["sides"]] == ["A", "B"]
    assert [one["title"] for one in specs[0]["panels"]] and specs[0]["labels"] == specs[1]["labels"]
    if same:
        np.testing.assert_array_equal(first[same], second[same])
    if other:
        a, b = (arrays[spec["tracks"][other]["values"]] for arrays, spec in zip((first, second), specs, strict=True))
        assert a.shape == b.shape
        assert not np.array_equal(a, b)
    if page == "sampling":
        np.testing.assert_array_equal(a[0], b[0], "both start from the same noise")
    alone = shown(page)
    assert b'"beside"' not in alone[: 4 + int.from_bytes(alone[:4], "little")]


def test_fewer_steps_stand_where_they_have_come_to() -> None:
    said, (many, few), _specs = sides(shown("sampling", beside="N:10"))
    assert said["positions"] == sorted(said["positions"], reverse=True)
    ts, places = np.array(said["positions"]), [one["places"] for one in said["sides"]]
    assert places[0] is None and len(many["x_t"]) == 51
    own = np.array([*range(1000, 0, -100), 0])
    np.testing.assert_array_equal(own[places[1]], [min(t for t in own if t >= now) for now in ts])
    assert len(few["x_t"]) == len(own)


def test_what_cannot_be_compared_is_said() -> None:
    app = open_page("add_noise", beside="schedule:straight")
    assert any("beside in the URL is 'schedule:straight'" in one.value for one in app.warning)


def picture(positions: list[int], n: int = 3) -> tl.Picture:
    """A walk over these places."""
    tracks: dict[str, tl.Track] = {"x": tl.Frames(np.zeros((len(positions), n, 2)))}
    return tl.pack(positions, tracks, [tl.Plane((tl.Points("x"),), "x")], tl.LABELS)


def test_the_places_of_both_are_the_sliders() -> None:
    both = tl.pair(picture([1000, 500, 0]), picture([900, 500]), ("A", "B"))
    assert both.positions == (1000, 900, 500, 0)
    assert both.beside is not None
    places = [side["places"] for side in both.beside.head["sides"]]
    assert places == [[0, 0, 1, 2], [0, 0, 1, 1]]  # before its own first place a picture shows that
    rising = tl.pair(picture([0, 1, 2]), picture([0, 1, 2]), ("A", "B"))
    assert rising.positions == (0, 1, 2) and rising.beside is not None
    assert [side["places"] for side in rising.beside.head["sides"]] == [None, None]
