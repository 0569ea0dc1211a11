"""The training lesson: a run is started, ends and is reset; the code that is shown trains the same network."""

import re
import time

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.denoiser_run import View, shipped
from pages.shared.trainer import State, the_trainer
from pages.shared.typography import significant
from tests.pages.opening import blobs, open_page, run_code, tracks, words

QUICK = {"data": "spiral", "T": "50", "steps": "40", "width": "8", "predicts": "x0", "schedule": "cosine"}


def press(app: AppTest, label: str) -> AppTest:
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception
    return app


def the(values: list[str] | str) -> str:
    """The one value of a parameter."""
    return values if isinstance(values, str) else values[0]


def trained(**url: str) -> AppTest:
    """The page, after a run of forty steps."""
    app = press(open_page("training", lang="en", **{**QUICK, **url}), "Train")
    assert app.query_params["run"]
    for _attempt in range(600):
        if "After 40 steps" in words(app):
            return app
        time.sleep(0.1)
        app.run()
    raise AssertionError("it took too long")


def test_a_run_ends_and_its_code_says_what_it_was() -> None:
    app = trained(open="code")
    assert "Spiral · cosine (Improved DDPM), T = 50 · predicts x₀ · width 8 · 40 steps" in words(app)
    for said in ("data='spiral'", "schedule='cosine'", "T=50", "predicts='x0'", "width=8", "steps=40"):
        assert said in app.code[-1].value
    press(app, "Reset")
    assert "After 8,000 steps" in words(app) and "run" not in app.query_params


def test_the_code_prints_the_pages_own_numbers() -> None:
    """The same network, bit for bit, on the same new draws."""
    app = trained(open="code")
    said = re.search(r"on new draws is ([\d.]+): \*\*([\d.]+)% above the floor ([\d.]+)\*\*", words(app))
    assert said
    *_before, last = run_code(app).splitlines()
    printed = re.fullmatch(r"step +40: loss ([\d.]+), ([\d.]+)% above the floor ([\d.]+)", last)
    assert printed
    for here, there, digits in zip(said.groups(), printed.groups(), (3, 2, 3), strict=True):
        assert here == significant(float(there), digits)
    other = run_code(open_page("training", lang="en", **QUICK, open="code", seed="1"))
    assert other.splitlines()[-1] != last


def test_the_buttons_are_those_of_what_the_run_is_doing(monkeypatch: pytest.MonkeyPatch) -> None:
    def labels(state: State) -> list[str]:
        view = View(
            "0123456789ab", data=shipped().data, config=shipped().config, schedule=shipped().schedule, state=state
        )
        monkeypatch.setattr(the_trainer(), "view", lambda id, kind: view if id else None)
        app = open_page("training", lang="en", run="0123456789ab")
        return [one.label for one in app.button if one.icon.removeprefix(":material/") != "casino:"]

    assert labels("waiting") == ["Stop", "Reset"]
    assert labels("running") == ["Pause", "Stop", "Reset"]
    assert labels("paused") == ["Train", "Resume", "Stop", "Reset"]
    assert labels("done") == ["Train", "Reset"]


def test_pictures_are_made_once_for_a_milestone(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.training import figures

    app = trained()
    monkeypatch.setattr(figures, "seen", lambda *_: pytest.fail("it was known"))
    again = open_page("training", lang="en", run=the(app.query_params["run"]))
    assert blobs(again)[0] == blobs(app)[0]
    monkeypatch.undo()
    other = trained(seed="3")
    assert (tracks(other, 0)["x_s"] != tracks(app, 0)["x_s"]).any()
