"""What the parts of this lesson share: what the choices are called, their colours, and what the reader chooses."""

from typing import Any

from pages.shared import controls
from pages.shared.i18n import _
from pages.shared.lesson import Page
from pages.shared.palette import COLORS
from pages.shared.scenes import startable
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


def pick(page: Page) -> tuple[Setting, int]:
    """The data and the number of steps; the rest of the run, and its seed, under *More*."""
    with page.controls(3, 3) as (left, right):
        with left:
            data_variance = controls.number("s2", _("Data variance s²"), 0.25, low=0.01, high=4.0, step=0.01)
        with right:
            steps = controls.integer("N", _("Steps N"), 10, low=2, high=T)
        with page.more():
            rest = pick_rest()
            seed = controls.seed()
    return Setting(data_variance, steps, **rest), seed


def pick_rest() -> dict[str, Any]:
    """What a run has beside its data and its number of steps."""
    v = controls.number("v", _("v of the learned variance"), 0.5, low=-0.25, high=1.25, step=0.05)
    offered = startable()
    schedule = controls.choice("schedule", _("Schedule"), offered, "linear")
    spacing = controls.choice("spacing", _("Spacing"), SPACINGS, "iddpm", pills=True)
    endings = {"quiet": _("no noise"), "noisy": _("with noise")}
    last = controls.choice("last", _("Last step"), endings, "quiet", pills=True)
    return {"v": v, "schedule": schedule, "spacing": spacing, "noisy_last": last == "noisy"}
