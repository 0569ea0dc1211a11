"""The living picture of a run: how it stands, the four rows, and how they got there."""

import streamlit as st

from pages.four_ways import figures
from pages.four_ways.recipe import Setting
from pages.four_ways.run import Four, look, shown
from pages.shared import lesson, running
from pages.shared.i18n import _, explain
from pages.shared.scenes import data_names
from pages.shared.sections import folded

__all__ = ["draw"]


def draw(view: Four, setting: Setting, round_trip: bool) -> None:
    """The picture; while the run goes on, it is drawn anew every few seconds."""
    running.say_error()
    again = running.POLL if view.alive else None
    st.fragment(_draw, run_every=again)(view.id, view.alive, setting, round_trip)


def _draw(id: str, alive: bool, setting: Setting, round_trip: bool) -> None:
    view = look(id, setting)
    if alive and not view.alive:
        st.rerun()  # the buttons are others now, and nobody needs to look every few seconds
    running.state(view)
    view = shown(view)
    describe(view)
    lesson.timeline(figures.picture(view, round_trip, setting.seed), key="four_ways", name="u", t=1, lead=True)
    if view.milestones:
        with folded("history", _("How they got there"), bool(view.id), asks=["step"]) as opened:
            if opened:
                running.history(view, figures.history(view), key="four_ways_step")


def describe(view: Four) -> None:
    """Which networks are shown, in one sentence."""
    name = view.data.word if view.data.name == "word" else data_names()[view.data.name]
    if view.id:
        step = f"{view.milestones[-1].step:,}"
        st.markdown(_("**Your four**, on {data}, after {step} steps.").format(data=name, step=step))
    elif view.state == "done":
        st.markdown(_("**The four that come with the page**, trained on {data}.").format(data=name))
    else:
        if view.error is not None:
            st.error(explain(view.error), icon=":material/error:")
        sentence = _(
            "Nothing has been trained on {data} yet: press *Train* (about a minute for all four). "
            "What you see are the four before their first step."
        )
        st.info(sentence.format(data=name), icon=":material/school:")
