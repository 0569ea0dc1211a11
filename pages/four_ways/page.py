"""Lesson: GAN, VAE, flow and diffusion on the same data: how each goes from noise to data, and what it gives up."""

from dataclasses import asdict
from functools import partial

from pages.four_ways import choices, collapse, dirac, live, recipe, run, scores
from pages.four_ways.questions import QUESTIONS
from pages.shared import lesson
from pages.shared.checks import Checked
from pages.shared.i18n import _

with lesson.open_page("four_ways") as page:
    with page.controls(3, 3, 2) as (left, right, third):
        setting, round_trip = choices.pick(page, left, right)
        view = run.chosen(setting)
        with third:
            run.buttons(view, setting)
    with page.above():
        live.draw(view, setting, round_trip)

    page.predict(QUESTIONS)
    page.section("formula", _("The formula"))
    page.reading()
    page.section("numbers", _("What each gives up, in numbers"), partial(scores.draw, view, setting))
    page.section("trilemma", _("Good, complete, fast: choose two?"))
    page.section(
        "dirac", _("Why a GAN’s training turns around"), partial(dirac.draw, page.prose["dirac_more"]), asks=dirac.ASKS
    )
    page.section("collapse", _("Lost modes, by momentum"), partial(collapse.draw, page.prose["collapse_more"]))
    page.check(lambda: [Checked(claim) for claim in page.claims])
    page.code(recipe, lambda: asdict(setting))
