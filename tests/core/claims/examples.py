"""The first section of the ledger, and the same spoilt."""

from dataclasses import replace

from diffusion_core.claims import SECTIONS, AnyClaim, Entry
from diffusion_core.claims.forward import ORDER

FORWARD = SECTIONS["forward"]

SABOTAGED = replace(ORDER, truth=ORDER.mistakes["betas drawn anew, some twice"])

BLIND = replace(ORDER, mistakes={"no mistake at all": ORDER.truth})


def with_claim(claim: AnyClaim) -> dict[str, tuple[Entry, ...]]:
    """A ledger of one entry, E3, that has this claim."""
    return {"forward": (replace(FORWARD[2], claims=(claim,)),)}
