"""The picture of *Which timesteps?*: N on the slider, three spacings, one law each."""

import numpy as np

from diffusion_core import NoiseSchedule
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS
from pages.shared.timeline.formula import formula
from pages.spacing.recipe import SPACINGS, ratio, start

MOST = 50
COLOR = {"trailing": COLORS["eps"], "iddpm": COLORS["beta"], "leading": COLORS["x_t"]}
FORMULA = r"""\mathrm{Var}\,x_{t_N} &=& 1-\bar\alpha_{t_N}+\bar\alpha_{t_N}\lambda \\
    &=& 1-\live{alpha_bar}+\live{alpha_bar}\cdot\live{lam} = \live{start} \\
    \text{%s} &=& 1"""


@kept
def picture(schedule: NoiseSchedule, lam: float, spacing: str) -> tl.Picture:
    """The data's bell and those that come out, in units of the data's spread; both ends of the chain in numbers."""
    steps = range(1, min(MOST, schedule.T) + 1)
    first = {one: np.array([start(schedule, N, one, lam)[0] for N in steps]) for one in SPACINGS}
    tracks: dict[str, tl.Track] = {"nought": tl.Scalar(np.zeros(len(steps))), "one": tl.Scalar(np.ones(len(steps)))}
    tracks |= {f"first_{one}": tl.Scalar(first[one]) for one in SPACINGS}
    tracks |= {f"ratio_{one}": tl.Scalar(np.array([ratio(schedule, N, one, lam) for N in steps])) for one in SPACINGS}
    tracks |= {
        "lam": tl.Scalar(np.full(len(steps), lam)),
        "alpha_bar": tl.Scalar(schedule.alpha_bar.numpy()[first[spacing]]),
        "start": tl.Scalar(np.array([start(schedule, N, spacing, lam)[1] for N in steps])),
    }
    bells = [tl.Bell("nought", "one", _("data"), COLORS["x0"])]
    bells += [tl.Bell("nought", f"ratio_{one}", one, COLOR[one]) for one in SPACINGS]
    lines = [tl.Line(f"ratio_{one}", one, COLOR[one], dash=one == "iddpm") for one in SPACINGS]
    rows = [(f"{one}: t_N", f"first_{one}", COLOR[one]) for one in SPACINGS]
    title = _("What the chain should start with, for {spacing}").format(spacing=spacing)
    panels: list[tl.Panel] = [
        tl.Curves(tuple(bells), domain=(-3.5, 3.5), title=_("What N steps make of noise, exactly (in units of √λ)")),
        tl.Lines(tuple(lines), title=_("Variance that comes out, over the data’s")),
        tl.Numbers(tuple(rows), title=_("The first timestep")),
        formula(FORMULA % _("what it starts with"), {n: n for n in ("lam", "alpha_bar", "start")}, title),
    ]
    return packed(steps, tracks, panels, label=_("Number of steps N"))
