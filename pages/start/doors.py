"""The ways from the start page into the lessons."""

import streamlit as st

from pages import LESSONS
from pages.shared.i18n import _, parts
from pages.shared.lesson import way_to

__all__ = ["lessons", "open_both", "ways_through"]


def open_both() -> None:
    """One to the first lesson, one for whoever knows DDPM already."""
    with st.container(horizontal=True, key="doors"):
        way_to(LESSONS[0].name, _("**Begin**: what a noising step does"), "arrow_forward")
        wrong = _("**I know DDPM**: what is usually told wrong")
        way_to(LESSONS[-1].name, wrong, "fact_check", verdict="wrong")


def ways_through() -> None:
    """How much time there is, and what it is enough for; the minutes are those of the list of lessons."""
    core = sum(lesson.minutes for lesson in LESSONS if not lesson.deep)
    all_of_it = sum(lesson.minutes for lesson in LESSONS)
    st.markdown(
        _(
            "- **Five minutes**: this page.\n"
            "- **A lecture**, about {core} minutes: the core path, the lessons without the mark *deep dive*, in their "
            "order.\n"
            "- **A course**, about {all} minutes without the checks: everything."
        ).format(core=core, all=all_of_it)
    )


def lessons() -> None:
    """Each lesson with its question, its minutes, and whether it lies on the core path."""
    st.header(_("The lessons"), anchor="lessons")
    with st.container(gap="xsmall"):
        for one in LESSONS:
            about = parts(one.name)
            with st.container(border=True, gap="xxsmall"):
                way_to(one.name, f"**{about['title']}**", "arrow_forward")
                badges = [_("about {n} min").format(n=one.minutes), *([_("deep dive")] if one.deep else [])]
                st.markdown(" ".join([about["question"], *(f":gray-badge[{badge}]" for badge in badges)]))
