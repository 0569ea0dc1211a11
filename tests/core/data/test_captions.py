"""Captions are read as they are written, in other words too; what cannot be judged is one sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffusion_core.data.captions import (
    COLOURS,
    GROUNDS,
    PLACES,
    RELATIONS,
    SHAPES,
    SIZES,
    VOCABULARY,
    Caption,
    Thing,
    parse,
    words_of,
)
from diffusion_core.errors import BadInput

THINGS = st.builds(
    Thing, st.sampled_from(list(COLOURS)), st.sampled_from(SHAPES), st.none() | st.sampled_from(list(SIZES))
)
GROUND = st.none() | st.sampled_from(list(GROUNDS))
CAPTIONS = st.builds(Caption, st.tuples(THINGS), st.none() | st.sampled_from(list(PLACES)), GROUND) | st.builds(
    Caption, st.tuples(THINGS, THINGS), st.none() | st.sampled_from(list(RELATIONS)), GROUND
)


@given(CAPTIONS)
def test_a_caption_is_read_as_it_is_written(caption: Caption) -> None:
    assert parse(str(caption)) == caption
    assert set(words_of(str(caption))) <= set(VOCABULARY)


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        ("A BIG red disc, in the centre!", Caption((Thing("red", "circle", "large"),), "in the middle")),
        ("top left small violet ring", Caption((Thing("purple", "ring", "small"),), "at the top left")),
        ("blue star over green square", Caption((Thing("blue", "star"), Thing("green", "square")), "above")),
        ("a pink cross on black", Caption((Thing("pink", "cross"),), None, "dark")),
        ("an orange triangle and a red circle", Caption((Thing("orange", "triangle"), Thing("red", "circle")))),
    ],
)
def test_other_ways_to_say_it(prompt: str, caption: Caption) -> None:
    assert parse(prompt) == caption


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        (
            "a red zebra on the moon",
            "The prompt has words that the model never saw: zebra, moon. It knows these, in just this form: a, and",
        ),
        ("", "names one or two shapes; this one names 0"),
        ("red circle blue star green ring", "names one or two shapes; this one names 3"),
        ("a large circle", "the circle has none"),
    ],
)
def test_what_cannot_be_judged_is_one_sentence(prompt: str, sentence: str) -> None:
    with pytest.raises(BadInput) as error:
        parse(prompt)
    assert sentence in str(error.value) and str(error.value).count("\n") == 0


def test_a_long_unknown_prompt_is_a_short_sentence() -> None:
    with pytest.raises(BadInput) as error:
        words_of("x" * 10_000 + " " + " ".join(f"y{k}" for k in range(5000)))
    assert "y0, y1, y2, y3, …. It knows" in str(error.value) and len(str(error.value)) < 500
