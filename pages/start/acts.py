"""Four acts on one picture: as it is; destroyed; a guess; back again. Nothing moves until someone presses."""

import numpy as np
import streamlit as st

from diffusion_core.errors import BadInput
from pages.shared import controls, lesson
from pages.shared.i18n import _, explain
from pages.shared.scenes import scene
from pages.start import figures

__all__ = ["play"]

WORD, LETTERS, SIDE = "DDPM", 12, 140
STILL, GONE, GUESSED, BACK = range(4)


def pick_word() -> str:
    """A word of one's own; one that cannot be drawn is said, and the usual one is shown."""
    word = controls.text("word", _("Word (at most 12 characters)"), WORD, LETTERS)
    try:
        scene("word", word, 0)
    except BadInput as error:
        st.error(explain(error), icon=":material/error:")
        st.caption(_("Shown instead: {default}.").format(default=WORD))
        return WORD
    return word


def go(act: int) -> None:
    """To another act: a picture of its own, from its own beginning."""
    controls.keep("act", act, STILL)
    controls.remember("t", None, None)
    controls.renew("t")


def button(label: str, icon: str, act: int) -> None:
    """What leads on."""
    st.button(label, icon=f":material/{icon}:", type="primary", on_click=go, args=(act,), key=f"act_{act}")


def play(page: lesson.Page) -> None:
    """The picture of this act, what is said of it, and the button to the next one."""
    act = controls.get("act", STILL, controls.parse_integer("act", STILL, BACK))
    seed = controls.get("seed", 0, controls.parse_integer("seed", 0, controls.MAX_SEED))
    with st.container(key="act"):
        if act == STILL:
            left, right = st.columns([3, 2], vertical_alignment="bottom")
            with right:
                word = pick_word()
            with left:
                st.markdown(page.prose["still"])
                button(_("Destroy them"), "blur_on", GONE)
        else:
            word = controls.get("word", WORD, lambda raw: raw[:LETTERS]) or WORD
            say(page, act, seed)
    picture = figures.back(word, seed) if act == BACK else figures.out(word, seed, act == GONE)
    lesson.timeline(picture, key=f"start_{act}", t=0 if act in (STILL, BACK) else figures.T, lead=True)


def say(page: lesson.Page, act: int, seed: int) -> None:
    """The words of an act, with what is to be pressed in it."""
    if act == GONE:
        left, right = st.columns([3, 2], vertical_alignment="center")
        left.markdown(page.prose["gone"])
        with right:
            ask(seed)
    elif act == GUESSED:
        st.markdown(answer(page, seed))
        button(_("Bring digits back"), "undo", BACK)
    else:
        st.markdown(page.prose["back"])
        button(_("Once more, from the start"), "restart_alt", STILL)


def places(seed: int) -> tuple[int, int]:
    """Which of the two noises stands first, and which second: 0 is the one of the 7."""
    first = int(np.random.default_rng(seed).integers(2))
    return first, 1 - first


def ask(seed: int) -> None:
    """Two noises, each with a button."""
    shown, order = figures.noises(seed), places(seed)
    with st.container(horizontal=True, key="noises"):
        for which, label in zip(order, (_("The first"), _("The second")), strict=True):
            with st.container(width=SIDE):
                st.image(np.kron(shown[which], np.ones((6, 6), np.uint8)), width=SIDE)
                st.button(label, on_click=guess, args=(which,), key=f"guess_{which}", width="stretch")


def guess(which: int) -> None:
    """Keep it, and go on."""
    st.session_state["guessed"] = which
    go(GUESSED)


def answer(page: lesson.Page, seed: int) -> str:
    """Which it was; whether that was the guess, if there was one; and what a guess is worth."""
    which = _("the first") if places(seed)[0] == 0 else _("the second")
    guessed = st.session_state.get("guessed")
    said = "" if guessed is None else (_("Right. ") if guessed == 0 else _("Wrong. "))
    return said + _("It was {which}.").format(which=which) + " " + page.prose["guessed"]
