"""Lesson: from ln p(x_0) to the simple loss, line by line, each line measured; and what its weights are worth."""

from dataclasses import asdict
from functools import partial

from pages.loss import choices, ends, figures, matching, recipe, weights
from pages.loss.questions import QUESTIONS
from pages.shared import lesson
from pages.shared.checks import Checked
from pages.shared.i18n import _

with lesson.open_page("loss") as page:
    setting = choices.pick(page)
    page.timeline(figures.picture(setting), name="line", t=1)

    page.predict(QUESTIONS)
    page.section("formula", _("The formula"), unfolded=True)
    page.reading()
    page.section(
        "weights", _("Any positive weights have the same best network"), weights.weights, asks=weights.WEIGHT_ASKS
    )
    page.section(
        "small", _("What the weights change: a network that is too small"), weights.small, asks=weights.SMALL_ASKS
    )
    page.section(
        "ends",
        _("The bound knows only where a schedule begins and ends"),
        partial(ends.draw, setting.data),
        asks=ends.ASKS,
    )
    page.section(
        "matching", _("The score, without knowing it"), partial(matching.draw, setting.data), asks=matching.ASKS
    )
    page.check(lambda: [Checked(claim) for claim in page.claims])
    page.code(recipe, lambda: asdict(setting))
