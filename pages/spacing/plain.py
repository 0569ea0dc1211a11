"""Which timesteps: three ways to choose ten of a thousand, and what each makes of wide Gaussian data."""

import torch

T, N, of_data = 1000, 10, 100.0  # data from N(0, of_data)
beta = torch.cat([torch.zeros(1), torch.linspace(0.00085**0.5, 0.012**0.5, T, dtype=torch.float64) ** 2])
alpha_bar = torch.cumprod(1 - beta, 0)
spacings = {
    "trailing": [round(k * T / N) for k in range(N, 0, -1)],
    "iddpm": [1 + round(k * (T - 1) / (N - 1)) for k in range(N - 1, -1, -1)],
    "leading": [1 + k * (T // N) for k in range(N - 1, -1, -1)],
}
made = {}
for name, timesteps in spacings.items():
    torch.manual_seed(0)
    x = torch.randn(100_000, dtype=torch.float64)
    for t, s in zip(timesteps, [*timesteps[1:], 0], strict=True):
        a_t, a_s = alpha_bar[t], alpha_bar[s]
        b = 1 - a_t / a_s  # of the whole stride
        x0_hat = a_t.sqrt() * of_data / (1 - a_t + a_t * of_data) * x  # E[x_0 | x_t]
        mean = (a_s.sqrt() * b * x0_hat + (a_t / a_s).sqrt() * (1 - a_s) * x) / (1 - a_t)
        x = mean + (b * (1 - a_s) / (1 - a_t)).sqrt() * torch.randn_like(x)
    made[name] = x
    print(f"{name:8} starts at t = {timesteps[0]:4}; variance of the samples / of the data: {x.var() / of_data:.3f}")
