"""How the tests of the pages open them, and read what they show."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

import pages
from pages.shared.typography import typeset

__all__ = [
    "ROOT",
    "blobs",
    "elements",
    "lacking",
    "light_of",
    "open_page",
    "raw_symbols",
    "run_code",
    "run_source",
    "spec_of",
    "tracks",
    "words",
]

ROOT = Path(__file__).parents[2]

ALONE = """
import runpy
from pages.shared import shell
shell.build_navigation()  # a page may link to others
runpy.run_path({script!r}, run_name="__main__")
"""


def open_page(page: str, **url: str) -> AppTest:
    """A page without the shell around it, at its URL; it must not fail. ``open="all"`` unfolds all its sections."""
    script = next(one.page for one in pages.PAGES if one.name == page)
    app = AppTest.from_string(ALONE.format(script=str(script)), default_timeout=120)
    for name, value in url.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def visit(app: AppTest, page: str, **url: str) -> AppTest:
    """Go to a page of the whole app (`AppTest.from_file` of app.py, run), as the sidebar's links do."""
    for name in list(app.query_params):
        app.query_params.pop(name, None)
    app.switch_page(f"pages/{page}/page.py")
    for name, value in url.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def elements(app: AppTest, *kinds: str) -> list[Element]:
    """What the page shows of these kinds, kind after kind."""
    return [one for kind in kinds for one in app.get(kind) if isinstance(one, Element)]


def words(app: AppTest) -> str:
    """All that is said in words."""
    return "\n".join(one.value for one in elements(app, "title", "header", "markdown"))


def lacking(app: AppTest, prose: Mapping[str, str]) -> list[str]:
    """The parts of a prose of which a line is not shown."""
    shown = words(app)
    return [part for part, text in prose.items() if not all(line in shown for line in text.splitlines())]


NO_PROSE = re.compile(
    r"\$\$.*?\$\$|\$[^$]*\$|```.*?```|`[^`]*`|\]\([^)]*\)|:material/\w+:|\b(doi|arXiv):\S+", re.DOTALL
)
RAW = re.compile(r"(?<![A-Za-z_])([A-Za-z\u0370-\u03ff][\u0300-\u036f]*|SNR)_[\w{]|\^[\w({]")


def raw_symbols(app: AppTest) -> list[str]:
    """What is shown as it was typed, x_t or ^w, where it should stand with its index or power: texts, heads, labels."""
    said = [
        one.value for one in elements(app, "title", "header", "subheader", "markdown", "caption", "warning", "error")
    ]
    said += [one.label for one in app.expander]
    said += [one.proto.label for one in elements(app, "button", "selectbox", "slider", "number_input", "text_input")]
    charts = [json.loads(one.proto.spec) for one in elements(app, "plotly_chart")]
    said += [text for chart in charts for text in texts_of(chart)]
    return [text for text in said if RAW.search(NO_PROSE.sub(" ", text))]


def texts_of(chart: Any) -> Iterator[str]:
    """The names, titles and notes of a Plotly figure."""
    if isinstance(chart, dict):
        for key, value in chart.items():
            if isinstance(value, str) and key in ("name", "text"):
                yield value
            yield from texts_of(value)
    elif isinstance(chart, list):
        for value in chart:
            yield from texts_of(value)


def blobs(app: AppTest) -> list[bytes]:
    """What each timeline of the page sends, without what is shown first: safetensors."""
    sent = [one.proto.bytes for one in app.get("bidi_component")]
    return [data[4 + int.from_bytes(data[:4], "little") :] for data in sent if data]


def tracks(app: AppTest, index: int = -1) -> dict[str, np.ndarray]:
    """The arrays of one timeline."""
    return load(blobs(app)[index])


def spec_of(app: AppTest, index: int = -1) -> dict[str, Any]:
    """What one timeline is made of: its tracks by name, its panels."""
    blob = blobs(app)[index]
    header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
    spec: dict[str, Any] = json.loads(header["__metadata__"]["spec"])
    return spec


def light_of(app: AppTest, claim: str, mistaken: bool = False) -> bool:
    """Whether the light of a claim, which is open, is green; or that of the mistake which is tried beside it."""
    (lines,) = [expander.markdown for expander in app.expander if expander.label == typeset(claim)]
    trials = [m.value for m in lines if m.value.startswith((":green[✓]", ":red[✗]"))]
    return "✗" not in trials[1 if mistaken else 0]


def run_code(app: AppTest, folder: Path = ROOT) -> str:
    """What the recipe that is shown prints, run as it stands in that folder."""
    return run_source(app.code[-1].value, folder)


def run_source(source: str, folder: Path = ROOT) -> str:
    """What a script prints, run in that folder."""
    printed = io.StringIO()
    with chdir(folder), redirect_stdout(printed):
        exec(compile(source, "recipe.py", "exec"), {"__name__": "__main__"})
    return printed.getvalue().strip()
