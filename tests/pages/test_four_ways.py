"""Four ways to generate: what the page shows is what the core computes; a press trains, and a reload finds it again."""

import re
import time
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from diffusion_core import q_sample
from diffusion_core.laws.blurred import blurred_kl
from diffusion_core.laws.coverage import Reference
from diffusion_core.laws.dirac_gan import DiracGan
from diffusion_core.training.checkpoint import load_way
from diffusion_core.training.draws import points
from diffusion_core.training.generators import train_generator
from diffusion_core.training.ways import Diffusion, Way
from pages.four_ways import choices, collapse, dirac, scores
from pages.four_ways.diagrams import COLOR, diagram
from pages.four_ways.figures import along, calls, ways_of_the_points
from pages.four_ways.recipe import KINDS, Setting, edge, states
from pages.four_ways.run import SHIPPED, Four, files_of
from pages.shared.scenes import mixture_of, scene
from pages.shared.trainer import the_trainer
from pages.shared.typography import significant
from tests.pages.opening import open_page, spec_of, tracks, words


def ways(data: str = "eight_gaussians") -> dict[str, Way]:
    return {kind: load_way(file.path) for kind, file in files_of(data).items()}


U = np.round(np.arange(-20, 21) / 20, 6)


# --- the picture ----------------------------------------------------------------------------------------------------


def test_the_points_of_the_picture_are_those_of_the_core() -> None:
    """At the stops: z, G(z); the decoding, then with noise; each coupling; each step of DDIM."""
    shown = tracks(open_page("four_ways", lang="en"), 0)
    z = torch.randn((300, 2), generator=torch.Generator().manual_seed(1))
    for kind, way in ways().items():
        generator = torch.Generator().manual_seed(1)
        torch.randn((300, 2), generator=generator)
        path = way.path(z, generator)
        at = {"gan": (0, 20), "vae": (0, 16, 20)}.get(kind, tuple(range(0, 21, 20 // (len(path) - 1))))
        assert len(at) == len(path)
        for p, expected in zip(at, path, strict=True):
            np.testing.assert_allclose(shown[kind][p], expected.numpy(), atol=2e-6)
        assert np.abs(shown[kind][at[-1]] - path[-2].numpy()).max() > 1e-3  # the stop before would be noticed


def test_there_and_back_the_flow_is_where_it_was_and_diffusion_elsewhere() -> None:
    x = torch.from_numpy(scene("eight_gaussians", "", 0).x0[:300])
    found = ways_of_the_points(ways(), x, U, 0)
    away = {kind: float(np.linalg.norm(path[-1] - path[0], axis=1).mean()) for kind, path in found.items()}
    assert away["flow"] < 1e-4 < 0.05 < away["vae"] < 0.5 < 1 < away["diffusion"]
    assert (found["gan"][:20] == x.numpy()).all() and not np.allclose(found["gan"][20], x)


def test_the_diffusions_way_to_noise_is_the_closed_form() -> None:
    x = torch.from_numpy(scene("two_moons", "", 0).x0[:300])
    way = load_way(files_of("two_moons")["diffusion"].path)
    assert isinstance(way, Diffusion)
    there = ways_of_the_points({"diffusion": way}, x, U, 0)["diffusion"]
    generator = torch.Generator().manual_seed(1)
    torch.randn(x.shape, generator=generator)
    eps = torch.randn(x.shape, generator=generator)
    for p, t in zip(range(1, 21), reversed(way.timesteps), strict=True):
        np.testing.assert_allclose(there[p], q_sample(way.denoiser.schedule, x, t, eps).numpy(), atol=2e-6)


def test_between_two_stops_the_way_is_straight() -> None:
    path = [torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 2.0]])]
    got = along(path, (0.0, 0.8, 1.0), np.array([0.0, 0.4, 0.8, 0.9, 1.0]))[:, 0]
    np.testing.assert_allclose(got, np.array([[0, 0], [0.5, 0], [1, 0], [1, 1], [1, 2]]), atol=1e-6)


def test_calls_and_the_share_outside_are_counted() -> None:
    app = open_page("four_ways", lang="en", way="round")
    shown, law = tracks(app, 0), mixture_of("eight_gaussians", "")
    below = edge(law)
    assert abs(below - Reference(law).cut(0.99)) < 0.1
    lines = next(panel for panel in spec_of(app, 0)["panels"] if panel["kind"] == "lines")
    for kind, line, ends in zip(KINDS, lines["series"], [(0, 1), (1, 2), (1, 2), (0, 20)], strict=True):
        log_p = law.log_prob(torch.from_numpy(shown[kind][-1]).double())
        assert abs(shown[line["values"]][-1] - 100 * (log_p < below).double().mean().item()) < 1e-9
        counted = calls(kind, U, ways()[kind]).tolist()
        assert counted[0] == 0 and (counted[20], counted[-1]) == ends
        assert (shown[f"{kind}_calls"] == counted).all()


