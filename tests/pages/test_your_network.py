"""Sample with the visitor's own network: from its run, from a file; what lacks is one sentence, and nothing is lost."""

import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from diffusion_core import linear
from diffusion_core.data.toys import TOYS
from diffusion_core.denoisers import Predictor
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.training.checkpoint import load_denoiser
from diffusion_core.training.draws import images
from diffusion_core.training.loop import train
from diffusion_core.training.state import TrainingConfig
from pages.shared.denoiser_run import View, read_file, shipped, shipped_data, write
from pages.shared.trainer import Data, State, the_trainer
from tests.pages.opening import ROOT, elements, open_page, run_code, tracks, visit, words
from tests.pages.test_trainer import blind_file


@pytest.fixture(scope="module")
def trained() -> View:
    """A small network for two moons, T = 100, of a run on this server."""
    law = TOYS["two_moons"]().law
    config = TrainingConfig(MLPConfig(2, 16), steps=60, batch=64, warmup=5)
    id = the_trainer().start(View("", Data("two_moons", "", law), config, linear(100)))
    for _attempt in range(500):
        view = the_trainer().view(id, View)
        assert view is not None
        if not view.alive:
            return view
        time.sleep(0.02)
    raise AssertionError("it took too long")


def sample_page(**url: str) -> AppTest:
    return open_page("sampling", **{"lang": "en", "N": "5", "denoiser": "yours", **url})


def said(app: AppTest) -> list[str]:
    """Every note of the page on what it shows."""
    return [note.value for note in elements(app, "info", "warning", "error")]


def button(app: AppTest, label: str) -> AppTest:
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("lang", "label", "data"),
    [("en", "Sample with this network", "**Two moons**"), ("zh", "用这个网络采样", "**双月**")],
)
def test_the_link_of_a_run_shows_its_network_on_its_own_data_and_schedule(
    trained: View, lang: str, label: str, data: str
) -> None:
    training = open_page("training", lang=lang, run=trained.id)
    (link,) = [one.proto for one in training.get("page_link") if one.proto.label == label]
    assert link.page == "sampling"
    carried = {name: values[0] for name, values in parse_qs(link.query_string).items()}
    assert carried["run"] == trained.id and carried["lang"] == lang

    app = open_page("sampling", **carried, N="5")
    assert said(app) == []
    assert data in words(app) and "T = 100" in words(app)
    shown = tracks(app)
    x_t, x0_hat = (shown[name].reshape(6, -1, 2) for name in ("x_t", "x0_hat"))
    eps = shown["eps.a"][:, None, None] * x_t + shown["eps.b"][:, None, None] * x0_hat
    t = linear(100).timesteps(5, spacing="trailing")[2]
    assert trained.denoiser is not None
    expected = trained.denoiser(torch.from_numpy(x_t[2]), t).numpy()
    assert np.abs(eps[2] - expected).max() < 1e-5
    star = TOYS["two_moons"]().law.at(linear(100), t).eps(torch.from_numpy(x_t[2]).double()).numpy()
    assert np.abs(eps[2] - star).max() > 0.05  # it has hardly learned
    assert np.abs(shown["eps_star"].reshape(6, -1, 2)[2] - star).max() < 1e-5


def test_the_shipped_run_links_to_the_shipped_network() -> None:
    (link,) = [
        one.proto for one in open_page("training", lang="en").get("page_link") if "Sample with" in one.proto.label
    ]
    assert "denoiser=network" in link.query_string and "run=" not in link.query_string


@pytest.mark.parametrize("url", [{"data": "spiral"}, {"schedule": "cosine"}, {"T": "1000"}])
def test_other_data_or_another_schedule_of_the_url_is_not_the_networks_and_that_is_said(
    trained: View, url: dict[str, str]
) -> None:
    app = sample_page(run=trained.id, **url)
    assert said(app) == [
        "Your network knows only what it was trained with: Two moons; linear (DDPM), T = 100 is used here."
    ]
    assert np.array_equal(tracks(app)["x_t"], tracks(sample_page(run=trained.id))["x_t"])


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "There is no run 0123456789ab on this server (any more); the exact denoiser is shown."),
        ("zh", "服务器上没有（或已不再保留）训练 0123456789ab；现改用精确的去噪器。"),
    ],
)
def test_a_run_that_is_gone_is_one_sentence_and_the_rest_of_the_url_stands(lang: str, sentence: str) -> None:
    app = sample_page(lang=lang, run="0123456789ab", data="two_moons", T="100", schedule="cosine")
    assert said(app) == [sentence]
    exact = sample_page(denoiser="exact", data="two_moons", T="100", schedule="cosine")
    assert np.array_equal(tracks(app)["x_t"], tracks(exact)["x_t"])
    assert "eps_star" not in tracks(app)


def test_the_run_of_this_session_is_taken_and_can_be_left_and_had_back(trained: View) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    visit(app, "training", lang="en", run=trained.id)
    visit(app, "sampling", lang="en", denoiser="yours", N="5")
    assert app.query_params["run"] == trained.id
    assert "**Your network**, after 60 steps" in words(app)
    button(app, "Another network")
    assert "run" not in app.query_params
    assert [text[:15] for text in said(app)] == ["Train a network"]
    assert "eps_star" not in tracks(app)
    button(app, "Back to the network before")
    assert app.query_params["run"] == trained.id and said(app) == []


