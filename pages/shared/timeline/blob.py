"""All that the browser needs of a timeline, checked and packed: one safetensors blob.

Arrays travel as they are; the metadata hold the rest as JSON. ``assets/timeline/blob.js`` reads it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from safetensors.numpy import save

from diffusion_core.errors import BadInput
from pages.shared.palette import DENSITY
from pages.shared.timeline.panels import (
    Affine,
    Bell,
    Constant,
    Curve,
    Curves,
    Density,
    DensityFrames,
    Draggable,
    Field,
    Formula,
    Frames,
    Histogram,
    Images,
    Layer,
    Line,
    Lines,
    Mixture,
    Numbers,
    Panel,
    Path,
    Plane,
    Points,
    Probe,
    Product,
    Scalar,
    Shifted,
    Track,
)

__all__ = ["LABELS", "REQUIRED_LABELS", "Picture", "Place", "pack"]

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
        decimals = None if probe.decimals is None else self.scalar(probe.decimals)
        return {"track": probe.track, "component": probe.component, "decimals": decimals}

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
                top = None if panel.top is None else self.put_numbers(f"{name}.top", panel.top)
                spec = {key: value for key, value in vars(panel).items() if key != "density"}
                return {"kind": "histogram", **spec, "mixture": mixture, "top": top}
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
            given = np.asarray(line.values, dtype="float64")
            values = self.put_numbers(name, np.where(np.isnan(given), 0.0, given))
            self.arrays[name] = np.ascontiguousarray(given)  # with its gaps
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


def _pick_kind(panels: Sequence[Panel]) -> str | None:
    """What a click picks: an element of pictures, else a point; nothing where nobody asks what is picked."""
    if not any(map(_uses_pick, panels)):
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


@dataclass(frozen=True)
class Place:
    """What of a picture is shown first: the position, what is picked, where the handles lie.

    Another ``jump`` than before asks the browser to move there.
    """

    position: int = 0
    pick: int | None = None
    handles: Mapping[str, float] = field(default_factory=dict)
    jump: int = 0


@dataclass(frozen=True, eq=False)
class Picture:
    """A timeline, packed: all that the browser needs of it, wherever it stands.

    Attributes:
        positions: the t of the slider's places.
        blob: a safetensors blob.
        pick: what is picked first, where nothing else is.
        picks: how many things can be picked.
    """

    positions: tuple[float, ...]
    blob: bytes
    pick: int
    picks: int

    def at(self, key: str, place: Place) -> bytes:
        """What is sent: the length of a head, the head in JSON, the blob.

        Raises:
            BadInput: there is nothing with that number to be picked.
        """
        pick = self.pick if place.pick is None else place.pick
        if not 0 <= pick < self.picks:
            raise BadInput("pick must lie in 0..{most}; got {got}.", most=self.picks - 1, got=pick)
        head = json.dumps({"key": key, **vars(place), "pick": pick}).encode()
        return len(head).to_bytes(4, "little") + head + self.blob


def pack(
    positions: Sequence[float],
    tracks: Mapping[str, Track],
    panels: Sequence[Panel],
    labels: Mapping[str, str],
    *,
    autoplay: bool = False,
) -> Picture:
    """A timeline as one safetensors blob.

    Args:
        positions: the t of the slider's places in playing order: range(T + 1), or a reverse chain (1000, 980, ...).
            They may be values of another quantity, whose symbol then is the last word of the label "timestep".
        tracks, panels: what is shown.
        labels: LABELS in the reader's language.
        autoplay: play as soon as it is there.

    Raises:
        BadInput: something does not fit.
    """
    places = tuple(_number(value) for value in positions)
    if not places:
        raise BadInput("positions must hold at least one t; got none.")
    if not panels:
        raise BadInput("panels must hold at least one panel; got none.")
    for name in REQUIRED_LABELS:
        if not labels.get(name):
            raise BadInput("labels must have {name!r}.", name=name)
    kind = _pick_kind(panels)
    writer = _Writer(len(places), tracks)
    for name in tracks:
        writer.track(name)
    specs = [writer.panel(f"panel.{i}", panel, kind) for i, panel in enumerate(panels)]
    count = _pick_count(panels, writer, kind)
    spec = {
        "positions": list(places),
        "labels": {name: labels[name] for name in REQUIRED_LABELS},
        "tracks": writer.tracks,
        "panels": specs,
        "pick_kind": kind,
        "pick_count": count,
        "autoplay": autoplay,
        "ramps": DENSITY,
    }
    blob = save(writer.arrays, metadata={"spec": json.dumps(spec, ensure_ascii=False)})
    return Picture(places, blob, _first_pick(panels) if kind else 0, count)


def _number(value: float) -> float:
    """A whole number as an int, any other rounded to what a reader is shown."""
    return int(value) if float(value).is_integer() else round(float(value), 6)
