"""Snapshots and configurations: a run goes on bit for bit, and what does not fit is one sentence."""

import math
from dataclasses import replace

import pytest
import torch

from diffusion_core.errors import BadInput
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.schedule import linear
from diffusion_core.training.draws import images
from diffusion_core.training.loop import train
from diffusion_core.training.state import TrainingConfig
from tests.core.training.examples import DATA, PICTURES, TINY, TINY_UNET, last, same


@pytest.mark.parametrize(("config", "data"), [(TINY, DATA), (TINY_UNET, PICTURES)])
def test_a_resumed_run_is_the_run(config: TrainingConfig, data: object) -> None:
    whole = [state.snapshot() for state in train(config, data, linear(), every=2)]  # type: ignore[arg-type]
    for snapshot in whole[:-1]:
        resumed = last(train(config, data, linear(), every=2, resume=snapshot))  # type: ignore[arg-type]
        assert same(resumed.snapshot(), whole[-1])
    assert not list(train(config, data, linear(), resume=whole[-1]))  # type: ignore[arg-type]  # it is done
    # without AdamW's moments it would be another one
    forgetful = replace(whole[0], moments={name: torch.zeros_like(m) for name, m in whole[0].moments.items()})
    assert not same(last(train(config, data, linear(), resume=forgetful)).snapshot(), whole[-1])  # type: ignore[arg-type]


def test_a_snapshot_stays_while_training_goes_on() -> None:
    states = train(TINY, DATA, linear(), every=10)
    state = next(states)
    snapshot = state.snapshot()
    before = {name: w.clone() for name, w in snapshot.net.items()}
    next(states)
    assert all(torch.equal(before[name], w) for name, w in snapshot.net.items())
    assert not all(torch.equal(before[name], w) for name, w in state.net.state_dict().items())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"steps": 0}, "steps must be an integer from 1 to 100000000; got 0."),
        ({"batch": 2.5}, "batch must be an integer from 1 to 1000000; got 2.5."),
        ({"lr": math.nan}, "lr must be a number from 0 to 100; got nan."),
        ({"ema": 1.5}, "ema must be a number from 0 to 1; got 1.5."),
        ({"predicts": "score"}, "predicts must be one of eps, x0, v; got score."),
    ],
)
def test_wrong_runs_are_one_sentence(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput) as error:
        replace(TINY, **change)  # type: ignore[arg-type]
    assert str(error.value) == sentence


LIMITS = [
    *(("steps", 1, 10**8), ("batch", 1, 10**6), ("warmup", 0, 10**8), ("seed", 0, 2**31)),
    *(("lr", 0, 100), ("weight_decay", 0, 100), ("max_norm", 0, 1e9), ("ema", 0, 1), ("drop_class", 0, 1)),
]


@pytest.mark.parametrize(("name", "low", "high"), LIMITS)
def test_runs_have_their_limits(name: str, low: float, high: float) -> None:
    assert getattr(replace(TINY, **{name: low}), name) == low  # type: ignore[arg-type]
    assert getattr(replace(TINY, **{name: high}), name) == high  # type: ignore[arg-type]
    for beyond in (low - 1, high + 1):
        with pytest.raises(BadInput, match=f"^{name} must be "):
            replace(TINY, **{name: beyond})  # type: ignore[arg-type]


def test_data_and_snapshots_must_fit() -> None:
    with pytest.raises(BadInput, match="resume must hold the network"):
        train(TINY_UNET, PICTURES, linear(), resume=next(train(TINY, DATA, linear())).snapshot())
    for every in (0, 10**8 + 1):
        with pytest.raises(BadInput, match="every must be an integer from 1 to 100000000"):
            train(TINY, DATA, linear(), every=every)
    assert last(train(TINY, DATA, linear(), every=10**8)).step == 30
    with pytest.raises(BadInput, match=r"The data must have the shape \(1,\); got \(2,\)"):
        train(replace(TINY, net=MLPConfig(1, 16)), DATA, linear())
    for shape in ((1, 8, 6), (2, 8, 8), (8, 8)):
        with pytest.raises(BadInput, match=r"The data must have the shape \(1, H, W\), H and W divisible by 4; got"):
            train(TINY_UNET, images(torch.zeros(3, *shape)), linear())
