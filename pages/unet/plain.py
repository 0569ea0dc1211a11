"""Inside the network: how it is told t, and how each place looks at all the others."""

import torch
from torch import nn

channels = 64
torch.manual_seed(0)
norm, time = nn.GroupNorm(8, channels), nn.Linear(channels, channels)
qkv, proj = nn.Conv2d(channels, 3 * channels, 1), nn.Conv2d(channels, channels, 1)

t = torch.tensor([1, 500, 1000])
frequencies = 10_000.0 ** -(torch.arange(channels // 2) / (channels // 2 - 1))  # from 1 down to 1 / 10,000
angle = t[:, None] * frequencies
features = torch.cat([angle.sin(), angle.cos()], 1)  # fast waves and slow ones: no two t look alike

h = torch.randn(3, channels, 7, 7)  # what the layers before made of three noisy pictures
h = h + time(features)[:, :, None, None]  # every place is told t
q, k, v = qkv(norm(h)).flatten(2).transpose(1, 2).chunk(3, 2)  # asks, answers to, says: (3, 49, channels) each
weights = torch.softmax(q @ k.transpose(1, 2) / channels**0.5, 2)  # who looks where, (3, 49, 49)
out = h + proj((weights @ v).transpose(1, 2).reshape(h.shape))
print(f"out {tuple(out.shape)}; a place's weights sum to {weights[0, 0].sum():.3f}, the largest is {weights.max():.3f}")
