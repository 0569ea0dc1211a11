"""The live picture of a run: how it stands, the network against the exact answer, and how it got there."""

import streamlit as st

from pages.shared import lesson, running, shell
from pages.shared.denoiser_run import View, sampling_times
from pages.shared.i18n import _, language
from pages.shared.scenes import data_names, schedule_names
from pages.shared.typography import significant
from pages.training import figures
from pages.training.choices import TARGETS
from pages.training.exact import exact_of
from pages.training.run import look, shown

__all__ = ["draw"]


def draw(view: View) -> None:
    """The pictures; while the run goes on, they are drawn anew every few seconds."""
    running.say_error()
    st.fragment(_draw, run_every=running.POLL if view.alive else None)(view.id, view.alive)


def _draw(id: str, alive: bool) -> None:
    view = look(id)
    if alive and not view.alive:
        st.rerun()  # the buttons are others now, and nobody needs to look every few seconds
    running.state(view)
    view = shown(view)
    st.markdown(f"{described(view)}  \n{verdict(view)}")
    link_to_samples(view)
    times = sampling_times(view.schedule.T)
    lesson.timeline(figures.fields(view), key="training_t", t=times[3 * len(times) // 4], lead=True)
    st.subheader(_("How it got there"), anchor=False)
    running.history(view, figures.history(view), key="training_step")


def described(view: View) -> str:
    """What is shown, in one line."""
    name = view.data.word if view.data.name == "word" else data_names()[view.data.name]
    return _("{data} · {schedule}, T = {T} · predicts {target} · width {width} · {steps} steps").format(
        data=name,
        schedule=schedule_names().get(view.schedule.name, view.schedule.name),
        T=view.schedule.T,
        target=TARGETS[view.config.predicts],
        width=getattr(view.config.net, "width", "?"),
        steps=f"{view.config.steps:,}",
    )


def verdict(view: View) -> str:
    """How far it is from the floor, in one sentence."""
    known, last = exact_of(view), view.milestones[-1]
    least, above = known.mean_floor, float(last.distance.mean())
    return _(
        "After {step} steps the loss on new draws is {loss}: **{percent}% above the floor {floor}**, "
        "which no network can beat."
    ).format(
        step=f"{last.step:,}",
        loss=significant(least + above, known.digits),
        percent=significant(100 * above / least, 2),
        floor=significant(least, known.digits),
    )


def link_to_samples(view: View) -> None:
    """To Sample, with this network; where the run is gone by then, its data and its schedule are still there."""
    carried = {"denoiser": "yours", "run": view.id} if view.id else {"denoiser": "network"}
    carried |= {"data": view.data.name, "schedule": view.schedule.name, "T": str(view.schedule.T)}
    if view.data.name == "word":
        carried["word"] = view.data.word
    st.page_link(
        shell.page_path("sampling"),
        label=_("Sample with this network"),
        icon=":material/auto_awesome:",
        query_params={**carried, "lang": language()},
    )
