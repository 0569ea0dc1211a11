"""The U of a network, its parts' shares, and what it is told of t, as Plotly figures. Nothing here calls Streamlit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from diffusion_core.nets.anatomy import Part
from pages.shared.figures import Translate, calm
from pages.shared.palette import COLORS

__all__ = ["Box", "layout", "shares", "skips", "time_embedding", "u_net"]

DOWN = 1.05  # from one resolution to the next
TALLEST = 0.75  # the height of a part at the full resolution
GAP = 0.22  # between two parts
PART_COLORS = {
    "attention": COLORS["x_t"],
    "words": COLORS["eps"],
    "embedding": COLORS["beta"],
    "residual": COLORS["x0"],
    "text": COLORS["mu_tilde"],
}


def color_of(name: str) -> str:
    """What a part is, by its name: its colour."""
    kind = name.rpartition("_")[2]
    if kind in ("attention", "words", "text"):
        return PART_COLORS[kind]
    if name in ("time", "label"):
        return PART_COLORS["embedding"]
    residual = name.startswith(("down", "middle", "up"))
    return PART_COLORS["residual"] if residual else COLORS["beta_tilde"]


# --- layout ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """A part and its place: the middle of it, how wide it is and how high."""

    part: Part
    x: float
    y: float
    wide: float
    high: float

    @property
    def corners(self) -> dict[str, float]:
        """As Plotly wants them."""
        x, y = self.wide / 2, self.high / 2
        return {"x0": self.x - x, "x1": self.x + x, "y0": self.y - y, "y1": self.y + y}


def layout(parts: Sequence[Part]) -> list[Box]:
    """The parts that have maps, from left to right as they work; below them the text's encoder, where there is one."""
    inner = [part for part in parts if len(part.shape) == 3 and part.name != "norm"]
    sides = sorted({part.shape[1] for part in inner}, reverse=True)
    boxes, left = [], 0.0
    for part in inner:
        channels, side, _width = part.shape
        wide = 0.25 + channels / 160
        y, high = -DOWN * sides.index(side), TALLEST * side / sides[0]
        boxes.append(Box(part, left + wide / 2, y, wide=wide, high=high))
        left += wide + GAP
    for part in parts:
        if part.name == "text":
            wide = left - GAP
            boxes.append(Box(part, wide / 2, -DOWN * (len(sides) - 1) - 0.85, wide=wide, high=0.3))
    return boxes


def skips(boxes: Sequence[Box]) -> Iterator[tuple[Box, float]]:
    """What crosses from the way down: the last part of each stage, and where the way up takes it in."""
    place = {box.part.name: box for box in boxes}
    for name, box in place.items():
        if name.startswith("down"):
            stage = name.removesuffix("_words").removesuffix("_attention")
            if name == next(stage + end for end in ("_words", "_attention", "") if stage + end in place):
                yield box, place[stage.replace("down", "up")].x


# --- the figures ----------------------------------------------------------------------------------------------------


def u_net(parts: Sequence[Part], chosen: str, _: Translate) -> go.Figure:
    """The U, from left to right as it works: a box a part, as high as its picture and as wide as its channels.

    The further down, the smaller the picture. Dashed lines are the skips; the chosen part has a frame. A text's encoder
    lies below, with an arrow to each part that looks at words.
    """
    figure, boxes = go.Figure(), layout(parts)
    inner = [box for box in boxes if box.part.name != "text"]
    text = next((box for box in boxes if box.part.name == "text"), None)
    width = inner[-1].x + inner[-1].wide / 2 + GAP
    _draw_parts(figure, inner, chosen, turned=text is not None)
    _draw_sides(figure, inner, at=width / 2, beside=-0.48 if text is None else 0.47)  # below the arrows come
    _draw_skips(figure, inner)
    if text:
        _draw_text(figure, text, inner, _)
    figure.add_scatter(
        x=[box.x for box in boxes],
        y=[box.y for box in boxes],
        text=[_said(box.part, _) for box in boxes],
        mode="markers",
        marker={"size": 28, "opacity": 0},
        hovertemplate="%{text}<extra></extra>",
    )
    figure.update_layout(showlegend=False)
    figure = calm(figure, 400 if text else 330, bottom=10)
    figure.update_xaxes(visible=False, range=[-0.2, width])
    floor = min(box.y for box in inner) - 0.6 if text is None else text.y - 0.2
    figure.update_yaxes(visible=False, range=[floor, 0.75])
    return figure.update_layout(hovermode="closest", margin_t=10)


