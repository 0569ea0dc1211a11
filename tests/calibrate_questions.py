"""``python -m tests.calibrate_questions``: how often each question takes the truth, and refuses and names its mistakes.

Over 200 seeds. An answer is what a careful hand gives: the truth, or what a mistake leads to, with an error of up to a
half of what counts as right. Wanted: truth taken in 99.9 %, mistakes refused in 99 %, and named in 95 % of the cases.
"""

from typing import Any

import numpy as np

from pages.shared.questions.bank import bank
from pages.shared.questions.forms import Answer, Asked, Choice, Form

__all__ = ["jittered", "marked"]

SEEDS = 200
WANTED = (0.999, 0.99, 0.95)


def jittered(form: Form, answer: Answer, rng: np.random.Generator) -> Any:
    """An answer as a careful hand gives it, as JSON has it."""
    if isinstance(form, Choice):
        return answer
    within: float = form.within  # type: ignore[attr-defined]
    values = np.asarray(answer, dtype=float)
    error = 0.5 * within * rng.uniform(-1, 1, values.shape) / np.sqrt(max(1, values.size if values.size == 2 else 1))
    return (values + error).tolist()


def marked(asked: Asked, rng: np.random.Generator) -> tuple[bool, list[bool], list[bool]]:
    """Whether the truth is taken; whether each mistake is refused, and named."""
    form = asked.form
    verdicts = [form.mark(jittered(form, one.answer, rng)) for one in form.mistakes]
    taken = form.mark(jittered(form, form.truth, rng)).right
    named = [found.mistake is one for found, one in zip(verdicts, form.mistakes, strict=True)]
    return taken, [not found.right for found in verdicts], named


def main() -> None:
    """Prints a line a question; exit status 1 where less is reached than wanted."""
    failed = False
    for lesson, questions in bank().items():
        for one in questions:
            found = [marked(one.make(seed), np.random.default_rng(seed)) for seed in range(SEEDS)]
            shares = (
                float(np.mean([taken for taken, _refused, _named in found])),
                float(np.mean([all(refused) for _taken, refused, _named in found])),
                float(np.mean([all(named) for _taken, _refused, named in found])),
            )
            failed |= any(share < wanted for share, wanted in zip(shares, WANTED, strict=True))
            print(f"{lesson:18} {one.name:12} truth {shares[0]:.1%}, refused {shares[1]:.1%}, named {shares[2]:.1%}")
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
