"""The shell: navigation, language, the link to what is on screen, paper, and a warm start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from diffusion_core.files import ASSETS
from pages import FOLDER, START, Lesson, sections
from pages.shared import attend, classroom, memory
from pages.shared.i18n import LANGUAGES, _, catalogue, language, parts, set_language
from pages.shared.timeline.modules import join_modules

__all__ = [
    "ICON",
    "WORDS",
    "base_path",
    "build_navigation",
    "has_visitor",
    "lifespan",
    "open_door",
    "page_path",
    "set_up",
]

SHELL = ASSETS / "shell"
ICON = str(SHELL / "icon.svg")

foot = st.components.v2.component(
    "foot",
    html=(SHELL / "foot.html").read_text(encoding="utf-8"),
    css=(SHELL / "foot.css").read_text(encoding="utf-8"),
    js=join_modules(SHELL / "foot.js"),
)

# What Streamlit and Plotly say in English, and nobody can choose; {} stands for anything.
WORDS = (
    "Skip to main content",
    "Sidebar",
    "Collapse sidebar",
    "Expand sidebar",
    "App pages",
    "Main menu",
    "Theme",
    "System",
    "Light",
    "Dark",
    "Print",
    "Record screen",
    "Made with Streamlit v",
    "Copy version to clipboard",
    "Copy to clipboard",
    "Choose an option",
    "Help for {}",
    "Open",
    "Decrement",
    "Increment",
    "Link to heading",
    "Fullscreen",
    "Close fullscreen",
    "Download plot as a PNG",
    "Zoom",
    "Pan",
    "Zoom in",
    "Zoom out",
    "Autoscale",
    "Reset axes",
    "file upload",
    "Upload",
    "{}MB per file",
    "Press Enter to apply",
)


@cache
def exchanged_words(lang: str) -> dict[str, str]:
    """What is said instead of Streamlit's words, whatever language they stand in now."""
    here = catalogue(lang).gettext
    said = {catalogue(other).gettext(word): here(word) for other in LANGUAGES for word in WORDS}
    return said | {"casino icon": here("New noise")}


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
    """Warm up when the server starts, before anyone comes; tidy up for as long as it runs, and let it end."""
    warm_up()
    memory.start()
    with classroom.ended_by_signals(classroom.HUB):
        yield


def base_path() -> str:
    """Where this server's pages begin: "" or "/course". Streamlit does not lay it before an app's own routes."""
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}" if base else ""


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
    for sheet in ("shell", "print", *(["embed"] if st.context.is_embedded else [])):
        st.html(SHELL / f"{sheet}.css")
    page = build_navigation()
    st.set_page_config(page_title=page.title + " · " + _("DDPM, alive"))
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
        foot(
            key="foot",
            data={
                "lang": language(),
                "label": _("Copy link"),
                "print": _("Print"),
                "copied": _("Copied."),
                "copied_part": _("Copied; it opens at #{part}."),
                "by_hand": _("Press Ctrl+C (or ⌘C) to copy the address above."),
                "words": exchanged_words(language()),
            },
        )
        if not st.context.is_embedded:
            attend.foot()
    return page
