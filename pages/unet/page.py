"""Lesson: the U-Net opened; its parts, what each makes of a noisy picture, where it looks, how it knows t and words."""

import numpy as np
import streamlit as st
import torch

from diffusion_core.claims import anatomy as claims
from diffusion_core.claims import text as text_claims
from diffusion_core.data.captions import parse, words_of
from diffusion_core.nets.anatomy import places_seen, plan
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.stable_diffusion import TEXT, miniature, units
from diffusion_core.nets.text import LENGTH, TextConfig
from diffusion_core.nets.unet import UNet, UNetConfig
from diffusion_core.training.recipes import latent_config
from pages.shared import controls, figures, networks, prompts
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _
from pages.shared.i18n import parts as parts_of_prose
from pages.shared.palette import COLORS, SERIES
from pages.shared.prompts import LATENT, Model
from pages.shared.timeline import Frames, Images, Line, Lines, Panel, Track
from pages.unet import inside, overview
from pages.unet.inside import TIMES, Inside

DEFAULT_BLOCK = {"digits": "middle_attention", "text": "up_0_0_words"}
PROMPT = prompts.DEFAULT.prompt
FILES = {"digits": networks.DIGITS, "text": networks.SHAPES}
SHARP = 32  # a tile's side: room for a word below it
SIDES = {"digits": 28, "text": LATENT[1]}


def packed(values: np.ndarray, low: float, high: float) -> Frames:
    """A picture's values in one byte each, from low to high."""
    levels = (np.clip((values - low) / (high - low), 0, 1) * 255).round().astype(np.uint8)
    return Frames(levels.reshape(len(values), -1), (high - low) / 255, low)


def sheet(track: str, values: np.ndarray, title: str, span: tuple[float, float]) -> tuple[Frames, Images]:
    """Pictures in colour, (P, H, W, 3), one at a time; or channels, (P, n, H, W), beside each other."""
    if values.shape[-1] == 3:
        return packed(values, *span), Images(track, values.shape[1], values.shape[2], 3, 1, title)
    columns = 1 if values.shape[1] == 1 else 2
    return packed(values, *span), Images(track, values.shape[2], values.shape[3], 1, columns, title, span)


def picture_of(seen: Inside, head: str, words: list[str]) -> tuple[dict[str, Track], list[Panel]]:
    """The tracks and the panels: the picture, the network's answer, the block's maps, and where it looks.

    ``words`` are those that the block looks at, the start included; none: it looks at places.
    """
    channels, side, _side = seen.maps.shape[1:]
    most = float(np.quantile(np.abs(seen.maps), 0.995)) or 1.0
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
    tracks: dict[str, Track] = {}
    panels: list[Panel] = []
    for name, (values, title, span) in shown.items():
        tracks[name], panel = sheet(name, values, title, span)
        panels.append(panel)
    tracks["maps"] = packed(seen.maps, -most, most)
    title = _("{n} feature maps, {side} × {side}").format(n=channels, side=side)
    panels.append(Images("maps", side, side, 1, 8 if channels <= 64 else 12, title, (-most, most), weight=1.6))
    if seen.weights is None:
        rms = np.sqrt(np.square(seen.maps).mean((1, 2, 3)))
        panels.append(Lines((Line(rms, "RMS", COLORS["x_t"]),), title=_("Size of the maps")))
        return tracks, panels
    weights = seen.weights.mean(1) if head == "mean" else seen.weights[:, int(head) - 1]  # (P, places, places or words)
    top = float(np.quantile(weights, 0.999))
    if words:
        top = float(np.quantile(weights[..., 1:] if len(words) > 1 else weights, 0.995))  # the start has most
        tiles = weights.transpose(0, 2, 1).reshape(len(weights), len(words), side, side)  # a tile a word
        fine = SHARP // side
        tracks["looks"] = packed(tiles.repeat(fine, 2).repeat(fine, 3), 0, top)
        title = _("How much each place looks at each word")
        looks = Images(
            "looks", side * fine, side * fine, 1, min(5, len(words)), title, (0.0, top), captions=words, weight=2.0
        )
        count = _("Words a place looks at, exp(entropy), of {n}").format(n=len(words))
    else:
        tracks["looks"] = packed(weights, 0, top)
        looks = Images(
            "looks", side, side, 1, side, _("Where each place looks: a tile a place"), (0.0, top), weight=1.6
        )
        count = _("Places a place looks at, exp(entropy), of {n}").format(n=side * side)
    panels.append(looks)
    lines = [
        Line(row.astype(float), _("head {n}").format(n=k), color)
        for k, (row, color) in enumerate(
            zip(places_seen(torch.from_numpy(seen.weights)).numpy().T, SERIES, strict=False), 1
        )
    ]
    panels.append(Lines(lines, title=count))
    return tracks, panels


