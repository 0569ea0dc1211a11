"""The blob of the timeline: what goes in comes out, and what does not fit is said in one sentence."""

import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from diffusion_core.errors import BadInput
from pages.shared import timeline as tl
from pages.shared.palette import COLORS, DENSITY, SERIES

P, N = 4, 5
POINTS = np.arange(2.0 * N).reshape(N, 2)
TRACKS: dict[str, tl.Track] = {
    "x0": tl.Constant(POINTS),
    "x_t": tl.Affine(np.linspace(1, 0, P), "x0", np.linspace(0, 1, P), np.ones((N, 2))),
    "x_s": tl.Shifted("x_t", 1),
    "walk": tl.Frames(np.ones((P, N, 2))),
    "bytes": tl.Frames(np.full((P, N, 2), 7, np.uint8), scale=0.5, offset=-1.0),
    "a": tl.Scalar(np.linspace(1, 0, P)),
}
PLANE = tl.Plane((tl.Points("x_t"),), "x_t")
BELL = tl.Mixture(np.ones(1), np.zeros((1, 2)), np.ones(1), a=np.ones(P), noise_variance=np.zeros(P))


def picture(
    tracks: dict[str, tl.Track] | None = None,
    panels: tuple[tl.Panel, ...] = (PLANE,),
    positions: Any = range(P),
    labels: dict[str, str] = tl.LABELS,
) -> tl.Picture:
    """A picture with one thing changed."""
    return tl.pack(positions, TRACKS if tracks is None else tracks, panels, labels)


def blob(**change: Any) -> bytes:
    """Its blob."""
    return picture(**change).blob


def head_of(sent: bytes) -> tuple[dict[str, Any], bytes]:
    """The head of what is sent, and the blob behind it."""
    length = int.from_bytes(sent[:4], "little")
    return json.loads(sent[4 : 4 + length]), sent[4 + length :]


def spec_of(data: bytes) -> dict[str, Any]:
    """The JSON inside."""
    length = struct.unpack("<Q", data[:8])[0]
    spec: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["spec"])
    return spec


def test_what_goes_in_comes_out() -> None:
    data = blob()
    arrays, spec = load(data), spec_of(data)
    np.testing.assert_array_equal(arrays[spec["tracks"]["x0"]["values"]], POINTS.astype(np.float32))
    np.testing.assert_array_equal(arrays[spec["tracks"]["a"]["values"]], np.linspace(1, 0, P))
    assert {name: arrays[name].dtype.name for name in ("x0", "x_t.a", "a", "bytes", "walk")} == {
        "x0": "float32",
        "x_t.a": "float64",
        "a": "float64",
        "bytes": "uint8",
        "walk": "float32",
    }
    assert spec["tracks"]["x_t"]["first"] == ["x0", 0]
    assert spec["tracks"]["x_s"]["of"] == ["x_t", 1]
    assert spec["positions"] == list(range(P))
    assert blob() == data, "the same arguments must give the same bytes, or every rerun sends them again"


def test_what_is_sent_is_a_head_that_says_where_it_stands_and_the_blob() -> None:
    probe = tl.Numbers((("q", tl.Probe("x_t"), None),))
    whole = picture(panels=(PLANE, probe), tracks={**TRACKS, "mu": tl.Draggable(1.0, -2.0, 2.0)})
    place = tl.Place(
        position=2, pick=1, handles={"mu": 0.5}, view=tl.View(stage=True, panels=(1,), stops=(1, 2)), jump=3
    )
    head, rest = head_of(whole.at("here", place))
    assert rest == whole.blob, "only the head may differ from place to place"
    view = {"stage": True, "panels": [1], "cover": False, "stops": [1, 2]}
    assert head == {"key": "here", "position": 2, "pick": 1, "handles": {"mu": 0.5}, "view": view, "jump": 3}
    assert head_of(whole.at("here", tl.Place()))[0]["pick"] == 0
    assert whole.at("here", tl.Place()) == whole.at("here", tl.Place()), "or every run sends it again"
    with pytest.raises(BadInput, match=f"pick must lie in 0..{N - 1}; got {N}."):
        whole.at("here", tl.Place(pick=N))


