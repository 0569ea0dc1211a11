"""Reparameterize: two estimates of the gradient of E[z^2], z ~ N(mu, sigma^2)."""

import torch

mu, sigma = (torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in (1.0, 0.5))
torch.manual_seed(0)
eps = torch.randn(100_000, dtype=torch.float64)

z = mu + sigma * eps  # pathwise: z is a function of mu and sigma
pathwise = torch.autograd.grad((z**2).mean(), (mu, sigma))

z = z.detach()  # score function: z is a number; how likely it was depends on mu and sigma
log_p = torch.distributions.Normal(mu, sigma).log_prob(z)
score = torch.autograd.grad((z**2 * log_p).mean(), (mu, sigma))

exact = (2 * mu.item(), 2 * sigma.item())  # E[z^2] = mu^2 + sigma^2
for name, by_mu, by_sigma in (("exact", *exact), ("pathwise", *pathwise), ("score function", *score)):
    print(f"{name:15} d/dmu {by_mu:.3f}, d/dsigma {by_sigma:.3f}")
