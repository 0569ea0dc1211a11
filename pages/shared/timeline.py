"""The instant timeline, its Python face: tracks and panels in, one component out.

Whatever varies with t is drawn in the browser: there, x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps is worked
out anew whenever the slider moves, with no way to the server and back. Python hears of t when the slider is let go.

A track is one quantity over the positions of the slider; a panel draws tracks. All arrays travel in one safetensors
blob, whose metadata hold the rest as JSON; ``assets/timeline`` reads it.
"""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike
from safetensors.numpy import save

from diffusion_core.errors import BadInput
from pages.shared.palette import COLORS, DENSITY

__all__ = [
    "LABELS",
    "REQUIRED_LABELS",
    "Affine",
    "Bell",
    "Constant",
    "Curve",
    "Curves",
    "Density",
    "DensityFrames",
    "Draggable",
    "Field",
    "Formula",
    "Frames",
    "Handle",
    "Histogram",
    "Images",
    "Layer",
    "Line",
    "Lines",
    "Mixture",
    "Numbers",
    "Panel",
    "Path",
    "Plane",
    "Points",
    "Probe",
    "Product",
    "Scalar",
    "Shifted",
    "TimelineState",
    "Track",
    "make_blob",
    "timeline",
]

ASSETS = pathlib.Path(__file__).parents[2] / "assets" / "timeline"
MODULES = ("blob", "tracks", "mixture", "draw", "plane", "images", "charts", "formula", "timeline")  # in this order

# What the timeline says, in English; a caller hands in the translations.
LABELS = {
    "timestep": "Timestep t",
    "play": "Play",
    "pause": "Pause",
    "back": "One step back",
    "forward": "One step forward",
    "speed": "Speed",
    "pick": "Click, or use the arrow keys, to pick",
}
REQUIRED_LABELS = tuple(LABELS)


# --- tracks ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Constant:
    """The same (n, ...) values at every position, float32."""

    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Frames:
    """Stored values, (P, n, ...): float32, or uint8 that stands for scale * value + offset; (P,) are scalars."""

    values: np.ndarray
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, eq=False)
class Scalar:
    """One float64 number a position, (P,); integers are shown as integers."""

    values: np.ndarray


@dataclass(frozen=True)
class Shifted:
    """Another track, ``shift`` positions later (x_s beside x_t); at the ends, the end's own value."""

    track: str
    shift: int


@dataclass(frozen=True, eq=False)
class Affine:
    """a_p * first + b_p * second, worked out in float64 in the browser.

    a and b are (P,); first and second are arrays or the names of tracks, of one shape; a single number goes with any.
    """

    a: np.ndarray
    first: np.ndarray | str | Shifted
    b: np.ndarray
    second: np.ndarray | str | Shifted


@dataclass(frozen=True)
class Draggable:
    """One number, the same at every position, that a hand can move with a `Handle`."""

    value: float


@dataclass(frozen=True, eq=False)
class Product:
    """first * second, number by number, worked out in the browser; a single number goes with any shape."""

    first: np.ndarray | str | Shifted
    second: np.ndarray | str | Shifted


Track = Constant | Frames | Scalar | Shifted | Affine | Product | Draggable


@dataclass(frozen=True, eq=False)
class Mixture:
    """The density of a_p x_0 + N(0, noise_variance_p I), x_0 from sum_k weights_k N(means_k, variances_k I).

    weights (K,), means (K, d) with d 1 or 2, variances (K,), a (P,), noise_variance (P,), all float64.
    """

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    a: np.ndarray
    noise_variance: np.ndarray


@dataclass(frozen=True)
class Probe:
    """The value of a track at what is picked: ``component`` of a picked point, or a picked element itself."""

    track: str
    component: int = 0


# --- layers of a plane -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Density:
    """The exact density of a 2-D mixture as a heat map of 96 x 96 cells, each with its mean density."""

    mixture: Mixture


@dataclass(frozen=True, eq=False)
class DensityFrames:
    """Stored densities (P, G, G) over the plane's domain: row j is y, upwards; column i is x.

    What is brightest is ``top``, or else the largest value of each frame.
    """

    values: np.ndarray
    top: float | None = None


