"""Weights that may be missing: loaded once, known by their file, and said in one sentence where they are not there."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from diffusion_core.errors import BadInput
from diffusion_core.files import MODELS
from diffusion_core.training.checkpoint import load_denoiser
from pages.shared import weights
from pages.shared.keeping import fingerprint
from pages.shared.timeline import Frames
from pages.shared.typography import table
from pages.shared.weights import Model, Weights


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    return tmp_path


def test_a_file_is_loaded_once_and_known_by_what_it_holds(folder: Path) -> None:
    loads = []

    def load(source: object) -> int:
        loads.append(source)
        return len(loads)

    one = Weights("one", load)
    assert one.get() is None and one.key == ""
    (folder / "one").write_bytes(b"first")
    first = one.get()
    assert first is not None and one.get() is first and len(loads) == 1
    assert first.key == one.key and first.trained
    (folder / "one").write_bytes(b"second, later")
    second = one.get()
    assert second is not None and second.network == 2 and second.key != first.key
    assert fingerprint(first) != fingerprint(second)
    assert fingerprint(first) == fingerprint(Model(first.key, "the same file elsewhere"))


def test_a_network_of_another_kind_is_one_sentence(folder: Path) -> None:
    (folder / weights.SHAPES.file).write_bytes((MODELS / weights.DIGITS.file).read_bytes())
    with pytest.raises(BadInput, match="The network reads no text"):
        weights.SHAPES.get()
    (folder / weights.SHAPES.file).write_bytes((MODELS / weights.SHAPES.file).read_bytes())
    found = weights.SHAPES.get()
    assert found is not None and found.key == weights.SHAPES.key
    own = weights.model_of_file((MODELS / weights.SHAPES.file).read_bytes())
    assert own.key == found.key, "a file is the same file wherever it comes from"
    assert load_denoiser(MODELS / weights.DIGITS.file).config != found.network.config


def said() -> None:
    """A page of its own, with weights that are damaged, and others that are missing."""
    import streamlit as st

    from pages.shared import weights

    st.markdown(f"{weights.JUDGE.or_say('no judge: {file}')}")
    st.markdown(str(weights.DIGITS.or_untrained().trained))


def test_what_cannot_be_had_is_said_once_and_the_page_goes_on(folder: Path) -> None:
    (folder / weights.DIGITS.file).write_bytes(b"no weights")
    app = AppTest.from_function(said, default_timeout=60)
    app.query_params["lang"] = "en"
    app.run()
    assert [one.value for one in app.info] == ["no judge: assets/models/digits_classifier.safetensors"]
    assert [one.value for one in app.error] == ["The file is no safetensors file, or it is cut short or damaged."]
    assert [one.value for one in app.markdown] == ["None", "False"]
    (folder / weights.DIGITS.file).write_bytes((MODELS / weights.DIGITS.file).read_bytes())
    (folder / weights.JUDGE.file).write_bytes((MODELS / weights.JUDGE.file).read_bytes())
    app.run()
    assert not app.info and not app.error and app.markdown[1].value == "True"


def test_numbers_in_bytes_come_back_to_half_a_level() -> None:
    values = np.linspace(-4, 4, 101).reshape(1, 101)
    frames = Frames.in_bytes(values, -3, 2)
    back = frames.scale * frames.values + frames.offset
    assert np.abs(back - np.clip(values, -3, 2)).max() <= 5 / 255 / 2 + 1e-12
    assert np.abs(back - values).max() > 1.9, "what lies beyond is held"


def test_a_table_says_how_its_columns_stand() -> None:
    assert table(["a", "b"], [["1", "2"]], "lr").splitlines()[1] == "| :-- | --: |"
    assert table(["a", "b"], [["1", "2"]]).splitlines()[1] == "| --- | --- |"