@pytest.mark.parametrize("kind", COLOR)
def test_something_is_at_work_at_every_place_and_not_everything(kind: str) -> None:
    for u in (U, U[20:]):
        row = diagram(kind, u, 20)
        lit = np.array([row.phases[box.phase] for box in row.boxes if box.says])
        assert (lit.max(0) == 1).all() and (lit.min(0) == 0).all()


def test_one_coupling_after_the_other_is_at_work() -> None:
    phases = diagram("flow", U, 20).phases
    order = [[k for k in range(1, 5) if phases[f"f{k}"][p]] for p in range(41)]
    assert order == [[]] + [[k] for k in (1, 2, 3, 4) for _ in range(5)] + [[k] for k in (4, 3, 2, 1) for _ in range(5)]


# --- training -------------------------------------------------------------------------------------------------------


def press(app: AppTest, label: str) -> AppTest:
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception
    return app


def ended(id: str) -> Four:
    """The run, when it has ended."""
    for _attempt in range(400):
        run = the_trainer().view(id, Four)
        assert run is not None
        if not run.alive:
            return run
        time.sleep(0.25)
    raise AssertionError("it took too long")


def test_a_press_trains_all_four_and_a_reload_finds_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "STEPS", ("60", *choices.STEPS))
    app = open_page("four_ways", lang="en", data="spiral", steps="60")
    assert "Nothing has been trained on Spiral yet: press *Train*" in app.info[0].value
    untrained = tracks(app, 0)
    press(app, "Train")
    raw = app.query_params["run"]
    id = raw if isinstance(raw, str) else raw[0]
    run = ended(id)
    assert (run.state, run.step, run.milestones[-1].step) == ("done", 60, 60)
    again = open_page("four_ways", lang="en", data="spiral", steps="60", run=id)
    assert "**Your four**, on Spiral, after 60 steps." in words(again)
    shown = tracks(again, 0)
    assert all(np.abs(shown[kind] - untrained[kind]).max() > 0.01 for kind in KINDS)
    config = Setting("spiral", steps=60).config("flow")
    *_, alone = train_generator(config, points(mixture_of("spiral", "")), config.steps)  # type: ignore[arg-type]
    z = torch.randn((300, 2), generator=torch.Generator().manual_seed(1))
    np.testing.assert_array_equal(shown["flow"][-1], alone.way.path(z, torch.Generator())[-1].numpy())
    other = open_page("four_ways", lang="en", run=id)  # the same address with other data
    assert "**The four that come with the page**" in words(other)
    press(again, "Reset")
    assert "run" not in again.query_params and the_trainer().view(id, Four) is None


def test_paused_and_resumed_the_four_go_on_bit_for_bit() -> None:
    setting = Setting(steps=48)
    whole = list(states(setting))
    assert [one["gan"].step for one in whole] == [6, 12, 18, 24]
    first = next(iter(states(setting)))
    resumed = list(states(setting, {kind: state.snapshot() for kind, state in first.items()}))
    for kind in KINDS:
        for one, other in zip(whole[-1][kind].ema.parameters(), resumed[-1][kind].ema.parameters(), strict=True):
            assert torch.equal(one, other)
        assert resumed[0][kind].step == 2 * setting.config(kind).steps // 4


# --- the numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", SHIPPED)
def test_the_table_has_the_numbers_that_are_recorded(data: str) -> None:
    app = open_page("four_ways", lang="en", data=data, open="numbers")
    table = next(m.value for m in app.markdown if "| network calls |" in m.value)
    known = scores.recorded()["data"][data]
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in table.splitlines()}
    for label, what in (("KLₕ(p ‖ q)", "kl_h"), ("KL(p ‖ q)", "kl"), ("width, nats", "quality_median")):
        for name, cell in zip(("truth", *scores.COLUMNS), rows[label], strict=True):
            values = [one[what] for one in known[name] if what in one]
            said = significant(float(np.mean(values)), 2) if values else "–"
            assert cell.strip().split(" ± ")[0] == said
    assert [cell.strip() for cell in rows["network calls"]] == ["–", "1", "1", "1", "20", "50"]


