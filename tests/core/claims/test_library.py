"""The library beside the ledger: it agrees, or is seen to differ."""

import sys

import pytest

from diffusion_core.claims import library as library_module
from diffusion_core.claims.library import compare, tolerance
from diffusion_core.errors import BadInput
from diffusion_core.schedule import sigmoid
from diffusion_core.variance import fixed_large


def test_diffusers_agrees_but_for_the_one_that_is_not_a_number() -> None:
    pytest.importorskip("diffusers")
    rows = compare()
    assert {row.setting: row.verdict for row in rows if row.verdict != "agrees"} == {
        'variance_type="fixed_large_log"': "not a number"  # when this fails, diffusers has mended it
    }
    assert len(rows) == 20


def test_a_library_that_differs_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("diffusers")
    monkeypatch.setattr(library_module, "fixed_small", fixed_large)
    monkeypatch.setattr(library_module, "linear", sigmoid)
    monkeypatch.setattr(library_module, "PREDICTION_TYPES", {"sample": "v", "v_prediction": "x0"})
    rows = {row.setting: row.verdict for row in compare()}
    assert rows['prediction_type="sample"'] == rows['prediction_type="v_prediction"'] == "differs"
    assert rows['beta_schedule="linear"'] == "differs"
    assert rows['variance_type="fixed_small"'] == "differs"
    assert rows["DDIMScheduler, eta=0"] == "differs"


def test_without_diffusers_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(BadInput, match=r"^diffusers is not installed; pip install diffusers==0\.42\.1 brings it\.$"):
        compare()


def test_float32_may_be_off_most_at_the_first_steps() -> None:
    assert [tolerance(t) for t in (1, 10, 11, 99, 100, 1000)] == [1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5]
