"""Lesson: text and guidance; a prompt, the chain in latents, what each word does, and how strongly."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import streamlit as st

from diffusion_core.claims import guidance as exact_claims
from diffusion_core.claims import text as claims
from diffusion_core.data.captions import COLOURS, GROUNDS, PLACES, SHAPES, SIZES, Caption, parse, words_of
from diffusion_core.data.reading import ASPECTS, Reading, agreement
from diffusion_core.errors import BadInput
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.text import tokenize
from pages.guidance.exact import DOMAIN, LINE, ExactGuidance, exact_guidance
from pages.guidance.exact import SCALES as SCALES_EXACT
from pages.shared import controls, networks, prompts
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _, explain
from pages.shared.palette import COLORS
from pages.shared.prompts import DEFAULT, PICTURES, SCALES, Asked, Grid, Model, Run
from pages.shared.sheets import Tile, sheet
from pages.shared.timeline import (
    Curve,
    Curves,
    DensityFrames,
    Formula,
    Frames,
    Images,
    Line,
    Lines,
    Panel,
    Plane,
    Points,
    Scalar,
    Track,
    mathml,
)

EXAMPLES = (  # those with a star put a colour on a shape that it never had in training
    DEFAULT.prompt,
    "a small red star on the left",
    "a pink ring at the top right on a dark ground",
    "a large cyan circle in the middle",
    "a yellow triangle to the left of a small purple circle",
    "an orange square below a blue ring",
    "",
)
Made = TypeVar("Made")
MOST_STEPS = 50
FEW = 450  # tiles of attention at full size, over all positions: the blob stays below 3 MB


def names() -> dict[str, str]:
    """The words of a caption and its aspects, in the reader's language."""
    colours = (_("Red"), _("Orange"), _("Yellow"), _("Green"), _("Cyan"), _("Blue"), _("Purple"), _("Pink"))
    shapes = (_("circle"), _("square"), _("triangle"), _("star"), _("cross"), _("ring"))
    places = (
        *(_("at the top left"), _("at the top"), _("at the top right")),
        *(_("on the left"), _("in the middle"), _("on the right")),
        *(_("at the bottom left"), _("at the bottom"), _("at the bottom right")),
    )
    aspects = (_("number"), _("shape"), _("colour"), _("size"), _("place"), _("ground"))
    pairs = (
        (COLOURS, [colour.lower() for colour in colours]),  # "green" alone is a light of a check
        (SHAPES, shapes),
        (SIZES, (_("small"), _("large"))),
        (PLACES, places),
        (GROUNDS, (_("light ground"), _("dark ground"))),
        (ASPECTS, aspects),
    )
    return {word: name for words, names in pairs for word, name in zip(words, names, strict=True)}


# --- controls -------------------------------------------------------------------------------------------------------


def pick_prompt() -> str:
    """The prompt, typed or one of the examples; where it cannot be read, one sentence beside it, and the default."""
    typed = controls.text("prompt", _("Prompt"), DEFAULT.prompt)
    prompt = prompts.or_default(typed, lambda text: tokenize([text]), DEFAULT.prompt)
    st.session_state["example"] = typed if typed in EXAMPLES else None

    def take() -> None:
        chosen = st.session_state["example"]
        if chosen is not None:
            st.session_state["url_prompt"] = chosen
            controls.remember("prompt", chosen, DEFAULT.prompt)

    def label(example: str) -> str:
        return f"{example} ✦" if example and parse(example).is_held_out else example or _("(no words)")

    st.pills(
        _("Examples (✦: a colour and a shape that never met in training)"),
        EXAMPLES,
        format_func=label,
        key="example",
        on_change=take,
    )
    return prompt


