"""The controls of *Text and guidance*: the prompt, how it is sampled, and whose network it is."""

import streamlit as st

from diffusion_core.data.captions import parse
from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput
from diffusion_core.nets.text import tokenize
from pages.guidance.recipe import PICTURES
from pages.guidance.runs import DEFAULT, SCALES, Asked
from pages.shared import controls, prompts, weights
from pages.shared.beside import Axis
from pages.shared.i18n import _, explain
from pages.shared.lesson import Page
from pages.shared.weights import Model

__all__ = ["EXAMPLES", "MOST_STEPS", "comparable", "pick_own", "pick_settings"]

EXAMPLES = (  # those with a star put a colour on a shape that it never had in training
    DEFAULT.prompt,
    "a small red star on the left",
    "a pink ring at the top right on a dark ground",
    "a large cyan circle in the middle",
    "a yellow triangle to the left of a small purple circle",
    "an orange square below a blue ring",
    "",
)
MOST_STEPS = 50
STEPS = ("2", "5", "10", "20", "50")
SAMPLERS = {"ddim": "DDIM", "ddpm": "DDPM"}


def pick_prompt() -> str:
    """The prompt, typed; where it cannot be read, one sentence beside it, and the default."""
    typed = controls.text("prompt", _("Prompt"), DEFAULT.prompt)
    return prompts.or_default(typed, lambda text: tokenize([text]), DEFAULT.prompt)


def pick_example() -> None:
    """Prompts to start with: one that is pressed becomes the prompt."""
    typed = st.session_state[controls.key_of("prompt")]
    st.session_state["example"] = typed if typed in EXAMPLES else None

    def take() -> None:
        chosen = st.session_state["example"]
        if chosen is not None:
            controls.keep("prompt", chosen, DEFAULT.prompt)

    def label(example: str) -> str:
        return f"{example} ✦" if example and parse(example).is_held_out else example or _("(no words)")

    st.pills(
        _("Examples (✦: a colour and a shape that never met in training)"),
        EXAMPLES,
        format_func=label,
        key="example",
        on_change=take,
    )


def pick_settings(page: Page) -> tuple[Asked, int]:
    """What is asked for, and which of the four pictures is looked into."""
    with page.controls(4, 3) as (left, right):
        with left:
            prompt = pick_prompt()
        with right:
            w = controls.number("w", _("Guidance scale w"), DEFAULT.w, low=0.0, high=10.0, step=0.5)
        with page.more():
            pick_example()
            options = {str(k): str(k) for k in range(1, PICTURES + 1)}
            chosen = controls.choice("picture", _("Look into picture"), options, "1", pills=True)
            steps = controls.integer("N", _("Steps N"), DEFAULT.steps, low=2, high=MOST_STEPS)
            sampler = controls.choice("sampler", _("Sampler"), SAMPLERS, "ddim", pills=True)
            ddim = sampler == "ddim"
            eta = controls.number("eta", _("η (noise of DDIM)"), 0.0, low=0.0, high=1.0, step=0.05) if ddim else 0.0
            seed = controls.seed()
    return Asked(prompt, w=w, steps=steps, sampler=sampler, eta=eta, seed=seed), int(chosen) - 1


def comparable(asked: Asked) -> dict[str, Axis]:
    """What of a run can be another one beside it."""
    scales = {f"{w:g}": f"{w:g}" for w in SCALES}
    return {
        "w": Axis(_("Guidance scale w"), scales, f"{asked.w:g}"),
        "N": Axis(_("Steps N"), {N: N for N in STEPS}, str(asked.steps)),
        "sampler": Axis(_("Sampler"), SAMPLERS, asked.sampler),
    }


def pick_own() -> Model[Predictor] | None:
    """The visitor's network, if one was given in this session."""
    own: Model[Predictor] | None = st.session_state.get("text_network")
    if own is None:
        offer_own()
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_("**Your network**"))
        st.button(
            _("The shipped network again"),
            icon=":material/undo:",
            on_click=lambda: st.session_state.pop("text_network"),
        )
    return own


def offer_own() -> None:
    """A place for the visitor's network."""
    with st.expander(_("Your own weights"), icon=":material/upload_file:"):
        upload = st.file_uploader(
            _("A network from `python -m diffusion_core.train latent`: it reads the same words, on the same latents."),
            type=["safetensors"],
            key="text_upload",
        )
        if upload is None:
            return
        try:
            st.session_state["text_network"] = weights.model_of_file(upload.getvalue())
        except BadInput as error:
            st.error(explain(error), icon=":material/error:")
        else:
            st.rerun()
