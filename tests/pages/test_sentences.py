"""What the lessons say in words and numbers is true for the controls that they offer."""

import re
from operator import attrgetter

import pytest
import torch

from diffusion_core import ancestral, cosine, fixed_large, linear, q_sample
from diffusion_core.claims.guidance import moments
from diffusion_core.denoisers import Guided
from diffusion_core.files import MODELS
from diffusion_core.laws.guided import guided_law, three_bumps, two_bumps
from diffusion_core.nets.anatomy import plan
from diffusion_core.nets.unet import UNet, UNetConfig
from diffusion_core.parameterization import x0_from_eps
from diffusion_core.training.checkpoint import load_denoiser
from diffusion_core.training.recipes import digit_images
from pages.shared.scenes import law_of
from pages.shared.typography import typeset
from tests.pages.opening import ROOT, open_page, words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x̂_0 falls as 1/√SNR_t", r"$\hat{x}_{0}$ falls as 1/√$\mathrm{SNR}_{t}$"),
        ("p(c | x)^w or p(c | x)^(w + 1)", "p(c | x)$^{w}$ or p(c | x)$^{w + 1}$"),
        ("以 ℓ_t 为权重", "以 $ℓ_{t}$ 为权重"),
        ("β̃_{t−1}与ᾱ_T", r"$\tilde{β}_{t−1}$与$\bar{α}_{T}$"),
        ("Each $x_t$ of zero_terminal_snr", "Each $x_t$ of zero_terminal_snr"),
        ("fixed_small, xₜ", "fixed_small, xₜ"),
    ],
)
def test_symbols_of_a_claim_become_mathematics(text: str, shown: str) -> None:
    assert typeset(text) == shown


def test_x_T_is_exactly_noise_at_zero_terminal_snr_and_only_there() -> None:
    app = open_page("add_noise", lang="en", data="two_moons", open="schedules")
    table = next(m.value for m in app.markdown if "KL" in m.value)
    last = {line.split("|")[1].strip(): line.split("|")[-2].strip() for line in table.splitlines() if "|" in line}
    assert last["zero terminal SNR"] == "0"
    assert [name for name, kl in last.items() if kl == "0"] == ["zero terminal SNR"]


def test_a_picture_of_ones_own_opens_where_it_can_be_seen() -> None:
    """Whoever comes from another data set at a large t would see noise; a link with its own t is taken as it is."""
    app = open_page("add_noise", lang="en", t="761", open="code")
    next(s for s in app.selectbox if s.label == "Data").set_value("photo").run()
    assert "t" not in app.query_params and "t=250)" in app.code[-1].value
    kept = open_page("add_noise", lang="en", t="761", data="photo", open="code")
    assert "t=761)" in kept.code[-1].value


def test_one_floor_in_the_text_the_box_and_the_readme() -> None:
    shown = words(open_page("training", lang="en", open="formula"))
    assert "above the floor 0.1996**" in shown and "0.1996 is the floor" in shown
    assert "0.1996" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("t", [50, 150, 300])
def test_the_floor_of_finite_data_is_nearly_0_at_small_t(t: int) -> None:
    """Training's sentence on the 10,000 digits: below 0.01 as far as t = 300."""
    law, schedule, generator = law_of("digits", ""), linear(1000), torch.Generator().manual_seed(0)
    x0 = law.sample(50, generator).double()
    x_t = q_sample(schedule, x0, t, torch.randn(x0.shape, generator=generator, dtype=x0.dtype))
    assert schedule.snr[t] * law.at(schedule, t).x0_variance(x_t).mean() < 0.01


