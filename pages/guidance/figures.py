"""The picture of *Text and guidance*: four pictures on their way, and of one of them what a step is made of."""

from dataclasses import dataclass

import numpy as np
import torch

from diffusion_core.data.scenes import SIDE
from pages.guidance.runs import Run
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS
from pages.shared.timeline.formula import formula
from pages.shared.typography import significant

FEW = 450  # tiles of attention at full size, over all positions: the blob stays below 3 MB
HOT = np.array([255.0, 140.0, 20.0])
FORMULA = r"""\delta &=& \varepsilon_\theta(z_t, c) - \varepsilon_\theta(z_t) \\
    \hat\varepsilon &=& \varepsilon_\theta(z_t) + w\,\delta \\
    \langle\hat\varepsilon^2\rangle &=& \langle\varepsilon_\theta(z_t)^2\rangle
        + 2\,w\,\langle\varepsilon_\theta(z_t)\,\delta\rangle + w^2\,\langle\delta^2\rangle \\
    &=& \live{plain} + 2\cdot\live{w}\cdot(\live{cross}) + \live{w}^2\cdot\live{delta} = \live{guided}"""


@kept
def picture(run: Run, w: float, chosen: int) -> tl.Picture:
    """The four pictures on their way; of the chosen one its words, its guesses, its two eps."""
    one = Chosen.of(run, w, chosen)
    return packed(run.positions, tracks(run, one), panels(run, one))


@dataclass(frozen=True, eq=False)
class Chosen:
    """One of the four pictures: its answers at each position, (P, 4, 8, 8), and its attention, (P, words, 8, 8)."""

    row: int
    w: float
    without: np.ndarray
    with_words: np.ndarray
    attention: np.ndarray

    @classmethod
    def of(cls, run: Run, w: float, chosen: int) -> "Chosen":
        """Of a run that was guided by w."""
        without, with_words = run.eps_uncond[:, chosen].astype(float), run.eps_cond[:, chosen].astype(float)
        return cls(row=chosen, w=w, without=without, with_words=with_words, attention=run.attention[:, chosen])

    @property
    def delta(self) -> np.ndarray:
        """What the words change."""
        difference: np.ndarray = self.with_words - self.without
        return difference

    @property
    def guided(self) -> np.ndarray:
        """eps as the sampler takes it."""
        return self.without + self.w * self.delta

    @property
    def largest(self) -> float:
        """Of what the words change."""
        return float(np.abs(self.delta).max()) or 1.0

    @property
    def angle(self) -> np.ndarray:
        """Between the two answers, in degrees."""
        lengths = np.sqrt(mean(self.without**2) * mean(self.with_words**2))
        ones = np.ones(len(lengths))
        cosine = np.divide(mean(self.without * self.with_words), lengths, out=ones, where=lengths > 0)
        degrees: np.ndarray = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        return degrees

    @property
    def side(self) -> int:
        """Of a tile of attention."""
        return SIDE if self.attention.shape[0] * self.attention.shape[1] <= FEW else SIDE // 2


def mean(values: np.ndarray) -> np.ndarray:
    """Over the latent, at each position."""
    averaged: np.ndarray = values.reshape(len(values), -1).mean(1)
    return averaged


def tracks(run: Run, one: Chosen) -> dict[str, tl.Track]:
    """What varies with t."""
    attention = one.attention
    top = float(np.quantile(attention[:, 1:] if attention.shape[1] > 1 else attention, 0.995))
    guesses = np.stack([guess[:, one.row] for guess in (run.unconditional, run.conditional, run.guided)], 1)
    channels = np.stack([one.without / 3, one.with_words / 3, one.delta / one.largest], 1)
    return {
        "z": tl.Frames.of_pictures(run.z),
        "x0_hat": tl.Frames.of_pictures(run.guided),
        "words": tl.Frames.of_pictures(heat(run.guided[:, one.row], attention, one.side, top)),
        "guesses": tl.Frames.of_pictures(guesses),
        "channels": tl.Frames.in_bytes(channels, -1.0, 1.0),
        "plain": tl.Scalar(mean(one.without**2)),
        "cross": tl.Scalar(mean(one.without * one.delta)),
        "delta": tl.Scalar(mean(one.delta**2)),
        "guided": tl.Scalar(mean(one.guided**2)),
        "w": tl.Scalar(np.full(len(run.positions), one.w)),
        "angle": tl.Scalar(one.angle),
    }