def pick_settings() -> tuple[Asked, int]:
    """What is asked for, and which of the four pictures is looked into."""
    prompt = pick_prompt()
    first, second, third, fourth = st.columns([4, 3, 2, 3], vertical_alignment="bottom")
    with first:
        w = controls.number("w", _("Guidance scale w"), DEFAULT.w, 0.0, 10.0, 0.5)
    with second:
        sampler = controls.choice("sampler", _("Sampler"), {"ddim": "DDIM", "ddpm": "DDPM"}, "ddim", pills=True)
    with third:
        steps = controls.integer("N", _("Steps N"), DEFAULT.steps, 2, MOST_STEPS)
    with fourth:
        seed = controls.seed()
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        options = {str(k): str(k) for k in range(1, PICTURES + 1)}
        chosen = controls.choice("picture", _("Look into picture"), options, "1", pills=True)
    eta = 0.0
    if sampler == "ddim":
        with right:
            eta = controls.number("eta", _("η (noise of DDIM)"), 0.0, 0.0, 1.0, 0.05)
    return Asked(prompt, w, steps, sampler, eta, seed), int(chosen) - 1


def pick_own() -> Model | None:
    """The visitor's network, if one was given in this session."""
    own: Model | None = st.session_state.get("text_network")
    if own:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_("**Your network**"))
            st.button(
                _("The shipped network again"),
                icon=":material/undo:",
                on_click=lambda: st.session_state.pop("text_network"),
            )
        return own
    with st.expander(_("Your own weights"), icon=":material/upload_file:"):
        upload = st.file_uploader(
            _("A network from `python -m diffusion_core.train latent`: it reads the same words, on the same latents."),
            type=["safetensors"],
            key="text_upload",
        )
        if upload is not None:
            try:
                st.session_state["text_network"] = prompts.model_of_file(upload.getvalue())
            except BadInput as error:
                st.error(explain(error), icon=":material/error:")
            else:
                st.rerun()
    return None


# --- what is shown --------------------------------------------------------------------------------------------------


def shipped_or_untrained() -> Model:
    """The shipped network; where it cannot be had, one sentence, and a network that was never trained."""
    text = _("The trained network is not installed ({file} is missing); an untrained one is shown.")
    return networks.or_say(prompts.shipped, text.format(file=f"assets/models/{networks.SHAPES}")) or prompts.untrained()


def packed(values: np.ndarray, most: float) -> Frames:
    """Numbers as a track of one byte each, from -most to most."""
    levels = (np.clip(values / most, -1, 1) * 127.5 + 127.5).round().astype(np.uint8)
    return Frames(levels.reshape(len(values), -1), most / 127.5, -most)


def formula() -> Formula:
    """Guidance, and the length of what comes out of it, in numbers."""
    m = mathml
    z, c, theta = m.sub(m.sym("z"), m.sym("t")), m.sym("c"), m.sub(m.sym("ε"), m.sym("θ"))
    eps, w, delta = m.hat(m.sym("ε")), m.sym("w"), m.sym("δ")
    without, with_words = m.row(theta, m.paren(z)), m.row(theta, m.paren(z, m.op(","), c))
    eq, plus, minus, dot = m.op("="), m.op("+"), m.op("−"), m.op("·")

    def mean(*pieces: str) -> str:
        return m.row(m.op("⟨"), *pieces, m.op("⟩"))

    two = m.num("2")
    square = m.sup(delta, two)
    lines = (
        (delta, eq, m.row(with_words, minus, without)),
        (eps, eq, m.row(without, plus, w, delta)),
        (
            mean(m.sup(eps, two)),
            eq,
            m.row(mean(m.sup(without, two)), plus, two, w, mean(without, delta), plus, m.sup(w, two), mean(square)),
        ),
        (
            "",
            eq,
            m.row(
                *(m.live("plain"), plus, two, dot, m.live("w"), dot, m.paren(m.live("cross"))),
                *(plus, m.sup(m.live("w"), two), dot, m.live("delta"), eq, m.live("guided")),
            ),
        ),
    )
    values = {name: name for name in ("plain", "cross", "delta", "guided", "w")}
    return Formula(m.math(m.rows(*lines)), values, title=_("Guidance, in numbers: ⟨·⟩ is the mean over the latent"))


