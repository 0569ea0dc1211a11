"""A lesson's recipe to take away: the code that the page runs, with today's settings, as a script and as a notebook."""

import inspect
import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import streamlit as st

from pages.shared.i18n import _

__all__ = ["code", "notebook", "script"]


def _call(today: Mapping[str, Any]) -> str:
    """main(...) with today's settings."""
    given = [f"{name}={value!r}" for name, value in today.items()]
    line = f"main({', '.join(given)})"
    return line if len(line) <= 96 else "main(\n" + "".join(f"    {one},\n" for one in given) + ")"


def script(recipe: ModuleType, today: Mapping[str, Any]) -> str:
    """The recipe as a file that runs as it stands, from the project's folder."""
    call = _call(today).replace("\n", "\n    ")
    return f'{inspect.getsource(recipe).rstrip()}\n\n\nif __name__ == "__main__":\n    {call}\n'


def notebook(title: str, recipe: ModuleType, today: Mapping[str, Any]) -> str:
    """The same as a notebook (nbformat 4): the recipe, then its call."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {title}"},
        *(
            {
                "cell_type": "code",
                "id": name,
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for name, source in (("recipe", inspect.getsource(recipe).rstrip()), ("today", _call(today)))
        ),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}, indent=1
    )


def code(name: str, recipe: ModuleType, today: Mapping[str, Any]) -> None:
    """Show it, and offer both."""
    st.markdown(_("The page runs these lines; they run as they stand, from the project's folder."))
    source = script(recipe, today)
    st.code(source, language="python")
    with st.container(horizontal=True):
        for file, text, mime in (
            (f"{name}.py", source, "text/x-python"),
            (f"{name}.ipynb", notebook(name, recipe, today), "application/x-ipynb+json"),
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