@dataclass(frozen=True, eq=False)
class Field:
    """Arrows: the exact eps*(x) = E[eps | x_t = x] of a mixture, or stored vectors (P, g, g, 2), rows upwards."""

    source: Mixture | np.ndarray
    color: str = COLORS["eps"]


@dataclass(frozen=True)
class Points:
    """The points of an (n, 2) track; ``size`` is a diameter in CSS pixels."""

    track: str
    color: str = COLORS["x_t"]
    size: float = 5.0
    opacity: float = 0.8
    label: str | None = None


@dataclass(frozen=True)
class Path:
    """The way of the picked point of an (n, 2) track over all positions."""

    track: str
    color: str = COLORS["x_t"]


Layer = Density | DensityFrames | Field | Points | Path


# --- panels ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plane:
    """Layers over the square domain x domain, drawn in their order."""

    layers: Sequence[Layer]
    title: str
    domain: tuple[float, float] = (-3.0, 3.0)
    weight: float = 1.0


@dataclass(frozen=True)
class Images:
    """A track as a sheet of pictures, height x width x channels (1 or 3); ``value_range`` goes from black to white."""

    track: str
    height: int
    width: int
    channels: int
    columns: int
    title: str
    value_range: tuple[float, float] = (-1.0, 1.0)
    captions: Sequence[str] | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Histogram:
    """A track's values at t as a density, one ``component`` of its points or all (None), under the exact curve.

    The curve is the mixture's density averaged over a bin's width: the expected height of a bar, at every t.
    ``mark`` is a scalar track, drawn as an upright line.
    """

    track: str
    title: str
    bins: int = 60
    domain: tuple[float, float] = (-4.0, 4.0)
    density: Mixture | None = None
    component: int | None = None
    color: str = COLORS["x_t"]
    mark: str | None = None
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve over x at each position: (P, M) values at M even places, from one end of the domain to the other."""

    values: np.ndarray
    label: str
    color: str
    dash: bool = False


@dataclass(frozen=True)
class Bell:
    """exp(-(x - mean)^2 / (2 variance)), its peak at 1; mean and variance are scalar tracks. Variance 0 is a spike."""

    mean: str
    variance: str
    label: str
    color: str
    dash: bool = False


@dataclass(frozen=True)
class Handle:
    """A scalar track as a labelled mark on the axis of x; a `Draggable` track can be taken hold of there."""

    track: str
    label: str
    color: str


@dataclass(frozen=True, eq=False)
class Curves:
    """Curves over x that change with t. The domain (low, high) may be another one at each position: (P, 2)."""

    series: Sequence[Curve | Bell]
    title: str
    domain: tuple[float, float] | np.ndarray = (-4.0, 4.0)
    handles: Sequence[Handle] = ()
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Line:
    """One curve over the positions: the name of a scalar track, or (P,) values."""

    values: str | np.ndarray
    label: str
    color: str
    dash: bool = False


@dataclass(frozen=True)
class Lines:
    """Curves over t with a moving cursor and the values at t."""

    series: Sequence[Line]
    title: str
    log_y: bool = False
    weight: float = 1.0


@dataclass(frozen=True)
class Formula:
    """MathML in which ``<mn>{{name}}</mn>`` is live: a scalar track's name or a Probe, by ``values``."""

    mathml: str
    values: Mapping[str, str | Probe]
    title: str | None = None


@dataclass(frozen=True)
class Numbers:
    """A small table of live numbers: rows of (label, scalar track or Probe, colour or None)."""

    rows: Sequence[tuple[str, str | Probe, str | None]]
    title: str | None = None


Panel = Plane | Images | Histogram | Curves | Lines | Formula | Numbers


@dataclass(frozen=True)
class TimelineState:
    """Where the timeline was last let go; t is an int where the positions are whole numbers."""

    t: float
    position: int
    pick: int | None


# --- the blob --------------------------------------------------------------------------------------------------------


