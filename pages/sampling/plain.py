"""Sample: from noise to data, a step at a time."""

import torch

T = 1000
beta = torch.cat([torch.zeros(1), torch.linspace(1e-4, 0.02, T, dtype=torch.float64)])  # beta[t], t = 1..T
alpha_bar = torch.cumprod(1 - beta, 0)
angle = torch.arange(8, dtype=torch.float64) * torch.pi / 4
points = 2**0.5 * torch.stack([angle.cos(), angle.sin()], 1)  # the data: eight points on a ring


def predict(x: torch.Tensor, t: int) -> torch.Tensor:  # exact for these data; a trained network stands here
    distance = torch.cdist(x, alpha_bar[t].sqrt() * points)
    x0_hat = torch.softmax(-(distance**2) / (2 * (1 - alpha_bar[t])), 1) @ points
    return (x - alpha_bar[t].sqrt() * x0_hat) / (1 - alpha_bar[t]).sqrt()


torch.manual_seed(0)
x = torch.randn(500, 2, dtype=torch.float64)
for t in range(T, 0, -1):
    mean = (x - beta[t] / (1 - alpha_bar[t]).sqrt() * predict(x, t)) / (1 - beta[t]).sqrt()
    variance = beta[t] * (1 - alpha_bar[t - 1]) / (1 - alpha_bar[t])  # beta-tilde: 0 in the last step
    x = mean + variance.sqrt() * torch.randn_like(x)
print(f"from a point of the data at most {torch.cdist(x, points).amin(1).max():.1e}")