def give(app: AppTest, content: bytes) -> AppTest:
    app.file_uploader[0].set_value(("network.safetensors", content, "application/octet-stream"))
    app.run()
    assert not app.exception
    return app


def test_a_file_of_a_network_is_shown_on_the_data_chosen() -> None:
    app = give(sample_page(data="spiral"), write(shipped(), "network"))
    assert said(app) == [] and "**Spiral**" in words(app) and "**Your network**" in words(app)
    own = open_page("sampling", lang="en", denoiser="network", N="5")
    assert np.array_equal(tracks(app)["x_t"], tracks(own)["x_t"])  # the same network, the same noise
    assert not np.array_equal(tracks(app)["eps_star"], tracks(own)["eps_star"])  # beside other data


def unet_file() -> bytes:
    small = TrainingConfig(UNetConfig(widths=(8, 16), heads=1, classes=None), steps=1, batch=2)
    state = next(train(small, images(torch.zeros(2, 1, 28, 28)), linear(100), every=1))
    return write(View("", shipped_data(), small, linear(100), denoiser=state.denoiser), "network")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x80\x04K\x01.", "no safetensors file"),
        (write(shipped(), "network")[:-100], "cut short or damaged"),
        (unet_file(), "must hold a network for points in the plane"),
    ],
)
def test_a_file_that_does_not_fit_is_one_sentence_and_nothing_is_lost(content: bytes, sentence: str) -> None:
    app = sample_page(data="spiral", seed="3")
    before = tracks(app)["x_t"]
    give(app, content)
    assert len(app.error) == 1 and sentence in app.error[0].value
    assert np.array_equal(tracks(app)["x_t"], before)
    assert app.query_params["data"] == "spiral" and "run" not in app.query_params
    give(app, write(shipped(), "network"))
    assert said(app) == []


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "alpha_bar is 0 at t = 20 of the schedule zero_terminal_snr(scaled_linear), where eps says nothing"),
        ("zh", "噪声调度 zero_terminal_snr(scaled_linear) 在 t = 20 处 alpha_bar 为 0，eps 不含 x_0 的任何信息"),
    ],
)
def test_a_run_that_learns_eps_of_pure_noise_is_one_sentence_in_the_readers_language(lang: str, sentence: str) -> None:
    url = {"lang": lang, "data": "spiral", "steps": "7"}
    app = give(open_page("training", open="files", **url), blind_file())
    assert len(app.error) == 1 and app.error[0].value.startswith(sentence)
    assert {name: app.query_params[name] for name in url} == url and "run" not in app.query_params


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "From s = 0 to t = 4000 the signal falls to 2e-09 of what it was, too little for the digits of torch"),
        ("zh", "从 s = 0 到 t = 4000，信号只剩原来的 2e-09 倍，torch.float32 的精度不足以分辨"),
    ],
)
def test_too_few_steps_over_a_long_schedule_are_one_sentence(lang: str, sentence: str) -> None:
    """What is left of the signal after T = 4000 is below the digits of a network; a few steps more are enough."""
    config, long = TrainingConfig(MLPConfig(2, 16), steps=1), linear(4000)
    net = config.net.build().requires_grad_(False)
    content = write(View("", shipped_data(), config, long, denoiser=Predictor(net, config.net, long)), "network")
    id = the_trainer().start(read_file(shipped_data(), content))
    app = sample_page(run=id, N="1", lang=lang)
    assert [text[: len(sentence)] for text in said(app)] == [sentence]
    assert said(sample_page(run=id, N="5", variance="optimal")) == []


@pytest.mark.parametrize(
    ("milestones", "state", "sentence"),
    [
        (1, "done", "This network answers with numbers that are not finite; the exact denoiser is shown."),
        (0, "failed", "This network answers with numbers that are not finite; the exact denoiser is shown."),
        (0, "paused", "This run has no network yet; until it has one, the exact denoiser is shown."),
    ],
)
def test_a_network_of_nan_and_one_that_is_not_there_yet_are_one_sentence(
    trained: View, milestones: int, state: State, sentence: str
) -> None:
    last = trained.milestones[-1]
    broken = [replace(last, samples=np.full_like(last.samples, np.nan))]
    view = replace(trained, id=f"{state}{milestones}", milestones=tuple(broken[:milestones]), state=state)
    the_trainer()._add(view)
    assert said(sample_page(run=view.id)) == [sentence]


def test_the_code_shown_runs_beside_the_file_taken_away(trained: View, tmp_path: Path) -> None:
    app = sample_page(run=trained.id, variance="optimal", open="code")
    (tmp_path / "network.safetensors").write_bytes(write(trained, "network"))
    printed = run_code(app, tmp_path).splitlines()
    spread = tracks(app)["x_t"].reshape(6, -1, 2)[-1].std(ddof=1)
    assert f"std of x_s {spread:.3f}" in printed[-1]
    assert load_denoiser(tmp_path / "network.safetensors").schedule.T == 100
