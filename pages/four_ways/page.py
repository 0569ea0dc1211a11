"""Lesson: GAN, VAE, flow and diffusion on the same data: how each goes from noise to data, and what it gives up."""

from dataclasses import asdict

from pages.four_ways import choices, live, recipe, run
from pages.shared import lesson
from pages.shared.i18n import _

with lesson.open_page("four_ways") as page:
    with page.controls(3, 3, 2) as (left, right, third):
        setting, round_trip = choices.pick(page, left, right)
        view = run.chosen(setting)
        with third:
            run.buttons(view, setting)
    with page.above():
        live.draw(view, setting, round_trip)

    page.section("formula", _("The formula"))
    page.reading()
    page.check(list)
    page.code(recipe, lambda: asdict(setting))
