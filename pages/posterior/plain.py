"""The posterior: where x_s was, if x_t and x_0 are known; by its formula, and by simulation."""

import torch

T, t, s, x_0, x_t = 1000, 400, 300, 1.0, -0.5
beta = torch.cat([torch.zeros(1), torch.linspace(1e-4, 0.02, T, dtype=torch.float64)])  # beta[t], t = 1..T
alpha_bar = torch.cumprod(1 - beta, 0)

a_t, a_s = alpha_bar[t], alpha_bar[s]
step = a_t / a_s  # alpha of the stride from s to t; its beta is 1 - step
mean = (a_s.sqrt() * (1 - step) * x_0 + step.sqrt() * (1 - a_s) * x_t) / (1 - a_t)
variance = (1 - step) * (1 - a_s) / (1 - a_t)

torch.manual_seed(0)
z1, z2 = torch.randn(2, 2_000_000, dtype=torch.float64)
was = a_s.sqrt() * x_0 + (1 - a_s).sqrt() * z1  # many walks from x_0 to x_s ...
seen = step.sqrt() * was + (1 - step).sqrt() * z2  # ... and on to x_t
inside = was[(seen - x_t).abs() < 0.02]  # where those were that came to x_t, or as good as

print(f"formula:   mean {mean:.4f}, variance {variance:.4f}")
print(f"simulated: mean {inside.mean():.4f}, variance {inside.var():.4f}, from {len(inside)} walks")
