"""Lesson: what knowing x_0 buys, prior times likelihood, line by line; and the step without x_0, no Gaussian."""

from diffusion_core.claims.posterior import bayes, coefficients, from_noise, triples, without_x0
from diffusion_core.claims.settings import Pair, Walk
from pages.posterior import figures, recipe, without
from pages.posterior.derivation import derivation
from pages.posterior.figures import FAR, X_0, X_T, look_back
from pages.posterior.questions import QUESTIONS
from pages.shared import controls, lesson
from pages.shared.beside import Axis
from pages.shared.checks import Checked
from pages.shared.i18n import _
from pages.shared.scenes import schedule_of, startable
from pages.shared.timeline import Picture
from pages.shared.typography import significant

with lesson.open_page("posterior") as page:
    with page.controls(3, 3) as (left, right):
        with page.more():
            T = controls.integer("T", "T", 1000, low=10, high=2000)
            page.held("x_0", "$x_0$", X_0, low=-FAR, high=FAR)
            page.held("x_t", "$x_t$", X_T, low=-FAR, high=FAR)
            seed = controls.seed()
        with left:
            stride = controls.integer("stride", _("Stride t − s"), min(100, T - 1), low=1, high=T - 1)
        with right:
            schedules = startable()
            name = controls.choice("schedule", _("Schedule"), schedules, "linear")
    strides = {str(one): str(one) for one in (1, 10, 100, 500) if one < T}
    page.compares(
        schedule=Axis(_("Schedule"), schedules, name), stride=Axis(_("Stride t − s"), strides, now=str(stride))
    )
    schedule = schedule_of(name, T)

    def other(what: str, value: str) -> Picture:
        """With another schedule, or another stride."""
        return figures.picture(*(schedule_of(value, T), stride) if what == "schedule" else (schedule, int(value)))

    page.timeline(figures.picture(schedule, stride), t=2 * T // 5, handles={"x_0": X_0, "x_t": X_T}, other=other)

    page.predict(QUESTIONS)
    page.section("formula", _("The formula"), unfolded=True)
    page.reading()
    page.section(
        "derivation",
        _("The article's derivation"),
        lambda: derivation(look_back(schedule, page.t, stride), page.at("x_0"), page.at("x_t")),
        follows=True,
    )
    page.section(
        "simulation",
        _("By simulation"),
        lambda: figures.simulation(
            schedule, look_back(schedule, page.t, stride), (page.at("x_0"), page.at("x_t")), seed
        ),
        follows=True,
    )
    page.section("without", _("Without $x_0$"), lambda: without.section(schedule, seed), asks=without.ASKS)

    def checks() -> list[Checked]:
        """At the picture's t and stride."""
        pair = look_back(schedule, page.t, stride)
        walk, one = Walk(schedule), Pair(schedule, pair.t, pair.s)
        needed, note = triples.draws_to_tell(pair), None
        if needed > one.n:
            note = _(
                "For this t and stride β and β̃ are so close that only {needed} draws would tell them apart; here are "
                "{n}. The identities above need none."
            ).format(needed=significant(needed), n=f"{one.n:,}")
        return [
            Checked(bayes.BAYES, one),
            Checked(triples.MARKOV, one),
            Checked(bayes.PROPORTIONAL, one),
            Checked(bayes.SQUARE, one),
            Checked(coefficients.PRECISION, walk),
            Checked(coefficients.MEAN, walk),
            Checked(triples.REGRESSION, one, note),
            Checked(from_noise.AMPLIFICATION, walk),
            Checked(from_noise.FROM_NOISE, walk),
            Checked(without_x0.CUBE),
            Checked(without_x0.MODES),
        ]

    page.check(checks)

    def today() -> dict[str, object]:
        """The settings at the picture's t."""
        pair = look_back(schedule, page.t, stride)
        held = {"x_0": page.at("x_0"), "x_t": page.at("x_t")}
        return {"schedule": name, "T": T, "t": pair.t, "s": pair.s, **held, "seed": seed}

    page.code(recipe, today)
