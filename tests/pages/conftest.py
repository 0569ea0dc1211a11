"""What the tests of the pages share."""

from collections.abc import Iterator

import pytest
from streamlit.components.v2 import manifest_scanner


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
