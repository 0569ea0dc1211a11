"""What a person takes away from a run: an animation (GIF, by Matplotlib) and every stored number (.npz)."""

import io
from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from pages.sampling import networks
from pages.sampling.figures import count
from pages.sampling.runs import Run, Settings, chain_of
from pages.shared import denoiser_run
from pages.shared.denoiser_run import View
from pages.shared.i18n import _
from pages.shared.palette import COLORS

__all__ = ["gif", "npz", "offer", "today"]

MOST_FRAMES = 60


def offer(run: Run, own: View | None) -> None:
    """Buttons; what they give is made when one is pressed."""
    scene, chain = run.scene, chain_of(run, count(run))
    picture_size = (scene.height, scene.width) if scene.kind == "images" else None
    with st.container(horizontal=True):
        st.download_button(
            _("Animation (GIF)"),
            lambda: gif(chain.x, chain.positions, picture_size),
            "chain.gif",
            "image/gif",
            icon=":material/movie:",
            on_click="ignore",
        )
        st.download_button(
            _("All the numbers (.npz)"),
            lambda: npz(chain.arrays()),
            "chain.npz",
            "application/octet-stream",
            icon=":material/data_array:",
            on_click="ignore",
        )
        if own:
            st.download_button(
                _("The network (.safetensors)"),
                partial(denoiser_run.write, own, "network"),
                "network.safetensors",
                icon=":material/download:",
                on_click="ignore",
            )


def today(run: Run) -> dict[str, str | int | float]:
    """The recipe's arguments that make this run: what is as in Settings goes unsaid."""
    chosen, scene, usual = run.settings, run.scene, Settings()
    said: dict[str, str | int | float] = {"data": scene.name, "seed": chosen.seed, "N": chosen.steps}
    if scene.name == "word":
        said["word"] = scene.word
    if run.network is None:
        said |= {"schedule": chosen.schedule, "T": chosen.T}
    else:
        shipped = networks.FILES.get(chosen.denoiser)
        said["file"] = shipped[scene.name].name if shipped else "network.safetensors"
    others = ("spacing", "sampler", "variance", "v", "eta", "label", "w")
    return said | {name: getattr(chosen, name) for name in others if getattr(chosen, name) != getattr(usual, name)}


def gif(x: np.ndarray, positions: tuple[int, ...], picture: tuple[int, int] | None) -> bytes:
    """An animated GIF of a chain: ``x`` is (P, n, d); ``picture`` is (height, width) where a sample is an image."""
    shown = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_FRAMES)).round().astype(int))
    figure = Figure(figsize=(4.4, 4.6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    if picture is None:
        axes.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
        cloud = axes.scatter(x[0][:, 0], x[0][:, 1], s=5, color=COLORS["x_t"], linewidths=0)
    else:
        image = axes.imshow(_tile(x[0], picture), cmap="gray", vmin=-1, vmax=1)

    canvas = FigureCanvasAgg(figure)
    frames = []
    for k in shown:
        if picture is None:
            cloud.set_offsets(x[k])
        else:
            image.set_data(_tile(x[k], picture))
        axes.set_title(f"t = {positions[k]}", fontsize=14)
        canvas.draw()
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("P", palette=Image.Palette.ADAPTIVE))
    buffer = io.BytesIO()
    waits = [80] * (len(frames) - 1) + [1500]  # ms; it rests on the last one
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=waits, loop=0)
    return buffer.getvalue()


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays by name, compressed."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # names, not options
    return buffer.getvalue()


def _tile(values: np.ndarray, picture: tuple[int, int], columns: int = 4) -> np.ndarray:
    """n pictures on one sheet."""
    height, width = picture
    rows = -(-len(values) // columns)
    sheet = np.full((rows * columns, height, width), -1.0, dtype=values.dtype)
    sheet[: len(values)] = values.reshape(-1, height, width)
    return sheet.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
