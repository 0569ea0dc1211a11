r"""Training a denoiser: draw data, t and noise, predict, step; one loop for a page, a notebook and a command line.

.. math::
    L = E_{x_0,\ t\sim U\{1..T\},\ \epsilon}\ \|y - f_\theta(x_t, t)\|^2/d, \qquad
    y = \epsilon,\quad x_0 \quad\text{or}\quad v = \sqrt{\bar\alpha_t}\,\epsilon - \sqrt{1-\bar\alpha_t}\,x_0,

or, where the network has a second output, the hybrid loss of `objectives.hybrid_loss`. Whatever y is, the error of the
eps that follows from the output is that of y times 1, :math:`\bar\alpha_t/(1-\bar\alpha_t)` or :math:`\bar\alpha_t`:
that one can be laid beside the exact floor (`objectives.loss_floor`), and no network's mean falls below it.

The draws of step k depend on the seed and on k alone. So a run that is resumed needs no state of a random generator,
and goes on bit for bit as if it had never stopped.

References:
    Ho, Jain, Abbeel 2020, algorithm 1, eq. 14. Salimans, Ho 2022 (x_0 and v). Nichol, Dhariwal 2021 (hybrid).
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from diffusion_core.errors import BadInput
from diffusion_core.exact import FiniteData, GaussianMixture
from diffusion_core.forward import check_finite, check_rows
from diffusion_core.nets import NetConfig, Predictor, check_predicts, split_variance
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.mlp import check_whole, seeded
from diffusion_core.nets.text import tokenize
from diffusion_core.objectives import hybrid_loss
from diffusion_core.schedule import NoiseSchedule, cast
from diffusion_core.shapes import captioned_shapes

__all__ = [
    "BINS",
    "DataSampler",
    "Snapshot",
    "TrainingConfig",
    "TrainingState",
    "check_target",
    "images",
    "latent_scenes",
    "points",
    "train",
]

BINS = 20
"""The loss by t is the mean over this many equal parts of 1..T."""

LOST = 1e4  # a network that answers 0 has a loss of about 1

DataSampler = Callable[[int, torch.Generator], tuple[Tensor, Tensor | None]]
"""(n, generator) -> n draws of x_0, (n, ...) float32, and their classes (n,) or tokens (n, L), or None."""


@dataclass(frozen=True)
class TrainingConfig:
    """All that decides how a run goes, besides its data and its schedule.

    Args:
        net: the network's configuration.
        predicts: what it is trained to predict: "eps", "x0" or "v"; eps where the variance is learned.
        steps: of the optimizer.
        batch: rows a step (of each process).
        lr: the highest learning rate; it rises over `warmup` steps, then falls to 0 along a cosine.
        weight_decay: AdamW's.
        max_norm: the gradient is shortened to this.
        ema: decay of the average of the weights; less in the first steps, min(ema, (1 + k) / (10 + k)).
        drop_class: how often a row loses its class or its text, so that the network learns guidance.
        seed: of the first weights and of every draw.

    Raises:
        BadInput: a number outside its range.
    """

    net: NetConfig
    predicts: str = "eps"
    steps: int = 4000
    batch: int = 512
    lr: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.0
    max_norm: float = 1.0
    ema: float = 0.999
    drop_class: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        check_predicts(self.predicts, self.net)
        check_whole("steps", self.steps, 1, 10**8)
        check_whole("batch", self.batch, 1, 10**6)
        check_whole("warmup", self.warmup, 0, 10**8)
        check_whole("seed", self.seed, 0, 2**31)
        for name, low, high in (("lr", 0, 100), ("weight_decay", 0, 100), ("max_norm", 0, 1e9)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadInput(
                    "{name} must be a number from {low} to {high}; got {got}.", name=name, low=low, high=high, got=value
                )
        for name in ("ema", "drop_class"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadInput("{name} must be a number from 0 to 1; got {got}.", name=name, got=getattr(self, name))

    def lr_at(self, step: int) -> float:
        """The learning rate of step k = 0, 1, ..."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        return self.lr * rise * 0.5 * (1 + math.cos(math.pi * step / self.steps))


