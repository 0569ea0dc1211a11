"""What is drawn inside a panel: the layers of a plane, the curves of a chart. Each packs itself."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from diffusion_core.errors import BadInput
from pages.shared.palette import COLORS
from pages.shared.timeline.tracks import Mixture
from pages.shared.timeline.writer import Spec, Writer

__all__ = ["Bell", "Curve", "Density", "DensityFrames", "Field", "Handle", "Layer", "Line", "Path", "Points", "Step"]


class Layer(ABC):
    """One layer of a `Plane`."""

    @abstractmethod
    def pack(self, w: Writer, name: str) -> Spec:
        """Put its arrays into the writer, with names that begin with this one."""


@dataclass(frozen=True)
class Density(Layer):
    """The exact density of a 2-D mixture as a heat map of 96 x 96 cells, each with its mean density."""

    mixture: Mixture

    def pack(self, w: Writer, name: str) -> Spec:
        return {"kind": "density", "mixture": self.mixture.pack(w, name, 2)}


@dataclass(frozen=True, eq=False)
class DensityFrames(Layer):
    """Stored densities (P, G, G) over the plane's domain: row j is y, upwards; column i is x.

    What is brightest is ``top``, or else the largest value of each frame.
    """

    values: np.ndarray
    top: float | None = None

    def pack(self, w: Writer, name: str) -> Spec:
        shape = np.shape(self.values)
        if len(shape) != 3 or shape[1] != shape[2]:
            raise BadInput("Stored densities must have shape (P, G, G); got {shape}.", shape=shape)
        return {"kind": "density_frames", "values": w.put_over(name, self.values, "float32"), "top": self.top}


@dataclass(frozen=True, eq=False)
class Field(Layer):
    """Arrows: the exact eps*(x) = E[eps | x_t = x] of a mixture, or stored vectors (P, g, g, 2), rows upwards."""

    source: Mixture | np.ndarray
    color: str = COLORS["eps"]

    def pack(self, w: Writer, name: str) -> Spec:
        if isinstance(self.source, Mixture):
            return {"kind": "field", "mixture": self.source.pack(w, name, 2), "color": self.color}
        shape = np.shape(self.source)
        if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 2:
            raise BadInput("Stored vectors must have shape (P, g, g, 2); got {shape}.", shape=shape)
        return {"kind": "field", "values": w.put_over(name, self.source, "float32"), "color": self.color}


@dataclass(frozen=True)
class Points(Layer):
    """The points of an (n, 2) track; ``size`` is a diameter in CSS pixels."""

    track: str
    color: str = COLORS["x_t"]
    size: float = 5.0
    opacity: float = 0.8
    label: str | None = None

    def pack(self, w: Writer, name: str) -> Spec:
        return {"kind": "points", **vars(self), "track": w.points(self.track)}


@dataclass(frozen=True)
class Path(Layer):
    """The way of the picked point of an (n, 2) track over all positions."""

    track: str
    color: str = COLORS["x_t"]

    def pack(self, w: Writer, name: str) -> Spec:
        return {"kind": "path", **vars(self), "track": w.points(self.track)}


@dataclass(frozen=True)
class Step(Layer):
    """A step of the way back, for the picked point: x_t, dashed to x0_hat; an arrow to the mean, sigma around it; x_s.

    All are (n, 2) tracks but ``sigma``, which may also be one number.
    """

    x_t: str
    x0_hat: str
    mean: str
    x_s: str
    sigma: str

    def pack(self, w: Writer, name: str) -> Spec:
        points = {part: w.points(track) for part, track in vars(self).items() if part != "sigma"}
        if w.track(self.sigma) != ():
            w.points(self.sigma)
        colors = [COLORS["x_t"], COLORS["x0_hat"], COLORS["mu_tilde"]]
        return {"kind": "step", **points, "sigma": self.sigma, "colors": colors}


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve over x at each position: (P, M) values at M even places, from one end of the domain to the other."""

    values: np.ndarray
    label: str
    color: str
    dash: bool = False

    def pack(self, w: Writer, name: str) -> Spec:
        shape = np.shape(self.values)
        if len(shape) != 2 or shape[1] < 2:
            raise BadInput("A curve must have values (P, M), M at least 2; got shape {shape}.", shape=shape)
        return {**vars(self), "values": w.put_over(name, self.values, "float32")}


@dataclass(frozen=True)
class Bell:
    """exp(-(x - mean)^2 / (2 variance)), its peak at 1; mean and variance are scalar tracks. Variance 0 is a spike."""

    mean: str
    variance: str
    label: str
    color: str
    dash: bool = False

    def pack(self, w: Writer, name: str) -> Spec:
        return {**vars(self), "mean": w.scalar(self.mean), "variance": w.scalar(self.variance)}


@dataclass(frozen=True)
class Handle:
    """A scalar track as a labelled mark on the axis of x; a `Draggable` track can be taken hold of there."""

    track: str
    label: str
    color: str

    def pack(self, w: Writer) -> Spec:
        return {**vars(self), "track": w.scalar(self.track)}


@dataclass(frozen=True, eq=False)
class Line:
    """One curve over the positions: the name of a scalar track, or (P,) values, NaN where there is nothing."""

    values: str | np.ndarray
    label: str
    color: str
    dash: bool = False

    def pack(self, w: Writer, name: str) -> Spec:
        return {**vars(self), "dash": bool(self.dash), "values": self._stored(w, name)}

    def _stored(self, w: Writer, name: str) -> str:
        """The name of the array."""
        if isinstance(self.values, str):
            if w.track(self.values) != () or w.tracks[self.values]["kind"] != "frames":
                raise BadInput("A line needs a scalar track; {name!r} is none.", name=self.values)
            return str(w.tracks[self.values]["values"])
        given = np.asarray(self.values, dtype="float64")
        w.put_numbers(name, np.where(np.isnan(given), 0.0, given))
        w.arrays[name] = np.ascontiguousarray(given)  # with its gaps
        return name
