"""Lesson: text and guidance; a prompt, the chain in latents, what each word does, and how strongly."""

from functools import partial

from diffusion_core.claims import AnyClaim
from diffusion_core.claims import guidance as exact_claims
from diffusion_core.claims import text as claims
from pages.guidance import choices, exact, figures, reading, recipe, runs
from pages.guidance.questions import QUESTIONS
from pages.shared import lesson, prompts, weights
from pages.shared.checks import Checked
from pages.shared.i18n import _
from pages.shared.timeline import Picture

with lesson.open_page("guidance") as page:
    asked, chosen = choices.pick_settings(page)
    with page.more():
        own = choices.pick_own()

    with page.above():
        made = None if own else runs.shipped_run(asked, weights.SHAPES.key)
        model = own or (None if made else weights.SHAPES.or_untrained())
        coder = weights.AUTOENCODER.or_say(
            _("The decoder is not installed ({file} is missing): no picture can be made.")
        )
        if model and coder:
            made = prompts.attempt(partial(runs.run, asked, model, coder))

    def other(control: str, value: str) -> Picture:
        """With another scale, another sampler, or other steps."""
        asked_too = asked.but(control, value)
        ready = None if own else runs.shipped_run(asked_too, weights.SHAPES.key)
        assert coder is not None
        return figures.picture(
            ready or runs.run(asked_too, model or weights.SHAPES.or_untrained(), coder), asked_too.w, chosen
        )

    if made:
        page.compares(**choices.comparable(asked))
        page.timeline(figures.picture(made, asked.w, chosen), t=950, other=other)

    page.predict(QUESTIONS)
    page.section("formula", _("The formula"), unfolded=True)
    page.reading()
    if made:
        shipped = not own and (model is None or model.trained)
        page.section("read_back", _("Read back"), partial(reading.show_readings, made, asked.prompt, shipped))
        page.section(
            "scales", _("More and more guidance"), partial(reading.show_scales, asked, model, coder, shipped=shipped)
        )
    page.section("exact", _("Guidance with exact scores"), partial(exact.show, page), asks=["w_exact"])

    of_network: list[AnyClaim] = [claims.ATTENTION] if coder is None else [claims.CAPTION, claims.ATTENTION]
    key = model.key if model else weights.SHAPES.key
    checks = [Checked(claim, claims.Text(model.network) if model else None, key=(key,)) for claim in of_network]
    page.check(lambda: [*checks, *(Checked(claim) for claim in exact_claims.CLAIMS)])
    page.code(recipe, lambda: runs.today(asked, model, own is not None))
