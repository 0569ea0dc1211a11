"""The step without x_0: q(x_s | x_t) for longer and longer strides, beside the best Gaussian. A picture of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from diffusion_core import GaussianMixture, NoiseSchedule, Transition, q_sample, transition
from diffusion_core.data.toys import TOYS
from diffusion_core.laws.negentropy import best_gaussian, count_modes, negentropy
from pages.posterior import recipe
from pages.shared import controls
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed, timeline
from pages.shared.palette import COLORS
from pages.shared.scenes import data_names

ON_THE_LINE, IN_THE_PLANE = ("bimodal", "three_modes"), ("eight_gaussians", "two_moons")
STRIDES = 48  # places of the slider
GRID = 72  # cells a side of a density in the plane
LINE = 401  # points of a density on the line
ASKS = ("data", "from", "seen", "k", "pick_k")  # the section's parameters of the URL


def section(schedule: NoiseSchedule, seed: int) -> None:
    """What a sampler should draw from, its picture and the controls of that."""
    st.markdown(
        _(
            "A sampler does not know $x_0$. What it should draw from is $q(x_s\\mid x_t)$, an average of posteriors "
            "over all $x_0$ that $x_t$ may have come from. For a short stride it is nearly one Gaussian; as the stride "
            "grows, one peak may become several. That is why a Gaussian step must be small. Slide $k=t-s$."
        )
    )
    place = st.container(key="second_picture")
    with st.container(key="second_controls", border=True):
        look = chosen(schedule, seed)
    strides = strides_of(look.t)
    with place:
        timeline(picture(schedule, look), key="without", name="k", t=strides[len(strides) // 2])


@dataclass(frozen=True)
class Look:
    """From where one looks back: which data, at which t, from which x_t; and an x_0 it may have come from."""

    data: str
    t: int
    x_t: tuple[float, ...]
    x_0: tuple[float, ...]

    @property
    def flat(self) -> bool:
        """On the line, not in the plane."""
        return self.data in ON_THE_LINE


def chosen(schedule: NoiseSchedule, seed: int) -> Look:
    """The controls."""
    columns = st.columns([3, 2, 4])
    with columns[0]:
        labels = {key: data_names()[key] for key in (*ON_THE_LINE, *IN_THE_PLANE)}
        data = controls.choice("data", _("Data"), labels, "bimodal")
    with columns[1]:
        t = controls.integer("from", _("From t"), max(3, 3 * schedule.T // 10), low=3, high=schedule.T)
    with columns[2]:
        if data in ON_THE_LINE:
            x_t = controls.number("seen", _("$x_t$, seen at that t"), 0.0, low=-3.0, high=3.0, step=0.01)
            return Look(data, t, (x_t,), (0.0,))
        st.markdown(_("$x_0$ is one draw of the data, $x_t$ is $x_0$ with noise; another seed draws another."))
    return one_draw(schedule, data, t, seed)


def one_draw(schedule: NoiseSchedule, data: str, t: int, seed: int) -> Look:
    """One x_0 of the data and the x_t that noise makes of it."""
    generator = torch.Generator().manual_seed(seed)
    x_0 = TOYS[data]().sample(1, generator)[0]
    x_t = q_sample(schedule, x_0, t, torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype))
    return Look(data, t, tuple(x_t.tolist()), tuple(x_0.tolist()))


def strides_of(t: int) -> tuple[int, ...]:
    """1 .. t - 1, at most STRIDES of them."""
    return tuple(int(k) for k in np.unique(np.linspace(1, t - 1, min(t - 1, STRIDES)).round()))


# --- the picture ----------------------------------------------------------------------------------------------------


@kept
def picture(schedule: NoiseSchedule, look: Look) -> tl.Picture:
    """The exact density with the best Gaussian; their KL over the stride; the numbers."""
    strides = strides_of(look.t)
    here = torch.tensor(look.x_t, dtype=torch.float64)
    laws = [recipe.without(schedule, look.data, t=look.t, s=look.t - k, x_t=here) for k in strides]
    pairs = [transition(schedule, look.t, look.t - k) for k in strides]
    tracks = numbers(laws, pairs)
    if look.flat:
        tracks["modes"] = tl.Scalar(np.array([count_modes(q) for q in laws]))
        shown: tl.Panel = on_the_line(laws)
    else:
        tracks |= in_the_plane(laws, pairs, look)
        shown = plane(laws)
    panels = [
        shown,
        tl.Lines((tl.Line("kl", "KL", COLORS["mu_tilde"]),), _("KL to the best Gaussian"), log_y=True, weight=1.4),
        rows(look.flat),
    ]
    return packed(strides, tracks, panels, label=_("Stride k"))


def numbers(laws: Sequence[GaussianMixture], pairs: Sequence[Transition]) -> dict[str, tl.Track]:
    """How far from a Gaussian each is, and how wide; and how wide it would be if x_0 were known."""
    return {
        "s": tl.Scalar(np.array([pair.s for pair in pairs])),
        "kl": tl.Scalar(np.maximum([negentropy(q) for q in laws], 1e-16)),
        "sd": tl.Scalar(np.array([q.variance for q in laws]) ** 0.5),
        "sd_known": tl.Scalar(np.array([pair.beta_tilde for pair in pairs]) ** 0.5),
    }


def rows(peaks: bool) -> tl.Numbers:
    """The numbers at this stride; peaks are counted on the line."""
    shown: list[tuple[str, str | tl.Probe, str | None]] = [
        (_("s = t − k"), "s", None),
        (_("KL to the best Gaussian, nats"), "kl", COLORS["mu_tilde"]),
        (_("its standard deviation"), "sd", None),
        (_("√β̃, if x_0 were known"), "sd_known", COLORS["beta_tilde"]),
    ]
    if peaks:
        shown.insert(2, (_("number of peaks"), "modes", None))
    return tl.Numbers(shown)


def on_the_line(laws: Sequence[GaussianMixture]) -> tl.Curves:
    """Each density and its best Gaussian, over all of it that can be seen."""
    exact, best, ends = [], [], []
    for q in laws:
        shown, sd = q.weights > 1e-4, q.covariances[:, 0, 0].sqrt()
        low, high = (q.means[:, 0] - 4 * sd)[shown].min().item(), (q.means[:, 0] + 4 * sd)[shown].max().item()
        x = torch.linspace(low, high, LINE, dtype=torch.float64)[:, None]
        exact.append(q.log_prob(x).exp().numpy())
        best.append(best_gaussian(q).log_prob(x).exp().numpy())
        ends.append((low, high))
    series = (
        tl.Curve(np.stack(exact), _("exact q(x_s | x_t)"), COLORS["mu_tilde"]),
        tl.Curve(np.stack(best), _("the best Gaussian"), COLORS["beta_tilde"], dash=True),
    )
    return tl.Curves(series, _("Where x_s was, x_t being known and x_0 not"), domain=np.array(ends), weight=2.4)


def plane(laws: Sequence[GaussianMixture]) -> tl.Plane:
    """Each density over [-3, 3]^2, with the tracks of `in_the_plane` upon it."""
    centres = (torch.arange(GRID, dtype=torch.float64) + 0.5) * 6 / GRID - 3
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    exact = np.stack([q.log_prob(torch.stack([x, y], -1)).exp().numpy() for q in laws])
    layers = (
        tl.DensityFrames(exact),
        tl.Points("best", color=COLORS["beta_tilde"], size=3.0, label=_("the best Gaussian, 1 and 2 deviations")),
        tl.Points("known", color=COLORS["mu_tilde"], size=3.0, label=_("posterior with x_0 known")),
        tl.Points("here", color=COLORS["x_t"], size=11.0, opacity=1.0, label="x_t"),
        tl.Points("start", color=COLORS["x0"], size=11.0, opacity=1.0, label="x_0"),
    )
    return tl.Plane(layers, _("Where x_s was, x_t being known and x_0 not"), weight=2.0)


def in_the_plane(laws: Sequence[GaussianMixture], pairs: Sequence[Transition], look: Look) -> dict[str, tl.Track]:
    """Ellipses at one and two deviations, of the best Gaussian and of the posterior; where x_t and x_0 lie."""
    x_t, x_0 = np.array(look.x_t), np.array(look.x_0)
    bests = [best_gaussian(q) for q in laws]
    ellipses = [q.means.numpy() + circles() @ torch.linalg.cholesky(q.covariances[0]).numpy().T for q in bests]
    known = [pair.c_t * x_t + pair.c_0 * x_0 + pair.beta_tilde**0.5 * circles() for pair in pairs]
    return {
        "modes": tl.Scalar(np.zeros(len(laws), int)),
        "best": tl.Frames(np.stack(ellipses)),
        "known": tl.Frames(np.stack(known)),
        "here": tl.Constant(x_t[None]),
        "start": tl.Constant(x_0[None]),
    }


def circles() -> np.ndarray:
    """Points on the circles of radius 1 and 2, (3 * 60, 2), evenly spaced along both."""
    rings = [(radius, 60 * radius) for radius in (1, 2)]
    angle = np.concatenate([2 * np.pi * np.arange(n) / n for _radius, n in rings])
    radius = np.concatenate([np.full(n, r) for r, n in rings])
    return np.asarray(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))
