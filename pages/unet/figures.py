"""The pictures of *Inside the network*, and what its sections draw."""

import numpy as np
import streamlit as st
import torch

from diffusion_core.data.captions import words_of
from diffusion_core.denoisers import Predictor
from diffusion_core.nets.anatomy import places_seen, plan
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.stable_diffusion import TEXT, Unit, miniature, units
from diffusion_core.nets.text import LENGTH, TextConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.training.recipes import latent_config
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS, SERIES
from pages.shared.weights import LATENT, Model
from pages.unet import overview, runs, u
from pages.unet.runs import SIDES, TIMES, Asked, Inside

SHARP = 32  # a tile's side: room for a word below it
Drawn = tuple[dict[str, tl.Track], list[tl.Panel]]


@kept
def picture(asked: Asked, head: str, model: Model[Predictor], coder: Model[Autoencoder] | None) -> tl.Picture:
    """The picture, the network's answer, the block's maps, and where it looks."""
    seen = runs.look(asked, model, coder)
    parts = [answers(seen), maps(seen)]
    if seen.weights is None:
        parts.append(sizes(seen))
    elif asked.block.endswith("words"):
        parts.append(looks_at_words(seen.weights, head, [_("(start)"), *words_of(asked.prompt)]))
    else:
        parts.append(looks_at_places(seen.weights, head, seen.maps.shape[2]))
    tracks = {name: track for more, _panels in parts for name, track in more.items()}
    return packed(TIMES, tracks, [panel for _tracks, more in parts for panel in more])


def sheet(track: str, values: np.ndarray, title: str, span: tuple[float, float]) -> tl.Images:
    """Pictures in colour, (P, H, W, 3), one at a time; or channels, (P, n, H, W), beside each other."""
    in_color = values.shape[-1] == 3
    height, width = values.shape[1:3] if in_color else values.shape[2:]
    return tl.Images(
        track,
        height=height,
        width=width,
        channels=3 if in_color else 1,
        columns=1 if in_color or values.shape[1] == 1 else 2,
        title=title,
        value_range=span,
    )


def answers(seen: Inside) -> Drawn:
    """What the network sees, what it answers, and the picture that follows."""
    in_color = seen.x_t.shape[-1] == 3
    shown = {
        "x_t": (
            seen.x_t,
            _("z_t, decoded") if in_color else _("x_t, what it sees"),
            (-1.0, 1.0) if in_color else (-3.0, 3.0),
        ),
        "eps": (seen.eps_hat, _("ε_θ, what it answers"), (-3.0, 3.0)),
        "x0_hat": (seen.x0_hat, _("x̂₀ that follows from it"), (-1.0, 1.0)),
    }
    return (
        {name: tl.Frames.in_bytes(values, *span) for name, (values, _title, span) in shown.items()},
        [sheet(name, values, title, span) for name, (values, title, span) in shown.items()],
    )


def maps(seen: Inside) -> Drawn:
    """What the block makes of it."""
    channels, side = seen.maps.shape[1:3]
    most = float(np.quantile(np.abs(seen.maps), 0.995)) or 1.0
    panel = tl.Images(
        "maps",
        height=side,
        width=side,
        channels=1,
        columns=8 if channels <= 64 else 12,
        title=_("{n} feature maps, {side} × {side}").format(n=channels, side=side),
        value_range=(-most, most),
        weight=1.6,
    )
    return {"maps": tl.Frames.in_bytes(seen.maps, -most, most)}, [panel]


def sizes(seen: Inside) -> Drawn:
    """Of a block that does not look anywhere: how large its maps are."""
    rms = np.sqrt(np.square(seen.maps).mean((1, 2, 3)))
    return {}, [tl.Lines((tl.Line(rms, "RMS", COLORS["x_t"]),), title=_("Size of the maps"))]


def of_head(weights: np.ndarray, head: str) -> np.ndarray:
    """(P, places, places or words): of one head, or the mean over all."""
    chosen: np.ndarray = weights.mean(1) if head == "mean" else weights[:, int(head) - 1]
    return chosen


