"""Two U-Nets, each part in its place: the real Stable Diffusion's and the miniature's. Nothing here calls Streamlit.

A row is a resolution: on the left the way down, on the right the way up, in the middle of the last row the bottom. A
stack is one unit, its parts in the order in which they work. Both U-Nets have the rows of the larger one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import plotly.graph_objects as go

from diffusion_core.nets.anatomy import Part
from diffusion_core.nets.stable_diffusion import LATENT, TEXT, WIDTHS, Unit, units
from pages.shared.figures import Translate, calm
from pages.shared.palette import COLORS
from pages.shared.typography import table

__all__ = ["Box", "Net", "kinds", "layout", "legend", "overview", "side_by_side"]

KIND_COLORS = {
    "residual": COLORS["x0"],
    "attention": COLORS["x_t"],
    "words": COLORS["eps"],
    "mlp": COLORS["x0_hat"],
    "convolution": COLORS["beta_tilde"],
    "shrink": COLORS["beta_tilde"],
    "grow": COLORS["beta_tilde"],
    "embedding": COLORS["beta"],
    "text": COLORS["mu_tilde"],
}
SLOTS, GAP = 4, 2.4  # stacks on each way, and the room between the ways, in widths of a stack
RIGHT = SLOTS + GAP
MOST = {0: 4, 1: 4, 2: 4, 3: 1}  # parts in a stack, at each resolution
IN_THE_MIDDLE = 5
MIDDLE = len(WIDTHS)  # its row
HIGH, INSET = 0.92, 0.05  # a part as it is drawn: a little lower and narrower than its place
MARGIN = 0.2  # on both sides of the middle
HEAD, BETWEEN_ROWS = 2.6, 1.2  # room above the first row, and below each


def kinds(_: Translate) -> dict[str, str]:
    """What a part is, in words."""
    return {
        "residual": _("residual block"),
        "attention": _("attention to all places"),
        "words": _("attention to the words"),
        "mlp": _("each place by itself"),
        "convolution": _("convolution"),
        "shrink": _("half the side"),
        "grow": _("twice the side"),
        "embedding": _("embedding of t"),
        "text": _("text encoder"),
    }


def times(shape: Sequence[int]) -> str:
    """4 × 64 × 64."""
    return " × ".join(map(str, shape))


# --- layout ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Net:
    """A U-Net: what it is called, its units, and how many words of how many numbers it reads."""

    title: str
    units: Sequence[Unit]
    text: tuple[int, int]


@dataclass(frozen=True)
class Box:
    """A part in its place, ``wide`` stacks wide and 1 high.

    Attributes:
        left, top, wide: in widths of a stack, and in parts, upwards.
        kind: what it is, by a key of `kinds`.
        part: its numbers; None: those of CLIP, which are not counted here.
        other: its counterpart in the other network.
        path, level: where it stands in the U; "top": above it.
    """

    left: float
    top: float
    wide: float
    kind: str
    part: Part | None
    other: Part | None
    path: str
    level: int

    @property
    def row(self) -> int:
        """Its resolution; the middle is a row of its own."""
        return MIDDLE if self.path == "middle" else self.level


def tops() -> list[float]:
    """Where each row begins, from above, and where the last one ends; a part is 1 high."""
    found, y = [], -HEAD
    for row in range(MIDDLE + 1):
        found.append(y)
        y -= max(MOST.get(row, IN_THE_MIDDLE), 2) + BETWEEN_ROWS
    return [*found, y]


def counterparts(units: Sequence[Unit]) -> dict[tuple[str, int, str], Part]:
    """The first part of each kind at each place of a U-Net; the middle is one place, whatever its resolution."""
    found: dict[tuple[str, int, str], Part] = {}
    for unit in units:
        for part in unit.parts:
            found.setdefault((unit.path, 0 if unit.path == "middle" else unit.level, part.name), part)
    return found


def stacks(units: Sequence[Unit]) -> Iterator[tuple[Unit, float]]:
    """The units that stand in the U, each with the left edge of its stack: side by side in the order of their work."""
    taken: dict[tuple[bool, int], int] = {}
    for unit in units:
        if unit.parts[0].name in ("embedding", "text"):
            continue
        if unit.path == "middle":
            yield unit, SLOTS + MARGIN
            continue
        down = unit.path in ("in", "down")
        slot = taken.get((down, unit.level), 1 if unit.path == "down" else 0)
        taken[down, unit.level] = slot + 1
        left = slot if down else SLOTS - 1 if unit.path == "out" else slot
        yield unit, left if down else RIGHT + left


def layout(net: Net, beside: Net) -> list[Box]:
    """Every part of a network in its place; those of the one ``beside`` are named as counterparts."""
    known, top = counterparts(beside.units), tops()
    boxes = []
    for unit, left in stacks(net.units):
        level = 0 if unit.path == "middle" else unit.level
        row, wide = (MIDDLE, GAP - 2 * MARGIN) if unit.path == "middle" else (unit.level, 1.0)
        for k, part in enumerate(part for part in unit.parts if part.name in KIND_COLORS):
            other = known.get((unit.path, level, part.name))
            place = {"left": left, "top": top[row] - k, "wide": wide}
            boxes.append(Box(**place, kind=part.name, part=part, other=other, path=unit.path, level=unit.level))
    told = {part.name: part for unit in net.units for part in unit.parts if part.name in ("embedding", "text")}
    other = known.get(("in", 0, "embedding"))
    above = {"top": 0.0, "wide": float(SLOTS)}
    boxes.append(Box(left=0.0, **above, kind="embedding", part=told["embedding"], other=other, path="top", level=0))
    boxes.append(Box(left=RIGHT, **above, kind="text", part=told.get("text"), other=None, path="top", level=0))
    return boxes


# --- drawing --------------------------------------------------------------------------------------------------------


def overview(net: Net, beside: Net, _: Translate) -> go.Figure:
    """One U-Net; of each part a tap says its shape, its numbers, and the shape of its counterpart ``beside`` it."""
    figure, boxes, top = go.Figure(), layout(net, beside), tops()
    sizes = {box.row: box.part for box in reversed(boxes) if box.kind == "residual"}
    for box in boxes[-2:]:
        label = times(net.text) if box.kind == "text" or box.part is None else f"t → {box.part.shape[0]}"
        figure.add_annotation(x=box.left + box.wide / 2, y=-HIGH / 2, text=label, showarrow=False, font_color="white")
    for row in range(MIDDLE + 1):
        _draw_size(figure, sizes.get(row), row, top[row])
    figure.add_scatter(
        x=[box.left + box.wide / 2 for box in boxes],
        y=[box.top - HIGH / 2 for box in boxes],
        text=[_said(box, net.text, _) for box in boxes],
        mode="markers",
        marker={"size": 16, "opacity": 0},
        hovertemplate="%{text}<extra></extra>",
    )
    figure = calm(figure, 560, bottom=0, title=net.title)
    shapes = [*map(_rectangle, boxes), *(_skip(top[row]) for row in range(MIDDLE) if row in sizes)]
    # added all at once: one by one takes ten times as long
    figure.update_layout(shapes=shapes, showlegend=False, hovermode="closest", margin={"l": 0, "r": 0, "t": 34})
    figure.update_xaxes(visible=False, range=[-0.1, RIGHT + SLOTS + 0.1], fixedrange=True)
    return figure.update_yaxes(visible=False, range=[top[-1] + 0.8, 0.2], fixedrange=True)


def _rectangle(box: Box) -> dict[str, Any]:
    corners = {"x0": box.left + INSET, "x1": box.left + box.wide - INSET, "y0": box.top - HIGH, "y1": box.top}
    return {"type": "rect", **corners, "line": {"width": 0}, "fillcolor": KIND_COLORS[box.kind]}


def _skip(top: float) -> dict[str, Any]:
    """What crosses a row, from the way down to the way up."""
    y = top - HIGH / 2
    line = {"color": "gray", "dash": "dash", "width": 1.5}
    return {"type": "line", "x0": SLOTS, "x1": RIGHT, "y0": y, "y1": y, "line": line}


def _draw_size(figure: go.Figure, part: Part | None, row: int, top: float) -> None:
    """A row's side and its channels: below its skip, in the last row beside the middle."""
    middle = row == MIDDLE
    figure.add_annotation(
        x=SLOTS / 2 + 1 if middle else SLOTS + GAP / 2,
        y=top - (IN_THE_MIDDLE / 2 if middle else 0.62),
        yanchor="middle" if middle else "top",
        text="—" if part is None else f"{part.shape[1]} × {part.shape[2]}<br><b>{part.shape[0]}</b>",
        showarrow=False,
    )


