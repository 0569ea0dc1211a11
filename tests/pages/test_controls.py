"""The controls, apart from any lesson."""

from types import SimpleNamespace

import pytest

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
