"""Predict the noise: the loss, and the loop that makes it small."""

import torch
from torch import nn

T = 1000
beta = torch.cat([torch.zeros(1), torch.linspace(1e-4, 0.02, T)])  # beta[t], t = 1..T
alpha_bar = torch.cumprod(1 - beta, 0)
angle = torch.arange(8) * torch.pi / 4
peaks = 2**0.5 * torch.stack([angle.cos(), angle.sin()], 1)  # the data: eight narrow peaks on a ring

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(1, 1001):
    x0 = peaks[torch.randint(8, (256,))] + 0.1 * torch.randn(256, 2)
    t, eps = torch.randint(1, T + 1, (256, 1)), torch.randn(256, 2)
    x_t = alpha_bar[t].sqrt() * x0 + (1 - alpha_bar[t]).sqrt() * eps
    loss = (net(torch.cat([x_t, t / T], 1)) - eps).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 250 == 0:
        print(f"step {step}: loss {loss.item():.3f} (to answer 0 costs 1)")
