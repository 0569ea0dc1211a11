"""Lesson: the U-Net opened; its parts, what each makes of a noisy digit, where it looks, how it knows t."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from diffusion_core import cosine
from diffusion_core.claims import anatomy as claims
from diffusion_core.forward import q_sample
from diffusion_core.nets import Predictor, UNet, UNetConfig
from diffusion_core.nets.anatomy import Part, measure, places_seen
from diffusion_core.parameterization import x0_from_eps
from diffusion_core.train import digit_images
from pages.shared import controls, figures, lesson, networks, shell
from pages.shared.i18n import _
from pages.shared.palette import COLORS, SERIES
from pages.shared.timeline import Frames, Images, Line, Lines, Panel, Track

TIMES = (1, *range(20, 1001, 20))
DEFAULT = "middle_attention"


@st.cache_resource(show_spinner=False)
def untrained() -> Predictor:
    """A network to look into where the trained one is missing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = UNetConfig()
        return Predictor(config.build().requires_grad_(False), config, cosine(1000))


@dataclass(frozen=True, eq=False)
class Inside:
    """What one block does at each of the times shown, to one noisy digit."""

    x_t: np.ndarray  # (P, 784)
    eps_hat: np.ndarray  # (P, 784)
    x0_hat: np.ndarray  # (P, 784) in [-1, 1]
    maps: np.ndarray  # (P, channels, side, side)
    weights: np.ndarray | None  # (P, heads, places, places), of attention


@st.cache_resource(show_spinner=False, max_entries=24)
@torch.no_grad()
def look(trained: bool, label: int, seed: int, block: str, _predictor: Predictor) -> Inside:
    """Run the network once, with the digit at every time as one batch."""
    images, classes = digit_images(held_out=True)
    some = images[classes == label]
    x0 = some[seed % len(some)].expand(len(TIMES), -1, -1, -1)
    eps = torch.randn((1, 1, 28, 28), generator=torch.Generator().manual_seed(seed)).expand_as(x0)
    t = torch.tensor(TIMES)
    x_t = q_sample(_predictor.schedule, x0, t, eps)
    maps: dict[str, torch.Tensor] = {}
    eps_hat = _predictor.net(x_t, t, torch.full((len(TIMES),), label), maps)
    x0_hat = x0_from_eps(_predictor.schedule, x_t, eps_hat, t).clamp(-1, 1)
    weights = maps.get(f"{block}_weights")
    return Inside(
        x_t.flatten(1).numpy(),
        eps_hat.flatten(1).numpy(),
        x0_hat.flatten(1).numpy(),
        maps[block].contiguous().numpy(),
        None if weights is None else weights.numpy(),
    )


@st.cache_resource(show_spinner=False, max_entries=4)
def parts_of(trained: bool, _net: UNet) -> list[Part]:
    """The parts of the network, from a run of the module."""
    return measure(_net)


@st.cache_resource(show_spinner=False, max_entries=4)
@torch.no_grad()
def told(trained: bool, _net: UNet) -> tuple[np.ndarray, np.ndarray]:
    """The sinusoids of t, and what the network makes of them, (features, times)."""
    t = torch.tensor(TIMES)
    return _net.time[0](t).T.numpy(), _net.time(t).T.numpy()


def packed(values: np.ndarray, low: float, high: float) -> Frames:
    """A picture's values in one byte each, from low to high."""
    levels = (np.clip((values - low) / (high - low), 0, 1) * 255).round().astype(np.uint8)
    return Frames(levels.reshape(len(values), -1), (high - low) / 255, low)


def picture_of(inside: Inside, head: str) -> tuple[dict[str, Track], list[Panel]]:
    """The tracks and the panels: the digit, the network's answer, the block's maps, and where it looks."""
    channels, side, _side = inside.maps.shape[1:]
    most = float(np.quantile(np.abs(inside.maps), 0.995))
    rms = np.sqrt(np.square(inside.maps).mean((1, 2, 3)))
    tracks: dict[str, Track] = {
        "x_t": packed(inside.x_t, -3, 3),
        "eps": packed(inside.eps_hat, -3, 3),
        "x0_hat": packed(inside.x0_hat, -1, 1),
        "maps": packed(inside.maps, -most, most),
    }
    panels: list[Panel] = [
        Images("x_t", 28, 28, 1, 1, _("x_t, what it sees")),
        Images("eps", 28, 28, 1, 1, _("ε_θ, what it answers"), (-3.0, 3.0)),
        Images("x0_hat", 28, 28, 1, 1, _("x̂₀ that follows from it")),
        Images(
            "maps",
            side,
            side,
            1,
            8 if channels <= 48 else 12,
            _("{n} feature maps, {side} × {side}").format(n=channels, side=side),
            (-most, most),
            weight=1.6,
        ),
    ]
    if inside.weights is None:
        panels.append(Lines((Line(rms, "RMS", COLORS["x_t"]),), title=_("Size of the maps")))
        return tracks, panels
    shown = inside.weights.mean(1) if head == "mean" else inside.weights[:, int(head) - 1]  # (P, places, places)
    top = float(np.quantile(shown, 0.999))
    tracks["looks"] = packed(shown, 0, top)
    panels.append(
        Images("looks", side, side, 1, side, _("Where each place looks: a tile a place"), (0.0, top), weight=1.6)
    )
    seen = places_seen(torch.from_numpy(inside.weights)).numpy()  # (P, heads)
    lines = [
        Line(row.astype(float), _("head {n}").format(n=k), color)
        for k, (row, color) in enumerate(zip(seen.T, SERIES, strict=False), 1)
    ]
    panels.append(Lines(lines, title=_("How many of {n} places a place looks at").format(n=side * side)))
    return tracks, panels


