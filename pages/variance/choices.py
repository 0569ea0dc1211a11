"""What the parts of this lesson share: what the choices are called, their colours, and what the reader chooses."""

from collections.abc import Sequence

from streamlit.delta_generator import DeltaGenerator

from pages.shared import controls
from pages.shared.i18n import _
from pages.shared.palette import COLORS
from pages.shared.scenes import schedule_names
from pages.variance.recipe import Setting

__all__ = ["COLOR", "T", "names", "pick"]

T = 1000
COLOR = {
    "large": COLORS["beta"],
    "small": COLORS["beta_tilde"],
    "learned": COLORS["x0_hat"],
    "optimal": COLORS["eps"],
    "ddim": COLORS["x_t"],
    "state": COLORS["mu_tilde"],
}
SPACINGS = {"iddpm": "iddpm", "trailing": "trailing", "leading": "leading"}


def names() -> dict[str, str]:
    """What the reader calls each choice."""
    return {
        "large": "β",
        "small": "β̃",
        "learned": _("learned"),
        "optimal": _("optimal"),
        "ddim": "DDIM",
        "state": _("optimal for each x_t"),
    }


def pick(top: Sequence[DeltaGenerator], low: Sequence[DeltaGenerator]) -> Setting:
    """The data and the run, in three columns of two rows."""
    with top[0]:
        data_variance = controls.number("s2", _("Data variance s²"), 0.25, low=0.01, high=4.0, step=0.01)
    with top[1]:
        steps = controls.integer("N", _("Steps N"), 10, low=2, high=T)
    with top[2]:
        v = controls.number("v", _("v of the learned variance"), 0.5, low=-0.25, high=1.25, step=0.05)
    with low[0]:
        offered = {key: label for key, label in schedule_names().items() if key != "zero_terminal_snr"}
        schedule = controls.choice("schedule", _("Schedule"), offered, "linear")
    with low[1]:
        spacing = controls.choice("spacing", _("Spacing"), SPACINGS, "iddpm", pills=True)
    with low[2]:
        endings = {"quiet": _("no noise"), "noisy": _("with noise")}
        last = controls.choice("last", _("Last step"), endings, "quiet", pills=True)
    return Setting(data_variance, steps, v, schedule=schedule, spacing=spacing, noisy_last=last == "noisy")
