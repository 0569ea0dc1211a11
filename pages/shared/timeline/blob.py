"""All that the browser needs of a timeline: one safetensors blob.

Arrays travel as they are; the metadata hold the rest as JSON. ``assets/timeline/blob.js`` reads it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from safetensors.numpy import save

from diffusion_core.errors import BadInput
from pages.shared.palette import DENSITY
from pages.shared.timeline.panels import Panel
from pages.shared.timeline.writer import PickKind, Track, Writer

__all__ = ["LABELS", "REQUIRED_LABELS", "Beside", "Picture", "Place", "View", "pack"]

# What the timeline says, in English; a caller hands in the translations.
LABELS = {
    "timestep": "Timestep t",
    "play": "Play",
    "pause": "Pause",
    "back": "One step back",
    "forward": "One step forward",
    "speed": "Speed",
    "pick": "Click, or use the arrow keys, to pick",
    "keys": "Keys",
    "close": "Close",
    "key_step": "One step back, one step forward",
    "key_stop": "To the stop before, to the next one; without stops, by a tenth of the way",
    "key_end": "To the beginning, to the end",
    "key_play": "Play or pause",
    "key_keys": "This list",
    "key_cover": "Cover what is shown, or uncover it",
    "key_leave": "Back",
    "stage": "Stage view",
    "all": "All panels that fit",
    "alone": "This panel alone",
    "away": "Take this panel off the stage",
    "uncover": "Press to see",
    "describe": "In words and numbers",
    "say_now": "At {symbol} = {t}:",
    "say_points": (
        "{n} points: mean ({x}, {y}), standard deviation ({sx}, {sy}); {share} % of them in the frame, {low} to {high}."
    ),
    "say_picked": "Picked: point {i}, at ({x}, {y}).",
    "say_pictures": (
        "{n} pictures of {height} × {width}: mean {mean}, standard deviation {sd}; {low} is black, {high} is white."
    ),
    "say_pixel": "Picked: element {i}, value {value}.",
    "say_histogram": "{n} values: mean {mean}, standard deviation {sd}; the highest bar, {peak}, at {at}.",
    "say_mark": "The upright line at {value}.",
    "say_curve": "{label}: highest at {at}, on an axis from {low} to {high}.",
    "say_value": "{label}: {value}.",
    "say_lit": "At work: {parts}.",
    "say_rest": "At rest: {parts}.",
    "say_equals": "equals",
    "say_plus": "plus",
    "say_minus": "minus",
    "say_times": "times",
    "say_divided": "divided by",
    "say_give": "plus or minus",
    "say_star": "asterisk",
    "say_given": "given",
    "say_negative": "negative",
    "say_bar": "{base} bar",
    "say_tilde": "{base} tilde",
    "say_hat": "{base} hat",
    "say_sub": "{base} sub {index}",
    "say_power": "{base} to the power {power}",
    "say_squared": "{base} squared",
    "say_over": "the fraction {top} over {bottom}, end of fraction",
    "say_root": "the root of {inside}, end of root",
}
REQUIRED_LABELS = tuple(LABELS)


@dataclass(frozen=True)
class View:
    """How a picture is shown.

    Attributes:
        stage: over the whole window, not on the page.
        panels: which ones then, by number; none: those that fit.
        cover: covered until they are asked for.
        stops: positions where a play halts.
    """

    stage: bool = False
    panels: tuple[int, ...] = ()
    cover: bool = False
    stops: tuple[int, ...] = ()


@dataclass(frozen=True)
class Place:
    """What of a picture is shown first: the position, what is picked, where the handles lie; and how.

    Another ``jump`` than before asks the browser to move there. ``names`` are the parameters of the URL that say where
    a hand left it.
    """

    position: int = 0
    pick: int | None = None
    handles: Mapping[str, float] = field(default_factory=dict)
    view: View = field(default_factory=View)
    jump: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Beside:
    """What stands beside a picture: another one's blob, and what the head says of both."""

    blob: bytes
    head: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Picture:
    """A timeline, packed: all that the browser needs of it, wherever it stands.

    Attributes:
        positions: the t of the slider's places.
        blob: a safetensors blob.
        pick: what is picked first, where nothing else is.
        picks: how many things can be picked.
        panels: how many there are.
        beside: the picture that it is compared with (see `pair`), if it is.
    """

    positions: tuple[float, ...]
    blob: bytes
    pick: int
    picks: int
    panels: int
    beside: Beside | None = None

    def at(self, key: str, place: Place) -> bytes:
        """What is sent: the length of a head, the head in JSON, the blob, and that of what stands beside.

        Raises:
            BadInput: there is nothing with that number to be picked.
        """
        pick = self.pick if place.pick is None else place.pick
        if not 0 <= pick < self.picks:
            raise BadInput("pick must lie in 0..{most}; got {got}.", most=self.picks - 1, got=pick)
        said = {"key": key, **vars(place), "view": vars(place.view), "pick": pick}
        head = json.dumps(said | ({"beside": self.beside.head} if self.beside else {})).encode()
        blob = self.blob + self.beside.blob if self.beside else self.blob
        return len(head).to_bytes(4, "little") + head + blob


def pack(
    positions: Sequence[float],
    tracks: Mapping[str, Track],
    panels: Sequence[Panel],
    labels: Mapping[str, str],
    *,
    autoplay: bool = False,
) -> Picture:
    """A timeline as one safetensors blob.

    Args:
        positions: the t of the slider's places in playing order: range(T + 1), or a reverse chain (1000, 980, ...).
            They may be values of another quantity, whose symbol then is the last word of the label "timestep".
        tracks, panels: what is shown.
        labels: LABELS in the reader's language.
        autoplay: play as soon as it is there.

    Raises:
        BadInput: something does not fit.
    """
    places = tuple(_number(value) for value in positions)
    if not places:
        raise BadInput("positions must hold at least one t; got none.")
    if not panels:
        raise BadInput("panels must hold at least one panel; got none.")
    for name in REQUIRED_LABELS:
        if not labels.get(name):
            raise BadInput("labels must have {name!r}.", name=name)
    kind = _kind(panels)
    writer = Writer(len(places), tracks, kind)
    for name in tracks:
        writer.track(name)
    specs = [panel.pack(writer, f"panel.{i}") for i, panel in enumerate(panels)]
    pick, count = _offered(panels, writer)
    spec = {
        "positions": list(places),
        "labels": {name: labels[name] for name in REQUIRED_LABELS},
        "tracks": writer.tracks,
        "panels": specs,
        "pick_kind": kind,
        "pick_count": count,
        "autoplay": autoplay,
        "ramps": DENSITY,
    }
    blob = save(writer.arrays, metadata={"spec": json.dumps(spec, ensure_ascii=False)})
    return Picture(places, blob, pick, picks=count, panels=len(specs))


def _kind(panels: Sequence[Panel]) -> PickKind | None:
    """What a click picks: an element of pictures, else a point; nothing where nobody asks what is picked."""
    offered = {panel.offers for panel in panels if any(other.asks for other in panels)}
    return "element" if "element" in offered else "point" if "point" in offered else None


def _offered(panels: Sequence[Panel], writer: Writer) -> tuple[int, int]:
    """What is picked first, and how many things can be."""
    for panel in panels:
        if panel.offers == writer.kind and (count := panel.picks(writer)) is not None:
            return panel.first, count
    return 0, 1


def _number(value: float) -> float:
    """A whole number as an int, any other rounded to what a reader is shown."""
    return int(value) if float(value).is_integer() else round(float(value), 6)
