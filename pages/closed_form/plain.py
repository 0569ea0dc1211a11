"""Jump to any t: the chain of t small steps, and one jump that ends at the same place."""

import torch

T, t = 1000, 200
beta = torch.cat([torch.zeros(1), torch.linspace(1e-4, 0.02, T, dtype=torch.float64)])  # beta[t], t = 1..T
alpha_bar = torch.cumprod(1 - beta, 0)

torch.manual_seed(0)
x0 = torch.randn(300, 2, dtype=torch.float64)
x, noise = x0, torch.zeros_like(x0)
for i in range(1, t + 1):
    z = torch.randn_like(x)
    x = (1 - beta[i]).sqrt() * x + beta[i].sqrt() * z
    noise = (1 - beta[i]).sqrt() * noise + beta[i].sqrt() * z  # what all the noise so far adds up to

z_bar = noise / (1 - alpha_bar[t]).sqrt()  # variance 1 again
jump = alpha_bar[t].sqrt() * x0 + (1 - alpha_bar[t]).sqrt() * z_bar
print(f"variance of the noise so far {noise.var():.4f}, 1 - alpha_bar_t = {1 - alpha_bar[t]:.4f}")
print(f"chain and jump differ by at most {(x - jump).abs().max():.1e}")