class _Writer:
    """Gathers arrays and the JSON that names them; every check of a track or panel is here."""

    def __init__(self, count: int, tracks: Mapping[str, Track]) -> None:
        self.count = count
        self.arrays: dict[str, np.ndarray] = {}
        self.given = tracks
        self.tracks: dict[str, dict[str, Any]] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.open: list[str] = []  # tracks being written, outermost first

    def put(self, name: str, values: ArrayLike, dtype: str) -> str:
        """Keep one array, finite and contiguous; returns its name."""
        array = np.ascontiguousarray(values, dtype=dtype)
        if dtype != "uint8" and not np.isfinite(array).all():
            raise BadInput("{name} must be finite; got NaN or infinity.", name=name)
        self.arrays[name] = array
        return name

    def put_over(self, name: str, values: ArrayLike, dtype: str = "float64") -> str:
        """Keep one array whose first axis is the position."""
        shape = np.shape(values)
        if not shape or shape[0] != self.count:
            raise BadInput(
                "{name} must have one entry for each of the {count} positions; got shape {shape}.",
                name=name,
                count=self.count,
                shape=shape,
            )
        return self.put(name, values, dtype)

    def put_numbers(self, name: str, values: ArrayLike) -> str:
        """Keep one float64 number a position."""
        self.put_over(name, values)
        if np.ndim(values) != 1:
            raise BadInput(
                "{name} must have one number a position; got shape {shape}.", name=name, shape=np.shape(values)
            )
        return name

    def track(self, name: str) -> tuple[int, ...]:
        """Write a track once; returns the shape of its values at one position."""
        if name in self.shapes:
            return self.shapes[name]
        if name not in self.given:
            known = ", ".join(map(str, self.given)) or "none"
            raise BadInput("There is no track {name!r}; there are: {known}.", name=name, known=known)
        if name in self.open:
            raise BadInput("Track {name!r} must not refer to itself.", name=name)
        self.open.append(name)
        self.tracks[name], self.shapes[name] = self._write(name, self.given[name])
        self.open.pop()
        return self.shapes[name]

    def _write(self, name: str, track: Track) -> tuple[dict[str, Any], tuple[int, ...]]:
        match track:
            case Constant(values):
                values = np.asarray(values)
                if values.size == 0:
                    raise BadInput(
                        "{name} must hold at least one value; got shape {shape}.", name=name, shape=values.shape
                    )
                return {"kind": "constant", "values": self.put(name, values, "float32")}, values.shape
            case Scalar(values):
                whole = np.issubdtype(np.asarray(values).dtype, np.integer)
                return {"kind": "frames", "values": self.put_numbers(name, values), "whole": bool(whole)}, ()
            case Frames(values, scale, offset):
                values = np.asarray(values)
                if values.dtype == np.uint8:
                    spec = {
                        "kind": "packed",
                        "values": self.put_over(name, values, "uint8"),
                        "scale": scale,
                        "offset": offset,
                    }
                    return spec, values.shape[1:]
                dtype = "float64" if values.ndim == 1 else "float32"
                return {"kind": "frames", "values": self.put_over(name, values, dtype)}, values.shape[1:]
            case Draggable(value):
                if not np.isfinite(value):
                    raise BadInput("{name} must be finite; got NaN or infinity.", name=name)
                return {"kind": "draggable", "value": float(value)}, ()
            case Shifted():
                of, shape = self._refer(name, track)
                return {"kind": "shifted", "of": of}, shape
            case Affine(a, first, b, second):
                spec, shape = self._combine(name, first, second)
                factors = {"a": self.put_numbers(f"{name}.a", a), "b": self.put_numbers(f"{name}.b", b)}
                return {"kind": "affine", **factors, **spec}, shape
            case Product(first, second):
                spec, shape = self._combine(name, first, second)
                return {"kind": "product", **spec}, shape
        raise BadInput("Track {name!r} must be a track; got {got}.", name=name, got=type(track).__name__)

    def _combine(
        self, name: str, first: np.ndarray | str | Shifted, second: np.ndarray | str | Shifted
    ) -> tuple[dict[str, Any], tuple[int, ...]]:
        """Two parts of one shape, or one of them a single number; and the shape of what they make."""
        one, shape = self._refer(f"{name}.first", first)
        two, other = self._refer(f"{name}.second", second)
        if shape != other and () not in (shape, other):
            raise BadInput(
                "Track {name!r} must combine values of one shape; got {first} and {second}.",
                name=name,
                first=shape,
                second=other,
            )
        return {"first": one, "second": two}, shape or other

    def _refer(self, name: str, part: np.ndarray | str | Shifted) -> tuple[list[Any], tuple[int, ...]]:
        """[track, shift] and the shape of what an affine track is made of; an array becomes a track of its own."""
        if isinstance(part, Shifted):
            return [part.track, int(part.shift)], self.track(part.track)
        if isinstance(part, str):
            return [part, 0], self.track(part)
        self.tracks[name], self.shapes[name] = self._write(name, Constant(part))
        return [name, 0], self.shapes[name]

    def mixture(self, name: str, mixture: Mixture, dimension: int) -> dict[str, str]:
        """A mixture of 1 or 2 dimensions."""
        weights, means, variances = (np.asarray(v) for v in (mixture.weights, mixture.means, mixture.variances))
        if weights.ndim != 1 or means.shape != (len(weights), dimension) or variances.shape != weights.shape:
            raise BadInput(
                "A mixture in {d} dimension(s) must have weights (K,), means (K, {d}) and variances (K,); "
                "got {weights}, {means} and {variances}.",
                d=dimension,
                weights=weights.shape,
                means=means.shape,
                variances=variances.shape,
            )
        if min(map(np.min, (weights, variances, mixture.noise_variance))) < 0:
            raise BadInput("A mixture's weights and variances must not be negative.")
        return {
            "weights": self.put(f"{name}.weights", weights, "float64"),
            "means": self.put(f"{name}.means", means, "float64"),
            "variances": self.put(f"{name}.variances", variances, "float64"),
            "a": self.put_numbers(f"{name}.a", mixture.a),
            "noise_variance": self.put_numbers(f"{name}.noise_variance", mixture.noise_variance),
        }

    def value(self, value: str | Probe, kind: str | None) -> dict[str, Any]:
        """What a live number reads: a scalar track, or a place in a track."""
        probe = value if isinstance(value, Probe) else Probe(value)
        shape = self.track(probe.track)
        width = int(np.prod(shape[1:]))
        if isinstance(value, str) and shape != ():
            raise BadInput(
                "A live number must be a scalar track or a Probe; got track {name!r} of shape {shape}.",
                name=value,
                shape=shape,
            )
        if kind == "point" and not 0 <= probe.component < width:
            raise BadInput(
                "component of a Probe of {name!r} must lie in 0..{most}; got {got}.",
                name=probe.track,
                most=width - 1,
                got=probe.component,
            )
        return {"track": probe.track, "component": probe.component}

    def points(self, name: str) -> None:
        """A track of points in the plane."""
        shape = self.track(name)
        if len(shape) != 2 or shape[1] != 2:
            raise BadInput("Track {name!r} must hold points, shape (n, 2); got {shape}.", name=name, shape=shape)

    def layer(self, name: str, layer: Layer) -> dict[str, Any]:
        """One layer of a plane."""
        match layer:
            case Density(mixture):
                return {"kind": "density", "mixture": self.mixture(name, mixture, 2)}
            case DensityFrames(values, top):
                shape = np.shape(values)
                if len(shape) != 3 or shape[1] != shape[2]:
                    raise BadInput("Stored densities must have shape (P, G, G); got {shape}.", shape=shape)
                return {"kind": "density_frames", "values": self.put_over(name, values, "float32"), "top": top}
            case Field(Mixture() as mixture, color):
                return {"kind": "field", "mixture": self.mixture(name, mixture, 2), "color": color}
            case Field(source, color):
                values = np.asarray(source)
                shape = values.shape
                if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 2:
                    raise BadInput("Stored vectors must have shape (P, g, g, 2); got {shape}.", shape=shape)
                return {"kind": "field", "values": self.put_over(name, values, "float32"), "color": color}
            case Points(track):
                self.points(track)
                return {"kind": "points", **vars(layer)}
            case Path(track):
                self.points(track)
                return {"kind": "path", **vars(layer)}

    def panel(self, name: str, panel: Panel, kind: str | None) -> dict[str, Any]:
        """One panel."""
        match panel:
            case Plane():
                _interval("domain", panel.domain)
                layers = [self.layer(f"{name}.{i}", layer) for i, layer in enumerate(panel.layers)]
                return {"kind": "plane", **vars(panel), "layers": layers}
            case Images():
                _interval("value_range", panel.value_range)
                size = int(np.prod(self.track(panel.track)))
                if panel.channels not in (1, 3):
                    raise BadInput("channels must be 1 (grey) or 3 (colour); got {got}.", got=panel.channels)
                if panel.columns < 1:
                    raise BadInput("columns must be at least 1; got {got}.", got=panel.columns)
                if size % (panel.height * panel.width * panel.channels):
                    raise BadInput(
                        "Track {name!r} must hold pictures of {height} x {width} x {channels}; got {size} values.",
                        name=panel.track,
                        height=panel.height,
                        width=panel.width,
                        channels=panel.channels,
                        size=size,
                    )
                return {"kind": "images", **vars(panel)}
            case Histogram():
                _interval("domain", panel.domain)
                if panel.bins < 1:
                    raise BadInput("bins must be at least 1; got {got}.", got=panel.bins)
                if panel.component is None:
                    self.track(panel.track)
                else:
                    self.value(Probe(panel.track, panel.component), "point")
                mixture = None if panel.density is None else self.mixture(name, panel.density, 1)
                if panel.mark is not None:
                    self.scalar(panel.mark)
                spec = {key: value for key, value in vars(panel).items() if key != "density"}
                return {"kind": "histogram", **spec, "mixture": mixture}
            case Curves():
                domain = np.broadcast_to(np.asarray(panel.domain, dtype=float), (self.count, 2))
                for low, high in domain:
                    _interval("domain", (low, high))
                return {
                    "kind": "curves",
                    "title": panel.title,
                    "weight": panel.weight,
                    "domain": self.put(f"{name}.domain", domain, "float64"),
                    "series": [self.curve(f"{name}.{i}", curve) for i, curve in enumerate(panel.series)],
                    "handles": [{**vars(handle), "track": self.scalar(handle.track)} for handle in panel.handles],
                }
            case Lines():
                series = [self.line(f"{name}.{i}", line) for i, line in enumerate(panel.series)]
                return {"kind": "lines", **vars(panel), "series": series}
            case Formula():
                values = {key: self.value(value, kind) for key, value in panel.values.items()}
                for key in _live_names(panel.mathml):
                    if key not in values:
                        raise BadInput("The formula's number {name!r} must have a value.", name=key)
                return {"kind": "formula", **vars(panel), "values": values}
            case Numbers():
                rows = [
                    {"label": label, "value": self.value(value, kind), "color": color}
                    for label, value, color in panel.rows
                ]
                return {"kind": "numbers", "title": panel.title, "rows": rows}

    def scalar(self, name: str) -> str:
        """A track of one number; returns its name."""
        if self.track(name) != ():
            raise BadInput(
                "Track {name!r} must be one number at each position; got shape {shape}.",
                name=name,
                shape=self.track(name),
            )
        return name

    def curve(self, name: str, curve: Curve | Bell) -> dict[str, Any]:
        """One curve over x."""
        look = {"label": curve.label, "color": curve.color, "dash": curve.dash}
        if isinstance(curve, Bell):
            return {**look, "mean": self.scalar(curve.mean), "variance": self.scalar(curve.variance)}
        shape = np.shape(curve.values)
        if len(shape) != 2 or shape[1] < 2:
            raise BadInput("A curve must have values (P, M), M at least 2; got shape {shape}.", shape=shape)
        return {**look, "values": self.put_over(name, curve.values, "float32")}

    def line(self, name: str, line: Line) -> dict[str, Any]:
        """One curve, from a scalar track or from its values."""
        if isinstance(line.values, str):
            if self.track(line.values) != () or self.tracks[line.values]["kind"] != "frames":
                raise BadInput("A line needs a scalar track; {name!r} is none.", name=line.values)
            values = self.tracks[line.values]["values"]
        else:
            values = self.put_numbers(name, line.values)
        return {"label": line.label, "color": line.color, "dash": bool(line.dash), "values": values}