def picture_of(run: Run, asked: Asked, chosen: int) -> tuple[dict[str, Track], list[Panel]]:
    """The four pictures on their way; of the chosen one its words, its guesses, its two eps."""
    count = len(run.positions)
    without, with_words = run.eps_uncond[:, chosen].astype(float), run.eps_cond[:, chosen].astype(float)
    delta = with_words - without
    guided = without + asked.w * delta
    largest = float(np.abs(delta).max()) or 1.0

    def mean(values: np.ndarray) -> np.ndarray:
        return values.reshape(count, -1).mean(1)

    lengths = np.sqrt(mean(without**2) * mean(with_words**2))
    cosine = np.divide(mean(without * with_words), lengths, out=np.ones(count), where=lengths > 0)
    attention = run.attention[:, chosen]
    tiles = attention.shape[1]
    side = 32 if tiles * count <= FEW else 16
    top = float(np.quantile(attention[:, 1:] if tiles > 1 else attention, 0.995))
    guesses = np.stack([run.unconditional[:, chosen], run.conditional[:, chosen], run.guided[:, chosen]], 1)
    channels = np.stack([without / 3, with_words / 3, delta / largest], 1)
    tracks: dict[str, Track] = {
        "z": Frames.of_pictures(run.z),
        "x0_hat": Frames.of_pictures(run.guided),
        "words": Frames.of_pictures(prompts.heat(run.guided[:, chosen], attention, side, top)),
        "guesses": Frames.of_pictures(guesses),
        "channels": packed(channels, 1.0),
        "plain": Scalar(mean(without**2)),
        "cross": Scalar(mean(without * delta)),
        "delta": Scalar(mean(delta**2)),
        "guided": Scalar(mean(guided**2)),
        "w": Scalar(np.full(count, asked.w)),
        "angle": Scalar(np.degrees(np.arccos(np.clip(cosine, -1, 1)))),
    }
    factor = lesson.significant(3 / largest, 2)
    rows = [f"{name}, {k}" for name in ("ε", "ε|c", "δ") for k in range(1, 5)]
    panels: list[Panel] = [
        Images("z", 32, 32, 3, 2, _("z_t, decoded")),
        Images("x0_hat", 32, 32, 3, 2, _("x̂₀, decoded")),
        Images(
            "words",
            side,
            side,
            3,
            min(5, tiles),
            _("Picture {k}: where each word is looked at").format(k=chosen + 1),
            captions=[_("(start)"), *run.words],
            weight=2.2,
        ),
        Images(
            "guesses",
            32,
            32,
            3,
            3,
            _("Picture {k}: three guesses x̂₀").format(k=chosen + 1),
            captions=[_("no words"), _("with words"), f"w = {asked.w:g}"],
            weight=1.2,
        ),
        Images(
            "channels",
            8,
            8,
            1,
            4,
            _("ε, ε given words, δ × {factor}").format(factor=factor),
            captions=rows,
            weight=0.9,
        ),
        Lines(
            (
                Line(np.sqrt(mean(without**2)), _("ε without words"), COLORS["x0"]),
                Line(np.sqrt(mean(with_words**2)), _("ε with words"), COLORS["eps"], dash=True),
                Line(np.sqrt(mean(guided**2)), _("ε̂, guided"), COLORS["x_t"]),
                Line(np.sqrt(mean(delta**2)), _("δ, their difference"), COLORS["x0_hat"]),
            ),
            title=_("Their size (root mean square)"),
            weight=1.1,
        ),
        Lines(
            (Line("angle", _("angle"), COLORS["mu_tilde"]),),
            title=_("Their angle, in degrees"),
        ),
        formula(),
    ]
    return tracks, panels


# --- read back ------------------------------------------------------------------------------------------------------


def caption_of(prompt: str) -> Caption | None:
    """What the prompt asks for; None, and one sentence, where that cannot be judged."""
    try:
        return parse(prompt)
    except BadInput as error:
        if not words_of(prompt):
            st.info(
                _("There are no words: each picture is one of all that the network has learned."),
                icon=":material/info:",
            )
        else:
            st.info(explain(error), icon=":material/info:")
        return None


