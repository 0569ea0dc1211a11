"""Lesson: what a noising step does, and when the result is noise."""

import streamlit as st

from diffusion_core.claims.forward import IS_NOISE, ONE_STEP, VARIANCE_MAP, OneStep, WholeWay
from pages.add_noise import figures, recipe
from pages.add_noise.questions import QUESTIONS
from pages.shared import controls, lesson
from pages.shared.beside import Axis
from pages.shared.checks import Checked
from pages.shared.i18n import _
from pages.shared.scenes import data_names, pick_scene, schedule_names, schedule_of

with lesson.open_page("add_noise") as page:
    with page.controls(3, 3) as (left, right):
        with page.more():
            T = controls.integer("T", "T", 1000, low=1, high=4000)
            seed = controls.seed()
        with left:
            scene = pick_scene(list(data_names()), "digits", seed)
        with right:
            name = controls.choice("schedule", _("Schedule"), schedule_names(), "linear")
    page.compares(schedule=Axis(_("Schedule"), schedule_names(), name))
    schedule = schedule_of(name, T)
    if controls.changed("data", scene.name) and scene.own:
        controls.keep("t", T // 4, T // 4)  # a picture of one's own opens where it can be seen

    with page.above():
        if warning := figures.not_noise_yet(scene, name, schedule):
            st.warning(warning, icon=":material/warning:")
    page.timeline(
        figures.picture(scene, schedule, seed),
        t=T // 4,
        other=lambda _name, value: figures.picture(scene, schedule_of(value, T), seed),
    )

    page.predict(QUESTIONS)
    page.section(
        "step",
        _("One step"),
        lambda: lesson.timeline(figures.one_step(scene, seed), key="one_step", name="b", t=0.3),
        unfolded=True,
        asks=["b"],
    )
    page.section("formula", _("The formula"), unfolded=True)
    page.reading()
    page.section("schedules", _("Schedules side by side"), lambda: figures.schedules(scene, name, T))
    page.check(
        lambda: [
            Checked(ONE_STEP, OneStep(schedule, max(1, page.t))),
            Checked(IS_NOISE, WholeWay(schedule)),
            Checked(VARIANCE_MAP, WholeWay(schedule, n=2_000)),
        ]
    )
    page.code(
        recipe, lambda: {"data": scene.name, "word": scene.word, "schedule": name, "T": T, "seed": seed, "t": page.t}
    )