def test_only_types_that_the_reader_knows() -> None:
    header = json.loads(blob()[8 : 8 + struct.unpack("<Q", blob()[:8])[0]])
    kinds = {entry["dtype"] for name, entry in header.items() if name != "__metadata__"}
    assert kinds <= {"F64", "F32", "U8"}


def test_a_line_may_have_gaps_and_a_histogram_a_common_top() -> None:
    gap = np.array([1.0, *[np.nan] * (P - 1)])
    data = blob(panels=(tl.Lines((tl.Line(gap, "", "#000000"),), ""),))
    (line,) = spec_of(data)["panels"][0]["series"]
    np.testing.assert_array_equal(load(data)[line["values"]], gap)
    top = np.linspace(2, 1, P)
    data = blob(panels=(tl.Histogram("x_t", "", top=top), tl.Histogram("x_t", "")))
    first, second = spec_of(data)["panels"]
    np.testing.assert_array_equal(load(data)[first["top"]], top)
    assert second["top"] is None


def test_a_live_number_may_say_how_many_decimals_it_has() -> None:
    panel = tl.Formula("<mn>{{q}}</mn><mn>{{a}}</mn>", {"q": tl.Probe("x_t", 1, decimals="a"), "a": tl.Probe("a")})
    values = spec_of(blob(panels=(PLANE, panel)))["panels"][1]["values"]
    assert (values["q"]["decimals"], values["a"]["decimals"]) == ("a", None)


def test_a_waterfall_and_formulas_have_their_own_at_each_position() -> None:
    pieces = [[tl.Piece(float(p), f"L_{p}", 0), tl.Piece(-1.0, "", 1)] for p in range(P)]
    fall = tl.Waterfall(pieces, (("a", "#000"), ("b", "#fff")), "", marks=(tl.Line("a", "level", "#000"),))
    pages = tl.Formula([f"<mn>{p}</mn><mn>{{{{a}}}}</mn>" for p in range(P)], {"a": "a"})
    first, second = spec_of(blob(panels=(fall, pages)))["panels"]
    assert first["pieces"][2] == [{"value": 2.0, "label": "L_2", "kind": 0}, {"value": -1.0, "label": "", "kind": 1}]
    assert first["kinds"] == [{"label": "a", "color": "#000"}, {"label": "b", "color": "#fff"}]
    assert first["marks"][0]["label"] == "level" and second["mathml"][3] == "<mn>3</mn><mn>{{a}}</mn>"


