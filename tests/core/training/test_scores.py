"""The score of a way that is known: an untrained flow makes N(0, I); the truth beside it; the shipped numbers again."""

import json

import pytest
import torch

from diffusion_core.data.toys import eight_gaussians
from diffusion_core.files import MODELS
from diffusion_core.laws.coverage import Reference
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.spline_flow import FlowConfig
from diffusion_core.nets.vae import VAEConfig
from diffusion_core.training import scores
from diffusion_core.training.checkpoint import load_way
from diffusion_core.training.scores import bound_of, score, score_of_samples
from diffusion_core.training.ways import Flow, Vae

REFERENCE = Reference(eight_gaussians().law, n=40_000)


def test_of_noise_the_score_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """KL(p || N(0, I)) = 2.536 +- 0.016 nats, measured elsewhere on 400,000 draws; here on 1,000."""
    monkeypatch.setattr(scores, "SAMPLES", 4000)
    found = score(Flow(seeded(0, FlowConfig(width=8).build).requires_grad_(False)), REFERENCE)
    assert found["kl"] == pytest.approx(2.536, abs=0.08) and found["kl_back"] > 10
    assert found["kl_h"] < found["kl"] and found["outside_99"] > 0.6 and found["caught"] < 8
    truth = score_of_samples(
        REFERENCE, REFERENCE.law.sample(4000, torch.Generator().manual_seed(1)), torch.Generator().manual_seed(2)
    )
    assert truth["kl_h"] < 0.1 and truth["caught"] == 8 and "kl" not in truth


def test_a_bound_lies_below_and_its_gap_is_what_is_missing() -> None:
    net = seeded(0, VAEConfig(width=8, log_s=-0.5).build).requires_grad_(False)
    x = REFERENCE.law.sample(50, torch.Generator().manual_seed(3))
    found = bound_of(net, Vae(net).log_prob(x), x, torch.Generator().manual_seed(4))
    assert found.gap > 0 and found.elbo + found.gap == pytest.approx(found.log_prob)
    assert found.s == pytest.approx(0.6065, abs=1e-3) and found.rate > 0
    assert found.elbo + found.rate > found.log_prob - found.gap  # the rate is a price


def test_the_shipped_numbers_are_those_of_the_shipped_networks() -> None:
    """In float16 as in float32; the samples are the same seed's."""
    numbers = json.loads((MODELS / "four_ways.json").read_text(encoding="utf-8"))["data"]["eight_gaussians"]
    reference, generator = Reference(eight_gaussians().law), torch.Generator().manual_seed(1000)
    for kind in ("gan", "flow"):
        found = reference.coverage(load_way(MODELS / f"{kind}_eight_gaussians.safetensors").sample(20_000, generator))
        kept = numbers[kind][0]
        generator.manual_seed(1000)
        assert found.outside_99 == pytest.approx(kept["outside_99"], abs=0.003)
        assert found.quality_median == pytest.approx(kept["quality_median"], abs=0.02)
        assert found.caught == kept["caught"] == 8
    assert numbers["gan"][0]["outside_99"] > numbers["flow"][0]["outside_99"] + 0.05
