"""Each lesson's idea in plain torch: it runs as it stands, is short, and its numbers are the core's."""

import ast
import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import pages
from diffusion_core import (
    SCHEDULES,
    ancestral,
    ddim,
    fixed_large,
    fixed_small,
    from_beta,
    gaussian_optimal,
    linear,
    q_posterior,
    q_sample,
)
from diffusion_core.data.toys import TOYS, bimodal
from diffusion_core.denoisers import Guided
from diffusion_core.laws.derivation import derivation
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.guided import two_bumps
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.paths import Chain
from diffusion_core.nets.attention import Attention
from diffusion_core.nets.gan import non_saturating
from diffusion_core.nets.mlp import TimeFeatures
from diffusion_core.reparameterization import pathwise_gradients, score_function_gradients
from diffusion_core.training.held_out import errors, unseen
from pages.add_noise import recipe
from pages.shared.take_away import notebook, plain, script
from tests.pages.opening import open_page, run_source

Names = dict[str, Any]
LINES = 25
TAUGHT = [lesson.name for lesson in pages.LESSONS if lesson.claims]


def run(source: str) -> Names:
    """A script's names, once it has run; it must have printed something."""
    names: Names = {}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, "plain.py", "exec"), names)
    assert printed.getvalue().strip()
    return names


def same(got: Tensor, expected: Tensor, tolerance: float = 1e-6) -> bool:
    return bool((got - expected).abs().max() < tolerance)


def drawn_after(*before: tuple[int, ...]) -> torch.Generator:
    """The generator of seed 0, once those shapes of normal numbers were drawn in float64."""
    generator = torch.Generator().manual_seed(0)
    for shape in before:
        torch.randn(shape, generator=generator, dtype=torch.float64)
    return generator


def noised(names: Names) -> bool:
    return same(names["x_t"], q_sample(linear(1000), names["x0"], 1000, names["eps"]), 1e-12)


def jumped(names: Names) -> bool:
    return same(names["x"], q_sample(linear(1000), names["x0"], 200, names["z_bar"]), 1e-12)


def known(names: Names) -> bool:
    mean, variance = q_posterior(linear(1000), torch.tensor(-0.5).double(), torch.tensor(1.0).double(), t=400, s=300)
    seen, exact = names["inside"], same(names["mean"], mean, 1e-12) and same(names["variance"], variance, 1e-12)
    return exact and abs(seen.mean() - mean) < 4 * (variance / len(seen)).sqrt()


def differentiated(names: Names) -> bool:
    got = torch.stack([*names["pathwise"], *names["score"]])
    both = [estimate(1.0, 0.5, names["eps"]).mean(0) for estimate in (pathwise_gradients, score_function_gradients)]
    return same(got, torch.cat(both), 1e-12)