PIECES = [[tl.Piece(1.0, "", 0)]] * P
KINDS = (("a", "#000"),)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"panels": (tl.Waterfall(PIECES[1:], KINDS, ""),)},
            f"A waterfall must have pieces at each of the {P} positions; got [1, 1, 1].",
        ),
        (
            {"panels": (tl.Waterfall([*PIECES[1:], []], KINDS, ""),)},
            f"A waterfall must have pieces at each of the {P} positions; got [1, 1, 1, 0].",
        ),
        (
            {"panels": (tl.Waterfall([*PIECES[1:], [tl.Piece(np.nan, "", 0)]], KINDS, ""),)},
            "A piece must be finite and of a kind that there is; got",
        ),
        (
            {"panels": (tl.Waterfall([*PIECES[1:], [tl.Piece(1.0, "", 1)]], KINDS, ""),)},
            "A piece must be finite and of a kind that there is; got",
        ),
        (
            {"panels": (tl.Formula(["<mn>1</mn>"] * (P + 1), {}),)},
            f"There must be a formula for each of the {P} positions; got {P + 1}.",
        ),
        (
            {"panels": (tl.Formula(["<mn>{{q}}</mn>"] * P, {}),)},
            "The formula's number 'q' must have a value.",
        ),
        (
            {"panels": (tl.Lines((tl.Line(np.full(P, np.inf), "", "#000000"),), ""),)},
            "panel.0.0 must be finite; got NaN or infinity.",
        ),
        (
            {"panels": (tl.Histogram("x_t", "", top=np.ones(P + 1)),)},
            f"panel.0.top must have one entry for each of the {P} positions; got shape ({P + 1},).",
        ),
        (
            {"panels": (tl.Formula("<mn>{{q}}</mn>", {"q": tl.Probe("a", decimals="x0")}),)},
            "Track 'x0' must be one number at each position; got shape (5, 2).",
        ),
        ({"positions": ()}, "positions must hold at least one t; got none."),
        ({"panels": ()}, "panels must hold at least one panel; got none."),
        ({"labels": {**tl.LABELS, "play": ""}}, "labels must have 'play'."),
        ({"tracks": {"x_t": tl.Constant(np.array([[np.nan, 0]]))}}, "x_t must be finite; got NaN or infinity."),
        ({"tracks": {**TRACKS, "s": tl.Scalar(np.array([1, 2, np.inf, 3]))}}, "s must be finite; got NaN or infinity."),
        ({"tracks": {**TRACKS, "s": tl.Scalar(np.ones(P + 1))}}, "s must have one entry for each of the 4 positions"),
        (
            {"tracks": {**TRACKS, "s": tl.Scalar(np.ones((P, 2)))}},
            "s must have one number a position; got shape (4, 2).",
        ),
        (
            {"tracks": {**TRACKS, "e": tl.Constant(np.ones((0, 2)))}},
            "e must hold at least one value; got shape (0, 2).",
        ),
        ({"tracks": {"x_t": tl.Shifted("y", 1)}}, "There is no track 'y'; there are: x_t."),
        ({"tracks": {"x_t": tl.Shifted("x_t", 1)}}, "Track 'x_t' must not refer to itself."),
        (
            {"tracks": {**TRACKS, "m": tl.Affine(np.ones(P), "x0", np.ones(P), np.ones((N, 3)))}},
            "Track 'm' must combine values of one shape; got (5, 2) and (5, 3).",
        ),
        ({"tracks": {**TRACKS, "s": POINTS}}, "Track 's' must be a track; got ndarray."),
        ({"panels": (tl.Plane((tl.Points("a"),), ""),)}, "Track 'a' must hold points, shape (n, 2); got ()."),
        ({"panels": (tl.Plane((), "", domain=(1, 1)),)}, "domain must be (low, high) with low < high; got (1, 1)."),
        (
            {"panels": (tl.Images("x0", height=3, width=3, channels=1, columns=1, title=""),)},
            "Track 'x0' must hold pictures of 3 x 3 x 1; got 10 values.",
        ),
        (
            {"panels": (tl.Images("x0", height=5, width=1, channels=2, columns=1, title=""),)},
            "channels must be 1 (grey) or 3 (colour); got 2.",
        ),
        (
            {"panels": (tl.Images("x0", height=5, width=1, channels=1, columns=0, title=""),)},
            "columns must be at least 1; got 0.",
        ),
        ({"panels": (tl.Histogram("x0", "", bins=0),)}, "bins must be at least 1; got 0."),
        (
            {"panels": (tl.Histogram("x0", "", component=2),)},
            "component of a Probe of 'x0' must lie in 0..1; got 2.",
        ),
        (
            {"panels": (tl.Histogram("x0", "", density=BELL),)},
            "A mixture in 1 dimension(s) must have weights (K,), means (K, 1) and variances (K,)",
        ),
        (
            {"panels": (tl.Plane((tl.Density(replace(BELL, variances=-BELL.variances)),), ""),)},
            "A mixture's weights and variances must not be negative.",
        ),
        (
            {"panels": (tl.Plane((tl.DensityFrames(np.ones((P, 3, 2))),), ""),)},
            "Stored densities must have shape (P, G, G); got (4, 3, 2).",
        ),
        (
            {"panels": (tl.Plane((tl.Field(np.ones((P, 3, 3))),), ""),)},
            "Stored vectors must have shape (P, g, g, 2); got (4, 3, 3).",
        ),
        ({"panels": (tl.Lines((tl.Line("x0", "", ""),), ""),)}, "A line needs a scalar track; 'x0' is none."),
        (
            {"panels": (tl.Formula("<mn>{{q}}</mn>", {}),)},
            "The formula's number 'q' must have a value.",
        ),
        (
            {"panels": (tl.Formula("<mn>{{q}}</mn>", {"q": "x0"}),)},
            "A live number must be a scalar track or a Probe; got track 'x0' of shape (5, 2).",
        ),
        ({"tracks": {**TRACKS, "h": tl.Draggable(float("nan"), 0.0, 1.0)}}, "h must be finite; got NaN or infinity."),
        (
            {"tracks": {**TRACKS, "h": tl.Draggable(0.0, 1.0, -1.0)}},
            "the range of h must be (low, high) with low < high; got (1.0, -1.0).",
        ),
        (
            {"panels": (tl.Curves((tl.Bell("x0", "a", "", ""),), ""),)},
            "Track 'x0' must be one number at each position; got shape (5, 2).",
        ),
        (
            {"panels": (tl.Curves((tl.Curve(np.ones((P, 1)), "", ""),), ""),)},
            "A curve must have values (P, M), M at least 2; got shape (4, 1).",
        ),
        (
            {"panels": (tl.Curves((tl.Bell("a", "a", "", ""),), "", domain=np.ones((P, 2))),)},
            "domain must be (low, high) with low < high; got (",
        ),
        (
            {"panels": (tl.Curves((tl.Bell("a", "a", "", ""),), "", domain=tl.Fitted(-1.0)),)},
            "domain must be (low, high) with low < high; got (1.0, -1.0).",
        ),
        (
            {"panels": (tl.Histogram("x0", "", mark="x0"),)},
            "Track 'x0' must be one number at each position; got shape (5, 2).",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        blob(**change)
    assert sentence in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_a_pick_is_asked_for_only_where_something_shows_it() -> None:
    probe = tl.Formula("<mn>{{q}}</mn>", {"q": tl.Probe("x_t", 1)})
    images = tl.Images("x0", height=5, width=2, channels=1, columns=1, title="")
    assert spec_of(blob())["pick_kind"] is None
    assert spec_of(blob(panels=(PLANE, probe)))["pick_kind"] == "point"
    element = picture(panels=(images, probe))
    spec = spec_of(element.blob)
    assert (spec["pick_kind"], spec["pick_count"]) == ("element", 10)
    assert (element.pick, element.picks) == (5, 10)


def luminance(color: str) -> float:
    """WCAG 2.2's relative luminance."""
    rgb = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", ["#ffffff", "#0e1117"])
def test_every_colour_stands_out(background: str) -> None:
    weak = {name: color for name, color in COLORS.items() if contrast(color, background) < 3}
    assert weak == {}
    assert all(contrast(color, background) >= 3 for color in SERIES)
    assert contrast("#FFD54A" if background == "#ffffff" else "#123456", background) < 3, "the measure must reject some"


def test_each_quantity_has_its_own_colour() -> None:
    assert len({color.lower() for color in COLORS.values()}) == len(COLORS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_density_goes_in_even_steps_of_lightness(theme: str) -> None:
    def unevenness(stops: tuple[str, ...]) -> float:
        lightness = [116 * np.cbrt(luminance(color)) - 16 for color in stops]
        steps = np.abs(np.diff(lightness))
        assert len(set(np.sign(np.diff(lightness)))) == 1
        return float(steps.max() / steps.min())

    assert unevenness(DENSITY[theme]) < 1.3
    assert unevenness(("#000000", "#101010", "#ffffff")) > 1.3
