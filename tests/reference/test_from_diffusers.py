"""A network of diffusers, adapted: our samplers take the steps that its own schedulers take with it."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel, UNet2DModel
from torch import Tensor, nn

from diffusion_core.denoisers import Guided, LearnedVariance, Predictor, from_diffusers
from diffusion_core.errors import BadInput
from diffusion_core.objectives import simple_loss
from diffusion_core.samplers import ancestral, ddim
from diffusion_core.training.checkpoint import save_denoiser
from diffusion_core.variance import fixed_small

KINDS = ["epsilon", "sample", "v_prediction"]
COSINE: dict[str, Any] = {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "trailing"}


def unet(channels: int = 1, out: int = 1, classes: int | None = None) -> UNet2DModel:
    """A few thousand numbers, drawn from a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = UNet2DModel(
            sample_size=8,
            in_channels=channels,
            out_channels=out,
            layers_per_block=1,
            block_out_channels=(8, 8),
            norm_num_groups=4,
            num_class_embeds=classes,
            down_block_types=("DownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "UpBlock2D"),
            add_attention=False,
        )
    return net.requires_grad_(False).double()


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def near(a: Tensor, b: Tensor, t: int) -> bool:
    """Their tables are float32, whose 1 - alpha_bar is off by 1.7e-4 at the first step."""
    tolerance = 1e-3 if t <= 10 else 1e-4 if t < 100 else 1e-5
    return bool(((a - b).abs() <= tolerance * (1 + b.abs())).all())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("clip", [None, (-1.0, 1.0)])
def test_ddpm_step_by_step(kind: str, clip: tuple[float, float] | None) -> None:
    net = unet()
    theirs = DDPMScheduler(1000, prediction_type=kind, clip_sample=clip is not None, **COSINE)
    theirs.set_timesteps(10)
    ours, x_T = from_diffusers(net, theirs), normal(2, 1, 8, 8, seed=1)
    assert ours.schedule.T == 1000 and ours.schedule.name == "squaredcos_cap_v2"
    assert torch.equal(ours.schedule.beta[1:], theirs.betas.double())
    run = ancestral(
        ours,
        ours.schedule,
        x_T,
        ours.schedule.timesteps(10, "trailing"),
        variance=fixed_small,
        generator=_seed(2),
        clip=clip,
    )
    for step in run:
        answer = net(step.x_t, step.t - 1).sample
        out = theirs.step(answer, step.t - 1, step.x_t, generator=_seed(0))
        assert near(step.x0_hat, out.pred_original_sample, step.t)
        # their noise is drawn inside: what is left of their step is the mean
        noise = torch.randn(step.x_t.shape, generator=_seed(0), dtype=step.x_t.dtype) if step.t > 1 else 0.0
        if step.s > 0:
            assert near(step.mean, out.prev_sample - step.variance**0.5 * noise, step.t)
        late = net(step.x_t, step.t).sample  # t not counted from 0 (mistake 8)
        assert torch.equal(ours.net(step.x_t, step.t), answer) and not torch.equal(answer, late)


def _seed(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("eta", [0.0, 0.7])
def test_ddim_step_by_step(kind: str, eta: float) -> None:
    net, other = unet(), {"epsilon": "sample", "sample": "v_prediction", "v_prediction": "epsilon"}[kind]
    theirs, wrong = (DDIMScheduler(1000, prediction_type=k, clip_sample=False, **COSINE) for k in (kind, other))
    for scheduler in (theirs, wrong):
        scheduler.set_timesteps(10)
    ours = from_diffusers(net, theirs)
    timesteps = ours.schedule.timesteps(10, "trailing")
    for step in ddim(ours, ours.schedule, normal(2, 1, 8, 8, seed=1), timesteps, eta=eta, generator=_seed(2)):
        answer = net(step.x_t, step.t - 1).sample
        landed, astray = (
            scheduler.step(answer, step.t - 1, step.x_t, eta, variance_noise=step.noise).prev_sample
            for scheduler in (theirs, wrong)
        )
        assert near(step.x_s, landed, step.t)
        assert not near(step.x_s, astray, step.t)


def test_a_batch_of_t_and_the_loss_are_those_of_any_denoiser() -> None:
    net = unet()
    ours = from_diffusers(net, DDPMScheduler(1000))
    x, t = normal(3, 1, 8, 8, seed=1), torch.tensor([1, 500, 1000])
    rows = torch.cat([ours(x[i : i + 1], int(t[i])) for i in range(3)])
    assert torch.allclose(ours(x, t), rows, rtol=1e-10, atol=1e-12)
    assert not torch.allclose(ours(x, t.flip(0)), rows)
    eps = normal(3, 1, 8, 8, seed=2)
    x_t = ours.schedule.sqrt_alpha_bar[400] * x + ours.schedule.sqrt_one_minus_alpha_bar[400] * eps
    expected = (net(x_t, 399).sample - eps).square().flatten(1).mean(1)
    assert torch.allclose(simple_loss(ours, ours.schedule, x, 400, eps=eps), expected, rtol=1e-10)
    for t_out in (0, 1001, torch.tensor([1, 0, 3])):  # theirs would be -1
        with pytest.raises(BadInput, match=r"^t must be an integer from 1 to 1000; got "):
            ours(x, t_out)


def test_classes_and_texts_are_what_it_is_told() -> None:
    net = unet(classes=3)
    ours, x, labels = from_diffusers(net, DDPMScheduler(1000)), normal(2, 1, 8, 8, seed=1), torch.tensor([0, 2])
    assert torch.equal(ours(x, 7, labels), net(x, 6, class_labels=labels).sample)
    assert not torch.equal(ours(x, 7, labels), ours(x, 7, labels.flip(0)))
    assert torch.equal(Guided(ours, labels)(x, 7), ours(x, 7, labels))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        reads = UNet2DConditionModel(
            sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, block_out_channels=(8, 8),
            norm_num_groups=4, cross_attention_dim=6, attention_head_dim=4,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        ).requires_grad_(False).double()  # fmt: skip
    told = from_diffusers(reads, DDPMScheduler(1000))
    words = normal(2, 5, 6, seed=3)
    assert torch.equal(told(x, 7, words), reads(x, 6, encoder_hidden_states=words).sample)
    assert not torch.allclose(told(x, 7, words), told(x, 7, words.flip(0)))


def test_a_learned_range_is_ours() -> None:
    """DDPM's "learned_range": the second half of the output, from -1 at beta-tilde to 1 at beta."""
    net, theirs = unet(out=2), DDPMScheduler(1000, variance_type="learned_range", clip_sample=False, **COSINE)
    theirs.set_timesteps(10)
    ours = from_diffusers(net, theirs)
    run = LearnedVariance(ours)
    timesteps = ours.schedule.timesteps(10, "trailing")
    for step in ancestral(
        run, ours.schedule, normal(2, 1, 8, 8, seed=1), timesteps, variance=run.variance, generator=_seed(2)
    ):
        if step.s > 0:
            output = net(step.x_t, step.t - 1).sample
            out = theirs.step(output, step.t - 1, step.x_t, generator=_seed(0)).prev_sample
            noise = torch.randn(step.x_t.shape, generator=_seed(0), dtype=step.x_t.dtype)
            assert isinstance(step.variance, Tensor)
            assert near(step.mean + step.variance.sqrt() * noise, out, step.t)
            assert not near(step.mean + step.pair.beta**0.5 * noise, out, step.t)


def test_a_schedule_without_a_name_is_theirs() -> None:
    scheduler = SimpleNamespace(betas=torch.tensor([0.1, 0.2]), config={})
    assert from_diffusers(unet(), scheduler).schedule.name == "diffusers"
    assert from_diffusers(unet(), DDPMScheduler(10, beta_schedule="linear")).schedule.name == "linear"


def test_what_is_no_denoiser_is_one_sentence(tmp_path: Any) -> None:
    net = unet()
    cases = [
        (
            DDPMScheduler(10, prediction_type="flow"),
            "prediction_type must be one of epsilon, sample, v_prediction; got",
        ),
        (
            DDPMScheduler(10, variance_type="learned"),
            "variance_type must be learned_range, or a fixed one; got learned",
        ),
        (FlowMatchEulerDiscreteScheduler(), "The scheduler must have betas; got FlowMatchEulerDiscreteScheduler"),
        (SimpleNamespace(betas=torch.tensor([0.1, 2.0]), config={}), r"beta\[2\] must lie between 0 and 1"),
    ]
    for scheduler, sentence in cases:
        with pytest.raises(BadInput, match="^" + sentence):
            from_diffusers(net, scheduler)
    ours = from_diffusers(nn.Identity(), DDPMScheduler(10))
    assert isinstance(ours, Predictor)
    with pytest.raises(BadInput, match=r"^The network must be one that is trained here, an MLP or a U-Net; got "):
        save_denoiser(tmp_path / "net", ours)
    two = from_diffusers(unet(out=2), DDPMScheduler(10))  # its second output is said nowhere
    with pytest.raises(BadInput, match=r"^the denoiser's eps must have the shape of x_t"):
        next(ddim(two, two.schedule, normal(1, 1, 8, 8, seed=1), (10,)))
