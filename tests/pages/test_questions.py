"""The bank of questions: truth is taken, every listed mistake is refused and named, whatever the seed."""

from collections.abc import Iterator

import numpy as np
import pytest

from diffusion_core.errors import BadInput
from pages import LESSONS
from pages.shared.questions.bank import bank
from pages.shared.questions.forms import Asked, Curve, Form, Mistake, Number, Point, Question, Say, Sketch, told_apart
from tests.calibrate_questions import jittered, marked
from tests.pages.opening import open_page, words

SEEDS = 10  # `make calibrate` takes 200
ALL = [(lesson, one) for lesson, questions in bank().items() for one in questions]


@pytest.mark.parametrize(("lesson", "question"), ALL, ids=[f"{lesson}-{one.name}" for lesson, one in ALL])
def test_truth_is_taken_and_mistakes_are_named(lesson: str, question: Question) -> None:
    for seed in range(SEEDS):
        taken, refused, named = marked(question.make(seed), np.random.default_rng(seed))
        assert taken and all(refused) and all(named), f"{lesson}, {question.name}, seed {seed}"


def test_each_lesson_has_at_least_three_and_the_same_seed_gives_the_same() -> None:
    assert set(bank()) == {lesson.name for lesson in LESSONS} - {"ledger"}
    assert all(len(questions) >= 3 for questions in bank().values())
    for questions in bank().values():
        assert len({one.name for one in questions}) == len(questions)
        for one in questions:
            first, again, *others = (one.make(seed) for seed in (3, 3, 4, 5, 6, 7, 8))
            assert (first.says, first.form.spec()) == (again.says, again.form.spec())
            assert any((first.says, first.form.spec()) != (other.says, other.form.spec()) for other in others)


def test_no_question_tells_its_answer() -> None:
    for _lesson, one in ALL:
        asked = one.make(0)
        assert not {"option", "value", "curve", "point", "within", "truth"} & set(asked.form.spec())


BAD: list[tuple[Form, object]] = [
    (Number(0.5, 0.1, ()), "0.5"),
    (Number(0.5, 0.1, ()), float("nan")),
    (Number(0.5, 0.1, ()), True),
    (Number(0.5, 0.1, ()), None),
    (Point(Sketch((0, 1), (0, 1)), np.zeros(2), 0.1, ()), [1.0]),
    (Curve(Sketch((0, 1), (0, 1)), np.zeros(3), 0.1, ()), [1.0, 2.0, "x"]),
    (Curve(Sketch((0, 1), (0, 1)), np.zeros(3), 0.1, ()), {"0": 1}),
]


@pytest.mark.parametrize(("form", "answer"), BAD)
def test_what_is_no_answer_is_one_sentence(form: Form, answer: object) -> None:
    with pytest.raises(BadInput, match="An answer must be"):
        form.mark(answer)


def test_a_question_that_cannot_tell_is_no_question() -> None:
    near = Number(0.5, 0.1, (Mistake(Say("near"), 0.6),))
    assert not told_apart(near)
    assert told_apart(Number(0.5, 0.1, (Mistake(Say("far"), 0.8),)))
    with pytest.raises(BadInput, match="No question could be made of the seed 0"):
        Question("never", lambda _rng: Asked(Say(""), near, Say(""))).make(0)


def forms() -> Iterator[Form]:
    """One of each that has a place to miss."""
    yield Number(0.5, 0.1, ())
    yield Point(Sketch((0, 1), (0, 1)), np.array([0.2, 0.3]), 0.1, ())
    yield Curve(Sketch((0, 1), (0, 1)), np.linspace(0, 1, 41), 0.1, ())


def test_right_ends_where_it_says() -> None:
    rng = np.random.default_rng(0)
    for form in forms():
        assert form.mark(jittered(form, form.truth, rng)).right
        beyond = np.asarray(form.truth) + 1.05 * form.within  # type: ignore[attr-defined]
        assert not form.mark(beyond.tolist()).right


def test_an_answer_is_marked_on_the_page_and_the_mistake_is_named() -> None:
    asked = next(one for one in bank()["add_noise"] if one.name == "factor").make(3)
    url = {"ask": "factor", "try": "3"}
    app = open_page("add_noise", **url)
    (says,) = [one.value for one in app.markdown if "By which number" in one.value]
    assert str(asked.says.facts["a"]) in says
    for answer, sentence in ((asked.form.truth, "Right."), (asked.form.mistakes[0].answer, "share of the variance")):
        app.session_state["question_factor_3"] = {"answer": {"answer": float(answer), "at": 1}}
        app.run()
        assert not app.exception
        assert any(sentence in one.value for one in [*app.success, *app.info])
    app.session_state["question_factor_3"] = {"answer": {"answer": "nothing", "at": 2}}
    app.run()
    assert any("An answer must be a number" in one.value for one in app.warning)
    assert not app.exception and words(app)
