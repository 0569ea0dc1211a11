"""A network of one's own: the run that trained it, or its file."""

import numpy as np
import streamlit as st

from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture
from pages.shared import controls, shell
from pages.shared.denoiser_run import View, read_file
from pages.shared.i18n import _, explain
from pages.shared.scenes import Scene
from pages.shared.trainer import Data, the_trainer

__all__ = ["offer_runs", "pick_run", "show_yours"]


def show_run(id: str) -> None:
    """Which run's network is yours, its address in the URL."""
    controls.keep("run", id, "")


def pick_run() -> View | None:
    """The run whose network is asked for: the URL's, else the last one of this session; what lacks is one sentence."""
    id, mine = controls.get("run", "", str), st.session_state.get("my_run", "")
    if not id and mine != st.session_state.get("left_run", ""):
        show_run(id := mine)
    view = the_trainer().view(id, View)
    if view and view.milestones and np.isfinite(view.milestones[-1].samples).all():
        return view
    _say_why_not(id, view)
    return None


def _say_why_not(id: str, view: View | None) -> None:
    """What lacks, in one sentence."""
    if not id:
        st.info(
            _(
                "Train a network on the page *Predict the noise*, or give the file of one below. "
                "Until then the exact denoiser is shown."
            ),
            icon=":material/school:",
        )
    elif view is None:
        st.warning(
            _("There is no run {run} on this server (any more); the exact denoiser is shown.").format(run=id[:40]),
            icon=":material/link_off:",
        )
    elif view.milestones or view.state == "failed":
        st.error(
            _("This network answers with numbers that are not finite; the exact denoiser is shown."),
            icon=":material/error:",
        )
    else:
        st.info(
            _("This run has no network yet; until it has one, the exact denoiser is shown."),
            icon=":material/hourglass_empty:",
        )


def leave_run(id: str) -> None:
    """Make place for another network; this one can be had back."""
    st.session_state["left_run"] = id
    show_run("")


def offer_runs(scene: Scene) -> None:
    """Where no run is shown: train one, take the one that was left, or give a file."""
    runs, left = the_trainer(), st.session_state.get("left_run", "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(shell.page_path("training"), label=_("Predict the noise"), icon=":material/school:")
        if runs.view(left, View):
            st.button(_("Back to the network before"), icon=":material/undo:", on_click=show_run, args=(left,))
    upload = st.file_uploader(
        _("A network or a run from Predict the noise. It is compared with the data chosen above."),
        type=["safetensors"],
        key="sampling_upload",
    )
    if upload is None:
        return
    assert isinstance(scene.law, GaussianMixture)  # as all data of TRAINED are
    try:
        id = runs.start(read_file(Data(scene.name, scene.word, scene.law), upload.getvalue()))
    except BadInput as error:
        st.error(explain(error), icon=":material/error:")
        return
    show_run(id)
    st.rerun()


def show_yours(view: View) -> None:
    """Which network it is, and the ways to its training and to another one."""
    step = view.milestones[-1].step
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            _("**Your network**, after {step} steps").format(step=f"{step:,}") if view.step else _("**Your network**")
        )
        st.page_link(
            shell.page_path("training"),
            label=_("Predict the noise"),
            icon=":material/school:",
            query_params={"run": view.id},
        )
        st.button(_("Another network"), icon=":material/swap_horiz:", on_click=leave_run, args=(view.id,))
