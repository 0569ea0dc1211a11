"""The same 2,000 points twice: a native slider that redraws a Plotly chart, and the timeline."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.shared import timeline as tl
from tests.browser.apps import timeline_app as scenes


def native() -> None:
    """What Streamlit offers: every t is a run of the script, a figure sent, a chart mounted again."""
    demo = scenes.scene("points")
    t = st.slider("t", 0, scenes.T, 250, key="native")
    x0, eps = demo.tracks["x0"], demo.tracks["eps"]
    assert isinstance(x0, tl.Constant) and isinstance(eps, tl.Constant)
    signal = scenes.alpha_bar()[t]
    x, y = (np.sqrt(signal) * x0.values + np.sqrt(1 - signal) * eps.values).astype(np.float32).T
    trace = {"svg": go.Scatter, "gl": go.Scattergl}[st.query_params.get("trace", "svg")]
    figure = go.Figure(trace(x=x, y=y, mode="markers"), {"title": {"text": f"t = {t}"}, "height": 500})
    figure.update_xaxes(range=(-3, 3)).update_yaxes(range=(-3, 3))
    st.plotly_chart(figure, key="chart")


def ours() -> None:
    """The timeline with all its panels."""
    demo = scenes.scene(st.query_params.get("scene", "points"))
    tl.show(tl.pack(demo.positions, demo.tracks, demo.panels, tl.LABELS), key="demo", t=250)


st.set_page_config(layout="wide")
if st.query_params.get("scene") == "native":
    native()
else:
    ours()
