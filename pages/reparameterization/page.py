"""Lesson: z = mu + sigma eps, what it does for a gradient, and why DDPM's training can do without."""

from diffusion_core.claims import reparameterization as claims
from pages.reparameterization import figures, recipe
from pages.reparameterization.figures import FAR, MU, SIGMA
from pages.reparameterization.questions import QUESTIONS
from pages.shared import controls, lesson
from pages.shared.checks import Checked
from pages.shared.i18n import _
from pages.shared.typography import significant

with lesson.open_page("reparameterization") as page:
    with page.controls(6) as (left,):
        with page.more():
            seed = controls.seed()
        with left:
            page.held("mu", "μ", MU, low=-FAR, high=FAR)
    page.timeline(figures.picture(seed), name="sigma", t=SIGMA, handles={"mu": MU})

    page.predict(QUESTIONS)
    page.section("formula", _("The formula"), unfolded=True)
    page.reading()
    page.section(
        "noisier",
        _("Which of the two is noisier?"),
        lambda: figures.noisier(page.at("mu"), page.at("sigma")),
        follows=True,
    )
    page.section("used", _("Where is it used?"), lambda: figures.used(seed))

    def checks() -> list[Checked]:
        """At the mu and sigma of the picture."""
        here = claims.Draw(page.at("mu"), page.at("sigma"))
        pathwise, score = recipe.variances(here.mu, here.sigma)["z^2"]
        note = _("At μ = {mu}, σ = {sigma} the ratio of the variances is {ratio}.").format(
            mu=significant(here.mu), sigma=significant(here.sigma), ratio=significant(score / pathwise)
        )
        return [
            Checked(claims.DRAW, here),
            Checked(claims.FLOW, here),
            Checked(claims.UNBIASED, claims.Draw(here.mu, here.sigma, n=100_000)),
            Checked(claims.VARIANCES, here, note),
            Checked(claims.NOISIER),
            Checked(claims.DETACH),
        ]

    page.check(checks)
    page.code(recipe, lambda: {"mu": page.at("mu"), "sigma": page.at("sigma"), "seed": seed})