def learned(names: Names) -> bool:
    """Its x_t are the core's, and on draws that it has never seen it is not far above the floor."""
    schedule, law = linear(1000), TOYS["eight_gaussians"]().law
    if not same(names["x_t"], q_sample(schedule, names["x0"], names["t"][:, 0], names["eps"]), 1e-5):
        return False

    def denoiser(x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        out: Tensor = names["net"](torch.cat([x_t, torch.as_tensor(t)[:, None] / 1000], 1))
        return out

    loss = 0.1996 + errors(denoiser, unseen(law, schedule)).distance.mean()  # the floor, and what lies above it
    return bool(loss < 0.24)


def sampled(names: Names) -> bool:
    schedule, generator = linear(1000), drawn_after((500, 2))
    x_T = torch.randn((500, 2), generator=drawn_after(), dtype=torch.float64)
    law = FiniteData(names["points"])
    *_, last = ancestral(law.denoiser(schedule), schedule, x_T, range(1000, 0, -1), generator=generator)
    return same(names["x"], last.x_s)


def varied(names: Names) -> bool:
    schedule, law = linear(1000), GaussianMixture.isotropic([1.0], [[0.0]], 0.5)
    choices = {"beta": fixed_large, "beta-tilde": fixed_small, "optimal": gaussian_optimal(0.25)}
    x_T = torch.randn((100_000, 1), generator=drawn_after(), dtype=torch.float64)
    for name, choice in choices.items():
        generator, steps = drawn_after((100_000,)), schedule.timesteps(10)
        *_, last = ancestral(law.denoiser(schedule), schedule, x_T, steps, variance=choice, generator=generator)
        if not same(names["made"][name], last.x_s[:, 0]):
            return False
    return True


def spaced(names: Names) -> bool:
    schedule, law = SCHEDULES["scaled_linear"](1000), GaussianMixture.isotropic([1.0], [[0.0]], 10.0)
    x_T = torch.randn((100_000, 1), generator=drawn_after(), dtype=torch.float64)
    for name, steps in names["spacings"].items():
        generator, ours = drawn_after((100_000,)), schedule.timesteps(10, spacing=name)
        *_, last = ancestral(law.denoiser(schedule), schedule, x_T, ours, generator=generator)
        if tuple(steps) != ours or not same(names["made"][name], last.x_s[:, 0], 1e-5):
            return False
    return True


def guided(names: Names) -> bool:
    schedule, x_T = linear(1000), torch.randn((20_000, 1), generator=drawn_after(), dtype=torch.float64)
    denoiser = Guided(two_bumps().denoiser(schedule), torch.ones(20_000, dtype=torch.long), 3.0)
    *_, last = ddim(denoiser, schedule, x_T, range(1000, 0, -20))
    return same(names["x"], last.x_s[:, 0])


def decoded(names: Names) -> bool:
    """The latents' variance is 1, and what is made of noise are the pictures of its own latents."""
    schedule, z0, generator = linear(1000), names["z0"], torch.Generator().manual_seed(0)
    torch.rand((2, 200, 1), generator=generator, dtype=torch.float64)
    z_T = torch.randn((100, 8), generator=generator, dtype=torch.float64)
    *_, last = ddim(FiniteData(z0).denoiser(schedule), schedule, z_T, range(1000, 0, -20))
    flat = (names["pictures"] - names["centre"]) @ names["code"].T @ names["code"] + names[
        "centre"
    ]  # what a code keeps
    nearest = torch.cdist(names["made"], flat).amin(1).median()
    return abs(z0.std() - 1) < 1e-12 and same(names["z"], last.x_s) and bool(nearest < 0.01)


def bounded(names: Names) -> bool:
    """Both means are the core's bound, to 4.5 of their standard errors: false alarms 1e-5."""
    alpha_bar = names["alpha_bar"]
    schedule = from_beta(1 - alpha_bar[1:] / alpha_bar[:-1])
    law = bimodal().law

    def guess(x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        a: Tensor = alpha_bar[t]
        return (x_t - 0.9 * a.sqrt() * torch.tanh(0.9 * a.sqrt() * x_t / (1 - a))) / (1 - a).sqrt()

    exact = derivation(law, Chain(schedule, guess, fixed_large)).bound
    means = [(one.mean() - exact) / (one.std() / len(one) ** 0.5) for one in (names["by_paths"], names["by_terms"])]
    return all(abs(z) < 4.5 for z in means)


def attended(names: Names) -> bool:
    block = Attention(64, heads=1)
    block.norm, block.qkv, block.proj = names["norm"], names["qkv"], names["proj"]
    told = same(names["features"], TimeFeatures(64)(names["t"]), 1e-3)  # float32, angles up to 1000
    return told and same(names["out"], block(names["h"]), 1e-5) and isinstance(names["time"], nn.Linear)


def played(names: Names) -> bool:
    """Its losses are the core's, and no peak is lost."""
    with torch.no_grad():
        alike = same(names["loss_gen"], non_saturating(names["dis"](names["fake"])[:, 0]).mean(), 1e-6)
    counts = torch.bincount(names["nearest"], minlength=8)
    return alike and bool(counts.min() > 60)


CHECKS: dict[str, tuple[Callable[[Names], bool], dict[str, str]]] = {
    "add_noise": (noised, {"(1 - alpha_bar[t]).sqrt() * eps": "(1 - alpha_bar[t]) * eps"}),
    "closed_form": (jumped, {"noise = (1 - beta[i]).sqrt() * noise": "noise = noise"}),  # shrunk with what it is in
    "reparameterization": (differentiated, {"z**2 * log_p": "z * log_p"}),
    "posterior": (known, {"step = a_t / a_s": "step = 1 - beta[t]"}),  # a stride has its own
    "training": (learned, {"range(1, 1001)": "range(250, 251)", "(1 - alpha_bar[t]).sqrt()": "(1 - alpha_bar[t])"}),
    "loss": (bounded, {"kl_divergence(known, model)": "kl_divergence(model, known)"}),  # q comes first
    "sampling": (sampled, {"(1 - alpha_bar[t - 1]) / (1 - alpha_bar[t])": "1"}),  # beta, not beta-tilde
    "variance": (varied, {"1 - a_t / a_s": "beta[t]"}),
    "spacing": (spaced, {"* (T // N)": "* (T // N + 1)"}),
    "four_ways": (played, {"betas=(0.0, 0.99)": "betas=(0.9, 0.99)"}),  # momentum: peaks are lost
    "guidance": (guided, {"plain + w * (told - plain)": "told + w * (told - plain)"}),  # Ho and Salimans's w
    "latent": (decoded, {"z / scale @ code": "z @ code"}),
    "unet": (attended, {" / channels**0.5": ""}),
}


def test_each_lesson_but_the_ledger_has_one() -> None:
    assert sorted(CHECKS) == sorted(TAUGHT) and len(TAUGHT) == len(pages.LESSONS) - 1


@pytest.mark.parametrize("lesson", CHECKS)
def test_it_runs_as_it_stands_and_agrees_with_the_core(lesson: str) -> None:
    check, changes = CHECKS[lesson]
    source = plain(lesson)
    assert check(run(source))
    for right, wrong in changes.items():
        assert right in source
        source = source.replace(right, wrong)
    assert not check(run(source))


@pytest.mark.parametrize("lesson", CHECKS)
def test_it_is_short_and_needs_torch_alone(lesson: str) -> None:
    source = plain(lesson)
    asked = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert asked == {"torch"}
    assert len(source.splitlines()) <= LINES
    assert ast.get_docstring(ast.parse(source))


def cells(text: str) -> list[str]:
    """The code of a notebook."""
    return [cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]


def test_a_notebook_prints_what_the_script_prints() -> None:
    source = plain("add_noise")
    assert cells(notebook("add_noise", {"plain": source})) == [source.rstrip()]
    app = open_page("add_noise", lang="en", T="50", t="7", open="code")
    assert [block.value for block in app.code] == [source.rstrip(), script(recipe, settings(50, 7)).rstrip()]
    assert [button.proto.label.split()[-1] for button in app.get("download_button")] == [
        f"add_noise{kind}" for kind in ("_plain.py", "_plain.ipynb", ".py", ".ipynb")
    ]
    written = "\n".join(cells(notebook("add_noise", {"recipe": app.code[-1].value.split("\n\n\nif __name__")[0]})))
    assert (
        run_source(f"{written}\nmain(T=50, t=7)") == run_source(app.code[-1].value) != run_source(f"{written}\nmain()")
    )


def settings(T: int, t: int) -> dict[str, Any]:
    return {"data": "digits", "word": "", "schedule": "linear", "T": T, "seed": 0, "t": t}
