"""The ledger: each claim with its check and its wrong variants, a file a section of the article."""

from diffusion_core.claims import (
    anatomy,
    autoencoder,
    closed_form,
    forward,
    guidance,
    latent,
    network,
    posterior,
    reparameterization,
    reverse,
    spacing,
    text,
    variance,
)
from diffusion_core.claims.check import Claim, Entry, Light, Outcome, Trial
from diffusion_core.claims.ledger import SECTIONS

__all__ = ["ALL", "SECTIONS", "Claim", "Entry", "Light", "Outcome", "Trial"]

ALL: tuple[Claim, ...] = (
    *forward.CLAIMS,
    *reparameterization.CLAIMS,
    *closed_form.CLAIMS,
    *posterior.CLAIMS,
    *reverse.CLAIMS,
    *variance.CLAIMS,
    network.VARIANCE,
    *spacing.CLAIMS,
    *network.CLAIMS,
    *anatomy.CLAIMS,
    *latent.CLAIMS,
    *autoencoder.CLAIMS,
    *text.CLAIMS,
    *guidance.CLAIMS,
)
"""The claims that the lessons check."""