# --- code -----------------------------------------------------------------------------------------------------------


def code_for_digits(label: int, seed: int, block: str, trained: bool) -> str:
    """The lines that made the picture of a digit."""
    made = (
        f'network = load_denoiser("assets/models/{networks.DIGITS}")\nnet, schedule = network.net, network.schedule'
        if trained
        else "net, schedule = seeded(0, UNetConfig().build).requires_grad_(False), cosine(1000)"
    )
    return f"""import torch
from diffusion_core import cosine, q_sample
from diffusion_core.training.checkpoint import load_denoiser
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.unet import UNetConfig
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


def code_for_text(prompt: str, seed: int, block: str, trained: bool) -> str:
    """The lines that made the picture of a scene."""
    made = (
        f'network = load_denoiser("assets/models/{networks.SHAPES}")'
        if trained
        else "config = latent_config().net\nnet = seeded(0, config.build).requires_grad_(False)\n"
        "network = Predictor(net, config, cosine(1000), 'v')"
    )
    encoder = (
        f'load_autoencoder("assets/models/{networks.AUTOENCODER}")'
        if (networks.MODELS / networks.AUTOENCODER).exists()
        else "seeded(0, AutoencoderConfig().build).requires_grad_(False)"
    )
    return f"""import torch
from diffusion_core import cosine, q_sample
from diffusion_core.training.checkpoint import load_autoencoder, load_denoiser
from diffusion_core.denoisers import Predictor
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.anatomy import measure, places_seen
from diffusion_core.nets.autoencoder import AutoencoderConfig
from diffusion_core.nets.text import tokenize
from diffusion_core.data.captions import parse
from diffusion_core.data.scenes import draw
from diffusion_core.train import latent_config

{made}
autoencoder = {encoder}
for part in measure(network.net, 8, 8):                   # one run of the module, on one latent
    print(f"{{part.name:22s}} {{str(part.shape):14s}} {{part.parameters:9,}} {{part.multiply_adds:12,}}")

prompt = {prompt!r}
words = ["(start)", *prompt.split()]
with torch.no_grad():
    z0 = autoencoder.encode(draw([parse(prompt)], torch.Generator().manual_seed({seed})))     # (1, 4, 8, 8)
    eps = torch.randn(z0.shape, generator=torch.Generator().manual_seed({seed}))
    for t in (1, 200, 400, 600, 800, 1000):
        maps = {{}}
        network(q_sample(network.schedule, z0, t, eps), t, tokenize([prompt]), maps)
        h = maps[{block!r}]                               # (1, channels, H, W)
        print(f"t = {{t:4d}}: {{tuple(h.shape)}}, RMS {{h.square().mean().sqrt():.3f}}")
        if (weights := maps.get({block + "_weights"!r})) is not None:     # (1, heads, H W, places or words)
            print("          seen by each head:", places_seen(weights)[0].tolist())
            if {block.endswith("words")}:
                print("          most at:", words[int(weights.mean((0, 1, 2)).argmax())])
