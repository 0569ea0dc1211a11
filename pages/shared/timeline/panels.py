"""The panels of a timeline: what is drawn of its tracks. Each packs itself, and says what of it can be picked."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diffusion_core.errors import BadInput
from pages.shared.palette import COLORS
from pages.shared.timeline.layers import Bell, Curve, Handle, Layer, Line, Path, Points, Step
from pages.shared.timeline.tracks import Mixture, Probe, live
from pages.shared.timeline.writer import PickKind, Spec, Writer, interval

__all__ = [
    "Curves",
    "Fitted",
    "Formula",
    "Histogram",
    "Images",
    "Lines",
    "Numbers",
    "Panel",
    "Piece",
    "Plane",
    "Shares",
    "Waterfall",
]


class Panel(ABC):
    """One picture of a timeline, or a formula, or a table.

    Attributes:
        title: of a picture always; a formula or a table may have none.
    """

    title: str | None

    @abstractmethod
    def pack(self, w: Writer, name: str) -> Spec:
        """Put its arrays into the writer, with names that begin with this one."""

    @property
    def asks(self) -> bool:
        """Whether it shows something of what is picked."""
        return False

    @property
    def offers(self) -> PickKind | None:
        """What a click into it picks."""
        return None

    def picks(self, w: Writer) -> int | None:
        """How many things it offers."""
        return None

    @property
    def first(self) -> int:
        """Which of them is picked first."""
        return 0


@dataclass(frozen=True)
class Plane(Panel):
    """Layers over the square domain x domain, drawn in their order."""

    layers: Sequence[Layer]
    title: str
    domain: tuple[float, float] = (-3.0, 3.0)
    weight: float = 1.0

    def pack(self, w: Writer, name: str) -> Spec:
        interval("domain", self.domain)
        layers = [layer.pack(w, f"{name}.{i}") for i, layer in enumerate(self.layers)]
        return {"kind": "plane", **vars(self), "layers": layers}

    @property
    def asks(self) -> bool:
        return any(isinstance(layer, Path | Step) for layer in self.layers)

    @property
    def offers(self) -> PickKind:
        return "point"

    def picks(self, w: Writer) -> int | None:
        tracks = (layer.track for layer in self.layers if isinstance(layer, Points))
        return next((w.track(name)[0] for name in tracks), None)


@dataclass(frozen=True)
class Images(Panel):
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

    def pack(self, w: Writer, name: str) -> Spec:
        interval("value_range", self.value_range)
        size = self.picks(w)
        if self.channels not in (1, 3):
            raise BadInput("channels must be 1 (grey) or 3 (colour); got {got}.", got=self.channels)
        if self.columns < 1:
            raise BadInput("columns must be at least 1; got {got}.", got=self.columns)
        if size % (self.height * self.width * self.channels):
            raise BadInput(
                "Track {name!r} must hold pictures of {height} x {width} x {channels}; got {size} values.",
                name=self.track,
                height=self.height,
                width=self.width,
                channels=self.channels,
                size=size,
            )
        return {"kind": "images", **vars(self)}

    @property
    def offers(self) -> PickKind:
        return "element"

    def picks(self, w: Writer) -> int:
        return int(np.prod(w.track(self.track)))

    @property
    def first(self) -> int:
        """The middle of the first picture."""
        return ((self.height // 2) * self.width + self.width // 2) * self.channels


@dataclass(frozen=True, eq=False)
class Histogram(Panel):
    """A track's values at t as a density, one ``component`` of its points or all (None), under the exact curve.

    The curve is the mixture's density averaged over a bin's width: the expected height of a bar, at every t.
    ``mark`` is a scalar track, drawn as an upright line. ``top`` (P,) is the height of the axis at each position, for
    histograms that are to be compared; without it, the axis fits what is drawn.
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
    top: np.ndarray | None = None

    def pack(self, w: Writer, name: str) -> Spec:
        interval("domain", self.domain)
        if self.bins < 1:
            raise BadInput("bins must be at least 1; got {got}.", got=self.bins)
        w.track(self.track)
        if self.component is not None:
            w.component(self.track, self.component)
        mixture = None if self.density is None else self.density.pack(w, name, 1)
        if self.mark is not None:
            w.scalar(self.mark)
        top = None if self.top is None else w.put_numbers(f"{name}.top", self.top)
        spec = {key: value for key, value in vars(self).items() if key != "density"}
        return {"kind": "histogram", **spec, "mixture": mixture, "top": top}

    @property
    def offers(self) -> PickKind:
        return "point"

    def picks(self, w: Writer) -> int:
        return [*w.track(self.track), 1][0]


@dataclass(frozen=True)
class Fitted:
    """The domain that all bells and handles fit into, at most from -reach to reach."""

    reach: float