def looks_at_places(weights: np.ndarray, head: str, side: int) -> Drawn:
    """A tile a place: how much it looks at each place; and how many it looks at."""
    chosen = of_head(weights, head)
    top = float(np.quantile(chosen, 0.999))
    panel = tl.Images(
        "looks",
        height=side,
        width=side,
        channels=1,
        columns=side,
        title=_("Where each place looks: a tile a place"),
        value_range=(0.0, top),
        weight=1.6,
    )
    count = _("Places a place looks at, exp(entropy), of {n}").format(n=side * side)
    return {"looks": tl.Frames.in_bytes(chosen, 0, top)}, [panel, how_many(weights, count)]


def looks_at_words(weights: np.ndarray, head: str, words: list[str]) -> Drawn:
    """A tile a word, the start included: how much each place looks at it; and how many words a place looks at."""
    chosen = of_head(weights, head)
    side = round(chosen.shape[1] ** 0.5)
    top = float(np.quantile(chosen[..., 1:] if len(words) > 1 else chosen, 0.995))  # the start has most
    tiles = chosen.transpose(0, 2, 1).reshape(len(chosen), len(words), side, side)
    fine = SHARP // side
    panel = tl.Images(
        "looks",
        height=side * fine,
        width=side * fine,
        channels=1,
        columns=min(5, len(words)),
        title=_("How much each place looks at each word"),
        value_range=(0.0, top),
        captions=words,
        weight=2.0,
    )
    count = _("Words a place looks at, exp(entropy), of {n}").format(n=len(words))
    tracks = {"looks": tl.Frames.in_bytes(tiles.repeat(fine, 2).repeat(fine, 3), 0, top)}
    return dict(tracks), [panel, how_many(weights, count)]


def how_many(weights: np.ndarray, title: str) -> tl.Lines:
    """A line a head."""
    counts = places_seen(torch.from_numpy(weights)).numpy().T
    lines = [
        tl.Line(row.astype(float), _("head {n}").format(n=k), color)
        for k, (row, color) in enumerate(zip(counts, SERIES, strict=False), 1)
    ]
    return tl.Lines(lines, title=title)


# --- sections -------------------------------------------------------------------------------------------------------


def parts(asked: Asked, model: Model[Predictor]) -> None:
    """The U, and each part's share of the parameters and of the work."""
    found = runs.parts_of(model, SIDES[asked.net])
    total, work = sum(part.parameters for part in found), sum(part.multiply_adds for part in found)
    st.markdown(
        _(
            "**{parameters}** parameters, **{work}** multiply-adds for one picture: "
            "each parameter is used {ratio} times on average."
        ).format(parameters=f"{total:,}", work=f"{work:,}", ratio=round(work / total))
    )
    st.plotly_chart(u.u_net(found, asked.block, _), key="unet_u")
    st.caption(
        _(
            "Blue: residual blocks, orange: attention, grey: convolutions; as high as their picture, as wide as their "
            "channels. Dashed: skips. The framed one is shown above."
        )
    )
    if asked.net == "text":
        st.caption(_("Green: attention to the words, where the text enters; the arrows come from the text’s encoder."))
    st.plotly_chart(u.shares(found, _), key="unet_shares")


def time(model: Model[Predictor], t: int) -> None:
    """What the network is told of t, and what it makes of it."""
    sinusoids, embedding = runs.told(model)
    left, right = st.columns(2)
    left.plotly_chart(u.time_embedding(sinusoids, TIMES, _("φ(t): sines and cosines"), t), key="phi")
    right.plotly_chart(u.time_embedding(embedding, TIMES, _("what the network makes of it"), t), key="embedding")


@kept
def own_units() -> list[Unit]:
    """The U-Net of this project that reads text."""
    own = latent_config().net
    assert isinstance(own, UNetConfig)
    return miniature(plan(own, *LATENT[1:]))


def stable_diffusion() -> None:
    """The real one beside the miniature, block by block."""
    small, text = own_units(), (LENGTH, TextConfig().width)
    left, right = st.columns(2)
    real = overview.Net("Stable Diffusion 1", units(), TEXT)
    mine = overview.Net(_("The miniature"), small, text)
    left.plotly_chart(overview.overview(real, mine, _), key="overview_real")
    right.plotly_chart(overview.overview(mine, real, _), key="overview_small")
    st.html(overview.legend(_))
    st.markdown(overview.side_by_side(small, LATENT, text, _))
