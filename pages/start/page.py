"""The way out and the way back, as one living picture, and the doors to the lessons."""

import numpy as np
import streamlit as st
import torch

from diffusion_core import ancestral, fixed_small
from pages import LESSONS
from pages.shared import controls, shell
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _, parts
from pages.shared.scenes import drawn, law_of, scene, schedule_of
from pages.shared.timeline import Frames

STEPS = 50
T = 1000


@st.cache_resource(show_spinner=False, max_entries=8)
def there_and_back(name: str, seed: int) -> np.ndarray:
    """x_0 -> x_T by the closed form, then x_T -> x_0 by the exact denoiser: one frame a position, float32."""
    here = scene(name, "DDPM", seed)
    schedule = schedule_of("linear", T)
    generator = torch.Generator().manual_seed(seed)
    x0 = torch.from_numpy(here.x0)
    eps = torch.randn(x0.shape, generator=generator)
    timesteps = schedule.timesteps(STEPS, spacing="trailing")
    a, b = schedule.sqrt_alpha_bar, schedule.sqrt_one_minus_alpha_bar
    out = [float(a[t]) * x0 + float(b[t]) * eps for t in (0, *reversed(timesteps))]
    back = [
        step.x_s.float()
        for step in ancestral(
            law_of(name, "DDPM").denoiser(schedule), schedule, out[-1], timesteps, fixed_small, generator
        )
    ]
    return torch.stack(out + back).numpy()


prose = lesson.open_lesson("start")
seed = controls.bind("seed", 0, controls.parse_integer("seed", 0, controls.MAX_SEED))
timesteps = schedule_of("linear", T).timesteps(STEPS, spacing="trailing")
word, digit = there_and_back("word", st.session_state[seed]), there_and_back("digits", st.session_state[seed])
lesson.show_timeline(
    key="start",
    positions=(0, *reversed(timesteps), *timesteps[1:], 0),
    tracks={"word": Frames(word), "digits": Frames(digit)},
    panels=[
        drawn(scene("word", "DDPM", 0), "word", _("A word, as points")),
        drawn(scene("digits", "", 0), "digits", _("Handwritten digits")),
    ],
    autoplay=True,
)
st.markdown(prose["picture"])
st.markdown(prose["formula"])

st.header(_("The lessons"), anchor=False)
for one in LESSONS:
    with st.container(border=True):
        about = parts(one.name)
        st.page_link(shell.page_path(one.name), label=f"**{about['title']}**", icon=":material/arrow_forward:")
        st.markdown(about["question"])
st.markdown(prose["check"])
st.markdown(prose["article"])
