"""What the reader chooses: the data, how many steps, how wrong the denoiser is; under *More* the schedule and sigma."""

from pages.loss.recipe import Setting
from pages.shared import controls
from pages.shared.i18n import _
from pages.shared.lesson import Page
from pages.shared.scenes import data_names

__all__ = ["pick", "shape_names"]

DATA = ("bimodal", "three_modes")
FEWEST, MOST = 4, 8  # steps
WORST = 0.16


def shape_names() -> dict[str, str]:
    """The shapes of a schedule between two SNRs, by their word in the URL."""
    return {
        "log_snr": _("even in ln SNR"),
        "cosine": _("cosine"),
        "linear_vp": _("linear β"),
    }


def pick(page: Page) -> Setting:
    """The setting of the picture."""
    with page.controls(3, 2, 3) as (left, middle, right):
        with page.more():
            shape = controls.choice("shape", _("Schedule"), shape_names(), "log_snr")
            sigma = {"large": "σ² = β", "optimal": _("σ² = σ*², the best one")}
            variance = controls.choice("variance", _("Variance of the step"), sigma, "large", pills=True)
            seed = controls.seed()
        with left:
            names = data_names()
            data = controls.choice("data", _("Data"), {name: names[name] for name in DATA}, "bimodal")
        with middle:
            T = controls.integer("T", _("Steps T"), 4, low=FEWEST, high=MOST)
        with right:
            mistake = controls.number("mistake", _("The denoiser’s mistake a"), 0.1, low=0.0, high=WORST, step=0.02)
    return Setting(data, T, shape, variance, mistake=mistake, seed=seed)
