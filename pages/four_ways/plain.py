"""A GAN: two losses in turn, with R1 on the data, and no momentum."""

import torch
from torch import nn
from torch.nn.functional import softplus

angle = torch.arange(8) * torch.pi / 4
peaks = 2**0.5 * torch.stack([angle.cos(), angle.sin()], 1)  # the data: eight narrow peaks on a ring

torch.manual_seed(0)
leaky = nn.LeakyReLU(0.2)
gen = nn.Sequential(nn.Linear(2, 64), leaky, nn.Linear(64, 64), leaky, nn.Linear(64, 2))
dis = nn.Sequential(nn.Linear(2, 64), leaky, nn.Linear(64, 64), leaky, nn.Linear(64, 1))
to_gen, to_dis = (torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.0, 0.99)) for net in (gen, dis))
for _ in range(300):
    x = (peaks[torch.randint(8, (256,))] + 0.1 * torch.randn(256, 2)).requires_grad_()
    fake, real = gen(torch.randn(256, 2)), dis(x)
    slope = torch.autograd.grad(real.sum(), x, create_graph=True)[0].square().sum(1).mean()
    loss_dis = softplus(-real).mean() + softplus(dis(fake.detach())).mean() + 0.05 * slope
    to_dis.zero_grad(), loss_dis.backward(), to_dis.step()
    loss_gen = softplus(-dis(fake)).mean()
    to_gen.zero_grad(), loss_gen.backward(), to_gen.step()
nearest = torch.cdist(gen(torch.randn(1000, 2)), peaks).argmin(1)
print("samples near each peak:", torch.bincount(nearest, minlength=8).tolist())
