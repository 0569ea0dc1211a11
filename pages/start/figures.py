"""The picture of the start page: a word and digits, out to noise and back."""

import numpy as np
import streamlit as st
import torch

from diffusion_core import ancestral, fixed_small, q_sample
from pages.shared import timeline as tl
from pages.shared.i18n import _, language
from pages.shared.lesson import packed
from pages.shared.scenes import drawn, law_of, scene, schedule_of

STEPS = 50
T = 1000


def picture(seed: int) -> tl.Picture:
    """It plays by itself."""
    return _picture(seed, language())


@st.cache_resource(show_spinner=False, max_entries=8)  # 2 MB each
def _picture(seed: int, _of_language: str) -> tl.Picture:
    timesteps = schedule_of("linear", T).timesteps(STEPS, spacing="trailing")
    tracks: dict[str, tl.Track] = {
        "word": tl.Frames(there_and_back("word", seed)),
        "digits": tl.Frames.in_bytes(there_and_back("digits", seed), -1.0, 1.0),  # as exact as a screen
    }
    panels = [
        drawn(scene("word", "DDPM", 0), "word", _("A word, as points")),
        drawn(scene("digits", "", 0), "digits", _("Handwritten digits")),
    ]
    return packed((0, *reversed(timesteps), *timesteps[1:], 0), tracks, panels, autoplay=True)


def there_and_back(name: str, seed: int) -> np.ndarray:
    """x_0 -> x_T by the closed form, then x_T -> x_0 by the exact denoiser: one frame a position, float32."""
    schedule, generator = schedule_of("linear", T), torch.Generator().manual_seed(seed)
    x0 = torch.from_numpy(scene(name, "DDPM", seed).x0)
    eps = torch.randn(x0.shape, generator=generator)
    timesteps = schedule.timesteps(STEPS, spacing="trailing")
    out = [q_sample(schedule, x0, t, eps) for t in (0, *reversed(timesteps))]
    denoiser = law_of(name, "DDPM").denoiser(schedule)
    steps = ancestral(denoiser, schedule, out[-1], timesteps, variance=fixed_small, generator=generator)
    return torch.stack([*out, *(step.x_s.float() for step in steps)]).numpy()
