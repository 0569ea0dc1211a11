"""The door: page settings, language, navigation; nothing else."""

import streamlit as st

from pages.shared import shell

st.set_page_config(page_title="DDPM, alive", page_icon=":material/blur_on:", layout="wide")
shell.set_up().run()
