"""The least that can hear a slider: one component in a fragment, whose callback writes the URL."""

import streamlit as st

_ear = st.components.v2.component("timeline_ear", js="export default function mount() {}\n")


@st.fragment
def hear() -> None:
    """All of the page."""

    def told() -> None:
        st.query_params["t"] = str(st.session_state["ear"]["t"])

    _ear(key="ear", data={"key": "ear"}, default={"t": 0}, on_t_change=told)


hear()
