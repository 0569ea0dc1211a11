"""Sample with trained networks, and the network opened: their own schedule, new samples, what a missing file says."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from diffusion_core import FiniteData, GaussianMixture, linear, transition
from diffusion_core.data.digits import digits
from diffusion_core.data.toys import eight_gaussians
from diffusion_core.variance import log_range
from pages.sampling import networks
from pages.sampling.runs import Chain, Run, Settings, chain_of
from pages.shared import weights
from pages.shared.scenes import scene
from tests.pages.opening import open_page, run_code, tracks

POINTS = Settings(steps=20, denoiser="network")


def chain(n: int, settings: Settings = POINTS, data: str = "eight_gaussians") -> Chain:
    """A run of the lesson."""
    return chain_of(Run.of(settings, scene(data, "", settings.seed)), n)


def infos(app: AppTest) -> list[str]:
    return [info.value for info in app.info]


def test_the_network_starts_from_the_same_noise_and_ends_near_the_data() -> None:
    law = eight_gaussians().law
    assert isinstance(law, GaussianMixture)
    ours = chain(400)
    exact = chain(400, replace(POINTS, denoiser="exact"))
    assert np.array_equal(ours.x[0], exact.x[0])
    assert not np.array_equal(ours.x[1], exact.x[1])
    centres = law.means.numpy()
    assert np.median(np.linalg.norm(ours.x[-1][:, None] - centres, axis=-1).min(1)) < 0.3
    assert np.median(np.linalg.norm(ours.x[0][:, None] - centres, axis=-1).min(1)) > 0.5


def test_the_stored_eps_star_is_the_exact_one_at_the_networks_own_points() -> None:
    law, seen = eight_gaussians().law, chain(50)
    assert seen.eps_star is not None
    t = seen.positions[12]
    expected = law.at(linear(1000), t).eps(torch.from_numpy(seen.x[12]).double()).numpy()
    assert np.abs(seen.eps_star[12] - expected).max() < 1e-6
    assert np.abs(seen.eps_hat[12] - expected).max() > 1e-4


def test_another_schedule_of_the_url_is_not_the_networks_and_that_is_said() -> None:
    app = open_page("sampling", lang="en", denoiser="network", schedule="cosine", N="5")
    assert any("knows only the schedule that it was trained with" in text for text in infos(app))
    own = open_page("sampling", lang="en", denoiser="network", N="5")
    assert not any("knows only the schedule" in text for text in infos(own))
    assert np.array_equal(tracks(app)["x_t"], tracks(own)["x_t"])
    assert "eps_star" in tracks(own)


def test_a_network_has_no_variance_for_each_x_t() -> None:
    app = open_page("sampling", lang="en", denoiser="network", variance="state", N="5")
    assert any("variance in the URL is 'state'" in warning.value for warning in app.warning)


def test_the_variance_learned_is_the_networks_own_at_each_x_t(tmp_path: Path) -> None:
    """sigma^2 = beta^v beta_tilde^(1 - v) with the v that the network says there; v = 1/2 is another one."""
    app = open_page("sampling", lang="en", denoiser="learned", variance="learned", N="6", open="code")
    assert not any(slider.label.startswith("v of") for slider in app.slider)
    learned = networks.network("eight_gaussians", "learned")
    assert learned is not None
    seen = chain(600, replace(POINTS, steps=6, denoiser="learned", variance="learned"))
    x, t, s = torch.from_numpy(seen.x[3]), seen.positions[3], seen.positions[4]
    v = learned.eps_and_v(x, t)[1]
    assert v is not None and v.std() > 0.01
    low, high = log_range(transition(linear(1000), t, s))
    assert np.abs(seen.sigma[3] - torch.exp((v * high + (1 - v) * low) / 2).numpy()).max() < 1e-6
    assert np.abs(seen.sigma[3] - math.exp((low + high) / 4)).max() > 1e-2

    shown = {name: values.reshape(7, -1, 2) for name, values in tracks(app).items() if name in ("sigma", "z", "x_t")}
    assert np.array_equal(shown["sigma"], seen.sigma.astype(np.float32)) and np.array_equal(shown["x_t"], seen.x)
    assert f"std of x_s {seen.x[-1].std(ddof=1):.3f}" in run_code(app).splitlines()[-1]


def test_a_network_without_a_v_takes_the_one_that_is_typed() -> None:
    app = open_page("sampling", lang="en", denoiser="network", variance="learned", v="1", N="5")
    assert [slider.label for slider in app.slider if slider.label.startswith("v of")]
    large = open_page("sampling", lang="en", denoiser="network", variance="large", N="5")
    assert np.allclose(tracks(app)["x_t"], tracks(large)["x_t"], atol=1e-5)
    half = open_page("sampling", lang="en", denoiser="network", variance="learned", N="5")
    assert not np.allclose(tracks(app)["x_t"], tracks(half)["x_t"], atol=1e-2)


def test_where_a_file_is_missing_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    app = open_page("sampling", lang="en", denoiser="network", N="5")
    assert [text for text in infos(app) if "is missing" in text] == [
        "The trained network is not installed (assets/models/points_eight_gaussians.safetensors is missing); "
        "the exact denoiser is shown."
    ]
    assert "eps_star" not in tracks(app)


def test_a_file_that_is_damaged_is_one_sentence_and_the_exact_denoiser(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    weights.POINTS.path.write_bytes(b"no weights")
    app = open_page("sampling", lang="en", denoiser="network", N="5")
    assert [e.value for e in app.error] == ["The file is no safetensors file, or it is cut short or damaged."]
    assert "eps_star" not in tracks(app)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
def test_the_networks_digits_are_those_asked_for_and_no_copies(sampler: str) -> None:
    """16 threes in 12 steps: the judge and the distances; the exact denoiser's digits fail the second."""
    asked = replace(POINTS, steps=12, sampler=sampler, label="3", seed=1)
    law = digits().law
    assert isinstance(law, FiniteData)
    x = torch.from_numpy(chain(16, asked, "digits").x[-1])
    assert (networks.judge()(x.reshape(-1, 1, 28, 28)).argmax(1) == 3).double().mean() > 0.8
    assert law.nearest(x)[1].min() > 1
    copied = chain(4, replace(asked, denoiser="exact", schedule="cosine"), "digits").x[-1]
    assert law.nearest(torch.from_numpy(copied))[1].max() < 1