"""


# --- controls and networks ------------------------------------------------------------------------------------------


def block_names(net: UNet) -> dict[str, str]:
    """The blocks by their word in the URL, said in words."""
    names = {"first": _("first convolution"), "last": _("last convolution")}
    paths = {"down": _("down"), "middle": _("middle"), "up": _("up")}
    kinds = {"attention": _("attention"), "words": _("attention to the words"), "residual": _("residual block")}
    for name in net.blocks():
        if name not in names:
            path, *rest = name.split("_")
            kind = kinds.get(rest[-1], kinds["residual"])
            where = f" {int(rest[0]) + 1}" if rest[0].isdigit() else ""
            second = " 2" if name == "middle_second" else ""
            names[name] = f"{paths[path]}{where} · {kind}{second}"
    return {name: names[name] for name in net.blocks()}


def pick_block(which: str, net: UNet) -> str:
    """The block to look into: with another network, the link's or that network's default."""
    if st.session_state.get("block_of") != which:
        st.session_state["block_of"] = which
        st.session_state.pop("url_block", None)
    return controls.choice("block", _("Block"), block_names(net), DEFAULT_BLOCK[which])


def pick_prompt() -> str:
    """A caption, whose scene is drawn and whose words the network is told; one that cannot be drawn is said."""
    return prompts.or_default(controls.text("prompt", _("Prompt"), PROMPT), parse, PROMPT)


def trained_one(which: str) -> Model | None:
    """The shipped network; None, and a sentence, where it cannot be had."""
    return networks.or_say(inside.digits if which == "digits" else prompts.shipped, missing(FILES[which]))


def trained_autoencoder() -> Autoencoder | None:
    """The shipped autoencoder; None, and a sentence, where it cannot be had."""
    return networks.or_say(networks.autoencoder, missing(networks.AUTOENCODER))


def missing(file: str) -> str:
    """One sentence."""
    return _("The trained network is not installed ({file} is missing); an untrained one is shown.").format(
        file=f"assets/models/{file}"
    )


# --- the page -------------------------------------------------------------------------------------------------------

prose = lesson.open_lesson("unet/text" if st.query_params.get("net") == "text" else "unet")
with lesson.picture_first() as picture:
    names = {"digits": _("draws digits"), "text": _("reads text, draws latents")}
    which = controls.choice("net", _("Network"), names, "digits", pills=True)
    with picture:
        trained = trained_one(which)
    model = trained or (inside.untrained_digits() if which == "digits" else prompts.untrained())
    net = model.predictor.net
    assert isinstance(net, UNet)
    columns = st.columns([2.0, 4.0, 2.0, 3.0] if which == "digits" else [4.0, 3.2, 1.6, 3.2])
    with columns[3]:
        seed = controls.seed()
    label, prompt = 3, PROMPT
    with columns[0]:
        if which == "digits":
            label = int(controls.choice("label", _("Digit"), {str(k): str(k) for k in range(10)}, "3"))
        else:
            prompt = pick_prompt()
    with columns[1]:
        block = pick_block(which, net)
    head = "mean"
    if block.endswith(("attention", "words")):
        with columns[2]:
            heads = {"mean": _("mean"), **{str(k): str(k) for k in range(1, net.config.heads + 1)}}
            head = controls.choice("head", _("Head"), heads, "mean")

with picture:
    if which == "digits":
        seen = inside.look_at_digit(model.key, label, seed, block, model.predictor)
    else:
        found = trained_autoencoder()
        autoencoder = found or inside.untrained_autoencoder()
        keys = (model.key, found is not None)
        seen = inside.look_at_scene(keys, prompt, seed, block, model.predictor, autoencoder)
    words = [_("(start)"), *words_of(prompt)] if block.endswith("words") else []
    tracks, panels = picture_of(seen, head, words)
    state = lesson.show_timeline(key=f"unet_{which}", positions=TIMES, tracks=tracks, panels=panels, t=400)
st.markdown(prose["picture"])

st.header(_("The parts"), anchor="parts")
parts = inside.parts_of(str(net.config), SIDES[which], net)
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
if which == "text":
    st.caption(_("Green: attention to the words, where the text enters; the arrows come from the text’s encoder."))
st.plotly_chart(figures.shares(parts, _), key="unet_shares")

st.header(_("How it knows t"), anchor="time")
sinusoids, embedding = inside.told(model.key, net)
left, right = st.columns(2)
with left:
    st.plotly_chart(figures.time_embedding(sinusoids, TIMES, _("φ(t): sines and cosines"), int(state.t)), key="phi")
with right:
    st.plotly_chart(
        figures.time_embedding(embedding, TIMES, _("what the network makes of it"), int(state.t)), key="embedding"
    )

st.header(_("The real one, and this one"), anchor="stable_diffusion")
of_both = parts_of_prose("unet")
st.markdown(of_both["stable_diffusion"])
own = latent_config().net
assert isinstance(own, UNetConfig)
small, text = miniature(plan(own, *LATENT[1:])), (LENGTH, TextConfig().width)
left, right = st.columns(2)
with left:
    st.plotly_chart(overview.overview(units(), small, TEXT, "Stable Diffusion 1", _), key="overview_real")
with right:
    st.plotly_chart(overview.overview(small, units(), text, _("The miniature"), _), key="overview_small")
st.html(overview.legend(_))
st.markdown(overview.table(small, LATENT, text, _))

st.header(_("The formula"), anchor="formula")
st.markdown(of_both["formula"])
if which == "text":
    st.markdown(prose["formula"])
setting = claims.Sized(net.config, SIDES[which])
checks = [lesson.Checked(claim, setting, (str(setting),)) for claim in claims.CLAIMS]
if which == "text":
    told_text = text_claims.Text(model.predictor)
    checks.append(lesson.Checked(text_claims.ATTENTION, told_text, (model.key,)))
lesson.check(prose, checks)
if which == "digits":
    lesson.show_code(code_for_digits(label, seed, block, trained is not None), "unet")
else:
    lesson.show_code(code_for_text(prompt, seed, block, trained is not None), "unet")
lesson.article(prose)
