"""Sections that fold: the URL says which are open, and what is folded is not computed."""

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Expander

from tests.pages.opening import open_page


def page() -> None:
    """Three sections, the last unfolded by itself; each says that it was computed."""
    import streamlit as st

    from pages.shared.sections import folded, note

    note()
    for name, unfolded in (("one", False), ("two", False), ("three", True)):
        with folded(name, name, unfolded) as shown:
            if shown:
                st.markdown(name)


def opened(raw: str | None = None) -> AppTest:
    app = AppTest.from_function(page, default_timeout=30)
    app.query_params["lang"] = "en"
    if raw is not None:
        app.query_params["open"] = raw
    return app.run()


def computed(app: AppTest) -> list[str]:
    assert not app.exception
    return [one.value for one in app.markdown]


def expanders(app: AppTest) -> list[Expander]:
    return [one for one in app.get("expander") if isinstance(one, Expander)]


def toggle(app: AppTest, name: str) -> AppTest:
    """Click the head of a section."""
    expander = next(one for one in expanders(app) if one.label == name)
    states = WidgetStates()
    states.widgets.add(id=expander.proto.id, bool_value=name not in computed(app))
    return app._run(states)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (None, ["three"]),
        ("one", ["one", "three"]),
        ("two,one", ["one", "two", "three"]),
        ("-three", []),
        ("one,-three", ["one"]),
        ("all", ["one", "two", "three"]),
        ("all,-two", ["one", "three"]),
        ("elsewhere", ["three"]),
    ],
)
def test_the_url_says_what_is_open_and_the_rest_is_not_computed(raw: str | None, shown: list[str]) -> None:
    app = opened(raw)
    assert computed(app) == shown
    assert not app.warning
    assert [one.proto.expanded for one in expanders(app)] == [name in shown for name in ("one", "two", "three")], (
        "what is computed is what is unfolded"
    )


@pytest.mark.parametrize("raw", ["one two", ",", "../etc", "one,", "--one", "a" * 50, "一"])
def test_a_bad_value_is_one_sentence_and_the_page_is_as_it_opens(raw: str) -> None:
    app = opened(raw)
    assert computed(app) == ["three"]
    (said,) = app.warning
    assert said.value.startswith(f"open in the URL is {raw[:40]!r}; it must be names of sections, with commas")


@pytest.mark.parametrize(
    ("raw", "clicks", "url", "shown"),
    [
        (None, ["one"], "one", ["one", "three"]),
        (None, ["one", "one"], None, ["three"]),
        (None, ["three"], "-three", []),
        (None, ["three", "three"], None, ["three"]),
        ("two", ["one"], "two,one", ["one", "two", "three"]),
        ("all", ["two"], "all,-two", ["one", "three"]),
        ("all,-two", ["two"], "all", ["one", "two", "three"]),
    ],
)
def test_a_click_folds_or_unfolds_and_the_url_follows(
    raw: str | None, clicks: list[str], url: str | None, shown: list[str]
) -> None:
    app = opened(raw)
    for name in clicks:
        app = toggle(app, name)
    assert computed(app) == shown
    assert app.query_params.get("open") == url


def test_a_lesson_computes_nothing_of_what_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedules side by side, a check, the code: drawn where they are asked for, and only there."""
    from pages.add_noise import figures
    from pages.shared import checks, take_away

    called: list[str] = []
    monkeypatch.setattr(figures, "schedules", lambda *_: called.append("schedules"))
    monkeypatch.setattr(checks, "_one", lambda one, *_: called.append(one.claim.key))
    monkeypatch.setattr(take_away, "code", lambda *_: called.append("code"))
    open_page("add_noise", lang="en")
    assert called == []
    open_page("add_noise", lang="en", open="schedules,E2,code")
    assert sorted(called) == ["E2", "code", "schedules"]
