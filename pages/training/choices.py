"""What the reader chooses to train: on which data, with how much noise, which network, and for how long."""

from streamlit.delta_generator import DeltaGenerator

from pages.shared import controls, trainer
from pages.shared.i18n import _
from pages.shared.lesson import Page
from pages.shared.scenes import pick_scene, startable
from pages.training.recipe import Setting

__all__ = ["TARGETS", "pick"]

DATA = ["eight_gaussians", "two_moons", "swiss_roll", "checkerboard", "spiral", "word"]
WIDTHS = ("8", "16", "32", "64", "128", "256")
RATES = ("0.0001", "0.0005", "0.002", "0.01", "0.1", "100")
TARGETS = {"eps": "ε", "x0": "x₀", "v": "v"}


def pick(page: Page, left: DeltaGenerator, right: DeltaGenerator) -> Setting:
    """The data and what is predicted; under *More* what is seldom changed."""
    with page.more():
        offered = startable()
        schedule = controls.choice("schedule", _("Schedule"), offered, "linear")
        T = controls.integer("T", "T", 1000, low=2, high=4000)
        width = controls.choice("width", _("Width of the network"), {w: w for w in WIDTHS}, "128")
        steps = controls.integer("steps", _("Training steps"), 4000, low=1, high=trainer.MOST_STEPS)
        lr = controls.choice("lr", _("Learning rate"), {rate: rate for rate in RATES}, "0.002")
        seed = controls.seed()
    with left:
        scene = pick_scene(DATA, "eight_gaussians", seed)
    with right:
        predicts = controls.choice("predicts", _("Predicts"), TARGETS, "eps", pills=True)
    return Setting(
        scene.name,
        scene.word,
        schedule,
        T,
        width=int(width),
        predicts=predicts,
        steps=steps,
        lr=float(lr),
        seed=seed,
    )