def seen(reading: Reading, words: dict[str, str]) -> list[str]:
    """A line for each thing, and the ground."""
    lines = []
    for one in reading.things:
        parts = [one.thing.size or "", one.thing.colour, one.thing.shape, one.place]
        lines.append(" · ".join(words[part] for part in parts if part))
    return [*(lines or [_("no thing")]), words[reading.ground]]


def mark(right: bool, name: str) -> str:
    """A tick or a cross, told apart by shape and by colour, and what it is about."""
    sign = f'<b style="color:{"#2a9d5c" if right else "#d9483b"}">{"✓" if right else "✗"}</b>'
    return f'<span style="white-space:nowrap;margin-right:.5em">{sign}&thinsp;{name}</span>'


def show_readings(run: Run, asked: Asked, key: str) -> None:
    """The four pictures, and what a reader that knows no network says of them."""
    st.header(_("Read back"), anchor="read_back")
    caption, words = caption_of(asked.prompt), names()
    readings = prompts.readings((key, asked), run.guided[-1])
    tiles: list[Tile] = []
    for k, (picture, reading) in enumerate(zip(run.guided[-1], readings, strict=True), 1):
        lines = seen(reading, words)
        if caption:
            answers = agreement(caption, reading)
            lines.append(" ".join(mark(answers[name], words[name]) for name in ASPECTS if name in answers))
        tiles.append((_("Picture {k}").format(k=k), picture, ", ".join(lines[: 1 + len(reading.things)]), lines))
    st.html(sheet(tiles, least=150, most=260))
    st.caption(
        _("Each picture is taken apart by the rules by which true ones are drawn: no network is asked for its opinion.")
    )


def show_score() -> None:
    """The shipped network's score, if it has been measured."""
    score = prompts.score_of()
    if score is None:
        return
    words = names()
    rows = {
        _("one thing"): score["one"],
        _("colour and shape that never met"): score["held_out"],
        _("two things"): score["two"],
    }
    st.markdown(
        _("**The honest score of this network**: {n} pictures of each kind, {steps} steps, w = {w}.").format(
            n=score["samples"], steps=score["steps"], w=f"{score['guidance']:g}"
        )
    )
    head = "| |" + "|".join(words[a] for a in ASPECTS) + "|" + _("everything") + "|\n|:--|" + "--:|" * 7
    body = "\n".join(
        f"|{name}|" + "|".join(f"{row[a]:.1f}%" if a in row else "" for a in ASPECTS) + f"|**{row['all']:.1f}%**|"
        for name, row in rows.items()
    )
    st.markdown(f"{head}\n{body}")


# --- over guidance scales -------------------------------------------------------------------------------------------


def show_grid(asked: Asked, made: Grid, key: str) -> None:
    """A column a scale, the same four z_T in each."""
    try:
        caption = parse(asked.prompt)
    except BadInput:
        caption = None
    tiles: list[Tile] = []
    for scale, pictures in zip(SCALES, made.pictures, strict=True):
        lines = []
        if caption:
            found = prompts.readings((f"{key} {scale}", replace(asked, w=0.0)), pictures)
            right = sum(all(agreement(caption, reading).values()) for reading in found)
            lines = [_("{right} of {n} right").format(right=right, n=PICTURES)]
        column = np.concatenate([np.pad(p, ((0, 1), (0, 0), (0, 0)), constant_values=128) for p in pictures])[:-1]
        tiles.append((f"w = {scale:g}", column, f"w = {scale:g}", lines))
    st.html(sheet(tiles, least=84, most=170))


# --- exact ----------------------------------------------------------------------------------------------------------