def _said(part: Part, _: Translate) -> str:
    """What a tap on a part says."""
    return "<br>".join(
        (
            f"<b>{part.name}</b>",
            " × ".join(map(str, part.shape)),
            _("{n} parameters").format(n=f"{part.parameters:,}"),
            _("{n} multiply-adds").format(n=f"{part.multiply_adds:,}"),
        )
    )


def _draw_parts(figure: go.Figure, inner: Sequence[Box], chosen: str, *, turned: bool) -> None:
    """Boxes with their channels; ``turned`` numbers, where there are many boxes."""
    for box in inner:
        here = box.part.name == chosen
        frame = {"color": COLORS["x0_hat"] if here else "rgba(128,128,128,.5)", "width": 4 if here else 1}
        figure.add_shape(type="rect", **box.corners, line=frame, fillcolor=color_of(box.part.name), opacity=0.85)
        figure.add_annotation(
            x=box.x,
            y=box.y,
            text=str(box.part.shape[0]),
            showarrow=False,
            font_color="white",
            **({"textangle": -90} if turned else {}),
        )


def _draw_sides(figure: go.Figure, inner: Sequence[Box], *, at: float, beside: float) -> None:
    """How large the maps are, a line a resolution."""
    sides = sorted({box.part.shape[1] for box in inner}, reverse=True)
    for k, side in enumerate(sides):
        figure.add_annotation(x=at, y=-DOWN * k + beside * (k > 0), text=f"{side} × {side}", showarrow=False)


def _draw_skips(figure: go.Figure, inner: Sequence[Box]) -> None:
    for box, target in skips(inner):
        low = box.y + box.high / 2
        high = low + 0.14
        path = f"M {box.x} {low} L {box.x} {high} L {target} {high} L {target} {low}"
        figure.add_shape(type="path", path=path, line={"color": "gray", "dash": "dash", "width": 1.5})


def _draw_text(figure: go.Figure, text: Box, inner: Sequence[Box], _: Translate) -> None:
    """The encoder, and an arrow to each part that looks at words."""
    figure.add_shape(type="rect", **text.corners, line_width=0, fillcolor=color_of("text"), opacity=0.85)
    words = _("text encoder: {n} words, {k} numbers each").format(n=text.part.shape[0], k=text.part.shape[1])
    figure.add_annotation(x=text.x, y=text.y, text=words, showarrow=False, font_color="white")
    for box in inner:
        if box.part.name.endswith("_words"):
            arrow = {"x": box.x, "y": box.y - box.high / 2, "ax": box.x, "ay": text.y + text.high / 2}
            look = {"arrowcolor": color_of("text"), "arrowwidth": 2, "arrowhead": 2}
            figure.add_annotation(**arrow, axref="x", ayref="y", text="", **look)


def shares(parts: Sequence[Part], _: Translate) -> go.Figure:
    """Each part's share of the parameters and of the work, in percent, in the order in which they work."""
    figure = go.Figure()
    names = [part.name for part in parts]
    for label, color, values in (
        (_("parameters"), COLORS["beta_tilde"], [part.parameters for part in parts]),
        (_("multiply-adds"), COLORS["x_t"], [part.multiply_adds for part in parts]),
    ):
        figure.add_bar(
            y=names,
            x=[100 * value / sum(values) for value in values],
            customdata=[f"{value:,}" for value in values],
            name=label,
            orientation="h",
            marker_color=color,
            hovertemplate="%{x:.1f}% (%{customdata})",
        )
    figure.update_xaxes(title_text="%", ticksuffix="%")
    figure.update_yaxes(autorange="reversed")
    return calm(figure, 120 + 34 * len(names)).update_layout(bargap=0.25, hovermode="y unified")


def time_embedding(values: np.ndarray, timesteps: Sequence[int], title: str, t: int) -> go.Figure:
    """What a network is told of t: (features, timesteps) as a heat map, a line at t."""
    most = float(np.abs(values).max())
    figure = go.Figure(
        go.Heatmap(
            x=list(timesteps),
            z=values,
            zmin=-most,
            zmax=most,
            colorscale=[[0, "#0072B2"], [0.5, "#f4f1e8"], [1, "#B03A00"]],
            colorbar={"thickness": 12},
            hovertemplate="t = %{x}, %{y}: %{z:.3f}<extra></extra>",
        )
    )
    figure.add_vline(x=t, line={"color": "black", "width": 1.5})
    figure.update_xaxes(title_text="t")
    return calm(figure, 340, bottom=50, title=title).update_layout(hovermode="closest")
