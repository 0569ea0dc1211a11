"""Why latents? Eight numbers stand for a picture of 256, and the way back from noise is walked in the eight."""

import torch

T, N = 1000, 50
beta = torch.cat([torch.zeros(1), torch.linspace(1e-4, 0.02, T, dtype=torch.float64)])  # beta[t], t = 1..T
alpha_bar = torch.cumprod(1 - beta, 0)

torch.manual_seed(0)
places, axis = torch.rand(2, 200, 1, dtype=torch.float64) - 0.5, torch.linspace(-1, 1, 16, dtype=torch.float64)
across, down = torch.exp(-4 * (axis - places) ** 2)
pictures = (down[:, :, None] * across[:, None]).flatten(1)  # a blob each, (200, 256)
centre = pictures.mean(0)
code = torch.linalg.svd(pictures - centre, full_matrices=False).Vh[:8]  # the best linear autoencoder, (8, 256)
scale = 1 / ((pictures - centre) @ code.T).std()
z0 = scale * (pictures - centre) @ code.T  # the latents, of variance 1, as the noise at T has

z = torch.randn(100, 8, dtype=torch.float64)
for t in range(T, 0, -T // N):
    a, a_s = alpha_bar[t], alpha_bar[t - T // N]
    z0_hat = torch.softmax(-(torch.cdist(z, a.sqrt() * z0) ** 2) / (2 * (1 - a)), 1) @ z0  # a network stands here
    z = a_s.sqrt() * z0_hat + ((1 - a_s) / (1 - a)).sqrt() * (z - a.sqrt() * z0_hat)  # DDIM's step
made = z / scale @ code + centre  # decoded: pictures again
print(f"error of the code {(z0 / scale @ code + centre - pictures).std():.4f}; of pictures {pictures.std():.4f}")
