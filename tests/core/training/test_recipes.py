"""What is shown where a trained network is missing: its configuration, before the first step."""

import torch

from diffusion_core.nets.text import tokenize
from diffusion_core.training.recipes import digits_config, latent_config, untrained, untrained_autoencoder


def test_an_untrained_network_is_the_recipes_own_and_answers_nothing_yet() -> None:
    digits, reader = untrained(digits_config()), untrained(latent_config())
    assert (digits.config, digits.predicts) == (digits_config().net, "eps")
    assert (reader.config, reader.predicts) == (latent_config().net, "v")
    x_t = torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert digits(x_t, 500, torch.tensor([3, 7])).abs().max() == 0
    z_t = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    eps = reader(z_t, 500, tokenize(["a red star"]))  # v = 0: eps is what there is of it in z_t
    assert torch.allclose(eps, float(reader.schedule.sqrt_one_minus_alpha_bar[500]) * z_t, atol=1e-6)
    assert not any(parameter.requires_grad for net in (digits.net, reader.net) for parameter in net.parameters())


def test_another_seed_draws_other_weights() -> None:
    first = [untrained(digits_config(seed=seed)).net.state_dict() for seed in (0, 0, 1)]
    same, other = ([torch.equal(first[0][name], net[name]) for name in first[0]] for net in first[1:])
    assert all(same) and not all(other)


def test_an_untrained_autoencoder_makes_latents_of_the_right_shape() -> None:
    coder = untrained_autoencoder()
    x = torch.zeros(2, 3, 32, 32)
    assert coder.encode(x).shape == (2, 4, 8, 8) and coder.decode(coder.encode(x)).shape == x.shape
    again = untrained_autoencoder().state_dict()
    assert all(torch.equal(again[name], value) for name, value in coder.state_dict().items())
