"""How a page shows a run of the trainer's: its buttons, how it stands, what is wrong with it."""

from collections.abc import Callable

import streamlit as st

from diffusion_core.errors import BadInput
from pages.shared import lesson
from pages.shared.i18n import _, explain
from pages.shared.timeline import Picture, show
from pages.shared.trainer import Run, the_trainer

__all__ = ["POLL", "attempt", "buttons", "history", "say_error", "state"]

POLL = 2.5  # seconds between two looks at a run
ERROR = "run_error"


def attempt(action: Callable[[], object]) -> None:
    """Do it; what is wrong is said once."""
    try:
        action()
    except BadInput as error:
        st.session_state[ERROR] = error


def say_error() -> None:
    """What was wrong with what was attempted."""
    error = st.session_state.pop(ERROR, None)
    if error is not None:
        st.error(explain(error), icon=":material/error:")


def _button(label: str, icon: str, action: Callable[[], object], primary: bool = False) -> None:
    """One of the buttons of a run."""
    st.button(
        label,
        icon=f":material/{icon}:",
        on_click=attempt,
        args=(action,),
        type="primary" if primary else "secondary",
    )


def buttons(run: Run, start: Callable[[], object], reset: Callable[[], object]) -> None:
    """Start, pause, resume, stop, reset."""
    runs = the_trainer()
    with st.container(horizontal=True, gap="small"):
        if not run.alive:
            _button(_("Train"), "play_arrow", start, primary=True)
        if run.state == "running":
            _button(_("Pause"), "pause", lambda: runs.pause(run.id))
        if run.state == "paused":
            _button(_("Resume"), "resume", lambda: runs.resume(run.id))
        if run.alive or run.state == "paused":
            _button(_("Stop"), "stop", lambda: runs.stop(run.id))
        if run.id:
            _button(_("Reset"), "restart_alt", reset)


def state(run: Run) -> None:
    """Waiting, running, paused, done, stopped or failed."""
    if run.state == "waiting":
        text = _("Waiting: place {place} in the queue.").format(place=run.place)
        st.info(text, icon=":material/hourglass_empty:")
    elif run.state == "failed":
        sentence = explain(run.error) if run.error else _("Training stopped with an error of the server.")
        st.error(sentence, icon=":material/error:")
    elif run.state in ("running", "paused"):
        text = _("Step {step} of {steps}").format(step=f"{run.step:,}", steps=f"{run.steps:,}")
        if run.state == "paused":
            text += " · " + _("paused")
        elif run.rows_per_second:
            text += " · " + _("{rate} points a second").format(rate=f"{run.rows_per_second:,.0f}")
        st.progress(run.step / run.steps, text)


def history(run: Run, picture: Picture, *, key: str) -> None:
    """A run over its steps; one that goes on stays at its newest, and is not in the address yet."""
    if run.alive:
        show(picture, key=key, position=len(run.milestones) - 1)
        return
    lesson.timeline(picture, key=key, name="step", t=run.milestones[-1].step)
