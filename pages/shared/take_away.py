"""A lesson's code to take away: its idea in plain torch, and the recipe that the page runs, with today's settings."""

import inspect
import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import streamlit as st

from pages import FOLDER
from pages.shared.i18n import _

__all__ = ["code", "notebook", "plain", "script"]


def _call(today: Mapping[str, Any]) -> str:
    """main(...) with today's settings."""
    given = [f"{name}={value!r}" for name, value in today.items()]
    line = f"main({', '.join(given)})"
    return line if len(line) <= 96 else "main(\n" + "".join(f"    {one},\n" for one in given) + ")"


def plain(name: str) -> str:
    """A lesson's idea in plain torch: a script that asks for nothing else."""
    return (FOLDER / name / "plain.py").read_text(encoding="utf-8")


def script(recipe: ModuleType, today: Mapping[str, Any]) -> str:
    """The recipe as a file that runs as it stands, from the project's folder."""
    call = _call(today).replace("\n", "\n    ")
    return f'{inspect.getsource(recipe).rstrip()}\n\n\nif __name__ == "__main__":\n    {call}\n'


def notebook(title: str, cells: Mapping[str, str]) -> str:
    """Code as a notebook (nbformat 4), its cells by their ids."""
    written: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {title}"},
        *(
            {
                "cell_type": "code",
                "id": name,
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source.rstrip(),
            }
            for name, source in cells.items()
        ),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": written}, indent=1
    )


def code(name: str, recipe: ModuleType, today: Mapping[str, Any]) -> None:
    """Show both, and offer each as a script and as a notebook."""
    idea, page = st.tabs([_("In plain PyTorch"), _("What the page runs")])
    with idea:
        st.markdown(_("The idea alone, with its own settings. These lines need PyTorch and nothing else."))
        source = plain(name)
        _offer(f"{name}_plain", source, notebook(name, {"plain": source}))
    with page:
        st.markdown(_("The page runs these lines; they run as they stand, from the project's folder."))
        cells = {"recipe": inspect.getsource(recipe), "today": _call(today)}
        _offer(name, script(recipe, today), notebook(name, cells))


def _offer(name: str, source: str, cells: str) -> None:
    """A script to read, and to take away in both forms."""
    st.code(source, language="python")
    with st.container(horizontal=True):
        for file, text, mime in (
            (f"{name}.py", source, "text/x-python"),
            (f"{name}.ipynb", cells, "application/x-ipynb+json"),
        ):
            st.download_button(
                _("Download {file}").format(file=file),
                text,
                file,
                mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"download_{file}",
            )
