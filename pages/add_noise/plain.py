"""Add noise: the schedule, and any x_t in one line."""

import torch

T = 1000
beta = torch.cat([torch.zeros(1), torch.linspace(1e-4, 0.02, T, dtype=torch.float64)])  # beta[t], t = 1..T
alpha_bar = torch.cumprod(1 - beta, 0)  # what is left of the data's variance


def q_sample(x0: torch.Tensor, t: int, eps: torch.Tensor) -> torch.Tensor:
    return alpha_bar[t].sqrt() * x0 + (1 - alpha_bar[t]).sqrt() * eps


torch.manual_seed(0)
x0 = torch.randint(0, 2, (8, 28, 28)).double() * 2 - 1  # black and white pixels: mean 0, variance 1
eps = torch.randn_like(x0)
for t in (1, 250, 500, 1000):
    x_t = q_sample(x0, t, eps)
    print(f"t = {t:4}: alpha_bar {alpha_bar[t]:.5f}, variance of x_t {x_t.var():.3f}")
