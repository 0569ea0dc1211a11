"""The way out and the way back, as one living picture, and the doors to the lessons."""

import streamlit as st

from pages import LESSONS
from pages.shared import controls, lesson, shell
from pages.shared.i18n import _, parts
from pages.start import figures

page = lesson.begin("start")
seed = controls.get("seed", 0, controls.parse_integer("seed", 0, controls.MAX_SEED))
page.timeline(figures.picture(seed))
for part in ("picture", "formula"):
    st.markdown(page.prose[part])

st.header(_("The lessons"), anchor=False)
for one in LESSONS:
    with st.container(border=True):
        about = parts(one.name)
        st.page_link(shell.page_path(one.name), label=f"**{about['title']}**", icon=":material/arrow_forward:")
        st.markdown(about["question"] + (" :gray-badge[" + _("deep dive") + "]" if one.deep else ""))
for part in ("check", "article"):
    st.markdown(page.prose[part])
