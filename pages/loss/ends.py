"""The bound depends on the end SNRs alone: a schedule is dragged, one number stands still, the others move."""

import numpy as np
import torch

from diffusion_core import GaussianMixture
from diffusion_core.laws.information import Floor, area, floor_over, information, mean_loss, stepped
from diffusion_core.levels import Shape, blended, log_snr_at
from pages.shared import controls, lesson
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS
from pages.shared.scenes import mixture_of
from pages.shared.timeline.formula import formula

__all__ = ["ASKS", "draw"]

ASKS = ["walk", "parts"]
ENDS = (1e3, 1e-4)
PLACES = tuple(round(0.1 * k, 1) for k in range(21))
STEPS = ("10", "40", "160", "640")
FINE = 401  # places of a curve
FORMULA = r"""\tfrac12\int V\,d\mathrm{SNR} &=& \live{area} \\
    I(x_0;x_1) - I(x_0;x_T) &=& \live{information} \\
    \sum_t\tfrac12(\mathrm{SNR}_{t-1}-\mathrm{SNR}_t)\,V_t &=& \live{sum} \\
    L_{\mathrm{simple}} &\ge& \live{simple}"""


def draw(data: str) -> None:
    """The slider goes from one schedule to the next."""
    steps = controls.choice("parts", _("Steps of the sum"), {n: n for n in STEPS}, "40", pills=True)
    lesson.timeline(picture(data, int(steps)), key="walk", name="walk", t=0.0)


@kept
def floor_of(data: str) -> Floor:
    """Over the SNR, once for a law."""
    return floor_over(mixture_of(data, ""), ENDS)


@kept
def picture(data: str, T: int) -> tl.Picture:
    """The schedule; half the floor, whose area is the bound, with the steps of the sum; the numbers over schedules."""
    floor, shapes = floor_of(data), [blended(place) for place in PLACES]
    sums = np.array([stepped(floor, shape, T)[1].sum().item() for shape in shapes])
    areas, simple = (np.array([of(floor, shape) for shape in shapes]) for of in (area, mean_loss))
    tracks: dict[str, tl.Track] = {
        "area": tl.Scalar(areas),
        "sum": tl.Scalar(sums),
        "simple": tl.Scalar(simple),
        "information": tl.Scalar(np.full(len(PLACES), by_entropies(mixture_of(data, "")))),
        "digits": tl.Scalar(np.full(len(PLACES), 11)),
    }
    exact = {name: tl.Probe(name, decimals="digits") for name in ("area", "information")}
    panels: list[tl.Panel] = [walked(shapes), areas_of(floor, shapes, T), compared()]
    return packed(
        PLACES,
        tracks,
        [*panels, formula(FORMULA, {**exact, "sum": "sum", "simple": "simple"}, _("The numbers of this schedule"))],
        label=_("From even in ln SNR (0) by cosine (1) to linear β (2) m"),
    )


def by_entropies(law: GaussianMixture) -> float:
    """What x_1 says of x_0 and x_T does not."""
    more, less = (information(law, snr) for snr in ENDS)
    return more - less


def walked(shapes: list[Shape]) -> tl.Panel:
    """The signal that is left over the way."""
    u = torch.linspace(0, 1, FINE, dtype=torch.float64)
    values = torch.stack([torch.sigmoid(log_snr_at(shape, ENDS, u)) for shape in shapes]).numpy()
    curve = tl.Curve(values, _("signal kept, ᾱ"), COLORS["x_t"])
    return tl.Curves((curve,), _("The schedule: ᾱ over t / T"), domain=(0.0, 1.0))


def areas_of(floor: Floor, shapes: list[Shape], T: int) -> tl.Panel:
    """Half the floor over ln SNR, and each term of the sum as a block as large as it is."""
    high, low = np.log(ENDS)
    place = torch.linspace(low, high, FINE, dtype=torch.float64)
    smooth = np.tile((0.5 * floor(place)).numpy(), (len(shapes), 1))
    blocks = np.stack([block(floor, shape, T, place) for shape in shapes])
    series = (
        tl.Curve(blocks, _("terms of the sum, T = {T}").format(T=T), COLORS["mu_tilde"]),
        tl.Curve(smooth, _("ℓ / 2: its area is the bound in the limit"), COLORS["eps"]),
    )
    return tl.Curves(series, _("Areas, over ln SNR"), domain=(float(low), float(high)))


def block(floor: Floor, shape: Shape, T: int, place: torch.Tensor) -> np.ndarray:
    """The height of the block over each place: its term over its width."""
    levels, terms = stepped(floor, shape, T)
    rising = levels.flip(0).contiguous()
    at = (torch.searchsorted(rising, place) - 1).clamp(0, T - 1)
    heights = terms / -levels.diff()
    return heights.flip(0)[at].numpy()


def compared() -> tl.Panel:
    """The three numbers over the schedules."""
    return tl.Lines(
        (
            tl.Line("sum", _("sum of the terms"), COLORS["mu_tilde"]),
            tl.Line("area", _("the bound in the limit"), COLORS["eps"]),
            tl.Line("simple", _("floor of the simple loss"), COLORS["x_t"], dash=True),
        ),
        title=_("Which number moves?"),
    )
