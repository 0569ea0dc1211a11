"""The controls, apart from any lesson."""

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import controls


@pytest.mark.parametrize("pills", [True, False])
def test_a_choice_whose_widget_lost_its_state_keeps_its_value(monkeypatch: pytest.MonkeyPatch, pills: bool) -> None:
    """Streamlit may answer None for a required control (seen once in 2,455 runs of a soak): a traceback before."""
    streamlit = SimpleNamespace(
        session_state={},
        query_params={"sampler": "ddim"},
        segmented_control=lambda *_, **__: None,
        selectbox=lambda *_, **__: None,
    )
    monkeypatch.setattr(controls, "st", streamlit)
    options = {"ddpm": "DDPM", "ddim": "DDIM"}
    assert controls.choice("sampler", "Sampler", options, "ddpm", pills=pills) == "ddim"


def buttons() -> None:
    """A page of its own: one button that counts, one that goes, and what it had to be asked for."""
    import streamlit as st

    from pages.shared import controls

    st.markdown(f"{controls.presses('measure', 'Measure', ':material/timer:')} times")
    if controls.once("draw", "Draw", ":material/draw:"):
        st.markdown("drawn")


def test_a_button_counts_its_presses_and_another_one_goes_when_it_is_pressed() -> None:
    app = AppTest.from_function(buttons, default_timeout=60).run()
    assert [one.value for one in app.markdown] == ["0 times"]
    for k in (1, 2):
        app.button(key="press_measure").click().run()
        assert [one.value for one in app.markdown] == [f"{k} times"]
    app.button(key="press_draw").click().run()
    assert [one.value for one in app.markdown] == ["2 times", "drawn"]
    assert [one.label for one in app.button] == ["Measure"]
    assert [one.value for one in app.run().markdown] == ["2 times", "drawn"], "it stays drawn"


def renewed() -> None:
    """A choice whose options and default depend on another one."""
    import streamlit as st

    from pages.shared import controls

    net = controls.choice("net", "Network", {"a": "a", "b": "b"}, "a")
    if controls.changed("net", net):
        controls.renew("block")
    st.markdown(controls.choice("block", "Block", {"first": "first", "last": "last"}, {"a": "first", "b": "last"}[net]))


def test_what_is_renewed_starts_with_its_own_default_or_with_the_url() -> None:
    app = AppTest.from_function(renewed, default_timeout=60).run()
    assert app.markdown[0].value == "first"
    app.selectbox(key="url_net").set_value("b").run()
    assert app.markdown[0].value == "last"
    linked = AppTest.from_function(renewed, default_timeout=60)
    linked.query_params["block"] = "first"
    linked.run().selectbox(key="url_net").set_value("b").run()
    assert linked.markdown[0].value == "first"


def alone() -> None:
    """A page whose default depends on what is asked for, without a widget."""
    import streamlit as st

    from pages.shared import controls

    default = st.session_state.get("standing", 400)
    st.markdown(str(controls.get("t", default, controls.parse_integer("t", 0, 1000))))


def test_where_the_url_is_silent_another_default_is_meant_at_once() -> None:
    """A page reached by a link showed the t of the page before, and its URL, reloaded, another picture."""
    app = AppTest.from_function(alone, default_timeout=60).run()
    assert app.markdown[0].value == "400"
    app.session_state["standing"] = 300
    assert app.run().markdown[0].value == "300"
    app.query_params["t"] = "17"
    assert app.run().markdown[0].value == "17"
    app.session_state["standing"] = 40
    assert app.run().markdown[0].value == "17", "what the URL says holds for every default"
