"""Where the files are that come with the project: data, trained networks, prose, the timeline's JavaScript.

An installed ``diffusion_core`` carries its data and networks inside; in the repository they lie beside it.
"""

from pathlib import Path

__all__ = ["ASSETS", "DATA", "MODELS"]

_INSIDE = Path(__file__).parent / "assets"
ASSETS = _INSIDE if _INSIDE.is_dir() else Path(__file__).resolve().parents[1] / "assets"
DATA = ASSETS / "data"
MODELS = ASSETS / "models"
"""The shipped networks; README.md there says how each was made."""
