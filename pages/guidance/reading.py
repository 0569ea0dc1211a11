"""The four pictures read back, by a reader that knows no network, and over guidance scales."""

import zlib
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from diffusion_core.data.captions import COLOURS, GROUNDS, PLACES, SHAPES, SIZES, Caption, parse, words_of
from diffusion_core.data.reading import ASPECTS, Reading, agreement
from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput
from diffusion_core.nets.autoencoder import Autoencoder
from pages.guidance import runs
from pages.guidance.recipe import PICTURES
from pages.guidance.runs import SCALES, Asked, Grid, Run
from pages.shared import controls, prompts, weights
from pages.shared.i18n import _, explain
from pages.shared.sheets import Tile, sheet
from pages.shared.typography import table
from pages.shared.weights import Model

__all__ = ["show_readings", "show_scales"]


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


def show_readings(run: Run, prompt: str, measured: bool) -> None:
    """The four pictures, and what is seen in them; of the network whose score was ``measured``, that."""
    caption, words = caption_of(prompt), names()
    tiles: list[Tile] = []
    for k, (picture, reading) in enumerate(zip(run.guided[-1], runs.readings(run), strict=True), 1):
        lines = seen(reading, words)
        if caption:
            answers = agreement(caption, reading)
            lines.append(" ".join(mark(answers[name], words[name]) for name in ASPECTS if name in answers))
        tiles.append((_("Picture {k}").format(k=k), picture, ", ".join(lines[: 1 + len(reading.things)]), lines))
    st.html(sheet(tiles, least=150, most=260))
    st.caption(
        _("Each picture is taken apart by the rules by which true ones are drawn: no network is asked for its opinion.")
    )
    score = runs.score_of() if measured else None
    if score:
        show_score(score)


def show_score(score: dict[str, Any]) -> None:
    """The shipped network's score."""
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
    head = ["", *(words[aspect] for aspect in ASPECTS), _("everything")]
    body = [
        [name, *(f"{row[a]:.1f}%" if a in row else "" for a in ASPECTS), f"**{row['all']:.1f}%**"]
        for name, row in rows.items()
    ]
    st.markdown(table(head, body, "lrrrrrrr"))


# --- over guidance scales -------------------------------------------------------------------------------------------


def show_grid(prompt: str, made: Grid) -> None:
    """A column a scale, the same four z_T in each."""
    try:
        caption = parse(prompt)
    except BadInput:
        caption = None
    tiles: list[Tile] = []
    for scale, pictures, found in zip(SCALES, made.pictures, runs.grid_readings(made), strict=True):
        lines = []
        if caption:
            right = sum(all(agreement(caption, reading).values()) for reading in found)
            lines = [_("{right} of {n} right").format(right=right, n=PICTURES)]
        column = np.concatenate([np.pad(p, ((0, 1), (0, 0), (0, 0)), constant_values=128) for p in pictures])[:-1]
        tiles.append((f"w = {scale:g}", column, f"w = {scale:g}", lines))
    st.html(sheet(tiles, least=84, most=170))


def show_scales(asked: Asked, model: Model[Predictor] | None, coder: Model[Autoencoder] | None, shipped: bool) -> None:
    """The same z_T at each scale: those that come with the project, or drawn at a press."""
    st.markdown(_("The same four $z_T$ at six scales $w$, each column one scale; all else as chosen above."))
    by = model.key if model else weights.SHAPES.key
    made = runs.shipped_grid(asked, by) if shipped else None
    if made is None and model and coder:
        of_all = zlib.crc32(repr((replace(asked, w=0.0), by)).encode())
        if controls.once(f"grid_{of_all}", _("Draw them"), ":material/grid_view:"):
            with st.spinner(_("Drawing…")):
                made = prompts.attempt(partial(runs.grid, asked, model, coder))
    if made:
        show_grid(asked.prompt, made)
