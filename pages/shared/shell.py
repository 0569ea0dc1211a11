"""The shell: navigation, language, the link to what is on screen, and a warm start.

Streamlit runs a page without ``app.py`` when the first request to a fresh server goes straight to it, because the
folder is called ``pages``. So every page's first line is `ensure_shell`, which builds the navigation if nobody has.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared import memory
from pages.shared.i18n import LANGUAGES, _, language, set_language

__all__ = ["build_navigation", "ensure_shell", "page_path", "set_up"]

ROOT = Path(__file__).parents[2]
SHELL = ROOT / "assets" / "shell"

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
    """The file of a page, as st.page_link wants it."""
    return f"pages/{name}.py"


def build_navigation() -> st.Page:
    """The pages in the order in which they are taught, and the page that the visitor asked for."""

    def page(name: str, title: str, icon: str, *, default: bool = False) -> st.Page:
        return st.Page(
            ROOT / "pages" / f"{name}.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=None if default else name,
            default=default,
        )

    return st.navigation(
        {
            "": [page("start", _("Start"), "home", default=True)],
            _("Forward process"): [
                page("add_noise", _("Add noise"), "blur_on"),
                page("reparameterization", _("Reparameterize"), "casino"),
                page("closed_form", _("Jump to any t"), "fast_forward"),
            ],
            _("Reverse process"): [
                page("posterior", _("The posterior"), "join_inner"),
                page("sampling", _("Sample"), "auto_awesome"),
                page("variance", _("Which variance?"), "balance"),
            ],
            _("Learning"): [
                page("training", _("Predict the noise"), "school"),
                page("unet", _("Inside the network"), "account_tree"),
            ],
            _("Stable Diffusion"): [
                page("latent", _("Why latents?"), "compress"),
                page("guidance", _("Text and guidance"), "chat"),
            ],
            _("Check everything"): [page("ledger", _("All the checks"), "fact_check")],
        }
    )


def set_up() -> st.Page:
    """Everything around a page; returns the page to run."""
    st.session_state["shell"] = True
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


def ensure_shell() -> None:
    """A page reached without ``app.py`` (the first request to a fresh server) is run again, inside the shell."""
    if "shell" not in st.session_state:
        build_navigation()
        st.rerun()
