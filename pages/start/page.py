"""Five minutes: digits are destroyed, one is guessed, others come back; then the whole way, and the doors."""

import streamlit as st

from pages.shared import attend, lesson
from pages.start import acts, doors, figures

page = lesson.begin("start")
attend.door()
acts.play(page)
doors.open_both()
st.header(page.prose["way"].splitlines()[0], anchor="way")
st.markdown("\n".join(page.prose["way"].splitlines()[1:]))
lesson.timeline(figures.way(), key="way", name="at", t=300)
st.markdown(page.prose["picture"])
doors.ways_through()
doors.lessons()
for part in ("check", "article"):
    st.markdown(page.prose[part])
