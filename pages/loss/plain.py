"""Why this loss? A chain of four steps: Jensen's bound by its paths, and the same bound by its terms."""

import torch
from torch.distributions import Normal, kl_divergence

torch.manual_seed(0)
T, n = 4, 100_000
alpha_bar = torch.tensor([1.0, 0.99, 0.68, 0.045, 0.001], dtype=torch.float64)  # alpha_bar[t]; [0] is the data's
x0 = 0.9 * torch.sign(torch.randn(n, dtype=torch.float64)) + 0.1 * torch.randn(n, dtype=torch.float64)
x, start, by_paths, by_terms = x0, Normal(0.0, 1.0), torch.zeros_like(x0), torch.zeros_like(x0)
for t in range(1, T + 1):
    a_t, a_s = alpha_bar[t], alpha_bar[t - 1]
    alpha, beta = a_t / a_s, 1 - a_t / a_s
    noising = Normal(alpha.sqrt() * x, beta.sqrt())  # q(x_t | x_s), s = t - 1
    x_t = noising.sample()
    c_0, c_t = a_s.sqrt() * beta / (1 - a_t), alpha.sqrt() * (1 - a_s) / (1 - a_t)
    x0_hat = 0.9 * torch.tanh(0.9 * a_t.sqrt() * x_t / (1 - a_t))  # a guess: E[x_0 | x_t] of two points
    model = Normal(c_0 * x0_hat + c_t * x_t, beta.sqrt())  # p(x_s | x_t)
    by_paths += noising.log_prob(x_t) - model.log_prob(x)
    known = Normal(c_0 * x0 + c_t * x_t, (beta * (1 - a_s) / (1 - a_t)).sqrt() + (t == 1))  # q(x_s | x_t, x_0)
    by_terms += kl_divergence(known, model) if t > 1 else -model.log_prob(x0)  # L_(t-1), and L_0
    x = x_t
by_paths -= start.log_prob(x)
by_terms += kl_divergence(Normal(alpha_bar[T].sqrt() * x0, (1 - alpha_bar[T]).sqrt()), start)  # L_T
print(f"{by_paths.mean():.3f} nats by paths, {by_terms.mean():.3f} by L_T + sum L_(t-1) + L_0")