def code(label: int, seed: int, block: str, trained: bool) -> str:
    """The lines that made the picture."""
    made = (
        f'network = load_denoiser("assets/models/{networks.DIGITS}")\nnet, schedule = network.net, network.schedule'
        if trained
        else "net, schedule = UNetConfig().build().requires_grad_(False), cosine(1000)"
    )
    return f"""import torch
from diffusion_core import cosine, q_sample
from diffusion_core.checkpoint import load_denoiser
from diffusion_core.nets import UNetConfig
from diffusion_core.nets.anatomy import measure, places_seen
from diffusion_core.train import digit_images

{made}
for part in measure(net):                                 # one run of the module, on one picture
    print(f"{{part.name:22s}} {{str(part.shape):14s}} {{part.parameters:9,}} {{part.multiply_adds:12,}}")

images, classes = digit_images(held_out=True)
some = images[classes == {label}]
x0 = some[{seed} % len(some)][None]
eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed({seed}))
for t in (1, 200, 400, 600, 800, 1000):
    maps = {{}}
    net(q_sample(schedule, x0, t, eps), t, torch.tensor([{label}]), maps)
    h = maps[{block!r}]                                   # (1, channels, H, W)
    print(f"t = {{t:4d}}: {{tuple(h.shape)}}, RMS {{h.square().mean().sqrt():.3f}}")
    if (weights := maps.get({block + "_weights"!r})) is not None:     # (1, heads, H W, H W)
        print("          places seen by each head:", places_seen(weights)[0].tolist())
"""


def block_names(net: UNet) -> dict[str, str]:
    """The blocks by their word in the URL, said in words."""
    names = {"first": _("first convolution"), "last": _("last convolution")}
    paths = {"down": _("down"), "middle": _("middle"), "up": _("up")}
    kinds = {"attention": _("attention"), "residual": _("residual block")}
    for name in net.blocks():
        if name not in names:
            path, *rest = name.split("_")
            kind = kinds["attention" if name.endswith("attention") else "residual"]
            where = f" {int(rest[0]) + 1}" if rest[0].isdigit() else ""
            second = " 2" if name == "middle_second" else ""
            names[name] = f"{paths[path]}{where} · {kind}{second}"
    return {name: names[name] for name in net.blocks()}


shell.ensure_shell()
prose = lesson.open_lesson("unet")
trained = networks.network("digits")
predictor = trained or untrained()
net = predictor.net
assert isinstance(net, UNet)
with lesson.picture_first() as picture:
    columns = st.columns([2, 4, 2, 3])
    with columns[3]:
        seed = controls.seed()
    with columns[0]:
        label = int(controls.choice("label", _("Digit"), {str(k): str(k) for k in range(10)}, "3"))
    with columns[1]:
        block = controls.choice("block", _("Block"), block_names(net), DEFAULT)
    head = "mean"
    if block.endswith("attention"):
        with columns[2]:
            heads = {"mean": _("mean"), **{str(k): str(k) for k in range(1, net.config.heads + 1)}}
            head = controls.choice("head", _("Head"), heads, "mean")

parts = parts_of(trained is not None, net)
tracks, panels = picture_of(look(trained is not None, label, seed, block, predictor), head)
with picture:
    if trained is None:
        st.info(
            _("The trained network is not installed ({file} is missing); an untrained one is shown.").format(
                file=f"assets/models/{networks.DIGITS}"
            ),
            icon=":material/info:",
        )
    state = lesson.show_timeline(key="unet", positions=TIMES, tracks=tracks, panels=panels, t=400)
st.markdown(prose["picture"])

st.header(_("The parts"), anchor="parts")
total, work = sum(part.parameters for part in parts), sum(part.multiply_adds for part in parts)
st.markdown(
    _(
        "**{parameters}** parameters, **{work}** multiply-adds for one picture: "
        "each parameter is used {ratio} times on average."
    ).format(parameters=f"{total:,}", work=f"{work:,}", ratio=round(work / total))
)
st.plotly_chart(figures.u_net(parts, block, _), key="unet_u")
st.caption(
    _(
        "Blue: residual blocks, orange: attention, grey: convolutions; as high as their picture, as wide as their "
        "channels. Dashed: skips. The framed one is shown above."
    )
)
st.plotly_chart(figures.shares(parts, _), key="unet_shares")

st.header(_("How it knows t"), anchor="time")
sinusoids, embedding = told(trained is not None, net)
left, right = st.columns(2)
with left:
    st.plotly_chart(figures.time_embedding(sinusoids, TIMES, _("φ(t): sines and cosines"), int(state.t)), key="phi")
with right:
    st.plotly_chart(
        figures.time_embedding(embedding, TIMES, _("what the network makes of it"), int(state.t)), key="embedding"
    )

st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])
scalars = (str(net.config),)
lesson.check(prose, [lesson.Checked(claim, net.config, scalars) for claim in claims.CLAIMS])
lesson.show_code(code(label, seed, block, trained is not None), "unet")
lesson.article(prose)
