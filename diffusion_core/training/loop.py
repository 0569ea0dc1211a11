r"""Training a denoiser: draw data, t and noise, predict, step; one loop for a page, a notebook and a command line.

.. math::
    L = E_{x_0,\ t\sim U\{1..T\},\ \epsilon}\ \|y - f_\theta(x_t, t)\|^2/d, \qquad
    y = \epsilon,\quad x_0 \quad\text{or}\quad v = \sqrt{\bar\alpha_t}\,\epsilon - \sqrt{1-\bar\alpha_t}\,x_0,

or, where the network has a second output, the hybrid loss of `objectives.hybrid_loss`. Whatever y is, the error of the
eps that follows from the output is that of y times 1, :math:`\bar\alpha_t/(1-\bar\alpha_t)` or :math:`\bar\alpha_t`:
that one can be laid beside the exact floor (`laws.bounds.loss_floor`), and no network's mean falls below it.

The draws of step k depend on the seed and on k alone. So a run that is resumed needs no state of a random generator,
and goes on bit for bit as if it had never stopped.

References:
    Ho, Jain, Abbeel 2020, algorithm 1, eq. 14. Salimans, Ho 2022 (x_0 and v). Nichol, Dhariwal 2021 (hybrid).
"""

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from diffusion_core.denoisers import split_variance
from diffusion_core.errors import BadInput, check_finite, check_whole
from diffusion_core.nets.initial import seeded
from diffusion_core.objectives import hybrid_loss
from diffusion_core.schedule import NoiseSchedule, cast
from diffusion_core.training.draws import DataSampler
from diffusion_core.training.state import BINS, Snapshot, TrainingConfig, TrainingState, check_target

__all__ = ["train"]

LOST = 1e4  # a network that answers 0 has a loss of about 1


# --- the loop -------------------------------------------------------------------------------------------------------


def train(
    config: TrainingConfig,
    sample: DataSampler,
    schedule: NoiseSchedule,
    every: int = 50,
    resume: Snapshot | None = None,
    device: torch.device | str = "cpu",
    bf16: bool = False,
    wrap: Callable[[nn.Module], nn.Module] = lambda net: net,
    rank: int = 0,
) -> Iterator[TrainingState]:
    """Trains, and yields its state every few steps, at multiples of `every` and at the end.

    Args:
        config: the run.
        sample: draws the data; its generator is on the CPU.
        schedule: the noise.
        every: steps between two states; which ones are yielded changes nothing in the run.
        resume: the snapshot to go on from; its network must be the configuration's.
        device: of the network.
        bf16: run the network under bfloat16 autocast.
        wrap: what the step calls in place of the network: `torch.compile`, or an engine's data-parallel wrapper.
        rank: the number of this process, where several train together: each draws its own data.

    Raises:
        BadInput: arguments that do not fit; eps on a schedule that ends in pure noise; data that the network cannot
            take; (while it runs) a loss that is not finite, or beyond all measure.
    """
    check_whole("every", every, 1, 10**8)
    check_target(config, schedule)
    if resume is not None and resume.config.net != config.net:
        raise BadInput(
            "resume must hold the network {expected}; got {got}.", expected=config.net, got=resume.config.net
        )
    _check_data(config, sample(1, torch.Generator().manual_seed(0))[0])
    device = torch.device(device)
    net = seeded(config.seed, config.net.build).to(device)
    ema = copy.deepcopy(net).requires_grad_(False)
    optimizer = torch.optim.AdamW(net.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
    start = 0 if resume is None else resume.step
    if resume is not None:
        net.load_state_dict(resume.net)
        ema.load_state_dict(resume.ema)
        _set_moments(optimizer, net, resume)
    wrapped = wrap(net)
    # q_sample with its tables cast once, and no look at each number: a step of a small network is short
    signal, noise = (table.float().to(device) for table in (schedule.sqrt_alpha_bar, schedule.sqrt_one_minus_alpha_bar))
    weights, averages = list(net.parameters()), list(ema.parameters())

    def states() -> Iterator[TrainingState]:
        generator = torch.Generator()
        meter = _Meter(schedule.T, device)
        clock = time.perf_counter()
        for k in range(start, config.steps):
            generator.manual_seed(_seed(config.seed, rank, k))
            x0, cond, t, eps = _draw(config, sample, schedule, generator, device)
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                output = wrapped(_rows(signal, t, x0) * x0 + _rows(noise, t, x0) * eps, t, cond)
            loss, eps_loss = objective(config, schedule, output.float(), x0, t, eps)
            loss.backward()
            _step(config, k, weights, averages, optimizer)
            meter.add(loss.detach(), eps_loss, t)

            if (k + 1) % every == 0 or k + 1 == config.steps:
                loss_now, eps_now, by_t, steps = meter.read()
                if not loss_now < LOST:  # NaN fails every comparison
                    raise BadInput(
                        "Training diverged before step {step}: the loss is {loss:g}. "
                        "Try a lower learning rate than {lr:g}.",
                        step=k + 1,
                        loss=loss_now,
                        lr=config.lr,
                    )
                speed = steps * config.batch / (time.perf_counter() - clock)
                lr = config.lr_at(k)
                yield TrainingState(config, schedule, k + 1, loss_now, eps_now, by_t, lr, speed, net, ema, optimizer)
                clock = time.perf_counter()

    return states()


def _check_data(config: TrainingConfig, x0: Tensor) -> None:
    check_finite("the data", x0)
    if x0.dtype != torch.float32:
        raise BadInput("The data must be torch.float32, as the network is; got {got}.", got=x0.dtype)
    config.net.check_data(x0.shape[1:])


def _set_moments(optimizer: torch.optim.AdamW, net: nn.Module, resume: Snapshot) -> None:
    for name, parameter in net.named_parameters():
        moments = {
            key: torch.empty_like(parameter).copy_(resume.moments[f"{key}.{name}"]) for key in ("exp_avg", "exp_avg_sq")
        }
        optimizer.state[parameter] = {"step": torch.tensor(float(resume.step), device=parameter.device), **moments}


@torch.no_grad()  # or the average would drag the history of every step along
def _step(
    config: TrainingConfig, k: int, weights: list[Any], averages: list[Any], optimizer: torch.optim.AdamW
) -> None:
    """Moves the weights along their gradients, and the average of the weights."""
    _shorten([w.grad for w in weights if w.grad is not None], config.max_norm)
    for group in optimizer.param_groups:
        group["lr"] = config.lr_at(k)
    optimizer.step()
    optimizer.zero_grad()
    torch._foreach_lerp_(averages, weights, 1 - min(config.ema, (1 + k) / (10 + k)))


def _shorten(gradients: list[Tensor], max_norm: float) -> None:
    """PyTorch's clip_grad_norm_ with all tensors in one call: a small network's step is 3 % shorter so."""
    if not gradients:
        return
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, (max_norm / (norm + 1e-6)).clamp(max=1.0))


