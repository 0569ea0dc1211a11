"""Text and guidance: the guided step. Two bumps, N(-0.7, 0.6^2) and N(0.7, 0.6^2), stand for two prompts."""

import torch

T, N, w = 1000, 50, 3.0
beta = torch.cat([torch.zeros(1), torch.linspace(1e-4, 0.02, T, dtype=torch.float64)])  # beta[t], t = 1..T
alpha_bar = torch.cumprod(1 - beta, 0)
bumps = torch.tensor([-0.7, 0.7], dtype=torch.float64)


def predict(x: torch.Tensor, t: int, means: torch.Tensor) -> torch.Tensor:  # exact; a network stands here
    variance = alpha_bar[t] * 0.6**2 + 1 - alpha_bar[t]
    away = x[:, None] - alpha_bar[t].sqrt() * means  # from each bump, as it is at t
    weights = torch.softmax(-(away**2) / (2 * variance), 1)
    return (1 - alpha_bar[t]).sqrt() / variance * (weights * away).sum(1)


torch.manual_seed(0)
x = torch.randn(20_000, dtype=torch.float64)
for t in range(T, 0, -T // N):
    plain, told = predict(x, t, bumps), predict(x, t, bumps[1:])  # without the prompt, and with it
    eps = plain + w * (told - plain)
    x0_hat, s = (x - (1 - alpha_bar[t]).sqrt() * eps) / alpha_bar[t].sqrt(), t - T // N
    x = alpha_bar[s].sqrt() * x0_hat + (1 - alpha_bar[s]).sqrt() * eps  # DDIM's step
print(f"the prompt's bump: mean 0.7, deviation 0.6; made with w = {w}: mean {x.mean():.2f}, deviation {x.std():.2f}")
