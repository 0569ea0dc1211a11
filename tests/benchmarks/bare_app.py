"""A page of as many parts as the address asks for, each a line of text: what Streamlit itself costs."""

import streamlit as st

for number in range(int(st.query_params.get("parts", "50"))):
    st.text(number)