def panels(run: Run, one: Chosen) -> list[tl.Panel]:
    """How it is drawn."""
    values: dict[str, str | tl.Probe] = {name: name for name in ("plain", "cross", "delta", "guided", "w")}
    angle = tl.Line("angle", _("angle"), COLORS["mu_tilde"])
    return [
        tl.Images("z", height=SIDE, width=SIDE, channels=3, columns=2, title=_("z_t, decoded")),
        tl.Images("x0_hat", height=SIDE, width=SIDE, channels=3, columns=2, title=_("x̂₀, decoded")),
        *sheets(run, one),
        sizes(one),
        tl.Lines((angle,), title=_("Their angle, in degrees")),
        formula(FORMULA, values, _("Guidance, in numbers: ⟨·⟩ is the mean over the latent")),
    ]


def sheets(run: Run, one: Chosen) -> list[tl.Images]:
    """Of the chosen picture: attention a word, the three guesses, and the channels of the two answers."""
    factor = significant(3 / one.largest, 2)
    return [
        tl.Images(
            "words",
            height=one.side,
            width=one.side,
            channels=3,
            columns=min(5, one.attention.shape[1]),
            title=_("Picture {k}: where each word is looked at").format(k=one.row + 1),
            captions=[_("(start)"), *run.words],
            weight=2.2,
        ),
        tl.Images(
            "guesses",
            height=SIDE,
            width=SIDE,
            channels=3,
            columns=3,
            title=_("Picture {k}: three guesses x̂₀").format(k=one.row + 1),
            captions=[_("no words"), _("with words"), f"w = {one.w:g}"],
            weight=1.2,
        ),
        tl.Images(
            "channels",
            height=8,
            width=8,
            channels=1,
            columns=4,
            title=_("ε, ε given words, δ × {factor}").format(factor=factor),
            captions=[f"{name}, {k}" for name in ("ε", "ε|c", "δ") for k in range(1, 5)],
            weight=0.9,
        ),
    ]


def sizes(one: Chosen) -> tl.Lines:
    """How long the answers are, and what the words change."""
    lines = (
        (one.without, _("ε without words"), COLORS["x0"], False),
        (one.with_words, _("ε with words"), COLORS["eps"], True),
        (one.guided, _("ε̂, guided"), COLORS["x_t"], False),
        (one.delta, _("δ, their difference"), COLORS["x0_hat"], False),
    )
    return tl.Lines(
        [tl.Line(np.sqrt(mean(values**2)), label, color, dash=dash) for values, label, color, dash in lines],
        title=_("Their size (root mean square)"),
        weight=1.1,
    )


def heat(pictures: np.ndarray, attention: np.ndarray, side: int, top: float) -> np.ndarray:
    """Attention over pictures: grey where a word is not looked at, the hotter the more.

    Args:
        pictures: (P, 32, 32, 3) uint8.
        attention: (P, words, 8, 8); ``top`` is as hot as it gets.
        side: of the result, 32 or a part of it.

    Returns:
        (P, words, side, side, 3) uint8.
    """
    step = SIDE // side
    grey = pictures[:, ::step, ::step].mean(-1, keepdims=True)[:, None]  # (P, 1, side, side, 1)
    fine = torch.nn.functional.interpolate(torch.from_numpy(attention), (side, side), mode="bilinear").numpy()
    share = np.clip(fine / top, 0, 1)[..., None] ** 1.5  # (P, words, side, side, 1); the power keeps little dark
    dark = 0.15 + 0.55 * grey / 255
    hot: np.ndarray = ((1 - share) * 255 * dark + share * HOT * (0.45 + 0.55 * dark / 0.7)).round().astype(np.uint8)
    return hot
