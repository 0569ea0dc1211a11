"""Lesson: which timesteps a short chain should keep, and where it should start."""

from diffusion_core.claims.spacing import SPREAD, Start
from pages.shared import controls, lesson
from pages.shared.checks import Checked
from pages.shared.i18n import _
from pages.shared.scenes import schedule_names, schedule_of
from pages.spacing import figures, recipe
from pages.spacing.questions import QUESTIONS

with lesson.open_page("spacing") as page:
    with page.controls(3, 3) as (left, right):
        with page.more():
            name = controls.choice("schedule", _("Schedule"), schedule_names(), "scaled_linear")
        with left:
            spacing = controls.choice(
                "spacing", _("In numbers"), {one: one for one in recipe.SPACINGS}, "leading", pills=True
            )
        with right:
            widths = {"1": "1", "10": "10", "100": "100", "400": "400"}
            lam = float(controls.choice("lam", _("Variance λ of the data"), widths, "100", pills=True))
    schedule = schedule_of(name, 1000)
    page.timeline(figures.picture(schedule, lam, spacing), name="N", t=10)

    page.predict(QUESTIONS)
    page.section("formula", _("The formula"), unfolded=True)
    page.reading()
    page.section("end", _("And where should it end?"))
    page.check(lambda: [Checked(SPREAD, Start(schedule, schedule.timesteps(int(page.at("N")), spacing=spacing), lam))])
    page.code(recipe, lambda: {"schedule": name, "N": int(page.at("N")), "lam": lam})
