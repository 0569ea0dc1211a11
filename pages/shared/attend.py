"""A class on a page: what starts it or joins it, which class stands in the URL, and the way to its teacher's place.

The browser asks the hub by itself (`pages.shared.classroom`); Python hears only of a code, and of another lesson or
other controls that a student is to see.
"""

from functools import cache
from urllib.parse import parse_qsl

import streamlit as st

from diffusion_core.files import ASSETS
from pages import PAGES, START, Lesson
from pages.shared.classroom import Refused, fields, read_query
from pages.shared.i18n import catalogue, language, read_parts
from pages.shared.timeline.modules import join_modules

__all__ = ["REFUSALS", "SAID", "door", "foot", "go", "names"]

FOLDER = ASSETS / "classroom"
STYLES = (ASSETS / "shell" / "foot.css", FOLDER / "classroom.css")
CODE, LONGEST = "class_code", 20  # where the session keeps it; characters of a code, right or wrong
KEPT = ("lang", "class")  # each reader's own, wherever the teacher goes

SAID = {
    "class": "Classroom",
    "start": "Start a class",
    "join": "Join a class",
    "join_now": "Join",
    "door": "In a class? Type its code:",
    "code": "Code of the class",
    "joining": "Joining {code} …",
    "following": "You follow the teacher.",
    "alone": "You are on your own.",
    "again": "Follow again",
    "lost": "Lost here",
    "lost_said": "Your teacher will see that somebody is lost here.",
    "leave": "Leave",
    "here": "{here} here, {following} of them follow",
    "lost_here": "Lost at {lesson}, {t}: {count}",
    "lost_few": "fewer than five",
    "show": "Show the code",
    "end": "End the class",
    "close": "Close",
    "copy": "Copy link",
    "copied": "Copied.",
    "by_hand": "Press Ctrl+C (or ⌘C) to copy the address above.",
    "scan": "Scan the picture, or open this site and join with the code.",
    "qr": "QR code of the link to the class",
    "local": (
        "This address leads here from this computer alone. For phones, open the site under its address in your network "
        "first, then start the class."
    ),
    "away": "No connection to the class. Trying again.",
    "over": "The class is over, or the server was started anew.",
    "ended": "The class has ended.",
}
REFUSALS = {  # by the hub's words
    "unknown": "There is no class with this code.",
    "ended": "The class has ended.",
    "attempts": "Too many codes were tried from here; wait a minute, then try again.",
    "rate": "That was too often; wait a minute, then try again.",
    "rooms": "There are as many classes as this server can hold; try again later.",
    "seats": "This class is full.",
    "closed": "The server is being started anew; try again in a moment.",
    "large": "The class cannot see this place: its address is too long.",
    "field": "The class cannot see this place.",
}


_component = st.components.v2.component(
    "classroom",
    css="\n".join(file.read_text(encoding="utf-8") for file in STYLES),
    js=join_modules(FOLDER / "classroom.js"),
)


def names() -> dict[str, Lesson]:
    """The pages, by their names in the URL; the start page has none."""
    return {"" if page is START else page.name: page for page in PAGES}


@cache
def said_in(lang: str) -> dict[str, object]:
    """The titles of the pages, and all that is said of a class."""
    here = catalogue(lang).gettext
    words: dict[str, object] = {name: here(english) for name, english in SAID.items()}
    refused = {word: here(english) for word, english in REFUSALS.items()}
    titles = {name: read_parts(lang, page.name)["title"] for name, page in names().items()}
    return {"titles": titles, "words": words | {"refused": refused}}


def foot() -> None:
    """The buttons in the sidebar, and the bar of a class; goes where the teacher is, if that is somewhere else."""
    asked = _mount("classroom", door=False)
    if asked:
        go(asked)


def door() -> None:
    """The form on the start page."""
    _mount("class_door", door=True)


def _mount(key: str, *, door: bool) -> object:
    """What the browser asks for: a place to go to, or nothing."""

    def told() -> None:
        _keep(st.session_state[key].get("code"))

    found = _component(
        key=key,
        data={
            "code": _code(),
            "door": door,
            **said_in(language()),
        },
        on_code_change=told,
        on_go_change=lambda: None,
    )
    return found.go


def _code() -> str:
    """The code of the reader's class: the URL's, which keeps it from lesson to lesson; "" where there is none."""
    asked = st.query_params.get("class")
    if asked is not None:
        st.session_state[CODE] = asked[:LONGEST]
    code = str(st.session_state.get(CODE, ""))
    if code and asked is None:
        st.query_params["class"] = code
    return code


def _keep(code: object) -> None:
    """Write a code into the URL, or take it out."""
    st.session_state[CODE] = code[:LONGEST] if isinstance(code, str) else ""
    if st.session_state[CODE]:
        st.query_params["class"] = st.session_state[CODE]
    else:
        st.query_params.pop("class", None)


def go(place: object) -> None:
    """To a lesson with these controls; a place that is none leads nowhere."""
    try:
        said = fields(place, "lesson query")
        query = dict(parse_qsl(read_query(said["query"]), keep_blank_values=True))
    except Refused:
        return
    page = names().get(str(said["lesson"]))
    if page is not None:
        own = {name: st.query_params[name] for name in KEPT if name in st.query_params}
        st.switch_page(page.page, query_params=query | own)