@dataclass(frozen=True, eq=False)
class Curves(Panel):
    """Curves over x that change with t. The domain (low, high) may be another one at each position: (P, 2).

    A `Fitted` domain is worked out in the browser, anew whenever a handle is let go.
    """

    series: Sequence[Curve | Bell]
    title: str
    domain: tuple[float, float] | np.ndarray | Fitted = (-4.0, 4.0)
    handles: Sequence[Handle] = ()
    weight: float = 1.0

    def pack(self, w: Writer, name: str) -> Spec:
        return {
            "kind": "curves",
            "title": self.title,
            "weight": self.weight,
            "domain": self._domain(w, name),
            "series": [one.pack(w, f"{name}.{i}") for i, one in enumerate(self.series)],
            "handles": [handle.pack(w) for handle in self.handles],
        }

    def _domain(self, w: Writer, name: str) -> Spec | str:
        if isinstance(self.domain, Fitted):
            interval("domain", (-self.domain.reach, self.domain.reach))
            return dict(vars(self.domain))
        domain = np.broadcast_to(np.asarray(self.domain, dtype=float), (w.count, 2))
        for low, high in domain:
            interval("domain", (low, high))
        return w.put(f"{name}.domain", domain, "float64")


@dataclass(frozen=True)
class Lines(Panel):
    """Curves over t with a moving cursor and the values at t."""

    series: Sequence[Line]
    title: str
    log_y: bool = False
    weight: float = 1.0

    def pack(self, w: Writer, name: str) -> Spec:
        return {
            "kind": "lines",
            **vars(self),
            "series": [line.pack(w, f"{name}.{i}") for i, line in enumerate(self.series)],
        }


@dataclass(frozen=True)
class Shares(Panel):
    """Parts of one bar, which always fill it: at each position they are not negative and add up to 1."""

    series: Sequence[Line]
    title: str
    weight: float = 1.0

    def pack(self, w: Writer, name: str) -> Spec:
        series = [line.pack(w, f"{name}.{i}") for i, line in enumerate(self.series)]
        parts = np.array([w.arrays[line["values"]] for line in series])
        if not (parts >= 0).all() or np.abs(parts.sum(0) - 1).max() > 1e-9:
            raise BadInput("Shares must not be negative and add up to 1; got {got}.", got=parts.sum(0).tolist())
        return {"kind": "shares", **vars(self), "series": series}


@dataclass(frozen=True)
class Piece:
    """A part of a sum: its value, of any sign; what stands below it; the place of its kind among the panel's kinds."""

    value: float
    label: str
    kind: int


@dataclass(frozen=True)
class Waterfall(Panel):
    """The pieces of a sum, one after the other from 0 on, and their sum: other pieces at each position, on one axis.

    ``kinds`` are (label, colour); the sum of each is shown. ``marks`` are levels across, others at each position.
    """

    pieces: Sequence[Sequence[Piece]]
    kinds: Sequence[tuple[str, str]]
    title: str
    marks: Sequence[Line] = ()
    weight: float = 1.0

    def pack(self, w: Writer, name: str) -> Spec:
        if len(self.pieces) != w.count or not all(self.pieces):
            raise BadInput(
                "A waterfall must have pieces at each of the {count} positions; got {got}.",
                count=w.count,
                got=[len(here) for here in self.pieces],
            )
        for piece in (piece for here in self.pieces for piece in here):
            if not np.isfinite(piece.value) or not 0 <= piece.kind < len(self.kinds):
                raise BadInput("A piece must be finite and of a kind that there is; got {got}.", got=piece)
        return {
            "kind": "waterfall",
            "title": self.title,
            "weight": self.weight,
            "pieces": [[vars(piece) for piece in here] for here in self.pieces],
            "kinds": [{"label": label, "color": color} for label, color in self.kinds],
            "marks": [mark.pack(w, f"{name}.{i}") for i, mark in enumerate(self.marks)],
        }


@dataclass(frozen=True)
class Formula(Panel):
    """MathML in which ``<mn>{{name}}</mn>`` is live: a scalar track's name or a Probe, by ``values``.

    A sequence of them is one for each position.
    """

    mathml: str | Sequence[str]
    values: Mapping[str, str | Probe]
    title: str | None = None

    def pack(self, w: Writer, name: str) -> Spec:
        values = {key: live(w, value) for key, value in self.values.items()}
        whole = self.mathml if isinstance(self.mathml, str) else "".join(self.mathml)
        for piece in whole.split("{{")[1:]:
            if (key := piece.split("}}")[0]) not in values:
                raise BadInput("The formula's number {name!r} must have a value.", name=key)
        if not isinstance(self.mathml, str) and len(self.mathml) != w.count:
            raise BadInput(
                "There must be a formula for each of the {count} positions; got {got}.",
                count=w.count,
                got=len(self.mathml),
            )
        return {"kind": "formula", **vars(self), "values": values}

    @property
    def asks(self) -> bool:
        return any(isinstance(value, Probe) for value in self.values.values())


@dataclass(frozen=True)
class Numbers(Panel):
    """A small table of live numbers: rows of (label, scalar track or Probe, colour or None)."""

    rows: Sequence[tuple[str, str | Probe, str | None]]
    title: str | None = None

    def pack(self, w: Writer, name: str) -> Spec:
        rows = [{"label": label, "value": live(w, value), "color": color} for label, value, color in self.rows]
        return {"kind": "numbers", "title": self.title, "rows": rows}

    @property
    def asks(self) -> bool:
        return any(isinstance(value, Probe) for _label, value, _color in self.rows)