def test_the_numbers_of_a_clipped_step_fit_together() -> None:
    """x0_hat is the clipped guess of the stored eps_hat, and the mean comes from it."""
    seen = chain(2, replace(POINTS, steps=6), "digits")
    column = (-1, 1, 1)
    scale, rest = seen.x0_hat_scale.reshape(column), seen.eps_scale.reshape(column)
    raw = scale * (seen.x - rest * seen.eps_hat)
    assert np.abs(np.clip(raw, -1, 1) - seen.x0_hat)[1:-1].max() < 1e-4  # at t = T, float32 times 20,000
    assert np.abs(raw - seen.x0_hat)[1:-1].max() > 0.01
    mean = seen.first.reshape(column) * seen.x + seen.second.reshape(column) * seen.x0_hat
    x_s = mean + seen.sigma.reshape(column) * seen.noise
    assert np.abs(x_s[:-1] - seen.x[1:]).max() < 1e-5
    assert np.abs(mean[:-2] - seen.x[1:-1]).max() > 0.1


def test_distances_fall_with_the_steps_towards_that_of_the_data() -> None:
    app = open_page("sampling", lang="en", denoiser="network", N="5", open="quality")
    assert not app.get("plotly_chart")
    next(button for button in app.button if button.label == "Measure").click().run()
    assert not app.exception
    (chart,) = app.get("plotly_chart")
    for curve in json.loads(chart.proto.spec)["data"]:
        assert curve["y"][0] > 3 * curve["y"][-1]
        assert all(error > 0 for error in curve["error_y"]["array"])
