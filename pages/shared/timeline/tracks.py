"""Tracks: one quantity each, over the positions of the slider; and what is read of them.

Each says how it is drawn by `pack`: what is checked, which arrays are sent, and the JSON that names them. The types of
that JSON are written in ``assets/timeline/types.d.ts``.
"""

from dataclasses import dataclass

import numpy as np

from diffusion_core.errors import BadInput
from pages.shared.timeline.writer import Packed, Shape, Spec, Track, Writer, interval

__all__ = [
    "Affine",
    "Constant",
    "Draggable",
    "Frames",
    "Mixture",
    "Probe",
    "Product",
    "Scalar",
    "Shifted",
    "Track",
    "live",
]


@dataclass(frozen=True, eq=False)
class Constant(Track):
    """The same (n, ...) values at every position, float32."""

    values: np.ndarray

    def pack(self, w: Writer, name: str) -> Packed:
        shape = np.shape(self.values)
        if np.size(self.values) == 0:
            raise BadInput("{name} must hold at least one value; got shape {shape}.", name=name, shape=shape)
        return {"kind": "constant", "values": w.put(name, self.values, "float32")}, shape


@dataclass(frozen=True, eq=False)
class Frames(Track):
    """Stored values, (P, n, ...): float32, or uint8 that stands for scale * value + offset; (P,) are scalars."""

    values: np.ndarray
    scale: float = 1.0
    offset: float = 0.0

    @classmethod
    def of_pictures(cls, pictures: np.ndarray) -> "Frames":
        """Pictures of 0 to 255, (P, ...) uint8, that stand for -1 to 1."""
        return cls(pictures.reshape(len(pictures), -1), 1 / 127.5, -1.0)

    @classmethod
    def in_bytes(cls, values: np.ndarray, low: float, high: float) -> "Frames":
        """Numbers (P, ...) in one byte each, from low to high; what lies beyond is held there."""
        levels = (np.clip((values - low) / (high - low), 0, 1) * 255).round().astype(np.uint8)
        return cls(levels.reshape(len(values), -1), (high - low) / 255, low)

    def pack(self, w: Writer, name: str) -> Packed:
        values = np.asarray(self.values)
        if values.dtype == np.uint8:
            stored = w.put_over(name, values, "uint8")
            spec = {"kind": "packed", "values": stored, "scale": self.scale, "offset": self.offset}
            return spec, values.shape[1:]
        dtype = "float64" if values.ndim == 1 else "float32"
        return {"kind": "frames", "values": w.put_over(name, values, dtype)}, values.shape[1:]


@dataclass(frozen=True, eq=False)
class Scalar(Track):
    """One float64 number a position, (P,); integers are shown as integers."""

    values: np.ndarray

    def pack(self, w: Writer, name: str) -> Packed:
        whole = bool(np.issubdtype(np.asarray(self.values).dtype, np.integer))
        return {"kind": "frames", "values": w.put_numbers(name, self.values), "whole": whole}, ()


@dataclass(frozen=True)
class Shifted(Track):
    """Another track, ``shift`` positions later (x_s beside x_t); at the ends, the end's own value."""

    track: str
    shift: int

    def pack(self, w: Writer, name: str) -> Packed:
        of, shape = _refer(w, name, self)
        return {"kind": "shifted", "of": of}, shape


@dataclass(frozen=True)
class Draggable(Track):
    """One number, the same at every position, that a hand can move from ``low`` to ``high`` with a `Handle`."""

    value: float
    low: float
    high: float

    def pack(self, w: Writer, name: str) -> Packed:
        interval(f"the range of {name}", (self.low, self.high))
        if not np.isfinite([self.value, self.low, self.high]).all():
            raise BadInput("{name} must be finite; got NaN or infinity.", name=name)
        return {"kind": "draggable", "value": float(self.value), "low": float(self.low), "high": float(self.high)}, ()


Part = np.ndarray | str | Shifted  # of a track that is made of two: an array, or another track


