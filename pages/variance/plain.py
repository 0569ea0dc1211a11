"""Which variance? Gaussian data, the exact denoiser, ten steps, and the same noise for three choices."""

import torch

T, N, of_data = 1000, 10, 0.25  # data from N(0, of_data)
beta = torch.cat([torch.zeros(1), torch.linspace(1e-4, 0.02, T, dtype=torch.float64)])  # beta[t], t = 1..T
alpha_bar = torch.cumprod(1 - beta, 0)
timesteps = [1 + round(k * (T - 1) / (N - 1)) for k in range(N - 1, -1, -1)]  # 1000, 889, ..., 112, 1
made = {}
for choice in ("beta", "beta-tilde", "optimal"):
    torch.manual_seed(0)
    x = torch.randn(100_000, dtype=torch.float64)
    for t, s in zip(timesteps, [*timesteps[1:], 0], strict=True):
        a_t, a_s = alpha_bar[t], alpha_bar[s]
        b = 1 - a_t / a_s  # of the whole stride
        x0_hat = a_t.sqrt() * of_data / (1 - a_t + a_t * of_data) * x  # E[x_0 | x_t] ...
        spread = of_data * (1 - a_t) / (1 - a_t + a_t * of_data)  # ... and Var[x_0 | x_t]
        mean = (a_s.sqrt() * b * x0_hat + (a_t / a_s).sqrt() * (1 - a_s) * x) / (1 - a_t)
        b_tilde = b * (1 - a_s) / (1 - a_t)
        variances = {"beta": b, "beta-tilde": b_tilde, "optimal": b_tilde + a_s * (b / (1 - a_t)) ** 2 * spread}
        x = mean + (s > 0) * variances[choice].sqrt() * torch.randn_like(x)  # the last step adds none
    made[choice] = x
    print(f"{choice:10} variance of the samples / of the data: {x.var() / of_data:.3f}")
