"""What is kept by its fingerprint: different things never have the same one, and what cannot be told is refused."""

from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from diffusion_core import cosine, fixed_large, fixed_small, linear
from pages.shared.keeping import fingerprint, kept
from pages.shared.scenes import scene


@dataclass(frozen=True)
class Setting:
    """As claims have them."""

    t: int
    weights: torch.Tensor


@dataclass(frozen=True)
class Other:
    """The same fields under another name."""

    t: int
    weights: torch.Tensor


ONES = torch.ones(3)
DIFFERENT: dict[str, Any] = {
    "nothing": None,
    "no": False,
    "zero": 0,
    "zero with a point": 0.0,
    "zero as a text": "0",
    "zero as bytes": b"0",
    "nan": float("nan"),
    "a pair": (1, 2),
    "a pair the other way round": (2, 1),
    "a pair in a pair": ((1, 2),),
    "one text": ("1,2",),
    "two texts": ("1", "2"),
    "a mapping": {"a": 1, "b": 2},
    "the mapping with its values changed over": {"a": 2, "b": 1},
    "a tensor": ONES,
    "the tensor in double": ONES.double(),
    "the tensor standing up": ONES[:, None],
    "another tensor": torch.tensor([1, 1, 1 + 2e-7]),
    "whole numbers": torch.ones(3, dtype=torch.int32),
    "a schedule": linear(10),
    "a longer one": linear(11),
    "another one": cosine(10),
    "a setting": Setting(1, ONES),
    "the setting at another t": Setting(2, ONES),
    "the setting with other weights": Setting(1, 2 * ONES),
    "another kind of setting": Other(1, ONES),
    "a scene": scene("two_moons", "", 0),
    "the scene of another seed": scene("two_moons", "", 1),
    "another scene": scene("spiral", "", 0),
    "a function": fixed_small,
    "another function": fixed_large,
}


def test_different_things_have_different_fingerprints() -> None:
    for (one, a), (other, b) in combinations(DIFFERENT.items(), 2):
        assert fingerprint(a) != fingerprint(b), f"{one} and {other}"


def test_the_same_things_made_twice_have_the_same_fingerprint() -> None:
    setting = Setting(1, ONES)
    for one, other in (
        (linear(10), linear(10)),
        (setting, replace(setting, weights=torch.ones(3))),
        (ONES.numpy(), np.ones(3, np.float32)),
        (np.ones((2, 3)), np.asfortranarray(np.ones((2, 3)))),
        ((1, "a", None), (1, "a", None)),
        (scene("two_moons", "", 0), scene("two_moons", "", 0)),
    ):
        assert fingerprint(one) == fingerprint(other)


def closure(k: int) -> Any:
    def add(x: int) -> int:
        return x + k

    return add


@pytest.mark.parametrize(
    "untellable",
    [
        closure(1),
        lambda x: x,
        partial(closure, 1),
        object(),
        {1, 2},
        torch.Generator(),
        Setting,
        Setting(1, closure(2)),
    ],
    ids=["closure", "lambda", "partial", "object", "set", "generator", "class", "closure in a setting"],
)
def test_what_could_be_another_under_the_same_name_is_refused(untellable: Any) -> None:
    with pytest.raises(TypeError, match="cannot be told from another one; give what holds it a key"):
        fingerprint((1, untellable))


def test_a_key_of_its_own_is_taken_as_it_is() -> None:
    @dataclass(frozen=True)
    class Keyed:
        key: tuple[Any, ...]
        holds: Any

    assert fingerprint(Keyed((1,), closure(1))) == fingerprint(Keyed((1,), closure(2)))
    assert fingerprint(Keyed((1,), closure(1))) != fingerprint(Keyed((2,), closure(1)))


def test_an_answer_is_worked_out_once_for_the_same_question_and_shared() -> None:
    asked: list[tuple[Any, ...]] = []

    @kept
    def answer(schedule: Any, t: int, *, seed: int = 0) -> np.ndarray:
        asked.append((schedule.T, t, seed))
        return np.array([t, seed])

    first = answer(linear(10), 3)
    assert answer(linear(10), 3) is first
    assert asked == [(10, 3, 0)]
    answer(linear(11), 3)
    answer(linear(10), 4)
    answer(linear(10), 3, seed=1)
    assert asked == [(10, 3, 0), (11, 3, 0), (10, 4, 0), (10, 3, 1)]


def test_two_functions_with_the_same_question_have_an_answer_each() -> None:
    @kept
    def one(t: int) -> str:
        return f"one {t}"

    @kept
    def other(t: int) -> str:
        return f"other {t}"

    assert (one(7), other(7), one(7)) == ("one 7", "other 7", "one 7")


def test_each_language_has_an_answer_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = "en"
    monkeypatch.setattr("pages.shared.keeping.language", lambda: spoken)

    @kept
    def title(t: int) -> str:
        return f"{spoken} {t}"

    assert title(5) == "en 5"
    spoken = "zh"
    assert title(5) == "zh 5"


def test_what_is_wrong_is_not_kept() -> None:
    calls: list[int] = []

    @kept
    def failing(t: int) -> None:
        calls.append(t)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            failing(1)
    assert calls == [1, 1]