@dataclass(frozen=True, eq=False)
class Affine(Track):
    """a_p * first + b_p * second, worked out in float64 in the browser.

    a and b are (P,); first and second are arrays or the names of tracks, of one shape; a single number goes with any.
    """

    a: np.ndarray
    first: Part
    b: np.ndarray
    second: Part

    def pack(self, w: Writer, name: str) -> Packed:
        spec, shape = _combine(w, name, self.first, self.second)
        factors = {"a": w.put_numbers(f"{name}.a", self.a), "b": w.put_numbers(f"{name}.b", self.b)}
        return {"kind": "affine", **factors, **spec}, shape


@dataclass(frozen=True, eq=False)
class Product(Track):
    """first * second, number by number, worked out in the browser; a single number goes with any shape."""

    first: Part
    second: Part

    def pack(self, w: Writer, name: str) -> Packed:
        spec, shape = _combine(w, name, self.first, self.second)
        return {"kind": "product", **spec}, shape


def _refer(w: Writer, name: str, part: Part) -> tuple[list[str | int], Shape]:
    """[track, shift] and the shape of a part; an array becomes a track of its own."""
    if isinstance(part, Shifted):
        return [part.track, int(part.shift)], w.track(part.track)
    if isinstance(part, str):
        return [part, 0], w.track(part)
    return [name, 0], w.write(name, Constant(part))


def _combine(w: Writer, name: str, first: Part, second: Part) -> Packed:
    """Two parts of one shape, or one of them a single number; and the shape of what they make."""
    one, shape = _refer(w, f"{name}.first", first)
    two, other = _refer(w, f"{name}.second", second)
    if shape != other and () not in (shape, other):
        raise BadInput(
            "Track {name!r} must combine values of one shape; got {first} and {second}.",
            name=name,
            first=shape,
            second=other,
        )
    return {"first": one, "second": two}, shape or other


# --- what is read of tracks, or goes with them ----------------------------------------------------------------------


@dataclass(frozen=True)
class Probe:
    """The value of a track at what is picked: ``component`` of a picked point, or a picked element itself.

    It is shown with four digits; or with as many decimals as the scalar track ``decimals`` says, below 0 not at all.
    """

    track: str
    component: int = 0
    decimals: str | None = None


def live(w: Writer, value: str | Probe) -> Spec:
    """What a live number reads: a scalar track, or a place in a track."""
    probe = value if isinstance(value, Probe) else Probe(value)
    shape = w.track(probe.track)
    if isinstance(value, str) and shape != ():
        raise BadInput(
            "A live number must be a scalar track or a Probe; got track {name!r} of shape {shape}.",
            name=value,
            shape=shape,
        )
    if w.kind == "point":
        w.component(probe.track, probe.component)
    decimals = None if probe.decimals is None else w.scalar(probe.decimals)
    return {"track": probe.track, "component": probe.component, "decimals": decimals}


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

    def pack(self, w: Writer, name: str, dimension: int) -> Spec:
        """In 1 or 2 dimensions."""
        weights, means, variances = (np.asarray(v) for v in (self.weights, self.means, self.variances))
        if weights.ndim != 1 or means.shape != (len(weights), dimension) or variances.shape != weights.shape:
            raise BadInput(
                "A mixture in {d} dimension(s) must have weights (K,), means (K, {d}) and variances (K,); "
                "got {weights}, {means} and {variances}.",
                d=dimension,
                weights=weights.shape,
                means=means.shape,
                variances=variances.shape,
            )
        if min(map(np.min, (weights, variances, self.noise_variance))) < 0:
            raise BadInput("A mixture's weights and variances must not be negative.")
        return {
            "weights": w.put(f"{name}.weights", weights, "float64"),
            "means": w.put(f"{name}.means", means, "float64"),
            "variances": w.put(f"{name}.variances", variances, "float64"),
            "a": w.put_numbers(f"{name}.a", self.a),
            "noise_variance": w.put_numbers(f"{name}.noise_variance", self.noise_variance),
        }
