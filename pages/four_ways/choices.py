"""What the reader chooses: the data, the way that is shown, and how long is trained."""

from streamlit.delta_generator import DeltaGenerator

from pages.four_ways.recipe import Setting
from pages.shared import controls
from pages.shared.i18n import _
from pages.shared.lesson import Page
from pages.shared.scenes import pick_scene

__all__ = ["pick"]

DATA = ["eight_gaussians", "two_moons", "swiss_roll", "checkerboard", "spiral", "word"]
STEPS = ("300", "1200", "3000", "6000", "9000")


def pick(page: Page, left: DeltaGenerator, right: DeltaGenerator) -> tuple[Setting, bool]:
    """What is trained, and whether the points are shown from the data on."""
    with page.more():
        options = {steps: f"{int(steps):,}" for steps in STEPS}
        steps = controls.choice("steps", _("Training steps of VAE and diffusion"), options, "6000")
        seed = controls.seed()
    with left:
        scene = pick_scene(DATA, "eight_gaussians", seed)
    with right:
        ways = {"sample": _("Noise to sample"), "round": _("There and back")}
        way = controls.choice("way", _("The way"), ways, "sample", pills=True)
    return Setting(scene.name, scene.word, steps=int(steps), seed=seed), way == "round"
