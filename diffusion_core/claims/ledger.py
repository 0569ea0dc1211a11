"""The ledger: the article's 43 statements in its own order, each with a verdict, what is right, and its claims.

The first, E0, is its picture of four ways to generate. A statement is quoted in the article's symbols. The verdict
judges the statement; the claims check what is right.
"""

from diffusion_core.claims.check import Entry
from diffusion_core.claims.entries import forward, learning, picture, reverse

__all__ = ["ENTRIES", "SECTIONS"]

SECTIONS: dict[str, tuple[Entry, ...]] = {
    "picture": picture.PICTURE,
    "forward": forward.FORWARD,
    "reparameterization": forward.REPARAMETERIZATION,
    "closed_form": forward.CLOSED_FORM,
    "reverse": reverse.REVERSE,
    "summary": reverse.SUMMARY,
    "training": learning.TRAINING,
    "latent": learning.LATENT,
    "absent": learning.ABSENT,
}

ENTRIES: tuple[Entry, ...] = tuple(entry for entries in SECTIONS.values() for entry in entries)
