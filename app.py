"""The door: page settings, language, navigation; nothing else."""

import streamlit as st

from pages.shared import attend, classroom, memory, shell
from pages.shared.timeline import font

# `streamlit run` starts here, so that the first visitor finds it warm.
base = shell.base_path()
routes = [*font.routes(base), *classroom.routes(base, attend.names())]
app = st.App(__file__, lifespan=shell.lifespan, routes=routes)

if not shell.has_visitor():
    shell.open_door()
else:
    st.set_page_config(page_icon=shell.ICON, layout="wide")
    page = shell.set_up()
    page.run()
    memory.used(page.url_path)
