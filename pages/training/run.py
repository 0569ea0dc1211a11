"""A run on the page: which one it is, and the buttons and files that it has. It goes on without the page."""

from functools import partial
from typing import Literal

import streamlit as st

from diffusion_core import BadInput, GaussianMixture
from diffusion_core.claims.network import CLAIMS, Trained
from pages.shared import controls, denoiser_run, running
from pages.shared.checks import Checked
from pages.shared.denoiser_run import View, read_file
from pages.shared.i18n import _
from pages.shared.scenes import law_of, schedule_of
from pages.shared.trainer import Data, the_trainer
from pages.training.recipe import Setting

__all__ = ["buttons", "checks", "chosen", "files", "look", "shown"]


@st.cache_resource(show_spinner=False)
def shipped() -> View:
    """The run that is there before anyone trains."""
    return denoiser_run.shipped()


def look(id: str) -> View:
    """The run as it stands; where there is none, the one that came with the page."""
    return the_trainer().view(id, View) or shipped()


def chosen() -> View:
    """The run that the URL names."""
    view = look(controls.get("run", "", _known))
    if view.id:
        st.session_state["my_run"] = view.id  # the one that Sample takes as the visitor's
    return view


def _known(raw: str) -> str:
    """The id of a run that is remembered."""
    if the_trainer().view(raw, View) is None:
        raise BadInput("run in the URL is {got}; there is no such run here (any more).", got=repr(raw[:40]))
    return raw


def shown(view: View) -> View:
    """The run, as soon as it has something to show."""
    return view if view.milestones else shipped()


def checks(view: View) -> list[Checked]:
    """What the lesson checks: the network as it stands when they are drawn."""
    now = shown(look(view.id))
    assert now.denoiser is not None
    judged = Trained(now.data.law, now.schedule, now.denoiser)
    return [Checked(claim, judged, key=now.key) for claim in CLAIMS]


def show_run(id: str) -> None:
    """Another run is shown, its address in the URL, at places of its own."""
    controls.keep("run", id, "")
    for name in ("step", "t"):
        controls.remember(name, None, None)
        controls.renew(name)


def reset(view: View) -> None:
    """Drop the run, and show the one that came with the page."""
    the_trainer().forget(view.id)
    st.session_state.pop("my_run", None)
    show_run("")


def data_of(setting: Setting) -> Data:
    """What is chosen to be trained on, and to be compared with."""
    law = law_of(setting.data, setting.word)
    assert isinstance(law, GaussianMixture)  # every data set of this page is one
    return Data(setting.data, setting.word, law)


def start(setting: Setting) -> None:
    """Train what is chosen, and show it."""
    schedule = schedule_of(setting.schedule, setting.T)
    show_run(the_trainer().start(View("", data_of(setting), setting.config, schedule)))


def buttons(view: View, setting: Setting) -> None:
    """Start, pause, resume, stop, reset."""
    running.buttons(view, lambda: start(setting), lambda: reset(view))


def files(view: View, setting: Setting) -> None:
    """Save and load a checkpoint."""
    offered: tuple[tuple[Literal["network", "run"], str, object], ...] = (
        ("network", _("The network (.safetensors)"), view.denoiser),
        ("run", _("The run, to go on from (.safetensors)"), view.snapshot),
    )
    with st.container(horizontal=True):
        for what, label, there in offered:
            if there is not None:
                st.download_button(
                    label,
                    partial(denoiser_run.write, view, what),
                    f"{what}.safetensors",
                    icon=":material/download:",
                    on_click="ignore",
                )
    upload = st.file_uploader(
        _("A network or a run from this page. It is compared with the data chosen above."),
        type=["safetensors"],
        key="training_upload",
    )
    if upload is not None and st.session_state.get("training_uploaded") != upload.file_id:
        st.session_state["training_uploaded"] = upload.file_id
        running.attempt(lambda: show_run(the_trainer().start(read_file(data_of(setting), upload.getvalue()))))
        st.rerun()
