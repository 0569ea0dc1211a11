"""What the timeline shows: tracks (one quantity over the positions of the slider) and panels (which draw tracks).

Plain data, and nothing else: `blob` checks and packs them, `timeline` shows them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pages.shared.palette import COLORS

__all__ = [
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
    "Track",
]


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

    @classmethod
    def of_pictures(cls, pictures: np.ndarray) -> "Frames":
        """Pictures of 0 to 255, (P, ...) uint8, that stand for -1 to 1."""
        return cls(pictures.reshape(len(pictures), -1), 1 / 127.5, -1.0)


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
    """The value of a track at what is picked: ``component`` of a picked point, or a picked element itself.

    It is shown with four digits; or with as many decimals as the scalar track ``decimals`` says, below 0 not at all.
    """

    track: str
    component: int = 0
    decimals: str | None = None


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


@dataclass(frozen=True, eq=False)
class Histogram:
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
    """One curve over the positions: the name of a scalar track, or (P,) values, NaN where there is nothing."""

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
