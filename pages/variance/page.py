"""Lesson: beta, beta-tilde, learned or optimal: which variance, for how many steps, and who says so."""

from dataclasses import asdict
from functools import partial

import streamlit as st

from pages.shared import lesson
from pages.shared.checks import Checked
from pages.shared.i18n import _
from pages.variance import (
    answer,
    bound,
    choices,
    ddim_table,
    figures,
    learned,
    outside,
    peaks,
    ratio,
    recipe,
    samples,
    steps,
)
from pages.variance.questions import QUESTIONS

with lesson.open_page("variance") as page:
    setting, seed = choices.pick(page)
    with page.above():
        st.info(answer.sentence(setting), icon=":material/balance:")
    page.timeline(figures.picture(setting, seed), t=1)

    page.predict(QUESTIONS)
    page.section("formula", _("The formula"))
    page.reading()
    page.section("steps", _("How wide are the samples?"), partial(steps.draw, setting, seed))
    page.section(
        "samples",
        _("The same noise, more and more steps"),
        partial(samples.draw, setting.schedule, seed),
        asks=["cloud", "n"],
    )
    page.section("ratio", _("Where β̃ and β differ"), partial(ratio.draw, setting.schedule))
    page.section("outside", _("Outside of the range"), partial(outside.draw, setting.schedule))
    page.section("learned", _("What a network learns"), learned.draw)
    page.section("bound", _("What the bound says"), partial(bound.draw, setting))
    page.section("peaks", _("A better bound, better samples?"), peaks.draw, asks=["peaks", "state"])
    page.section(
        "ddim_table",
        _("DDIM's Table 1, without a network"),
        partial(ddim_table.draw, setting.data_variance),
        asks=["power"],
    )
    page.check(lambda: [Checked(claim) for claim in page.claims])
    page.code(recipe, lambda: {**asdict(setting), "seed": seed})