def test_the_noise_goes_through_the_upper_skip() -> None:
    """Inside the network's numbers: the loss at t = 400 as it is, and with the skip into the last block cut off."""
    network = load_denoiser(MODELS / "digits_unet.safetensors")
    images, classes = (part[:128] for part in digit_images(held_out=True))
    eps = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    x_t = q_sample(network.schedule, images, 400, eps)

    def loss() -> float:
        with torch.no_grad():
            return float((network(x_t, 400, classes) - eps).square().mean())

    def cut(_block: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        without = inputs[0].clone()
        without[:, without.shape[1] // 2 :] = 0  # what came from below is first, the skip second
        return without, *inputs[1:]

    assert loss() == pytest.approx(0.04, abs=0.005)
    assert isinstance(network.net, UNet)
    network.net.up["0_0"].register_forward_pre_hook(cut)  # the network is this test's own
    assert loss() == pytest.approx(1.5, abs=0.15)


def test_where_the_parameters_of_the_digits_network_are_and_where_its_work() -> None:
    parts = plan(UNetConfig(), 28, 28)
    fine = [part for part in parts if part.name in ("down_0_0", "up_0_0")]
    assert all(part.shape[1:] == (14, 14) for part in fine)
    for of, percent in ((attrgetter("parameters"), 11), (attrgetter("multiply_adds"), 31)):
        assert round(100 * sum(map(of, fine)) / sum(map(of, parts))) == percent


def test_the_encoders_gaussians_are_far_from_normal() -> None:
    """A tiny weight holds the size of the latents, no more: KL 3.7 nats a number, sigma 0.034."""
    shown = words(open_page("latent", lang="en", open="scale"))
    found = re.search(r"the KL is \*\*([\d.]+) nats\*\* a number, and the mean of \S+ is \*\*([\d.]+)\*\*", shown)
    assert found
    kl, sigma = found.groups()
    assert float(kl) == pytest.approx(3.67, abs=0.1) and float(sigma) == pytest.approx(0.034, abs=0.002)
    assert "held near $N(0,1)$" not in shown


def test_where_guided_samples_end_depends_on_the_class_and_on_the_sampler() -> None:
    """Guidance's numbers at w = 3: 0.92, 1.32 and 1.13 from the middle; a middle class narrower, not farther out."""
    schedule = cosine(1000)
    steps = schedule.timesteps(50, spacing="trailing")
    outer, middle = (
        guided_law(law, 1, 3.0, schedule=schedule, timesteps=steps, n=2001) for law in (two_bumps(), three_bumps())
    )
    assert moments(outer.x, outer.tilted)[0] == pytest.approx(0.92, abs=0.005)
    assert moments(outer.x, outer.made)[0] == pytest.approx(1.32, abs=0.005)
    assert moments(middle.x, middle.tilted)[1] == pytest.approx(0.36, abs=0.005)
    assert moments(middle.x, middle.made)[1] == pytest.approx(0.08, abs=0.005)
    generator = torch.Generator().manual_seed(0)
    x_T = torch.randn((10_000, 1), generator=generator, dtype=torch.float64)
    guided = Guided(two_bumps().denoiser(schedule), torch.ones(10_000, dtype=torch.long), 3.0)
    *_, last = ancestral(guided, schedule, x_T, schedule.timesteps(500), variance=fixed_large, generator=generator)
    assert last.x_s.mean().item() == pytest.approx(1.13, abs=0.02)  # 4.5 standard errors


def test_at_T_the_words_change_eps_hardly_and_the_guess_completely() -> None:
    law, schedule = two_bumps(), linear(1000)
    x_T = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None]
    denoiser = law.denoiser(schedule)
    eps = [denoiser(x_T, 1000), denoiser(x_T, 1000, torch.ones(5, dtype=torch.long))]
    x0 = [x0_from_eps(schedule, x_T, one, 1000) for one in eps]
    assert (eps[1] - eps[0]).abs().max() < 0.005
    assert (x0[1] - x0[0] - 0.7).abs().max() < 0.01  # the whole shift of the class


def test_what_is_wrong_with_a_prompt_stands_beside_it() -> None:
    """In its own column, and not below the picture."""
    for page, prompt in (("guidance", "two red stars"), ("latent", "two red stars")):
        app = open_page(page, lang="en", prompt=prompt, N="2")
        order = [element.type for element in app.main]
        assert order.index("text_input") < order.index("error") < order.index("bidi_component") < order.index("header")
