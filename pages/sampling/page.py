"""Lesson: the reverse chain with the exact denoiser or a trained network, each step opened."""

from contextlib import nullcontext

import streamlit as st

from diffusion_core.errors import BadInput
from pages.sampling import exports, figures, quality, recipe
from pages.sampling.checked import checks
from pages.sampling.picking import comparable, pick
from pages.sampling.questions import QUESTIONS
from pages.shared import lesson
from pages.shared.i18n import _, explain

with lesson.open_page("sampling") as page:
    run, own = pick(page)
    page.compares(**comparable(run))
    with page.above(), st.spinner(_("The network draws digits…")) if run.clips else nullcontext():
        try:
            picture, copies = figures.picture(run), figures.said_of_copies(run)
        except BadInput as error:  # few steps over a long schedule, in the float32 of a network
            st.error(explain(error), icon=":material/error:")
            st.stop()
    page.timeline(picture, t=2 * run.schedule.T // 5, other=lambda what, value: figures.picture(run.but(what, value)))
    if copies:
        with page.above():
            st.info(copies, icon=":material/content_copy:")
    exports.offer(run, own)

    page.predict(QUESTIONS)
    page.section("formula", _("The formula"), unfolded=True)
    page.reading()
    if quality.can_be_measured(run):
        page.section("quality", _("How good are the samples?"), lambda: quality.show(run))
    page.check(lambda: checks(run))
    page.code(recipe, lambda: exports.today(run))