@pytest.mark.parametrize("data", SHIPPED)
def test_what_the_text_says_of_them_is_what_was_measured(data: str) -> None:
    known = scores.recorded()["data"][data]
    mean = {name: {what: np.mean([one[what] for one in of]) for what in of[0]} for name, of in known.items()}
    made = {name: of for name, of in mean.items() if name != "truth"}
    assert min(made, key=lambda name: made[name].get("kl", np.inf)) == "flow"
    assert min(made, key=lambda name: made[name]["kl_h"]) == "flow"
    assert min(made, key=lambda name: made[name]["kl_h_back"]) == "diffusion_50"
    assert all(one["caught"] == one["parts"] for one in known["gan"]) and mean["gan"]["quality_median"] > 0.1
    assert mean["gan"]["kl_h"] > 5 * mean["flow"]["kl_h"]
    assert (mean["gan"]["quality"] > 0) == (data == "two_moons")
    if data == "eight_gaussians":
        assert 0.4 < mean["vae"]["gap"] < 0.6


def test_the_decoders_mean_is_too_thin_a_curve() -> None:
    """The fine print: on the moons KL_h goes from 0.06 to 0.8; and it looks sharper."""
    law, generator = mixture_of("two_moons", ""), torch.Generator().manual_seed(0)
    _, mean, sample = ways("two_moons")["vae"].path(torch.randn((20_000, 2), generator=generator), generator)
    found = [blurred_kl(law, x, torch.Generator().manual_seed(1)).of_data for x in (mean, sample)]
    assert found[0] == pytest.approx(0.8, abs=0.1) and found[1] == pytest.approx(0.06, abs=0.02)
    assert law.log_prob(mean.double()).mean() > law.log_prob(sample.double()).mean() + 0.3


def test_lost_modes_are_counted_over_seeds() -> None:
    app = open_page("four_ways", lang="en", open="collapse")
    runs = {setting: collapse.runs_of(*setting) for setting in collapse.SETTINGS}
    caught = {setting: [run["caught"] for run in of] for setting, of in runs.items()}
    lost = [8 - np.mean(caught[beta1, 0.0]) for beta1 in (0.9, 0.0)]
    assert f"momentum 0.9 loses **{lost[0]:.1f}** of the 8 modes on average, momentum 0 **{lost[1]:.1f}**" in words(app)
    assert set(caught[0.0, 0.0]) == set(caught[0.0, 0.1]) == {8}
    assert lost[0] > 1 and np.mean(caught[0.9, 0.1]) > np.mean(caught[0.9, 0.0]) + 0.5
    outside = {setting: np.mean([run["outside_99"] for run in of]) for setting, of in runs.items()}
    assert min(outside[0.9, 0.0], outside[0.9, 0.1]) > 0.3 > 0.2 > max(outside[0.0, 0.0], outside[0.0, 0.1])


# --- the Dirac-GAN --------------------------------------------------------------------------------------------------


def test_the_plane_shows_the_run_of_the_core_and_what_theory_says_of_it() -> None:
    app = open_page("four_ways", lang="en", gamma="0.3", momentum="0.5", h="0.2", turns="alternating", n="100")
    game = DiracGan(0.2, 0.3, 0.5, turns="alternating")
    shown = tracks(app)["way"]
    np.testing.assert_allclose(shown[:, 0], game.run(dirac.STEPS)[:: dirac.EVERY], atol=1e-6)
    text = words(app)
    assert f"**{game.factor:.4f}** on average" in text
    assert "$-0.15+0.477\\,i$" in text and "$-0.15-0.477\\,i$" in text
    r = game.run(dirac.STEPS).norm(dim=1)
    assert f"{significant(float(r[-1]))} after 500 steps" in text


@pytest.mark.parametrize(("h", "said"), [("0.1", "0.447"), ("0.4", "0.894")])
def test_without_r1_it_ends_on_the_cycle(h: str, said: str) -> None:
    text = words(open_page("four_ways", lang="en", h=h))
    assert f"$\\sqrt{{2h}}$ = {said}." in text
    found = re.search(r"([\d.]+) after 500 steps", text)
    assert found and float(said) * 0.9 < float(found[1]) < float(said) * 1.3
    saturating = words(open_page("four_ways", lang="en", h=h, loss="saturating"))
    assert "cycle:" not in saturating and "is thrown out" in saturating


@pytest.mark.parametrize("turns", ["simultaneous", "alternating"])
def test_what_the_text_says_of_momentum_and_of_r1(turns: Any) -> None:
    def factor(gamma: float, momentum: float = 0.0, h: float = 0.1) -> float:
        return DiracGan(h, gamma, momentum, turns).factor

    assert factor(0.0, 0.9) > 1.1 and factor(0.1, 0.9) > 1.1
    assert factor(0.0, -0.3) < factor(0.0)
    for h in (0.05, 0.1, 0.2, 0.4):
        best = min(np.arange(0, 2.01, 0.1), key=lambda gamma: factor(float(gamma), h=h))
        assert 0.85 < best < 1.05
    assert factor(0.0) > 1 if turns == "simultaneous" else factor(0.0) == pytest.approx(1, abs=1e-12)
