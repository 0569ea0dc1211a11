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
    text,
    variance,
)
from diffusion_core.claims.check import Claim, Entry, Light, Outcome, Trial
from diffusion_core.claims.ledger import SECTIONS

__all__ = ["LESSONS", "SECTIONS", "Claim", "Entry", "Light", "Outcome", "Trial"]

# The claims that each lesson checks.
LESSONS: dict[str, tuple[Claim, ...]] = {
    "add_noise": tuple(forward.CLAIMS),
    "reparameterization": tuple(reparameterization.CLAIMS),
    "closed_form": tuple(closed_form.CLAIMS),
    "posterior": tuple(posterior.CLAIMS),
    "sampling": tuple(reverse.CLAIMS),
    "variance": (*variance.CLAIMS, network.VARIANCE),
    "training": tuple(network.CLAIMS),
    "unet": tuple(anatomy.CLAIMS),
    "latent": (*latent.CLAIMS, *autoencoder.CLAIMS),
    "guidance": (*text.CLAIMS, *guidance.CLAIMS),
}