def _interval(name: str, value: tuple[float, float]) -> None:
    if len(value) != 2 or not value[0] < value[1]:
        raise BadInput("{name} must be (low, high) with low < high; got {got}.", name=name, got=value)


def _live_names(mathml: str) -> list[str]:
    return [piece.split("}}")[0] for piece in mathml.split("{{")[1:]]


def _uses_pick(panel: Panel) -> bool:
    match panel:
        case Formula():
            return any(isinstance(value, Probe) for value in panel.values.values())
        case Numbers():
            return any(isinstance(value, Probe) for _, value, _ in panel.rows)
        case Plane():
            return any(isinstance(layer, Path) for layer in panel.layers)
    return False


def _pick_kind(panels: Sequence[Panel], pick: int | None) -> str | None:
    """What a click picks: an element of pictures, else a point; nothing where nobody asks what is picked."""
    if pick is None and not any(map(_uses_pick, panels)):
        return None
    if any(isinstance(panel, Images) for panel in panels):
        return "element"
    if any(isinstance(panel, Plane | Histogram) for panel in panels):
        return "point"
    return None


def _pick_count(panels: Sequence[Panel], writer: _Writer, kind: str | None) -> int:
    """How many things can be picked."""
    for panel in panels:
        if kind == "element" and isinstance(panel, Images):
            return int(np.prod(writer.track(panel.track)))
        if kind == "point" and isinstance(panel, Histogram):
            return ([*writer.track(panel.track), 1])[0]
        if kind == "point" and isinstance(panel, Plane):
            for layer in panel.layers:
                if isinstance(layer, Points):
                    return writer.track(layer.track)[0]
    return 1