def show_exact() -> None:
    """Guidance without a network: the exact scores of a labelled mixture, its slider the scale."""
    st.header(_("Guidance with exact scores"), anchor="exact")
    st.markdown(
        _(
            "No network here: eight Gaussians in the plane, the upper four are the class $c$, and both scores are "
            "exact. Whatever is seen is guidance itself. Orange: where it takes noise. Blue: points drawn from "
            "$p(x)\\,p(c\\mid x)^w$. At $w=0$ and $w=1$ the two are the same law, but for the error of "
            "50 steps; with $w>1$ guided samples of this outer class go further out than that density has them, and "
            "lie closer together. The curves show it on the line, for two Gaussians of which the left one is $c$, "
            "without a random number."
        )
    )
    exact = exact_guidance()
    tracks: dict[str, Track] = {
        "made": Frames(exact.made.astype(np.float32)),
        "drawn": Frames(exact.drawn.astype(np.float32)),
    }
    behind = DensityFrames(exact.density, top=1.0)
    panels: list[Panel] = [
        Plane((behind, Points("made")), _("Guided samples on p(x) p(c|x)ʷ"), DOMAIN, weight=1.3),
        Plane((behind, Points("drawn", color=COLORS["x0"])), _("Drawn from p(x) p(c|x)ʷ itself"), DOMAIN, weight=1.3),
        Curves(
            (
                Curve(exact.made_line, _("guided samples"), COLORS["x_t"]),
                Curve(exact.tilted_line, "p(x) p(c|x)ʷ", COLORS["x0"], dash=True),
            ),
            _("On the line: the two densities"),
            LINE,
            weight=1.3,
        ),
        Lines(
            (
                Line(exact.w1, _("Wasserstein-1 distance"), COLORS["x0_hat"]),
                Line(exact.gap, _("largest difference of the distribution functions"), COLORS["beta"], dash=True),
            ),
            title=_("On the line: how far the two are apart, over w"),
            weight=1.3,
        ),
    ]
    state = lesson.show_timeline(
        key="exact",
        positions=SCALES_EXACT,
        tracks=tracks,
        panels=panels,
        t=3.0,
        name="w_exact",
        label=_("Guidance scale w"),
    )
    st.markdown(where_it_ends(exact, state.position))


def where_it_ends(exact: ExactGuidance, at: int) -> str:
    """Means and deviations of both laws at one scale: of the left bump of two, and of the middle one of three."""
    head = [_("on the line, w = {w}").format(w=f"{SCALES_EXACT[at]:g}"), _("guided samples"), "$p(x)\\,p(c\\mid x)^w$"]
    names = {
        "outer": _("class $c$ on the left of two: mean"),
        "middle": _("class $c$ in the middle of three: deviation"),
    }
    n = lesson.significant
    rows = [
        (names["outer"], exact.outer_made[at][0], exact.outer_tilted[at][0]),
        (names["middle"], exact.middle_made[at][1], exact.middle_tilted[at][1]),
    ]
    body = "\n".join(f"| {name} | {n(made)} | {n(tilted)} |" for name, made, tilted in rows)
    return f"| {' | '.join(head)} |\n|:--|--:|--:|\n{body}"


# --- code -----------------------------------------------------------------------------------------------------------


