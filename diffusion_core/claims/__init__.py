"""The ledger: each claim with its check and its wrong variants, a file or a folder a section of the article."""

from diffusion_core.claims.check import AnyClaim, Claim, Entry, Light, Outcome, Trial
from diffusion_core.claims.ledger import SECTIONS

__all__ = ["SECTIONS", "AnyClaim", "Claim", "Entry", "Light", "Outcome", "Trial"]
