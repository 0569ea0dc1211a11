"""The pictures of the start page: out to noise, back again, and the whole way in five small ones."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from diffusion_core import ancestral, fixed_small, q_posterior, q_sample
from diffusion_core.posterior import transition
from pages.guidance import runs
from pages.shared import timeline as tl
from pages.shared import weights
from pages.shared.i18n import _, language
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS
from pages.shared.scenes import density, drawn, law_of, scene, schedule_of
from pages.start.guess import pair

__all__ = ["Start", "back", "noises", "out", "way", "way_back"]

STEPS = 50
T = 1000
SMALL = 0.75  # of a panel’s usual width
EDGE = 4.0  # of the axis of the three bells
X_0, X_T = 1.0, -0.5  # what the posterior of the small picture knows


@dataclass(frozen=True, eq=False)
class Start:
    """x_0 and the noise of the way out, (n, d), float32; and what draws the noise of the way back."""

    x0: torch.Tensor
    eps: torch.Tensor
    generator: torch.Generator

    @classmethod
    def of(cls, name: str, word: str, seed: int) -> "Start":
        """The points of a word, or sixteen digits."""
        generator, x0 = torch.Generator().manual_seed(seed), torch.from_numpy(scene(name, word, seed).x0)
        return cls(x0, torch.randn(x0.shape, generator=generator), generator)


@dataclass(frozen=True, eq=False)
class Back:
    """The chain back from where the way out ends, and its guesses: (51, n, d), float32."""

    x: np.ndarray
    x0_hat: np.ndarray


@st.cache_resource(show_spinner=False, max_entries=8)
def way_back(name: str, word: str, seed: int) -> Back:
    """x_T -> x_0 by the exact denoiser, in 50 steps; x_T from the closed form."""
    schedule, gone = schedule_of("linear", T), Start.of(name, word, seed)
    denoiser = law_of(name, word).denoiser(schedule)
    x_T, timesteps = q_sample(schedule, gone.x0, T, gone.eps), schedule.timesteps(STEPS, spacing="trailing")
    steps = list(ancestral(denoiser, schedule, x_T, timesteps, variance=fixed_small, generator=gone.generator))
    x = torch.stack([x_T, *(step.x_s.float() for step in steps)])
    return Back(x.numpy(), torch.stack([*(step.x0_hat.float() for step in steps), x[-1]]).numpy())


def panels(word: str, digits: str) -> list[tl.Panel]:
    """The word as points, and sixteen digits."""
    return [
        drawn(scene("word", word, 0), "word", _("A word, as points")),
        drawn(scene("digits", "", 0), "digits", digits),
    ]


@kept
def out(word: str, seed: int, autoplay: bool) -> tl.Picture:
    """Every t from 0 to T; the browser makes each x_t itself."""
    schedule = schedule_of("linear", T)
    a, b = schedule.sqrt_alpha_bar.numpy(), schedule.sqrt_one_minus_alpha_bar.numpy()
    tracks: dict[str, tl.Track] = {}
    for name in ("word", "digits"):
        gone = Start.of(name, word if name == "word" else "", seed)
        tracks |= {f"x0_{name}": tl.Constant(gone.x0.numpy()), f"eps_{name}": tl.Constant(gone.eps.numpy())}
        tracks[name] = tl.Affine(a, f"x0_{name}", b, f"eps_{name}")
    return packed(range(T + 1), tracks, panels(word, _("Handwritten digits")), autoplay=autoplay)


def back(word: str, seed: int) -> tl.Picture:
    """The chain, and beside it where it is thought to end; it plays by itself, for someone pressed a button."""
    return _back(word, seed, language())


@st.cache_resource(show_spinner=False, max_entries=8)  # 3 MB each
def _back(word: str, seed: int, _of_language: str) -> tl.Picture:
    digits, letters = way_back("digits", "", seed), way_back("word", word, seed)
    tracks: dict[str, tl.Track] = {
        "word": tl.Frames(letters.x),
        "digits": tl.Frames.in_bytes(digits.x, -1.0, 1.0),  # as exact as a screen
        "x0_hat": tl.Frames.in_bytes(digits.x0_hat, -1.0, 1.0),
    }
    guessed = drawn(scene("digits", "", 0), "x0_hat", _("Where it thinks it will end"))
    timesteps = schedule_of("linear", T).timesteps(STEPS, spacing="trailing")
    shown = [*panels(word, _("Digits on their way back")), guessed]
    return packed((*timesteps, 0), tracks, shown, autoplay=True)


# --- the whole way, in five small pictures --------------------------------------------------------------------------


@kept
def way() -> tl.Picture:
    """Destroy; one step back, if one knew; learn to guess; repeat; steer with words. One slider moves all."""
    steered = runs.shipped_run(runs.DEFAULT, weights.SHAPES.key)
    times = tuple(reversed(steered.positions)) if steered else tuple(range(0, T + 1, 50))
    schedule, ring = schedule_of("linear", T), scene("eight_gaussians", "", 0)
    at = list(times)
    a, b = schedule.sqrt_alpha_bar.numpy()[at], schedule.sqrt_one_minus_alpha_bar.numpy()[at]
    gone, law = Start.of("eight_gaussians", "", 0), density(ring, a, b**2)
    assert law is not None  # eight Gaussians are a mixture
    tracks: dict[str, tl.Track] = {
        "x0": tl.Constant(gone.x0.numpy()),
        "eps": tl.Constant(gone.eps.numpy()),
        "x_t": tl.Affine(a, "x0", b, "eps"),
        "back": tl.Frames(way_back("eight_gaussians", "", 0).x[[STEPS - t * STEPS // T for t in times]]),
    }
    small: list[tl.Panel] = [
        drawn(ring, "x_t", _("1. Destroy"), weight=SMALL),
        bells(times),
        tl.Plane((tl.Density(law), tl.Field(law, color=COLORS["eps"])), _("3. Learn to guess the noise"), weight=SMALL),
        drawn(ring, "back", _("4. Take a little away, ask again"), color=COLORS["x0_hat"], weight=SMALL),
    ]
    if steered:
        tracks["steered"] = tl.Frames.in_bytes(steered.guided[::-1, 0].reshape(len(times), -1) / 127.5 - 1, -1.0, 1.0)
        small.append(tl.Images("steered", 32, 32, channels=3, columns=1, title=_("5. Steer with words"), weight=SMALL))
    return packed(times, tracks, small)


def bells(times: tuple[int, ...]) -> tl.Panel:
    """What the start says of the step back, what the present says, and both together; each with its peak at 1."""
    schedule, x = schedule_of("linear", T), np.linspace(-EDGE, EDGE, 161)
    rows = []
    for t in (max(2, t) for t in times):
        pair = transition(schedule, t, t - max(1, t // 4))
        mean, variance = q_posterior(schedule, torch.tensor([X_T]), torch.tensor([X_0]), t=pair.t, s=pair.s)
        known = (pair.sqrt_alpha_bar_s * X_0, pair.one_minus_alpha_bar_s)
        seen = (X_T / pair.alpha**0.5, pair.beta / pair.alpha)
        rows.append([np.exp(-((x - m) ** 2) / (2 * v)) for m, v in (known, seen, (float(mean), float(variance)))])
    prior, likelihood, both = np.moveaxis(np.array(rows), 1, 0)
    return tl.Curves(
        (
            tl.Curve(prior, _("from the start"), COLORS["x0"]),
            tl.Curve(likelihood, _("from now"), COLORS["x_t"]),
            tl.Curve(both, _("from both"), COLORS["mu_tilde"]),
        ),
        title=_("2. One step back, if one knew the start"),
        domain=(-EDGE, EDGE),
        weight=SMALL,
    )


# --- which was a 7? -------------------------------------------------------------------------------------------------


@kept
def noises(seed: int) -> list[np.ndarray]:
    """Two pictures of noise, of a 7 and of another digit, in this order: 28 x 28, uint8, -3..3 from black to white."""
    both = (x_t[0].numpy().reshape(28, 28) for x_t in pair(schedule_of("linear", T), T, 1, seed))
    return [((x_t.clip(-3, 3) + 3) * 42.5).round().astype(np.uint8) for x_t in both]
