"""What the tests of the pages share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner

from diffusion_core.files import MODELS
from diffusion_core.training.checkpoint import save_denoiser
from pages.shared import weights
from tests.pages.tiny import small


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once() -> Iterator[None]:
    """Streamlit reads the metadata of every installed package whenever a test opens a page: 9 parts of 10 of its time.

    A server does it once, when it starts; and no package that is installed here brings a component.
    """
    found = manifest_scanner.scan_component_manifests()
    assert found == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder of models with the shipped autoencoder and a tiny network."""
    (tmp_path / weights.AUTOENCODER.file).write_bytes((MODELS / weights.AUTOENCODER.file).read_bytes())
    save_denoiser(tmp_path / weights.SHAPES.file, small())
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    yield tmp_path
    monkeypatch.undo()
