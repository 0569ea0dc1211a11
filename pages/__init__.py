"""The lessons: their order, their sections, their claims. The only list of them; whoever needs one reads it here."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
from diffusion_core.claims.check import Claim

__all__ = ["FOLDER", "LESSONS", "PAGES", "START", "Lesson", "sections"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Lesson:
    """A page: its folder and name in the URL, the section of the navigation, a Material icon, what it claims."""

    name: str
    section: str
    icon: str
    claims: tuple[Claim, ...] = ()

    @property
    def page(self) -> Path:
        """The script of the page."""
        return FOLDER / self.name / "page.py"


START = Lesson("start", "", "home")
LESSONS = (
    Lesson("add_noise", "Forward process", "blur_on", tuple(forward.CLAIMS)),
    Lesson("reparameterization", "Forward process", "casino", tuple(reparameterization.CLAIMS)),
    Lesson("closed_form", "Forward process", "fast_forward", tuple(closed_form.CLAIMS)),
    Lesson("posterior", "Reverse process", "join_inner", tuple(posterior.CLAIMS)),
    Lesson("sampling", "Reverse process", "auto_awesome", tuple(reverse.CLAIMS)),
    Lesson("variance", "Reverse process", "balance", (*variance.CLAIMS, network.VARIANCE)),
    Lesson("spacing", "Reverse process", "stairs", spacing.CLAIMS),
    Lesson("training", "Learning", "school", tuple(network.CLAIMS)),
    Lesson("unet", "Learning", "account_tree", tuple(anatomy.CLAIMS)),
    Lesson("latent", "Stable Diffusion", "compress", (*latent.CLAIMS, *autoencoder.CLAIMS)),
    Lesson("guidance", "Stable Diffusion", "chat", (*text.CLAIMS, *guidance.CLAIMS)),
    Lesson("ledger", "Check everything", "fact_check"),
)
PAGES = (START, *LESSONS)


def sections() -> Iterator[tuple[str, list[Lesson]]]:
    """The sections of the navigation, with their pages, in order."""
    for name in dict.fromkeys(page.section for page in PAGES):
        yield name, [page for page in PAGES if page.section == name]
