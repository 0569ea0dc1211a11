"""Small pictures side by side as HTML that wraps on a phone: for what does not vary with t. Nothing here calls st.*."""

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

__all__ = ["Tile", "png", "sheet"]

Tile = tuple[str, np.ndarray, str, Sequence[str]]
"""Head, picture (H, W, 3) uint8, what a reader who cannot see it is told, and lines below (HTML)."""


def png(picture: np.ndarray) -> str:
    """A picture as a data URL."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def sheet(tiles: Sequence[Tile], least: int, most: int) -> str:
    """Tiles in a row, each ``least`` to ``most`` pixels wide; they wrap where the row is full."""
    columns = f"grid-template-columns:repeat(auto-fit,minmax({least}px,1fr))"
    body = "".join(
        f'<div style="max-width:{most}px"><div style="font-weight:600">{html.escape(head)}</div>'
        f'<img src="{png(picture)}" alt="{html.escape(alt)}" '
        'style="width:100%;image-rendering:pixelated;border-radius:.3rem;display:block;margin:.25rem 0 .4rem">'
        + "".join(f"<div>{line}</div>" for line in lines)
        + "</div>"
        for head, picture, alt, lines in tiles
    )
    return f'<div style="display:grid;{columns};gap:1rem 1.1rem;line-height:1.5">{body}</div>'