def code(asked: Asked, own: bool, trained: bool) -> str:
    """The lines that made the picture."""
    file = "network.safetensors" if own else f"assets/models/{networks.SHAPES}"
    config = "latent_config().net"
    loaded = (
        f'load_denoiser("{file}")'
        if trained
        else f'Predictor(seeded(0, {config}.build), {config}, cosine(1000), "v")  # untrained'
    )
    call = (
        "ancestral(denoiser, schedule, z_T, timesteps, fixed_small, generator)"
        if asked.sampler == "ddpm"
        else f"ddim(denoiser, schedule, z_T, timesteps, {asked.eta}, generator)"
    )
    return f"""import torch
from diffusion_core import ancestral, cosine, ddim, fixed_small
from diffusion_core.training.checkpoint import load_autoencoder, load_denoiser
from diffusion_core.denoisers import Predictor
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.text import tokenize
from diffusion_core.nets.watched import WatchedGuidance
from diffusion_core.data.reading import read
from diffusion_core.data.captions import words_of
from diffusion_core.train import latent_config

network = {loaded}
autoencoder = load_autoencoder("assets/models/{networks.AUTOENCODER}")
schedule = network.schedule

prompt = {asked.prompt!r}
denoiser = WatchedGuidance(network, tokenize([prompt] * {PICTURES}), {asked.w})   # eps + w (eps given the words - eps)
generator = torch.Generator().manual_seed({asked.seed})
z_T = torch.randn(({PICTURES}, 4, 8, 8), generator=generator)
timesteps = schedule.timesteps(min({asked.steps}, schedule.T), spacing="trailing")
with torch.no_grad():
    for step in {call}:
        call = denoiser.calls[-1]
        delta = call.eps_cond - call.eps_uncond
        print(f"t = {{step.t:4d}}: RMS of eps {{call.eps_uncond.square().mean() ** 0.5:.3f}}, "
              f"of the difference {{delta.square().mean() ** 0.5:.3f}}")
    pictures = autoencoder.decode(step.x_s).clamp(-1, 1)     # (4, 3, 32, 32)
words = ["(start)", *words_of(prompt)]
for word, share in zip(words, call.words.mean((0, 2, 3))):   # call.words: (4, words, 8, 8), of the last step
    print(f"{{word:10s}} gets {{100 * share:.1f}} % of the attention")
for picture in pictures:
    print([f"{{seen.thing}} {{seen.place}}" for seen in read(picture).things], "on", read(picture).ground)
"""


# --- the page -------------------------------------------------------------------------------------------------------


def decoder() -> Autoencoder | None:
    """The decoder of latents; where it cannot be had, one sentence."""
    text = _("The decoder is not installed ({file} is missing): no picture can be made.")
    return networks.or_say(networks.autoencoder, text.format(file=f"assets/models/{networks.AUTOENCODER}"))


def attempt(make: Callable[[], Made]) -> Made | None:
    """What is made; where the network's answers are no pictures, one sentence."""
    try:
        return make()
    except BadInput as error:
        st.error(explain(error), icon=":material/error:")
        return None


prose = lesson.open_lesson("guidance")
with lesson.picture_first() as picture:
    asked, chosen = pick_settings()
    own = pick_own()

with picture:
    shipped = None if own else prompts.shipped_run(asked, prompts.shipped_key())
    model = own or (None if shipped else shipped_or_untrained())
    autoencoder = decoder()
    made = shipped
    if model and autoencoder:
        made = attempt(partial(prompts.run, asked, model.key, model.predictor, autoencoder))
    if made:
        tracks, panels = picture_of(made, asked, chosen)
        lesson.show_timeline(key="guidance", positions=made.positions, tracks=tracks, panels=panels, t=950)
    else:
        pass
st.markdown(prose["picture"])

key = model.key if model else prompts.shipped_key()
if made:
    show_readings(made, asked, key)
    if not own and key == prompts.shipped_key():
        show_score()

    st.header(_("More and more guidance"), anchor="scales")
    st.markdown(_("The same four $z_T$ at six scales $w$, each column one scale; all else as chosen above."))
    grid = None if own else prompts.shipped_grid(asked, key)
    if grid is None and autoencoder:
        of_all = (key, replace(asked, w=0.0))
        if st.button(_("Draw them"), icon=":material/grid_view:"):
            st.session_state["grid_of"] = of_all
        if st.session_state.get("grid_of") == of_all:
            model = model or shipped_or_untrained()
            with st.spinner(_("Drawing…")):
                grid = attempt(partial(prompts.grid, of_all[1], key, model.predictor, autoencoder))
    if grid:
        show_grid(asked, grid, key)

show_exact()

st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])
setting = claims.Text(model.predictor) if model else None
checks = [claims.ATTENTION] if autoencoder is None else [claims.CAPTION, claims.ATTENTION]
of_network = [lesson.Checked(claim, setting, (key,)) for claim in checks]
lesson.check(prose, [*of_network, *(lesson.Checked(claim) for claim in exact_claims.CLAIMS)])
lesson.show_code(code(asked, own is not None, key != prompts.UNTRAINED), "guidance")
lesson.article(prose)
