"""The lessons: their order, their sections, their claims. The only list of them; whoever needs one reads it here."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from diffusion_core.claims import (
    anatomy,
    autoencoder,
    closed_form,
    forward,
    four_ways,
    guidance,
    latent,
    loss,
    network,
    reparameterization,
    spacing,
    text,
)
from diffusion_core.claims.check import AnyClaim
from diffusion_core.claims.posterior import bayes, coefficients, from_noise, triples, without_x0
from diffusion_core.claims.reverse import copies, run, step
from diffusion_core.claims.variance import ddim_table, optimum, peaks, spreads

__all__ = ["ABOUT", "FOLDER", "LESSONS", "PAGES", "START", "Lesson", "neighbours", "sections"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Lesson:
    """A page: its folder and name in the URL, the section of the navigation, a Material icon, what it claims.

    ``minutes``: about how long its picture and its first sections take. One that is ``deep`` is not on the core path:
    it may be left out on a first walk.
    """

    name: str
    section: str
    icon: str
    claims: tuple[AnyClaim, ...] = ()
    minutes: int = 10
    deep: bool = False

    @property
    def page(self) -> Path:
        """The script of the page."""
        return FOLDER / self.name / "page.py"


POSTERIOR = (
    bayes.BAYES,
    triples.MARKOV,
    bayes.PROPORTIONAL,
    bayes.SQUARE,
    coefficients.PRECISION,
    coefficients.MEAN,
    triples.REGRESSION,
    from_noise.AMPLIFICATION,
    from_noise.FROM_NOISE,
    without_x0.CUBE,
    without_x0.MODES,
)
VARIANCE = (
    spreads.SPREADS,
    optimum.SAMPLES,
    optimum.ROUTES,
    optimum.BETWEEN_MODES,
    peaks.METRICS,
    ddim_table.TABLE_1,
    network.VARIANCE,
)
START = Lesson("start", "", "home")
LESSONS = (
    Lesson("add_noise", "Forward process", "blur_on", forward.CLAIMS, minutes=8),
    Lesson("closed_form", "Forward process", "fast_forward", closed_form.CLAIMS, minutes=8),
    Lesson("reparameterization", "Forward process", "casino", reparameterization.CLAIMS, minutes=10, deep=True),
    Lesson("posterior", "Reverse process", "join_inner", POSTERIOR, minutes=12),
    Lesson("training", "Reverse process", "school", network.CLAIMS, minutes=12),
    Lesson("loss", "Reverse process", "stacked_line_chart", loss.CLAIMS, minutes=15, deep=True),
    Lesson("sampling", "Reverse process", "auto_awesome", (step.STEP, run.LAW, copies.COPIES), minutes=10),
    Lesson("variance", "Reverse process", "balance", VARIANCE, minutes=15, deep=True),
    Lesson("spacing", "Reverse process", "stairs", spacing.CLAIMS, minutes=8, deep=True),
    Lesson("four_ways", "Beside diffusion", "alt_route", four_ways.CLAIMS, minutes=15, deep=True),
    Lesson("unet", "Stable Diffusion", "account_tree", anatomy.CLAIMS, minutes=12, deep=True),
    Lesson("latent", "Stable Diffusion", "compress", (*latent.CLAIMS, *autoencoder.CLAIMS), minutes=12, deep=True),
    Lesson("guidance", "Stable Diffusion", "chat", (*text.CLAIMS, *guidance.CLAIMS), minutes=12),
    Lesson("ledger", "Check everything", "fact_check", minutes=25, deep=True),
)
ABOUT = Lesson("about", "Check everything", "info")
PAGES = (START, *LESSONS, ABOUT)


def sections() -> Iterator[tuple[str, list[Lesson]]]:
    """The sections of the navigation, with their pages, in order."""
    for name in dict.fromkeys(page.section for page in PAGES):
        yield name, [page for page in PAGES if page.section == name]


def neighbours(name: str) -> tuple[Lesson | None, Lesson | None]:
    """The pages before and after one, on the way from the start through the lessons."""
    way = (START, *LESSONS)
    at = [page.name for page in way].index(name)
    return (way[at - 1] if at else None), (way[at + 1] if at + 1 < len(way) else None)