def _rows(table: Tensor, t: Tensor, x: Tensor) -> Tensor:
    """A table's values at t, (batch, 1, ..., 1), to multiply x with."""
    return table[t].reshape(-1, *[1] * (x.ndim - 1))


def _seed(seed: int, rank: int, step: int) -> int:
    """Another number for each step of a run; PyTorch's generator on the CPU looks at 32 bits of it."""
    return (step + 1_000_003 * rank + 2_654_435_761 * seed) % 2**32


def _draw(
    config: TrainingConfig,
    sample: DataSampler,
    schedule: NoiseSchedule,
    generator: torch.Generator,
    device: torch.device,
) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
    """x_0, classes, t and eps of one step; drawn on the CPU, so that every device sees the same."""
    x0, cond = sample(config.batch, generator)
    t = torch.randint(1, schedule.T + 1, (config.batch,), generator=generator)
    eps = torch.randn(x0.shape, generator=generator)
    nothing = config.net.no_condition
    if cond is not None and nothing is not None:
        dropped = torch.rand(config.batch, generator=generator) < config.drop_class
        cond = torch.where(dropped.reshape(-1, *[1] * nothing.ndim), nothing, cond).to(device)
    return x0.to(device), cond, t.to(device), eps.to(device)


def objective(
    config: TrainingConfig, schedule: NoiseSchedule, output: Tensor, x0: Tensor, t: Tensor, eps: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss, a 0-d tensor to differentiate, and the squared error of eps in each row, (batch,), detached.

    Args:
        output: (batch, ...) the network's, at x_t.
        x0, t, eps: (batch, ...), (batch,), (batch, ...) what made x_t.
    """
    if config.net.learned_variance:
        eps_hat, v = split_variance(output)
        error = (eps - eps_hat).detach().square()
        return hybrid_loss(eps_hat, v, schedule, t, eps), error.flatten(1).mean(1)
    target = {"eps": eps, "x0": x0}.get(config.predicts)
    if target is None:  # v
        signal = schedule.at(schedule.sqrt_alpha_bar, t, eps)
        target = signal * eps - schedule.at(schedule.sqrt_one_minus_alpha_bar, t, eps) * x0
    rows = (output - target).square().flatten(1).mean(1)  # (batch,)
    return rows.mean(), rows.detach() * eps_weight(config.predicts, schedule, t, rows)


def eps_weight(predicts: str, schedule: NoiseSchedule, t: Tensor, like: Tensor) -> Tensor:
    """(batch,) what turns the squared error of the output into that of eps: 1, the SNR, or alpha_bar."""
    if predicts == "eps":
        return torch.ones_like(like)
    table = schedule.snr if predicts == "x0" else schedule.alpha_bar
    return cast(table, like)[t]


class _Meter:
    """Sums since the last state, kept on the device: reading them is what waits for it."""

    def __init__(self, T: int, device: torch.device) -> None:
        self.bin = ((torch.arange(T + 1) - 1) * BINS // T).clamp(min=0).to(device)  # of each t
        self.sums = torch.zeros(3, BINS, device=device)  # the loss (in the first place), eps by t, how often
        self.waiting: list[tuple[Tensor, Tensor, Tensor]] = []  # 25 sums take as long as one
        self.steps = 0

    def add(self, loss: Tensor, eps_loss: Tensor, t: Tensor) -> None:
        self.waiting.append((loss, eps_loss, t))
        self.steps += 1
        if len(self.waiting) == 25:
            self._sum()

    def _sum(self) -> None:
        if self.waiting:
            loss, eps_loss, t = (torch.stack(part) for part in zip(*self.waiting, strict=True))
            place, errors = self.bin[t].flatten(), eps_loss.flatten()
            self.sums[0, 0] += loss.sum()
            self.sums[1].index_add_(0, place, errors)
            self.sums[2].index_add_(0, place, torch.ones_like(errors))
            self.waiting.clear()

    def read(self) -> tuple[float, float, Tensor, int]:
        self._sum()
        sums, steps = self.sums.double().cpu(), self.steps
        self.sums.zero_()
        self.steps = 0
        by_t = sums[1] / sums[2]
        return sums[0, 0].item() / steps, (sums[1].sum() / sums[2].sum()).item(), by_t, steps
