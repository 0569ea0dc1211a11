"""Statement E0: the picture that the article opens with, four ways to generate."""

from diffusion_core.claims import four_ways
from diffusion_core.claims.check import Entry

__all__ = ["PICTURE"]

PICTURE = (
    Entry(
        "E0",
        "(The first picture:) GAN: adversarial training; VAE: maximize variational lower bound; flow: invertible "
        "transform of distributions; diffusion: gradually add Gaussian noise and then reverse.",
        "loose",
        "All four lines are right. Left open: a discriminator is shown x or x′, not both, and a GAN, whose G may fold, "
        "has no density by a change of variables. A VAE’s bound has a gap, and its x′ is a sample only with the "
        "decoder’s noise. A flow’s z has as many numbers as x, drawn smaller though it is, and its ln q is exact. "
        "Diffusion has a density, too, by its ODE: that of infinitely many steps.",
        claims=four_ways.CLAIMS,
    ),
)
