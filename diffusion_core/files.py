"""Where the files are that come with the project: data, trained networks, prose, the timeline's JavaScript."""

from pathlib import Path

__all__ = ["ASSETS", "DATA", "MODELS"]

ASSETS = Path(__file__).resolve().parents[1] / "assets"
DATA = ASSETS / "data"
MODELS = ASSETS / "models"
"""The shipped networks; README.md there says how each was made."""
