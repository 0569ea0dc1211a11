"""Lesson: a network learns to predict the noise, beside the best that any network can do."""

from dataclasses import asdict

from pages.shared import lesson
from pages.shared.i18n import _
from pages.training import choices, live, recipe, run

with lesson.open_page("training") as page:
    with page.controls(3, 3, 2, 3) as columns:
        setting = choices.pick(columns)
        view = run.chosen()
        run.buttons(view, setting)
        run.files(view, setting)
    with page.above():
        live.draw(view, page.prose["picture"])

    page.section("formula", _("The formula"), unfolded=True)
    page.check(lambda: run.checks(view))
    page.code(recipe, lambda: asdict(setting))
