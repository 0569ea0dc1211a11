"""Lesson: a network learns to predict the noise, beside the best that any network can do."""

from dataclasses import asdict

from pages.shared import lesson
from pages.shared.i18n import _
from pages.training import choices, live, recipe, run
from pages.training.questions import QUESTIONS

BRIDGE = ("posterior", "closed_form", "sampling")

with lesson.open_page("training") as page:
    with page.controls(3, 2, 2) as (left, right, third):
        setting = choices.pick(page, left, right)
        view = run.chosen()
        with third:
            run.buttons(view, setting)
    with page.above():
        live.draw(view)

    page.predict(QUESTIONS)
    page.section("bridge", _("Why is guessing the noise enough?"), lambda: lesson.links(BRIDGE), unfolded=True)
    page.section("formula", _("The formula"))
    page.reading()
    page.section("files", _("Save and load"), lambda: run.files(run.look(view.id), setting))
    page.check(lambda: run.checks(view))
    page.code(recipe, lambda: asdict(setting))
