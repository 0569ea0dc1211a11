"""Lesson: why latents; a picture through the encoder to noise and back, what that costs, loses, and asks for."""

from functools import partial

from diffusion_core.claims import autoencoder, latent
from diffusion_core.data.captions import parse
from pages.latent import figures, recipe
from pages.latent.questions import QUESTIONS
from pages.shared import controls, lesson, prompts, weights
from pages.shared.checks import Checked
from pages.shared.i18n import _

with lesson.open_page("latent") as page:
    with page.controls(6) as (left,):
        with left:
            wanted = controls.text("prompt", _("A scene, in words"), recipe.PROMPT)
            prompt = prompts.or_default(wanted, parse, recipe.PROMPT)
        with page.more():
            steps = controls.integer("N", _("Steps N"), 25, low=2, high=50)
            seed = controls.seed()

    with page.above():
        net = weights.SHAPES.or_say(
            _("The network that reads text is not installed ({file} is missing): the way back is not shown.")
        )
        coder = weights.AUTOENCODER.or_say(
            _("The autoencoder is not installed ({file} is missing): no latents can be shown.")
        )
        picture = prompts.attempt(partial(figures.picture, prompt, seed, steps=steps, net=net, coder=coder))
    if picture:
        page.timeline(picture, t=300)

    page.predict(QUESTIONS)
    page.section("formula", _("The formula"), unfolded=True)
    page.reading()
    page.section("cost", _("What a step costs"), figures.cost)
    if coder:
        page.section("loss", _("What compression throws away"), partial(figures.loss, coder, seed))
    page.section("scale", _("Why latents are scaled"), partial(figures.scale, coder), asks=["s"])
    page.section("stable_diffusion", _("Stable Diffusion’s own numbers"), figures.stable_diffusion, asks=["lam"])

    claims = [*latent.CLAIMS, *(autoencoder.CLAIMS if coder else ())]
    page.check(lambda: [Checked(claim) for claim in claims])
    if coder:
        one_way = {} if net else {"there_and_back": False}
        page.code(recipe, lambda: {"prompt": prompt, "steps": steps, "seed": seed, **one_way})
