"""The living picture: four rows, each a diagram, its points on the way, its numbers; and a run over its steps."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from diffusion_core.training.ways import Diffusion, Way
from pages.four_ways.diagrams import COLOR, diagram
from pages.four_ways.recipe import KINDS, edge
from pages.four_ways.run import Four
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.scenes import density, scene

__all__ = ["history", "names", "picture", "ways_of_the_points"]

SHOWN = 300  # points of a row
HALF = 20  # positions from the latent to the sample: one for each step of the diffusion
ENDS = (-3.0, 3.0)


def names() -> dict[str, str]:
    """The four by their word."""
    return {"gan": "GAN", "vae": "VAE", "flow": _("flow"), "diffusion": _("diffusion")}


# --- where the points are -------------------------------------------------------------------------------------------

KNOTS = {"gan": (0.0, 1.0), "vae": (0.0, 0.8, 1.0)}  # where on its way each of a path's pictures stands


def along(path: Sequence[torch.Tensor], knots: Sequence[float], u: np.ndarray) -> np.ndarray:
    """(P, n, 2): the path at each u, straight between its knots."""
    stops = torch.stack(list(path)).double().numpy()
    at = np.clip(np.searchsorted(knots, u, side="right") - 1, 0, len(knots) - 2)
    low, high = np.asarray(knots)[at], np.asarray(knots)[at + 1]
    share = ((u - low) / (high - low))[:, None, None]
    found: np.ndarray = stops[at] * (1 - share) + stops[at + 1] * share
    return found.astype(np.float32)


def knots_of(kind: str, path: Sequence[torch.Tensor]) -> Sequence[float]:
    """Even ones, but for the VAE, whose noise comes in the last fifth."""
    even: Sequence[float] = np.linspace(0, 1, len(path)).tolist()
    return KNOTS.get(kind, even)


def ways_of_the_points(ways: Mapping[str, Way], x: torch.Tensor, u: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Where the points of each row are at each u, (P, n, 2): from the data x to the latent, from there to samples.

    A way begins at its own latent: what it has made of x where u begins there, else the same z for all.
    """
    back, out = u[u < 0], u[u >= 0]
    found = {}
    for kind, way in ways.items():
        generator = torch.Generator().manual_seed(seed + 1)
        z = torch.randn(x.shape, generator=generator)
        there = way.encode(x, generator) if len(back) else []
        path = way.path(there[-1] if there else z, generator)
        parts = [along(path, knots_of(kind, path), out)]
        if len(back):
            parts.insert(
                0, along(there, knots_of(kind, there), back + 1) if there else np.stack([x.numpy()] * len(back))
            )
        found[kind] = np.concatenate(parts)
    return found


def calls(kind: str, u: np.ndarray, way: Way) -> np.ndarray:
    """(P,) how often a network has been asked for a point by then."""
    encoded = (u > -1) if kind in ("vae", "flow") and u[0] < 0 else np.zeros_like(u)
    made: np.ndarray = encoded.astype(int) + np.ceil(np.clip(u, 0, 1) * way.calls - 1e-9).astype(int)
    return made


# --- the picture ----------------------------------------------------------------------------------------------------


@kept
def picture(view: Four, round_trip: bool, seed: int) -> tl.Picture:
    """Four rows with one slider: u is -1 at the data, 0 at the latent, 1 at the sample."""
    u = np.round(np.arange(-HALF if round_trip else 0, HALF + 1) / HALF, 6)
    here = scene(view.data.name, view.data.word, seed)
    found = ways_of_the_points(view.ways, torch.from_numpy(here.x0[:SHOWN]), u, seed)
    share = {kind: outside_of(view, xs) for kind, xs in found.items()}
    tracks: dict[str, tl.Track] = {}
    for kind in KINDS:
        tracks |= {
            kind: tl.Frames(found[kind]),
            f"{kind}_calls": tl.Scalar(calls(kind, u, view.ways[kind])),
            f"{kind}_far": tl.Frames(far(found[kind])),
        }
    rows = [panel for kind in KINDS for panel in row(kind, view, u)]
    return packed(u.tolist(), tracks, [*rows, leaving(share), numbers(round_trip)], label=_("Where on the way u"))


