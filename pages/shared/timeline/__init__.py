"""The instant timeline: tracks and panels in, one living picture out.

Whatever varies with t is drawn in the browser: there, x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps is worked
out anew whenever the slider moves, with no way to the server and back. Python hears of t when the slider is let go.

`panels` says what can be shown, `blob` checks and packs it, `component` shows it, `formula` makes living formulas.
"""

from pages.shared.timeline.blob import LABELS, REQUIRED_LABELS, Picture, pack
from pages.shared.timeline.component import TimelineState, show
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
    Handle,
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
    "Picture",
    "Plane",
    "Points",
    "Probe",
    "Product",
    "Scalar",
    "Shifted",
    "TimelineState",
    "Track",
    "pack",
    "show",
]
