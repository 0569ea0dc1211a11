"""The shell: navigation, language, the link to what is on screen, and a warm start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from diffusion_core.files import ASSETS
from pages import FOLDER, START, Lesson, sections
from pages.shared import memory
from pages.shared.i18n import LANGUAGES, _, language, parts, set_language

__all__ = ["ICON", "build_navigation", "has_visitor", "lifespan", "open_door", "page_path", "set_up"]

SHELL = ASSETS / "shell"
ICON = str(SHELL / "icon.svg")

copy_link = st.components.v2.component(
    "copy_link",
    html=(SHELL / "copy_link.html").read_text(encoding="utf-8"),
    css=(SHELL / "copy_link.css").read_text(encoding="utf-8"),
    js=(SHELL / "copy_link.js").read_text(encoding="utf-8"),
)


@cache
def warm_up() -> None:
    """Load what is heavy once, then keep it out of the garbage collector's way."""
    memory.keep_compact()
    import matplotlib.figure  # noqa: F401
    import plotly.graph_objects  # noqa: F401
    import scipy.stats
    import torch

    import diffusion_core

    torch.set_num_threads(1)  # visitors share the cores; a second thread for each of them only makes all wait
    diffusion_core.digits()
    scipy.stats.norm.cdf(0.0)
    memory.set_aside()


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Warm up when the server starts, before anyone comes, and tidy up for as long as it runs."""
    warm_up()
    memory.start()
    yield


def has_visitor() -> bool:
    """Whether this is the run of a visitor's page, not the start of the server."""
    return get_script_run_ctx(suppress_warning=True) is not None


def page_path(name: str) -> str:
    """The script of a page, as st.page_link wants it."""
    return str(FOLDER / name / "page.py")


def open_door() -> None:
    """Tell Streamlit, before anyone comes, that ``pages`` is no folder of page scripts.

    It takes a folder of that name for such until someone calls st.navigation: a first visitor with a deep link would be
    told "Page not found".
    """
    st.navigation([st.Page(lambda: None, title="none")])


def build_navigation() -> st.Page:
    """The pages in the order in which they are taught, and the page that the visitor asked for."""

    def page(lesson: Lesson) -> st.Page:
        default = lesson is START
        return st.Page(
            lesson.page,
            title=_("Start") if default else parts(lesson.name)["title"],
            icon=f":material/{lesson.icon}:",
            url_path=None if default else lesson.name,
            default=default,
        )

    return st.navigation(
        {_(name) if name else "": [page(one) for one in pages] for name, pages in sections()}, expanded=True
    )


def set_up() -> st.Page:
    """Everything around a page; returns the page to run."""
    warm_up()
    st.html(SHELL / "shell.css")
    page = build_navigation()
    asked = st.query_params.get("lang")
    if asked is not None and asked not in LANGUAGES:
        st.warning(
            _("{name} in the URL is {got}; it must be one of: {allowed}.").format(
                name="lang", got=repr(asked[:40]), allowed=", ".join(LANGUAGES)
            ),
            icon=":material/link_off:",
        )
    with st.sidebar:
        st.segmented_control(
            _("Language"),
            list(LANGUAGES),
            format_func=LANGUAGES.__getitem__,
            default=language(),
            required=True,
            key="language_switch",
            on_change=lambda: set_language(st.session_state["language_switch"]),
            width="stretch",
            label_visibility="collapsed",
        )
        copy_link(
            key="copy_link",
            data={
                "lang": language(),
                "label": _("Copy link to this view"),
                "copied": _("Copied."),
                "by_hand": _("Press Ctrl+C (or ⌘C) to copy the address above."),
            },
        )
    return page
