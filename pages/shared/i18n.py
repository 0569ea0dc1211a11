"""Two languages: which one, the interface's strings (gettext), and the prose of the lessons (Markdown).

English is the source; ``assets/locale/<lang>/LC_MESSAGES/messages.po`` holds the other. Babel reads the ``.po`` as it
stands, so nothing has to be compiled. A lesson's prose is ``pages/<name>/<lang>.md``: parts that begin with
``<!-- part: NAME -->``.
"""

import gettext
import io
import re
from functools import cache
from pathlib import Path

import streamlit as st
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from diffusion_core.errors import BadInput
from diffusion_core.files import ASSETS

__all__ = ["LANGUAGES", "_", "catalogue", "explain", "language", "parts", "set_language"]

PAGES = Path(__file__).parents[1]
LANGUAGES = {"en": "English", "zh": "简体中文"}
_STOP = re.compile(r"((?<!\$)\$[^$\n]+\$)(?=[，。：；、）？！”])")  # a formula that a stop follows
_PART = re.compile(r"^<!-- part: (\w+) -->$", re.MULTILINE)


def language() -> str:
    """The reader's language: the URL's ``lang``, else the one chosen before, else the browser's."""
    chosen = st.query_params.get("lang", st.session_state.get("language"))
    if chosen in LANGUAGES:
        st.session_state["language"] = chosen
        return chosen
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def set_language(chosen: str) -> None:
    """Choose a language, and let the URL say so."""
    st.session_state["language"] = chosen
    st.query_params["lang"] = chosen


@cache
def catalogue(lang: str) -> gettext.NullTranslations:
    """The interface's strings in one language."""
    if lang == "en":
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with (ASSETS / "locale" / lang / "LC_MESSAGES" / "messages.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=lang))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _(message: str) -> str:
    """An interface string in the reader's language."""
    return catalogue(language()).gettext(message)


def explain(error: ValueError) -> str:
    """One sentence about bad input, in the reader's language."""
    if isinstance(error, BadInput):
        return _(error.template).format(**error.facts)
    return str(error)


@cache
def read_parts(lang: str, name: str) -> dict[str, str]:
    """The parts of a lesson's prose in one language; no line begins with a Chinese stop that follows a formula."""
    text = _STOP.sub("\\1\u2060", (PAGES / name / f"{lang}.md").read_text(encoding="utf-8"))
    pieces = _PART.split(text)
    return {part: text.strip() for part, text in zip(pieces[1::2], pieces[2::2], strict=True)}


def parts(name: str) -> dict[str, str]:
    """The parts of a lesson's prose in the reader's language."""
    return read_parts(language(), name)
