"""Lesson: the article's 43 statements: verdict, what is right, and lights that are switched on here and now."""

import streamlit as st

from pages.ledger import calibration, library, rows
from pages.shared import controls, lesson
from pages.shared.i18n import _

with lesson.open_page("ledger") as page:
    with page.controls():
        shown = rows.pick()
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            seed = controls.seed()
            rows.check_all(shown, seed)
    with page.above():
        st.markdown(page.prose["picture"])
    rows.draw(shown, seed)

    page.section("formula", _("How a check is made"), lambda: st.markdown(page.prose["check"]), unfolded=True)
    page.section("calibration", _("Are the checks themselves right?"), calibration.draw, asks=["calibrate"])
    page.section("library", _("Does the library agree?"), library.draw)
