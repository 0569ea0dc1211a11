"""Two U-Nets, each part in its place: the real Stable Diffusion's and the miniature's. Nothing here calls Streamlit.

A row is a resolution: on the left the way down, on the right the way up, in the middle of the last row the bottom. A
stack is one unit, its parts in the order in which they work. Both U-Nets have the rows of the larger one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from diffusion_core.nets.anatomy import Part
from diffusion_core.nets.stable_diffusion import LATENT, TEXT, WIDTHS, Unit, units
from pages.shared.figures import FONT, Translate, calm
from pages.shared.palette import COLORS

__all__ = ["kinds", "legend", "overview", "table"]

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
MOST = {0: 4, 1: 4, 2: 4, 3: 1}  # parts in a stack, at each resolution; the middle has 5
MIDDLE = len(WIDTHS)


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


def _tops() -> list[float]:
    """Where each row begins, from above; a part is 1 high."""
    tops, y = [], -2.6
    for row in range(MIDDLE + 1):
        tops.append(y)
        y -= max(MOST.get(row, 5), 2) + 1.2
    return [*tops, y]


def _said(where: str, part: Part, other: Part | None, named: Mapping[str, str], _: Translate) -> str:
    """What a tap on a part says."""
    lines = [
        f"<b>{where} · {named[part.name]}</b>",
        times(part.shape),
        _("{n} parameters").format(n=f"{part.parameters:,}"),
        _("{n} multiply-adds").format(n=f"{part.multiply_adds:,}"),
    ]
    if other is not None:
        lines.append(_("its counterpart: {shape}").format(shape=times(other.shape)))
    return "<br>".join(lines)


def overview(
    shown: Sequence[Unit], others: Sequence[Unit], text: tuple[int, int], title: str, _: Translate
) -> go.Figure:
    """One U-Net; ``others`` is the one beside it, whose parts are named as counterparts, ``text`` (words, numbers)."""
    named, tops, figure = kinds(_), _tops(), go.Figure()
    counterparts: dict[tuple[str, int, str], Part] = {}
    for unit in others:
        for part in unit.parts:
            key = (unit.path, 0 if unit.path == "middle" else unit.level, part.name)
            counterparts.setdefault(key, part)
    shapes: list[dict[str, Any]] = []  # added all at once: one by one takes ten times as long
    x: list[float] = []
    y: list[float] = []
    said: list[str] = []
    taken: dict[tuple[str, int], int] = {}

    def box(left: float, top: float, wide: float, kind: str, says: str) -> None:
        corners = {"x0": left + 0.05, "x1": left + wide - 0.05, "y0": top - 0.92, "y1": top}
        shapes.append({"type": "rect", **corners, "line": {"width": 0}, "fillcolor": KIND_COLORS[kind]})
        x.append(left + wide / 2)
        y.append(top - 0.46)
        said.append(says)

    where = {"in": _("in"), "down": _("down"), "middle": _("middle"), "up": _("up"), "out": _("out")}
    sizes: dict[int, Part] = {}
    for unit in shown:
        middle = unit.path == "middle"
        row = MIDDLE if middle else unit.level
        parts = [part for part in unit.parts if part.name in KIND_COLORS]
        if parts[0].name in ("embedding", "text"):
            continue  # drawn at the top
        side = "down" if unit.path in ("in", "down") else "up"
        slot = taken.get((side, row), 1 if unit.path == "down" else 0)
        taken[side, row] = slot + 1
        left = {"down": float(slot), "up": RIGHT + slot}[side]
        if unit.path == "out":
            left = RIGHT + SLOTS - 1
        for k, part in enumerate(parts):
            other = counterparts.get((unit.path, 0 if middle else unit.level, part.name))
            place = SLOTS + 0.2 if middle else left
            level = "" if unit.path in ("in", "middle", "out") else f" {unit.level + 1}"
            box(
                place,
                tops[row] - k,
                GAP - 0.4 if middle else 1,
                part.name,
                _said(where[unit.path] + level, part, other, named, _),
            )
            if part.name == "residual":
                sizes.setdefault(row, part)
    embedding = next(part for unit in shown for part in unit.parts if part.name == "embedding")
    other = counterparts.get(("in", 0, "embedding"))
    box(0, 0, SLOTS, "embedding", _said("t", embedding, other, named, _))
    encoder = next((part for unit in shown for part in unit.parts if part.name == "text"), None)
    words = _("{n} words of {k} numbers").format(n=text[0], k=text[1])
    box(RIGHT, 0, SLOTS, "text", _said(_("text"), encoder, None, named, _) if encoder else f"<b>CLIP</b><br>{words}")
    for left, label in ((SLOTS / 2, f"t → {embedding.shape[0]}"), (RIGHT + SLOTS / 2, times(text))):
        figure.add_annotation(x=left, y=-0.46, text=label, showarrow=False, font_color="white")
    for row in range(MIDDLE + 1):
        middle = row == MIDDLE
        size = sizes.get(row)
        label = "—" if size is None else f"{size.shape[1]} × {size.shape[2]}<br><b>{size.shape[0]}</b>"
        at = SLOTS / 2 + 1 if middle else SLOTS + GAP / 2
        figure.add_annotation(
            x=at,
            y=tops[row] - (2.5 if middle else 0.62),
            yanchor="middle" if middle else "top",
            text=label,
            showarrow=False,
        )
        if size is not None and not middle:
            line = {"color": "gray", "dash": "dash", "width": 1.5}
            y0 = tops[row] - 0.46
            shapes.append({"type": "line", "x0": SLOTS, "x1": RIGHT, "y0": y0, "y1": y0, "line": line})
    figure.add_scatter(
        x=x, y=y, text=said, mode="markers", marker={"size": 16, "opacity": 0}, hovertemplate="%{text}<extra></extra>"
    )
    figure = calm(figure, 560, bottom=0)
    figure.update_layout(shapes=shapes, showlegend=False, hovermode="closest", margin={"l": 0, "r": 0, "t": 34})
    figure.update_layout(title={"text": title, "font": {"size": FONT + 1}, "x": 0.02})
    figure.update_xaxes(visible=False, range=[-0.1, RIGHT + SLOTS + 0.1], fixedrange=True)
    return figure.update_yaxes(visible=False, range=[tops[-1] + 0.8, 0.2], fixedrange=True)


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


def table(own: Sequence[Unit], latent: tuple[int, ...], text: tuple[int, int], _: Translate) -> str:
    """Block by block, both U-Nets, in Markdown."""
    real = units()
    rows = [
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
        (_("parameters"), lambda part: part.parameters),
        (_("multiply-adds"), lambda part: part.multiply_adds),
    ):
        rows.append((label, *(f"{sum(count(part) for unit in net for part in unit.parts):,}" for net in (real, own))))
    head = "| | Stable Diffusion 1 | " + _("The miniature") + " |\n|:--|:--|:--|\n"
    return head + "\n".join(f"|**{name}**|{a}|{b}|" for name, a, b in rows)