def _said(box: Box, text: tuple[int, int], _: Translate) -> str:
    """What a tap on a part says."""
    if box.part is None:
        return "<b>CLIP</b><br>" + _("{n} words of {k} numbers").format(n=text[0], k=text[1])
    lines = [
        f"<b>{_where(box, _)} · {kinds(_)[box.kind]}</b>",
        times(box.part.shape),
        _("{n} parameters").format(n=f"{box.part.parameters:,}"),
        _("{n} multiply-adds").format(n=f"{box.part.multiply_adds:,}"),
    ]
    if box.other is not None:
        lines.append(_("its counterpart: {shape}").format(shape=times(box.other.shape)))
    return "<br>".join(lines)


def _where(box: Box, _: Translate) -> str:
    """Its place in words."""
    if box.path == "top":
        return "t" if box.kind == "embedding" else _("text")
    paths = {"in": _("in"), "down": _("down"), "middle": _("middle"), "up": _("up"), "out": _("out")}
    return paths[box.path] + (f" {box.level + 1}" if box.path in ("down", "up") else "")


def legend(_: Translate) -> str:
    """The key to the colours, as HTML that wraps on a phone."""
    named = kinds(_)
    keys = "".join(
        f'<span style="white-space:nowrap"><span style="color:{KIND_COLORS[kind]}">■</span> {named[kind]}</span>'
        for kind in ("residual", "attention", "words", "mlp", "convolution", "embedding", "text")
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:.3rem 1.4rem">{keys}</div>'


def _row(net: Sequence[Unit], path: str, level: int, _: Translate) -> str:
    """What stands at one resolution, or in the middle: its size, how many blocks, whether they attend."""
    found = [unit for unit in net if unit.path == path and (path == "middle" or unit.level == level)]
    if not found:
        return "—"
    parts = found[0].parts
    said = [times(parts[0].shape)]
    if path == "down":
        down, up = (
            sum(unit.path == way and unit.level == level and unit.parts[0].name == "residual" for unit in net)
            for way in ("down", "up")
        )
        said.append(_("blocks: {down} down, {up} up").format(down=down, up=up))
    if any(part.name == "words" for part in parts):
        said.append(_("attention"))
    return "; ".join(said)


def side_by_side(own: Sequence[Unit], latent: tuple[int, ...], text: tuple[int, int], _: Translate) -> str:
    """Block by block, both U-Nets, in Markdown."""
    real = units()
    rows: list[tuple[str, ...]] = [
        (_("latent"), times(LATENT), times(latent)),
        (
            _("words"),
            _("{shape}, from CLIP").format(shape=times(TEXT)),
            _("{shape}, from its own encoder").format(shape=times(text)),
        ),
        (_("embedding of t"), *(str(net[0].parts[0].shape[0]) for net in (real, own))),
    ]
    for level in range(len(WIDTHS)):
        rows.append((_("resolution {n}").format(n=level + 1), *(_row(net, "down", level, _) for net in (real, own))))
    rows.append((_("middle"), *(_row(net, "middle", 0, _) for net in (real, own))))
    for label, count in (
        (_("parameters"), attrgetter("parameters")),
        (_("multiply-adds"), attrgetter("multiply_adds")),
    ):
        rows.append((label, *(f"{sum(count(part) for unit in net for part in unit.parts):,}" for net in (real, own))))
    head = ("", "Stable Diffusion 1", _("The miniature"))
    return table(head, [(f"**{name}**", *said) for name, *said in rows], "lll")
