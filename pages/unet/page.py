"""Lesson: the U-Net opened; its parts, what each makes of a noisy picture, where it looks, how it knows t and words."""

from functools import partial

import streamlit as st

from diffusion_core.claims import anatomy
from diffusion_core.claims.text import ATTENTION, Text
from pages.shared import controls, lesson, weights
from pages.shared.checks import Checked
from pages.shared.i18n import _
from pages.unet import choices, figures, recipe, runs
from pages.unet.questions import QUESTIONS

spoken = "text" if st.query_params.get("net") == "text" else "digits"
with lesson.open_page("unet", choices.prose(spoken)) as page:
    with page.controls(3, 3, 3) as columns:
        with columns[0]:
            net = choices.pick_net()
        with page.above():
            model = (weights.DIGITS if net == "digits" else weights.SHAPES).or_untrained()
        module = runs.net_of(model)
        with page.more():
            seed = controls.seed()
        asked = choices.pick(net, module, columns[1], columns[2], seed=seed)
        with page.more():
            head = choices.pick_head(asked.block, module)
    with page.above():
        coder = None if net == "digits" else weights.AUTOENCODER.or_untrained()
    page.timeline(figures.picture(asked, head, model, coder), key=f"unet_{net}", t=400)

    page.predict(QUESTIONS)
    page.section("formula", _("The formula"), unfolded=True)
    page.reading()
    page.section("parts", _("The parts"), partial(figures.parts, asked, model))
    page.section("time", _("How it knows t"), lambda: figures.time(model, page.t), follows=True)
    page.section("stable_diffusion", _("The real one, and this one"), figures.stable_diffusion)

    sized = anatomy.Sized(module.config, runs.SIDES[net])
    checks = [Checked(claim, sized) for claim in anatomy.CLAIMS]
    if net == "text":
        checks.append(Checked(ATTENTION, Text(model.network), key=(model.key,)))
    page.check(lambda: checks)
    page.code(recipe, lambda: runs.today(asked, model, coder))