def _first_pick(panels: Sequence[Panel]) -> int:
    """The first point, or the middle of the first picture."""
    for panel in panels:
        if isinstance(panel, Images):
            return ((panel.height // 2) * panel.width + panel.width // 2) * panel.channels
    return 0


def make_blob(
    positions: Sequence[float],
    tracks: Mapping[str, Track],
    panels: Sequence[Panel],
    labels: Mapping[str, str],
    *,
    position: int = 0,
    pick: int | None = None,
    autoplay: bool = False,
    jump: int = 0,
) -> bytes:
    """All that the browser needs, as one safetensors blob; raises BadInput where something does not fit."""
    if len(positions) == 0:
        raise BadInput("positions must hold at least one t; got none.")
    if not panels:
        raise BadInput("panels must hold at least one panel; got none.")
    for name in REQUIRED_LABELS:
        if not labels.get(name):
            raise BadInput("labels must have {name!r}.", name=name)
    kind = _pick_kind(panels, pick)
    writer = _Writer(len(positions), tracks)
    for name in tracks:
        writer.track(name)
    specs = [writer.panel(f"panel.{i}", panel, kind) for i, panel in enumerate(panels)]
    count = _pick_count(panels, writer, kind)
    first = pick if pick is not None else _first_pick(panels) if kind else 0
    if not 0 <= first < count:
        raise BadInput("pick must lie in 0..{most}; got {got}.", most=count - 1, got=pick)
    spec = {
        "positions": list(positions),
        "labels": {name: labels[name] for name in REQUIRED_LABELS},
        "tracks": writer.tracks,
        "panels": specs,
        "position": position,
        "pick": first,
        "pick_kind": kind,
        "pick_count": count,
        "autoplay": autoplay,
        "jump": jump,
        "ramps": DENSITY,
    }
    return save(writer.arrays, metadata={"spec": json.dumps(spec, ensure_ascii=False)})


# --- the component ---------------------------------------------------------------------------------------------------

_component = st.components.v2.component(
    "timeline",
    css=(ASSETS / "timeline.css").read_text(encoding="utf-8"),
    js="\n".join((ASSETS / f"{module}.js").read_text(encoding="utf-8") for module in MODULES),
)


@dataclass(frozen=True)
class _Mount:
    """What was asked for at the last mount, and what the browser was told; kept in the session."""

    positions: tuple[float, ...]
    asked: tuple[float | None, int | None, int | None]  # t, position, pick
    position: int
    pick: int | None
    jump: int


def _nearest(positions: Sequence[float], t: float) -> int:
    return int(np.argmin(np.abs(np.asarray(positions) - t)))


def _understood(positions: Sequence[float], t: float, position: int) -> int:
    """The position meant by a report: the one said, or the only one with that t (then it goes unsaid)."""
    if 0 <= position < len(positions) and positions[position] == t:
        return position
    return _nearest(positions, t)


def _number(value: float) -> float:
    """A whole number as an int, any other rounded to what a reader is shown."""
    return int(value) if float(value).is_integer() else round(float(value), 6)


def _mount(key: str, positions: tuple[float, ...], asked: tuple[float | None, int | None, int | None]) -> _Mount:
    """Whether the browser must move: only if something else is asked for than last time and than what it shows.

    Otherwise the blob stays the same to the byte, so that nothing is sent.
    """
    t, position, pick = asked
    start = position if position is not None else (0 if t is None else _nearest(positions, t))
    memory = st.session_state.get(f"{key}:mount")
    shown = st.session_state.get(key)
    if memory is None or not shown:
        return _Mount(positions, asked, start, pick, 0)
    if memory.positions == positions:
        here = _understood(positions, shown["t"], shown.get("position", start))
        agrees = here == position if position is not None else t is None or positions[here] == positions[start]
        if memory.asked == asked or (agrees and (pick is None or pick == shown.get("pick"))):
            return _Mount(positions, asked, memory.position, memory.pick, memory.jump)
    return _Mount(positions, asked, start, pick, memory.jump + 1)


def timeline(
    *,
    key: str,
    positions: Sequence[float],
    tracks: Mapping[str, Track],
    panels: Sequence[Panel],
    labels: Mapping[str, str],
    t: float | None = None,
    position: int | None = None,
    pick: int | None = None,
    autoplay: bool = False,
    on_change: Callable[[], None] | None = None,
    on_drag: Callable[[], None] | None = None,
) -> TimelineState:
    """Show the timeline; returns where it was last let go.

    ``positions`` are the t of the slider's places in playing order: range(T + 1), or a reverse chain (1000, 980, ...).
    They may be values of another quantity, whose symbol then is the last word of the label "timestep".
    ``t`` (nearest place) or ``position`` is shown first, and again whenever another one is asked for. ``pick`` is a
    point or an element of the pictures; where a Probe or a Path needs one, by default the first point or the middle of
    the first picture. ``labels`` are LABELS in the reader's language. ``on_change`` runs when the slider is let go,
    never while it moves; in it, ``st.session_state[key]`` has "t", "position" and "pick". ``on_drag`` runs when a
    handle is let go; in it, ``st.session_state[key]["dragged"]`` has the values of all draggable tracks by name.
    """
    places = tuple(_number(value) for value in positions)
    if not places:
        raise BadInput("positions must hold at least one t; got none.")
    if position is not None and not 0 <= position < len(places):
        raise BadInput("position must lie in 0..{most}; got {got}.", most=len(places) - 1, got=position)
    mount = _mount(key, places, (t, position, pick))
    memory = st.session_state.get(f"{key}:mount")
    moved = memory is not None and memory.jump != mount.jump
    st.session_state[f"{key}:mount"] = mount
    blob = make_blob(
        places, tracks, panels, labels, position=mount.position, pick=mount.pick, autoplay=autoplay, jump=mount.jump
    )
    notify = on_change or (lambda: None)
    shown = _component(
        key=key,
        data=blob,
        default={"t": places[mount.position], "position": mount.position, "pick": mount.pick, "dragged": None},
        on_t_change=notify,
        on_position_change=notify,
        on_pick_change=notify,
        on_dragged_change=on_drag or (lambda: None),
    )
    if moved:
        return TimelineState(places[mount.position], mount.position, mount.pick)
    here = _understood(places, shown["t"], shown.get("position", mount.position))
    return TimelineState(places[here], here, shown.get("pick"))
