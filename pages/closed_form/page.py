"""Lesson: the chain of t steps and the one jump, with the same noise and with fresh noise."""

from diffusion_core.claims import closed_form as claims
from pages.closed_form import figures, recipe
from pages.closed_form.questions import QUESTIONS
from pages.shared import controls, lesson
from pages.shared.beside import Axis
from pages.shared.checks import Checked
from pages.shared.i18n import _
from pages.shared.scenes import pick_scene, schedule_names, schedule_of
from pages.shared.typography import typeset

DATA = ["eight_gaussians", "two_moons", "swiss_roll", "checkerboard", "spiral", "word", "bimodal", "three_modes"]

with lesson.open_page("closed_form") as page:
    with page.controls(3, 3) as (left, right):
        with page.more():
            T = controls.integer("T", "T", 1000, low=1, high=2000)
            seed = controls.seed()
        with left:
            scene = pick_scene(DATA, "eight_gaussians", seed)
        with right:
            name = controls.choice("schedule", _("Schedule"), schedule_names(), "linear")
    page.compares(schedule=Axis(_("Schedule"), schedule_names(), name))
    schedule = schedule_of(name, T)
    page.timeline(
        figures.picture(scene, schedule, seed),
        t=T // 5,
        other=lambda _name, value: figures.picture(scene, schedule_of(value, T), seed),
    )

    page.predict(QUESTIONS)
    page.section(
        "two",
        _("Two steps first"),
        lambda: lesson.timeline(figures.two_steps(scene, seed), key="two", name="b", t=0.3),
        unfolded=True,
        asks=["b"],
    )
    page.section("formula", _("The formula"), unfolded=True)
    page.reading()
    page.section(
        "correlation",
        typeset(_("The noise of the jump is another one at each t: corr(z̄_s, z̄_t)")),
        lambda: figures.correlation(schedule),
    )
    page.section("rate", _("The error of a mean falls as 1/√n, unless a mistake is in it"), lambda: figures.rate(seed))
    page.section(
        "additivity",
        _("0.6 z₁ + 0.8 z₂ is N(0, 1) if z₁ and z₂ are independent; two ways to miss it"),
        lambda: figures.additivity(seed),
    )

    def checks() -> list[Checked]:
        """At the picture's t."""
        t = max(1, page.t)
        return [
            Checked(claims.SAME_NOISE, claims.Jump(schedule, t)),
            Checked(claims.FRESH_NOISE, claims.Jump(schedule, t, start=30.0)),
            Checked(claims.ADDITIVITY, 20_000),
            Checked(claims.RATE),
        ]

    page.check(checks)
    page.code(
        recipe, lambda: {"data": scene.name, "word": scene.word, "schedule": name, "T": T, "seed": seed, "t": page.t}
    )