def check_target(config: TrainingConfig, schedule: NoiseSchedule) -> None:
    """Raises BadInput where a network would predict eps of pure noise: it could never be sampled from there."""
    if config.predicts == "eps" and schedule.log_alpha_bar[-1] == -math.inf:
        raise BadInput(
            "alpha_bar is 0 at t = {t} of the schedule {schedule}, where eps says nothing of x_0: "
            "let the network predict x0 or v there, without a learned variance.",
            t=schedule.T,
            schedule=schedule.name,
        )


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A run that can go on: copies, which later steps do not touch.

    Attributes:
        config, schedule: of the run.
        step: how many steps are done.
        net, ema: the weights and their average, by name.
        moments: AdamW's two averages, "exp_avg.name" and "exp_avg_sq.name".
    """

    config: TrainingConfig
    schedule: NoiseSchedule
    step: int
    net: dict[str, Tensor]
    ema: dict[str, Tensor]
    moments: dict[str, Tensor]

    @property
    def denoiser(self) -> Predictor:
        """A new network with the averaged weights, as a denoiser."""
        net = seeded(0, self.config.net.build).requires_grad_(False)
        net.load_state_dict(self.ema)
        return Predictor(net, self.config.net, self.schedule, self.config.predicts)


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Where a run stands. Networks are the living ones: use them before the next state is asked for, or copy them.

    Attributes:
        config, schedule: of the run.
        step: how many steps are done.
        loss: the mean of the trained loss since the last state.
        eps_loss: the same in the units of eps, averaged over t evenly: what the floor bounds from below.
        eps_loss_by_t: (BINS,) the same in each part of 1..T; NaN where no t was drawn.
        lr: the learning rate of the last step.
        rows_per_second: of training data, without the time that the caller took.
        net, ema: the network, and the one with the averaged weights, the better one to sample with.
        optimizer: AdamW.
    """

    config: TrainingConfig
    schedule: NoiseSchedule
    step: int
    loss: float
    eps_loss: float
    eps_loss_by_t: Tensor
    lr: float
    rows_per_second: float
    net: nn.Module
    ema: nn.Module
    optimizer: torch.optim.AdamW

    @property
    def denoiser(self) -> Predictor:
        """The averaged network as a denoiser."""
        return Predictor(self.ema, self.config.net, self.schedule, self.config.predicts)

    def snapshot(self) -> Snapshot:
        """A copy on the CPU, to save or to resume from."""
        names: dict[Tensor, str] = {parameter: name for name, parameter in self.net.named_parameters()}
        moments = {
            f"{key}.{names[parameter]}": _copy(value)
            for parameter, values in self.optimizer.state.items()
            for key, value in values.items()
            if key != "step"  # all are at the same step
        }
        net, ema = ({name: _copy(w) for name, w in m.state_dict().items()} for m in (self.net, self.ema))
        return Snapshot(self.config, self.schedule, self.step, net, ema, moments)


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", memory_format=torch.contiguous_format, copy=True)


# --- data -----------------------------------------------------------------------------------------------------------


def points(law: GaussianMixture | FiniteData) -> DataSampler:
    """Draws from a law, (n, d) float32, without classes."""
    return lambda n, generator: (law.sample(n, generator).float(), None)


def images(data: Tensor, labels: Tensor | None = None) -> DataSampler:
    """Rows of data (N, C, H, W), float32, with their labels (N,): each draw is even and with replacement.

    Raises:
        BadInput: no rows, or labels for other rows.
    """
    check_rows("data", data)
    if labels is not None and len(labels) != len(data):
        n, got = len(data), len(labels)
        raise BadInput("labels must hold one for each of the {n} rows of data; got {got}.", n=n, got=got)

    def sample(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        index = torch.randint(len(data), (n,), generator=generator)
        return data[index], None if labels is None else labels[index]

    return sample


def latent_scenes(autoencoder: Autoencoder) -> DataSampler:
    """Captioned shapes without end, as latents of mean 0 and variance 1, with the tokens of their captions.

    Six scenes in ten hold two things: whose colour is whose is what is learned last.
    """

    @torch.no_grad()
    def sample(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        pictures, captions = captioned_shapes(n, generator, two=0.6)
        return autoencoder.encode(pictures), tokenize(map(str, captions))

    return sample


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