def row(kind: str, view: Four, u: np.ndarray) -> list[tl.Panel]:
    """A family's diagram, and its points."""
    titles = {
        "gan": _("z and G(z); between them only drawn"),
        "vae": _("z, decoded; then the noise"),
        "flow": _("z through one coupling after the other"),
        "diffusion": _("x_t on its exact density"),
    }
    layers = (tl.Density(law_under(kind, view, u)), tl.Path(kind, COLOR[kind]), tl.Points(kind, COLOR[kind], size=4.5))
    return [diagram(kind, u, view.ways[kind].calls), tl.Plane(layers, titles[kind], ENDS, weight=0.8)]


def leaving(share: Mapping[str, np.ndarray]) -> tl.Panel:
    """How many of the points shown lie outside."""
    label = names()
    return tl.Lines(
        [tl.Line(100 * share[kind], label[kind], COLOR[kind]) for kind in KINDS],
        _("Of the points shown, outside the 99% region of the data, in %"),
        weight=2.4,
    )


def numbers(round_trip: bool) -> tl.Panel:
    """What it has cost so far; and, there and back, how far the picked point is from where it began."""
    label = names()
    rows: list[tuple[str, str | tl.Probe, str | None]] = [
        (_("{name}: calls so far").format(name=label[kind]), f"{kind}_calls", COLOR[kind]) for kind in KINDS
    ]
    if round_trip:
        rows += [
            (_("{name}: from its x").format(name=label[kind]), tl.Probe(f"{kind}_far"), COLOR[kind])
            for kind in KINDS
            if kind != "gan"  # after 0 its points are others
        ]
    return tl.Numbers(rows, _("Network calls; distance of the picked point") if round_trip else _("Network calls"))


def outside_of(view: Four, found: np.ndarray) -> np.ndarray:
    """(P,) which share of the points, (P, n, 2), lies outside the 99% region."""
    law, below = view.data.law, edge_of(view)
    lies = law.log_prob(torch.from_numpy(found).double().flatten(0, 1)) < below
    share: np.ndarray = lies.reshape(found.shape[:2]).double().mean(1).numpy()
    return share


@kept
def edge_of(view: Four) -> float:
    """The ln p that 1% of its data are below."""
    return edge(view.data.law)


def far(x: np.ndarray) -> np.ndarray:
    """(P, n, 1) how far each point is from where it began."""
    distance: np.ndarray = np.linalg.norm(x - x[:1], axis=2, keepdims=True)
    return distance.astype(np.float32)


def law_under(kind: str, view: Four, u: np.ndarray) -> tl.Mixture:
    """The density of the data; under a diffusion, that of x_t."""
    way, here = view.ways[kind], scene(view.data.name, view.data.word, 0)
    a, v = np.ones_like(u), np.zeros_like(u)
    if isinstance(way, Diffusion):
        schedule = way.denoiser.schedule
        times = np.array([0, *reversed(way.timesteps)])[np.round((1 - np.abs(u)) * way.calls).astype(int)]
        a, v = schedule.sqrt_alpha_bar.numpy()[times], schedule.one_minus_alpha_bar.numpy()[times]
    law = density(here, a, v)
    assert law is not None  # all data of this page are mixtures
    return law


@kept
def history(view: Four) -> tl.Picture:
    """The run over its steps: the samples of the four, and how many lie outside."""
    marks, label = view.milestones, names()
    here = scene(view.data.name, view.data.word, 0)
    law = density(here, np.ones(len(marks)), np.zeros(len(marks)))
    assert law is not None
    outside = {kind: 100 * np.array([one.outside[kind] for one in marks]) for kind in KINDS}
    return packed(
        [one.step for one in marks],
        {kind: tl.Frames(np.array([one.samples[kind] for one in marks])) for kind in KINDS},
        [
            *(tl.Plane((tl.Density(law), tl.Points(kind, COLOR[kind], size=4.5)), label[kind], ENDS) for kind in KINDS),
            tl.Lines(
                tuple(tl.Line(outside[kind], label[kind], COLOR[kind]) for kind in KINDS),
                title=_("Samples outside the 99% region, in %"),
                weight=4.0,
            ),
        ],
        label=_("Training step n"),
    )
