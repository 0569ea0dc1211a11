"""Questions on a page: a reader predicts, is told what is true, and sees both beside each other."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from diffusion_core.errors import BadInput
from diffusion_core.files import ASSETS
from pages.shared import controls
from pages.shared.i18n import _, explain
from pages.shared.questions.forms import Asked, Question, Say, Verdict
from pages.shared.timeline.modules import join_modules
from pages.shared.typography import typeset

__all__ = ["draw"]

FILES = ASSETS / "questions"
LABELS = {
    "answer": "Answer",
    "draw": "Draw the curve: with a finger, a mouse, or the arrow keys",
    "drag": "Drag the point to its place: with a finger, a mouse, or the arrow keys",
    "option": "Picture",
    "number": "Your number",
    "yours": "your answer",
    "true": "true",
}

_pad = st.components.v2.component(
    "question",
    css=(FILES / "question.css").read_text(encoding="utf-8"),
    js=join_modules(FILES / "question.js"),
)


def said(say: Say) -> str:
    """A sentence in the reader's language."""
    facts = {name: said(fact) if isinstance(fact, Say) else fact for name, fact in say.facts.items()}
    return _(say.template).format(**facts)


def plain(text: str) -> str:
    """A sentence as Markdown: its symbols as mathematics, its stars as stars."""
    return typeset(text).replace("*", r"\*")


def draw(questions: Sequence[Question]) -> None:
    """One of the questions, chosen by its number, with numbers that a press makes anew."""
    names = {one.name: str(k + 1) for k, one in enumerate(questions)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = controls.choice("ask", _("Question"), names, questions[0].name, pills=True)
        seed = controls.dice("try", label=_("Other numbers (seed {seed})"))
    asked = next(one for one in questions if one.name == name).make(seed)
    st.markdown(f"**{plain(said(asked.says))}**")
    verdict(asked, pad(asked, f"question_{name}_{seed}"))


def pad(asked: Asked, key: str) -> Any:
    """Where it is answered; returns the answer, None until there is one. It is kept while the page is."""
    answer = (st.session_state.get(key) or {}).get("answer")
    given = answer["answer"] if answer else None
    data = {
        "says": said(asked.says),
        "form": spoken(asked.form.spec()),
        "answer": given,
        "revealed": None if given is None else asked.form.revealed(),
        "labels": {name: _(label) for name, label in LABELS.items()},
    }
    _pad(key=key, data=data, default={"answer": None}, on_answer_change=lambda: None)
    return given


def spoken(spec: dict[str, Any]) -> dict[str, Any]:
    """A form as it is sent, its sentences in the reader's language."""
    if spec["kind"] == "choice":
        spec["options"] = [said(one) if isinstance(one, Say) else one for one in spec["options"]]
    for sketch in [spec.get("shown"), *spec.get("options", [])]:
        if isinstance(sketch, dict):
            for one in [*sketch["curves"], *sketch["points"]]:
                name = one["name"]
                one["name"] = _(name) if name else ""
    return spec


def verdict(asked: Asked, answer: Any) -> None:
    """What becomes of it: right or not, which mistake it was, what is true and why."""
    if answer is None:
        return
    try:
        found = asked.form.mark(answer)
    except BadInput as error:
        st.warning(explain(error))
        return
    told = st.success if found.right else st.info
    told(
        plain(f"{judged(found)} {said(asked.because)}"),
        icon=":material/check:" if found.right else ":material/lightbulb:",
    )


def judged(found: Verdict) -> str:
    """Right, or not; and the mistake, where it is known."""
    if found.right:
        return _("Right.")
    return _("Not this time: {why}").format(why=said(found.mistake.says)) if found.mistake else _("Not this time.")
