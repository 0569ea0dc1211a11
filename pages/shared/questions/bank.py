"""The bank: which lesson asks which questions."""

from importlib import import_module
from importlib.util import find_spec

from pages import LESSONS
from pages.shared.questions.forms import Question

__all__ = ["bank", "questions_of"]


def questions_of(lesson: str) -> tuple[Question, ...]:
    """Those of one lesson; none, where it has no ``questions.py``."""
    module = f"pages.{lesson}.questions"
    if find_spec(module) is None:
        return ()
    asked: tuple[Question, ...] = import_module(module).QUESTIONS
    return asked


def bank() -> dict[str, tuple[Question, ...]]:
    """All of them, by lesson."""
    return {lesson.name: asked for lesson in LESSONS if (asked := questions_of(lesson.name))}
